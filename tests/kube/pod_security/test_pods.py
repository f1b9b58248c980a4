"""Any pod is judged or refused, none is changed, and the levels build on each other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.pod_security import LATEST, NEWEST, PodSecurityError, pod_of, violations
from tests.support.restricted_pods import pod

CONTEXT = "spec.containers[0].securityContext"
VERSIONS = [f"v1.{minor}" for minor in range(NEWEST + 1)]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"spec": []}, "spec: is not a mapping"),
        ({"metadata": {"annotations": ["x"]}, "spec": {}}, "metadata.annotations: is not a mapping"),
        (
            {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": 1}}, "spec": {}},
            "metadata.annotations.container.apparmor.security.beta.kubernetes.io/a: is not a text",
        ),
        ({"spec": {"containers": {}}}, "spec.containers: is not a list"),
        ({"spec": {"containers": ["app"]}}, "spec.containers[0]: is not a mapping"),
        (pod(privileged="true"), f"{CONTEXT}.privileged: is not true or false"),
        (pod(runAsNonRoot="true"), f"{CONTEXT}.runAsNonRoot: is not true or false"),
        (pod(runAsUser="0"), f"{CONTEXT}.runAsUser: is not a whole number"),
        (pod(runAsUser=False), f"{CONTEXT}.runAsUser: is not a whole number"),
        (pod(runAsUser=0.0), f"{CONTEXT}.runAsUser: is not a whole number"),
        (pod(capabilities={"add": "ALL"}), f"{CONTEXT}.capabilities.add: is not a list"),
        (pod(capabilities={"drop": [1]}), f"{CONTEXT}.capabilities.drop: is not a text"),
        (pod(seccompProfile="RuntimeDefault"), f"{CONTEXT}.seccompProfile: is not a mapping"),
        (pod({"volumes": [{"name": "v", "emptyDir": "x"}]}), "spec.volumes[0].emptyDir: is not a mapping"),
        (pod({"hostNetwork": "yes"}), "spec.hostNetwork: is not true or false"),
    ],
)
def test_a_pod_that_cannot_be_read_is_never_let_in(content: dict[str, Any], where: str) -> None:
    with pytest.raises(PodSecurityError) as refused:
        violations(content, "restricted")
    assert str(refused.value) == where


TEMPLATE = pod()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"apiVersion": "v1", "kind": "Pod", **TEMPLATE}, ""),
        ({"apiVersion": "v1", "kind": "PodTemplate", "template": TEMPLATE}, "template"),
        ({"apiVersion": "v1", "kind": "ReplicationController", "spec": {"template": TEMPLATE}}, "spec.template"),
        ({"apiVersion": "v1", "kind": "ReplicationController", "spec": {}}, None),
        *(
            ({"apiVersion": "apps/v1", "kind": kind, "spec": {"template": TEMPLATE}}, "spec.template")
            for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
        ),
        ({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "spec": {"template": TEMPLATE}}, "spec.template"),
        ({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": TEMPLATE}}, "spec.template"),
        (
            {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}},
            "spec.jobTemplate.spec.template",
        ),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"template": TEMPLATE}}, None),
        ({"apiVersion": "serving.knative.dev/v1", "kind": "Deployment", "spec": {"template": TEMPLATE}}, None),
        ({"apiVersion": "v1", "kind": "Service"}, None),
        ({}, None),
    ],
)
def test_the_pod_of_an_object(content: dict[str, Any], found: str | None) -> None:
    answer = pod_of(content)
    if found is None:
        assert answer is None
        return
    assert answer
    path, holder = answer
    assert path == found
    assert holder["spec"] == TEMPLATE["spec"]
    assert violations(holder, "restricted") == ()


def test_an_object_with_a_template_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(PodSecurityError, match=r"^spec\.template: is not a mapping$"):
        pod_of({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": []}})


PARTS = [
    {"hostNetwork": True},
    {"hostPID": True},
    {"securityContext": {"runAsUser": 0}},
    {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}},
    {"volumes": [{"name": "v", "hostPath": {}}]},
    {"volumes": [{"name": "v", "nfs": {}}]},
    {"hostUsers": False},
    {"os": {"name": "windows"}},
]
CONTEXTS = [
    {"privileged": True},
    {"procMount": "Unmasked"},
    {"capabilities": {"add": ["KILL"]}},
    {"runAsNonRoot": None},
    {"seccompProfile": {"type": "Unconfined"}},
    {"seLinuxOptions": {"type": "container_engine_t"}},
]
PODS = st.builds(
    lambda parts, contexts: pod(
        {k: v for part in parts for k, v in part.items()}, None, **{k: v for c in contexts for k, v in c.items()}
    ),
    st.lists(st.sampled_from(PARTS), max_size=3),
    st.lists(st.sampled_from(CONTEXTS), max_size=3),
)


@given(PODS, st.sampled_from([*VERSIONS, LATEST]))
def test_what_meets_restricted_meets_baseline(content: dict[str, Any], version: str) -> None:
    if not violations(content, "restricted", version):
        assert not violations(content, "baseline", version)


@given(
    PODS, st.sampled_from([*VERSIONS, LATEST]), st.sampled_from(["baseline", "restricted"]), st.sampled_from(CONTEXTS)
)
def test_one_more_container_never_mends_a_pod(
    content: dict[str, Any], version: str, level: str, context: dict[str, Any]
) -> None:
    more = copy.deepcopy(content)
    more["spec"]["initContainers"] = [{"name": "more", "securityContext": context}]
    before, after = violations(content, level, version), violations(more, level, version)
    assert {each.check for each in before} <= {each.check for each in after}


@given(PODS, st.sampled_from([*VERSIONS, LATEST]))
def test_judging_leaves_the_pod_as_it_is(content: dict[str, Any], version: str) -> None:
    untouched = copy.deepcopy(content)
    violations(content, "restricted", version)
    assert content == untouched
