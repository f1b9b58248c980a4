"""What a workload stands on, and what alone would stop it.

A workload is up while one of its ready replicas is; a replica is up while everything it depends on
is: its node, the node's zone, the claims it mounts. A set of losses stops the workload when it hits
every replica's dependencies; the smallest such set is the cut between the workload and the ground.
A cut of one is a single point of failure.

The graph of workload, replicas and dependencies is small after one step: a dependency that another
one covers (a node inside a zone, when all replicas on it are in that zone anyway) never makes a cut
smaller, so that the exact smallest cut is found by looking at the few that are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.owners import object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.scope import FAILURE_POINTS, SPREAD

NOT_SPREAD = frozenset(["CronJob", "DaemonSet", "Job"])
"""Kinds whose pods are not replicas that could be spread."""

KINDS = {"Node": "node", "Zone": "zone", "PersistentVolumeClaim": "claim"}
CUT_SEARCHED = 4
"""Cuts larger than this are not looked for: surviving that many losses at once is enough to know."""

Replicas = Mapping[str, frozenset[str]]
"""What each ready replica depends on, by pod."""


@builds(SPREAD)
def spread(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    spread_rules: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per ePHI workload that keeps replicas, with what they are spread over."""
    replicas = _replicas(ephi_workloads, pods, nodes, volumes, claims)
    zone_of = dict(zip(nodes["name"], nodes["zone"], strict=True))
    obliged = spread_rules[spread_rules["required"]]["pod"]
    constrained = set(pods[pods["object"].isin(obliged)]["workload"])
    node_of = dict(zip(pods["object"], pods["node"], strict=True))
    for row in rows_of(ephi_workloads[~ephi_workloads["kind"].isin(NOT_SPREAD)]):
        ready = replicas.get(row["object"], {})
        under = [node_of[pod] for pod in ready]
        zones = {zone_of.get(node, "") for node in under} - {""}
        yield {
            "workload": row["object"],
            "namespace": row["namespace"],
            "criticality": row["criticality"],
            "ready_replicas": len(ready),
            "nodes": len(set(under)),
            "zones": len(zones),
            "unplaced": sum(not zone_of.get(node, "") for node in under),
            "survives": smallest_cut(ready) - 1 if ready else None,
            "constrained": row["object"] in constrained,
        }


@builds(FAILURE_POINTS)
def failure_points(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    expected_flows: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per node, zone or claim whose loss alone stops an ePHI workload.

    A workload that opens connections to another by a declared flow stops with it: it inherits the
    points of everything it depends on, directly or further on.
    """
    replicas = _replicas(ephi_workloads, pods, nodes, volumes, claims)
    needs = _dependencies(expected_flows)
    known = [str(name) for name in ephi_workloads["object"]]
    for workload in known:
        for through in _reached(workload, needs):
            for point in sorted(single_points(replicas.get(through, {}))):
                yield {
                    "workload": workload,
                    "point": point,
                    "kind": KINDS[point.split("/")[0]],
                    "through": through,
                    "replicas": len(replicas[through]),
                }


def single_points(replicas: Replicas) -> frozenset[str]:
    """Return what every replica depends on: cuts of size one."""
    return frozenset.intersection(*replicas.values()) if replicas else frozenset()


def smallest_cut(replicas: Replicas) -> int:
    """Return how many losses at the least stop every replica; `CUT_SEARCHED` + 1 where more are needed.

    Parameters
    ----------
    replicas
        What each replica depends on; each depends on something.
    """
    hit: dict[str, set[str]] = defaultdict(set)
    for pod, dependencies in replicas.items():
        for dependency in dependencies:
            hit[dependency].add(pod)
    candidates = _not_covered(hit)
    for size in range(1, CUT_SEARCHED + 1):
        for losses in combinations(candidates, size):
            if len(set().union(*(hit[loss] for loss in losses))) == len(replicas):
                return size
    return CUT_SEARCHED + 1


def _not_covered(hit: Mapping[str, set[str]]) -> list[str]:
    """Return the dependencies that stop something which no other one stops as well."""
    kept: list[str] = []
    for name in sorted(hit, key=lambda name: (-len(hit[name]), name)):
        if not any(hit[name] <= hit[other] for other in kept):
            kept.append(name)
    return kept


def _replicas(
    workloads: pd.DataFrame, pods: pd.DataFrame, nodes: pd.DataFrame, volumes: pd.DataFrame, claims: pd.DataFrame
) -> dict[str, dict[str, frozenset[str]]]:
    """Return what every ready replica of each workload depends on."""
    zone_of = dict(zip(nodes["name"], nodes["zone"], strict=True))
    claimed: dict[str, set[str]] = defaultdict(set)
    mounted = volumes[volumes["reference"].isin(claims["object"])]
    for pod, claim in mounted[["pod", "reference"]].itertuples(index=False):
        claimed[pod].add(claim)
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    placed = pods[pods["live"] & pods["ready"].fillna(False) & (pods["node"] != "")]
    wanted = placed[placed["workload"].isin(workloads["object"])]
    for pod, workload, node in wanted[["object", "workload", "node"]].itertuples(index=False):
        ground = {object_id("Node", "", node), *claimed[pod]}
        if zone := zone_of.get(node):
            ground.add(object_id("Zone", "", zone))
        found[workload][pod] = frozenset(ground)
    return found


def _dependencies(flows: pd.DataFrame) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = defaultdict(list)
    for source, destination in flows[["source", "destination"]].drop_duplicates().itertuples(index=False):
        needs[source].append(destination)
    return needs


def _reached(workload: str, needs: Mapping[str, list[str]]) -> list[str]:
    """Return a workload and everything it depends on, each once."""
    reached = [workload]
    for each in reached:
        reached += [other for other in needs.get(each, []) if other not in reached]
    return reached
