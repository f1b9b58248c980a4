"""Policies as they are written: rules that open too much, and rules that do nothing."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.kube.network.port_sets import holds
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.network_isolation.common import enforcement, of_ephi, policies_of, unless_enforced
from hipaa_kit.tables.declaration import rows_of

GATES = ("AuthorizationPolicy/", "PeerAuthentication/")
"""Kinds that only take away from what network policies allow: broad is not open there."""

LOCAL_NAME_SERVER = "node-local-dns"
"""DaemonSet by which pods ask a name server on their own node, whose address is no pod's.

Source: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/
"""

BY_RANK = ("denied", "unknown", "over TCP", "unknown", "allowed")
"""What policies let a workload do with name servers, from the worst to the best that it may do with any of them."""

LOOKUPS = {("TCP", "unknown"): 1, ("TCP", "allowed"): 2, ("UDP", "unknown"): 3, ("UDP", "allowed"): 4}
"""Rank of an answer by one protocol: resolvers ask over UDP, and over TCP where they are told to, or after it.

Source: https://man7.org/linux/man-pages/man5/resolv.conf.5.html, `use-vc`
"""


@check("HK-NET-05")
def rules_narrow(
    ephi_workloads: pd.DataFrame,
    isolation: pd.DataFrame,
    policy_rules: pd.DataFrame,
    reachability_options: pd.DataFrame,
    *,
    widest_port_range: int = 1000,
) -> pd.DataFrame:
    """Judge every rule that allows something to ePHI pods by how much it opens.

    Parameters
    ----------
    ephi_workloads, isolation, policy_rules, reachability_options : tables of those names
    widest_port_range
        Most ports of one protocol that a rule may open, a number of ports.

    Returns
    -------
    table `judgements`, one row per rule; a policy without rules that allow has one

    Notes
    -----
    A rule without peers allows all of them, one without ports every port.
    Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
    """
    selecting = policies_of(of_ephi(isolation, ephi_workloads))
    objects = pd.DataFrame({"object": sorted(set(selecting["policy"]))}, dtype="str")
    objects = objects[~objects["object"].str.startswith(GATES)]
    allowing = policy_rules[policy_rules["action"] == "allow"]
    examined = objects.merge(allowing, left_on="object", right_on="policy", how="left")
    examined = examined.assign(
        enforcement=enforcement(reachability_options),
        member=_named(examined).where(examined["rule"].notna(), ""),
    )
    expected = "the peers that need it, on the ports they need"
    return judge(
        examined,
        fails(examined["every_peer"].eq(True), "{member} allows every peer on {ports}", expected=expected),
        fails(examined["every_namespace"].eq(True), "{member} allows every pod of every namespace", expected=expected),
        fails(examined["internet"].eq(True), "{member} allows the internet: {peers}", expected=expected),
        fails(
            examined["widest"].gt(widest_port_range).fillna(False),
            "{member} opens {widest} ports",
            observed="{widest}",
            expected=f"at most {widest_port_range}",
            severity="medium",
        ),
        unless_enforced(examined),
        member="member",
        observed="{peers} on {ports}",
        passes="no rule of it that allows anything is broad",
    )


@check("HK-NET-10")
def policies_have_effect(
    ephi_workloads: pd.DataFrame,
    policy_objects: pd.DataFrame,
    policy_rules: pd.DataFrame,
    isolation: pd.DataFrame,
    ephi_traffic: pd.DataFrame,
    workloads: pd.DataFrame,
    pods: pd.DataFrame,
    service_targets: pd.DataFrame,
    reachability_options: pd.DataFrame,
) -> pd.DataFrame:
    """Judge the policies of namespaces with ePHI by whether they do what they can only have been meant to do.

    Parameters
    ----------
    ephi_workloads, policy_objects, policy_rules, isolation, ephi_traffic, workloads, pods, service_targets,
    reachability_options : tables of those names

    Returns
    -------
    table `judgements`, one row per policy, one per rule, and, where the cluster has a name server, one per ePHI
    workload that is isolated for egress

    Notes
    -----
    What is meant for pods that do not run now, such as those of a Job, looks dead as well. A name server is what
    stands behind port 53 of a Service, and resolvers ask it over UDP unless they are told otherwise; where every node
    has one of its own, its address is no pod's, and whether it can be asked is left open. That an answer about
    policies is missing makes it unknown, never asked.
    """
    inside = policy_objects[policy_objects["namespace"].isin(ephi_workloads["namespace"])]
    unread = dict(zip(inside["object"], inside["reason"].where(~inside["read"], ""), strict=True))
    whole = inside.assign(member="", lookup="", text=[f"it selects {Count(number):pod}" for number in inside["pods"]])
    rules = policy_rules[policy_rules["policy"].isin(inside["object"])]
    of_rules = rules.assign(object=rules["policy"], pods=1, lookup="").assign(
        member=_named(rules), text="every name in it is there"
    )
    columns = ["object", "member", "pods", "lookup", "text"]
    local = workloads["name"].str.contains(LOCAL_NAME_SERVER, regex=False).any()
    answering = _answering(service_targets, pods)
    asking = _asking(of_ephi(isolation, ephi_workloads, "egress"), ephi_traffic, answering)
    examined = pd.concat(
        [
            whole[columns].assign(unmatched_peers="", unmatched_ports=""),
            of_rules[[*columns, "unmatched_peers", "unmatched_ports"]],
            asking.head(len(asking) if answering and not local else 0).assign(
                member="name server", pods=1, unmatched_peers="", unmatched_ports=""
            ),
        ],
        ignore_index=True,
    ).assign(enforcement=enforcement(reachability_options))
    examined["unread"] = examined["object"].map(unread).fillna("")
    return judge(
        examined,
        fails(
            (examined["pods"] == 0) & (examined["unread"] == ""),
            "it selects no pod that runs: nothing is isolated by it and nothing allowed",
            observed="0 pods",
            expected="at least 1",
            rests_on=["policy_objects"],
        ),
        fails(
            examined["unmatched_ports"] != "",
            "{member} names port {unmatched_ports}, which no pod it could lead to has",
            observed="{unmatched_ports}",
            expected="the name of a container port",
            rests_on=["policy_rules"],
        ),
        fails(
            examined["unmatched_peers"] != "",
            "{member} names peers that are not there: {unmatched_peers}",
            observed="{unmatched_peers}",
            severity="low",
            rests_on=["policy_rules"],
        ),
        fails(
            examined["lookup"] == "denied",
            "its policies let it ask no name server: every lookup of a name fails",
            expected="port 53 of the cluster's name server",
            rests_on=["ephi_traffic"],
        ),
        not_assessed(examined["unread"] != "", "what it does is not fully known: {unread}", code="unsupported_dialect"),
        not_assessed(
            examined["lookup"] == "unknown",
            "whether its policies let it ask a name server is not known",
            code="input_missing",
        ),
        reviews(
            examined["lookup"] == "over TCP",
            "does it look names up over TCP? Its policies let it ask no name server over UDP",
            observed="TCP alone",
            rests_on=["ephi_traffic"],
        ),
        unless_enforced(examined),
        member="member",
        passes="{text}",
    )


def _named(rules: pd.DataFrame) -> pd.Series:
    """Return a name for every rule within its policy."""
    part = rules["part"].map(lambda number: f"part {number} " if number > 0 else "", na_action="ignore")
    return part + rules["direction"] + " rule " + rules["rule"].astype("str")


def _answering(service_targets: pd.DataFrame, pods: pd.DataFrame) -> set[tuple[str, str, int]]:
    """Return the name servers behind port 53 of Services: workload, protocol, and the port on which it answers."""
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    named = service_targets[service_targets["port"] == 53][["pod", "protocol", "target_port"]]
    return {(owner.get(pod, ""), protocol, int(port)) for pod, protocol, port in named.itertuples(index=False)}


def _asking(isolation: pd.DataFrame, ephi_traffic: pd.DataFrame, answering: set[tuple[str, str, int]]) -> pd.DataFrame:
    """Return the workloads that are isolated for egress, and the best they may do with any name server."""
    shut = sorted(set(isolation[isolation["isolated"].eq(True)]["workload"]))
    found = dict.fromkeys(shut, 0)
    asked_for = ephi_traffic["destination"].isin({name for name, _, _ in answering})
    for row in rows_of(ephi_traffic[ephi_traffic["source"].isin(shut) & asked_for]):
        for name, protocol, port in answering:
            if (name, protocol) == (row["destination"], row["protocol"]):
                answer = "allowed" if holds(row["allowed"], port) else "unknown" if holds(row["unknown"], port) else ""
                rank = LOOKUPS.get((protocol, answer), 0)
                found[row["source"]] = max(found[row["source"]], rank)
    columns = {"object": "str", "lookup": "str"}
    words = [(name, BY_RANK[rank]) for name, rank in found.items()]
    asked = pd.DataFrame(words, columns=list(columns)).astype(columns)
    return asked.assign(text="it can ask a name server")
