"""Scope and inventory: what holds ePHI, and how much of the cluster could be seen."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.kinds import Kind
from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.safeguards.check import CHECKS, check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.sources.coverage import Answer, Coverage
from hipaa_kit.vocabulary import ANSWERED, COMPLETE, PARTIAL, REASON_OF_COVERAGE

NOT_ASSETS = ("ConfigMap", "Event", "Secret")
"""Kinds that are left out on purpose: they hold values and messages, not assets."""


@check("HK-PHI-01", without_scope=True)
def scope_declared(
    scope_declaration: pd.DataFrame, scope_entries: pd.DataFrame, services: pd.DataFrame
) -> pd.DataFrame:
    """Judge the scope file as a whole, and every entry by whether it meets an object.

    Parameters
    ----------
    scope_declaration, scope_entries, services : tables of those names

    Returns
    -------
    table `judgements`, one row for the scope and one per entry

    Notes
    -----
    An external store has nothing to match in the cluster; the Service that leads to it, where one is
    named, has to be there.
    """
    whole = scope_declaration.assign(text="the scope", matches=scope_declaration["entries"], external=True)
    entries = scope_entries.assign(declared=True, external=scope_entries["selector"] == "external")
    columns = ["object", "declared", "text", "matches", "external"]
    examined = pd.concat([whole[columns], entries[columns]], ignore_index=True)
    via = dict(zip(scope_entries["object"], scope_entries["via"], strict=True))
    examined["via"] = examined["object"].map(lambda name: via.get(name, ""))
    found = examined["text"] + " selects objects: " + examined["matches"].astype("str")
    named = examined["text"] + " is named, with an owner and a criticality"
    examined["words"] = found.where(~examined["external"].astype(bool), named)
    lost = (examined["via"] != "") & ~examined["via"].isin(services["object"])
    empty = ~examined["external"].astype(bool) & (examined["matches"] == 0)
    return judge(
        examined,
        fails(
            ~examined["declared"].astype(bool),
            "no ePHI scope is declared",
            expected="scope.yaml with at least one entry",
        ),
        fails(empty, "{text} selects no object", observed="0", expected="at least 1", rests_on=["scope_matches"]),
        fails(lost, "{via}, by which {text} is said to be reached, is not there", rests_on=["services"]),
        passes="{words}",
    )


@check("HK-PHI-02", without_scope=True)
def undeclared_candidates(
    workloads: pd.DataFrame, ephi_candidates: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> pd.DataFrame:
    """Ask about every workload that looks like ePHI and is not declared, or is left out of the scope by name.

    Parameters
    ----------
    workloads, ephi_candidates, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per workload
    """
    signs = ephi_candidates["matched"] + " (" + ephi_candidates["signal"] + ")"
    by_workload = signs.groupby(ephi_candidates["object"]).agg(", ".join)
    inside = workloads["object"].isin(ephi_workloads["object"])
    examined = workloads.assign(
        signs=texts_for(workloads["object"], by_workload),
        excluded=texts_for(workloads["object"], ephi_candidates.groupby("object")["excluded"].first()),
        standing=inside.map({True: "declared in the scope", False: "no sign of ePHI in its names, ports and labels"}),
    )
    return judge(
        examined,
        reviews(
            examined["excluded"] != "",
            "who accepted that it is left out of the scope ({excluded})? It looks like ePHI by {signs}",
        ),
        reviews(examined["signs"] != "", "does it hold ePHI? It looks like it by {signs}"),
        passes="{standing}",
    )


@check("HK-PHI-03")
def inventory_complete(coverage: pd.DataFrame) -> pd.DataFrame:
    """Judge the inventory by what came back for every kind of object.

    Parameters
    ----------
    coverage : table of that name

    Returns
    -------
    table `judgements`, one row per kind, all of the one object `Inventory//cluster`

    Notes
    -----
    Secrets, ConfigMaps and Events hold values and messages and are left out on purpose. Whether
    earlier inventories were made on time needs the register of runs, which is not read yet.
    """
    assets = coverage[~coverage["kind"].isin(NOT_ASSETS)]
    name = assets["kind"] + assets["group"].map(lambda group: f".{group}" if group else "")
    place = assets["namespace"].map(lambda namespace: f" in {namespace}" if namespace else "")
    examined = assets.assign(
        object="Inventory//cluster",
        member=name + place,
        words=assets["error"].where(assets["error"] != "", assets["status"].str.replace("_", " ")),
    )
    gaps = [
        not_assessed(examined["status"] == status, "{member} was not read in full: {words}", code=code)
        for status, code in REASON_OF_COVERAGE.items()
    ]
    complete = int(assets["status"].isin(COMPLETE).sum())
    return judge(
        examined,
        *gaps,
        member="member",
        passes=f"lists answered, or of kinds that are not served: {complete} of {len(assets)}",
    )


@check("HK-PHI-04", everywhere=True)
def network_map_complete(ephi_map: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI workload, and store outside the cluster, by whether the map of the network shows all of it.

    Parameters
    ----------
    ephi_map : table of that name

    Returns
    -------
    table `judgements`, one row per workload and per store outside

    Notes
    -----
    What a pod on the network of its node connects to is decided for the node, and undefined for the pod. Connections
    that a flow log holds and the map denies are shown beside it and decide nothing here: a log that is not there denies
    nothing.
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """
    external = ephi_map["external"]
    shown = (
        "{flows_in:connection} in, {flows_out} out, {outside} of them with the outside; {entries:way} in from outside"
    )
    return judge(
        ephi_map,
        not_applicable(~external & (ephi_map["pods"] == 0), "no pod of it runs: it is on no network"),
        fails(
            ephi_map["off_map"] != "",
            "connections of its pods are not on the map: {off_map}",
            observed="{off_map}",
            expected="pods on the pod network alone",
        ),
        not_assessed(
            external,
            "at which addresses it is found is not known: nothing shows which ways out of the cluster lead to it",
            code="input_missing",
        ),
        not_assessed(
            ephi_map["open_questions"] > 0,
            "of {open_questions:connection} it is not known on which ports they are allowed: {reason}",
            code="unsupported_dialect",
        ),
        not_assessed(
            ephi_map["enforcement"] == "unknown",
            "the map shows what policies intend: that anything enforces them is not known",
            code="input_missing",
        ),
        observed=shown,
        passes="the map shows " + shown,
    )


@check("HK-PHI-05")
def assessor_access(coverage: pd.DataFrame) -> pd.DataFrame:
    """Judge what whoever read the cluster was able to read: all that the checks need, and no values of Secrets.

    Parameters
    ----------
    coverage : table of that name

    Returns
    -------
    table `judgements`, one row per kind that a check needs, and one for Secrets

    Notes
    -----
    Who may list Secrets reads their values as well: the API has no verb for their names alone. Whether the identity
    may change anything is not in a snapshot; `hipaa-kit doctor` asks the server.
    Source: https://kubernetes.io/docs/concepts/configuration/secret/#information-security-for-secrets
    """
    needed: dict[Kind, list[str]] = {}
    for each in CHECKS.values():
        for kind in each.kinds:
            needed.setdefault(kind, []).append(each.id)
    answers = Coverage(coverage)
    rows = [
        _access(kind, answer, ids)
        for kind, ids in sorted(needed.items())
        if kind.kind not in NOT_ASSETS
        for answer in (answers.gaps(kind) or [answers.answer(kind)])
    ]
    secrets_asked = coverage[(coverage["kind"] == "Secret") & (coverage["group"] == "")]
    # A list of which a part came was allowed.
    some = (secrets_asked["status"] == PARTIAL) & (secrets_asked["count"].fillna(1) > 0)
    listed = secrets_asked[(secrets_asked["status"] == ANSWERED) | some]
    secrets = {
        "member": "secrets",
        "status": ANSWERED,
        "words": "listed" if len(listed) else "not listed",
        "checks": "",
    }
    examined = pd.DataFrame([*rows, secrets]).assign(object="Assessor//access")
    about = examined["member"] == "secrets"
    gaps = [
        not_assessed(
            ~about & (examined["status"] == status),
            "{member} were not read in full ({words}): {checks} cannot pass",
            code=code,
        )
        for status, code in REASON_OF_COVERAGE.items()
    ]
    return judge(
        examined,
        fails(
            about & (examined["words"] == "listed"),
            "whoever read the cluster may list Secrets, and so read their values",
            observed="list secrets",
            expected="the role that hipaa-kit rbac prints",
        ),
        *gaps,
        member="member",
        passes="every list that the checks need was answered, or is of a kind that is not served",
    )


@check("HK-PHI-06")
def scope_reviewed(scope_declaration: pd.DataFrame, *, as_of: str, scope_review_days: int = 365) -> pd.DataFrame:
    """Judge the ePHI scope by the day on which it says that it was reviewed: every other answer rests on it.

    Parameters
    ----------
    scope_declaration : table of that name
    as_of
        Moment to judge for, RFC 3339.
    scope_review_days
        Days within which the scope has to have been reviewed.

    Returns
    -------
    table `judgements`, one row for the scope
    """
    days = scope_declaration["reviewed_on"]
    age = pd.Series([days_between(day, as_of) if day else None for day in days], index=days.index, dtype="Int64")
    return judge(
        scope_declaration.assign(age=age),
        reviews(age.isna(), "the scope names no day on which it was reviewed: when was it, and by whom?"),
        reviews(
            age.lt(0).fillna(False),
            "the scope was reviewed on {reviewed_on}, after the moment that is judged for: did it hold then?",
        ),
        fails(
            age.gt(scope_review_days).fillna(False),
            f"the scope was last reviewed on {{reviewed_on}}, {{age:day}} ago, of at most {scope_review_days}",
            observed="{reviewed_on}",
            expected=f"within {scope_review_days} days",
        ),
        observed="{reviewed_on}",
        passes=f"the scope was last reviewed on {{reviewed_on}}, {{age:day}} ago, of at most {scope_review_days}",
    )


def _access(kind: Kind, answer: Answer, checks: list[str]) -> dict[str, str]:
    """Return what came back for a kind, and the checks that need it."""
    name = kind.resource + (f".{kind.group}" if kind.group else "")
    shown = ", ".join(sorted(checks)[:3]) + (" and others" if len(checks) > 3 else "")
    place = f" in {answer.namespace}" if answer.namespace else ""
    words = answer.error or answer.status.replace("_", " ")
    return {"member": f"{name}{place}", "status": answer.status, "words": words, "checks": shown}
