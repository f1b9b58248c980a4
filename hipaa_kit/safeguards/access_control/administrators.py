"""Administrators: who may do everything, and whether they are few, named and meant."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER, USER_GROUP
from hipaa_kit.kube.rbac.users import ANONYMOUS, AUTHENTICATED, MASTERS, SERVICE_ACCOUNTS, UNAUTHENTICATED
from hipaa_kit.safeguards.access_control.common import ALL_PERMITTED, RESERVED, place_words
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews
from hipaa_kit.tables.declaration import rows_of

PLATFORM = "openshift-"
"""Begins the names of namespaces in which OpenShift runs itself; `kube-system` is anyone's who installs into it."""


def is_broad(group: str) -> bool:
    """Tell whether a group holds everyone, or every service account of the cluster or of a namespace."""
    return group in (AUTHENTICATED, UNAUTHENTICATED) or group.startswith(SERVICE_ACCOUNTS)


@check("HK-ACC-03", optional=["workforce", "workforce_groups", "access_matrix"], everywhere=True)
def administrators_few_and_named(
    grants: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    administrators_at_most: int = 3,
    as_of: str,
) -> pd.DataFrame:
    """Judge everyone who may do everything, in the cluster or in one namespace.

    Parameters
    ----------
    grants, workforce, workforce_groups, access_matrix : tables of those names
    administrators_at_most
        So many people at most may do everything in the cluster.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject and role binding

    Notes
    -----
    A role counts by its rules, whatever its name. Who has a certificate of `system:masters`, or is in another group,
    the API does not show: people are counted as far as the workforce file names them, and a group in which it names
    nobody is asked about.
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    held = grants[grants["administrator"]]
    humans = sorted(_humans(held[held["scope"] == ""], approvals))
    examined = held.assign(
        member=held["object"],
        object=held["binding"],
        place=held["scope"].map(place_words).astype("str"),
        count=len(humans),
        limit=administrators_at_most,
        names=", ".join(humans),
        **_standing(held, approvals),
    )
    person = examined["subject_kind"].isin([USER, USER_GROUP])
    account = examined["subject_kind"] == SERVICE_ACCOUNT
    platform = examined["subject"].str.startswith(PLATFORM) & (not approvals.given)
    crowd = person & ~examined["broad"] & (examined["scope"] == "") & (len(humans) > administrators_at_most)
    return judge(
        examined,
        not_applicable(examined["stock"] & (examined["subject"] != MASTERS), "every cluster is born with it"),
        fails(
            examined["broad"] & person,
            "{subject} may do everything in {place}: everyone whom it stands for is an administrator",
            observed="{role}",
            expected="no role binding",
        ),
        fails(
            account & ~examined["permitted"] & ~platform,
            "service account {subject} may do everything in {place}, and nobody approved it",
            observed="{role}",
            expected="a role with what it needs, or its role in the access matrix",
        ),
        fails(
            crowd,
            "{count} people may do everything in the cluster, {limit} at most are meant to: {names}",
            observed="{count}",
            expected="{limit} at most",
        ),
        reviews(
            account & ~examined["permitted"] & platform,
            "access matrix or workforce file is missing: is {subject} meant to do everything in {place}?",
        ),
        reviews(
            ~account & ~examined["broad"] & ~examined["known"],
            "who is {subject}? It may do everything in {place}, and the cluster does not show who that is",
        ),
        member="member",
        passes="{subject} may do everything in {place}: {words}",
    )


def _standing(held: pd.DataFrame, approvals: Approvals) -> dict[str, Any]:
    """Return for each row whether its subject is broad, permitted and known, and words for it."""
    found: dict[str, list[Any]] = {"broad": [], "permitted": [], "known": [], "words": []}
    for row in rows_of(held):
        kind, subject = row["subject_kind"], row["subject"]
        permitted = approvals.covers(kind, subject, [Permitted(*ALL_PERMITTED, row["scope"])])
        names = approvals.members(subject) if kind == USER_GROUP else approvals.roles(subject) and {subject}
        found["broad"].append(subject == ANONYMOUS or (kind == USER_GROUP and is_broad(subject)))
        found["permitted"].append(permitted)
        found["known"].append(bool(names))
        words = "the access matrix permits it" if permitted else "few people, who are named"
        found["words"].append(words)
    return {name: pd.Series(values, index=held.index, dtype=_dtype(name)) for name, values in found.items()}


def _dtype(name: str) -> str:
    return "str" if name == "words" else "bool"


def _humans(held: pd.DataFrame, approvals: Approvals) -> set[str]:
    """Return the people who may do everything in the cluster, as far as they are known."""
    users = held.loc[held["subject_kind"] == USER, "subject"]
    named = {user for user in users if not user.startswith(RESERVED)}
    groups = {*held.loc[held["subject_kind"] == USER_GROUP, "subject"], MASTERS}
    return named.union(*(approvals.members(group) for group in groups))
