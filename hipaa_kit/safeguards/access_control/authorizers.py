"""The door of the API server: which authorizers decide, and what is open to those without credentials."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.rbac.users import ANONYMOUS, UNAUTHENTICATED
from hipaa_kit.safeguards.access_control.common import UNMADE, api_servers, unseen
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews

OFF = ("false", "False", "FALSE", "f", "F", "0")
"""How a flag that is true or false says false.

Source: https://pkg.go.dev/strconv#ParseBool
"""
MODES = frozenset({"ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"})
PUBLIC_INFO = "ClusterRole//system:public-info-viewer"
CLUSTER_INFO = "RoleBinding/kube-public/kubeadm:bootstrap-signer-clusterinfo"
CLUSTER_INFO_ROLE = "Role/kube-public/kubeadm:bootstrap-signer-clusterinfo"
CLUSTER_INFO_RULES = {
    (0, "verb", "get"),
    (0, "api_group", ""),
    (0, "resource", "configmaps"),
    (0, "resource_name", "cluster-info"),
}
"""What kubeadm lets nodes read before they have credentials.

Source: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""


@check("HK-ACC-01")
def rbac_decides(
    control_plane_members: pd.DataFrame, control_plane_flags: pd.DataFrame, pods: pd.DataFrame, nodes: pd.DataFrame
) -> pd.DataFrame:
    """Judge every API server by the authorizers that it asks.

    Parameters
    ----------
    control_plane_members, control_plane_flags, pods, nodes : tables of those names

    Returns
    -------
    table `judgements`, one row per API server; one for the cluster where none is seen

    Notes
    -----
    Without `--authorization-mode` and without `--authorization-config` everything is allowed. Without the Node
    authorizer kubelets have what role bindings give all of them, which cannot tell one node's Secrets from another's.
    Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/,
    https://kubernetes.io/docs/reference/access-authn-authz/node/
    """
    flags = ("authorization-mode", "authorization-config")
    examined = api_servers(control_plane_members, control_plane_flags, pods, nodes, *flags)
    modes = examined["authorization_mode"].map(lambda value: set(str(value).split(",")) if value else set())
    configured = examined["authorization_config"] != ""
    examined = examined.assign(modes=examined["authorization_mode"].where(examined["authorization_mode"] != "", "none"))
    seen = examined["seen"] & ~configured
    return judge(
        examined,
        *unseen(examined),
        not_assessed(
            configured,
            "its authorizers stand in the file {authorization_config}, which was not read",
            code="input_missing",
        ),
        fails(
            seen & (examined["authorization_mode"] == ""),
            "no authorizer is named: every request is allowed",
            path="$.spec.containers[*].command",
            observed="none",
            expected="--authorization-mode=Node,RBAC",
        ),
        fails(
            seen & modes.map(lambda held: bool(held & {"AlwaysAllow", "ABAC"})).astype(bool),
            "its authorizers are {modes}: not RBAC alone decides",
            path="$.spec.containers[*].command",
            observed="{modes}",
            expected="--authorization-mode=Node,RBAC",
        ),
        fails(
            seen & modes.map(lambda held: bool(held) and held <= MODES and "RBAC" not in held).astype(bool),
            "its authorizers are {modes}: RBAC is not among them",
            path="$.spec.containers[*].command",
            observed="{modes}",
            expected="--authorization-mode=Node,RBAC",
        ),
        fails(
            seen & modes.map(lambda held: held <= MODES and "RBAC" in held and "Node" not in held).astype(bool),
            "its authorizers are {modes}: Node is not among them, which keeps kubelets to what their own pods need",
            path="$.spec.containers[*].command",
            observed="{modes}",
            expected="--authorization-mode=Node,RBAC",
        ),
        not_assessed(
            seen & modes.map(lambda held: not held <= MODES).astype(bool),
            "its authorizers are {modes}, of which not all are known",
            code="input_missing",
        ),
        reviews(
            seen & modes.map(lambda held: "Webhook" in held).astype(bool),
            "its authorizers are {modes}: what does the webhook allow beyond RBAC?",
            observed="{modes}",
        ),
        member="member",
        passes="its authorizers are {modes}",
    )


@check("HK-ACC-02", everywhere=True)
def nothing_without_credentials(
    grants: pd.DataFrame,
    role_rules: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every role binding to those without credentials, and every API server by whether it lets them in.

    Parameters
    ----------
    grants, role_rules, control_plane_members, control_plane_flags, pods, nodes : tables of those names

    Returns
    -------
    table `judgements`, one row per role binding and subject, and one per API server

    Notes
    -----
    `--anonymous-auth` is on unless it is set to false. That requests without credentials are let in gives them
    nothing that no role binding gives them: that is why it weighs less. One to a role that is not there gives
    nothing: whoever makes one of that name says what (HK-ACC-04 asks the same).
    Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
    """
    bound = grants[grants["subject"].isin([ANONYMOUS, UNAUTHENTICATED])]
    bound = bound.assign(member=bound["object"], object=bound["binding"], door=False, seen=True, why="")
    doors = ("anonymous-auth", "authentication-config")
    servers = api_servers(control_plane_members, control_plane_flags, pods, nodes, *doors)
    servers = servers.assign(door=True, subject="", role="", role_known=True, public=False)
    columns = ["object", "member", "subject", "door", "seen", "role", "role_known", "public", "why"]
    flags = ["anonymous_auth", "authentication_config", "code"]
    examined = pd.concat([bound[columns], servers[[*columns, *flags]]], ignore_index=True)
    examined = examined.assign(**{name: examined[name].fillna("") for name in flags})
    door = examined["door"].astype(bool)
    held = role_rules[role_rules["role"] == CLUSTER_INFO_ROLE]
    as_made = set(held[["rule", "field", "value"]].itertuples(index=False, name=None)) == CLUSTER_INFO_RULES
    joining = ~door & (examined["object"] == CLUSTER_INFO) & (examined["role"] == CLUSTER_INFO_ROLE) & as_made
    told = examined["role"].where(~door, "requests without credentials are refused")
    examined = examined.assign(words=told.where(door, examined["subject"] + " may see version and health by " + told))
    configured = door & (examined["authentication_config"] != "")
    stock = (examined["role"] == PUBLIC_INFO) & examined["public"].astype(bool)
    unmade = ~door & ~examined["role_known"].astype(bool)
    return judge(
        examined,
        fails(
            ~door & ~joining & ~stock & ~unmade,
            "{subject}, who needs no credentials, has {role}",
            observed="{role}",
            expected="system:public-info-viewer at most",
        ),
        fails(
            door & examined["seen"].astype(bool) & ~configured & ~examined["anonymous_auth"].isin(OFF),
            "it lets in requests without credentials, on every path",
            path="$.spec.containers[*].command",
            observed="--anonymous-auth={anonymous_auth}",
            expected="--anonymous-auth=false, or conditions by path",
            severity="medium",
        ),
        not_assessed(
            configured,
            "whom it lets in stands in the file {authentication_config}, which was not read",
            code="input_missing",
        ),
        *unseen(examined),
        reviews(unmade, UNMADE, observed="{role}"),
        reviews(
            joining,
            "kubeadm lets anyone read where nodes join the cluster: are nodes still joined by token?",
            observed="{role}",
        ),
        member="member",
        passes="{words}",
    )
