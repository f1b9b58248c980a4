"""Replicas: how many, how they are protected while nodes are drained, how they are spread."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.graph.node_losses import DEMANDING
from hipaa_kit.kube.budgets import blocks_for_good, int_or_text
from hipaa_kit.safeguards.availability.common import NOT_REPLICATED
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.tables.declaration import rows_by, rows_of


@check("HK-AVL-01")
def replicated(ephi_workloads: pd.DataFrame, pods: pd.DataFrame, autoscalers: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI workload by the replicas it asks for, has, and may be scaled down to.

    Parameters
    ----------
    ephi_workloads, pods, autoscalers : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload

    Notes
    -----
    While an autoscaler acts it writes the number of replicas, so that its least number counts too. A
    workload whose owner is not modelled is judged by its ready pods: too few are a failure, enough
    prove nothing of what the owner will keep. A bare pod that has succeeded has done its work, as that of a Job; one
    that has failed may have been meant to go on.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
    """
    least = autoscalers.groupby("workload")["min_replicas"].min()
    scaled = autoscalers.groupby("workload")["object"].agg(" ".join)
    up = pods[pods["live"] & pods["ready"].fillna(False)].groupby("workload").size()
    name = ephi_workloads["object"]
    examined = ephi_workloads.assign(
        least=name.map(least).astype("Int64"),
        scaler=texts_for(name, scaled),
        up=name.map(up).fillna(0).astype("Int64"),
    )
    alone = (examined["kind"] == "Pod") & ~_static(examined, pods)
    done = alone & name.isin(pods[pods["phase"] == "Succeeded"]["object"])
    foreign = ~examined["known"]
    status = examined["ready"].notna()
    return judge(
        examined,
        not_applicable(examined["kind"].isin(NOT_REPLICATED), "a {kind} keeps no replicas"),
        not_applicable(~examined["criticality"].isin(DEMANDING), "asked of criticality critical and high alone"),
        not_applicable(done, "a bare pod that has done its work: it is not to run again"),
        fails(alone, "a bare pod has no replicas", observed="1", expected="at least 2"),
        fails(
            examined["replicated"] & (examined["desired"] < 2),
            "replicas asked for: {desired}",
            path="$.spec.replicas",
            observed="{desired}",
            expected="at least 2",
        ),
        fails(
            examined["least"] < 2, "{scaler} may scale it down to {least}", observed="{least}", expected="at least 2"
        ),
        fails(
            examined["replicated"] & (examined["ready"] < 2),
            "ready replicas: {ready} of {desired}",
            path="$.status.readyReplicas",
            observed="{ready}",
            expected="at least 2",
        ),
        fails(foreign & (examined["up"] < 2), "ready pods: {up}", expected="at least 2", rests_on=["pods"]),
        not_assessed(foreign, "what its owner {kind} will keep is not modelled", code="unsupported_dialect"),
        not_assessed(examined["replicated"] & ~status, "no status says how many are ready", code="input_missing"),
        not_applicable(examined["known"] & ~examined["replicated"] & ~alone, "a {kind} keeps no replicas"),
        passes="ready replicas: {ready} of {desired}",
        evidence="scaler",
    )


def _static(workloads: pd.DataFrame, pods: pd.DataFrame) -> pd.Series:
    return workloads["object"].isin(pods[pods["static"]]["workload"])


@check("HK-AVL-02")
def disruption_limited(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, disruption_budgets: pd.DataFrame, budget_pods: pd.DataFrame
) -> pd.DataFrame:
    """Judge ePHI workloads by the budgets that select their pods, and budgets by whom they select.

    Parameters
    ----------
    ephi_workloads, pods, disruption_budgets, budget_pods : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload, and one per budget in a namespace that has one

    Notes
    -----
    Two budgets over one pod make the eviction API refuse: nothing can be drained then.
    Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    workloads = ephi_workloads[~ephi_workloads["kind"].isin((*NOT_REPLICATED, "Pod"))]
    workload_of = dict(zip(pods["object"], pods["workload"], strict=True))
    joined = budget_pods.assign(workload=budget_pods["pod"].map(workload_of))
    blocking = _blocking(disruption_budgets, joined, ephi_workloads)
    mine = joined[joined["workload"].isin(workloads["object"])]
    by_workload = mine.groupby("workload")["budget"].agg(lambda names: " ".join(sorted(set(names))))
    twice = joined[joined.duplicated("pod", keep=False)]["workload"]
    of_workloads = workloads[["object", "namespace"]].assign(
        is_budget=False, budgets=texts_for(workloads["object"], by_workload), twice=workloads["object"].isin(twice)
    )
    here = disruption_budgets[disruption_budgets["namespace"].isin(ephi_workloads["namespace"])]
    of_budgets = here[["object", "namespace"]].assign(is_budget=True, budgets=here["object"], twice=False)
    examined = pd.concat([of_workloads, of_budgets], ignore_index=True)
    examined["selected"] = texts_for(examined["object"], _selected(joined, pods))
    limits = examined["budgets"] + " limits disruptions and allows some"
    examined["words"] = limits.where(~examined["is_budget"], examined["selected"])
    # Where no budget is there at all, no pod that was not seen could be under one.
    known = examined["object"].isin(workloads[workloads["known"]]["object"])
    unlimited = known & ~examined["namespace"].isin(disruption_budgets["namespace"])
    named = examined["budgets"].str.split().map(lambda names: [blocking.get(name) for name in names])
    return judge(
        examined,
        fails(
            unlimited,
            "no disruption budget selects its pods",
            expected="one budget",
            rests_on=["disruption_budgets"],
        ),
        fails(
            ~examined["is_budget"] & (examined["budgets"] == ""),
            "no disruption budget selects its pods",
            expected="one budget",
            rests_on=["disruption_budgets", "pods"],
        ),
        fails(examined["twice"], "several budgets select one pod, so that evictions are refused: {budgets}"),
        fails(
            ~examined["is_budget"] & named.map(lambda held: True in held),
            "{budgets} never allows a disruption, so that no node can be drained",
            observed="0 disruptions even when all pods are healthy",
        ),
        fails(examined["is_budget"] & (examined["selected"] == ""), "selects no pod", rests_on=["pods"]),
        not_assessed(
            ~examined["is_budget"] & named.map(lambda held: None in held),
            "{budgets} cannot be read",
            code="parse_error",
        ),
        passes="{words}",
        evidence="budgets",
    )


def _selected(joined: pd.DataFrame, pods: pd.DataFrame) -> pd.Series:
    """Return for each budget what it selects: pods, and templates that stand in for pods which are not there."""
    live = joined["pod"].isin(pods[pods["live"]]["object"])
    counted = pd.DataFrame({"budget": joined["budget"], "pods": live, "templates": ~live}).groupby("budget").sum()
    words = {}
    for budget, there, templates in counted.itertuples(name=None):
        parts = [str(there)] if there else []
        parts += [f"those that {Count(templates):workload} would make"] if templates else []
        words[budget] = f"pods selected: {' and '.join(parts)}"
    return pd.Series(words, dtype="str")


def _blocking(budgets: pd.DataFrame, joined: pd.DataFrame, workloads: pd.DataFrame) -> dict[str, bool | None]:
    """Return for each budget whether it blocks every disruption; None where that is not known."""
    desired = dict(zip(workloads["object"], workloads["desired"], strict=True))
    by_budget = rows_by(joined, "budget")
    found: dict[str, bool | None] = {}
    for row in rows_of(budgets):
        own = by_budget.get(row["object"], [])
        asked = [desired.get(name) for name in {each["workload"] for each in own}]
        counted = [int(each) for each in asked if pd.notna(each)]
        expected = sum(counted) if counted and len(counted) == len(asked) else row["expected_pods"]
        if pd.isna(expected):
            expected = len(own)
        least, most = int_or_text(row["min_available"]), int_or_text(row["max_unavailable"])
        found[row["object"]] = blocks_for_good(int(expected), least, most)
    return found


@check("HK-AVL-03")
def replicas_spread(
    ephi_workloads: pd.DataFrame,
    spread: pd.DataFrame,
    nodes: pd.DataFrame,
    pods: pd.DataFrame,
    spread_rules: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every ePHI workload with several ready replicas by the nodes and zones under them.

    Parameters
    ----------
    ephi_workloads, spread, nodes, pods, spread_rules : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload that keeps replicas

    Notes
    -----
    Replicas that stand apart today may meet after the next rollout where a constraint does not count them.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    workers = nodes[nodes["schedulable"] & ~nodes["control_plane"]]
    zones = workers[workers["zone"] != ""]["zone"].nunique()
    examined = spread.rename(columns={"workload": "object"})
    examined = examined.merge(ephi_workloads[["object", "pods"]], on="object").assign(all_zones=zones)
    missed = spread_rules[spread_rules["counts_itself"].eq(False)].merge(
        pods[["object", "workload"]], left_on="pod", right_on="object"
    )
    keys = missed.groupby("workload")["topology_key"].agg(lambda each: ", ".join(sorted(set(each))))
    examined["missed"] = texts_for(examined["object"], keys)
    single_zone = (examined["zones"] <= 1) & (zones > 1)
    nodes_that_take_pods = len(workers) or len(nodes)
    return judge(
        examined,
        not_applicable(examined["ready_replicas"] < 2, "ready replicas: {ready_replicas}, nothing to spread"),
        not_applicable(
            (examined["nodes"] == 1) & (nodes_that_take_pods == 1), "the cluster has one node that takes pods"
        ),
        fails(
            examined["nodes"] == 1,
            "all {ready_replicas:ready replica} run on one node",
            observed="1 node",
            expected="at least 2 nodes",
            rests_on=["pods"],
        ),
        fails(
            single_zone & (examined["unplaced"] == 0),
            "all {ready_replicas:ready replica} run in one of {all_zones:zone}",
            severity="medium",
            observed="1 zone",
            expected="at least 2 zones",
            rests_on=["pods"],
        ),
        not_assessed(
            single_zone & (examined["unplaced"] > 0),
            "ready replicas whose zone is not known: {unplaced}",
            code="input_missing",
        ),
        reviews(
            examined["missed"] != "",
            "what keeps its replicas apart? The selector of its spread constraint on {missed} does not select them",
            observed="no pod of its own",
        ),
        passes="ready replicas: {ready_replicas}, on nodes: {nodes}, in zones: {zones}",
    )
