"""What a series of nightly snapshots showed: nodes were drained one by one, and their pods came back elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from model import Hospital, Input, Workload, object_id
from objects import uid
from pods import Replica, replicas

SECONDS_TO_READY = 40
COLUMNS = (
    *("pod", "uid", "container", "restarts", "namespace", "workload", "how", "cause", "failed_at", "failed_basis"),
    *("seen_last", "gone_by", "replacement", "replacement_uid", "matched_by", "replaced_by", "field_manager"),
    *("created_at", "ready_at", "seconds_to_ready", "reason", "unready_at", "cluster_uid"),
)


def series(hospital: Hospital) -> list[Input]:
    """Declare the history: of each workload that runs all the time, a pod that was evicted and its replacement."""
    running = [one for one in hospital.all(Workload) if one.kind in ("Deployment", "StatefulSet")]
    told = [drained(one, held[0]) for one in running if (held := replicas(hospital, one))]
    return [Input("replacements.csv", told)]


def drained(workload: Workload, came: Replica) -> dict[str, Any]:
    """Return the row of a pod that an eviction took, and that one which runs now replaced."""
    went = came.name if workload.kind == "StatefulSet" else f"{came.name[:-5]}gone0"
    pod = f"Pod/{workload.namespace}/{went}"
    return dict.fromkeys(COLUMNS, "") | {
        "pod": pod,
        "uid": uid("drained", workload.namespace, came.name),
        "restarts": 0,
        "namespace": workload.namespace,
        "workload": object_id(workload),
        "how": "evicted",
        "cause": "EvictionByEvictionAPI",
        "failed_at": later(came.created, -2),
        "failed_basis": "condition DisruptionTarget",
        "seen_last": later(came.created, -1),
        "gone_by": f"{later(came.created, 86_400)[:10]}T02:00:00Z",
        "replacement": f"Pod/{workload.namespace}/{came.name}",
        "replacement_uid": uid("Pod", workload.namespace, came.name),
        "matched_by": "name" if workload.kind == "StatefulSet" else "order",
        "field_manager": "kube-controller-manager",
        "created_at": came.created,
        "ready_at": later(came.created, SECONDS_TO_READY - 2),
        "seconds_to_ready": float(SECONDS_TO_READY),
        "cluster_uid": uid("Namespace", "", "kube-system"),
    }


def later(at: str, seconds: int) -> str:
    """Return a time some seconds after another."""
    return (datetime.fromisoformat(at) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
