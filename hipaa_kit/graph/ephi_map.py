"""The map of the network around ePHI: what is on it, what it leaves open, and what was seen that it denies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.parts import Parts
from hipaa_kit.inventory.registry import builds
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.traffic import EPHI_MAP

WORST = ("unknown", "not_enforced", "enforced")
"""Answers to whether anything enforces policy: the first that holds for any pod holds for the workload."""


@builds(
    EPHI_MAP,
    narrow={"isolation": ("pod", "workload", "other_networks", "enforcement"), "exposures": ("workload", "level")},
    parts=Parts(("object",), {"ephi_traffic": (("source",), ("destination",))}),
)
def ephi_map(
    ephi_workloads: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    ephi_traffic: pd.DataFrame,
    isolation: pd.DataFrame,
    exposures: pd.DataFrame,
    pods: pd.DataFrame,
    reachability_options: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per ePHI workload, and per store outside the cluster.

    Notes
    -----
    The map itself is table `ephi_traffic`. A pod on the network of its node connects as the node does, and what goes
    over interfaces beside that of the pod network passes no policy: neither is on the map.
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """
    flows = _Flows(ephi_traffic)
    of_node = frozenset(pods[pods["host_network"]]["object"])
    running: dict[str, list[dict[Any, Any]]] = defaultdict(list)
    for row in rows_of(isolation[isolation["workload"].isin(ephi_workloads["object"])].drop_duplicates("pod")):
        running[row["workload"]].append(row)
    ways = exposures[exposures["level"] != "none"]["workload"].value_counts()
    for row in rows_of(ephi_workloads):
        name, held = row["object"], running[row["object"]]
        hidden = [f"{pod['pod']}: {why}" for pod in held if (why := _hidden(pod, of_node))]
        said = {pod["enforcement"] for pod in held}
        yield {
            **flows.of(name),
            "object": name,
            "namespace": row["namespace"],
            "external": False,
            "pods": len(held),
            "off_map": "; ".join(hidden),
            "entries": int(ways.get(name, 0)),
            "enforcement": next((each for each in WORST if each in said), "unknown"),
        }
    options = dict(zip(reachability_options["option"], reachability_options["value"], strict=True))
    for name in ephi_objects[ephi_objects["kind"] == "External"]["object"]:
        nothing = {"namespace": "", "off_map": "", "pods": 0, "entries": 0}
        yield {"object": name, "external": True, **nothing, **flows.of(name), "enforcement": options["enforcement"]}


def _hidden(pod: dict[Any, Any], of_node: frozenset[str]) -> str:
    """Return why connections of a pod are not on the map, "" where they are."""
    if pod["pod"] in of_node:
        return "on the network of its node"
    return "has interfaces beside the pod network" if pod["other_networks"] else ""


class _Flows:
    """What the map shows of each workload."""

    def __init__(self, ephi_traffic: pd.DataFrame) -> None:
        self._counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._reasons: dict[str, dict[str, None]] = defaultdict(dict)
        self._contradicted: dict[str, list[str]] = defaultdict(list)
        for row in rows_of(ephi_traffic[ephi_traffic["source"] != ephi_traffic["destination"]]):
            self._take(row)

    def _take(self, row: dict[Any, Any]) -> None:
        for own, other, way in (("source", "destination", "flows_out"), ("destination", "source", "flows_in")):
            name, ends = row[own], 1 + int(row[f"{other}_others"])
            if not row[f"{own}_ephi"]:
                continue
            counts = self._counts[name]
            if row["verdict"] != "denied":
                counts[way] += ends
                counts["outside"] += ends if row["outside"] else 0
            if row["unknown"]:
                counts["open_questions"] += ends
                self._reasons[name].update(dict.fromkeys(filter(None, row["reason"].split("; "))))
            if row["contradicted"]:
                told = f"{row['source']} to {row['destination']} on {row['protocol']} {row['contradicted']}"
                self._contradicted[name].append(told)

    def of(self, name: str) -> dict[str, Any]:
        """Return what is told of one workload."""
        counts = ("flows_in", "flows_out", "outside", "open_questions")
        return {
            **{each: self._counts[name][each] for each in counts},
            "reason": "; ".join(self._reasons[name]),
            "contradicted": "; ".join(self._contradicted[name]),
        }
