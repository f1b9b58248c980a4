"""Pods meet the Pod Security Standards where the API server's admission says so, version by version.

The tables follow https://kubernetes.io/docs/concepts/security/pod-security-standards/ control by control.
"""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.pod_security import CHECKS, LATEST, NEWEST, Check, PodSecurityError, in_force, violations
from tests.support.restricted_pods import GOOD_CONTEXT, pod

VERSIONS = [f"v1.{minor}" for minor in range(NEWEST + 1)]
LISTS = ("containers", "initContainers", "ephemeralContainers")


def pod_with(field: str, where: str = "containers", **context: Any) -> dict[str, Any]:
    """Return a pod whose second container, in some list, has a context of its own."""
    made = pod()
    other = {"name": field, "image": "app", "securityContext": GOOD_CONTEXT | context}
    made["spec"][where] = [*made["spec"].get(where, []), other]
    return made


def failing(
    content: dict[str, Any], level: str = "restricted", version: str = LATEST, **options: Any
) -> dict[str, str]:
    """Return what a pod does not meet: paths by control."""
    return {each.check: " ".join(each.paths) for each in violations(content, level, version, **options)}


def test_a_good_pod_meets_every_level_in_every_version() -> None:
    for version in (*VERSIONS, LATEST):
        for level in ("privileged", "baseline", "restricted"):
            assert failing(pod(), level, version) == {}


def test_a_bare_pod_meets_baseline_and_not_restricted() -> None:
    bare = {"spec": {"containers": [{"name": "app", "image": "app"}]}}
    assert failing(bare, "baseline") == {}
    context = "spec.containers[0].securityContext"
    assert failing(bare) == {
        "allowPrivilegeEscalation": f"{context}.allowPrivilegeEscalation",
        "capabilities_restricted": f"{context}.capabilities.drop",
        "runAsNonRoot": f"{context}.runAsNonRoot",
        "seccompProfile_restricted": f"{context}.seccompProfile",
    }


CONTEXT = "spec.containers[0].securityContext"
HOST = {"host": "10.0.0.1", "port": 80}

FORBIDDEN_BY_BASELINE: list[tuple[str, dict[str, Any], str]] = [
    ("windowsHostProcess", pod(windowsOptions={"hostProcess": True}), f"{CONTEXT}.windowsOptions.hostProcess"),
    (
        "windowsHostProcess",
        pod({"securityContext": {"windowsOptions": {"hostProcess": True}}}),
        "spec.securityContext.windowsOptions.hostProcess",
    ),
    ("hostNamespaces", pod({"hostNetwork": True}), "spec.hostNetwork"),
    ("hostNamespaces", pod({"hostPID": True}), "spec.hostPID"),
    ("hostNamespaces", pod({"hostIPC": True}), "spec.hostIPC"),
    ("hostNamespaces", pod({"hostIPC": True, "hostPID": True}), "spec.hostPID spec.hostIPC"),
    ("privileged", pod(privileged=True), f"{CONTEXT}.privileged"),
    *(
        ("capabilities_baseline", pod(capabilities={"drop": ["ALL"], "add": [name]}), f"{CONTEXT}.capabilities.add")
        for name in ("NET_RAW", "NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE", "ALL", "chown", "CAP_CHOWN", "")
    ),
    ("hostPathVolumes", pod({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}), "spec.volumes[0].hostPath"),
    ("hostPathVolumes", pod({"volumes": [{"name": "v", "hostPath": {}}]}), "spec.volumes[0].hostPath"),
    (
        "hostPorts",
        pod({"containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 3}]}]}),
        "spec.containers[0].ports[1].hostPort",
    ),
    *(
        ("appArmorProfile", pod(appArmorProfile=profile), f"{CONTEXT}.appArmorProfile.type")
        for profile in ({"type": "Unconfined"}, {"type": ""}, {}, {"type": "runtimedefault"})
    ),
    (
        "appArmorProfile",
        pod({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}),
        "spec.securityContext.appArmorProfile.type",
    ),
    *(
        (
            "appArmorProfile",
            pod(annotations={"container.apparmor.security.beta.kubernetes.io/any": value}),
            "metadata.annotations[container.apparmor.security.beta.kubernetes.io/any]",
        )
        for value in ("unconfined", "localhost", "Runtime/default")
    ),
    *(
        ("seLinuxOptions", pod(seLinuxOptions={"type": name}), f"{CONTEXT}.seLinuxOptions.type")
        for name in ("spc_t", "container_runtime_t", "Container_t")
    ),
    ("seLinuxOptions", pod(seLinuxOptions={"user": "u"}), f"{CONTEXT}.seLinuxOptions.user"),
    ("seLinuxOptions", pod(seLinuxOptions={"role": "r"}), f"{CONTEXT}.seLinuxOptions.role"),
    (
        "seLinuxOptions",
        pod({"securityContext": {"seLinuxOptions": {"type": "spc_t", "user": "u"}}}),
        "spec.securityContext.seLinuxOptions.type spec.securityContext.seLinuxOptions.user",
    ),
    *(("procMount", pod(procMount=name), f"{CONTEXT}.procMount") for name in ("Unmasked", "default", "")),
    *(
        (
            "sysctls",
            pod({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}}),
            "spec.securityContext.sysctls[0].name",
        )
        for name in ("kernel.msgmax", "net.core.somaxconn", "NET.IPV4.TCP_RMEM", "net.ipv4.*", "")
    ),
]


@pytest.mark.parametrize(("check", "content", "paths"), FORBIDDEN_BY_BASELINE)
def test_baseline_forbids_in_every_version(check: str, content: dict[str, Any], paths: str) -> None:
    for version in (*VERSIONS, LATEST):
        assert failing(content, "baseline", version) == {check: paths}
        assert failing(content, "restricted", version)
        assert failing(content, "privileged", version) == {}


@pytest.mark.parametrize(
    "content",
    [
        pod(windowsOptions={"hostProcess": False}),
        pod(windowsOptions={"hostProcess": None}),
        pod(windowsOptions={"runAsUserName": "x"}),
        pod({"hostNetwork": False, "hostPID": False, "hostIPC": None}),
        pod(privileged=False),
        pod(privileged=None),
        pod(capabilities={"add": ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"]}),
        pod(capabilities={"add": ["NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"]}),
        pod(capabilities={"add": None}),
        pod(capabilities={"drop": ["NET_RAW"]}),
        pod({"volumes": [{"name": "v", "hostPath": None, "emptyDir": {}}, {"name": "w", "nfs": {"server": "s"}}]}),
        pod({"containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 0}]}]}),
        pod(appArmorProfile={"type": "RuntimeDefault"}),
        pod(appArmorProfile={"type": "Localhost", "localhostProfile": "x"}),
        pod(appArmorProfile=None),
        pod(annotations={"container.apparmor.security.beta.kubernetes.io/app": "runtime/default"}),
        pod(annotations={"container.apparmor.security.beta.kubernetes.io/app": "localhost/x"}),
        pod(annotations={"container.apparmor.security.beta.kubernetes.io/app": ""}),
        pod(annotations={"other": "unconfined"}),
        pod(seLinuxOptions={"type": "container_t", "level": "s0"}),
        pod(seLinuxOptions={"type": "container_init_t"}),
        pod(seLinuxOptions={"type": "container_kvm_t"}),
        pod(seLinuxOptions={"type": "", "user": "", "role": ""}),
        pod(procMount="Default"),
        pod(procMount=None),
        *(
            pod({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}})
            for name in (
                "kernel.shm_rmid_forced",
                "net.ipv4.ip_local_port_range",
                "net.ipv4.tcp_syncookies",
                "net.ipv4.ping_group_range",
                "net.ipv4.ip_unprivileged_port_start",
            )
        ),
    ],
)
def test_baseline_allows_in_every_version(content: dict[str, Any]) -> None:
    for version in (*VERSIONS, LATEST):
        assert failing(content, "baseline", version) == {}


def probe(kind: str, action: dict[str, Any]) -> dict[str, Any]:
    return pod({"containers": [{"name": "a", kind: action}]})


@pytest.mark.parametrize(
    ("content", "path"),
    [
        *(
            (probe(kind, {action: HOST}), f"spec.containers[0].{kind}.{action}.host")
            for kind in ("livenessProbe", "readinessProbe", "startupProbe")
            for action in ("httpGet", "tcpSocket")
        ),
        *(
            (probe("lifecycle", {hook: {action: HOST}}), f"spec.containers[0].lifecycle.{hook}.{action}.host")
            for hook in ("postStart", "preStop")
            for action in ("httpGet", "tcpSocket")
        ),
        (
            probe("livenessProbe", {"httpGet": HOST | {"host": "localhost"}}),
            "spec.containers[0].livenessProbe.httpGet.host",
        ),
    ],
)
def test_probes_and_hooks_may_not_name_a_host_from_1_34_on(content: dict[str, Any], path: str) -> None:
    assert failing(content, "baseline", "v1.34") == {"hostProbesAndHostLifecycle": path}
    assert failing(content, "baseline", "v1.33") == {}


@pytest.mark.parametrize(
    "content",
    [
        probe("livenessProbe", {"httpGet": {"host": "", "port": 80}}),
        probe("livenessProbe", {"httpGet": {"port": 80}}),
        probe("livenessProbe", {"exec": {"command": ["x"]}}),
        probe("livenessProbe", {"grpc": {"port": 1}}),
        probe("lifecycle", {"preStop": {"sleep": {"seconds": 1}}}),
        probe("lifecycle", {}),
    ],
)
def test_probes_and_hooks_without_a_host_are_fine(content: dict[str, Any]) -> None:
    assert failing(content, "baseline") == {}


FORBIDDEN_BY_RESTRICTED: list[tuple[str, dict[str, Any], str, int]] = [
    *(
        ("restrictedVolumes", pod({"volumes": [{"name": "v", source: {}}]}), "spec.volumes[0]", 0)
        for source in (
            "gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs rbd flexVolume cinder cephfs flocker fc "
            "azureFile vsphereVolume quobyte azureDisk portworxVolume photonPersistentDisk scaleIO storageos hostPath "
            "notYetInvented"
        ).split()
    ),
    ("allowPrivilegeEscalation", pod(allowPrivilegeEscalation=True), f"{CONTEXT}.allowPrivilegeEscalation", 8),
    ("allowPrivilegeEscalation", pod(allowPrivilegeEscalation=None), f"{CONTEXT}.allowPrivilegeEscalation", 8),
    ("runAsNonRoot", pod(runAsNonRoot=False), f"{CONTEXT}.runAsNonRoot", 0),
    ("runAsNonRoot", pod(runAsNonRoot=None), f"{CONTEXT}.runAsNonRoot", 0),
    ("runAsNonRoot", pod({"securityContext": {"runAsNonRoot": False}}), "spec.securityContext.runAsNonRoot", 0),
    (
        "runAsNonRoot",
        pod({"securityContext": {"runAsNonRoot": True}}, runAsNonRoot=False),
        f"{CONTEXT}.runAsNonRoot",
        0,
    ),
    (
        "runAsNonRoot",
        pod({"securityContext": {"runAsNonRoot": False}}, runAsNonRoot=None),
        f"spec.securityContext.runAsNonRoot {CONTEXT}.runAsNonRoot",
        0,
    ),
    ("runAsUser", pod(runAsUser=0), f"{CONTEXT}.runAsUser", 23),
    ("runAsUser", pod({"securityContext": {"runAsUser": 0}}), "spec.securityContext.runAsUser", 23),
    ("runAsUser", pod({"securityContext": {"runAsUser": 0}}, runAsUser=1000), "spec.securityContext.runAsUser", 23),
    ("seccompProfile_restricted", pod(seccompProfile=None), f"{CONTEXT}.seccompProfile", 19),
    (
        "capabilities_restricted",
        pod(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}),
        f"{CONTEXT}.capabilities.add",
        22,
    ),
    ("capabilities_restricted", pod(capabilities=None), f"{CONTEXT}.capabilities.drop", 22),
    ("capabilities_restricted", pod(capabilities={"drop": ["all"]}), f"{CONTEXT}.capabilities.drop", 22),
    ("capabilities_restricted", pod(capabilities={"drop": ["NET_RAW"]}), f"{CONTEXT}.capabilities.drop", 22),
    (
        "capabilities_restricted",
        pod(capabilities={"add": ["KILL"]}),
        f"{CONTEXT}.capabilities.drop {CONTEXT}.capabilities.add",
        22,
    ),
]


@pytest.mark.parametrize(("check", "content", "paths", "since"), FORBIDDEN_BY_RESTRICTED)
def test_restricted_forbids_since(check: str, content: dict[str, Any], paths: str, since: int) -> None:
    for minor, version in enumerate(VERSIONS):
        assert failing(content, "restricted", version) == ({check: paths} if minor >= since else {})
    if paths != "spec.volumes[0]" or "hostPath" not in content["spec"]["volumes"][0]:
        assert failing(content, "baseline") == {}


@pytest.mark.parametrize(
    "content",
    [
        *(
            pod({"volumes": [{"name": "v", source: {}}]})
            for source in (
                "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split()
            )
        ),
        # the API makes a volume without a source an emptyDir
        pod({"volumes": [{"name": "v"}, {"name": "w", "hostPath": None}]}),
        pod({"securityContext": {"runAsNonRoot": True}}, runAsNonRoot=None),
        pod({"securityContext": {"runAsUser": 1000}}, runAsUser=1),
        pod(seccompProfile={"type": "Localhost", "localhostProfile": "x"}),
        pod({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}, seccompProfile=None),
        pod(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        pod(capabilities={"drop": ["KILL", "ALL"]}),
    ],
)
def test_restricted_allows_in_every_version(content: dict[str, Any]) -> None:
    for version in (*VERSIONS, LATEST):
        assert failing(content, "restricted", version) == {}


@pytest.mark.parametrize("profile", [{"type": "Unconfined"}, {}, {"type": ""}, {"type": "runtime/default"}])
def test_seccomp_is_a_field_from_1_19_on(profile: dict[str, Any]) -> None:
    in_container, in_pod = pod(seccompProfile=profile), pod({"securityContext": {"seccompProfile": profile}})
    for minor, version in enumerate(VERSIONS):
        level = "seccompProfile_restricted" if minor >= 19 else ""
        assert set(failing(in_container, "restricted", version)) == ({level} if level else set())
        assert set(failing(in_pod, "baseline", version)) == ({"seccompProfile_baseline"} if minor >= 19 else set())
    assert failing(in_container, "baseline") == {"seccompProfile_baseline": f"{CONTEXT}.seccompProfile.type"}


@pytest.mark.parametrize(
    ("key", "value", "forbidden"),
    [
        ("seccomp.security.alpha.kubernetes.io/pod", "unconfined", True),
        ("seccomp.security.alpha.kubernetes.io/pod", "", True),
        ("seccomp.security.alpha.kubernetes.io/pod", "localhost", True),
        ("seccomp.security.alpha.kubernetes.io/pod", "runtime/default", False),
        ("seccomp.security.alpha.kubernetes.io/pod", "docker/default", False),
        ("seccomp.security.alpha.kubernetes.io/pod", "localhost/x", False),
        ("container.seccomp.security.alpha.kubernetes.io/app", "unconfined", True),
        ("container.seccomp.security.alpha.kubernetes.io/app", "localhost/x", False),
        ("container.seccomp.security.alpha.kubernetes.io/other", "unconfined", False),
    ],
)
def test_seccomp_was_an_annotation_before(key: str, value: str, forbidden: bool) -> None:
    content = pod(annotations={key: value})
    for minor, version in enumerate(VERSIONS):
        expected = {"seccompProfile_baseline": f"metadata.annotations[{key}]"} if forbidden and minor < 19 else {}
        assert failing(content, "baseline", version) == expected
        assert failing(content, "restricted", version) == expected


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
        ("net.ipv4.tcp_slow_start_after_idle", 37),
        ("net.ipv4.tcp_notsent_lowat", 37),
    ],
)
def test_a_sysctl_is_safe_since(name: str, since: int) -> None:
    content = pod({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}})
    assert [not failing(content, "baseline", version) for version in VERSIONS] == [
        minor >= since for minor in range(NEWEST + 1)
    ]


def test_container_engine_t_is_allowed_from_1_31_on() -> None:
    content = pod(seLinuxOptions={"type": "container_engine_t"})
    assert failing(content, "baseline", "v1.30") == {"seLinuxOptions": f"{CONTEXT}.seLinuxOptions.type"}
    assert failing(content, "baseline", "v1.31") == {}


@pytest.mark.parametrize(
    ("content", "before", "after", "baseline_before", "baseline_after"),
    [
        (pod({"hostUsers": False}, runAsNonRoot=False), {"runAsNonRoot"}, set(), set(), set()),
        (pod({"hostUsers": False}, runAsNonRoot=None), {"runAsNonRoot"}, set(), set(), set()),
        (pod({"hostUsers": False}, runAsUser=0), {"runAsUser"}, set(), set(), set()),
        (pod({"hostUsers": True}, runAsUser=0), {"runAsUser"}, {"runAsUser"}, set(), set()),
        (pod({"hostUsers": None}, runAsUser=0), {"runAsUser"}, {"runAsUser"}, set(), set()),
        (
            pod({"hostUsers": False}, procMount="Unmasked"),
            {"procMount"},
            {"procMount_restricted"},
            {"procMount"},
            set(),
        ),
        (pod(procMount="Unmasked"), {"procMount"}, {"procMount_restricted"}, {"procMount"}, {"procMount"}),
        (pod({"hostUsers": False}, privileged=True), {"privileged"}, {"privileged"}, {"privileged"}, {"privileged"}),
    ],
)
def test_user_namespaces_relax_from_1_35_on(
    content: dict[str, Any], before: set[str], after: set[str], baseline_before: set[str], baseline_after: set[str]
) -> None:
    assert set(failing(content, "restricted", "v1.34")) == before
    assert set(failing(content, "restricted", "v1.35")) == after
    assert set(failing(content, "baseline", "v1.34")) == baseline_before
    assert set(failing(content, "baseline", "v1.35")) == baseline_after


def test_windows_pods_need_not_set_what_they_cannot_from_1_25_on() -> None:
    windows = pod({"os": {"name": "windows"}}, allowPrivilegeEscalation=None, capabilities=None, seccompProfile=None)
    linux = pod({"os": {"name": "linux"}}, allowPrivilegeEscalation=None, capabilities=None, seccompProfile=None)
    needed = {"allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"}
    assert set(failing(windows, "restricted", "v1.24")) == needed
    assert set(failing(windows, "restricted", "v1.25")) == set()
    assert set(failing(linux, "restricted", "v1.25")) == needed
    assert set(failing(pod({"os": {"name": "windows"}}, runAsNonRoot=None))) == {"runAsNonRoot"}


@pytest.mark.parametrize("where", LISTS)
@pytest.mark.parametrize(
    ("check", "context"),
    [
        ("privileged", {"privileged": True}),
        ("capabilities_restricted", {"capabilities": {}}),
        ("allowPrivilegeEscalation", {"allowPrivilegeEscalation": None}),
        ("runAsNonRoot", {"runAsNonRoot": None}),
        ("runAsUser", {"runAsUser": 0}),
        ("seccompProfile_restricted", {"seccompProfile": {"type": "Unconfined"}}),
        ("appArmorProfile", {"appArmorProfile": {"type": "Unconfined"}}),
        ("seLinuxOptions", {"seLinuxOptions": {"user": "u"}}),
        ("procMount_restricted", {"procMount": "Unmasked"}),
        ("windowsHostProcess", {"windowsOptions": {"hostProcess": True}}),
    ],
)
def test_every_list_of_containers_is_judged(where: str, check: str, context: dict[str, Any]) -> None:
    content = pod_with("second", where, **context)
    position = 1 if where == "containers" else 0
    (found,) = violations(content, "restricted")
    assert found.check == check
    assert all(path.startswith(f"spec.{where}[{position}].securityContext.") for path in found.paths)


def test_on_the_hosts_network_every_port_is_one_of_the_host() -> None:
    port = {"containerPort": 80}
    lists = {where: [{"name": where, "ports": [port]}] for where in LISTS}
    assert failing({"spec": {"hostNetwork": True, **lists}}, "baseline") == {
        "hostNamespaces": "spec.hostNetwork",
        "hostPorts": "spec.initContainers[0].ports[0].hostPort spec.containers[0].ports[0].hostPort",
    }
    assert failing({"spec": lists}, "baseline") == {}


def test_reasons_say_field_by_field_what_is_wrong() -> None:
    content = pod(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN", "NET_RAW", "NET_RAW"]})
    (found,) = violations(content, "baseline")
    assert found.reason == f"{CONTEXT}.capabilities.add adds NET_RAW, SYS_ADMIN"
    assert (found.level, found.check) == ("baseline", "capabilities_baseline")


def test_values_that_may_be_anything_are_never_quoted() -> None:
    content = pod(
        {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"host": "CANARY"}}}]},
        {"container.apparmor.security.beta.kubernetes.io/a": "CANARY"},
    )
    content["spec"]["securityContext"] = {"seLinuxOptions": {"user": "CANARY", "type": "CANARY"}}
    found = violations(content, "restricted")
    assert {"appArmorProfile", "hostProbesAndHostLifecycle", "seLinuxOptions"} <= {each.check for each in found}
    assert "CANARY" not in str(found)


@pytest.mark.parametrize(
    ("version", "server", "minor"),
    [
        ("latest", None, NEWEST),
        ("latest", 30, 30),
        ("latest", NEWEST + 5, NEWEST),
        ("v1.24", None, 24),
        ("v1.24", 30, 24),
        ("v1.34", 30, 30),
        ("v1.99", None, NEWEST),
        ("v1.0", 30, 0),
    ],
)
def test_a_server_knows_no_later_version_than_its_own(version: str, server: int | None, minor: int) -> None:
    expected = {check: check.judge(minor) for check in CHECKS if check.level == "baseline" and check.judge(minor)}
    assert in_force("baseline", version, server_minor=server) == expected


@pytest.mark.parametrize(
    "version", ["", "1.24", "v1", "v1.", "v1.01", "v2.0", "Latest", "v1.24.3", " v1.24", f"v1.{10**20}"]
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(PodSecurityError, match="not a version"):
        violations(pod(), "baseline", version)


@pytest.mark.parametrize("level", ["", "Baseline", "none"])
def test_what_is_no_level_is_refused(level: str) -> None:
    with pytest.raises(PodSecurityError, match="not a level"):
        violations(pod(), level)


def test_the_controls_are_those_of_the_standard() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS) == 19
    baseline = {check.id for check in CHECKS if check.level == "baseline"}
    assert {check.instead_of for check in CHECKS if check.level == "restricted"} - {""} <= baseline
    assert NEWEST == 37
    for check in CHECKS:
        firsts = [first for first, _ in check.versions]
        assert firsts == sorted(set(firsts))


@pytest.mark.parametrize(
    ("version", "count"),
    [("v1.0", 12), ("v1.8", 13), ("v1.19", 13), ("v1.22", 13), ("v1.23", 14), ("v1.34", 15), ("v1.35", 15)],
)
def test_restricted_has_as_many_controls(version: str, count: int) -> None:
    assert len(in_force("restricted", version)) == count


def test_a_control_judges_by_its_last_change() -> None:
    first, second = (lambda pod: iter(())), (lambda pod: iter(()))
    check = Check("x", "baseline", ((3, first), (7, second)))
    assert [check.judge(minor) for minor in (2, 3, 6, 7, 8)] == [None, first, first, second, second]
