"""What controllers make of changed objects: pods renewed from their template, or gone with their owner.

Each pod is renewed in its place: on its node, with its volumes and status, and with what others added to it. Where it
would really be placed, and whether it would run, nobody can tell from objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from hipaa_kit.inventory.fields import items, mapping, number, text, truth
from hipaa_kit.inventory.workloads import Workload, gather
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.patches import carried_over
from hipaa_kit.sources.overlay import Change, changed_record, overlay, with_parts
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Record, Snapshot

RENEWING: Final[tuple[Kind, ...]] = (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.CRON_JOB)
"""Kinds whose controllers make pods anew when the template changes. A ReplicaSet or Job keeps those it has.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

TOKEN_VOLUME: Final = "kube-api-access-"
"""How the volume begins that admission adds for the token of a service account."""

_COUNTS: Final = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas")
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")


def what_would_be(
    snapshot: Snapshot, changes: list[Change], *, pseudonym: Callable[[str], str] | None = None
) -> Snapshot:
    """Return the snapshot after changes of objects, with the pods that controllers would then have made.

    Parameters
    ----------
    snapshot, changes, pseudonym
        As for `sources.overlay.overlay`.

    Notes
    -----
    Only what follows from workloads is followed up: endpoints, budgets' and claims' status stay as they were read.
    """
    hide = pseudonym or Pseudonymizer.of_installation()
    return rolled_out(snapshot, overlay(snapshot, changes, pseudonym=hide), hide)


def rolled_out(before: Snapshot, after: Snapshot, pseudonym: Callable[[str], str]) -> Snapshot:
    """Return the later of two snapshots, with pods as the controllers of changed workloads would leave them."""
    touched = [kind for kind in RENEWING if before.parts.get(kind[:2]) is not after.parts.get(kind[:2])]
    if not touched:
        return after
    now = {record.object: record for kind in touched for record in after.records(kind)}
    renewed: dict[str, Record | None] = {}
    added: list[Record] = []
    owners: dict[str, Record] = {}
    for workload in gather(before).values():
        if (workload.group, workload.kind) not in {kind[:2] for kind in touched} or workload.record is None:
            continue
        record = now.get(workload.object)
        if record is None:
            renewed.update(dict.fromkeys((pod.object for pod in workload.pods), None))
        elif record.content != workload.record.content:
            pods = list(_renewed(workload, record, pseudonym))
            renewed.update({pod.object: pod for pod in pods})
            more, owner = _scaled(workload, record, pods)
            added += more
            owners[owner.object] = owner
    held = [renewed.get(pod.object, pod) for pod in after.records(kinds.POD)]
    parts = {kinds.POD[:2]: [pod for pod in held if pod is not None] + added}
    for kind in touched:
        parts[kind[:2]] = [owners.get(record.object, record) for record in after.records(kind)]
    return with_parts(after, parts)


def _renewed(workload: Workload, record: Record, pseudonym: Callable[[str], str]) -> Iterator[Record]:
    """Yield the pods of a workload as its changed template makes them."""
    old = workload.template
    new = Workload(workload.group, workload.kind, workload.namespace, workload.name, record).template
    for pod in workload.pods if old != new and renews(record) else ():
        content = dict(pod.content)
        content["metadata"] = {
            **mapping(content, "metadata"),
            **_part(old, new, content, ("metadata",), ("labels", "annotations")),
        }
        spec = carried_over(mapping(old, "spec"), mapping(new, "spec"), mapping(content, "spec"))
        content["spec"] = _admitted(spec, mapping(old, "spec"))
        if "status" in content:
            content["status"] = _status(mapping(content, "status"), mapping(pod.content, "spec"), content["spec"])
        yield changed_record(pod, content, pseudonym)


def _part(old: Any, new: Any, made: Any, path: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    found = {
        name: carried_over(mapping(old, *path).get(name), mapping(new, *path).get(name), mapping(made, *path).get(name))
        for name in names
    }
    return {name: value for name, value in found.items() if value is not None}


def renews(record: Record) -> bool:
    """Tell whether its controller acts on a new template by itself."""
    paused = truth(record.content, "spec", "paused") and record.kind == "Deployment"
    return not paused and text(record.content, "spec", "updateStrategy", "type") != "OnDelete"


def _admitted(spec: Mapping[str, Any], old_template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a pod as admission leaves it: one name of the account, and a token only where it is wanted.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount
    """
    found = dict(spec)
    account = text(spec, "serviceAccountName")
    if "serviceAccount" in found and account:
        found["serviceAccount"] = account
    if truth(spec, "automountServiceAccountToken") is False and not _written_token(old_template):
        added = {text(each, "name") for each in items(spec, "volumes") if text(each, "name").startswith(TOKEN_VOLUME)}
        found["volumes"] = [each for each in items(spec, "volumes") if text(each, "name") not in added]
        for field in ("containers", "initContainers"):
            if field in found:
                found[field] = [_without_mounts(each, added) for each in items(spec, field)]
    return found


def _written_token(template: Mapping[str, Any]) -> bool:
    return any(text(each, "name").startswith(TOKEN_VOLUME) for each in items(template, "volumes"))


def _without_mounts(container: Mapping[str, Any], volumes: set[str]) -> dict[str, Any]:
    mounts = [each for each in items(container, "volumeMounts") if text(each, "name") not in volumes]
    return {**container, "volumeMounts": mounts} if "volumeMounts" in container else dict(container)


def _status(status: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a pod without what a changed image makes unknown."""
    was = {text(each, "name"): text(each, "image") for each in items(before, "containers")}
    now = {text(each, "name"): text(each, "image") for each in items(after, "containers")}
    found = dict(status)
    if "containerStatuses" in found:
        found["containerStatuses"] = [
            each if was.get(text(each, "name")) == now.get(text(each, "name")) else _new_image(each, now)
            for each in items(status, "containerStatuses")
        ]
    return found


def _new_image(status: Mapping[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    image = images.get(text(status, "name"), "")
    pinned = _DIGEST.search(image)
    kept = pinned is not None and text(status, "imageID").endswith(pinned[1])
    return {**status, "image": image, "imageID": text(status, "imageID") if kept else ""}


def _scaled(workload: Workload, record: Record, renewed: list[Record]) -> tuple[list[Record], Record]:
    """Return the pods that a larger number of replicas adds, and the owner with a status that counts them.

    They are copies of the first pod, on no node; a smaller number is not followed.
    """
    was = number(workload.record.content if workload.record else {}, "spec", "replicas")
    more = (number(record.content, "spec", "replicas") or 1) - (1 if was is None else was)
    if workload.kind not in ("Deployment", "StatefulSet") or more <= 0:
        return [], record
    status = dict(mapping(record.content, "status"))
    status.update({name: count + more for name in _COUNTS if (count := number(status, name)) is not None})
    owner = replace(record, content={**record.content, "status": status} if status else record.content)
    standing = renewed or workload.pods
    return [_copy(standing[0], workload, len(standing) + each) for each in range(more if standing else 0)], owner


def _copy(pod: Record, workload: Workload, place: int) -> Record:
    name = f"{workload.name}-{place}" if workload.kind == "StatefulSet" else f"{pod.name}-{place}"
    metadata = {**mapping(pod.content, "metadata"), "name": name}
    spec = {key: value for key, value in mapping(pod.content, "spec").items() if key != "nodeName"}
    return replace(pod, name=name, content={**pod.content, "metadata": metadata, "spec": spec})
