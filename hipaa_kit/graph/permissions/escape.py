"""Pods whose own settings let what runs in them take the node: no right is needed for that.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and, for what the Linux capabilities give,
capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.graph.permissions.technique import CERTAIN, CONDITION, Technique
from hipaa_kit.inventory.fields import items, mapping, text, texts, truth
from hipaa_kit.kube.owners import is_mirror
from hipaa_kit.kube.pod_security.fields import CONTAINER_LISTS

ESCAPE: Final = Technique(47, "ESCAPE", "Node//{name}", (), cost=2)

CAPABILITIES: Final = frozenset({"ALL", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"})
SENSITIVE: Final = (
    "/etc", "/root", "/proc", "/sys", "/dev", "/boot", "/bin", "/sbin", "/usr", "/lib", "/var/log", "/var/lib/kubelet",
    "/var/spool/cron",
)  # fmt: skip
"""Folders of a node through which whoever writes them becomes root there."""


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
    if clean.endswith(".sock"):
        yield WayOut(f"a container mounts the socket {clean}", CERTAIN)
    elif writable:
        yield WayOut(f"a container may write {clean} of the node", CERTAIN if takes_node(clean) else CONDITION)


def takes_node(path: str) -> bool:
    """Tell whether who may write a folder of a node becomes root there; one that holds a sensitive one gives it too."""
    clean = path.rstrip("/") or "/"
    inside = any(clean == each or clean.startswith(f"{each}/") for each in SENSITIVE)
    return inside or any(each.startswith("/" if clean == "/" else f"{clean}/") for each in SENSITIVE)
