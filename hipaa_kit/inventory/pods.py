"""Pods: those that run, and one from its template for every workload that has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import items, mapping, string_map, text
from hipaa_kit.inventory.workloads import CONTROLLERS, ENDED, Workload, gather, pods_alike
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.addresses import Block, parse_addresses
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot

POD_KINDS = (kinds.POD, *CONTROLLERS)
"""Kinds that decide which pods there are: pods, and the owners whose templates stand in for them."""


@dataclass(frozen=True)
class PodView:
    """One pod as tables see it, live or made from a template."""

    namespace: str
    name: str
    workload: str
    live: bool
    content: Mapping[str, Any]
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, pod: Record, workload: str) -> PodView:
        """Return a live pod of a workload."""
        return cls(pod.namespace, pod.name, workload, True, pod.content, pod.facts)

    @property
    def object(self) -> str:
        """The pod as `Pod/namespace/name`."""
        return object_id("Pod", self.namespace, self.name)

    @property
    def spec(self) -> Mapping[str, Any]:
        """Its spec."""
        return mapping(self.content, "spec")

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return string_map(self.content, "metadata", "labels")


def pod_views(snapshot: Snapshot, namespace: str = "") -> Iterator[PodView]:
    """Yield every pod, or those of one namespace, and one from its template for each workload that has no pod.

    A template stands in for a workload that is scaled to nothing, was never run (manifests), or whose
    pods are gone: what it would run is judged, what it does is not.
    """
    held = _by_namespace(snapshot).get(namespace, []) if namespace else gather(snapshot).values()
    standing = {view.workload: view for view in stand_ins(snapshot)}
    for workload in held:
        yield from (PodView.of(pod, workload.object) for pod in workload.pods)
        yield from (view for view in [standing.get(workload.object)] if view)


def _by_namespace(snapshot: Snapshot) -> dict[str, list[Workload]]:
    """Return the workloads of each namespace, found out once for each snapshot: many ask for one after the other."""
    found: dict[str, list[Workload]] | None = snapshot.derived.get(f"{__name__}.namespaces")
    if found is None:
        found = snapshot.derived[f"{__name__}.namespaces"] = {}
        for workload in gather(snapshot).values():
            found.setdefault(workload.namespace, []).append(workload)
    return found


def stand_ins(snapshot: Snapshot) -> tuple[PodView, ...]:
    """Return a pod from its template for each workload that has none, unless a pod has its name; found out once."""
    found: tuple[PodView, ...] | None = snapshot.derived.get(f"{__name__}.stand_ins")
    if found is None:
        found = snapshot.derived[f"{__name__}.stand_ins"] = tuple(_stand_ins(snapshot))
    return found


def _stand_ins(snapshot: Snapshot) -> Iterator[PodView]:
    pods = pods_alike(snapshot)
    taken = {object_id("Pod", *place) for place in zip(pods.namespaces, pods.names, strict=True)}
    for workload in gather(snapshot).values():
        stand_in = object_id("Pod", workload.namespace, workload.name)
        if not workload.places and mapping(workload.template, "spec") and stand_in not in taken:
            taken.add(stand_in)
            facts = workload.record.facts if workload.record else {}
            yield PodView(workload.namespace, workload.name, workload.object, False, workload.template, facts)


def pod_addresses(content: Mapping[str, Any]) -> tuple[Block, ...]:
    """Return the addresses that a pod's status gives it; those of its node where it is on the node's network."""
    status = mapping(content, "status")
    given = [text(each, "ip") for each in items(status, "podIPs")] or [text(status, "podIP")]
    return parse_addresses(given)


def selectable(pods_table: pd.DataFrame) -> pd.DataFrame:
    """Return the pods that have not ended: those that a Service, budget or policy may select."""
    return pods_table[~pods_table["phase"].isin(ENDED)]


def undeclared_on_nodes(pods_table: pd.DataFrame, container_ports: pd.DataFrame) -> pd.DataFrame:
    """Return the pods on the network of their node that declare no port.

    What they listen on is open on the node all the same: a declaration opens nothing, and its lack shuts nothing.
    Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container, `ports`
    """
    running = selectable(pods_table)
    return running[running["host_network"] & ~running["object"].isin(container_ports["pod"])]
