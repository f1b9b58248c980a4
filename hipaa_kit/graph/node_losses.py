"""What would become of the pods of a node if it were lost: whether the others have room for them.

Requests are weighed, as the scheduler weighs them, and not what pods use. Pods of DaemonSets and of kubelets go with
their node; a datastore of a DaemonSet stops with it where it is ready on no other. Room is what schedulable, ready
nodes without taints have left; what may give way are pods of lower priority than that of the ePHI pods. A node that is
lost stays a domain over which pods must be spread, and its pods are not counted any more, as they are being deleted.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/,
https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hipaa_kit.graph.packing import Amount, Demand, Domains, Matrix, Room, Spread, evenly, placed, too_much
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.datastores import data_paths
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
    controller: str
    ephi: bool
    stays: bool
    stores: bool
    priority: float
    asks: Amount
    volumes: list[str] = field(default_factory=list)
    apart: bool = False
    choosy: bool = False
    spread: list[tuple[str, Spread]] = field(default_factory=list)


@builds(NODE_LOSSES)
def node_losses(
    ephi_workloads: pd.DataFrame,
    nodes: pd.DataFrame,
    node_taints: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    priority_classes: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    volume_reach: pd.DataFrame,
    spread_rules: pd.DataFrame,
    spread_peers: pd.DataFrame,
    node_choices: pd.DataFrame,
    node_labels: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per node that runs ePHI pods which would need another one."""
    held = _pods(ephi_workloads, pods, containers, priority_classes)
    _bind(held, volumes, claims, spread_rules, node_choices)
    counting = _Counting(held, nodes, node_labels, spread_peers)
    cluster = _Cluster(nodes, node_taints, volume_reach, list(held.values()), counting)
    ready = set(pods[pods["ready"].fillna(False).astype(bool)]["object"])
    demanding = set(ephi_workloads[ephi_workloads["criticality"].isin(DEMANDING)]["object"])
    up: dict[str, set[str]] = defaultdict(set)
    for pod in held.values():
        if pod.name in ready:
            for name in {pod.workload, pod.controller}:
                up[name].add(pod.node)
    losing = {pod.node for pod in held.values() if pod.ephi and (not pod.stays or _last_store(pod, up, demanding))}
    for node in sorted(losing & set(cluster.zone)):
        yield cluster.without(node, up, demanding)


def _last_store(pod: _Pod, up: Mapping[str, set[str]], demanding: Collection[str]) -> bool:
    """Tell whether a pod keeps data, goes with its node, and no other of its demanding workload is ready elsewhere.

    An agent of the node has lost its work with it, and a datastore has not: others ask for what it keeps. Others of
    its own DaemonSet count alone: what has that made, an operator's object, may have made agents too.
    """
    return pod.stays and pod.stores and pod.workload in demanding and not up.get(pod.controller, set()) - {pod.node}


def _pods(
    workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, classes: pd.DataFrame
) -> dict[str, _Pod]:
    """Return the pods that have a node and have not ended, with what each asks for."""
    value = dict(zip(classes["name"], classes["value"].fillna(0), strict=True))
    default = next(iter(classes[classes["default"]]["value"].fillna(0)), 0)
    here = selectable(pods[pods["live"] & (pods["node"] != "")])
    ephi = set(workloads["object"])
    # A DaemonSet may have an owner, which is the workload then: an operator's, as those of OpenShift.
    daemon = here["controller"].str.startswith("DaemonSet/")
    daemons = here.loc[daemon & here["workload"].isin(ephi), "object"]
    theirs = containers[containers["pod"].isin(daemons) & containers["role"].isin(["main", "sidecar"])]
    stores = {pod for pod, image in theirs[["pod", "repository"]].itertuples(index=False) if data_paths(image)}
    found = {}
    for row in rows_of(here):
        stays = bool(row["static"]) or str(row["controller"]).startswith("DaemonSet/")
        named = row["priority_class"]
        # A class that was not read may be of any height: its pods may give way, and nothing is proved by them.
        priority = float(value.get(named, float("inf"))) if named else float(default)
        asks = Amount(row["asked_cpu_cores"], row["asked_memory_bytes"])
        found[row["object"]] = _Pod(
            name := row["object"],
            row["node"],
            row["workload"],
            row["controller"],
            row["workload"] in ephi,
            stays,
            name in stores,
            priority,
            asks,
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
    for row in rows_of(spread_rules[spread_rules["required"] & spread_rules["rule"].eq("topology_spread")]):
        if row["pod"] not in held:
            continue
        if not row["counts"] or pd.isna(row["max_skew"]) or not row["topology_key"]:
            held[row["pod"]].choosy = True
            continue
        least = 1 if pd.isna(row["min_domains"]) else int(row["min_domains"])
        rule = Spread(f"{row['topology_key']} {row['counts']}", int(row["max_skew"]), least)
        held[row["pod"]].spread.append((row["topology_key"], rule))


class _Counting:
    """What rules that spread pods count, by domain; every node that has all labels of a pod's rules is in one."""

    def __init__(
        self, held: Mapping[str, _Pod], nodes: pd.DataFrame, labels: pd.DataFrame, peers: pd.DataFrame
    ) -> None:
        self._labels: dict[str, dict[str, str]] = defaultdict(dict)
        for name, key, value in labels[["node", "key", "value"]].itertuples(index=False):
            self._labels[name][key] = value
        self._nodes = list(nodes["name"])
        self._held = held
        self._domains: dict[str, dict[str, int]] = {}
        self._peers: dict[str, list[str]] = defaultdict(list)
        for said, pod in peers[["counts", "pod"]].itertuples(index=False):
            self._peers[said].append(pod)
        self._rules = {rule.counted: key for pod in held.values() for key, rule in pod.spread}
        self._counted: dict[str, set[str]] = defaultdict(set)
        for counted in self._rules:
            for pod in self._peers.get(counted.partition(" ")[2], ()):
                self._counted[pod].add(counted)

    def counts(self, pod: str) -> frozenset[str]:
        """Return the rules that count a pod."""
        return frozenset(self._counted.get(pod, ()))

    def without(self, lost: str, takers: Sequence[str], rules: Iterable[str]) -> dict[str, Domains]:
        """Return what rules count when the pods of one node do not count; `takers` are the nodes that take pods."""
        found = {}
        for counted in rules:
            domain = self._domain(self._rules[counted])
            counts = [0] * (max(domain.values(), default=-1) + 1)
            for name in self._peers.get(counted.partition(" ")[2], ()):
                pod = self._held.get(name)
                if pod and pod.node != lost and pod.node in domain:
                    counts[domain[pod.node]] += 1
            found[counted] = Domains(tuple(domain.get(name, -1) for name in takers), tuple(counts))
        return found

    def _domain(self, key: str) -> dict[str, int]:
        """Return the number of the domain of each node that has a label."""
        if key not in self._domains:
            values = {name: self._labels[name][key] for name in self._nodes if key in self._labels[name]}
            number = {value: place for place, value in enumerate(sorted(set(values.values())))}
            self._domains[key] = {name: number[value] for name, value in values.items()}
        return self._domains[key]


class _Cluster:
    """The nodes that take pods, what is on them, and what they have left."""

    def __init__(
        self,
        nodes: pd.DataFrame,
        taints: pd.DataFrame,
        volume_reach: pd.DataFrame,
        pods: list[_Pod],
        counting: _Counting,
    ) -> None:
        self._counting = counting
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

    def without(self, lost: str, up: Mapping[str, set[str]], demanding: Collection[str]) -> dict[str, Any]:
        """Return the row of a node that is lost; `up` are the nodes on which each workload, or controller, is ready."""
        others = np.array([name != lost for name in self._names], dtype=bool)
        displaced = [pod for pod in self._on[lost] if not pod.stays]
        demands = {pod.name: self._demand(pod, others) for pod in displaced}
        rules = {rule.counted for demand in demands.values() for rule in demand.spread}
        rules |= {name for demand in demands.values() for name in demand.counted}
        domains = self._counting.without(lost, self._names, rules)
        bound = [pod for pod in displaced if self._held(demands[pod.name], others)]
        held = [*bound]
        # A rule that spreads a pod over a domain that is lost holds it back: another replica must do its work.
        apart = Room(self._left, self._apart, domains)
        for pod in displaced:
            elsewhere = bool(up.get(pod.workload, set()) - {lost}) or not pod.ephi
            if pod not in held and elsewhere and not (evenly(demands[pod.name], apart) & others & self._open).any():
                held.append(pod)
        # Of a pod without ePHI that chooses its nodes, room is asked all the same: it may take that of the others.
        free = [pod for pod in displaced if pod not in held and not (pod.choosy and pod.ephi)]
        ephi = [demands[pod.name] for pod in free if pod.ephi]
        room = self._room(self._left, others & self._open, domains)
        where = placed([demands[pod.name] for pod in free], room)
        highest = max((pod.priority for pod in free if pod.ephi), default=-np.inf)
        known = not (self._unsized & others).any()
        stopped = {
            pod.workload for pod in bound if pod.workload in demanding and not up.get(pod.workload, set()) - {lost}
        } | {pod.workload for pod in self._on[lost] if pod.ephi and _last_store(pod, up, demanding)}
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
            "impossible": too_much(ephi, self._room(self._at_most(highest), others, {})) if known else None,
            "unplaced": " ".join(sorted(name for name, node in where.items() if node is None)),
            "stopped": " ".join(sorted(stopped)),
        }

    def _room(
        self, left: Matrix, nodes: np.ndarray[tuple[int], np.dtype[np.bool_]], domains: Mapping[str, Domains]
    ) -> Room:
        """Return what some nodes have left; of the others nothing, so that numbers stay."""
        return Room(np.where(nodes[:, None], np.maximum(left, 0.0), 0.0), self._apart, domains)

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
        rules, counted = tuple(rule for _, rule in pod.spread), self._counting.counts(pod.name)
        return Demand(pod.name, pod.asks, nodes, pod.workload if pod.apart else "", rules, counted)

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
