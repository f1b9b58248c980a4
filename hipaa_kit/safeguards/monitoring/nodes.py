"""Nodes: measured, their logs collected, watched by a sensor, and well."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.safeguards.monitoring.common import (
    NOT_READY,
    NOT_RUNNING,
    READY,
    by_node,
    minutes_before,
    missing,
    sensors_by_node,
    surest,
    watching,
)
from hipaa_kit.tables.declaration import rows_of

RESOURCE_METRICS = "APIService//v1beta1.metrics.k8s.io"
ON_NODES = ("node metrics", "logs")
LOG_FOLDERS = ("/var/log", "/var/lib/docker/containers", "/run/log/journal")
"""Folders of nodes below which the logs of containers and of systems lie."""
PRESSURES = ("DiskPressure", "MemoryPressure", "PIDPressure", "NetworkUnavailable")
SYSTEM = "kube-system"
COLUMNS = ["object", "member", "duty", "state", "programs"]


@check("HK-MON-03", without_scope=True, everywhere=True)
def exporters_everywhere(
    nodes: pd.DataFrame, watchers: pd.DataFrame, log_mounts: pd.DataFrame, api_services: pd.DataFrame
) -> pd.DataFrame:
    """Judge every node by what measures it and collects its logs, and the cluster by what counts its objects.

    Parameters
    ----------
    nodes, watchers, log_mounts, api_services : tables of those names

    Returns
    -------
    table `judgements`, two rows per node, and one each for the metrics of objects and of pods

    Notes
    -----
    A node that a DaemonSet does not tolerate has no pod of it, which no number of that DaemonSet shows. A log agent
    that reads files, and has no folder of the node with the logs of containers, takes what others send it: one beside
    an application, or one that gathers what agents of nodes send.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/,
    https://kubernetes.io/docs/concepts/cluster-administration/logging/,
    https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/
    """
    rows = []
    reading = set(log_mounts[log_mounts["host_path"].map(_holds_logs).astype(bool)]["pod"])
    for duty in ON_NODES:
        blind = watchers["by_itself"] & (watchers["duty"] == "logs") & ~watchers["pod"].isin(reading)
        found = by_node(watchers[~blind], duty)
        for row in rows_of(nodes):
            sure, perhaps, idle = found.get(row["name"], ([], [], []))
            state = READY if sure else "perhaps" if perhaps else NOT_READY if idle else "none"
            programs = ", ".join(sorted(set(sure or perhaps or idle)))
            rows.append({"object": row["object"], "member": duty, "duty": duty, "state": state, "programs": programs})
    counting = surest(watching(watchers, "object metrics"))
    counting = counting if len(counting) else missing("Cluster//object-metrics")
    for row in rows_of(counting):
        state = "perhaps" if row["state"] == READY and not row["by_itself"] else row["state"]
        about = {"object": row["object"], "member": "object metrics", "duty": "object metrics"}
        rows.append({**about, "state": state, "programs": row["program"]})
    served = {row["object"]: row["available"] for row in rows_of(api_services)}
    answers = served.get(RESOURCE_METRICS)
    said = READY if answers is True else NOT_READY if answers is False else NOT_RUNNING
    state = said if RESOURCE_METRICS in served else "none"
    about = {"object": RESOURCE_METRICS, "member": "pod metrics", "duty": "metrics of pods"}
    rows.append({**about, "state": state, "programs": "the server behind it"})
    return _judged_exporters(pd.DataFrame(rows, columns=COLUMNS))


def _holds_logs(folder: str) -> bool:
    """Tell whether a folder of a node holds logs of containers, or those of its journal, or is among them."""
    # Windows writes its paths otherwise.
    folder = folder.replace("\\", "/").lower().removeprefix("c:")
    return any(f"{folder}/".startswith(f"{each}/") or each.startswith(folder.rstrip("/") + "/") for each in LOG_FOLDERS)


def _judged_exporters(examined: pd.DataFrame) -> pd.DataFrame:
    state = examined["state"]
    return judge(
        examined,
        fails(
            state == "none",
            "{duty}: nothing that the kit knows gives them here",
            observed="none",
            expected="a ready pod of an exporter or agent",
            rests_on=["watchers", "log_mounts", "api_services"],
        ),
        fails(state == NOT_READY, "{duty}: {programs} is not ready", observed="not ready", expected="ready"),
        reviews(state == "perhaps", "{duty}: does {programs} give them? Its configuration was not read"),
        not_assessed(state == NOT_RUNNING, "{duty}: nothing says whether {programs} answers", code="input_missing"),
        member="member",
        passes="{duty}: {programs} gives them",
    )


@check("HK-MON-04", everywhere=True)
def sensors_on_ephi_nodes(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, runtime_sensors: pd.DataFrame
) -> pd.DataFrame:
    """Judge every node that runs ePHI pods by whether a sensor of what happens in them is ready there.

    Parameters
    ----------
    ephi_workloads, pods, runtime_sensors : tables of those names

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    What the sensor looks for is the question of HK-INT-10 and HK-ALR-03.
    """
    examined = sensors_by_node(ephi_workloads, pods, runtime_sensors)
    bare = examined["ready"] == ""
    return judge(
        examined,
        fails(
            bare & (examined["here"] != ""),
            "{here} on this node, which runs {ephi:ePHI pod}, is not ready",
            observed="not ready",
            expected="a ready sensor",
        ),
        fails(
            bare & (examined["here"] == ""),
            "no known sensor runs on this node, which runs {ephi:ePHI pod}",
            observed="none",
            expected="Falco, Tetragon, KubeArmor or another sensor",
            rests_on=["runtime_sensors"],
        ),
        evidence="pods",
        passes="{ready} watches the {ephi:ePHI pod} of this node",
    )


@check("HK-MON-07", without_scope=True)
def nodes_healthy(
    nodes: pd.DataFrame, conditions: pd.DataFrame, workloads: pd.DataFrame, *, as_of: str, not_ready_minutes: int = 15
) -> pd.DataFrame:
    """Judge every node by its conditions, and every workload of kube-system by its ready pods.

    Parameters
    ----------
    nodes, conditions, workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per node, and one per replicated workload or DaemonSet of kube-system

    Notes
    -----
    A node whose kubelet fell silent is not ready, and is said to be `Unknown`. A workload that is asked for no pod is
    switched off, whatever it was there for; of a DaemonSet it is no more than that it is for no node of this cluster.
    Source: https://kubernetes.io/docs/reference/node/node-status/#condition,
    https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/
    """
    mine = conditions[conditions["kind"] == "Node"]
    ready = mine[mine["type"] == "Ready"].set_index("object")
    pressed = mine[mine["type"].isin(PRESSURES) & (mine["status"] == "True")]
    pressures = pressed.groupby("object")["type"].agg(lambda types: ", ".join(sorted(types)))
    examined = nodes[["object", "schedulable"]].assign(
        ready=texts_for(nodes["object"], ready["status"]),
        minutes=minutes_before(as_of, texts_for(nodes["object"], ready["since"])).round(),
        pressure=texts_for(nodes["object"], pressures),
        new=nodes["schedulable"].map({True: "takes", False: "is closed to"}),
    )
    down = (examined["ready"] != "True") & (examined["ready"] != "")
    long = (examined["minutes"] > not_ready_minutes).fillna(False).astype(bool)
    of_nodes = judge(
        examined,
        fails(
            down & long,
            "it is not ready since {minutes:minute}",
            path="$.status.conditions[?(@.type=='Ready')].status",
            observed="{ready}",
            expected="True",
        ),
        reviews(down & ~long, "it is not ready, since {minutes:minute}: does it come back?", observed="{ready}"),
        reviews(examined["pressure"] != "", "it says {pressure}: do its pods suffer from that?", observed="{pressure}"),
        not_assessed(examined["ready"] == "", "it says nothing of whether it is ready", code="input_missing"),
        passes="it is ready, and {new} new pods",
    )
    return pd.concat([of_nodes, _of_system(workloads)], ignore_index=True)


def _of_system(workloads: pd.DataFrame) -> pd.DataFrame:
    mine = workloads[workloads["namespace"] == SYSTEM]
    mine = mine[mine["replicated"] | (mine["kind"] == "DaemonSet")]
    desired, ready = mine["desired"], mine["ready"]
    asked, off, none = desired > 0, desired == 0, ready == 0
    return judge(
        mine,
        fails(
            asked & none,
            "none of its {desired:pod} is ready, which the cluster itself needs",
            observed="0",
            expected="{desired}",
        ),
        reviews(
            asked & ~none & (ready < desired),
            "{ready} of its {desired:pod} {ready:is|are} ready: what is wrong with the others?",
        ),
        reviews(
            off & mine["replicated"],
            "it is asked to run no pod: does the cluster do without it?",
            path="$.spec.replicas",
            observed="0",
        ),
        not_applicable(off & ~mine["replicated"], "it is for no node of this cluster"),
        not_assessed(
            desired.isna() | (asked & ready.isna()), "its owner says nothing of its pods", code="input_missing"
        ),
        passes="{ready} of its {desired:pod} {ready:is|are} ready",
    )
