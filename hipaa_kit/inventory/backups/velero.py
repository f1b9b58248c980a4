"""Velero: schedules, backups with the volumes they hold, locations, restores.

Sources: https://velero.io/docs/main/api-types/, https://velero.io/docs/main/backup-reference/ and the labels that its
controllers write (`velero.io/schedule-name`, `velero.io/backup-name`, `velero.io/pvc-uid`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hipaa_kit.inventory.backups.model import (
    ACTIVE,
    COMPLETED,
    FAILED,
    INVALID,
    MISSING,
    PARTIAL,
    PAUSED,
    RUNNING,
    UNKNOWN,
    Plan,
    Point,
    Run,
    Target,
    interval,
    labels_of,
    minutes_between,
)
from hipaa_kit.inventory.fields import mapping, number, text, truth
from hipaa_kit.kube.backup.schedules import duration_hours
from hipaa_kit.kube.backup.velero import (
    FILE_SYSTEM,
    SNAPSHOT,
    SNAPSHOT_MOVED,
    UNKNOWN_METHOD,
    Reach,
    Selection,
    parse_selection,
)
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.kube.kinds import PERSISTENT_VOLUME_CLAIM, Kind
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot

TOOL = "velero"
KINDS = {kind.kind: kind for kind in CUSTOM if kind.group == "velero.io"}
PLANS, STORES = (KINDS["Schedule"], KINDS["BackupStorageLocation"]), (KINDS["BackupStorageLocation"],)
RUNS: tuple[Kind, ...] = (
    KINDS["Backup"],
    KINDS["BackupStorageLocation"],
    KINDS["DataUpload"],
    KINDS["PodVolumeBackup"],
)
RESTORES = (
    *(KINDS[name] for name in ("Backup", "DataDownload", "PodVolumeBackup", "PodVolumeRestore", "Restore")),
    PERSISTENT_VOLUME_CLAIM,
)
RESTORE_TERMS = (KINDS["Backup"], KINDS["BackupStorageLocation"], KINDS["Schedule"])

PHASES = {
    "completed": COMPLETED,
    "partiallyfailed": PARTIAL,
    "failed": FAILED,
    "failedvalidation": FAILED,
    "canceled": FAILED,
    "deleting": MISSING,
    **dict.fromkeys(
        "new queued readytostart inprogress accepted prepared preparing canceling waitingforpluginoperations"
        " waitingforpluginoperationspartiallyfailed finalizing finalizingpartiallyfailed".split(),
        RUNNING,
    ),
}
STATES = {"Enabled": ACTIVE, "FailedValidation": INVALID}
TERM_HOURS = 720.0
"""How long the server keeps a copy for which nothing else is said: 30 days, unless a flag of it says otherwise."""
MINUTE_HOURS = 1 / 60
OTHER = "*"


def plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield every Schedule."""
    defaults = _default_locations(snapshot)
    for record in snapshot.records(KINDS["Schedule"]):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        template = mapping(spec, "template")
        chosen = parse_selection(template)
        schedule, phase = text(spec, "schedule"), text(status, "phase")
        every = interval(schedule)
        state = PAUSED if truth(spec, "paused") else INVALID if every is None else STATES.get(phase, UNKNOWN)
        yield Plan(
            TOOL,
            record,
            schedule,
            every,
            state,
            partial(_reach, chosen),
            phase=phase,
            last_run_at=text(status, "lastBackup"),
            retention_hours=duration_hours(text(template, "ttl")),
            store=_location(record, text(template, "storageLocation"), defaults),
            leaves_out=", ".join(chosen.left_out),
            whole_cluster=_takes_everything(chosen),
        )


def _takes_everything(chosen: Selection) -> bool:
    """Tell whether filters let every namespace through, and every object without one."""
    roles = chosen.takes_cluster_kind("clusterroles", "rbac.authorization.k8s.io")
    return chosen.every_namespace and not (chosen.left_out or chosen.selectors or chosen.invalid) and roles == "yes"


def _reach(chosen: Selection, target: Target) -> Reach | None:
    return None if chosen.takes_namespace(target.namespace) == "no" else chosen.reaches(target.claimed)


def _default_locations(snapshot: Snapshot) -> dict[str, str]:
    """Return the default location of each namespace: the one marked so, else the one called `default`."""
    found: dict[str, str] = {}
    for record in snapshot.records(KINDS["BackupStorageLocation"]):
        if truth(record.content, "spec", "default"):
            found[record.namespace] = record.object
        elif record.name == "default":
            found.setdefault(record.namespace, record.object)
    return found


def _location(record: Record, name: str, defaults: Mapping[str, str]) -> str:
    return object_id("BackupStorageLocation", record.namespace, name) if name else defaults.get(record.namespace, "")


def runs(snapshot: Snapshot) -> Iterator[Run]:
    """Yield every Backup."""
    defaults = _default_locations(snapshot)
    files, moved = _pod_volumes(snapshot), _uploads(snapshot)
    for record in snapshot.records(KINDS["Backup"]):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        phase, key = text(status, "phase"), (record.namespace, record.name)
        outcome = PHASES.get(phase.lower(), UNKNOWN)
        schedule = labels_of(record).get("velero.io/schedule-name", "")
        point = partial(
            _point,
            parse_selection(spec),
            outcome,
            _whole(status),
            text(status, "startTimestamp"),
            files[key],
            moved[key],
        )
        yield Run(
            TOOL,
            record,
            phase,
            outcome,
            point,
            plan=object_id("Schedule", record.namespace, schedule) if schedule else "",
            started_at=text(status, "startTimestamp"),
            completed_at=text(status, "completionTimestamp"),
            expires_at=text(status, "expiration"),
            errors=_count(status, "errors", outcome),
            warnings=_count(status, "warnings", outcome),
            store=_location(record, text(spec, "storageLocation"), defaults),
            whole_cluster=_takes_everything(parse_selection(spec)),
        )


def _count(status: Mapping[str, Any], name: str, outcome: str) -> int | None:
    """Return a number that is left out where it is 0."""
    found = number(status, name)
    return 0 if found is None and outcome == COMPLETED else found


def _whole(status: Mapping[str, Any]) -> bool:
    """Tell whether a backup tried at least one snapshot and took all that it tried."""
    tried, taken = 0, 0
    for name in ("volumeSnapshots", "csiVolumeSnapshots"):
        tried += number(status, f"{name}Attempted") or 0
        taken += number(status, f"{name}Completed") or 0
    return 0 < tried <= taken


Copies = defaultdict[str, list[tuple[str, str]]]
"""By what identifies a claim: the outcomes of its copies, and when they began."""


def _by_backup() -> defaultdict[tuple[str, str], Copies]:
    return defaultdict(lambda: defaultdict(list))


def _pod_volumes(snapshot: Snapshot) -> defaultdict[tuple[str, str], Copies]:
    """Return by backup the volumes that were read from their file system, by claim uid and by pod and volume."""
    found = _by_backup()
    for record in snapshot.records(KINDS["PodVolumeBackup"]):
        spec, status, labels = mapping(record.content, "spec"), mapping(record.content, "status"), labels_of(record)
        outcome = PHASES.get(text(status, "phase").lower(), UNKNOWN)
        began = text(status, "startTimestamp") or text(record.content, "metadata", "creationTimestamp")
        place = f"{text(spec, 'pod', 'namespace')}/{text(spec, 'pod', 'name')}/{text(spec, 'volume')}"
        for name in {labels.get("velero.io/pvc-uid", ""), place} - {""}:
            found[record.namespace, labels.get("velero.io/backup-name", "")][name].append((outcome, began))
    return found


def _uploads(snapshot: Snapshot) -> defaultdict[tuple[str, str], Copies]:
    """Return by backup the snapshots that were moved to the store, by claim."""
    found = _by_backup()
    for record in snapshot.records(KINDS["DataUpload"]):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        claim = object_id("PersistentVolumeClaim", text(spec, "sourceNamespace"), text(spec, "sourcePVC"))
        outcome = PHASES.get(text(status, "phase").lower(), UNKNOWN)
        began = text(record.content, "metadata", "creationTimestamp")
        found[record.namespace, labels_of(record).get("velero.io/backup-name", "")][claim].append((outcome, began))
    return found


def _point(
    chosen: Selection, outcome: str, whole: bool, started: str, files: Copies, moved: Copies, target: Target
) -> Point | None:
    """Return what a backup holds of a claim: by the copies on record, else by what its filters say.

    A copy counts no better than its backup. Where the filters ask for a copy of the volume and none is on record,
    the data are missing.
    """
    names = {target.uid, *(f"{target.namespace}/{pod}/{volume}" for pod, volume in target.places)} - {""}
    for method, copies, wanted in ((FILE_SYSTEM, files, names), (SNAPSHOT_MOVED, moved, {target.object})):
        if held := [copy for name in sorted(wanted) for copy in copies.get(name, ())]:
            result, began = min(held, key=lambda one: (one[0] == COMPLETED, one[1]))
            return Point(method, _worse(result, outcome), began or started, True)
    reach = _reach(chosen, target)
    if reach is None or reach.taken == "no":
        return None
    if outcome not in (COMPLETED, PARTIAL):
        return Point(reach.method, outcome, started, False)
    if reach.method in (FILE_SYSTEM, SNAPSHOT_MOVED):
        return Point(reach.method, MISSING, started, False)
    if reach.method == SNAPSHOT and whole:
        return Point(SNAPSHOT, outcome, started, False)
    return Point(UNKNOWN_METHOD, UNKNOWN, started, False)


def _worse(copy: str, backup: str) -> str:
    return backup if copy == COMPLETED else copy


def stores(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per BackupStorageLocation, without what only a provider knows."""
    for record in snapshot.records(KINDS["BackupStorageLocation"]):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        config, kept = mapping(spec, "config"), mapping(spec, "objectStorage")
        phase, url = text(status, "phase"), text(config, "s3Url")
        keys = ("kmsKeyId", "serverSideEncryption", "customerKeyEncryptionFile")
        secret = text(spec, "credential", "name")
        frequency = text(spec, "validationFrequency")
        insecure = text(config, "insecureSkipTLSVerify").lower() == "true" or urlsplit(url).scheme == "http"
        yield {
            "object": record.object,
            "tool": TOOL,
            "namespace": record.namespace,
            "provider": text(spec, "provider"),
            "bucket": text(kept, "bucket"),
            "region": text(config, "region"),
            "endpoint": url,
            "default": truth(spec, "default") or False,
            "phase": phase,
            "available": {"Available": True, "Unavailable": False}.get(phase),
            "validated_at": text(status, "lastValidationTime"),
            "validation_hours": duration_hours(frequency) if frequency else MINUTE_HOURS,
            "access_mode": text(spec, "accessMode") or "ReadWrite",
            "credential": object_id("Secret", record.namespace, secret) if secret else "",
            "key_named": True if any(text(config, name) for name in keys) else None,
            "tls_verified": not insecure,
        }


def restores(snapshot: Snapshot, namespaces: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a row per namespace of each Restore; one without a name where what it brought back is not seen.

    Namespaces that are given other names keep no record of them: names of fields pass the door, their texts do not.
    """
    backups = {(each.namespace, each.name): each for each in snapshot.records(KINDS["Backup"])}
    known, brought, filed = sorted(namespaces), _brought_back(snapshot), _held_as_files(snapshot)
    newest = _newest_claims(snapshot)
    for record in snapshot.records(KINDS["Restore"]):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        phase, key = text(status, "phase"), (record.namespace, text(spec, "backupName"))
        start, end = text(status, "startTimestamp"), text(status, "completionTimestamp")
        outcome = PHASES.get(phase.lower(), UNKNOWN)
        chosen, mapped = parse_selection(spec), mapping(spec, "namespaceMapping")
        items = number(status, "progress", "itemsRestored")
        restored = _restored(chosen, backups.get(key), known) if items else [""]
        places = brought[record.namespace, record.name]
        snapshots = _restores_snapshots(backups.get(key), chosen)
        for namespace in restored:
            # A claim that is there already is left as it is: nothing of it is brought back.
            left = namespace not in mapped and newest.get(namespace, start) < start
            written = namespace in places or (len(restored) == 1 and bool(places))
            with_data = written or (snapshots and not left)
            asked = truth(spec, "restorePVs") is not False and chosen.takes_kind("persistentvolumeclaims")
            whole = asked and not (chosen.selectors or chosen.invalid)
            ended = outcome in (COMPLETED, PARTIAL)
            seen = not whole or with_data or not ended or key in backups
            # Of what the copy held as files or moved away a restore leaves records, which somebody may have deleted.
            lost = namespace in filed[key] and not (places or (left and newest[namespace]))
            unrecorded = whole and seen and ended and lost and not with_data
            yield {
                "object": record.object,
                "tool": TOOL,
                "run": object_id("Backup", *key) if key[1] else "",
                "namespace": namespace if seen else "",
                "target_namespace": OTHER if namespace in mapped else namespace,
                "phase": phase,
                "outcome": outcome,
                "started_at": start,
                "completed_at": end,
                "minutes": minutes_between(start, end),
                "volumes": None if unrecorded else whole and (with_data or not seen or not namespace),
                "errors": _count(status, "errors", outcome),
                "warnings": _count(status, "warnings", outcome),
            }


def restore_terms(snapshot: Snapshot, claims: Iterable[Target]) -> Iterator[dict[str, Any]]:
    """Yield for how long a restore of a namespace stays on record, by each schedule, or copy without, of its claims.

    What a schedule does not say its copies do: the server writes its default into each. What nothing takes could have
    been copied by hand to any location, for as long as the server keeps what says nothing else.
    """
    # Whether a snapshot could be taken today does not tell what a copy of then holds.
    claimed = [replace(claim.claimed, snapshots="unknown") for claim in claims]
    told: defaultdict[tuple[str, str], set[float]] = defaultdict(set)
    for origin, spec in _origins(snapshot):
        chosen, hours = parse_selection(spec), duration_hours(text(spec, "ttl"))
        for namespace in {each.namespace for each in claimed if chosen.reaches(each).taken != "no"}:
            told[namespace, origin] |= {hours} if hours else set()
    for namespace in {each.namespace for each in claimed} - {namespace for namespace, _ in told}:
        told |= {(namespace, location.object): set() for location in snapshot.records(KINDS["BackupStorageLocation"])}
    gone = dict(_gone(snapshot))
    for (namespace, origin), said in told.items():
        yield {
            "namespace": namespace,
            "tool": TOOL,
            "object": origin,
            "hours": min(said, default=TERM_HOURS),
            "gone_at": gone.get(origin, ""),
        }


def _origins(snapshot: Snapshot) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what each Schedule copies, and each Backup under the name of its Schedule, or its own."""
    for record in snapshot.records(KINDS["Schedule"]):
        yield record.object, mapping(record.content, "spec", "template")
    for origin, record in _copies(snapshot):
        yield origin, mapping(record.content, "spec")


def _copies(snapshot: Snapshot) -> Iterator[tuple[str, Record]]:
    """Yield each Backup with its Schedule, or itself where it has none."""
    for record in snapshot.records(KINDS["Backup"]):
        schedule = labels_of(record).get("velero.io/schedule-name", "")
        yield object_id("Schedule", record.namespace, schedule) if schedule else record.object, record


def _gone(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the Schedules that made copies before the oldest that is there, and when the last of these was due.

    They ended sooner than what is there now if that is to end later: their time to live was shorter, or somebody
    removed them. One run may be late or left out, so that the one before that counts.
    """
    started: defaultdict[str, list[str]] = defaultdict(list)
    for origin, record in _copies(snapshot):
        if began := text(record.content, "status", "startTimestamp"):
            started[origin].append(began)
    for record in snapshot.records(KINDS["Schedule"]):
        oldest, made = min(started[record.object], default=""), text(record.content, "metadata", "creationTimestamp")
        every, age = interval(text(record.content, "spec", "schedule")), minutes_between(made, oldest)
        if not oldest:
            yield record.object, text(record.content, "status", "lastBackup")
        elif every and age is not None and age >= 120 * every:
            yield record.object, (datetime.fromisoformat(oldest) - timedelta(hours=2 * every)).isoformat()


def _brought_back(snapshot: Snapshot) -> defaultdict[tuple[str, str], set[str]]:
    """Return by restore the namespaces into which data of volumes were written."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for kind, path in (("PodVolumeRestore", ("pod", "namespace")), ("DataDownload", ("targetVolume", "namespace"))):
        for record in snapshot.records(KINDS[kind]):
            if text(record.content, "status", "phase") == "Completed":
                name = labels_of(record).get("velero.io/restore-name", "")
                found[record.namespace, name].add(text(record.content, "spec", *path))
    return found


def _held_as_files(snapshot: Snapshot) -> defaultdict[tuple[str, str], set[str]]:
    """Return by copy the namespaces of whose volumes it holds files, or data that it moved to a store."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for record in snapshot.records(KINDS["PodVolumeBackup"]):
        if text(record.content, "status", "phase") == "Completed":
            name = labels_of(record).get("velero.io/backup-name", "")
            found[record.namespace, name].add(text(record.content, "spec", "pod", "namespace"))
    for record in snapshot.records(KINDS["Backup"]):
        if truth(record.content, "spec", "snapshotMoveData") and number(
            record.content, "status", "csiVolumeSnapshotsCompleted"
        ):
            chosen = parse_selection(mapping(record.content, "spec"))
            spaces = {claim.namespace for claim in snapshot.records(PERSISTENT_VOLUME_CLAIM)}
            found[record.namespace, record.name] |= {each for each in spaces if chosen.takes_namespace(each) == "yes"}
    return found


def _newest_claims(snapshot: Snapshot) -> dict[str, str]:
    """Return by namespace when its newest claim was made."""
    found: dict[str, str] = {}
    for record in snapshot.records(PERSISTENT_VOLUME_CLAIM):
        made = text(record.content, "metadata", "creationTimestamp")
        found[record.namespace] = max(found.get(record.namespace, ""), made)
    return found


def _restores_snapshots(backup: Record | None, chosen: Selection) -> bool:
    """Tell whether a restore makes volumes from snapshots that its backup took and left beside them.

    What was read from files, or moved to a store, is brought back by PodVolumeRestores and DataDownloads, which live as
    long as their Restore: without one nothing was.
    """
    if backup is None or truth(backup.content, "spec", "snapshotMoveData") is True:
        return False
    status = mapping(backup.content, "status")
    # What is no CSI snapshot is asked for by the PersistentVolume; a CSI snapshot by the claim.
    asked = chosen.takes_cluster_kind("persistentvolumes") != "no" or number(status, "csiVolumeSnapshotsCompleted")
    return bool(asked) and _whole(status)


def _restored(chosen: Selection, backup: Record | None, known: list[str]) -> list[str]:
    """Return the namespaces that a restore brought back: those it names, as far as the backup held them.

    Of a backup that is gone nothing says which of several namespaces it held.
    """
    if backup is None:
        alone = chosen.included_namespaces - {"*"}
        return sorted(alone) if len(alone) == 1 else [""]
    held = parse_selection(mapping(backup.content, "spec"))
    named = sorted({*known, *chosen.included_namespaces, *held.included_namespaces} - {"*"})
    return [
        each for each in named if chosen.takes_namespace(each) == "yes" and held.takes_namespace(each) == "yes"
    ] or [""]
