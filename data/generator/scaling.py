"""PodDisruptionBudgets and HorizontalPodAutoscalers, with the status their controllers compute."""

from __future__ import annotations

from model import APP, Autoscaler, Budget, Hospital, Workload
from objects import Cluster, Object, moment


def add_scaling(cluster: Cluster, hospital: Hospital) -> None:
    """Add every budget and every autoscaler; the pods are there already."""
    for budget in hospital.all(Budget):
        add_budget(cluster, budget)
    for autoscaler in hospital.all(Autoscaler):
        add_autoscaler(cluster, hospital, autoscaler)


def add_budget(cluster: Cluster, budget: Budget) -> None:
    """Add a PodDisruptionBudget with the status its controller would compute."""
    chosen = [pod for pod in cluster.of("Pod", budget.namespace) if pod["metadata"]["labels"].get(APP) == budget.app]
    healthy = sum(
        condition["status"] == "True"
        for pod in chosen
        for condition in pod["status"]["conditions"]
        if condition["type"] == "Ready"
    )
    if budget.min_available is None:
        limit: Object = {"maxUnavailable": budget.max_unavailable}
        desired = max(len(chosen) - int(budget.max_unavailable or 0), 0)
    else:
        limit = {"minAvailable": budget.min_available}
        asked = budget.min_available
        desired = asked if isinstance(asked, int) else -(-len(chosen) * int(asked.rstrip("%")) // 100)
    allowed = max(healthy - desired, 0)
    created = moment("2026-04-16", "budget", budget.namespace, budget.name)
    cluster.add(
        "PodDisruptionBudget",
        budget.namespace,
        budget.name,
        {
            "spec": {
                **limit,
                "selector": {"matchLabels": {APP: budget.app}},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
            "status": {
                "conditions": [
                    {
                        "type": "DisruptionAllowed",
                        "status": "True" if allowed else "False",
                        "reason": "SufficientPods" if allowed else "InsufficientPods",
                        "message": "",
                        "observedGeneration": 1,
                        "lastTransitionTime": created,
                    }
                ],
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "disruptionsAllowed": allowed,
                "expectedPods": len(chosen),
                "observedGeneration": 1,
            },
        },
        created=created,
        generation=1,
    )


def add_autoscaler(cluster: Cluster, hospital: Hospital, autoscaler: Autoscaler) -> None:
    """Add a HorizontalPodAutoscaler, which knows its metric or does not."""
    key = f"Deployment/{autoscaler.namespace}/{autoscaler.name}"
    scaled = hospital.declared[key]
    assert isinstance(scaled, Workload), key  # noqa: S101 - the key names a Deployment
    created = moment("2026-05-20", "autoscaler", key)
    since = created if autoscaler.active else "2026-11-19T14:07:31Z"
    metric = {"type": "Utilization", "averageUtilization": 70}
    current = {"averageUtilization": 41, "averageValue": "103m"}
    conditions = [
        ("AbleToScale", "True", "ReadyForNewScale", created),
        (
            "ScalingActive",
            *(("True", "ValidMetricFound") if autoscaler.active else ("False", "FailedGetResourceMetric")),
            since,
        ),
        ("ScalingLimited", "False", "DesiredWithinRange", created),
    ]
    status = {
        "conditions": [
            {"type": kind, "status": value, "reason": reason, "lastTransitionTime": when}
            for kind, value, reason, when in conditions
        ],
        "currentReplicas": scaled.replicas,
        "desiredReplicas": scaled.replicas,
    }
    if autoscaler.active:
        status["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    else:
        status["currentMetrics"] = None
    cluster.add(
        "HorizontalPodAutoscaler",
        autoscaler.namespace,
        autoscaler.name,
        {
            "spec": {
                "maxReplicas": autoscaler.most,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": metric}}],
                "minReplicas": autoscaler.least,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": autoscaler.name},
            },
            "status": status,
        },
        created=created,
    )
