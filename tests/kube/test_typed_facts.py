"""Typed facts: what may be known of values that are removed at the door."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.facts import (
    exec_program,
    exec_programs,
    field_managers,
    length_class,
    literal_lengths,
    names_pods,
    namespace_filters,
    network_encryption,
    program,
    security_fields,
)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, "empty"), (1, "short"), (8, "short"), (9, "medium"), (32, "medium"), (33, "long"), (10_000, "long")],
)
def test_literals_are_empty_short_medium_or_long(length: int, expected: str) -> None:
    assert length_class("x" * length) == expected


def test_field_managers_are_known_without_their_fields() -> None:
    managed = [
        {"manager": "helm", "operation": "Apply", "time": "2026-11-01T08:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubelet", "operation": "Update", "subresource": "status", "time": None},
        {"operation": "Update"},
        "text",
    ]
    assert field_managers(managed) == [
        {"manager": "helm", "operation": "Apply", "time": "2026-11-01T08:00:00Z"},
        {"manager": "kubelet", "operation": "Update", "subresource": "status"},
    ]


@pytest.mark.parametrize("wrong", [None, "text", {}, {"manager": "x"}, 3])
def test_field_managers_of_a_wrong_type_are_none(wrong: Any) -> None:
    assert field_managers(wrong) == []


@pytest.mark.parametrize(
    ("command", "expected"), [([], ""), (["/usr/bin/psql", "-c"], "psql"), (["psql"], "psql"), ([3], "")]
)
def test_a_program_is_named_without_its_path(command: list[Any], expected: str) -> None:
    assert program(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/usr/bin/pg_isready", "-U", "ehr"], "pg_isready"),
        (["sh", "-c", "pg_isready -U ehr"], "pg_isready"),
        (["/bin/bash", "-ec", "  exec /opt/bin/check.sh; true"], "check.sh"),
        (["sh", "-c", "true"], "true"),
        (["sh", "-c", "PGPASSWORD=hunter2 psql"], "sh"),
        (["sh", "-c", "[ -f /tmp/ready ]"], "sh"),
        (["sh", "/probe.sh"], "sh"),
        (["sh"], "sh"),
        (["psql --password hunter2"], ""),
        (["PGPASSWORD=hunter2"], ""),
        ([], ""),
        ([None], ""),
        ("psql", ""),
        (None, ""),
    ],
)
def test_the_program_of_a_probe_is_the_one_that_runs_in_the_end(command: Any, expected: str) -> None:
    assert exec_program(command) == expected


def test_literal_lengths_are_by_variable() -> None:
    container = {"env": [{"name": "A", "value": ""}, {"name": "B", "value": 12}, {"name": "C"}, {"value": "x"}, 3]}
    assert dict(literal_lengths(container)) == {"A": "empty", "B": "short"}
    assert dict(literal_lengths({"env": "text"})) == {}


def test_exec_programs_are_by_probe_and_hook() -> None:
    container = {
        "livenessProbe": {"exec": {"command": ["redis-cli", "ping"]}},
        "readinessProbe": {"httpGet": {"path": "/"}},
        "startupProbe": "text",
        "lifecycle": {"postStart": {"exec": []}, "preStop": {"exec": {"command": ["sleep", "5"]}}},
    }
    assert dict(exec_programs(container)) == {"livenessProbe": "redis-cli", "preStop": "sleep"}
    assert dict(exec_programs({"lifecycle": []})) == {}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"rules": [{"validate": {"pattern": {"spec": {"=(hostPID)": "false"}}}}]}, ["hostPID"]),
        (
            {"validations": [{"expression": "!has(object.spec.hostNetwork) || !object.spec.hostIPC"}]},
            ["hostIPC", "hostNetwork"],
        ),
        ({"targets": [{"rego": "c.securityContext.privileged\nv.hostPath"}]}, ["hostPath", "privileged"]),
        ({"message": "unprivileged pods alone"}, []),
        ({"rules": [{"validate": {"pattern": {"metadata": {"labels": {"team": "?*"}}}}}]}, []),
        (None, []),
    ],
)
def test_a_policy_is_known_by_the_fields_it_speaks_of(policy: Any, expected: list[str]) -> None:
    assert security_fields(policy) == expected


@pytest.mark.parametrize(
    ("kind", "pods"),
    [
        ("Pod", True),
        ("*", True),
        ("*/*", True),
        ("v1/Pod", True),
        ("*/v1/Pod", True),
        ("P?d", True),
        ("Pod/status", False),
        ("Node/?*", False),
        ("Deployment", False),
        ("apps/v1/Deployment", False),
    ],
)
def test_kinds_in_the_form_of_kyverno_name_pods(kind: str, pods: bool) -> None:
    assert names_pods(kind) is pods


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"resourceFilters": "[*/*,kube-system,*] [Node/?*,*,*] [Pod,ehr-?,*]"}, ["ehr-?", "kube-system"]),
        ({"resourceFilters": "[Event,*,*]\n[*/*, kyverno ,*]"}, ["kyverno"]),
        ({"resourceFilters": ""}, []),
        ({"resourceFilters": "[*/*,kube-system"}, None),
        ({"resourceFilters": "[broken][*/*,kube-system,*]"}, None),
        ({"other": "[*/*,kube-system,*]"}, None),
        (None, None),
    ],
)
def test_filters_of_kyverno_name_namespaces_or_are_not_known(data: Any, expected: list[str] | None) -> None:
    assert namespace_filters(data) == expected


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "cilium-config",
            {"enable-wireguard": "true", "encrypt-node": "false", "cluster-name": "secret"},
            {"enable-ipsec": False, "enable-wireguard": True, "encrypt-node": False},
        ),
        (
            "cilium-config",
            {"enable-ipsec": "True"},
            {"enable-ipsec": True, "enable-wireguard": False, "encrypt-node": False},
        ),
        ("cilium-config", {}, {}),
        ("cilium-config", None, {}),
        ("other", {"enable-wireguard": "true"}, {}),
        (None, {"enable-wireguard": "true"}, {}),
    ],
)
def test_of_a_plugins_configuration_only_encryption_is_known(name: Any, data: Any, expected: dict[str, bool]) -> None:
    assert network_encryption(name, data) == expected
