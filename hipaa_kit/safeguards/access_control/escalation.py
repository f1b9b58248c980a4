"""Ways around: how subjects could reach ePHI by becoming more than their role bindings say."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.safeguards.access_control.administrators import is_broad
from hipaa_kit.safeguards.access_control.ephi_access import INPUTS, exposed_accounts
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews
from hipaa_kit.tables.declaration import rows_of

EVERY = "*"


@check("HK-ACC-08", optional=INPUTS, everywhere=True)
def no_way_around(
    ephi_ways: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    exposures: pd.DataFrame,
    pods: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    escalation_hops: int = 5,
    as_of: str,
) -> pd.DataFrame:
    """Judge every subject by the ways on which it could reach ePHI without a grant for it.

    Parameters
    ----------
    ephi_ways, ephi_objects, exposures, pods, workforce, workforce_groups, access_matrix : tables of those names
    escalation_hops
        Ways of more steps are not judged a failure.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject and namespace that it could reach

    Notes
    -----
    Whoever the access matrix permits to read the Secrets and to enter the pods of a namespace gains nothing there by
    a way around. Who reads a Secret with the token of an account acts as that account; where Secrets were not read,
    those tokens show that accounts name. Who is an administrator is another control's to judge. Pods are judged where
    the internet may connect to them.
    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    places = sorted(ephi_namespaces(ephi_objects))
    exposed = exposed_accounts(exposures, pods)
    held = ephi_ways[(ephi_ways["subject_kind"] != "Pod") | ephi_ways["object"].isin(exposed)]
    open_ = held["object"].isin(exposed)
    anyone = open_ | held["object"].str.endswith("/default") | _broad(held)
    examined = held.assign(
        member=("to " + held["namespace"].replace(EVERY, "every namespace")).where(held["hops"] > 0, "no way"),
        place=("namespace " + held["namespace"]).where(held["namespace"] != EVERY, "every namespace"),
        who=_who(held, open_),
        permitted=_permitted(held, approvals, places),
    )
    way = (examined["hops"] > 0) & ~examined["permitted"]
    short = way & (examined["hops"] <= escalation_hops)
    sure = examined["confidence"] == "certain"
    examined = examined.assign(words=_words(examined, way, escalation_hops))
    return judge(
        examined,
        not_applicable(
            examined["administrator"] | examined["stock"],
            "it holds what every cluster is born with, or everything: no way around is needed",
        ),
        fails(
            short & sure & (approvals.given | anyone),
            "{who} could reach {place} (steps: {hops}): {path}",
            observed="{techniques}",
            expected="no such way, or a role that may read and enter there by the access matrix",
        ),
        reviews(
            short & sure,
            "access matrix or workforce file is missing: is it meant to reach {place} (steps: {hops})? {path}",
            observed="{techniques}",
        ),
        reviews(
            short,
            "does what this way needs besides hold here? It could then reach {place} (steps: {hops}): {path}",
            observed="{techniques}",
        ),
        member="member",
        evidence="bindings",
        passes="{words}",
    )


def _who(held: pd.DataFrame, open_: pd.Series) -> pd.Series:
    """Return how a sentence about each subject begins."""
    who = pd.Series("it", index=held.index, dtype="str")
    who = who.mask(open_, "a pod that the internet may connect to runs as it; it")
    return who.mask(held["subject_kind"] == "Pod", "the internet may connect to it; it")


def _broad(held: pd.DataFrame) -> pd.Series:
    return (held["subject_kind"] == USER_GROUP) & held["subject"].map(is_broad).astype(bool)


def _permitted(held: pd.DataFrame, approvals: Approvals, places: list[str]) -> pd.Series:
    """Tell of each row whether the subject may read and enter by the access matrix wherever the way leads."""
    found = []
    for row in rows_of(held):
        reached = places if row["namespace"] == EVERY else [row["namespace"]]
        asked = [
            each
            for place in reached
            for each in (Permitted("get", "", "secrets", place), Permitted("create", "", "pods/exec", place))
        ]
        found.append(bool(row["hops"]) and approvals.covers(row["subject_kind"], row["subject"], asked))
    return pd.Series(found, index=held.index, dtype="bool")


def _words(examined: pd.DataFrame, way: pd.Series, limit: int) -> pd.Series:
    """Return what is said of rows that pass."""
    words = pd.Series(
        "no way that shows leads it to more ePHI than its role bindings say", index=examined.index, dtype="str"
    )
    words = words.mask(way, f"the way to ePHI needs more than {limit} steps")
    return words.mask(examined["permitted"], "it may read and enter there by the access matrix")
