"""The cluster itself: namespaces, nodes, quotas, labels, conditions, events, coverage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import (
    condition,
    conditions,
    items,
    mapping,
    number,
    reference,
    string_map,
    text,
    texts,
    truth,
)
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import joined_rows, pod_rows
from hipaa_kit.inventory.workloads import CONTROLLERS
from hipaa_kit.kube import kinds
from hipaa_kit.kube.quantities import QuantityError, cores, parse_quantity, whole
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.cluster import (
    CONDITIONS,
    EVENTS,
    LABELS,
    LIMIT_RANGES,
    NAMESPACES,
    NODES,
    QUOTAS,
)
from hipaa_kit.tables.results import COVERAGE

ROLE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")

LABELLED = (
    *CONTROLLERS,
    kinds.NAMESPACE,
    kinds.NODE,
    kinds.PERSISTENT_VOLUME,
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.SERVICE,
)
CONDITIONED = (
    kinds.DEPLOYMENT,
    kinds.HORIZONTAL_POD_AUTOSCALER,
    kinds.JOB,
    kinds.NODE,
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.POD,
    kinds.POD_DISRUPTION_BUDGET,
    kinds.STATEFUL_SET,
)


@builds(COVERAGE)
def coverage(snapshot: Snapshot) -> pd.DataFrame:
    """Return what was asked of the cluster and what came back."""
    return snapshot.coverage.frame


@builds(NAMESPACES, reads=[kinds.NAMESPACE])
def namespaces(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Namespace."""
    for record in snapshot.records(kinds.NAMESPACE):
        yield {
            "object": record.object,
            "name": record.name,
            "phase": text(record.content, "status", "phase"),
            "created_at": text(record.content, "metadata", "creationTimestamp"),
        }


@builds(NODES, reads=[kinds.NODE])
def nodes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Node."""
    for record in snapshot.records(kinds.NODE):
        labels = string_map(record.content, "metadata", "labels")
        allocatable = mapping(record.content, "status", "allocatable")
        info = mapping(record.content, "status", "nodeInfo")
        yield {
            "object": record.object,
            "name": record.name,
            "ready": condition(record.content, "Ready"),
            "schedulable": not (truth(record.content, "spec", "unschedulable") or False),
            "control_plane": any(label in labels for label in ROLE_LABELS),
            "zone": next((labels[name] for name in ZONE_LABELS if name in labels), ""),
            "region": next((labels[name] for name in REGION_LABELS if name in labels), ""),
            "hostname": labels.get("kubernetes.io/hostname", ""),
            "kubelet_version": text(info, "kubeletVersion"),
            "os_image": text(info, "osImage"),
            "kernel_version": text(info, "kernelVersion"),
            "container_runtime": text(info, "containerRuntimeVersion"),
            "provider": text(record.content, "spec", "providerID").partition(":")[0],
            "cpu_cores": cores(allocatable.get("cpu")),
            "memory_bytes": whole(allocatable.get("memory")),
            "max_pods": whole(allocatable.get("pods")),
        }


def taking_pods(nodes_table: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes that take pods of any kind, or all of them where none does."""
    workers = nodes_table[nodes_table["schedulable"] & ~nodes_table["control_plane"]]
    return workers if len(workers) else nodes_table


@builds(LABELS, reads=[*LABELLED, kinds.POD])
def labels(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per label of namespaces, nodes, pods, workloads, services, claims and volumes."""
    others = LABELS.frame(row for kind in LABELLED for record in snapshot.records(kind) for row in _labels(record))
    return joined_rows(pod_rows(LABELS, snapshot, _labels), others)


def _labels(labelled: Record | PodView) -> Iterator[dict[str, str]]:
    about = _about(labelled)
    for key, value in string_map(labelled.content, "metadata", "labels").items():
        yield {**about, "key": key, "value": value}


def _about(held: Record | PodView) -> dict[str, str]:
    kind = "Pod" if isinstance(held, PodView) else held.kind
    return {"object": held.object, "kind": kind, "namespace": held.namespace}


@builds(CONDITIONS, reads=CONDITIONED, also=POD_KINDS)
def conditions_table(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per condition in the status of workloads, pods, claims, autoscalers, budgets and nodes."""
    kept = [kind for kind in CONDITIONED if kind != kinds.POD]
    others = CONDITIONS.frame(row for kind in kept for record in snapshot.records(kind) for row in _conditions(record))
    return joined_rows(pod_rows(CONDITIONS, snapshot, _conditions), others)


def _conditions(held: Record | PodView) -> Iterator[dict[str, str]]:
    if isinstance(held, PodView) and not held.live:
        return
    for each in conditions(held.content):
        yield {
            **_about(held),
            "type": text(each, "type"),
            "status": text(each, "status"),
            "reason": text(each, "reason"),
            "since": text(each, "lastTransitionTime"),
        }


@builds(EVENTS, reads=[kinds.EVENT])
def events(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Event, in the form of either API group."""
    for record in snapshot.records(kinds.EVENT):
        content = record.content
        about = mapping(content, "regarding") or mapping(content, "involvedObject")
        series = mapping(content, "series")
        last = text(series, "lastObservedTime") or text(content, "lastTimestamp") or text(content, "eventTime")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "regarding": reference(text(about, "kind"), text(about, "namespace"), text(about, "name")),
            "type": text(content, "type"),
            "reason": text(content, "reason"),
            "count": number(series, "count") or number(content, "count") or number(content, "deprecatedCount"),
            "last_seen": last,
        }


@builds(QUOTAS, reads=[kinds.RESOURCE_QUOTA])
def quotas(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per resource that a ResourceQuota limits."""
    for record in snapshot.records(kinds.RESOURCE_QUOTA):
        hard = mapping(record.content, "spec", "hard")
        selected = items(record.content, "spec", "scopeSelector", "matchExpressions")
        scopes = {*texts(record.content, "spec", "scopes"), *(text(each, "scopeName") for each in selected)}
        used = mapping(record.content, "status", "used")
        for resource, limit in hard.items():
            yield {
                "object": record.object,
                "namespace": record.namespace,
                "resource": str(resource),
                "scopes": " ".join(sorted(scopes)),
                "hard": _amount(limit),
                "used": _amount(used.get(resource)),
            }


@builds(LIMIT_RANGES, reads=[kinds.LIMIT_RANGE])
def limit_ranges(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per resource of each entry of each LimitRange.

    For containers a server fills in what an entry leaves open, and so it holds of manifests too: the limit by default
    is the maximum, and the request by default that limit, else the minimum.
    Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/defaults.go,
    `SetDefaults_LimitRangeItem`
    """
    for record in snapshot.records(kinds.LIMIT_RANGE):
        rows = {}
        for entry in items(record.content, "spec", "limits"):
            requests, limits = mapping(entry, "defaultRequest"), mapping(entry, "default")
            least, most = mapping(entry, "min"), mapping(entry, "max")
            if text(entry, "type") == "Container":
                limits = {**most, **limits}
                requests = {**least, **limits, **requests}
            for resource in sorted({*map(str, requests), *map(str, limits), *map(str, least), *map(str, most)}):
                rows[text(entry, "type"), resource] = {
                    "object": record.object,
                    "namespace": record.namespace,
                    "type": text(entry, "type"),
                    "resource": resource,
                    "default_request": _amount(requests.get(resource)),
                    "default_limit": _amount(limits.get(resource)),
                    "most": _amount(most.get(resource)),
                }
        yield from rows.values()


def _amount(value: Any) -> float | None:
    try:
        return float(parse_quantity(value))
    except QuantityError:
        return None
