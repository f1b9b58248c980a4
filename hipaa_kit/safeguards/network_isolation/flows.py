"""Flows: what the policies allow, against what is declared and what must never be."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.safeguards.network_isolation.common import enforcement, unless_enforced, with_others

ENDS = (("source",), ("destination",))
"""What is said of a workload rests on the flows of which it is an end."""
RUNNING = {"isolation": ("workload", "enforcement")}


@check("HK-NET-04", everywhere=True, narrow=RUNNING, by_object={"ephi_traffic": ENDS})
def flows_declared(
    ephi_workloads: pd.DataFrame, ephi_traffic: pd.DataFrame, expected_flows: pd.DataFrame, isolation: pd.DataFrame
) -> pd.DataFrame:
    """Judge the flows of every ePHI workload: whether what is allowed is declared, and what is declared allowed.

    Parameters
    ----------
    ephi_workloads, ephi_traffic, expected_flows, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per pair of ends and protocol; between two ePHI workloads it counts for the one
    that answers. A workload without any flow has a row, too.

    Notes
    -----
    A flow is declared between workloads: where the owner of a pod could not be seen, the pod goes by another name,
    and nothing shows that its flows are not declared.
    """
    flows = with_others(ephi_traffic[ephi_traffic["source"] != ephi_traffic["destination"]])
    flows = flows.assign(
        object=flows["destination"].where(flows["destination_ephi"], flows["source"]),
        member=flows["source"] + " to " + flows["destination"] + " " + flows["protocol"],
    )
    held = isolation[isolation["workload"].isin(ephi_workloads["object"])]
    quiet = held[~held["workload"].isin(flows["object"])].drop_duplicates("workload")
    flows = flows.assign(words=flows["member"] + " is as declared")
    none = pd.DataFrame({"object": quiet["workload"], "enforcement": quiet["enforcement"], "member": "any flow"})
    none = none.assign(words="no connection counts for it that would need a declaration")
    examined = pd.concat([flows, none], ignore_index=True)
    texts = ["undeclared", "doubtful", "blocked", "reason", "source", "destination", "protocol"]
    examined = examined.assign(**{name: examined[name].fillna("") for name in texts})
    told = not expected_flows.empty
    idle = examined["idle"].eq(True)
    return judge(
        examined,
        not_applicable(idle & (examined["undeclared"] == ""), "one end has no pod that runs: {member}"),
        fails(
            (examined["undeclared"] != "") & told,
            "{source} may connect to {destination} on {protocol} {undeclared}, which is not declared",
            observed="{protocol} {undeclared}",
            expected="a flow in scope.yaml, or a policy without it",
            rests_on=["workloads"],
        ),
        reviews(
            (examined["undeclared"] != "") & (not told),
            "no flows are declared: is {source} meant to connect to {destination} on {protocol} {undeclared}?",
            observed="{protocol} {undeclared}",
        ),
        not_assessed(
            examined["doubtful"] != "",
            "{source} may perhaps connect to {destination} on {protocol} {doubtful}: {reason}",
            code="unsupported_dialect",
        ),
        not_assessed(
            examined["enforcement"] == "unknown",
            "{member} goes no further than declared as far as policies say, but that anything enforces them "
            "is not known",
            code="input_missing",
        ),
        reviews(
            examined["blocked"] != "",
            "is the declared flow from {source} to {destination} on {protocol} {blocked} still needed? "
            "The policies deny it",
            observed="denied",
        ),
        member="member",
        passes="{words}",
    )


@check("HK-NET-06", narrow=RUNNING, by_object={"ephi_traffic": ENDS})
def nothing_leaves(ephi_workloads: pd.DataFrame, ephi_traffic: pd.DataFrame, isolation: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI workload by where it may connect to outside the cluster.

    Parameters
    ----------
    ephi_workloads, ephi_traffic, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per workload and addresses outside; one for a workload without any

    Notes
    -----
    The instance metadata service answers with the credentials of the node to whoever asks.
    Source: https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
    """
    out = with_others(ephi_traffic[ephi_traffic["source_ephi"] & ephi_traffic["outside"]])
    out = out.assign(object=out["source"], member=out["destination"] + " " + out["protocol"])
    running = isolation[isolation["workload"].isin(ephi_workloads["object"])].drop_duplicates("workload")
    inner = running[~running["workload"].isin(out["object"])]
    none = pd.DataFrame({"object": inner["workload"], "enforcement": inner["enforcement"]}).assign(
        member="any address", internet=False, metadata=False, protocol="", words="it may connect to nothing outside"
    )
    out = out.assign(words=out["member"] + " " + out["allowed"] + " is declared, or nothing of the internet")
    examined = pd.concat([out, none], ignore_index=True)
    texts = ["allowed", "unknown", "undeclared", "doubtful", "reason", "destination"]
    examined = examined.assign(**{name: examined[name].fillna("") for name in texts})
    metadata = examined["metadata"].astype(bool) & (examined["protocol"] == "TCP")
    public = examined["internet"].astype(bool)
    return judge(
        examined,
        fails(
            metadata & examined["allowed"].map(_holds_http).astype(bool),
            "it may connect to the instance metadata service, which is in {destination}",
            observed="{protocol} {allowed}",
            expected="an exception for 169.254.169.254",
        ),
        fails(
            public & (examined["undeclared"] != ""),
            "it may connect to the internet, {destination}, on {protocol} {undeclared}, which is not declared",
            observed="{protocol} {undeclared}",
            expected="the addresses it needs",
            rests_on=["workloads"],
        ),
        not_assessed(
            (public & (examined["doubtful"] != "")) | (metadata & examined["unknown"].map(_holds_http).astype(bool)),
            "it may perhaps connect to {destination} on {protocol}: {reason}",
            code="unsupported_dialect",
        ),
        unless_enforced(examined),
        member="member",
        passes="{words}",
    )


def _holds_http(ports: str) -> bool:
    """Tell whether port 80 is among some ports in words."""
    spans = [each.partition("-") for each in ports.split() if each != "every"]
    return ports == "every" or any(int(first) <= 80 <= int(last or first) for first, _, last in spans)


@check("HK-NET-12", everywhere=True)
def few_ways_in(
    blast_radius: pd.DataFrame, *, blast_radius_hops: int = 2, blast_radius_share: float = 0.5
) -> pd.DataFrame:
    """Judge every ePHI workload by how much of the cluster can reach it in a few connections.

    Parameters
    ----------
    blast_radius : table of that name
    blast_radius_hops
        Connections one after another, 1 to 3.
    blast_radius_share
        Largest part of the cluster's other pods that may reach it so, from 0 to 1.

    Returns
    -------
    table `judgements`, one row per workload
    """
    examined = blast_radius[blast_radius["hops"] == blast_radius_hops]
    most = examined["of"] * blast_radius_share
    words = f"of {{of:other pod}} can reach it within {Count(blast_radius_hops):connection}"
    return judge(
        examined,
        fails(
            examined["pods"] > most,
            f"{{pods}} {words}",
            observed="{pods:pod} of {workloads:workload}, {accounts:service account}",
            expected=f"at most {blast_radius_share:.0%} of them",
        ),
        not_assessed(
            examined["pods"] + examined["perhaps"] > most,
            f"{{pods}} and perhaps {{perhaps}} more {words}",
            code="unsupported_dialect",
        ),
        unless_enforced(examined),
        object="workload",
        observed="{pods:pod} of {workloads:workload}, {accounts:service account}",
        passes=f"{{pods}} {words}",
    )


@check("HK-NET-13", everywhere=True, by_object={"ephi_traffic": ENDS})
def production_apart(
    ephi_workloads: pd.DataFrame,
    ephi_traffic: pd.DataFrame,
    namespace_environments: pd.DataFrame,
    reachability_options: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every ePHI workload of production by whether anything of another environment may connect to it.

    Parameters
    ----------
    ephi_workloads, ephi_traffic, namespace_environments, reachability_options : tables of those names

    Returns
    -------
    table `judgements`, one row per workload, and one per source of another environment that may connect
    """
    label = namespace_environments.set_index("namespace")
    flows = with_others(ephi_traffic[ephi_traffic["destination_ephi"] & (ephi_traffic["verdict"] != "denied")])
    flows = flows.assign(environment=texts_for(flows["source_namespace"], label["environment"]))
    flows = flows[flows["source_namespace"].map(label["production"]).eq(False)]
    columns = ["object", "namespace", "member", "source", "environment", "verdict", "protocol", "allowed", "reason"]
    into = flows.assign(
        object=flows["destination"],
        namespace=flows["destination_namespace"],
        member=flows["source"] + " " + flows["protocol"],
    )
    whole = ephi_workloads.assign(**dict.fromkeys(columns[2:], ""))
    examined = pd.concat([whole[columns], into[columns]], ignore_index=True)
    production = examined["namespace"].map(label["production"])
    examined = examined.assign(
        enforcement=enforcement(reachability_options),
        own=texts_for(examined["namespace"], label["environment"]),
    )
    return judge(
        examined,
        not_applicable(production.eq(False), "its namespace is labelled {own}"),
        fails(
            production.eq(True) & (examined["verdict"] == "allowed"),
            "{source}, of environment {environment}, may connect on {protocol} {allowed}",
            observed="{protocol} {allowed}",
            expected="no flow from another environment",
        ),
        not_assessed(
            production.isna(), "no label says which environment namespace {namespace} is", code="input_missing"
        ),
        not_assessed(
            examined["verdict"] == "unknown",
            "{source}, of environment {environment}, may perhaps connect: {reason}",
            code="unsupported_dialect",
        ),
        unless_enforced(examined),
        member="member",
        passes="nothing in a namespace of another environment may connect",
    )
