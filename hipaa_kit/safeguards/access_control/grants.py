"""Grants that are too broad: to everyone, or by wildcards."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.kube.rbac.users import AUTHENTICATED, SERVICE_ACCOUNTS
from hipaa_kit.safeguards.check import check, fails, judge, texts_for

BORN = frozenset({"ClusterRole//cluster-admin", "ClusterRole//admin", "ClusterRole//edit", "ClusterRole//view"})
"""Roles for people that every cluster is born with; the others begin with `system:`.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
"""

SYSTEM_ROLES = ("ClusterRole//system:", "Role/kube-system/system:", "Role/kube-public/system:")
"""Begin the names of roles of the control plane."""


@check("HK-ACC-04", everywhere=True)
def nothing_for_everyone(grants: pd.DataFrame, ephi_objects: pd.DataFrame) -> pd.DataFrame:
    """Judge every role binding to a group that holds everyone, all service accounts, or those of a namespace with ePHI.

    Parameters
    ----------
    grants, ephi_objects : tables of those names

    Returns
    -------
    table `judgements`, one row per role binding and group; one for a group of everyone that has none

    Notes
    -----
    Whatever such a group may do, every pod with a token may.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#service-account-permissions
    """
    broad = [AUTHENTICATED, SERVICE_ACCOUNTS]
    local = [f"{SERVICE_ACCOUNTS}:{namespace}" for namespace in sorted(ephi_namespaces(ephi_objects))]
    held = grants[(grants["subject_kind"] == USER_GROUP) & grants["subject"].isin([*broad, *local])]
    words = held["subject"] + " has " + held["role"] + ", which tells of the server and of oneself"
    unmade = held["subject"] + " would have " + held["role"] + ", which is not there"
    bound = held.assign(object=held["binding"], member=held["subject"], words=words.where(held["role_known"], unmade))
    idle = [group for group in broad if len(grants) and group not in set(held["subject"])]
    none = pd.DataFrame({"object": [f"Group//{group}" for group in idle], "member": idle}).assign(
        subject=idle, role="", role_known=False, public=True, words=[f"no role binding names {group}" for group in idle]
    )
    examined = pd.concat([bound, none], ignore_index=True)
    return judge(
        examined,
        fails(
            examined["role_known"].astype(bool) & ~examined["public"].astype(bool),
            "everyone in {subject} has {role}",
            observed="{role}",
            expected="discovery and self-review at most",
        ),
        member="member",
        passes="{words}",
    )


@check("HK-ACC-05", everywhere=True)
def roles_without_wildcards(grants: pd.DataFrame, wildcards: pd.DataFrame, ephi_objects: pd.DataFrame) -> pd.DataFrame:
    """Judge every role of the site that counts in a namespace with ePHI by the wildcards in its rules.

    Parameters
    ----------
    grants, wildcards, ephi_objects : tables of those names

    Returns
    -------
    table `judgements`, one row per role and rule with a wildcard; one for a role without any

    Notes
    -----
    A wildcard over API groups of custom resources alone gives nothing of Kubernetes' own: what an operator makes of
    its resources is looked at as a way to become more. Roles that nothing binds give nothing.
    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
    """
    places = {"", *ephi_namespaces(ephi_objects)}
    reaching = grants[grants["role_known"] & grants["scope"].isin(places)]
    born = reaching["role"].isin(BORN) | reaching["role"].str.startswith(SYSTEM_ROLES)
    reaching = reaching[~born] if len(places) > 1 else reaching[:0]
    holders = reaching.sort_values("object").groupby("role")["object"].agg(_few)
    roles = pd.DataFrame({"object": sorted(set(reaching["role"]))}, dtype="str")
    fields = wildcards.groupby(["role", "rule"], as_index=False).agg(
        fields=("field", ", ".join), own=("own", "first"), groups=("api_groups", "first")
    )
    examined = roles.merge(fields, left_on="object", right_on="role", how="left")
    starred = examined["rule"].notna()
    own = examined["own"].eq(True)
    examined = examined.assign(
        member=("rule " + examined["rule"].astype("Int64").astype("str")).where(starred, "all rules"),
        holders=texts_for(examined["object"], holders),
        words=("its wildcard stays within " + examined["groups"].fillna("")).where(
            starred, "its rules name what they give"
        ),
    )
    return judge(
        examined,
        fails(
            starred & ~own,
            "{member} has `*` in {fields}, for {holders}",
            observed="* in {fields}",
            expected="the verbs and resources that are needed",
        ),
        member="member",
        passes="{words}",
    )


def _few(names: pd.Series) -> str:
    """Return some names, and how many more there are."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:3]) + (f" and {len(each) - 3} more" if len(each) > 3 else "")
