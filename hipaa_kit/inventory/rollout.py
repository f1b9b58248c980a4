"""What controllers make of changed objects: pods renewed from their template, or gone with their owner.

Each pod is renewed in its place: on its node, with its volumes and status, and with what others added to it. Where it
would really be placed, and whether it would run, nobody can tell from objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from hipaa_kit.inventory import repeated, selection, workloads
from hipaa_kit.inventory.collected import without_dependants
from hipaa_kit.inventory.fields import items, mapping, number, text, truth
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.workloads import ALIKE, Workload, gather
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.patches import carried_over
from hipaa_kit.sources.overlay import Change, Patch, Put, changed_record, overlay, with_parts
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Record, Snapshot

RENEWING: Final[tuple[Kind, ...]] = (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.CRON_JOB)
"""Kinds whose controllers make pods anew when the template changes. A ReplicaSet or Job keeps those it has.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

TOKEN_VOLUME: Final = "kube-api-access-"
"""How the volume begins that admission adds for the token of a service account."""

OF_PODS: Final = (workloads.__name__, ALIKE, repeated.__name__, selection.__name__)
"""What is found out about pods and their owners alone, and stands as long as none of them is changed."""

NAME_LABEL: Final = "kubernetes.io/metadata.name"

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
    Only what follows from workloads, deletions and new namespaces is followed up: endpoints, budgets' and claims'
    status stay as they were read.
    """
    hide = pseudonym or Pseudonymizer.of_installation()
    left = without_dependants(snapshot, overlay(snapshot, changes, pseudonym=hide))
    found = rolled_out(snapshot, _furnished(snapshot, left, hide), hide)
    if all(snapshot.parts.get(kind[:2]) is found.parts.get(kind[:2]) for kind in POD_KINDS):
        found.derived.update({name: held for name, held in snapshot.derived.items() if name in OF_PODS})
    return found


def _furnished(before: Snapshot, after: Snapshot, pseudonym: Callable[[str], str]) -> Snapshot:
    """Return the later of two snapshots with what every new namespace gets: the label with its name, and an account.

    Sources: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name,
    https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts
    """
    known = {record.name for record in before.records(kinds.NAMESPACE)}
    new = [record for record in after.records(kinds.NAMESPACE) if record.name not in known]
    accounts = {(record.namespace, record.name) for record in after.records(kinds.SERVICE_ACCOUNT)} if new else set()
    given: list[Change] = []
    for record in new:
        label = {"metadata": {"name": record.name, "labels": {NAME_LABEL: record.name}}}
        given.append(Patch({"apiVersion": "v1", "kind": "Namespace", **label}))
        if (record.name, "default") not in accounts:
            named = {"metadata": {"name": "default", "namespace": record.name}}
            given.append(Put({"apiVersion": "v1", "kind": "ServiceAccount", **named}))
    return overlay(after, given, pseudonym=pseudonym) if given else after


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
            more, fewer, owner = _scaled(workload, record, pods)
            added += more
            renewed.update(dict.fromkeys(fewer, None))
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


def _scaled(workload: Workload, record: Record, renewed: list[Record]) -> tuple[list[Record], list[str], Record]:
    """Return pods that another number of replicas adds, those that it takes, and the owner with counts that fit.

    What is added are copies of the first pod, on no node. A StatefulSet loses its last pods; a Deployment whichever
    its controller ranks lowest, which are all alike here.
    """
    was = number(workload.record.content if workload.record else {}, "spec", "replicas")
    now = number(record.content, "spec", "replicas")
    more = (1 if now is None else now) - (1 if was is None else was)
    standing = renewed or workload.pods
    if workload.kind not in ("Deployment", "StatefulSet") or not more:
        return [], [], record
    status = dict(mapping(record.content, "status"))
    counts = {name: count for name in _COUNTS if (count := number(status, name)) is not None}
    status.update({name: max(count + more, 0) for name, count in counts.items()})
    owner = replace(record, content={**record.content, "status": status} if status else record.content)
    added = [_copy(standing[0], workload, len(standing) + each) for each in range(more if standing else 0)]
    taken = sorted(standing, key=_ordinal)[max(len(standing) + more, 0) :] if more < 0 else []
    return added, [pod.object for pod in taken], owner


def _ordinal(pod: Record) -> tuple[int, str]:
    """Return the number of a pod in its StatefulSet, and its name."""
    last = pod.name.rpartition("-")[2]
    return (int(last) if last.isascii() and last.isdigit() else 0), pod.name


def _copy(pod: Record, workload: Workload, place: int) -> Record:
    name = f"{workload.name}-{place}" if workload.kind == "StatefulSet" else f"{pod.name}-{place}"
    metadata = {**mapping(pod.content, "metadata"), "name": name}
    spec = {key: value for key, value in mapping(pod.content, "spec").items() if key != "nodeName"}
    return replace(pod, name=name, content={**pod.content, "metadata": metadata, "spec": spec})
