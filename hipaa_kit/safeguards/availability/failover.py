"""Failover as it happened: what a series of snapshots shows of pods that were lost, and of what came in their place."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.inventory.pod_ends import NODE_GONE, NODES_UNSEEN
from hipaa_kit.safeguards.ages import moment, moments
from hipaa_kit.safeguards.availability.common import NOT_REPLICATED
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, to_give
from hipaa_kit.tables.declaration import rows_by, rows_of

LOST: Final = ("evicted", "failed")
"""Ends that are no rollout and no scale-down."""

GONE: Final = (NODE_GONE, NODES_UNSEEN)
"""Causes of what was deleted or vanished that make it no rollout by all that is seen."""

NODE_LOST: Final = ("DeletionByTaintManager", "DeletionByPodGC")
"""Reasons of evictions that come long after the node stopped: the time from them is not that of the outage.

Source: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions and
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""


@check("HK-AVL-14")
def lost_pods_replaced(
    ephi_workloads: pd.DataFrame,
    observed_replacements: pd.DataFrame,
    *,
    as_of: str,
    failover_window_days: int = 90,
    failover_minutes_critical: int = 15,
    failover_minutes_high: int = 60,
    failover_minutes_standard: int = 240,
) -> pd.DataFrame:
    """Judge every ePHI workload by how its lost pods were replaced while a series of snapshots looked on.

    Parameters
    ----------
    ephi_workloads, observed_replacements : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    failover_window_days
        Losses within so many days before count.
    failover_minutes_critical, failover_minutes_high, failover_minutes_standard
        Minutes within which a replacement is to be Ready, by criticality.

    Returns
    -------
    table `judgements`, one row per ePHI workload

    Notes
    -----
    The time to Ready is an upper bound, as a replacement may have been Ready, and not Ready again, before a moment
    showed it. So it can earn a pass and never a failure: that takes a replacement which was seen not Ready when all the
    time, counted from its creation, was over. Container restarts are no failover. The worst loss decides; pods that
    were deleted or vanished say something only where no other was lost, or where their node went in the same time.
    """
    minutes = {
        "critical": failover_minutes_critical,
        "high": failover_minutes_high,
        "standard": failover_minutes_standard,
    }
    seen = _within(observed_replacements, as_of, failover_window_days)
    other = set(seen[seen["same_cluster"].eq(False).fillna(False)]["workload"])
    mine = seen[seen["same_cluster"].ne(False).fillna(True)]
    by_workload = rows_by(mine, "workload")
    told = [_told(by_workload.get(row["object"], []), minutes[row["criticality"]]) for row in rows_of(ephi_workloads)]
    states = pd.DataFrame(told, columns=["state", "words", "pods"], index=ephi_workloads.index, dtype="str")
    examined = ephi_workloads[["object", "kind", "desired"]].join(states)
    state = examined["state"]
    nothing = state == "none"
    return judge(
        examined,
        not_applicable(examined["kind"].isin(NOT_REPLICATED), "a {kind} keeps no replicas"),
        not_applicable(examined["kind"] == "Pod", "a pod that nothing controls is not replaced"),
        not_applicable(nothing & (examined["desired"] == 0), "it asks for no replicas"),
        fails(state == "stuck", "{words}", observed="not Ready", expected="a replacement that is Ready in time"),
        not_assessed(
            nothing & examined["object"].isin(other), "the series is of another cluster", code="input_missing"
        ),
        not_assessed(
            nothing,
            f"no pod of it was seen lost in the {failover_window_days} days before; a longer or denser series may "
            f"show one; {to_give('replacements')}",
            code="input_missing",
        ),
        reviews(state.isin(["asked", "went"]), "{words}"),
        evidence="pods",
        passes="{words}",
    )


def _within(seen: pd.DataFrame, as_of: str, days: int) -> pd.DataFrame:
    """Return the pods that ended within a time before a moment."""
    ended = moments(seen["failed_at"].where(seen["failed_at"] != "", seen["seen_last"]))
    age = (moment(as_of) - ended).dt.total_seconds() / 86400
    found: pd.DataFrame = seen[(seen["container"] == "") & (age >= 0) & (age <= days)]
    return found


def _told(rows: list[dict[str, Any]], minutes: float) -> tuple[str, str, str]:
    """Return what the losses of one workload come to, in a word and in words, and the pods that these rest on."""
    lost = [row for row in rows if row["how"] in LOST or row["cause"] in GONE]
    judged = [(*_of_one(row, minutes), row) for row in lost]
    for state in ("stuck", "asked"):
        found = [(words, row) for said, words, row in judged if said == state]
        if found:
            more = f"; and {len(found) - 1} more like it" if len(found) > 1 else ""
            return state, found[0][0] + more, _pods([row for _, row in found])
    if judged:
        slowest = max(lost, key=lambda row: row["seconds_to_ready"])
        words = f"lost pods that were replaced in time: {len(lost)}; the slowest replacement was Ready "
        words += f"{slowest['seconds_to_ready']:.0f} seconds after the loss, within {Count(minutes):minute}"
        return "in time", words, _pods(lost)
    if rows:
        words = f"were these rolled out or scaled down, or lost? Pods that were deleted or vanished: {len(rows)}"
        return "went", words, _pods(rows)
    return "none", "", ""


def _of_one(row: dict[str, Any], minutes: float) -> tuple[str, str]:
    """Return what one loss comes to: stuck, asked or in time."""
    pod, seconds = f"{row['pod']}, {row['how']}", row["seconds_to_ready"]
    if pd.isna(row["same_cluster"]):
        return "asked", f"is the series of this cluster? It tells of {pod}, and not of which cluster"
    if row["cause"] == NODES_UNSEEN:
        return "asked", f"was it rolled out, or was its node lost? Of {pod}: nodes were not all seen"
    if not row["replacement"]:
        return "asked", f"was it to be replaced? Of {pod}, {row['reason']}"
    waited = (moment(row["unready_at"]) - moment(row["created_at"])).total_seconds()
    if waited > minutes * 60:
        words = f"{row['replacement']}, made in place of {pod}, was not Ready {waited:.0f} seconds later"
        return "stuck", f"{words}; it is to be within {Count(minutes):minute}"
    if row["cause"] == NODE_GONE:
        return "asked", f"was its node lost, or taken away in order? Of {pod}: the node it ran on went in the same time"
    if pd.isna(seconds):
        return "asked", f"was it replaced in time? Of {pod}: {row['reason']}"
    if seconds > minutes * 60:
        words = (
            f"was another replica there meanwhile? What replaced {pod}, was Ready at most {seconds:.0f} seconds later"
        )
        return "asked", f"{words}, and is to be within {Count(minutes):minute}"
    if row["cause"] in NODE_LOST:
        words = f"when did its node stop? What replaced {pod}, was Ready {seconds:.0f} seconds after"
        return "asked", f"{words} {row['cause']}, which comes later"
    return "in time", ""


def _pods(rows: list[dict[str, Any]]) -> str:
    return " ".join(dict.fromkeys(name for row in rows for name in (row["pod"], row["replacement"]) if name))
