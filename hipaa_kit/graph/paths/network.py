"""The network's part of the graph: who may open a connection to whom, and how the internet gets in.

Classes whose pods may connect to the same places on the same ports are one hub on the way out, and classes that the
same places may connect to are one on the way in; between two hubs there is one edge, however many pods stand behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.graph.paths.model import (
    CAN_REACH,
    CERTAIN,
    CONNECTS,
    INTERNET,
    LIKELY,
    LISTENS,
    UNKNOWN,
    Builder,
    Why,
)
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.tables.declaration import rows_of

TILE: Final = 256
OUT, IN, LOCAL, UNENFORCED = "NetworkOut", "NetworkIn", "NetworkOfNode", "Network//unenforced"
NEW_POD: Final = "NewPod"
"""Kind of the node for a pod that somebody starts, with labels of his own choice."""
PORTS: Final = "PodNetwork"
"""Kind of the node that stands for the open ports of a pod: who reaches it may talk to what listens there."""

EXPLOIT: Final = Why(
    "EXPLOIT",
    5,
    LIKELY,
    "whoever may talk to a program may break into it",
    precondition="what listens has a weakness, or lets anybody run commands",
)
JOINS: Final = Why(CONNECTS, proof="it uses the network as its class of pods may")
LIKE_ANOTHER: Final = Why(CONNECTS, proof="it may be given the labels of any pod of its namespace")
IS_NODE: Final = Why(CONNECTS, proof="it is on the network of its node")
PERHAPS_NODE: Final = Why(
    CONNECTS, confidence=UNKNOWN, proof="whether a pod on the network of its node is taken for it is not known"
)
HEARS: Final = Why(LISTENS, proof="it is of a class of pods that are reached alike")
UNENFORCED_OUT: Final = Why(CONNECTS, confidence=UNKNOWN, proof="that anything enforces policies is not known")


def ports_of(pod: str) -> str:
    """Return the node that stands for the open ports of a pod."""
    return f"{PORTS}/{pod.removeprefix('Pod/')}"


def add_network(builder: Builder, reach: Reachability) -> None:
    """Add which pods, and which nodes, may connect to which pods."""
    classes = reach.engine.classes
    pods = reach.facts.pods
    for pod in pods:
        builder.add(ports_of(pod.object), pod.object, EXPLOIT)
    if not pods:
        return
    rows, columns, flows = _grouped(reach)
    for at, pod in enumerate(pods):
        number = int(classes.of_pod[at])
        builder.add(pod.object, f"{OUT}//{rows[number]:06}", JOINS)
        builder.add(f"{NEW_POD}/{pod.namespace}/*", f"{OUT}//{rows[number]:06}", LIKE_ANOTHER)
        builder.add(f"{IN}//{columns[number]:06}", ports_of(pod.object), HEARS)
    for name, at in classes.of_node.items():
        builder.add(f"Node//{name}", f"{OUT}//{rows[classes.pods + at]:06}", JOINS)
    _flows(builder, reach, flows)
    _on_one_node(builder, reach)
    if reach.options_in_force.enforcement == "unknown":
        for row in sorted(set(rows.tolist())):
            builder.add(f"{OUT}//{row:06}", UNENFORCED, UNENFORCED_OUT)
        why = Why(CAN_REACH, 1, UNKNOWN, "policies may be written and not enforced: no network plugin shows")
        for column in sorted(set(columns.tolist())):
            builder.add(UNENFORCED, f"{IN}//{column:06}", why)


def _grouped(reach: Reachability) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the group of every class on the way out and on the way in, and the flow between every two groups."""
    engine = reach.engine
    every, pods = np.arange(engine.first_cell), np.arange(engine.classes.pods)
    known: dict[bytes, int] = {}
    kept: list[npt.NDArray[np.int32]] = []
    rows = np.empty(len(every), dtype=np.int64)
    for start in range(0, len(every), TILE):
        tile = engine.tile(every[start : start + TILE], pods)
        for at, row in enumerate(tile):
            key = row.tobytes()
            if key not in known:
                known[key] = len(kept)
                kept.append(row.copy())
            rows[start + at] = known[key]
    by_column = np.ascontiguousarray(np.stack(kept).T)
    groups: dict[bytes, int] = {}
    columns = np.array([groups.setdefault(each.tobytes(), len(groups)) for each in by_column], dtype=np.int64)
    first = np.array([int(np.argmax(columns == group)) for group in range(len(groups))], dtype=np.int64)
    return rows, columns, by_column[first].T


def _flows(builder: Builder, reach: Reachability, flows: npt.NDArray[np.int32]) -> None:
    """Add an edge for every two groups between which something may pass, or perhaps may."""
    planes = reach.engine.flows.planes
    whys: dict[int, Why] = {}
    for number in np.unique(flows).tolist():
        if planes[number].possible:
            sure = planes[number].sure != 0
            whys[number] = Why(CAN_REACH, 1, CERTAIN if sure else UNKNOWN, flow=number)
    for row, column in zip(*np.nonzero(np.isin(flows, list(whys))), strict=True):
        builder.add(f"{OUT}//{row:06}", f"{IN}//{column:06}", whys[int(flows[row, column])])


def _on_one_node(builder: Builder, reach: Reachability) -> None:
    """Add what goes between a node, or a pod on its network, and the pods of that node, past all policies."""
    engine, classes = reach.engine, reach.engine.classes
    held: dict[str, list[int]] = defaultdict(list)
    for at, pod in enumerate(reach.facts.pods):
        if pod.node in classes.of_node:
            held[pod.node].append(at)
    taken_for = IS_NODE if reach.options_in_force.host_network == "plugin_typical" else PERHAPS_NODE
    whys: dict[tuple[int, int], Why | None] = {}
    for name, pods in held.items():
        hub, number = f"{LOCAL}//{name}", classes.pods + classes.of_node[name]
        builder.add(f"Node//{name}", hub, IS_NODE)
        for at in pods:
            pod, of_pod = reach.facts.pods[at], int(classes.of_pod[at])
            if pod.host_network:
                builder.add(pod.object, hub, taken_for)
            if (number, of_pod) not in whys:
                planes = engine.between(number, of_pod, local=True)
                words = "what a pod exchanges with its own node is not governed by policy"
                sure = CERTAIN if planes.sure else UNKNOWN
                whys[number, of_pod] = Why(CAN_REACH, 1, sure, words) if planes.possible else None
            if why := whys[number, of_pod]:
                builder.add(hub, ports_of(pod.object), why)


SIGN_IN: Final = Why(
    "SIGN_IN",
    8,
    LIKELY,
    "the entry is declared as one of the application, which asks its users who they are",
    precondition="its users' sign-in is passed: with stolen credentials, or by a weakness",
)


def add_entries(
    builder: Builder,
    exposures: pd.DataFrame,
    expected_flows: pd.DataFrame,
    owner: dict[str, str],
    ephi: Container[str],
) -> None:
    """Add how the internet gets in; what is declared to serve ePHI is behind its application's own sign-in.

    Parameters
    ----------
    exposures, expected_flows
        Tables of those names.
    owner
        Workload of every pod.
    ephi
        What is in the ePHI scope.
    """
    declared: dict[str, set[str]] = defaultdict(set)
    for source, destination in expected_flows[["source", "destination"]].itertuples(index=False):
        declared[destination].add(source)
    for row in rows_of(exposures[exposures["pod"] != ""]):
        if row["level"] not in ("internet", "unknown") or row["verdict"] == "denied":
            continue
        sure = row["level"] == "internet" and row["verdict"] == "allowed"
        words = f"{row['entry_type']} port {row['entry_port']} leads to {row['protocol']} {row['port']} of the pod"
        if row["host"]:
            words += f" for {row['host']}"
        objects = (row["entry"], *row["via"].split())
        why = Why(
            "EXPOSED",
            1,
            CERTAIN if sure else UNKNOWN,
            words,
            tuple(dict.fromkeys(objects)),
            "" if sure else row["reason"],
        )
        pod = row["pod"]
        workload = owner.get(pod, pod)
        through = {"internet", *(owner.get(each, "") for each in row["seen_as"].split())} - {""}
        if workload in ephi and through & declared[workload]:
            door = f"SignIn/{pod.removeprefix('Pod/')}"
            builder.add(INTERNET, door, why)
            builder.add(door, ports_of(pod), SIGN_IN)
        else:
            builder.add(INTERNET, ports_of(pod), why)
