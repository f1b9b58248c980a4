"""What scales, protects and ranks workloads: budgets, autoscalers, priority classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_kit.inventory.fields import int_or_text, mapping, number, reference, text, truth
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.selection import pod_index
from hipaa_kit.kube import kinds
from hipaa_kit.kube.selectors import NOTHING, Selector, SelectorError, label_selector
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.workloads import AUTOSCALERS, BUDGET_PODS, DISRUPTION_BUDGETS, PRIORITY_CLASSES


@builds(DISRUPTION_BUDGETS, reads=[kinds.POD_DISRUPTION_BUDGET])
def disruption_budgets(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per PodDisruptionBudget."""
    for record in snapshot.records(kinds.POD_DISRUPTION_BUDGET):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "min_available": int_or_text(spec, "minAvailable"),
            "max_unavailable": int_or_text(spec, "maxUnavailable"),
            "unhealthy_pod_eviction": text(spec, "unhealthyPodEvictionPolicy"),
            "disruptions_allowed": number(status, "disruptionsAllowed"),
            "current_healthy": number(status, "currentHealthy"),
            "expected_pods": number(status, "expectedPods"),
        }


@builds(BUDGET_PODS, reads=[kinds.POD_DISRUPTION_BUDGET, *POD_KINDS])
def budget_pods(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per pod that a budget selects."""
    index = pod_index(snapshot)
    for record in snapshot.records(kinds.POD_DISRUPTION_BUDGET):
        for pod in index.selected(record.namespace, _budget_selector(record)):
            yield {"budget": record.object, "pod": pod.object}


def _budget_selector(record: Record) -> Selector:
    """Return what a budget selects.

    In `policy/v1` an empty selector selects every pod of the namespace; in `policy/v1beta1` it
    selected none. A selector that cannot be read selects none: the API would have refused it.
    Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/#poddisruptionbudget-v125
    """
    try:
        selector = label_selector(mapping(record.content, "spec").get("selector"))
    except SelectorError:
        return NOTHING
    old = text(record.content, "apiVersion") == "policy/v1beta1"
    return NOTHING if old and selector.everything else selector


@builds(AUTOSCALERS, reads=[kinds.HORIZONTAL_POD_AUTOSCALER])
def autoscalers(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per HorizontalPodAutoscaler."""
    for record in snapshot.records(kinds.HORIZONTAL_POD_AUTOSCALER):
        spec, target = mapping(record.content, "spec"), mapping(record.content, "spec", "scaleTargetRef")
        least = number(spec, "minReplicas")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "workload": reference(text(target, "kind"), record.namespace, text(target, "name")),
            "min_replicas": 1 if least is None else least,
            "max_replicas": number(spec, "maxReplicas"),
            "current_replicas": number(record.content, "status", "currentReplicas"),
        }


@builds(PRIORITY_CLASSES, reads=[kinds.PRIORITY_CLASS])
def priority_classes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per PriorityClass."""
    for record in snapshot.records(kinds.PRIORITY_CLASS):
        yield {
            "object": record.object,
            "name": record.name,
            "value": number(record.content, "value"),
            "default": truth(record.content, "globalDefault") or False,
            "preemption_policy": text(record.content, "preemptionPolicy", default="PreemptLowerPriority"),
        }
