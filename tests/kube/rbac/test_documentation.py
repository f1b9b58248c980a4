"""The examples of Kubernetes' own pages on RBAC mean what the pages say.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and
https://kubernetes.io/docs/concepts/security/rbac-good-practices/.
"""

from typing import Any

import pytest

from hipaa_kit.kube.rbac import (
    ClusterRole,
    Policy,
    Request,
    Requester,
    RoleRef,
    Rule,
    aggregated,
    allows,
    api_call,
    built_in_groups,
    may_bind,
    may_write_role,
    parse_policy,
    parse_rules,
    parse_selectors,
)

RBAC = "rbac.authorization.k8s.io"


def rules(*each: dict[str, Any]) -> tuple[Rule, ...]:
    return parse_rules(list(each))


def rule(groups: list[str], resources: list[str], verbs: list[str], **more: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs, **more}


READ = ["get", "watch", "list"]
WRITE = [*READ, "create", "update", "patch", "delete"]


@pytest.mark.parametrize(
    ("held", "call", "allowed"),
    [
        # Role and ClusterRole examples
        (rule([""], ["pods"], READ), api_call("list", "", "pods", namespace="default"), True),
        (rule([""], ["pods"], READ), api_call("delete", "", "pods", namespace="default", name="p"), False),
        (rule([""], ["secrets"], READ), api_call("get", "", "secrets", namespace="any", name="s"), True),
        # Referring to resources
        (
            rule([""], ["pods", "pods/log"], ["get", "list"]),
            api_call("get", "", "pods", subresource="log", namespace="n", name="p"),
            True,
        ),
        (
            rule([""], ["pods", "pods/log"], ["get", "list"]),
            api_call("get", "", "pods", subresource="exec", namespace="n", name="p"),
            False,
        ),
        (
            rule([""], ["configmaps"], ["update", "get"], resourceNames=["my-configmap"]),
            api_call("update", "", "configmaps", namespace="n", name="my-configmap"),
            True,
        ),
        (
            rule([""], ["configmaps"], ["update", "get"], resourceNames=["my-configmap"]),
            api_call("update", "", "configmaps", namespace="n", name="other"),
            False,
        ),
        (
            rule([""], ["configmaps"], ["create"], resourceNames=["my-configmap"]),
            api_call("create", "", "configmaps", namespace="n", name="my-configmap"),
            False,
        ),
        (
            rule([""], ["configmaps"], ["deletecollection"], resourceNames=["my-configmap"]),
            api_call("deletecollection", "", "configmaps", namespace="n"),
            False,
        ),
        (
            rule([""], ["configmaps"], ["list", "watch"], resourceNames=["my-configmap"]),
            api_call("list", "", "configmaps", namespace="n"),
            False,
        ),
        (
            rule([""], ["configmaps"], ["list", "watch"], resourceNames=["my-configmap"]),
            api_call("watch", "", "configmaps", namespace="n", name="my-configmap"),
            True,
        ),
        (
            rule(["example.com"], ["*"], ["*"]),
            api_call("anything", "example.com", "gizmos", namespace="n", name="g"),
            True,
        ),
        (
            rule(["example.com"], ["*"], ["*"]),
            api_call("get", "example.com", "gizmos", subresource="status", namespace="n", name="g"),
            True,
        ),
        (
            rule(["example.com"], ["*"], ["*"]),
            api_call("get", "other.example.com", "gizmos", namespace="n", name="g"),
            False,
        ),
        # Role examples
        (rule([""], ["pods"], ["get", "list", "watch"]), api_call("watch", "", "pods", namespace="n"), True),
        (
            rule(["apps"], ["deployments"], WRITE),
            api_call("patch", "apps", "deployments", namespace="n", name="d"),
            True,
        ),
        (
            rule(["apps"], ["deployments"], WRITE),
            api_call("patch", "extensions", "deployments", namespace="n", name="d"),
            False,
        ),
        (
            rule(["apps"], ["deployments"], WRITE),
            api_call("deletecollection", "apps", "deployments", namespace="n"),
            False,
        ),
        (rule(["batch"], ["jobs"], WRITE), api_call("create", "batch", "jobs", namespace="n"), True),
        (rule([""], ["nodes"], READ), api_call("list", "", "nodes"), True),
        (
            {"nonResourceURLs": ["/healthz", "/healthz/*"], "verbs": ["get", "post"]},
            Request("get", path="/healthz"),
            True,
        ),
        (
            {"nonResourceURLs": ["/healthz", "/healthz/*"], "verbs": ["get", "post"]},
            Request("post", path="/healthz/etcd"),
            True,
        ),
        (
            {"nonResourceURLs": ["/healthz", "/healthz/*"], "verbs": ["get", "post"]},
            Request("get", path="/livez"),
            False,
        ),
        # good practices: list and watch reveal contents as get does, and so does a name alone for get
        (rule([""], ["secrets"], ["list"]), api_call("list", "", "secrets"), True),
        (
            rule([""], ["secrets"], ["get"], resourceNames=["tls"]),
            api_call("list", "", "secrets", namespace="n"),
            False,
        ),
        # special verbs are words like any other, on the resource they are asked for
        (
            rule([""], ["users", "groups", "serviceaccounts"], ["impersonate"]),
            Request("impersonate", "", "users", name="ann"),
            True,
        ),
        (
            rule(["authentication.k8s.io"], ["userextras/scopes"], ["impersonate"]),
            Request("impersonate", "authentication.k8s.io", "userextras", "scopes", name="view"),
            True,
        ),
        (
            rule(["certificates.k8s.io"], ["signers"], ["approve"], resourceNames=["example.com/*"]),
            Request("approve", "certificates.k8s.io", "signers", name="example.com/a"),
            False,
        ),
        (
            rule([""], ["serviceaccounts/token"], ["create"]),
            api_call("create", "", "serviceaccounts", subresource="token", namespace="n", name="s"),
            True,
        ),
        (rule([""], ["nodes/proxy"], ["get"]), api_call("get", "", "nodes", subresource="proxy", name="n1"), True),
        (
            rule([""], ["namespaces"], ["patch"], resourceNames=["n"]),
            api_call("patch", "", "namespaces", name="n"),
            True,
        ),
    ],
)
def test_an_example_rule(held: dict[str, Any], call: Request, allowed: bool) -> None:
    assert allows(rules(held), call) is allowed


def cluster(role_kind: str, namespace: str, subject: dict[str, Any]) -> Policy:
    """Return a cluster where a role to read pods is bound in a namespace, or in the cluster."""
    role = {"kind": role_kind, "metadata": {"name": "read"}, "rules": [rule([""], ["pods"], READ)]}
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    metadata = {"name": "b", "namespace": namespace}
    ref = {"kind": role_kind, "name": "read", "apiGroup": RBAC}
    return parse_policy(
        [
            role | {"metadata": {"name": "read", "namespace": namespace}},
            {"kind": kind, "metadata": metadata, "roleRef": ref, "subjects": [subject]},
        ]
    )


def someone(user: str, *groups: str) -> Requester:
    return Requester(user, built_in_groups(user) | set(groups))


@pytest.mark.parametrize(
    ("subject", "who", "meant"),
    [
        ({"kind": "User", "name": "alice@example.com"}, someone("alice@example.com"), True),
        ({"kind": "Group", "name": "frontend-admins"}, someone("bob", "frontend-admins"), True),
        (
            {"kind": "ServiceAccount", "name": "default", "namespace": "kube-system"},
            someone("system:serviceaccount:kube-system:default"),
            True,
        ),
        (
            {"kind": "ServiceAccount", "name": "default", "namespace": "kube-system"},
            someone("system:serviceaccount:qa:default"),
            False,
        ),
        ({"kind": "Group", "name": "system:serviceaccounts:qa"}, someone("system:serviceaccount:qa:default"), True),
        ({"kind": "Group", "name": "system:serviceaccounts:qa"}, someone("system:serviceaccount:qa2:default"), False),
        ({"kind": "Group", "name": "system:serviceaccounts"}, someone("system:serviceaccount:any:one"), True),
        ({"kind": "Group", "name": "system:serviceaccounts"}, someone("alice@example.com"), False),
        ({"kind": "Group", "name": "system:authenticated"}, someone("alice@example.com"), True),
        ({"kind": "Group", "name": "system:authenticated"}, someone("system:anonymous"), False),
        ({"kind": "Group", "name": "system:unauthenticated"}, someone("system:anonymous"), True),
        ({"kind": "User", "name": "system:anonymous"}, someone("system:anonymous"), True),
    ],
)
def test_an_example_subject(subject: dict[str, Any], who: Requester, meant: bool) -> None:
    for role_kind, namespace in (("Role", "n"), ("ClusterRole", "n"), ("ClusterRole", "")):
        policy = cluster(role_kind, namespace, subject)
        assert policy.can(who, api_call("get", "", "pods", namespace="n", name="p")) is meant
        assert policy.can(who, api_call("list", "", "pods")) is (meant and not namespace)


def test_the_example_of_aggregation() -> None:
    to_view = {f"{RBAC}/aggregate-to-monitoring": "true"}
    monitoring = ClusterRole(
        "monitoring", {}, (), parse_selectors({"clusterRoleSelectors": [{"matchLabels": to_view}]})
    )
    endpoints = ClusterRole("monitoring-endpoints", to_view, rules(rule([""], ["services", "pods"], READ)))
    assert aggregated([monitoring, endpoints])["monitoring"] == endpoints.rules


ROLE_GRANTOR = {
    "kind": "ClusterRole",
    "metadata": {"name": "role-grantor"},
    "rules": [
        rule([RBAC], ["rolebindings"], ["create"]),
        rule([RBAC], ["clusterroles"], ["bind"], resourceNames=["admin", "edit", "view"]),
    ],
}
GRANTOR_BINDING = {
    "kind": "RoleBinding",
    "metadata": {"name": "role-grantor-binding", "namespace": "user-1-namespace"},
    "roleRef": {"kind": "ClusterRole", "name": "role-grantor"},
    "subjects": [{"kind": "User", "name": "user-1"}],
}


def test_the_example_of_a_role_grantor() -> None:
    names = ("admin", "edit", "view", "cluster-admin")
    stock = [
        {"kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule(["*"], ["*"], ["*"])]} for name in names
    ]
    policy, user = parse_policy([ROLE_GRANTOR, GRANTOR_BINDING, *stock]), Requester("user-1")
    assert policy.can(user, api_call("create", RBAC, "rolebindings", namespace="user-1-namespace"))
    for name in names[:3]:
        assert may_bind(policy, user, RoleRef("ClusterRole", name), "user-1-namespace").by == "bind"
        assert not may_bind(policy, user, RoleRef("ClusterRole", name), "other").allowed
        assert not may_bind(policy, user, RoleRef("ClusterRole", name), "").allowed
    assert not may_bind(policy, user, RoleRef("ClusterRole", "cluster-admin"), "user-1-namespace").allowed


def test_who_cannot_list_secrets_everywhere_cannot_make_a_role_that_can() -> None:
    policy = parse_policy(
        [
            {
                "kind": "ClusterRole",
                "metadata": {"name": "writer"},
                "rules": [rule([RBAC], ["clusterroles"], ["create"])],
            },
            GRANTOR_BINDING | {"kind": "ClusterRoleBinding", "roleRef": {"kind": "ClusterRole", "name": "writer"}},
        ]
    )
    wanted = rules(rule([""], ["secrets"], ["list"]))
    answer = may_write_role(policy, Requester("user-1"), RoleRef("ClusterRole", "r"), "", wanted, verb="create")
    assert (answer.allowed, answer.missing) == (False, wanted)
