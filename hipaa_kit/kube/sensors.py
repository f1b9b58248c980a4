"""Programs that watch what happens on a node and say when a file or program was tampered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hipaa_kit.kube.reading import as_map, as_maps

SENSORS: Final = {
    "falco": "Falco",
    "falco-no-driver": "Falco",
    "tetragon": "Tetragon",
    "kubearmor": "KubeArmor",
    "tracee": "Tracee",
    "agent-slim": "Sysdig",
    "falcon-sensor": "CrowdStrike Falcon",
    "collector-slim": "StackRox Collector",
    "wazuh-agent": "Wazuh",
    "enforcer": "NeuVector",
}
"""Sensors by the last part of their image's name.

Sources: https://falco.org/docs/setup/container/, https://tetragon.io/docs/installation/kubernetes/,
https://docs.kubearmor.io/kubearmor/, https://aquasecurity.github.io/tracee/, https://docs.sysdig.com/,
https://github.com/CrowdStrike/falcon-helm, https://github.com/stackrox/collector, https://documentation.wazuh.com/,
https://open-docs.neuvector.com/.
"""

OF_MAKER: Final = {"Sysdig": "sysdig", "StackRox Collector": "stackrox", "NeuVector": "neuvector"}
"""Names that others use as well, and what must stand in front of them."""


def sensor_of(repository: str) -> str:
    """Return the sensor that an image holds, "" where it holds none."""
    place, _, name = repository.rpartition("/")
    sensor = SENSORS.get(name, "")
    return sensor if OF_MAKER.get(sensor, "") in place else ""


FILE_CALLS: Final = frozenset(
    """
    fd_install file_open file_permission mmap_file path_truncate security_file_open security_file_permission
    security_inode_create security_inode_rename security_inode_unlink security_mmap_file security_path_rename
    security_path_truncate security_path_unlink sys_openat sys_rename sys_truncate sys_unlink sys_unlinkat sys_write
    vfs_write
    """.split()
)
"""Functions of the kernel by which files are opened, written, renamed or removed; without `__x64_` and the like."""


def watches_files(policy: Mapping[str, Any]) -> bool:
    """Tell whether a policy of Tetragon or KubeArmor speaks of files.

    Tetragon tells of every process that starts, without any policy; of files only where one hooks a function that
    opens or writes them. KubeArmor's rules about files stand under `file`.

    Source: https://tetragon.io/docs/use-cases/filename-access/,
    https://docs.kubearmor.io/kubearmor/documentation/security_policy_specification
    """
    spec = policy.get("spec")
    if not isinstance(spec, Mapping):
        return False
    if isinstance(spec.get("file"), Mapping) and spec["file"]:
        return True
    hooks = [each for name in ("kprobes", "lsmhooks", "tracepoints") for each in as_maps(spec.get(name))]
    names = (hook.get(key) for hook in hooks for key in ("call", "hook", "event"))
    return any(isinstance(name, str) and _plain(name) in FILE_CALLS for name in names)


NARROWING: Final = ("podSelector", "containerSelector", "hostSelector", "nodeSelector")
"""Fields of a policy of Tetragon by which it holds for some pods, containers or nodes alone."""

OF_CONTAINERS: Final = "kubearmor.io/container.name"
"""Key by which a selector of KubeArmor names containers of a pod."""


def narrowed(kind: str, policy: Mapping[str, Any]) -> bool:
    """Tell whether a policy holds for some of the pods, containers, nodes or namespaces of its place alone.

    Of a KubeArmorPolicy that names no label it is not known what it selects.

    Source: https://tetragon.io/docs/concepts/tracing-policy/k8s-filtering/,
    https://docs.kubearmor.io/kubearmor/documentation/security_policy_specification,
    https://docs.kubearmor.io/kubearmor/documentation/cluster_security_policy_specification
    """
    spec = as_map(policy, "spec")
    if kind in ("TracingPolicy", "TracingPolicyNamespaced"):
        return any(as_map(spec, name) for name in NARROWING)
    if kind == "KubeArmorPolicy":
        return True
    return bool(as_maps(as_map(spec, "selector").get("matchExpressions")))


def pods_selected(kind: str, policy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the selector of labels by which a policy of one namespace selects whole pods; None where it is none.

    Parameters
    ----------
    kind, policy
        The policy.

    Notes
    -----
    Expressions of a KubeArmorPolicy select in newer releases alone: which one runs is not seen.
    Source: https://docs.kubearmor.io/kubearmor/documentation/security_policy_specification
    """
    spec = as_map(policy, "spec")
    if kind == "TracingPolicyNamespaced":
        others = any(as_map(spec, name) for name in NARROWING if name != "podSelector")
        return None if others else as_map(spec, "podSelector") or None
    if kind != "KubeArmorPolicy":
        return None
    selector = as_map(spec, "selector")
    labels = as_map(selector, "matchLabels")
    return selector if labels and OF_CONTAINERS not in labels and not selector.get("matchExpressions") else None


STOPPING: Final = frozenset(["Sigkill", "Signal", "Override", "NotifyEnforcer", "NotifyKiller", "Block"])
"""Actions of Tetragon and KubeArmor that stop what is done, beside telling of it."""


def acts(policy: Mapping[str, Any]) -> bool:
    """Tell whether a policy of Tetragon or KubeArmor stops what it finds, by an action that is written in it.

    Source: https://tetragon.io/docs/concepts/enforcement/,
    https://docs.kubearmor.io/kubearmor/documentation/security_policy_specification
    """
    waiting: list[Any] = [policy.get("spec")]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if str(each.get("action")) in STOPPING:
                return True
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False


def _plain(call: str) -> str:
    for prefix in ("__x64_", "__arm64_", "sys_enter_", "sys_exit_"):
        if call.startswith(prefix):
            rest = call.removeprefix(prefix)
            return rest if rest.startswith("sys_") else f"sys_{rest}"
    return call


RESPONDING: Final = {
    "falco-talon": "Falco Talon",
    "robusta-runner": "Robusta",
    "st2actionrunner": "StackStorm",
}
"""Programs that act on alerts by requests to the API server, by the last part of their image's name.

Sources: https://docs.falco-talon.org/, https://docs.robusta.dev/, https://docs.stackstorm.com/install/k8s_ha.html
"""


def responder_of(repository: str) -> str:
    """Return the program that an image holds and that acts on alerts, "" where it holds none."""
    return RESPONDING.get(repository.rpartition("/")[2], "")
