"""Random pods, most of them such as the API takes in, rich in what Pod Security judges."""

from __future__ import annotations

import random
from typing import Any

SOURCES: dict[str, dict[str, Any]] = {
    "configMap": {"name": "c"},
    "csi": {"driver": "driver.example"},
    "downwardAPI": {},
    "emptyDir": {},
    "ephemeral": {
        "volumeClaimTemplate": {
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        }
    },
    "image": {"reference": "registry.example/data:1"},
    "persistentVolumeClaim": {"claimName": "c"},
    "projected": {"sources": [{"configMap": {"name": "c"}}]},
    "secret": {"secretName": "s"},
    "hostPath": {"path": "/var/log"},
    "nfs": {"server": "s", "path": "/p"},
    "iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2001-04.com.example:s", "lun": 0},
    "fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0},
    "cephfs": {"monitors": ["m"]},
    "rbd": {"monitors": ["m"], "image": "i"},
    "flexVolume": {"driver": "example/d"},
    "azureDisk": {"diskName": "d", "diskURI": "https://d.example/d"},
    "gitRepo": {"repository": "r"},
    "awsElasticBlockStore": {"volumeID": "v"},
}
"""Volume sources with what each needs."""

SYSCTLS = (
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_notsent_lowat",
    "net.core.somaxconn",
)
HANDLERS: tuple[dict[str, Any], ...] = (
    {"httpGet": {"port": 80, "host": "10.0.0.1"}},
    {"httpGet": {"port": 80, "host": ""}},
    {"httpGet": {"port": 80}},
    {"tcpSocket": {"port": 80, "host": "db"}},
    {"tcpSocket": {"port": 80}},
    {"exec": {"command": ["true"]}},
)
PROFILES: tuple[dict[str, Any], ...] = (
    {"type": "RuntimeDefault"},
    {"type": "Localhost", "localhostProfile": "p"},
    {"type": "Unconfined"},
)


def random_pod(seed: int) -> dict[str, Any]:
    """Return the pod of a seed."""
    draw = random.Random(seed)
    spec: dict[str, Any] = {"containers": [_container(draw, f"c{n}") for n in range(draw.randint(1, 2))]}
    if draw.random() < 0.3:
        spec["initContainers"] = [_container(draw, "i")]
    _maybe(draw, spec, "securityContext", 0.6, lambda: _context(draw, pod=True))
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        _maybe(draw, spec, field, 0.06, lambda: draw.random() < 0.7)
    _maybe(draw, spec, "hostUsers", 0.25, lambda: draw.random() < 0.2)
    _maybe(draw, spec, "os", 0.15, lambda: {"name": draw.choice(["linux", "windows"])})
    _maybe(draw, spec, "volumes", 0.4, lambda: _volumes(draw))
    metadata: dict[str, Any] = {"name": f"pod-{seed}", "annotations": _annotations(draw)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _maybe(draw: random.Random, content: dict[str, Any], field: str, chance: float, value: Any) -> None:
    if draw.random() < chance:
        content[field] = value()


def _volumes(draw: random.Random) -> list[dict[str, Any]]:
    sources = draw.choices((*SOURCES, ""), (*(3 if n < 9 else 1 for n in range(len(SOURCES))), 3), k=draw.randint(1, 2))
    return [{"name": f"v{n}"} | ({name: SOURCES[name]} if name else {}) for n, name in enumerate(sources)]


def _annotations(draw: random.Random) -> dict[str, str]:
    found = {}
    if draw.random() < 0.08:
        key = draw.choice(["pod", "c0"])
        prefix = (
            "seccomp.security.alpha.kubernetes.io/"
            if key == "pod"
            else "container.seccomp.security.alpha.kubernetes.io/"
        )
        found[prefix + key] = draw.choice(["runtime/default", "docker/default", "localhost/p", "unconfined"])
    if draw.random() < 0.08:
        value = draw.choice(["runtime/default", "localhost/p", "unconfined"])
        found["container.apparmor.security.beta.kubernetes.io/c0"] = value
    return found


def _container(draw: random.Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "image": "registry.example/app:1"}
    _maybe(draw, made, "securityContext", 0.9, lambda: _context(draw, pod=False))
    if draw.random() < 0.2:
        made["ports"] = [{"containerPort": 80} | ({"hostPort": 80} if draw.random() < 0.4 else {})]
    if name != "i":
        for field in ("livenessProbe", "readinessProbe", "startupProbe"):
            _maybe(draw, made, field, 0.06, lambda: draw.choice(HANDLERS))
        _maybe(draw, made, "lifecycle", 0.08, lambda: {draw.choice(["postStart", "preStop"]): draw.choice(HANDLERS)})
    return made


def _context(draw: random.Random, *, pod: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    _maybe(draw, made, "runAsNonRoot", 0.8, lambda: draw.random() < 0.85)
    _maybe(draw, made, "runAsUser", 0.2, lambda: draw.choice([0, 1000, 1000]))
    _maybe(draw, made, "seccompProfile", 0.7, lambda: draw.choices(PROFILES, (8, 2, 1))[0])
    _maybe(draw, made, "appArmorProfile", 0.1, lambda: draw.choices(PROFILES, (2, 1, 1))[0])
    _maybe(draw, made, "seLinuxOptions", 0.12, lambda: _selinux(draw))
    _maybe(draw, made, "windowsOptions", 0.04, lambda: {"hostProcess": draw.random() < 0.5})
    if pod:
        _maybe(draw, made, "sysctls", 0.2, lambda: [{"name": draw.choice(SYSCTLS), "value": "1"}])
        return made
    _maybe(draw, made, "privileged", 0.08, lambda: draw.random() < 0.5)
    _maybe(draw, made, "allowPrivilegeEscalation", 0.9, lambda: draw.random() < 0.1)
    _maybe(draw, made, "procMount", 0.1, lambda: draw.choice(["Default", "Unmasked"]))
    _maybe(draw, made, "capabilities", 0.9, lambda: _capabilities(draw))
    return made


def _selinux(draw: random.Random) -> dict[str, str]:
    made: dict[str, str] = {}
    types = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t"]
    _maybe(draw, made, "type", 0.8, lambda: draw.choice(types))
    _maybe(draw, made, "user", 0.1, lambda: "u")
    _maybe(draw, made, "role", 0.1, lambda: "r")
    _maybe(draw, made, "level", 0.3, lambda: "s0:c1,c2")
    return made


def _capabilities(draw: random.Random) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    _maybe(draw, made, "drop", 0.9, lambda: draw.choice([["ALL"], ["ALL"], ["ALL"], ["NET_RAW"], ["KILL", "ALL"]]))
    names = ["NET_BIND_SERVICE", "NET_BIND_SERVICE", "CHOWN", "NET_RAW", "SYS_ADMIN"]
    _maybe(draw, made, "add", 0.25, lambda: draw.sample(names, draw.randint(1, 2)))
    return made
