"""Collection: the API server's audit log and the logs of ePHI pods leave their nodes."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews


@check("HK-AUD-04", without_scope=True, everywhere=True)
def audit_log_leaves_the_node(audit_delivery: pd.DataFrame) -> pd.DataFrame:
    """Judge every source of audit events by whether they are sent away from the node that they are made on.

    Parameters
    ----------
    audit_delivery : table of that name

    Returns
    -------
    table `judgements`, one row per API server, configuration or managed cluster

    Notes
    -----
    Whoever takes a node has its files. That an agent reads the file and sends it on is told by its configuration,
    where a ConfigMap holds it; where a webhook leads stands in a file of the node, which is not read.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-backends
    """
    state, basis = audit_delivery["state"], audit_delivery["basis"]
    file = audit_delivery["path"].where(audit_delivery["path"] != "-", "its standard output")
    shipped = audit_delivery["agents"] + " reads " + file + " and sends it on; " + basis
    examined = audit_delivery.assign(
        path=file, words=("no node of the customer holds it: " + basis).where(state == "provider", shipped)
    )
    return judge(
        examined,
        fails(state == "off", "nothing leaves the node because nothing is recorded: {basis}", expected="a log"),
        fails(
            state == "none",
            "no agent on node {node} reads {path} and sends it on",
            observed="none",
            expected="an agent that ships it, or a webhook",
            rests_on=["audit_delivery"],
        ),
        fails(state == "idle", "{agents} on node {node} is not ready", observed="not ready", expected="ready"),
        fails(
            state == "kept",
            "{agents} reads {path} and sends it nowhere beyond its node",
            observed="no output away from the node",
            expected="an output to a store elsewhere",
        ),
        not_assessed(state == "unknown", "{basis}", code="managed_plane"),
        reviews(state == "webhook", "where does its webhook lead? Not to the same node, as far as a person knows?"),
        reviews(state == "filtered", "rules of {agents} may leave out lines of {path}: does all of it arrive?"),
        reviews(state == "open", "does {agents} ship the audit log? Its configuration was not read: {basis}"),
        observed="{state}",
        evidence="evidence",
        passes="{words}",
    )


@check("HK-AUD-07", everywhere=True)
def pod_logs_collected(ephi_workloads: pd.DataFrame, pod_logs: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI workload by whether the logs of its containers are read on their nodes and sent on.

    Parameters
    ----------
    ephi_workloads, pod_logs : tables of those names

    Returns
    -------
    table `judgements`, one row per container of a pod, and one per workload of which no pod runs

    Notes
    -----
    An application that writes its log into a file of its own, and not to its output, has it collected by nobody here.
    Source: https://kubernetes.io/docs/concepts/cluster-administration/logging/
    """
    running = pod_logs.assign(object=pod_logs["workload"], member=pod_logs["pod"] + "/" + pod_logs["container"])
    quiet = ephi_workloads.loc[~ephi_workloads["object"].isin(running["object"]), ["object"]].assign(state="quiet")
    examined = pd.concat([running, quiet], ignore_index=True).astype("object").fillna("")
    state = examined["state"]
    return judge(
        examined,
        fails(
            state == "none",
            "no log agent runs on node {node}: the log of {container} stays there",
            observed="none",
            expected="a ready log agent on every node",
            rests_on=["pod_logs"],
        ),
        fails(
            state == "idle",
            "{agents} on node {node} is not ready: the log of {container} stays there",
            observed="not ready",
            expected="ready",
        ),
        fails(
            state == "excluded",
            "the configuration of {agents} leaves out the log of {container}",
            observed="left out",
            expected="collected",
        ),
        fails(
            state == "unread",
            "{agents} on node {node} does not read the log of {container}",
            observed="not read",
            expected="collected",
            rests_on=["pod_logs"],
        ),
        fails(
            state == "kept",
            "{agents} reads the log of {container} and sends it nowhere beyond its node",
            observed="no output away from the node",
            expected="an output to a store elsewhere",
        ),
        reviews(state == "filtered", "rules of {agents} may leave out the log of {container}: does all of it arrive?"),
        reviews(
            state == "open",
            "does {agents} on node {node} collect the log of {container}? Its configuration was not read",
        ),
        not_applicable(state == "quiet", "no pod of it runs"),
        member="member",
        observed="{state}",
        evidence="evidence",
        passes="{agents} on node {node} reads the log of {container} and sends it on",
    )
