"""What would become of the pods of a node if it were lost: whether the others have room for them.

Requests are weighed, as the scheduler weighs them, and not what pods use. Pods of DaemonSets and of kubelets go with
their node. Room is what schedulable, ready nodes without taints have left; what may give way are pods of lower
priority than that of the ePHI pods.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hipaa_kit.graph.packing import Amount, Demand, Matrix, Room, placed, too_much
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.placement import NODE_LOSSES

HOSTNAME = "kubernetes.io/hostname"
DEMANDING = ("critical", "high")
"""Criticalities of which replicas are asked (HK-AVL-01)."""

KEEPS_OUT = ("NoSchedule", "NoExecute")


@dataclass
class _Pod:
    """One pod that asks for room."""

    name: str
    node: str
    workload: str
    ephi: bool
    stays: bool
    priority: float
    asks: Amount
    volumes: list[str] = field(default_factory=list)
    apart: bool = False
    choosy: bool = False


@builds(NODE_LOSSES)
def node_losses(
    ephi_workloads: pd.DataFrame,
    nodes: pd.DataFrame,
    node_taints: pd.DataFrame,
    pods: pd.DataFrame,
    priority_classes: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    volume_reach: pd.DataFrame,
    spread_rules: pd.DataFrame,
    node_choices: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per node that runs ePHI pods which would need another one."""
    held = _pods(ephi_workloads, pods, priority_classes)
    _bind(held, volumes, claims, spread_rules, node_choices)
    cluster = _Cluster(nodes, node_taints, volume_reach, list(held.values()))
    ready = set(pods[pods["ready"].fillna(False).astype(bool)]["object"])
    up: dict[str, set[str]] = {
        name: set() for name in ephi_workloads[ephi_workloads["criticality"].isin(DEMANDING)]["object"]
    }
    for pod in held.values():
        if pod.name in ready and pod.workload in up:
            up[pod.workload].add(pod.node)
    for node in sorted({pod.node for pod in held.values() if pod.ephi and not pod.stays} & set(cluster.zone)):
        yield cluster.without(node, up)


def _pods(workloads: pd.DataFrame, pods: pd.DataFrame, classes: pd.DataFrame) -> dict[str, _Pod]:
    """Return the pods that have a node and have not ended, with what each asks for."""
    value = dict(zip(classes["name"], classes["value"].fillna(0), strict=True))
    default = next(iter(classes[classes["default"]]["value"].fillna(0)), 0)
    here = selectable(pods[pods["live"] & (pods["node"] != "")])
    ephi = set(workloads["object"])
    found = {}
    for row in rows_of(here):
        stays = bool(row["static"]) or str(row["workload"]).startswith("DaemonSet/")
        named = row["priority_class"]
        # A class that was not read may be of any height: its pods may give way, and nothing is proved by them.
        priority = float(value.get(named, float("inf"))) if named else float(default)
        asks = Amount(row["asked_cpu_cores"], row["asked_memory_bytes"])
        found[row["object"]] = _Pod(
            row["object"], row["node"], row["workload"], row["workload"] in ephi, stays, priority, asks
        )
    return found


def _bind(
    held: dict[str, _Pod],
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    spread_rules: pd.DataFrame,
    node_choices: pd.DataFrame,
) -> None:
    """Note what binds pods: their volumes, and rules by which the scheduler places them."""
    bound = dict(zip(claims["object"], claims["persistent_volume"], strict=True))
    for pod, claim in volumes[["pod", "reference"]].itertuples(index=False):
        if pod in held and bound.get(claim):
            held[pod].volumes.append(bound[claim])
    alone = spread_rules["required"] & spread_rules["rule"].eq("anti_affinity")
    for pod in spread_rules[alone & spread_rules["topology_key"].eq(HOSTNAME)]["pod"]:
        if pod in held:
            held[pod].apart = True
    for pod in node_choices["pod"]:
        if pod in held:
            held[pod].choosy = True


class _Cluster:
    """The nodes that take pods, what is on them, and what they have left."""

    def __init__(self, nodes: pd.DataFrame, taints: pd.DataFrame, volume_reach: pd.DataFrame, pods: list[_Pod]) -> None:
        self.zone = dict(zip(nodes["name"], nodes["zone"], strict=True))
        keeping_out = set(taints[taints["effect"].isin(KEEPS_OUT)]["node"].str.removeprefix("Node//"))
        usable = nodes["schedulable"] & ~nodes["control_plane"] & nodes["ready"].fillna(False).astype(bool)
        taking = nodes[usable].sort_values("name")
        self._names: list[str] = list(taking["name"])
        self._number = {name: number for number, name in enumerate(self._names)}
        self._open = np.array([name not in keeping_out for name in self._names], dtype=bool)
        sizes = taking[["cpu_cores", "memory_bytes", "max_pods"]].astype("float64")
        self._unsized = sizes[["cpu_cores", "memory_bytes"]].isna().any(axis=1).to_numpy(dtype=bool)
        size = sizes.fillna({"cpu_cores": 0.0, "memory_bytes": 0.0, "max_pods": np.inf}).to_numpy()
        self._on: dict[str, list[_Pod]] = defaultdict(list)
        for pod in pods:
            self._on[pod.node].append(pod)
        self._left: Matrix = size - self._sums([self._on[name] for name in self._names])
        self._apart = [frozenset(pod.workload for pod in self._on[name] if pod.apart) for name in self._names]
        self._most: dict[float, Matrix] = {}
        self._reach = {volume: list(rows_of(rows)) for volume, rows in volume_reach.groupby("persistent_volume")}
        self._mounted: dict[tuple[str, ...], frozenset[int]] = {}

    @staticmethod
    def _sums(pods: Iterable[Iterable[_Pod]]) -> Matrix:
        """Return what each list of pods asks for together."""
        sums = [np.array([pod.asks for pod in held] or [Amount(pods=0.0)]).sum(axis=0) for held in pods]
        return np.array(sums).reshape(len(sums), 3)

    def without(self, lost: str, up: Mapping[str, set[str]]) -> dict[str, Any]:
        """Return the row of a node that is lost; `up` are the nodes on which each demanding workload is ready."""
        others = np.array([name != lost for name in self._names], dtype=bool)
        displaced = [pod for pod in self._on[lost] if not pod.stays]
        demands = {pod.name: self._demand(pod, others) for pod in displaced}
        held = [pod for pod in displaced if self._held(demands[pod.name], others)]
        # Of a pod without ePHI that chooses its nodes, room is asked all the same: it may take that of the others.
        free = [pod for pod in displaced if pod not in held and not (pod.choosy and pod.ephi)]
        ephi = [demands[pod.name] for pod in free if pod.ephi]
        room = self._room(self._left, others & self._open)
        where = placed([demands[pod.name] for pod in free], room)
        highest = max((pod.priority for pod in free if pod.ephi), default=-np.inf)
        known = not (self._unsized & others).any()
        stopped = {pod.workload for pod in held if pod.workload in up and not up[pod.workload] - {lost}}
        return {
            "node": f"Node//{lost}",
            "zone": self.zone[lost],
            "displaced": len(displaced),
            "ephi_displaced": sum(pod.ephi for pod in displaced),
            "held": sum(pod.ephi for pod in held),
            "choosy": sum(pod.ephi and pod.choosy and pod not in held for pod in displaced),
            "cpu_displaced": sum(pod.asks.cpu for pod in free),
            "cpu_free": room.total.cpu,
            "memory_displaced": sum(pod.asks.memory for pod in free),
            "memory_free": room.total.memory,
            "all_fit": None not in where.values() if known else None,
            "ephi_fit": None not in placed(ephi, room).values() if known else None,
            "impossible": too_much(ephi, self._room(self._at_most(highest), others)) if known else None,
            "unplaced": " ".join(sorted(name for name, node in where.items() if node is None)),
            "stopped": " ".join(sorted(stopped)),
        }

    def _room(self, left: Matrix, nodes: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Room:
        """Return what some nodes have left; of the others nothing, so that numbers stay."""
        return Room(np.where(nodes[:, None], np.maximum(left, 0.0), 0.0), self._apart)

    def _at_most(self, priority: float) -> Matrix:
        """Return what nodes have left where every pod gives way that may: one of lower or of unknown priority."""
        if priority not in self._most:
            yields = [[pod for pod in self._on[name] if not _stands(pod, priority)] for name in self._names]
            self._most[priority] = self._left + self._sums(yields)
        return self._most[priority]

    def _demand(self, pod: _Pod, others: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Demand:
        nodes = self._mounting(tuple(sorted(set(pod.volumes)))) if pod.volumes else None
        if nodes is not None:
            nodes = frozenset(number for number in nodes if others[number])
        return Demand(pod.name, pod.asks, nodes, pod.workload if pod.apart else "")

    def _mounting(self, volumes: tuple[str, ...]) -> frozenset[int] | None:
        """Return the nodes that can mount all of some volumes, None where any can; of one not read, none is known."""
        if all(any(row["anywhere"] for row in self._reach.get(volume, [])) for volume in volumes):
            return None
        if volumes not in self._mounted:
            each = [self._mounts(volume) for volume in volumes]
            self._mounted[volumes] = frozenset.intersection(*each)
        return self._mounted[volumes]

    def _mounts(self, volume: str) -> frozenset[int]:
        rows = self._reach.get(volume, [])
        zones = {row["zone"] for row in rows if row["nodes"] > 0}
        only = {row["node"] for row in rows} - {""}
        return frozenset(
            number
            for name, number in self._number.items()
            if any(row["anywhere"] for row in rows)
            or (self.zone[name] in zones and (not only or f"Node//{name}" in only))
        )

    def _held(self, demand: Demand, others: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
        """Tell whether no other node may run a pod, whatever room it has."""
        may = range(len(self._names)) if demand.nodes is None else demand.nodes
        return not any(others[number] and demand.apart not in self._apart[number] for number in may)


def _stands(pod: _Pod, priority: float) -> bool:
    """Tell whether a pod does not give way to one of a priority."""
    return pod.stays or (pod.priority >= priority and pod.priority != np.inf)
