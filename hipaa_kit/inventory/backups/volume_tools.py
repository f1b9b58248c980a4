"""Tools that copy volumes: VolSync, Longhorn, K8up, Kasten.

Sources: https://volsync.readthedocs.io/en/stable/usage/, https://longhorn.io/docs/latest/snapshots-and-backups/
(recurring jobs reach volumes by labels of the Longhorn Volume; one without any such label is in the group `default`),
https://docs.k8up.io/k8up/references/annotations.html with `operator/backupcontroller/backup_utils.go` of k8up-io/k8up
(what becomes of claims without an annotation is a setting of the operator), and
https://docs.kasten.io/latest/api/policies.html. Actions of Kasten are served by a server of its own and not read: when
its policies last ran is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hipaa_kit.inventory.backups.model import (
    COMPLETED,
    FAILED,
    INVALID,
    PAUSED,
    RUNNING,
    UNKNOWN,
    Plan,
    Point,
    Run,
    Target,
    interval,
    labels_of,
    outcome_of,
    state_of,
)
from hipaa_kit.inventory.fields import condition, conditions, items, mapping, number, text, texts, truth
from hipaa_kit.kube.backup.velero import FILE_SYSTEM, NO_METHOD, SNAPSHOT_MOVED, UNKNOWN_METHOD, Reach
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.reading import GO_TRUE
from hipaa_kit.kube.selectors import Selector, SelectorError, label_selector
from hipaa_kit.sources.snapshot import Record, Snapshot

VOLSYNC, LONGHORN, K8UP, KASTEN = "volsync", "longhorn", "k8up", "kasten"
K8UP_ANNOTATION = "k8up.io/backup"
APPLICATION = "k10.kasten.io/appNamespace"


SOURCE = custom("volsync.backube", "ReplicationSource")
JOB, BACKUP = custom("longhorn.io", "RecurringJob"), custom("longhorn.io", "Backup")
VOLUME, TARGET = custom("longhorn.io", "Volume"), custom("longhorn.io", "BackupTarget")
UP_SCHEDULE, UP_BACKUP = custom("k8up.io", "Schedule"), custom("k8up.io", "Backup")
UP_RESTORE = custom("k8up.io", "Restore")
POLICY, PROFILE = custom("config.kio.kasten.io", "Policy"), custom("config.kio.kasten.io", "Profile")
PLANS = (SOURCE, JOB, VOLUME, UP_SCHEDULE, POLICY)
RUNS = (SOURCE, BACKUP, UP_BACKUP)
STORES = (TARGET, UP_SCHEDULE, PROFILE)
RESTORES = (UP_RESTORE,)
FREQUENCIES = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")


def plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield what these tools are told to copy again and again."""
    yield from _volsync_plans(snapshot)
    yield from _longhorn_plans(snapshot)
    yield from _k8up_plans(snapshot)
    yield from _kasten_plans(snapshot)


def runs(snapshot: Snapshot) -> Iterator[Run]:
    """Yield what these tools copied."""
    for record in snapshot.records(SOURCE):
        yield _volsync_run(record)
    for record in snapshot.records(BACKUP):
        yield _longhorn_run(record)
    for record in snapshot.records(UP_BACKUP):
        yield _k8up_run(record)


def _volsync_plans(snapshot: Snapshot) -> Iterator[Plan]:
    for record in snapshot.records(SOURCE):
        spec = mapping(record.content, "spec")
        schedule = text(spec, "trigger", "schedule")
        every = interval(schedule) if schedule else None
        yield Plan(
            VOLSYNC,
            record,
            schedule,
            every,
            state_of(paused=truth(spec, "paused") or False, schedule=schedule, every=every),
            partial(_volsync_reach, record.namespace, text(spec, "sourcePVC")),
            last_run_at=text(record.content, "status", "lastSyncTime"),
        )


def _volsync_reach(namespace: str, claim: str, target: Target) -> Reach | None:
    return Reach("yes", SNAPSHOT_MOVED) if (target.namespace, target.name) == (namespace, claim) else None


def _volsync_run(record: Record) -> Run:
    status = mapping(record.content, "status")
    last, result = text(status, "lastSyncTime"), text(status, "latestMoverStatus", "result")
    outcome = FAILED if result == "Failed" else COMPLETED if last else UNKNOWN
    claim = text(record.content, "spec", "sourcePVC")

    def point(target: Target) -> Point | None:
        if (target.namespace, target.name) != (record.namespace, claim) or not last:
            return None
        return Point(SNAPSHOT_MOVED, outcome, last, True)

    return Run(VOLSYNC, record, result, outcome, point, plan=record.object, started_at=last, completed_at=last)


def _longhorn_plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield recurring jobs that copy to the backup target; snapshots alone are no copies."""
    held = {each.name: labels_of(each) for each in snapshot.records(VOLUME)}
    for record in snapshot.records(JOB):
        spec = mapping(record.content, "spec")
        if not text(spec, "task").startswith("backup"):
            continue
        schedule = text(spec, "cron")
        every, retain = interval(schedule), number(spec, "retain")
        yield Plan(
            LONGHORN,
            record,
            schedule,
            every,
            state_of(paused=False, schedule=schedule, every=every),
            partial(_longhorn_reach, record.name, texts(spec, "groups"), held),
            retention_hours=None if retain is None or every is None else retain * every,
            store=object_id("BackupTarget", record.namespace, "default"),
        )


def _longhorn_reach(job: str, groups: list[str], held: Mapping[str, Mapping[str, str]], target: Target) -> Reach | None:
    if target.driver != "driver.longhorn.io":
        return None
    labels = held.get(target.handle)
    if labels is None:
        return Reach("unknown", UNKNOWN_METHOD, "its Longhorn volume is not there")
    prefix = ("recurring-job.longhorn.io/", "recurring-job-group.longhorn.io/")
    named = {key for key, value in labels.items() if key.startswith(prefix) and value == "enabled"}
    wanted = {prefix[0] + job, *(prefix[1] + group for group in groups)}
    if named & wanted or (not named and "default" in groups):
        return Reach("yes", SNAPSHOT_MOVED)
    return Reach("no", NO_METHOD, "the labels of its Longhorn volume name other jobs")


def _longhorn_run(record: Record) -> Run:
    status = mapping(record.content, "status")
    state, volume = text(status, "state"), text(status, "volumeName") or labels_of(record).get("backup-volume", "")
    words = {"completed": COMPLETED, "error": FAILED, "inprogress": RUNNING, "pending": RUNNING}
    outcome = outcome_of(state, words)
    taken = text(status, "snapshotCreatedAt") or text(status, "backupCreatedAt")

    def point(target: Target) -> Point | None:
        mine = volume and volume == target.handle and target.driver == "driver.longhorn.io"
        return Point(SNAPSHOT_MOVED, outcome, taken, True) if mine else None

    return Run(
        LONGHORN,
        record,
        state,
        outcome,
        point,
        started_at=taken,
        completed_at=text(status, "backupCreatedAt"),
        store=object_id("BackupTarget", record.namespace, text(status, "backupTargetName") or "default"),
    )


def _k8up_plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield schedules that back up; K8up takes the claims of the namespace it stands in."""
    for record in snapshot.records(UP_SCHEDULE):
        job = mapping(record.content, "spec", "backup")
        if not job:
            continue
        schedule = text(job, "schedule")
        every = interval(schedule)
        yield Plan(
            K8UP,
            record,
            schedule,
            every,
            state_of(paused=False, schedule=schedule, every=every),
            partial(_k8up_reach, record.namespace, _k8up_selectors(job)),
            store=record.object,
        )


def _k8up_reach(namespace: str, selectors: tuple[Selector, ...] | None, target: Target) -> Reach | None:
    if target.namespace != namespace:
        return None
    said = target.annotations.get(K8UP_ANNOTATION)
    if said is None:
        return Reach("unknown", FILE_SYSTEM, "whether claims without an annotation are taken is set at the operator")
    if said not in GO_TRUE:  # K8up leaves out claims whose annotation is anything else
        return Reach("no", NO_METHOD, f"its annotation {K8UP_ANNOTATION} leaves it out")
    if selectors is None:
        return Reach("unknown", FILE_SYSTEM, "what its label selectors choose is not read")
    if selectors and not any(each.matches(target.labels) for each in selectors):
        return Reach("no", NO_METHOD, "its labels are not those that are selected")
    return Reach("yes", FILE_SYSTEM)


def _k8up_selectors(job: Mapping[str, Any]) -> tuple[Selector, ...] | None:
    """Return the alternatives by which a backup chooses claims, none for all; None where one cannot be read."""
    try:
        return tuple(label_selector(each) for each in items(job, "labelSelectors"))
    except SelectorError:
        return None


def _k8up_run(record: Record) -> Run:
    ended = next((each for each in conditions(record.content) if text(each, "type") == "Completed"), {})
    done, reason = text(ended, "status") == "True", text(ended, "reason")
    outcome = {"Succeeded": COMPLETED, "Failed": FAILED}.get(reason, UNKNOWN) if done else RUNNING
    began = text(record.content, "metadata", "creationTimestamp")
    selectors = _k8up_selectors(mapping(record.content, "spec"))

    def point(target: Target) -> Point | None:
        reach = _k8up_reach(record.namespace, selectors, target)
        if reach is None or reach.taken == "no":
            return None
        return Point(FILE_SYSTEM, outcome if reach.taken == "yes" else UNKNOWN, began, True)

    plan = next(
        (
            text(each, "name")
            for each in items(record.content, "metadata", "ownerReferences")
            if text(each, "kind") == "Schedule"
        ),
        "",
    )
    return Run(
        K8UP,
        record,
        reason,
        outcome,
        point,
        plan=object_id("Schedule", record.namespace, plan) if plan else "",
        started_at=began,
        completed_at=text(ended, "lastTransitionTime") if done else "",
    )


def _kasten_plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield policies that back up or export."""
    for record in snapshot.records(POLICY):
        spec = mapping(record.content, "spec")
        actions = {text(each, "action"): each for each in items(spec, "actions")}
        if "backup" not in actions:
            continue
        schedule = text(spec, "frequency")
        every = interval(schedule) if schedule in FREQUENCIES else None
        validation = text(record.content, "status", "validation")
        # That it is accepted does not show that it runs: how a policy is halted could not be confirmed.
        state = PAUSED if truth(spec, "paused") else INVALID if validation == "Failed" else UNKNOWN
        profile = mapping(actions.get("export"), "exportParameters", "profile")
        yield Plan(
            KASTEN,
            record,
            schedule,
            every,
            state,
            partial(_kasten_reach, _applications(spec), "export" in actions),
            phase=validation,
            store=object_id("Profile", text(profile, "namespace") or record.namespace, text(profile, "name"))
            if text(profile, "name")
            else "",
        )


def _applications(spec: Mapping[str, Any]) -> Selector | None:
    """Return what selects applications, which are namespaces; None where it cannot be read."""
    try:
        return label_selector(spec.get("selector") or {})
    except SelectorError:
        return None


def _kasten_reach(selector: Selector | None, exports: bool, target: Target) -> Reach | None:
    """Say whether a policy takes a namespace; a selector by other labels speaks of objects, which is not resolved."""
    method = SNAPSHOT_MOVED if exports else UNKNOWN_METHOD
    if selector is None or any(each.key != APPLICATION for each in selector.requirements):
        return Reach("unknown", method, "the policy selects by labels of objects")
    if not selector.matches({APPLICATION: target.namespace}):
        return None
    return Reach("unknown", method, "which volumes a Kasten policy takes is not read")


def stores(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield where these tools keep copies; that of VolSync stands in a Secret and is not seen."""
    for record in snapshot.records(TARGET):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        # `s3://bucket@region/`: what stands before the @ is taken for user info at the door, and is not kept.
        url = urlsplit(text(spec, "backupTargetURL"))
        bucketed = url.scheme in ("s3", "azblob")
        secret = text(spec, "credentialSecret")
        yield {
            "object": record.object,
            "tool": LONGHORN,
            "namespace": record.namespace,
            "provider": url.scheme,
            "region": url.netloc if bucketed else "",
            "endpoint": "" if bucketed else f"{url.scheme}://{url.netloc}",
            "default": record.name == "default",
            "available": truth(status, "available"),
            "validated_at": text(status, "lastSyncedAt"),
            "credential": object_id("Secret", record.namespace, secret) if secret else "",
        }
    for record in snapshot.records(UP_SCHEDULE):
        kept = mapping(record.content, "spec", "backend", "s3")
        if kept:
            endpoint = text(kept, "endpoint")
            yield {
                "object": record.object,
                "tool": K8UP,
                "namespace": record.namespace,
                "provider": "s3",
                "bucket": text(kept, "bucket"),
                "endpoint": endpoint,
                "tls_verified": False if urlsplit(endpoint).scheme == "http" else None,
                "key_named": True,
            }
    for record in snapshot.records(PROFILE):
        kept = mapping(record.content, "spec", "locationSpec", "objectStore")
        if kept:
            yield {
                "object": record.object,
                "tool": KASTEN,
                "namespace": record.namespace,
                "provider": text(kept, "objectStoreType"),
                "bucket": text(kept, "name"),
                "region": text(kept, "region"),
                "endpoint": text(kept, "endpoint"),
                "phase": text(record.content, "status", "validation"),
                "available": {"Success": True, "Failed": False}.get(text(record.content, "status", "validation")),
                "tls_verified": not (truth(kept, "skipSSLVerify") or False),
            }


def restores(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Restore of K8up, which restores into a claim or bucket of its own namespace."""
    for record in snapshot.records(UP_RESTORE):
        done = condition(record.content, "Completed")
        ended = next((each for each in conditions(record.content) if text(each, "type") == "Completed"), {})
        reason = text(ended, "reason")
        yield {
            "object": record.object,
            "tool": K8UP,
            "namespace": record.namespace,
            "target_namespace": record.namespace,
            "phase": reason,
            "outcome": {"Succeeded": COMPLETED, "Failed": FAILED}.get(reason, UNKNOWN) if done else RUNNING,
            "started_at": text(record.content, "metadata", "creationTimestamp"),
            "completed_at": text(ended, "lastTransitionTime") if done else "",
            "volumes": bool(mapping(record.content, "spec", "restoreMethod", "folder")),
        }
