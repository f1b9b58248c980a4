"""What a PodDisruptionBudget allows.

Source: `getExpectedPodCount` and `updatePdbStatus` of `k8s.io/kubernetes/pkg/controller/disruption`,
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#rounding-logic-when-specifying-percentages.
"""

from __future__ import annotations

from typing import Any

from hipaa_kit.kube.quantities import scaled_value


def desired_healthy(expected: int, min_available: Any, max_unavailable: Any) -> int | None:
    """Return how many pods must stay healthy; None where a field cannot be read.

    Parameters
    ----------
    expected
        Pods that the budget counts: the replicas that the controllers of its pods ask for, or the pods
        themselves where `min_available` is a number.
    min_available, max_unavailable
        As written; None where it is not there. The API refuses both at once.

    Notes
    -----
    Percentages of both fields round up. So `maxUnavailable: 1%` allows one pod to go, and
    `minAvailable: 1%` asks for one to stay.
    """
    if max_unavailable is not None:
        allowed = scaled_value(max_unavailable, expected, round_up=True)
        return None if allowed is None else max(expected - allowed, 0)
    if min_available is None:
        return 0
    return scaled_value(min_available, expected, round_up=True)


def disruptions_allowed(expected: int, healthy: int, min_available: Any, max_unavailable: Any) -> int | None:
    """Return how many pods may be evicted now; None where a field cannot be read.

    Parameters
    ----------
    expected, min_available, max_unavailable
        As for `desired_healthy`.
    healthy
        Pods that are ready and not being deleted.

    Notes
    -----
    A budget with neither field counts no pods, and a budget that counts no pods allows nothing.
    """
    needed = desired_healthy(expected, min_available, max_unavailable)
    if needed is None:
        return None
    counts_none = expected <= 0 or (min_available is None and max_unavailable is None)
    return 0 if counts_none else max(healthy - needed, 0)


def blocks_for_good(expected: int, min_available: Any, max_unavailable: Any) -> bool | None:
    """Tell whether a budget allows no disruption even while every pod is healthy; None where unknown.

    A node that runs one of its pods can then never be drained. A budget over no pods blocks nothing.
    """
    allowed = disruptions_allowed(expected, expected, min_available, max_unavailable)
    return None if allowed is None else expected > 0 and allowed == 0


def int_or_text(value: str) -> Any:
    """Return an IntOrString that was kept as text in the form in which the API reads it."""
    return int(value) if value.isdecimal() else value or None
