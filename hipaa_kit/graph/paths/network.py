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
    Numbers,
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


def add_listeners(builder: Builder, reach: Reachability) -> None:
    """Add everything that is on the network, and what whoever may talk to a pod can do: no policy changes it."""
    for pod in reach.facts.pods:
        builder.add(ports_of(pod.object), pod.object, EXPLOIT)
        builder.node(f"{NEW_POD}/{pod.namespace}/*")
    for name in reach.engine.classes.of_node:
        builder.node(f"Node//{name}")


def add_network(builder: Builder, reach: Reachability) -> None:
    """Add which pods, and which nodes, may connect to which pods; everything on the network is there already.

    Only hubs of the network come with it, which are no part of any other hub.
    """
    classes, pods, number = reach.engine.classes, reach.facts.pods, builder.number
    if not pods:
        return
    of_row, of_column, flows = _grouped(reach)
    rows = np.array([builder.node(f"{OUT}//{row:06}") for row in range(flows.shape[0])])
    columns = np.array([builder.node(f"{IN}//{column:06}") for column in range(flows.shape[1])])
    own = rows[of_row[classes.of_pod]]
    builder.add_all([number[pod.object] for pod in pods], own, builder.why(JOINS))
    like = [number[f"{NEW_POD}/{pod.namespace}/*"] for pod in pods]
    builder.add_all(like, own, builder.why(LIKE_ANOTHER))
    ports = np.array([number[ports_of(pod.object)] for pod in pods])
    builder.add_all(columns[of_column[classes.of_pod]], ports, builder.why(HEARS))
    for name, at in classes.of_node.items():
        builder.add_all(number[f"Node//{name}"], rows[of_row[classes.pods + at]], builder.why(JOINS))
    _flows(builder, reach, flows, rows, columns)
    _on_one_node(builder, reach, ports)
    if reach.options_in_force.enforcement == "unknown":
        unenforced = builder.node(UNENFORCED)
        builder.add_all(rows, unenforced, builder.why(UNENFORCED_OUT))
        words = "policies may be written and not enforced: no network plugin shows"
        builder.add_all(unenforced, columns, builder.why(Why(CAN_REACH, 1, UNKNOWN, words)))


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


def _flows(
    builder: Builder, reach: Reachability, flows: npt.NDArray[np.int32], rows: Numbers, columns: Numbers
) -> None:
    """Add an edge for every two groups between which something may pass, or perhaps may."""
    planes = reach.engine.flows.planes
    why = np.full(len(planes), -1, dtype=np.int64)
    for number in np.unique(flows).tolist():
        if planes[number].possible:
            sure = planes[number].sure != 0
            why[number] = builder.why(Why(CAN_REACH, 1, CERTAIN if sure else UNKNOWN, flow=number))
    source, target = np.nonzero(why[flows] >= 0)
    builder.add_all(rows[source], columns[target], why[flows[source, target]])


def _on_one_node(builder: Builder, reach: Reachability, ports: Numbers) -> None:
    """Add what goes between a node, or a pod on its network, and the pods of that node, past all policies."""
    engine, classes = reach.engine, reach.engine.classes
    held: dict[str, list[int]] = defaultdict(list)
    for at, pod in enumerate(reach.facts.pods):
        if pod.node in classes.of_node:
            held[pod.node].append(at)
    taken_for = IS_NODE if reach.options_in_force.host_network == "plugin_typical" else PERHAPS_NODE
    words = "what a pod exchanges with its own node is not governed by policy"
    for name, pods in held.items():
        hub, number = builder.node(f"{LOCAL}//{name}"), classes.pods + classes.of_node[name]
        builder.add_all(builder.number[f"Node//{name}"], hub, builder.why(IS_NODE))
        for at in pods:
            if reach.facts.pods[at].host_network:
                builder.add_all(builder.number[reach.facts.pods[at].object], hub, builder.why(taken_for))
        here, of_pod = np.unique(classes.of_pod[pods], return_inverse=True)
        why = np.full(len(here), -1, dtype=np.int64)
        for at, each in enumerate(here.tolist()):
            planes = engine.between(number, each, local=True)
            if planes.possible:
                why[at] = builder.why(Why(CAN_REACH, 1, CERTAIN if planes.sure else UNKNOWN, words))
        open_ = why[of_pod] >= 0
        builder.add_all(hub, ports[pods][open_], why[of_pod][open_])


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
