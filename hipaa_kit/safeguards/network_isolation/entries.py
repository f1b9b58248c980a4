"""Entries: ways from outside the cluster to ePHI, and pods that go around the pod network."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.pods import undeclared_on_nodes
from hipaa_kit.kube.datastores import data_paths
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, texts_for
from hipaa_kit.vocabulary import COMPLETE

ROUTE_GROUPS = ("gateway.networking.k8s.io", "route.openshift.io")
"""API groups of kinds that lead traffic in and are not built in."""

OWN = ("load_balancer", "external_ip", "node_port")
"""Entries by which a workload stands in the open by itself."""

WORDS = {
    "internet": "is open to the internet",
    "restricted": "is open to",
    "private": "is open to private addresses",
    "none": "is shut",
    "unknown": "is perhaps open",
}

ROUTED = ("ingress", "gateway", "route")
"""Entries that know whether they end TLS."""


@check("HK-NET-07")
def pods_on_the_pod_network(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, container_ports: pd.DataFrame
) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by whether it stays on the pod network.

    Parameters
    ----------
    ephi_workloads, pods, container_ports : tables of those names

    Returns
    -------
    table `judgements`, one row per pod

    Notes
    -----
    What policies make of a pod on the node's network is not defined.
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """
    opened = container_ports[container_ports["host_port"].gt(0).fillna(False)]
    by_pod = opened["host_port"].astype("str").groupby(opened["pod"]).agg(" ".join)
    inside = pods[pods["workload"].isin(ephi_workloads["object"])]
    examined = inside.assign(opened=texts_for(inside["object"], by_pod))
    return judge(
        examined,
        fails(
            examined["host_network"],
            "{object} is on the network of its node, where policies do not reach it",
            path="$.spec.hostNetwork",
            observed="true",
            expected="false",
        ),
        fails(
            examined["opened"] != "",
            "{object} opens port {opened} of its node",
            path="$.spec.containers[*].ports[*].hostPort",
            observed="{opened}",
            expected="a Service",
        ),
        object="workload",
        member="object",
        passes="{object} is on the pod network",
    )


@check("HK-NET-08", everywhere=True)
def entries_guarded(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    container_ports: pd.DataFrame,
    exposures: pd.DataFrame,
    containers: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every way from outside to an ePHI workload.

    Parameters
    ----------
    ephi_workloads, pods, container_ports, exposures, containers, coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per way into a port of a pod; one for a workload without any, and for each pod on the
    network of its node that declares no port

    Notes
    -----
    A datastore is known by the image of a container. A load balancer ends no TLS that Kubernetes knows of, so
    that only routes are asked for it.
    """
    keeps = containers.loc[containers["repository"].map(lambda name: bool(data_paths(name))).astype(bool), "pod"]
    ways = exposures[exposures["workload"].isin(ephi_workloads["object"])]
    ways = ways.assign(
        object=ways["workload"],
        member=_named(ways),
        store=ways["pod"].isin(keeps),
    )
    hidden = undeclared_on_nodes(pods, container_ports)
    hidden = hidden[hidden["workload"].isin(ephi_workloads["object"])]
    shut = ephi_workloads[~ephi_workloads["object"].isin([*ways["object"], *hidden["workload"]])]
    ways = ways.assign(
        words=(ways["member"] + " " + ways["level"].map(WORDS) + " " + ways["source_ranges"]).str.strip()
    )
    none = pd.DataFrame({"object": shut["object"], "level": "none", "member": "no way"})
    undeclared = pd.DataFrame({"object": hidden["workload"], "level": "hidden", "member": hidden["object"]})
    none = pd.concat([none, undeclared]).assign(
        entry="", entry_type="", host="", tls="", store=False, reason="", enforcement="enforced"
    )
    none = none.assign(words="no way leads to it from outside the cluster")
    examined = pd.concat([ways, none], ignore_index=True)
    examined = examined.assign(unseen=_unseen(coverage))
    world, kind = examined["level"] == "internet", examined["entry_type"]
    reached = world | (examined["level"] == "restricted")
    return judge(
        examined,
        fails(
            world & examined["store"].astype(bool),
            "{entry} leads from the internet to {pod}, which keeps data",
            observed="{entry_type}",
            expected="a workload of its own between",
        ),
        fails(
            world & kind.isin(OWN),
            "{entry} leads from every address to {pod} by {entry_type}",
            path="$.spec.loadBalancerSourceRanges",
            observed="every address",
            expected="the addresses that need it",
        ),
        fails(
            reached & kind.isin(ROUTED) & (examined["tls"] == "none"),
            "{entry} leads to {pod} without TLS",
            observed="no TLS for host {host}",
            expected="TLS",
        ),
        reviews(
            (examined["level"] == "unknown") & kind.isin(["node_port", "host_port"]),
            "can the nodes be reached from outside? {entry} opens port {entry_port} on them, which leads to {pod}",
            observed="{reason}",
        ),
        reviews(
            examined["level"] == "hidden",
            "what does {member} open on the network of its node, and who can reach that? It declares no port",
            path="$.spec.hostNetwork",
            observed="no port is declared",
        ),
        not_assessed(
            (examined["level"] == "unknown") & ~kind.isin(["node_port", "host_port"]),
            "who can come in by {entry} to {pod} is not known: {reason}",
            code="input_missing",
        ),
        not_assessed(
            (examined["level"] == "none") & (examined["enforcement"] != "enforced"),
            "policies shut {entry}, but that anything enforces them is not known",
            code="input_missing",
        ),
        not_assessed(
            examined["unseen"] != "",
            "there may be ways in through routes that were not seen: {unseen}",
            code="not_collected",
        ),
        member="member",
        passes="{words}",
    )


def _named(ways: pd.DataFrame) -> pd.Series:
    """Return a name for every way in."""
    host = ways["host"].map(lambda name: f" for {name}" if name else "")
    through = ways["via"].map(lambda names: f" through {names}" if names else "")
    opened = ways["entry"] + " port " + ways["entry_port"].astype("str")
    return opened + host + through + " to " + ways["pod"] + " " + ways["protocol"] + " " + ways["port"].astype("str")


def _unseen(coverage: pd.DataFrame) -> str:
    """Return which kinds of routes were not seen in full; a cluster that does not define them has none."""
    routes = coverage[coverage["group"].isin(ROUTE_GROUPS)]
    gaps = routes[~routes["status"].isin(COMPLETE)]
    if gaps.empty and routes.empty:
        defined = coverage[coverage["kind"] == "CustomResourceDefinition"]
        gaps = defined[~defined["status"].isin(COMPLETE)]
        return "which kinds the cluster defines is not known" if defined.empty or len(gaps) else ""
    return ", ".join(sorted(set(gaps["kind"] + " (" + gaps["status"].str.replace("_", " ") + ")")))
