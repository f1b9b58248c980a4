"""Which logs leave their nodes: of containers of ePHI workloads, and of the API server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.log_pipelines import glob_covers
from hipaa_kit.kube.monitoring.programs import LOGS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.log_collection import AUDIT_DELIVERY, POD_LOGS

BEST: Final = ("collected", "filtered", "open", "kept", "excluded", "unread", "idle", "none")
"""How a file stands with an agent, the best first: that counts, where a node has several."""

OPENSHIFT_LOG: Final = "/var/log/kube-apiserver/audit.log"


class Standing(NamedTuple):
    """How a file stands with the agents of its node, which they are, and on what that rests."""

    state: str
    agents: str
    evidence: str


class Agents:
    """The log agents of a cluster, asked about one file of one node.

    Parameters
    ----------
    watchers, log_pipelines, log_mounts : tables of those names
    """

    def __init__(self, watchers: pd.DataFrame, log_pipelines: pd.DataFrame, log_mounts: pd.DataFrame) -> None:
        self._on: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows_of(watchers[(watchers["duty"] == LOGS) & watchers["live"] & (watchers["node"] != "")]):
            self._on[row["node"]].append(row)
        self._pipelines: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows_of(log_pipelines):
            self._pipelines[row["workload"]].append(row)
        self._folders: dict[str, set[str]] = defaultdict(set)
        for row in rows_of(log_mounts):
            self._folders[row["pod"]].add(row["host_path"])

    def of(self, node: str, paths: tuple[str, ...]) -> Standing:
        """Return how a file stands that the node has under one path or several."""
        here = self._on.get(node, [])
        ready = [each for each in here if each["ready"] is True]
        if not ready:
            return _standing("idle" if here else "none", here, [])
        found = [(self._state(each, paths), each) for each in ready]
        best = min((state for state, _ in found), key=BEST.index)
        mine = [each for state, each in found if state == best]
        read = {row["configuration"] for each in mine for row in self._pipelines.get(each["workload"], ())}
        return _standing(best, mine, sorted(read))

    def _state(self, agent: dict[str, Any], paths: tuple[str, ...]) -> str:
        rows = self._pipelines.get(agent["workload"], [])
        if not rows:
            return "open" if any(_within(path, self._folders[agent["pod"]]) for path in paths) else "unread"
        states = [state for row in rows for path in paths if (state := _read(row, path))]
        if states:
            return min(states, key=BEST.index)
        return "open" if any(row["filtered"] for row in rows) else "unread"


def _read(row: dict[str, Any], path: str) -> str:
    """Return how a pipeline treats a file; "" where it does not read it."""
    if not row["host_path"] or not glob_covers(row["host_path"], path):
        return ""
    if any(glob_covers(pattern, path) for pattern in row["excludes"].split()):
        return "excluded"
    if not row["leaves"]:
        return "filtered" if "other" in row["sinks"].split() else "kept"
    return "filtered" if row["filtered"] else "collected"


def _within(path: str, folders: set[str]) -> bool:
    return any(folder == "/" or path.startswith(f"{folder}/") for folder in folders)


def _standing(state: str, agents: list[dict[str, Any]], configurations: list[str]) -> Standing:
    programs = ", ".join(sorted({each["program"] for each in agents}))
    return Standing(state, programs, " ".join([*sorted({each["workload"] for each in agents}), *configurations]))


def container_paths(namespace: str, pod: str, container: str) -> tuple[str, ...]:
    """Return how a node names the log of a container, with nothing in place of what is random.

    Source: https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-location-node
    """
    return (
        f"/var/log/containers/{pod}_{namespace}_{container}-0.log",
        f"/var/log/pods/{namespace}_{pod}_0/{container}/0.log",
    )


@builds(POD_LOGS)
def pod_logs(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    watchers: pd.DataFrame,
    log_pipelines: pd.DataFrame,
    log_mounts: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per container of an ePHI pod that is bound to a node and has not ended."""
    agents = Agents(watchers, log_pipelines, log_mounts)
    running = pods["live"] & (pods["node"] != "") & ~pods["phase"].isin(["Succeeded", "Failed"])
    inside = pods[running & pods["workload"].isin(ephi_workloads["object"])]
    mine = inside.rename(columns={"object": "pod"}).drop(columns="ready")
    for row in rows_of(containers[containers["role"] != "init"].merge(mine, on="pod")):
        paths = container_paths(row["namespace"], row["name"], row["container"])
        names = ("pod", "container", "workload", "node")
        yield {name: row[name] for name in names} | agents.of(row["node"], paths)._asdict()


@builds(AUDIT_DELIVERY)
def audit_delivery(
    audit_backends: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    watchers: pd.DataFrame,
    log_pipelines: pd.DataFrame,
    log_mounts: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per source of table `audit_backends`.

    OpenShift keeps the log of its API server on its nodes and has an operator ship it, whose objects are not read.
    """
    agents = Agents(watchers, log_pipelines, log_mounts)
    nodes = dict(zip(control_plane_members["pod"], control_plane_members["node"], strict=True))
    for row in rows_of(audit_backends):
        node = nodes.get(row["object"], "")
        yield {"object": row["object"], "path": row["path"], "node": node, **_delivered(row, node, agents)}


def _delivered(row: dict[str, Any], node: str, agents: Agents) -> dict[str, Any]:
    if row["state"] in ("off", "unknown"):
        return {"state": row["state"], "basis": row["basis"]}
    if row["source"] == "provider":
        return {"state": "provider", "basis": row["basis"]}
    if row["source"] == "openshift":
        return {"state": "open", "basis": f"its nodes keep {OPENSHIFT_LOG}", "agents": "a log forwarder"}
    found = Standing("none", "", "")
    if row["path"]:
        _, namespace, name = parse_object_id(row["object"])
        output = container_paths(namespace, name, "kube-apiserver")
        found = agents.of(node, output if row["path"] == "-" else (row["path"],))
    told = {"agents": found.agents, "evidence": found.evidence, "basis": row["basis"]}
    if found.state == "collected":
        return {"state": "shipped", **told}
    if row["backend"] in ("webhook", "both"):
        return {"state": "webhook", **told}
    state = {"excluded": "none", "unread": "none"}.get(found.state, found.state)
    return {"state": state, **told}
