"""Grants that are too broad: to everyone, or by wildcards."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.kube.rbac.users import AUTHENTICATED, SERVICE_ACCOUNTS
from hipaa_kit.safeguards.access_control.common import UNMADE
from hipaa_kit.safeguards.check import check, fails, judge, reviews, texts_for

BORN = frozenset({"ClusterRole//cluster-admin", "ClusterRole//admin", "ClusterRole//edit", "ClusterRole//view"})
"""Roles for people that every cluster is born with; the others begin with `system:`.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
"""

SYSTEM_ROLES = ("ClusterRole//system:", "Role/kube-system/system:", "Role/kube-public/system:")
"""Begin the names of roles of the control plane."""

KUBERNETES_OWN = frozenset(
    f"ClusterRole//system:{name}"
    for name in (
        "kube-controller-manager",
        "kubelet-api-admin",
        "controller:clusterrole-aggregation-controller",
        "controller:disruption-controller",
        "controller:generic-garbage-collector",
        "controller:horizontal-pod-autoscaler",
        "controller:namespace-controller",
        "controller:resourcequota-controller",
        "controller:storage-version-migrator-controller",
    )
)
"""Roles of the control plane that have wildcards in Kubernetes itself; anyone may give a role such a name.

Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` of `k8s.io/kubernetes`, versions 1.8 to 1.34
"""


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
    Whatever such a group may do, every pod with a token may. The authorizer passes over one whose role is not
    there; it gives what a role of that name holds as soon as somebody makes one, or an operator does.
    Sources: pkg/registry/rbac/validation/rule.go of kubernetes/kubernetes, and
    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#service-account-permissions
    """
    broad = [AUTHENTICATED, SERVICE_ACCOUNTS]
    local = [f"{SERVICE_ACCOUNTS}:{namespace}" for namespace in sorted(ephi_namespaces(ephi_objects))]
    held = grants[(grants["subject_kind"] == USER_GROUP) & grants["subject"].isin([*broad, *local])]
    words = held["subject"] + " has " + held["role"] + ", which tells of the server and of oneself"
    bound = held.assign(object=held["binding"], member=held["subject"], words=words)
    idle = [group for group in broad if len(grants) and group not in set(held["subject"])]
    none = pd.DataFrame({"object": [f"Group//{group}" for group in idle], "member": idle}).assign(
        subject=idle, role="", role_known=True, public=True, words=[f"no role binding names {group}" for group in idle]
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
        reviews(~examined["role_known"].astype(bool), UNMADE, observed="{role}"),
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
    its resources is looked at as a way to become more. Roles that nothing binds give nothing. A role that is named as
    one of the control plane is a question where Kubernetes has none of that name with a wildcard: a distribution may.
    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
    """
    places = {"", *ephi_namespaces(ephi_objects)}
    reaching = grants[grants["role_known"] & grants["scope"].isin(places)]
    named = reaching["role"].str.startswith(SYSTEM_ROLES)
    starring = reaching["role"].isin(wildcards["role"])
    born = reaching["role"].isin(BORN | KUBERNETES_OWN) | (named & ~starring)
    reaching = reaching[~born] if len(places) > 1 else reaching[:0]
    holders = reaching.sort_values("object").groupby("role")["object"].agg(_few)
    roles = pd.DataFrame({"object": sorted(set(reaching["role"]))}, dtype="str")
    fields = wildcards.groupby(["role", "rule"], as_index=False).agg(
        fields=("field", ", ".join), own=("own", "first"), groups=("api_groups", "first")
    )
    examined = roles.merge(fields, left_on="object", right_on="role", how="left")
    starred = examined["rule"].notna()
    own, system = examined["own"].eq(True), examined["object"].str.startswith(SYSTEM_ROLES)
    examined = examined.assign(
        member=("rule " + examined["rule"].astype("Int64").astype("str")).where(starred, "all rules"),
        holders=texts_for(examined["object"], holders),
        words=("its wildcard stays within " + examined["groups"].fillna("")).where(
            starred, "its rules name what they give"
        ),
    )
    return judge(
        examined,
        reviews(
            starred & ~own & system,
            "is it of the platform, as its name says? {member} has `*` in {fields}, for {holders}",
            observed="* in {fields}",
        ),
        fails(
            starred & ~own & ~system,
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
