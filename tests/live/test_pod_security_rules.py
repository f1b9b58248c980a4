"""Pod Security as the kit judges it is Pod Security as a real API server enforces it, level by level."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hipaa_kit.kube.pod_security import LATEST, NEWEST, violations
from tests.support.live import objects
from tests.support.live.control_plane import ControlPlane
from tests.support.live.oracles import would_create
from tests.support.restricted_pods import pod

LEVELS = ("baseline", "restricted")
VERSIONS = (LATEST, "v1.0", "v1.19", "v1.25", "v1.31", "v1.34", f"v1.{NEWEST}")
SETTINGS: dict[str, tuple[Any, ...]] = {
    "allowPrivilegeEscalation": (None, True),
    "runAsNonRoot": (None, False),
    "runAsUser": (0, 1000),
    "procMount": ("Default",),
    "capabilities": (
        None,
        {"drop": ["NET_RAW"]},
        {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        {"drop": ["ALL"], "add": ["CHOWN"]},
        {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
    ),
    "seccompProfile": (None, {"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "p.json"}),
    "seLinuxOptions": ({"type": "container_t"}, {"type": "spc_t"}, {"user": "u"}),
    "appArmorProfile": ({"type": "RuntimeDefault"}, {"type": "Unconfined"}),
    "windowsOptions": ({"hostProcess": False}, {"runAsUserName": "u"}),
}
SPECS: dict[str, dict[str, Any]] = {
    "host network": {"hostNetwork": True},
    "host PID": {"hostPID": True},
    "host IPC": {"hostIPC": True},
    "host users": {"hostUsers": False},
    "windows": {"os": {"name": "windows"}, "containers": [{"name": "app", "image": "app"}]},
    "sysctl": {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
    "safe sysctl": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}},
    "keepalive sysctl": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}},
    "unconfined pod": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "root pod": {"securityContext": {"runAsUser": 0}},
    "host path": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
    "NFS": {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]},
    "secret volume": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
}
CASES = [
    ("good", pod()),
    ("privileged", pod(privileged=True, allowPrivilegeEscalation=True)),
    ("unmasked", pod({"hostUsers": False}, procMount="Unmasked")),
    *((f"{field}={value}", pod(**{field: value})) for field, values in SETTINGS.items() for value in values),
    *((name, pod(spec)) for name, spec in SPECS.items()),
]


@pytest.fixture(scope="module")
def enforcing(control_plane: ControlPlane) -> dict[tuple[str, str], str]:
    """Namespaces that enforce a level in a version, by both."""
    made = {}
    for level, version in product(LEVELS, VERSIONS):
        made[level, version] = name = f"pss-{level}-{version.replace('.', '-')}"
        prefix = "pod-security.kubernetes.io/enforce"
        labels = {prefix: level, f"{prefix}-version": version}
        control_plane.admin.create("/api/v1/namespaces", objects.namespace(name, **labels))
    return made


@pytest.mark.parametrize(("name", "content"), CASES, ids=[name for name, _ in CASES])
def test_a_pod_is_refused_where_the_kit_finds_violations(
    control_plane: ControlPlane, enforcing: dict[tuple[str, str], str], name: str, content: dict[str, Any]
) -> None:
    for (level, version), namespace in enforcing.items():
        whole = {"apiVersion": "v1", "kind": "Pod", **content}
        whole["metadata"] = {"name": "p", "namespace": namespace}
        said = would_create(control_plane.admin, whole)
        assert said.allowed or "violates PodSecurity" in said.words, "no pod that this server stores"
        found = violations(content, level, version)
        assert said.allowed == (not found), (level, version, said.words, found)
