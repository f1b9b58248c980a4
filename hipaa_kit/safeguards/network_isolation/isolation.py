"""Isolation: whether anything enforces policy, and whether policies shut what they do not open."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import Outcome, check, fails, judge, not_applicable, not_assessed
from hipaa_kit.safeguards.network_isolation.common import of_ephi

PROXIES = ("istio-proxy", "linkerd-proxy")
"""Containers by which pods are in a service mesh."""

AUTHORIZATION = "AuthorizationPolicy/"


@check("HK-NET-01")
def policy_enforced(reachability_options: pd.DataFrame, isolation: pd.DataFrame) -> pd.DataFrame:
    """Judge the cluster by whether a network plugin that enforces policy is ready on every node.

    Parameters
    ----------
    reachability_options, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row for the cluster

    Notes
    -----
    "Creating a NetworkPolicy resource without a controller that implements it will have no effect."
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#prerequisites
    """
    held = reachability_options[reachability_options["option"] == "enforcement"]
    left = isolation[isolation["enforcement"] == "unknown"]["pod"].nunique()
    examined = held.assign(object="Cluster//network-policy", left=left)
    value = examined["value"]
    return judge(
        examined,
        fails(
            value == "not_enforced",
            "nothing enforces network policy: {basis}",
            observed="{basis}",
            expected="a network plugin that enforces policy",
        ),
        not_assessed(
            value == "unknown", "whether anything enforces network policy is not known: {basis}", code="input_missing"
        ),
        not_assessed(
            (value == "enforced") & (examined["left"] > 0),
            "{basis}, and {left:pod} {left:runs|run} where it is not known to be",
            code="input_missing",
        ),
        passes="{basis}",
        observed="{basis}",
    )


@check("HK-NET-02")
def ingress_denied_by_default(ephi_workloads: pd.DataFrame, isolation: pd.DataFrame) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by whether policies isolate it for ingress.

    Parameters
    ----------
    ephi_workloads, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per pod

    Notes
    -----
    A policy in the namespace is not enough: one has to select the pod, and not allow everything again.
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
    """
    return _isolated(of_ephi(isolation, ephi_workloads, "ingress"))


@check("HK-NET-03")
def egress_denied_by_default(ephi_workloads: pd.DataFrame, isolation: pd.DataFrame) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by whether policies isolate it for egress.

    Parameters
    ----------
    ephi_workloads, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per pod

    Notes
    -----
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
    """
    return _isolated(of_ephi(isolation, ephi_workloads, "egress"))


def _isolated(examined: pd.DataFrame) -> pd.DataFrame:
    isolated, everything = examined["isolated"], examined["open"]
    expected = "a policy that selects the pod and names who may connect"
    return judge(
        examined,
        fails(
            examined["enforcement"] == "not_enforced",
            "{pod} is open for {direction}: {reason}",
            observed="nothing enforces policy",
            expected=expected,
        ),
        fails(
            isolated.eq(False),
            "no policy isolates {pod} for {direction}",
            observed="not isolated",
            expected=expected,
        ),
        fails(
            isolated.eq(True) & everything.eq(True),
            "{pod} is isolated for {direction} only by policies that allow everything: {policies}",
            observed="everything is allowed",
            expected=expected,
        ),
        *_open_questions(examined),
        object="workload",
        member="pod",
        evidence="policies",
        passes="{pod} is isolated for {direction} by {policies}",
    )


def _open_questions(examined: pd.DataFrame) -> tuple[Outcome, ...]:
    code = "unsupported_dialect"
    return (
        not_assessed(
            examined["isolated"].isna(), "whether {pod} is isolated for {direction} is not known: {reason}", code=code
        ),
        not_assessed(
            examined["open"].isna(),
            "{pod} is isolated for {direction}; whether everything is allowed again is not known: {reason}",
            code=code,
        ),
        not_assessed(
            examined["enforcement"] == "unknown",
            "{pod} is isolated for {direction} as far as policies say, but that anything enforces them is not known",
            code="input_missing",
        ),
    )


@check("HK-NET-09")
def dialects_understood(policy_objects: pd.DataFrame) -> pd.DataFrame:
    """Judge every policy of another kind than that of Kubernetes by whether all it says is understood.

    Parameters
    ----------
    policy_objects : table of that name

    Returns
    -------
    table `judgements`, one row per object
    """
    examined = policy_objects[policy_objects["dialect"]]
    return judge(
        examined,
        not_assessed(~examined["read"], "not all of it is understood: {reason}", code="unsupported_dialect"),
        passes="understood; it selects {pods:pod}",
    )


@check("HK-NET-11", everywhere=True)
def identities_authorized(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, isolation: pd.DataFrame
) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by whether a mesh asks for the identity of whoever connects.

    Parameters
    ----------
    ephi_workloads, pods, containers, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per pod

    Notes
    -----
    A workload that no policy with action ALLOW selects lets every request in that none denies.
    Source: https://istio.io/latest/docs/reference/config/security/authorization-policy/
    """
    meshed = set(containers[containers["container"].isin(PROXIES)]["pod"])
    ambient = pods["workload"].str.endswith("/ztunnel").any()
    examined = of_ephi(isolation, ephi_workloads, "ingress")
    present = bool(meshed) or bool(ambient)
    inside = examined["pod"].isin(meshed) | bool(ambient)
    none = ~examined["policies"].str.contains(AUTHORIZATION, regex=False)
    return judge(
        examined,
        not_applicable(pd.Series(not present, index=examined.index), "no pod of the cluster is in a service mesh"),
        fails(
            ~inside & present, "{pod} is not in the mesh that the cluster has", expected="the mesh's proxy in the pod"
        ),
        not_assessed(
            inside & none & (examined["reason"] != ""),
            "what the mesh asks of {pod} is not known: {reason}",
            code="unsupported_dialect",
        ),
        fails(
            inside & none & (examined["reason"] == ""),
            "no authorization policy selects {pod}: every identity may connect",
            expected="an authorization policy that names who may",
        ),
        object="workload",
        member="pod",
        evidence="policies",
        passes="{pod} is guarded by {policies}",
    )
