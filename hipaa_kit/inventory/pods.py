"""Pods: those that run, and one from its template for every workload that has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import condition, items, mapping, number, reference, string_map, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.workloads import CONTROLLERS, gather
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import is_mirror, object_id
from hipaa_kit.kube.qos import qos_class
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.workloads import PODS, SPREAD_RULES

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


def pod_views(snapshot: Snapshot) -> Iterator[PodView]:
    """Yield every pod, and one from its template for each workload that has no pod.

    A template stands in for a workload that is scaled to nothing, was never run (manifests), or whose
    pods are gone: what it would run is judged, what it does is not.
    """
    taken = {record.object for record in snapshot.records(kinds.POD)}
    for workload in gather(snapshot).values():
        for pod in workload.pods:
            yield PodView(pod.namespace, pod.name, workload.object, True, pod.content, pod.facts)
        stand_in = object_id("Pod", workload.namespace, workload.name)
        if not workload.pods and mapping(workload.template, "spec") and stand_in not in taken:
            taken.add(stand_in)
            facts = workload.record.facts if workload.record else {}
            yield PodView(workload.namespace, workload.name, workload.object, False, workload.template, facts)


@builds(PODS, reads=POD_KINDS)
def pods(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per pod, with the defaults that the API server would set."""
    live = {record.object for record in snapshot.records(kinds.POD)}
    for pod in pod_views(snapshot):
        spec = pod.spec
        account = text(spec, "serviceAccountName") or text(spec, "serviceAccount") or "default"
        yield {
            "object": pod.object,
            "namespace": pod.namespace,
            "name": pod.name,
            "workload": pod.workload,
            # A bare Pod in manifests has neither a node nor a status: it is declared, not running.
            "live": pod.live and pod.object in live and "manifests" not in snapshot.layout,
            "static": is_mirror(mapping(pod.content, "metadata")),
            "node": text(spec, "nodeName"),
            "phase": text(pod.content, "status", "phase"),
            "ready": condition(pod.content, "Ready"),
            "qos_class": text(pod.content, "status", "qosClass") or _qos(spec),
            "priority_class": text(spec, "priorityClassName"),
            "host_network": truth(spec, "hostNetwork") or False,
            "service_account": reference("ServiceAccount", pod.namespace, account),
            "automount_token": truth(spec, "automountServiceAccountToken"),
            "restart_policy": text(spec, "restartPolicy", default="Always"),
            "created_at": text(pod.content, "metadata", "creationTimestamp"),
        }


def _qos(spec: Mapping[str, Any]) -> str:
    if isinstance(spec.get("resources"), Mapping):
        return qos_class([mapping(spec, "resources")])
    every = [*items(spec, "containers"), *items(spec, "initContainers")]
    return qos_class(mapping(each, "resources") for each in every)


@builds(SPREAD_RULES, reads=POD_KINDS)
def spread_rules(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per topology spread constraint and pod anti-affinity term of each pod.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    for pod in pod_views(snapshot):
        for position, each in enumerate(items(pod.spec, "topologySpreadConstraints")):
            yield {
                "pod": pod.object,
                "rule": "topology_spread",
                "topology_key": text(each, "topologyKey"),
                "position": position,
                "required": text(each, "whenUnsatisfiable", default="DoNotSchedule") == "DoNotSchedule",
                "max_skew": number(each, "maxSkew"),
            }
        affinity = mapping(pod.spec, "affinity", "podAntiAffinity")
        terms = [(each, True) for each in items(affinity, "requiredDuringSchedulingIgnoredDuringExecution")]
        terms += [
            (mapping(each, "podAffinityTerm"), False)
            for each in items(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
        ]
        for position, (term, required) in enumerate(terms):
            yield {
                "pod": pod.object,
                "rule": "anti_affinity",
                "topology_key": text(term, "topologyKey"),
                "position": position,
                "required": required,
            }


def selectable(pods_table: pd.DataFrame) -> pd.DataFrame:
    """Return the pods that a Service, budget or policy may select: those that have not ended."""
    return pods_table[~pods_table["phase"].isin(["Succeeded", "Failed"])]
