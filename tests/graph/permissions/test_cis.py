"""Section 5.1 of the CIS benchmark: each item finds what it looks for and nothing that every cluster is born with."""

from __future__ import annotations

import pytest

from hipaa_kit.graph.permissions.cis import TITLES
from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import account, binding, permissions_of, role, rule

RBAC = "rbac.authorization.k8s.io"
ADMIN = role("cluster-admin", {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})


def pod(name: str, service_account: str, **spec: object) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ehr"},
        "spec": {"serviceAccountName": service_account, "containers": [{"name": "c", "image": "i"}], **spec},
    }


def looks(objects: list[dict]) -> set[str]:
    return {row["item"] for row in rows_of(permissions_of(objects).cis_5_1()) if row["answer"] == "look"}


@pytest.mark.parametrize(
    ("item", "made", "namespace"),
    [
        ("5.1.2", rule("list", "secrets"), "ehr"),
        ("5.1.2", rule("get", "secrets", "db"), "ehr"),
        ("5.1.4", rule("create", "pods"), "ehr"),
        ("5.1.8", rule("bind", f"roles.{RBAC}"), "ehr"),
        ("5.1.8", rule("escalate", f"clusterroles.{RBAC}"), ""),
        ("5.1.8", rule("impersonate", "users", "ann"), ""),
        ("5.1.9", rule("create", "persistentvolumes"), ""),
        ("5.1.10", rule("get", "nodes/proxy"), ""),
        ("5.1.11", rule("patch", "certificatesigningrequests.certificates.k8s.io/approval"), ""),
        ("5.1.12", rule("delete", "validatingwebhookconfigurations.admissionregistration.k8s.io"), ""),
        ("5.1.13", rule("create", "serviceaccounts/token"), "ehr"),
    ],
)
def test_a_right_is_something_to_look_at(item: str, made: dict, namespace: str) -> None:
    assert looks([role("r", made), binding("b", "ClusterRole/r", "User/ann", namespace=namespace)]) == {item}
    assert looks([role("r", made)]) == set()


@pytest.mark.parametrize(
    "made",
    [
        rule("create", "persistentvolumes"),
        rule("get", "nodes/proxy"),
        rule("impersonate", "users"),
        rule("delete", "validatingwebhookconfigurations.admissionregistration.k8s.io"),
    ],
)
def test_a_role_binding_in_a_namespace_gives_nothing_of_the_cluster(made: dict) -> None:
    assert looks([role("r", made), binding("b", "ClusterRole/r", "User/ann", namespace="ehr")]) == set()


def test_cluster_admin_beyond_masters() -> None:
    stock = binding("cluster-admin", "ClusterRole/cluster-admin", "Group/system:masters")
    assert looks([ADMIN, stock]) == set()
    assert "5.1.1" in looks([ADMIN, stock, binding("mine", "ClusterRole/cluster-admin", "User/ann")])
    assert "5.1.7" in looks([ADMIN, binding("mine", "ClusterRole/cluster-admin", "Group/system:masters")])
    other = binding("cluster-admin", "ClusterRole/cluster-admin", "Group/system:masters", "User/eve")
    assert "5.1.1" in looks([ADMIN, other])


def test_wildcards() -> None:
    assert looks([role("r", rule("*", "pods"))]) == {"5.1.3"}
    assert looks([role("system:r", rule("*", "pods"))]) == set()


def test_default_service_accounts_and_tokens() -> None:
    api = account("ehr", "api")
    quiet = api | {"automountServiceAccountToken": False}
    assert looks([api, pod("a", "api")]) == {"5.1.6"}
    assert looks([quiet, pod("a", "api")]) == set()
    assert looks([quiet, pod("a", "api", automountServiceAccountToken=True)]) == {"5.1.6"}
    assert looks([api, pod("a", "default", automountServiceAccountToken=False)]) == {"5.1.5"}
    assert looks([role("r", rule("get", "pods")), binding("b", "ClusterRole/r", "ServiceAccount/ehr/default")]) == {
        "5.1.5"
    }


def test_every_item_is_answered_and_none_is_concluded_from_what_was_refused() -> None:
    found = permissions_of([]).cis_5_1()
    assert set(found["item"]) == set(TITLES)
    assert set(found["answer"]) == {"none"}
    refused = {(RBAC, "ClusterRoleBinding", ""): "refused", ("Pod", ""): "refused"}
    found = permissions_of([], refused).cis_5_1()
    assert set(found["answer"]) == {"unknown"}
