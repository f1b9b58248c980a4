"""The platform under ePHI: etcd checks itself, and nodes are watched for tampering."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.command_flags import Flag
from hipaa_kit.kube.integrity import UNKNOWN, etcd_checks
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.monitoring.common import sensors_by_node
from hipaa_kit.tables.declaration import rows_by


@check("HK-INT-04")
def etcd_checks_itself(control_plane_members: pd.DataFrame, control_plane_flags: pd.DataFrame) -> pd.DataFrame:
    """Judge every member of etcd by whether it compares its data with those of the others.

    Parameters
    ----------
    control_plane_members, control_plane_flags : tables of those names

    Returns
    -------
    table `judgements`, one row per member, or one for the control plane where none is visible

    Notes
    -----
    Source: https://etcd.io/docs/v3.6/op-guide/data_corruption/
    """
    members = control_plane_members[control_plane_members["component"] == "etcd"]
    if members.empty:
        members = pd.DataFrame([{"pod": "Cluster//control-plane", "flags_read": False}])
    flags = {pod: list(map(Flag, of["name"], of["value"])) for pod, of in control_plane_flags.groupby("pod")}
    checks = [etcd_checks(flags.get(pod, [])) for pod in members["pod"]]
    examined = members[["pod", "flags_read"]].assign(
        initial=[each.initial for each in checks], periodic=[each.periodic for each in checks]
    )
    unread = ~examined["flags_read"].astype(bool) | (examined["initial"] == UNKNOWN)
    return judge(
        examined,
        not_assessed(
            examined["pod"] == "Cluster//control-plane",
            "no member of etcd is visible in kube-system: a provider runs it, or it runs elsewhere or not as pods",
            code="managed_plane",
            rests_on=["control_plane_members"],
        ),
        not_assessed(
            unread & (examined["pod"] != "Cluster//control-plane"),
            "it is configured by a file or started by another program: its settings are not visible",
            code="input_missing",
        ),
        fails(
            ~unread & (examined["initial"] == "off"),
            "it does not compare its data with the other members when it starts",
            observed="off",
            expected="InitialCorruptCheck, or the flag experimental-initial-corrupt-check",
        ),
        fails(
            ~unread & (examined["periodic"] == "off"),
            "it does not compare its data with the other members while it runs",
            observed="off",
            expected="CompactHashCheck or corrupt-check-time",
        ),
        object="pod",
        passes="it compares its data with the other members when it starts, and while it runs",
    )


@check("HK-INT-10")
def nodes_watched(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    runtime_sensors: pd.DataFrame,
    sensor_policies: pd.DataFrame,
    sensor_policy_pods: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every node that runs ePHI pods by the sensor that watches it.

    Parameters
    ----------
    ephi_workloads, pods, runtime_sensors, sensor_policies, sensor_policy_pods : tables of those names

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    Rules of Falco and of commercial sensors stand in ConfigMaps or elsewhere, which are not read: a person has to
    say what they look for. Policies of Tetragon and KubeArmor are objects; those of one namespace hold for it alone,
    and those that select pods by labels for these alone. What holds for some containers or nodes alone is not counted.
    """
    examined = sensors_by_node(ephi_workloads, pods, runtime_sensors)
    speaking = sensor_policies[sensor_policies["files"]]
    inside = ephi_pods(ephi_workloads, pods)
    by_node = rows_by(inside[inside["live"]], "node")
    spoken_for = {}
    for ready in sorted(set(examined["ready"])):
        mine = speaking[speaking["sensor"].isin(ready.split(", "))]
        whole = set(mine[~mine["narrowed"]]["namespace"])  # "" stands for all
        named = set(sensor_policy_pods[sensor_policy_pods["policy"].isin(mine["object"])]["pod"])
        spoken_for[ready] = whole, named
    missed = []
    for node, ready in zip(examined["object"], examined["ready"], strict=True):
        whole, named = spoken_for[ready]
        here = by_node.get(node.removeprefix("Node//"), []) if "" not in whole else []
        open_ = {row["namespace"] for row in here if row["pod"] not in named and row["namespace"] not in whole}
        missed.append(", ".join(sorted(open_)))
    examined = examined.assign(missed=pd.Series(missed, index=examined.index, dtype="str"))
    bare = examined["ready"] == ""
    return judge(
        examined,
        fails(
            bare & (examined["here"] != ""),
            "{here} runs on this node and is not ready",
            observed="not ready",
            expected="a sensor that is ready",
        ),
        fails(
            bare & (examined["here"] == ""),
            "no known sensor runs on this node, which runs ePHI",
            observed="none",
            expected="Falco, Tetragon, KubeArmor or another sensor",
            rests_on=["runtime_sensors"],
        ),
        reviews(
            ~bare & (examined["missed"] != ""),
            "does {ready} look for writes to files and programs, and for shells? No rule of it was read for all pods "
            "of {missed}",
            rests_on=["sensor_policies"],
        ),
        evidence="ready_pods",
        passes="{ready} watches this node, and its policies speak of files",
    )


@check("HK-INT-11", without_scope=True)
def webhooks_trustworthy(webhooks: pd.DataFrame, services: pd.DataFrame, endpoints: pd.DataFrame) -> pd.DataFrame:
    """Judge every admission webhook by whom it asks, and by what happens when nobody answers.

    Parameters
    ----------
    webhooks, services, endpoints : tables of those names

    Returns
    -------
    table `judgements`, one row per webhook

    Notes
    -----
    Whoever answers a mutating webhook may rewrite what runs. One that nobody answers stops every request it is asked
    about, or, where it ignores errors, guards nothing.
    Source: https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/
    """
    ready = set(endpoints[endpoints["ready"].fillna(True).astype(bool)]["service"])
    there = webhooks["service"].isin(services["object"])
    examined = webhooks.assign(
        asks=webhooks["service"].where(webhooks["service"] != "", webhooks["host"]),
        verb=webhooks["mutates"].map({True: "may rewrite", False: "sees"}),
    )
    named = examined["service"] != ""
    silent = named & there & ~examined["service"].isin(ready)
    ignores = examined["ignores_errors"]
    return judge(
        examined,
        fails(
            examined["outside"],
            "{host}, outside the cluster, {verb} what is asked about by webhook {webhook}",
            observed="{host}",
            expected="a Service of the cluster",
        ),
        fails(
            named & ~there & ~ignores,
            "webhook {webhook} asks {service}, which is not there: what it is asked about is refused",
            observed="none",
            expected="{service}",
            rests_on=["services"],
        ),
        fails(
            named & ~there & ignores,
            "webhook {webhook} asks {service}, which is not there, and lets everything pass",
            observed="none",
            expected="{service}",
            rests_on=["services"],
        ),
        fails(
            silent,
            "nothing behind {service} is ready to answer webhook {webhook}",
            observed="no ready endpoint",
            expected="a ready endpoint",
            rests_on=["endpoints"],
        ),
        fails(
            ignores & (examined["guards"] != ""),
            "webhook {webhook} is passed over when it does not answer: {guards} are not enforced then",
            path="$.webhooks[?(@.name=='{webhook}')].failurePolicy",
            observed="Ignore",
            expected="Fail",
        ),
        member="webhook",
        evidence="service",
        passes="webhook {webhook} asks {asks}",
    )
