"""What shows that data are checked: flags of etcd, fields of volumes and databases, sensors, edits by hand."""

from typing import Any

import pytest

from hipaa_kit.kube.command_flags import command_flags
from hipaa_kit.kube.integrity import (
    OFF,
    ON,
    UNKNOWN,
    cnpg_checksums,
    etcd_checks,
    longhorn_integrity,
    zalando_checksums,
)
from hipaa_kit.kube.manual_edits import by_hand
from hipaa_kit.kube.sensors import narrowed, pods_selected, sensor_of, watches_files

INITIAL = "--experimental-initial-corrupt-check"


@pytest.mark.parametrize(
    ("words", "checks"),
    [
        ([], (OFF, OFF)),
        ([INITIAL], (ON, OFF)),
        ([f"{INITIAL}=true", "--experimental-corrupt-check-time=12h"], (ON, ON)),
        ([f"{INITIAL}=false", "--experimental-corrupt-check-time=0"], (OFF, OFF)),
        ([INITIAL, "--experimental-compact-hash-check-enabled=true"], (ON, ON)),
        (["--feature-gates=InitialCorruptCheck=true"], (ON, OFF)),
        (["--feature-gates=CompactHashCheck=true,InitialCorruptCheck=true"], (ON, ON)),
        (["--feature-gates=CompactHashCheck=TRUE"], (OFF, ON)),
        (["--feature-gates", "InitialCorruptCheck=false", "--corrupt-check-time", "30m"], (OFF, ON)),
        (["--corrupt-check-time=0h0m0s"], (OFF, OFF)),
        (["--config-file=/etc/etcd.yml", INITIAL], (UNKNOWN, UNKNOWN)),
    ],
)
def test_checks_of_etcd(words: list[str], checks: tuple[str, str]) -> None:
    assert etcd_checks(list(command_flags(words))) == checks


@pytest.mark.parametrize(
    ("value", "state"),
    [("enabled", ON), ("fast-check", ON), ("disabled", OFF), ("ignored", UNKNOWN), (None, UNKNOWN), (True, UNKNOWN)],
)
def test_integrity_of_longhorn_volumes(value: Any, state: str) -> None:
    assert longhorn_integrity({"spec": {"snapshotDataIntegrity": value}}).state == state
    assert longhorn_integrity({"spec": [value]}).state == UNKNOWN


@pytest.mark.parametrize(
    ("value", "state"), [(True, ON), (False, OFF), ("true", ON), ("False", OFF), (None, UNKNOWN), (1, UNKNOWN)]
)
def test_checksums_of_databases(value: Any, state: str) -> None:
    assert cnpg_checksums({"spec": {"bootstrap": {"initdb": {"dataChecksums": value}}}}).state == state
    assert zalando_checksums({"spec": {"patroni": {"initdb": {"data-checksums": value}}}}).state == state
    assert cnpg_checksums({"spec": {"bootstrap": {"recovery": {"dataChecksums": value}}}}).state == UNKNOWN


@pytest.mark.parametrize(
    ("repository", "sensor"),
    [
        ("docker.io/falcosecurity/falco", "Falco"),
        ("falcosecurity/falco-no-driver", "Falco"),
        ("falcosecurity/falcosidekick", ""),
        ("quay.io/cilium/tetragon", "Tetragon"),
        ("quay.io/cilium/tetragon-operator", ""),
        ("quay.io/sysdig/agent-slim", "Sysdig"),
        ("example/agent-slim", ""),
        ("docker.io/neuvector/enforcer", "NeuVector"),
        ("example/enforcer", ""),
        ("tetragon", "Tetragon"),
    ],
)
def test_sensors_by_image(repository: str, sensor: str) -> None:
    assert sensor_of(repository) == sensor


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        ({"kprobes": [{"call": "security_file_permission"}]}, True),
        ({"kprobes": [{"call": "tcp_connect"}, {"call": "fd_install"}]}, True),
        ({"kprobes": [{"call": "__x64_sys_write"}]}, True),
        ({"kprobes": [{"call": "sys_write"}]}, True),
        ({"tracepoints": [{"subsystem": "syscalls", "event": "sys_enter_openat"}]}, True),
        ({"lsmhooks": [{"hook": "file_open"}]}, True),
        ({"kprobes": [{"call": "tcp_connect"}]}, False),
        ({"kprobes": None}, False),
        ({"file": {"matchPaths": [{"path": "/etc/passwd"}]}}, True),
        ({"file": {}}, False),
        ({"process": {"matchPaths": [{"path": "/bin/sh"}]}}, False),
        ([], False),
    ],
)
def test_policies_that_speak_of_files(spec: Any, files: bool) -> None:
    assert watches_files({"spec": spec}) is files


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("TracingPolicy", {"podSelector": {"matchLabels": {"app": "web"}}}, True),
        ("TracingPolicy", {"containerSelector": {"matchExpressions": [{"key": "name", "operator": "Exists"}]}}, True),
        ("TracingPolicy", {"podSelector": {}}, False),
        ("TracingPolicy", {}, False),
        ("KubeArmorClusterPolicy", {"selector": {"matchExpressions": [{"key": "namespace"}]}}, True),
        ("KubeArmorClusterPolicy", {"selector": {}}, False),
        ("KubeArmorPolicy", {"selector": {"matchLabels": {"app": "web"}}}, True),
        ("KubeArmorPolicy", {}, True),
        ("TracingPolicy", {"hostSelector": {"matchLabels": {"a": "b"}}}, True),
        ("TracingPolicyNamespaced", {"podSelector": {"matchLabels": {"app": "web"}}}, True),
        ("TracingPolicyNamespaced", {}, False),
    ],
)
def test_policies_for_a_part_of_the_cluster(kind: str, spec: Any, expected: bool) -> None:
    assert narrowed(kind, {"spec": spec}) is expected


WEB = {"matchLabels": {"app": "web"}}
TIER = {"key": "tier", "operator": "In", "values": ["web"]}


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("KubeArmorPolicy", {"selector": WEB}, WEB),
        ("KubeArmorPolicy", {"selector": {"matchLabels": {"kubearmor.io/container.name": "a"}}}, None),
        ("KubeArmorPolicy", {"selector": {}}, None),
        ("KubeArmorPolicy", {"selector": {"matchExpressions": [TIER]}}, None),
        ("KubeArmorPolicy", {"selector": {**WEB, "matchExpressions": [TIER]}}, None),
        ("TracingPolicyNamespaced", {"podSelector": {"matchExpressions": [TIER]}}, {"matchExpressions": [TIER]}),
        ("KubeArmorClusterPolicy", {"selector": WEB}, None),
        ("TracingPolicyNamespaced", {"podSelector": WEB}, WEB),
        ("TracingPolicyNamespaced", {"podSelector": WEB, "containerSelector": WEB}, None),
        ("TracingPolicyNamespaced", {"podSelector": {}}, None),
        ("TracingPolicy", {"podSelector": WEB}, None),
    ],
)
def test_whole_pods_that_a_policy_selects(kind: str, spec: Any, expected: Any) -> None:
    assert pods_selected(kind, {"spec": spec}) == expected


@pytest.mark.parametrize(
    ("manager", "hand"),
    [
        ("kubectl-edit", True),
        ("kubectl-patch", True),
        ("Mozilla", True),
        ("kubectl-client-side-apply", False),
        ("kubectl", False),
        ("kubectl-rollout", False),
        ("argocd-controller", False),
        ("kube-controller-manager", False),
    ],
)
def test_managers_that_stand_for_a_person(manager: str, hand: bool) -> None:
    assert by_hand(manager) is hand
