"""Hits by what is written: what is made however it is made, pods of workloads, what is taken away."""

# The log tells moments in UTC without saying so, and so does what it is compared with here.

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hipaa_kit.kube.audit.conditions import AllOf, AnyOf, Condition, Is, Not, Truth, normal
from hipaa_kit.kube.audit.detections import DETECTIONS
from tests.support.detections import hits

SNAPSHOT = {"api_group": "snapshot.storage.k8s.io", "resource": "volumesnapshots", "namespace": "ehr"}
REQUEST = {"api_group": "certificates.k8s.io", "resource": "certificatesigningrequests"}
MADE = [
    ("LOG-13", "", REQUEST),
    ("LOG-18", "snapshot", SNAPSHOT),
    ("LOG-18", "velero", {"api_group": "velero.io", "resource": "downloadrequests", "namespace": "velero"}),
    ("LOG-18", "clone", {"resource": "persistentvolumeclaims", "namespace": "ehr", "data_source": "VolumeSnapshot/s"}),
    ("LOG-18", "mount", {"resource": "pods", "namespace": "ehr", "claims": ["data"]}),
]


@pytest.mark.parametrize(("detection", "part", "made"), MADE, ids=lambda each: each if isinstance(each, str) else "")
def test_what_server_side_apply_makes_is_made(detection: str, part: str, made: dict[str, Any]) -> None:
    """It is recorded as `patch`, answered by 201 where there was nothing, and by 200 where there was."""

    def found(**answer: Any) -> int:
        return len(hits(detection, [{**made, "name": "x", "user": "eve", **answer}], part))

    assert found(verb="create", code=201) == found(verb="patch", code=201) == 1
    assert found(verb="patch", code=200) == found(verb="patch", code=403) == 0


GONE = {"verb": "delete", "user": "eve", "name": "logging"}


@pytest.mark.parametrize(
    ("gone", "severity"),
    [
        ({**GONE, "resource": "namespaces", "namespace": "logging"}, "high"),
        ({**GONE, "resource": "namespaces"}, "high"),
        ({**GONE, "resource": "pods", "namespace": "logging"}, "low"),
        ({**GONE, "resource": "pods", "namespace": "logging", "verb": "deletecollection", "name": ""}, "low"),
    ],
)
def test_who_deletes_what_keeps_the_log_is_found(gone: dict[str, str], severity: str) -> None:
    (found,) = hits("LOG-16", [gone], "keepers")
    assert found["severity"] == severity
    others = [
        {**gone, "user": "system:serviceaccount:kube-system:namespace-controller"},
        {**gone, "name": "shop", "namespace": "shop"},
        {**gone, "subresource": "finalize", "verb": "update"},
    ]
    assert not hits("LOG-16", others, "keepers")


@pytest.mark.parametrize("group", ["apps", "extensions"])
def test_the_group_that_workloads_stood_in_before_is_known(group: str) -> None:
    written = {"api_group": group, "resource": "deployments", "namespace": "ehr", "name": "x", "verb": "update"}
    event = {**written, "user": "ann", "pod_marks": ["hostPath"], "claims": ["data"]}
    assert [row["object"] for row in hits("LOG-15", [event])] == ["Deployment/ehr/x"]
    assert len(hits("LOG-18", [{**event, "verb": "create"}], "mount")) == 1
    assert len(hits("LOG-30", [event])) == 1
    assert len(hits("LOG-16", [{**event, "namespace": "logging"}], "keepers")) == 1


@pytest.mark.parametrize("group", ["policy", "extensions"])
def test_a_pod_security_policy_is_admission(group: str) -> None:
    event = {"api_group": group, "resource": "podsecuritypolicies", "name": "x", "verb": "create", "user": "ann"}
    assert [row["object"] for row in hits("LOG-14", [event])] == ["PodSecurityPolicy//x"]
    assert not hits("LOG-14", [{**event, "resource": "poddisruptionbudgets"}])


def test_a_claim_that_is_known_to_hold_no_ephi_is_no_copy_of_it() -> None:
    pod = {"resource": "pods", "namespace": "ehr", "name": "x", "verb": "create", "user": "eve"}
    assert not hits("LOG-18", [{**pod, "claims": ["scratch"]}])
    assert len(hits("LOG-18", [{**pod, "claims": ["scratch", "data"]}])) == 1
    assert not hits("LOG-18", [{**pod, "claims": []}])


CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
MADE = {"resource": "pods", "namespace": "ehr", "name": "x-1-a", "verb": "create", "user": CONTROLLER,
        "owner": "ReplicaSet/x-1", "pod_marks": ["hostNetwork"]}  # fmt: skip
SET = {**MADE, "api_group": "apps", "resource": "replicasets", "name": "x-1", "owner": "Deployment/x",
       "user": "system:serviceaccount:kube-system:deployment-controller"}  # fmt: skip
WORKLOAD = {**SET, "resource": "deployments", "name": "x", "owner": "", "user": "ann"}


@pytest.mark.parametrize(
    ("events", "objects"),
    [
        ([MADE], ["ReplicaSet/ehr/x-1"]),
        ([SET, MADE, {**MADE, "name": "x-1-b"}], ["Deployment/ehr/x"]),
        ([WORKLOAD, SET, MADE], ["Deployment/ehr/x"]),
        ([{**WORKLOAD, "code": 403}, MADE], ["Deployment/ehr/x", "ReplicaSet/ehr/x-1"]),
        ([{**WORKLOAD, "pod_marks": []}, SET], ["Deployment/ehr/x"]),
        ([WORKLOAD, {**MADE, "user": "eve"}], ["Deployment/ehr/x", "Pod/ehr/x-1-a"]),
        ([{**WORKLOAD, "namespace": "shop"}, SET], ["Deployment/ehr/x"]),
        ([{**MADE, "pod_marks": []}], []),
    ],
)
def test_a_pod_that_reaches_out_is_told_once_at_its_workload(events: list[dict], objects: list[str]) -> None:
    assert sorted(row["object"] for row in hits("LOG-15", events)) == objects


CHANGES = "05 09 10 13 14 15 16 18 19 24 25 26 27 28 30".split()
"""Detections of what was done, and not of what was asked for or tried."""


@pytest.mark.parametrize("detection", [each.name for each in DETECTIONS])
def test_a_dry_run_is_no_change_and_still_an_act(detection: str) -> None:
    """With every verb that writes, a condition of a change holds of no dry run, whatever else the event says."""
    (part,) = (each for each in DETECTIONS if each.name == detection)
    writes = {"create", "update", "patch", "delete", "deletecollection"}
    asked = [leaf for leaf in _holding(normal(part.where)) if writes & _verbs(leaf)]
    changes = part.id.removeprefix("LOG-") in CHANGES
    assert asked or not changes
    left = [leaf for leaf in asked if Not(Truth("dry_run", True)) not in leaf]
    sessions = [leaf for leaf in left if Is("subresource", ("exec", "attach", "portforward")) in leaf]
    assert (left == sessions) if changes else (left == asked)


def _holding(where: Condition) -> list[tuple[Condition, ...]]:
    """Return the sets of leaves that make a normal condition hold."""
    match where:
        case AllOf(parts):
            return [sum(each, ()) for each in product(*(map(_holding, parts)))]
        case AnyOf(parts):
            return [each for part in parts for each in _holding(part)]
    return [(where,)]


def _verbs(leaves: tuple[Condition, ...]) -> set[str]:
    named = [set(each.words) for each in leaves if isinstance(each, Is) and each.field == "verb"]
    return set.intersection(*named) if named else {"create"}
