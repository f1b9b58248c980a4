"""The controls of the Pod Security Standards, each with the versions of the standard it changed in.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and the checks of
`k8s.io/pod-security-admission/policy` as of Kubernetes 1.37. The ids are theirs.

Each control yields what it forbids: the path of a field, and a few words that say what is wrong with it. Values
are quoted only where they are words of Kubernetes or of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from hipaa_kit.kube.pod_security.fields import Pod

BASELINE: Final = "baseline"
RESTRICTED: Final = "restricted"

APPARMOR_PREFIX: Final = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_PREFIX: Final = "container.seccomp.security.alpha.kubernetes.io/"

DEFAULT_CAPABILITIES: Final = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)
PROFILES: Final = ("RuntimeDefault", "Localhost")
SELINUX_TYPES: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
SYSCTLS: Final = {
    0: "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range "
    "net.ipv4.ip_unprivileged_port_start",
    27: "net.ipv4.ip_local_reserved_ports",
    29: "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl "
    "net.ipv4.tcp_keepalive_probes",
    32: "net.ipv4.tcp_rmem net.ipv4.tcp_wmem",
    37: "net.ipv4.tcp_slow_start_after_idle net.ipv4.tcp_notsent_lowat",
}
"""Sysctls that are safe, by the minor version of the standard that let them in."""
VOLUMES: Final = frozenset(
    "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split()
)
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS: Final = ("postStart", "preStop")


class Found(NamedTuple):
    """A field that a control forbids, or misses, and what is wrong."""

    path: str
    words: str


Judge = Callable[[Pod], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Check:
    """One control.

    Attributes
    ----------
    versions
        (first minor version of the standard, how it judges) in rising order; before the first it asks nothing.
    instead_of
        The control of `baseline` that a control of `restricted` takes the place of.
    """

    id: str
    level: str
    versions: tuple[tuple[int, Judge], ...]
    instead_of: str = ""

    def judge(self, minor: int) -> Judge | None:
        """Return how it judges by a version of the standard; None where it does not yet."""
        return next((judge for first, judge in reversed(self.versions) if first <= minor), None)


def _unless_windows(judge: Judge) -> Judge:
    """Return a control that Windows pods pass: they cannot set what it asks for."""
    return lambda pod: iter(()) if pod.windows else judge(pod)


def _unless_user_namespace(judge: Judge) -> Judge:
    """Return a control that pods with a user namespace of their own pass."""
    return lambda pod: iter(()) if pod.user_namespace else judge(pod)


def _host_namespaces(pod: Pod) -> Iterator[Found]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.flag(field):
            yield Found(pod.spec.at(field), "is true")


def _privileged(pod: Pod) -> Iterator[Found]:
    for context in pod.container_contexts():
        if context.flag("privileged"):
            yield Found(context.at("privileged"), "is true")


def _capabilities(pod: Pod, allowed: frozenset[str] = DEFAULT_CAPABILITIES) -> Iterator[Found]:
    for context in pod.container_contexts():
        capabilities = context.child("capabilities")
        added = [each for each in capabilities.texts("add") if each not in allowed]
        if added:
            yield Found(capabilities.at("add"), f"adds {', '.join(sorted(set(added)))}")


def _capabilities_restricted(pod: Pod) -> Iterator[Found]:
    for context in pod.container_contexts():
        capabilities = context.child("capabilities")
        if "ALL" not in capabilities.texts("drop"):
            yield Found(capabilities.at("drop"), "does not drop ALL")
    yield from _capabilities(pod, frozenset({"NET_BIND_SERVICE"}))


def _host_path(pod: Pod) -> Iterator[Found]:
    for volume in pod.volumes:
        if volume.given("hostPath"):
            yield Found(volume.at("hostPath"), "is a path of the host")


def _restricted_volumes(pod: Pod) -> Iterator[Found]:
    for volume in pod.volumes:
        sources = [field for field in volume.content if field != "name" and volume.given(field)]
        # The API makes a volume without a source an emptyDir.
        if sources and not VOLUMES.intersection(sources):
            yield Found(volume.path, f"is a {', '.join(sorted(sources))} volume")


def _host_ports(pod: Pod) -> Iterator[Found]:
    for port, number in pod.ports():
        if number:
            yield Found(port.at("hostPort"), f"takes port {number} of the host")


def _probe_hosts(pod: Pod) -> Iterator[Found]:
    for container in pod.containers:
        lifecycle = container.child("lifecycle")
        handlers = [*(container.child(probe) for probe in PROBES), *(lifecycle.child(hook) for hook in HOOKS)]
        for handler in handlers:
            for action in (handler.child("httpGet"), handler.child("tcpSocket")):
                if action.text("host"):
                    yield Found(action.at("host"), "makes the kubelet call another host")


def _apparmor(pod: Pod) -> Iterator[Found]:
    yield from _profiles(pod, "appArmorProfile")
    for key in sorted(pod.annotations.content):
        value = pod.annotations.text(key) if key.startswith(APPARMOR_PREFIX) else ""
        if value and value != "runtime/default" and not value.startswith("localhost/"):
            yield Found(_annotation(key), "is neither runtime/default nor localhost/*")


def _profiles(pod: Pod, field: str) -> Iterator[Found]:
    for context in pod.contexts():
        profile = context.child(field)
        if context.has(field) and profile.text("type") not in PROFILES:
            yield Found(profile.at("type"), "is neither RuntimeDefault nor Localhost")


def _seccomp_annotations(pod: Pod) -> Iterator[Found]:
    names = [SECCOMP_POD, *(SECCOMP_PREFIX + container.text("name") for container in pod.containers)]
    for key in dict.fromkeys(names):
        value = pod.annotations.text(key)
        named = value in ("runtime/default", "docker/default") or value.startswith("localhost/")
        if key in pod.annotations.content and not named:
            yield Found(_annotation(key), "is none of runtime/default, docker/default and localhost/*")


def _annotation(key: str) -> str:
    return f"metadata.annotations[{key}]"


def _seccomp(pod: Pod) -> Iterator[Found]:
    return _profiles(pod, "seccompProfile")


def _seccomp_restricted(pod: Pod) -> Iterator[Found]:
    yield from _seccomp(pod)
    if pod.security.child("seccompProfile").text("type") not in PROFILES:
        yield from _unset(pod, "seccompProfile", "is not set, nor is a good one for the pod")


def _unset(pod: Pod, field: str, words: str) -> Iterator[Found]:
    for context in pod.container_contexts():
        if not context.has(field):
            yield Found(context.at(field), words)


def _proc_mount(pod: Pod) -> Iterator[Found]:
    for context in pod.container_contexts():
        if context.has("procMount") and context.text("procMount") != "Default":
            yield Found(context.at("procMount"), "is not Default")


def _selinux(pod: Pod, types: frozenset[str] = SELINUX_TYPES) -> Iterator[Found]:
    for context in pod.contexts():
        options = context.child("seLinuxOptions")
        if options.text("type") not in types:
            yield Found(options.at("type"), "is no type that containers run as")
        for field in ("user", "role"):
            if options.text(field):
                yield Found(options.at(field), "is set")


def _sysctls(pod: Pod, safe: frozenset[str]) -> Iterator[Found]:
    for sysctl in pod.security.children("sysctls"):
        if sysctl.text("name") not in safe:
            yield Found(sysctl.at("name"), f"{sysctl.text('name')} is not safe")


def _sysctl_versions() -> Iterator[tuple[int, Judge]]:
    safe: frozenset[str] = frozenset()
    for minor, names in SYSCTLS.items():
        safe = safe.union(names.split())
        yield minor, partial(_sysctls, safe=safe)


def _host_process(pod: Pod) -> Iterator[Found]:
    for context in pod.contexts():
        options = context.child("windowsOptions")
        if options.flag("hostProcess"):
            yield Found(options.at("hostProcess"), "is true")


def _allows_escalation(pod: Pod) -> Iterator[Found]:
    for context in pod.container_contexts():
        if context.flag("allowPrivilegeEscalation") is not False:
            yield Found(context.at("allowPrivilegeEscalation"), "is not false")


def _may_be_root(pod: Pod) -> Iterator[Found]:
    for context in pod.contexts():
        if context.flag("runAsNonRoot") is False:
            yield Found(context.at("runAsNonRoot"), "is false")
    if not pod.security.flag("runAsNonRoot"):
        yield from _unset(pod, "runAsNonRoot", "is not set, nor is it true for the pod")


def _is_root(pod: Pod) -> Iterator[Found]:
    for context in pod.contexts():
        if context.number("runAsUser") == 0:
            yield Found(context.at("runAsUser"), "is 0")


CHECKS: Final = (
    Check("appArmorProfile", BASELINE, ((0, _apparmor),)),
    Check("capabilities_baseline", BASELINE, ((0, _capabilities),)),
    Check("hostNamespaces", BASELINE, ((0, _host_namespaces),)),
    Check("hostPathVolumes", BASELINE, ((0, _host_path),)),
    Check("hostPorts", BASELINE, ((0, _host_ports),)),
    Check("hostProbesAndHostLifecycle", BASELINE, ((34, _probe_hosts),)),
    Check("privileged", BASELINE, ((0, _privileged),)),
    Check("procMount", BASELINE, ((0, _proc_mount), (35, _unless_user_namespace(_proc_mount)))),
    Check(
        "seLinuxOptions",
        BASELINE,
        ((0, _selinux), (31, partial(_selinux, types=SELINUX_TYPES | {"container_engine_t"}))),
    ),
    Check("seccompProfile_baseline", BASELINE, ((0, _seccomp_annotations), (19, _seccomp))),
    Check("sysctls", BASELINE, tuple(_sysctl_versions())),
    Check("windowsHostProcess", BASELINE, ((0, _host_process),)),
    Check(
        "allowPrivilegeEscalation",
        RESTRICTED,
        ((8, _allows_escalation), (25, _unless_windows(_allows_escalation))),
    ),
    Check(
        "capabilities_restricted",
        RESTRICTED,
        ((22, _capabilities_restricted), (25, _unless_windows(_capabilities_restricted))),
        instead_of="capabilities_baseline",
    ),
    Check("procMount_restricted", RESTRICTED, ((35, _proc_mount),), instead_of="procMount"),
    Check("restrictedVolumes", RESTRICTED, ((0, _restricted_volumes),), instead_of="hostPathVolumes"),
    Check("runAsNonRoot", RESTRICTED, ((0, _may_be_root), (35, _unless_user_namespace(_may_be_root)))),
    Check("runAsUser", RESTRICTED, ((23, _is_root), (35, _unless_user_namespace(_is_root)))),
    Check(
        "seccompProfile_restricted",
        RESTRICTED,
        ((19, _seccomp_restricted), (25, _unless_windows(_seccomp_restricted))),
        instead_of="seccompProfile_baseline",
    ),
)
"""Every control, in the order in which the API server names them."""

NEWEST: Final = max(first for check in CHECKS for first, _ in check.versions)
"""The last minor version of the standard in which a control changed: what this module knows of."""
