"""Pods whose own settings let what runs in them take the node: no right is needed for that.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and, for what the Linux capabilities give,
capabilities(7).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.graph.permissions.technique import CERTAIN, CONDITION, Technique
from hipaa_kit.inventory.fields import items, mapping, text, texts, truth
from hipaa_kit.kube.owners import is_mirror
from hipaa_kit.kube.pod_security.fields import CONTAINER_LISTS

ESCAPE: Final = Technique(47, "ESCAPE", "Node//{name}", (), cost=2)

CAPABILITIES: Final = frozenset({"ALL", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"})
_RANCHER: Final = tuple(
    f"/var/lib/rancher/{part}"
    for part in ("k3s/agent", "k3s/data", "k3s/server", "rke2/agent", "rke2/bin", "rke2/data", "rke2/server")
)
"""What k3s and rke2 run and keep; beside it, in `k3s/storage`, lie volumes of their provisioner, which are data."""

SENSITIVE: Final = (
    # The system: configuration, programs, kernel, devices, and what it runs by the clock, at its start or on events.
    "/bin", "/boot", "/dev", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run/dbus",
    "/run/systemd", "/run/udev", "/sbin", "/sys", "/usr", "/var/lib/cloud", "/var/lib/systemd", "/var/log",
    "/var/spool/at", "/var/spool/cron",
    # The same where a system made of images keeps what may be written (OSTree, Flatcar, NixOS).
    "/nix", "/opt/bin", "/ostree", "/sysroot", "/var/opt/bin", "/var/roothome", "/var/usrlocal",
    # What runs containers, and what lies below every one of them.
    "/run/containerd", "/run/containers", "/run/cri-dockerd", "/run/crio", "/run/docker", "/run/k0s", "/run/k3s",
    "/run/runc", "/var/lib/containerd", "/var/lib/containers", "/var/lib/crio", "/var/lib/docker",
    # The kubelet, its plugins, and what it runs as root for networks and volumes.
    "/opt/cni", "/var/lib/cni", "/var/lib/kubelet", "/var/lib/kube-proxy", "/var/opt/cni",
    # The control plane: its data, certificates and tokens.
    "/var/lib/etcd", "/var/lib/k0s", "/var/lib/kubernetes", "/var/lib/minikube", "/var/snap/microk8s/common/run",
    "/var/snap/microk8s/common/var", "/var/snap/microk8s/current", "/var/lib/machine-config-daemon", *_RANCHER,
)  # fmt: skip
"""Folders of a node through which whoever writes them becomes root there, or has its cluster.

The lists of the field (kubeaudit's auditor `mounts`, Elastic's rule on sensitive hostPath volumes, KubeHound's
EXPLOIT_HOST_WRITE) end at the first dozen; the rest is where runtimes, distributions and systems keep the same things.
Sources: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath, Filesystem Hierarchy Standard 3.0,
https://kubernetes.io/docs/setup/production-environment/container-runtimes/, https://docs.k3s.io/cli/server#data,
https://docs.rke2.io/reference/server_config, https://docs.k0sproject.io/stable/install/.
"""

TOLD: Final = (
    "/etc/kubernetes", "/etc/rancher", "/root", "/var/lib/etcd", "/var/lib/k0s", "/var/lib/kube-proxy",
    "/var/lib/kubelet", "/var/lib/kubernetes", "/var/lib/minikube", "/var/roothome", "/var/snap/microk8s/current",
    *(each for each in _RANCHER if each.endswith(("agent", "server"))),
    "/run/containerd", "/run/cri-dockerd", "/run/crio", "/run/dbus", "/run/docker", "/run/k3s", "/run/systemd",
)  # fmt: skip
"""Folders of a node with keys and tokens of its kubelet, of its pods, of the control plane, or of who administers it;
and those with sockets of what runs as root: who sees one may open a connection, on a read-only mount too.

Source: KubeHound's EXPLOIT_HOST_READ and
https://kubernetes.io/docs/setup/best-practices/certificates/#where-certificates-are-stored.
"""


SOCKET: Final = ".sock"


class WayOut(NamedTuple):
    """Why a pod leads to its node, and how sure that is."""

    words: str
    confidence: str


NODE_CRITICAL: Final = "system-node-critical"


def expected_because(pod: Mapping[str, Any]) -> str:
    """Return why a pod is one that is meant to hold its node; `""` where nothing says so.

    Notes
    -----
    The API server only shows a static pod: whoever changes its file has the node already. Only in `kube-system` may
    pods of the priority of node agents be made without being asked for by a quota; who writes there has the cluster.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/,
    https://kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default.
    """
    if text(pod, "metadata", "namespace") != "kube-system":
        return ""
    if is_mirror(mapping(pod, "metadata")):
        return "static pod of its node"
    return "node agent of kube-system" if text(pod, "spec", "priorityClassName") == NODE_CRITICAL else ""


def ways_out(pod: Mapping[str, Any]) -> list[WayOut]:
    """Return the settings of a pod by which what runs in it can take the node; the surest first.

    Parameters
    ----------
    pod
        As the API holds it. A field of a wrong type counts as absent.
    """
    return sorted(dict.fromkeys(_ways(mapping(pod, "spec"))), key=lambda way: (way.confidence != CERTAIN, way.words))


def _ways(spec: Mapping[str, Any]) -> Iterator[WayOut]:
    host_pid = truth(spec, "hostPID")
    paths = {text(each, "name"): text(each, "hostPath", "path") for each in items(spec, "volumes")}
    for container in (each for field in CONTAINER_LISTS for each in items(spec, field)):
        if truth(container, "securityContext", "privileged"):
            yield WayOut("a container is privileged", CERTAIN)
        added = {word.removeprefix("CAP_") for word in texts(container, "securityContext", "capabilities", "add")}
        for capability in sorted(added & CAPABILITIES):
            yield WayOut(f"a container has the capability {capability}", CERTAIN)
        if host_pid and "SYS_PTRACE" in added:
            yield WayOut("a container has the capability SYS_PTRACE and sees the node's processes", CERTAIN)
        for mount in items(container, "volumeMounts"):
            if path := paths.get(text(mount, "name")):
                yield from _by_path(path, writable=not truth(mount, "readOnly"))
    if truth(spec, "hostNetwork"):
        yield WayOut("it uses the node's network: services that trust the node can be reached", CONDITION)


def _by_path(path: str, *, writable: bool) -> Iterator[WayOut]:
    """Yield what a mounted path of the node gives; who may write to a socket of a runtime may do everything."""
    clean = path.rstrip("/") or "/"
    if clean.endswith(SOCKET):
        yield WayOut(f"a container mounts the socket {clean}", CERTAIN)
    elif writable:
        yield WayOut(f"a container may write {clean} of the node", CERTAIN if takes_node(clean) else CONDITION)
    elif takes_by_reading(clean):
        yield WayOut(f"a container may read {clean} of the node, where credentials or sockets lie", CONDITION)


def takes_node(path: str) -> bool:
    """Tell whether who may write a folder of a node becomes root there; one that holds a sensitive one gives it too."""
    return _meets(path, SENSITIVE)


def takes_by_reading(path: str) -> bool:
    """Tell whether who sees a folder of a node finds credentials or sockets there by which it is taken."""
    return path.endswith(SOCKET) or _meets(path, TOLD)


def _meets(path: str, folders: tuple[str, ...]) -> bool:
    """Tell whether a path lies in one of some folders, or holds one of them.

    Notes
    -----
    A hostPath may be written with slashes and dots to spare, which the kubelet passes on; `..` is refused. `/var/run`
    is `/run` (Filesystem Hierarchy Standard 3.0, 5.13).
    """
    clean = "/" + posixpath.normpath(path).lstrip("/")
    clean = clean.removeprefix("/var") if _within(clean, "/var/run") else clean
    return _is_home(clean) or any(_within(clean, each) or _within(each, clean) for each in folders)


def _is_home(path: str) -> bool:
    """Tell whether a folder is a home on a node, or holds the keys of who signs in; what else lies there is data."""
    parts = path.removeprefix("/var").split("/")[1:]
    return parts[:1] == ["home"] and (len(parts) <= 2 or parts[1] == "kubernetes" or parts[2] == ".ssh")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
