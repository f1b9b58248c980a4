"""Workloads: the top owners that pods are judged under."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from hipaa_kit.inventory.fields import items, mapping, number, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import Owner, controller_of, is_mirror, object_id, static_name, top_owner
from hipaa_kit.sources.alike import Alike, find_alike
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.molds import MOMENT, NAME, TEXT
from hipaa_kit.sources.redaction.shapes import OWN_OF_POD
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.workloads import WORKLOADS

CONTROLLERS = (
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.DAEMON_SET,
    kinds.REPLICA_SET,
    kinds.REPLICATION_CONTROLLER,
    kinds.JOB,
    kinds.CRON_JOB,
)
"""Built-in kinds that make pods from a template."""

REPLICATED = frozenset(["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"])
ENDED = frozenset(["Succeeded", "Failed"])


ALIKE: Final = "pods alike"
"""Stands for the pods that are alike among what was found out about a snapshot."""

OWN_OF_LINE: Final = {
    "facts": {"field_managers": [{"time": MOMENT}]},
    "name": NAME,
    "object": OWN_OF_POD,
    "position": TEXT,
}
"""What each pod of a workload has of its own in its line. Rows of pods pass it on as it is, alone or within longer
texts (`repeated.py`): what a row depends on in any other way must not stand here."""

KEPT_OF_POD: Final = (
    *("name", "token", "object.metadata.creationTimestamp", "object.metadata.labels", "object.spec.nodeName"),
    *("object.spec.volumes", "object.status.conditions", "object.status.containerStatuses"),
    *("object.status.initContainerStatuses", "object.status.ephemeralContainerStatuses"),
)
"""Paths of those words that rows have."""


@dataclass
class Workload:
    """One top owner, its own record where the snapshot has it, and where in their list its pods are."""

    group: str
    kind: str
    namespace: str
    name: str
    record: Record | None = None
    places: list[int] = field(default_factory=list)
    running: int = 0
    _records: Callable[[], Sequence[Record]] = tuple

    @property
    def pods(self) -> list[Record]:
        """Its pods; the first who asks has all of the snapshot decoded."""
        records = self._records() if self.places else ()
        return [records[place] for place in self.places]

    @property
    def object(self) -> str:
        """The workload as `Kind/namespace/name`."""
        return object_id(self.kind, self.namespace, self.name)

    @property
    def template(self) -> Mapping[str, Any]:
        """Its pod template, empty where it has none."""
        content = self.record.content if self.record else {}
        path = ("spec", "jobTemplate", "spec", "template") if self.kind == "CronJob" else ("spec", "template")
        return mapping(content, *path)


def gather(snapshot: Snapshot) -> dict[str, Workload]:
    """Return all workloads of a snapshot by object, each with its pods.

    Notes
    -----
    A ReplicaSet that a Deployment controls, or a Job that a CronJob controls, is no workload of its
    own; a ReplicaSet that asks for nothing and has no pods is left over from a rollout. An owner that
    is not in the snapshot is named by its reference. Static pods go by their name without the node. It is
    found out once for each snapshot.
    """
    found: dict[str, Workload] | None = snapshot.derived.get(__name__)
    if found is None:
        found = snapshot.derived[__name__] = _gather(snapshot)
    return found


def pods_alike(snapshot: Snapshot) -> Alike:
    """Return the pods of a snapshot, those of a workload told once where they differ in their own words alone.

    It is found out once for each snapshot.
    """
    found: Alike | None = snapshot.derived.get(ALIKE)
    if found is None:
        part = snapshot.parts.get((kinds.POD.group, kinds.POD.kind))
        with no_cyclic_collection():
            found = (
                find_alike(part, OWN_OF_LINE, KEPT_OF_POD, _is_named_by_owner) if part else Alike(re.compile("(?!)"))
            )
        snapshot.derived[ALIKE] = found
    return found


def _is_named_by_owner(pod: Record) -> bool:
    """Tell whether a pod's workload is another object, whatever the pod itself is called."""
    metadata = mapping(pod.content, "metadata")
    return controller_of(metadata) is not None and not is_mirror(metadata)


def _gather(snapshot: Snapshot) -> dict[str, Workload]:
    records = {kind: snapshot.records(kind) for kind in CONTROLLERS}
    owners = _controllers(records)
    workloads: dict[str, Workload] = {}
    for kind, held in records.items():
        for record in held:
            if controller_of(mapping(record.content, "metadata")) is None:
                workload = Workload(kind.group, kind.kind, record.namespace, record.name, record)
                workloads[workload.object] = workload
    pods = cache(lambda: tuple(snapshot.records(kinds.POD)))
    alike = pods_alike(snapshot)
    of_entry = []
    for pod, _, _ in alike.entries:
        owner = _owner(pod, owners.get(pod.namespace, {}))
        name = object_id(owner.kind, pod.namespace, owner.name)
        workload = workloads.setdefault(name, Workload(owner.group, owner.kind, pod.namespace, owner.name))
        workload._records = pods
        of_entry.append((workload, text(pod.content, "status", "phase") not in ENDED))
    for place, entry in enumerate(alike.of):
        workload, runs = of_entry[entry]
        workload.places.append(place)
        workload.running += runs
    return {name: workload for name, workload in sorted(workloads.items()) if not _left_over(workload)}


def _controllers(records: Mapping[Kind, Sequence[Record]]) -> dict[str, dict[tuple[str, str], Owner | None]]:
    """Return the controller of every known object, by namespace and (kind, name)."""
    found: dict[str, dict[tuple[str, str], Owner | None]] = defaultdict(dict)
    for kind, held in records.items():
        for record in held:
            found[record.namespace][kind.kind, record.name] = controller_of(mapping(record.content, "metadata"))
    return found


def _owner(pod: Record, known: Mapping[tuple[str, str], Owner | None]) -> Owner:
    metadata = mapping(pod.content, "metadata")
    if is_mirror(metadata):
        return Owner("", "Pod", static_name(pod.name, text(pod.content, "spec", "nodeName")))
    first = controller_of(metadata)
    return top_owner(first, known) if first else Owner("", "Pod", pod.name)


def _left_over(workload: Workload) -> bool:
    if workload.kind != "ReplicaSet" or workload.places or workload.record is None:
        return False
    return number(workload.record.content, "spec", "replicas") == 0


@builds(WORKLOADS, reads=(*CONTROLLERS, kinds.POD))
def workloads(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per top owner of pods."""
    for workload in gather(snapshot).values():
        content = workload.record.content if workload.record else {}
        status = mapping(content, "status")
        yield {
            "object": workload.object,
            "group": workload.group,
            "kind": workload.kind,
            "namespace": workload.namespace,
            "name": workload.name,
            "known": workload.record is not None or workload.kind == "Pod",
            "desired": _desired(workload, content),
            "ready": _ready(workload, status),
            "available": _available(workload, status),
            "pods": workload.running,
            "replicated": workload.kind in REPLICATED,
            "claim_templates": " ".join(
                text(each, "metadata", "name") for each in items(content, "spec", "volumeClaimTemplates")
            ),
            "created_at": text(content, "metadata", "creationTimestamp"),
        }


def _desired(workload: Workload, content: Mapping[str, Any]) -> int | None:
    if workload.record is None or workload.kind not in REPLICATED:
        return number(content, "status", "desiredNumberScheduled") if workload.kind == "DaemonSet" else None
    asked = number(content, "spec", "replicas")
    return 1 if asked is None else asked


def _ready(workload: Workload, status: Mapping[str, Any]) -> int | None:
    if workload.kind == "DaemonSet":
        return number(status, "numberReady")
    return _count(workload, status, "readyReplicas")


def _available(workload: Workload, status: Mapping[str, Any]) -> int | None:
    """Return how many replicas are available; of a StatefulSet those that are ready, where it has no such count.

    A StatefulSet has always had `readyReplicas`; `availableReplicas` came with Kubernetes 1.22 (KEP 2599), and is
    written even where it is 0. Source: staging/src/k8s.io/api/apps/v1/types.go of kubernetes/kubernetes.
    """
    if workload.kind == "StatefulSet" and "availableReplicas" not in status:
        return _ready(workload, status)
    return _count(workload, status, "availableReplicas")


def _count(workload: Workload, status: Mapping[str, Any], name: str) -> int | None:
    """Return a count of the status; the API leaves out those that are zero."""
    if workload.kind not in REPLICATED or number(status, "observedGeneration") is None:
        return number(status, name)
    return number(status, name) or 0
