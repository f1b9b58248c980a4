"""What later tests ask of a real server, each with an example: permissions, escalation, Pod Security, audit levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live import objects
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane
from tests.support.live.oracles import audited_at, would_create, would_replace
from tests.support.live.rbac import Question, ask, grant, wait_until

RBAC = "rbac.authorization.k8s.io"

# Permissions -------------------------------------------------------------------------------------

NURSE = [
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["menu"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["*/scale"], "verbs": ["update"]},
    {"nonResourceURLs": ["/metrics/*"], "verbs": ["get"]},
]
ANSWERS = {
    Question("nurse", "get", "pods"): True,
    Question("nurse", "get", "pods", namespace="anywhere", name="any"): True,
    Question("nurse", "delete", "pods"): False,
    Question("nurse", "get", "pods", subresource="log"): True,
    Question("nurse", "get", "pods", subresource="exec"): False,
    Question("nurse", "get", "pods", group="metrics.k8s.io"): False,
    Question("nurse", "get", "deployments", group="apps"): True,
    Question("nurse", "get", "deployments", group="apps", subresource="scale"): True,
    Question("nurse", "list", "deployments", group="apps"): False,
    Question("nurse", "delete", "configmaps", name="menu"): True,
    Question("nurse", "delete", "configmaps", name="other"): False,
    Question("nurse", "list", "configmaps"): False,
    Question("nurse", "update", "replicationcontrollers", subresource="scale"): True,
    Question("nurse", "update", "replicationcontrollers"): False,
    Question("nurse", "get", path="/metrics/cadvisor"): True,
    Question("nurse", "get", path="/metrics"): False,
    Question("visitor", "get", "pods"): False,
    Question("visitor", "get", "pods", groups=("system:masters",)): True,
}


@pytest.fixture(scope="module")
def nurse(control_plane: ControlPlane) -> None:
    """A user with rules of every form."""
    grant(control_plane.admin, "nurse", NURSE)
    wait_until(control_plane.admin, ANSWERS)


@pytest.mark.parametrize("question", ANSWERS, ids=str)
def test_the_server_answers_for_permissions(control_plane: ControlPlane, nurse: None, question: Question) -> None:
    assert ask(control_plane.admin, [question]) == [ANSWERS[question]]


def test_thousands_of_questions_are_answered_in_their_order(control_plane: ControlPlane, nurse: None) -> None:
    assert ask(control_plane.admin, [*ANSWERS] * 100) == [*ANSWERS.values()] * 100


# Escalation --------------------------------------------------------------------------------------


def role(*verbs: str, resource: str = "secrets") -> dict[str, Any]:
    metadata = {"name": "made", "namespace": "default"}
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}]
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def binding(to: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "made", "namespace": "default"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": to},
        "subjects": [{"kind": "User", "name": "friend", "apiGroup": RBAC}],
    }


@pytest.fixture(scope="module")
def clerk(control_plane: ControlPlane) -> str:
    """A user who may write roles and role bindings, read Secrets, and bind the role `view`."""
    rules = [
        {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create", "update"]},
        {"apiGroups": [RBAC], "resources": ["clusterroles"], "resourceNames": ["view"], "verbs": ["bind"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
    ]
    grant(control_plane.admin, "clerk", rules)
    wait_until(
        control_plane.admin,
        {
            Question("clerk", "create", "roles", RBAC): True,
            Question("clerk", "bind", "clusterroles", RBAC, name="view"): True,
            Question("clerk", "list", "secrets"): True,
        },
    )
    control_plane.admin.create(f"/apis/{RBAC}/v1/namespaces/default/roles", role("get"))
    return "clerk"


@pytest.mark.parametrize(
    ("obj", "allowed"),
    [
        (role("get"), True),
        (role("get", "list"), True),
        (role("delete"), False),
        (role("*"), False),
        (role("get", resource="pods"), False),
        (binding("view"), True),
        (binding("system:node"), False),
        (binding("cluster-admin"), False),
    ],
    ids=[
        "held",
        "both held",
        "not held",
        "every verb",
        "another resource",
        "may bind",
        "may not bind",
        "administrator",
    ],
)
def test_the_server_tells_who_escalates(
    control_plane: ControlPlane, clerk: str, obj: dict[str, Any], allowed: bool
) -> None:
    asker = control_plane.api(clerk)
    said = would_replace(asker, obj) if obj["kind"] == "Role" else would_create(asker, obj)
    assert (said.allowed, said.escalates) == (allowed, not allowed)


def test_a_missing_verb_is_no_escalation(control_plane: ControlPlane) -> None:
    said = would_create(control_plane.api("nobody-at-all"), role("get"))
    assert (said.allowed, said.escalates) == (False, False)


def test_nothing_that_was_tried_is_stored(control_plane: ControlPlane, clerk: str) -> None:
    assert would_create(control_plane.api(clerk), binding("view")).allowed
    path = f"/apis/{RBAC}/v1/namespaces/default/rolebindings/made"
    assert control_plane.admin.request("GET", path).status == 404


# Pod Security ------------------------------------------------------------------------------------

CONFINED = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
SECCOMP = {"seccompProfile": {"type": "RuntimeDefault"}}


def container(**context: Any) -> dict[str, Any]:
    return {"name": "main", "image": "registry.example/app:1", "securityContext": context}


@pytest.fixture(scope="module")
def enforcing(control_plane: ControlPlane) -> None:
    for level in ("privileged", "baseline", "restricted"):
        labels = {"pod-security.kubernetes.io/enforce": level}
        control_plane.admin.create("/api/v1/namespaces", objects.namespace(f"enforce-{level}", **labels))


@pytest.mark.parametrize(
    ("spec", "level"),
    [
        ({"containers": [container(**CONFINED)], "securityContext": SECCOMP}, "restricted"),
        ({"containers": [container(**CONFINED)]}, "baseline"),
        ({"containers": [container()]}, "baseline"),
        ({"containers": [container()], "hostNetwork": True}, "privileged"),
        ({"containers": [container(privileged=True)]}, "privileged"),
        ({"containers": [container()], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "privileged"),
    ],
    ids=["restricted", "no seccomp", "nothing said", "host network", "privileged", "host path"],
)
def test_the_server_tells_the_pod_security_level(
    control_plane: ControlPlane, enforcing: None, spec: dict[str, Any], level: str
) -> None:
    levels = ("restricted", "baseline", "privileged")
    said = {each: would_create(control_plane.admin, objects.pod(f"enforce-{each}", "p", **spec)) for each in levels}
    admitted = levels[levels.index(level) :]
    assert {each for each in levels if said[each].allowed} == set(admitted)
    assert all("violates PodSecurity" in said[each].words for each in levels if each not in admitted)


# Audit policy ------------------------------------------------------------------------------------

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "nonResourceURLs": ["/version", "/healthz*"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "pods/log"]}]},
        {"level": "RequestResponse", "namespaces": ["ehr"], "verbs": ["create"]},
        {"level": "Request", "userGroups": ["system:masters"], "resources": [{"group": "apps"}]},
        {"level": "Metadata", "verbs": ["list"], "resources": [{"group": "", "resources": ["pods"]}]},
    ],
}


@pytest.fixture(scope="module")
def auditing(live_assets: Assets) -> Iterator[ControlPlane]:
    """A server with an audit policy of its own."""
    with ControlPlane(live_assets, audit_policy=POLICY) as plane:
        plane.admin.create("/api/v1/namespaces", objects.namespace("ehr"))
        yield plane


@pytest.mark.parametrize(
    ("method", "path", "level"),
    [
        ("GET", "/version", "None"),
        ("GET", "/healthz/etcd", "None"),
        ("GET", "/readyz", "None"),
        ("GET", "/api/v1/secrets", "Metadata"),
        ("GET", "/api/v1/namespaces/ehr/secrets/s", "Metadata"),
        ("GET", "/api/v1/namespaces/ehr/pods/p/log", "Metadata"),
        ("GET", "/api/v1/namespaces/ehr/pods/p", "None"),
        ("POST", "/api/v1/namespaces/ehr/configmaps", "RequestResponse"),
        ("POST", "/api/v1/namespaces/ehr/secrets", "Metadata"),
        ("POST", "/api/v1/namespaces/default/configmaps", "None"),
        ("GET", "/apis/apps/v1/deployments", "Request"),
        ("GET", "/api/v1/pods", "Metadata"),
        ("GET", "/api/v1/pods?watch=1&timeoutSeconds=1", "None"),
        ("GET", "/api/v1/nodes", "None"),
    ],
)
def test_the_first_rule_that_matches_gives_the_level(
    auditing: ControlPlane, method: str, path: str, level: str
) -> None:
    kind = {"secrets": "Secret"}.get(path.rsplit("/", 1)[-1], "ConfigMap")
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "made"}} if method == "POST" else None
    assert audited_at(auditing, auditing.admin, method, path, body) == level
