"""Pods that a real API server refuses by Pod Security are those that the kit finds wanting, for the same reasons."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hipaa_kit.kube.pod_security import NEWEST, namespace_policy, violations
from tests.support.live import objects
from tests.support.live.control_plane import ControlPlane
from tests.support.random_pods import random_pod

PODS = 6000
PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("baseline", "restricted", "restricted")
VERSIONS = ("latest", *(f"v1.{minor}" for minor in (*range(NEWEST + 1), NEWEST + 3)))

SAID = {
    "appArmorProfile": "forbidden AppArmor profiles?",
    "capabilities_baseline": "non-default capabilities",
    "hostNamespaces": "host namespaces",
    "hostPathVolumes": "hostPath volumes",
    "hostPorts": "hostPort",
    "hostProbesAndHostLifecycle": "probe or lifecycle host",
    "privileged": "privileged",
    "procMount": "procMount",
    "seLinuxOptions": "seLinuxOptions",
    "seccompProfile_baseline": "seccompProfile",
    "sysctls": "forbidden sysctls",
    "windowsHostProcess": "hostProcess",
    "allowPrivilegeEscalation": "allowPrivilegeEscalation != false",
    "capabilities_restricted": "unrestricted capabilities",
    "procMount_restricted": "procMount",
    "restrictedVolumes": "restricted volume types",
    "runAsNonRoot": "runAsNonRoot != true",
    "runAsUser": "runAsUser=0",
    "seccompProfile_restricted": "seccompProfile",
}
"""How the server names each control in its answer."""


def place(level: str, version: str) -> str:
    return f"psa-{level}-{version.replace('.', '-')}"


@pytest.fixture(scope="module")
def places(control_plane: ControlPlane) -> None:
    """A namespace for every level and version."""
    every = {place(level, version): (level, version) for level in LEVELS for version in VERSIONS}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    wanted: list[tuple[str, str, Any]] = []
    for name, (level, version) in every.items():
        labels = {PREFIX + "enforce": level, PREFIX + "enforce-version": version}
        wanted.append(("POST", "/api/v1/namespaces", objects.namespace(name, **labels)))
    accounts = [("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account) for name in every]
    for answer in (*control_plane.admin.many(wanted), *control_plane.admin.many(accounts)):
        answer.expect(201)


def server_says(message: str) -> set[str]:
    """Return the words by which the server names the controls that a pod does not meet."""
    said = message.split("violates PodSecurity", 1)[1].split(": ", 1)[1]
    words = set(SAID.values())
    return {word for word in words if re.search(rf"(?:^|, )(?:{word})(?: \(|,|$)", said)}


@pytest.mark.usefixtures("places")
def test_pods_are_refused_alike(control_plane: ControlPlane) -> None:
    asked = [(random_pod(seed), LEVELS[seed % len(LEVELS)], VERSIONS[seed * 7 % len(VERSIONS)]) for seed in range(PODS)]
    answers = control_plane.admin.many(
        ("POST", f"/api/v1/namespaces/{place(level, version)}/pods?dryRun=All", pod) for pod, level, version in asked
    )
    judged, refused, differ = 0, 0, []
    for (pod, level, version), answer in zip(asked, answers, strict=True):
        if answer.status == 422:
            continue
        judged += 1
        said = set() if answer.status == 201 else server_says(answer.expect(403)["message"])
        refused += bool(said)
        found = {SAID[each.check] for each in violations(pod, level, version)}
        if found != said:
            differ.append((pod, level, version, found, answer.content))
    assert differ == []
    assert judged > PODS / 3
    assert 0.2 < refused / judged < 0.95


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ({"enforce": "restricted", "enforce-version": "v1.24"}, True),
        ({"enforce": "baseline"}, True),
        ({"enforce": "baseline", "warn": "privileged"}, True),
        ({"warn": "baseline", "warn-version": "v1.0"}, True),
        ({"enforce": "Baseline"}, False),
        ({"enforce": ""}, False),
        ({"audit": "none"}, False),
        ({"warn-version": "1.24"}, False),
        ({"enforce-version": "v1.01"}, False),
        ({"enforce-version": "v2.0"}, False),
    ],
)
def test_labels_are_accepted_alike(control_plane: ControlPlane, given: dict[str, Any], accepted: bool) -> None:
    labels = {PREFIX + key: value for key, value in given.items()}
    answer = control_plane.admin.request(
        "POST", "/api/v1/namespaces?dryRun=All", objects.namespace("psa-labels", **labels)
    )
    assert (answer.status == 201) is accepted
    assert (not namespace_policy(labels).errors) is accepted
