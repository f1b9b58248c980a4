"""What a manifest makes of the object that is there, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.apply import applied, removed_fields

APPS, NETWORK, RBAC = "apps", "networking.k8s.io", "rbac.authorization.k8s.io"


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", "namespace": "n"}, "spec": spec}


@pytest.mark.parametrize(
    ("group", "kind", "live", "manifest", "after"),
    [
        pytest.param("", "Service", {"clusterIP": "10.0.0.1"}, {"type": "NodePort"}, {"clusterIP": "10.0.0.1", "type": "NodePort"}, id="address of a Service"),
        pytest.param("", "Service", {"type": "ClusterIP"}, {}, {"type": "ClusterIP"}, id="default type"),
        pytest.param("", "Service", {"type": "NodePort"}, {}, {}, id="type that is no default"),
        pytest.param(APPS, "Deployment", {"replicas": 5}, {"paused": True}, {"replicas": 5, "paused": True}, id="replicas of an autoscaler"),
        pytest.param(APPS, "Deployment", {"replicas": 5}, {"replicas": 2}, {"replicas": 2}, id="replicas that are named"),
        pytest.param(NETWORK, "NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress"]}, {"podSelector": {}, "egress": []}, {"podSelector": {}, "egress": [], "policyTypes": ["Ingress"]}, id="directions that the server gave"),
        pytest.param(NETWORK, "NetworkPolicy", {"policyTypes": ["Ingress", "Egress"]}, {"podSelector": {}}, {"podSelector": {}}, id="directions that somebody wrote"),
        pytest.param("policy", "PodDisruptionBudget", {"maxUnavailable": 1}, {"minAvailable": 1}, {"minAvailable": 1}, id="a field of somebody is gone"),
        pytest.param("example.org", "Thing", {"suspend": True}, {"suspend": 1}, {"suspend": 1}, id="a custom resource is as written"),
    ],
)  # fmt: skip
def test_fields_of_the_spec(group: str, kind: str, live: Any, manifest: Any, after: Any) -> None:
    assert applied(group, kind, body(**live), body(**manifest))["spec"] == after


def template(**container: Any) -> dict[str, Any]:
    return body(template={"spec": {"containers": [{"name": "a", "image": "a:1", **container}]}})


@pytest.mark.parametrize(
    ("field", "value", "stays"),
    [
        ("terminationMessagePath", "/dev/termination-log", True),
        ("terminationMessagePath", "/tmp/log", False),
        ("imagePullPolicy", "IfNotPresent", True),
        ("imagePullPolicy", "Always", False),
        ("securityContext", {}, False),
        ("securityContext", {"privileged": True}, False),
        ("restartPolicy", "Always", False),
        ("livenessProbe", {"periodSeconds": 10}, False),
    ],
)
def test_defaults_of_a_container_stay_and_nothing_else(field: str, value: Any, stays: bool) -> None:
    found = applied(APPS, "Deployment", template(**{field: value}), template())
    [container] = found["spec"]["template"]["spec"]["containers"]
    assert (field in container) == stays


def test_true_is_not_taken_for_one() -> None:
    found = applied(APPS, "Deployment", body(progressDeadlineSeconds=600, replicas=True), body())
    assert found["spec"] == {"progressDeadlineSeconds": 600, "replicas": True}
    assert applied("batch", "CronJob", body(successfulJobsHistoryLimit=True), body())["spec"] == {}


def test_metadata_is_the_manifests_and_what_the_server_and_controllers_write() -> None:
    live = {
        "metadata": {
            "name": "x",
            "uid": "u",
            "ownerReferences": [{"name": "o"}],
            "labels": {"kubernetes.io/metadata.name": "x", "pod-security.kubernetes.io/enforce": "restricted"},
            "annotations": {"deployment.kubernetes.io/revision": "3", "note": "old"},
        },
        "status": {"phase": "Active"},
    }
    found = applied(
        "", "Namespace", live, {"metadata": {"name": "x", "labels": {"team": "a"}}, "status": {"phase": "?"}}
    )
    assert found["metadata"] == {
        "name": "x",
        "uid": "u",
        "ownerReferences": [{"name": "o"}],
        "labels": {"kubernetes.io/metadata.name": "x", "team": "a"},
        "annotations": {"deployment.kubernetes.io/revision": "3"},
    }
    assert found["status"] == {"phase": "Active"}
    assert list(removed_fields(live, found)) == [
        "metadata.annotations.note",
        "metadata.labels.pod-security.kubernetes.io/enforce",
    ]


def test_rules_of_an_aggregated_role_stay_the_controllers() -> None:
    live = {"metadata": {"name": "x"}, "aggregationRule": {"clusterRoleSelectors": []}, "rules": [{"verbs": ["get"]}]}
    manifest = {"metadata": {"name": "x"}, "aggregationRule": {"clusterRoleSelectors": []}, "rules": []}
    assert applied(RBAC, "ClusterRole", live, manifest)["rules"] == [{"verbs": ["get"]}]
    plain = {**manifest, "aggregationRule": None}
    assert applied(RBAC, "ClusterRole", live, plain)["rules"] == []


def test_what_admission_added_to_a_pod_stays() -> None:
    live = body(nodeName="n1", containers=[{"name": "a", "image": "a:1"}, {"name": "proxy", "image": "p:1"}])
    found = applied("", "Pod", live, body(containers=[{"name": "a", "image": "a:2"}]))
    assert [each["image"] for each in found["spec"]["containers"]] == ["a:2", "p:1"]
    assert found["spec"]["nodeName"] == "n1"


def test_an_object_applied_to_itself_is_the_same() -> None:
    live = {**template(env=[{"name": "A", "value": "b"}]), "status": {"replicas": 1}}
    assert applied(APPS, "Deployment", live, live) == live
