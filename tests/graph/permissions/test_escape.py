"""By which of its settings a pod leads to its node, and by which it does not."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.graph.permissions.escape import takes_by_reading, takes_node, ways_out
from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import permissions_of


def pod(namespace: str = "ehr", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "i", **spec.pop("container", {})}
    metadata = {"name": "db-0", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}


def mounting(path: str, **mount: Any) -> dict[str, Any]:
    mounts = [{"name": "v", "mountPath": "/mnt", **mount}]
    return pod(container={"volumeMounts": mounts}, volumes=[{"name": "v", "hostPath": {"path": path}}])


def adding(*capabilities: str, **spec: Any) -> dict[str, Any]:
    return pod(container={"securityContext": {"capabilities": {"add": list(capabilities)}}}, **spec)


@pytest.mark.parametrize(
    ("made", "confidence"),
    [
        (pod(container={"securityContext": {"privileged": True}}), "certain"),
        (pod(container={"securityContext": {"privileged": False}}), None),
        (pod(initContainers=[{"name": "i", "securityContext": {"privileged": True}}]), "certain"),
        (adding("SYS_ADMIN"), "certain"),
        (adding("CAP_SYS_MODULE"), "certain"),
        (adding("ALL"), "certain"),
        (adding("NET_BIND_SERVICE"), None),
        (adding("SYS_PTRACE"), None),
        (adding("SYS_PTRACE", hostPID=True), "certain"),
        (pod(hostPID=True), None),
        (pod(hostNetwork=True), "needs-condition"),
        (mounting("/var/run/containerd/containerd.sock", readOnly=True), "certain"),
        (mounting("/"), "certain"),
        (mounting("/var"), "certain"),
        (mounting("/var/log/"), "certain"),
        (mounting("/var/lib/kubelet/pods"), "certain"),
        (mounting("/var/logs"), "needs-condition"),
        (mounting("/data"), "needs-condition"),
        (mounting("/", readOnly=True), "needs-condition"),
        (mounting("/etc/kubernetes/pki", readOnly=True), "needs-condition"),
        (mounting("/etc/ssl/certs", readOnly=True), None),
        (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), None),
        (pod(), None),
    ],
)
def test_settings_that_lead_to_the_node(made: dict[str, Any], confidence: str | None) -> None:
    ways = ways_out(made)
    assert (ways[0].confidence if ways else None) == confidence


@pytest.mark.parametrize("broken", [{"spec": None}, {"spec": {"containers": "x"}}, {"spec": {"containers": [{}]}}, {}])
def test_a_broken_pod_leads_nowhere(broken: dict[str, Any]) -> None:
    assert ways_out(broken) == []


def test_the_pod_is_listed_and_its_node_reached() -> None:
    privileged = {"container": {"securityContext": {"privileged": True}}, "nodeName": "n1"}
    proxy = pod("kube-system", **privileged, priorityClassName="system-node-critical")
    held = permissions_of([pod(**privileged), proxy])
    rows = rows_of(held.escalations())
    assert [(row["subject"], row["technique"], row["target"]) for row in rows] == [("ehr/db-0", "ESCAPE", "Node//n1")]
    expected = dict(held.escalations(stock=True)[["subject", "expected_because"]].itertuples(index=False))
    assert expected == {"ehr/db-0": "", "kube-system/db-0": "node agent of kube-system"}
    assert "Node//n1" in set(held.closure("Pod/ehr/db-0")["target"])


@pytest.mark.parametrize(
    ("namespace", "more", "annotations", "expected"),
    [
        ("kube-system", {}, {"kubernetes.io/config.mirror": "abc"}, "static pod of its node"),
        ("kube-system", {}, {"kubernetes.io/config.source": "api"}, ""),
        ("kube-system", {"priorityClassName": "system-cluster-critical"}, {}, ""),
        ("ehr", {"priorityClassName": "system-node-critical"}, {"kubernetes.io/config.mirror": "abc"}, ""),
    ],
)
def test_a_namespace_alone_makes_nothing_expected(
    namespace: str, more: dict[str, Any], annotations: dict[str, str], expected: str
) -> None:
    made = pod(namespace, container={"securityContext": {"privileged": True}}, **more)
    made["metadata"]["annotations"] = annotations
    rows = rows_of(permissions_of([made]).escalations(stock=True))
    assert [row["expected_because"] for row in rows] == [expected]


def test_a_pod_that_has_ended_runs_nothing() -> None:
    ended = pod(container={"securityContext": {"privileged": True}}) | {"status": {"phase": "Succeeded"}}
    assert permissions_of([ended]).escalations().empty


@pytest.mark.parametrize(
    ("path", "written", "read"),
    [
        ("/var/lib/etcd", True, True),
        ("/var/lib/etcd/member/snap", True, True),
        ("/var/lib/etcd-backup", False, False),
        ("/var/lib/containerd", True, False),
        ("/run/containerd", True, True),
        ("/var/run/containerd/", True, True),
        ("/var/running", False, False),
        ("/opt/cni/bin", True, False),
        ("/opt", True, False),
        ("/opt/local-path-provisioner", False, False),
        ("/run/systemd/system", True, True),
        ("/var/lib/rancher/k3s", True, True),
        ("/var/lib/rancher/k3s/server/tls", True, True),
        ("/var/lib/rancher/k3s/storage/pvc-1", False, False),
        ("/var/snap/microk8s/common/default-storage", False, False),
        ("/var/snap/microk8s/current", True, True),
        ("/home", True, True),
        ("/home/admin", True, True),
        ("/home/admin/.ssh", True, True),
        ("/home/admin/data", False, False),
        ("/home/kubernetes/bin", True, True),
        ("/var/home/core/.ssh", True, True),
        ("//etc/./kubernetes", True, True),
        ("/etc/ssl/certs", True, False),
        ("/mnt/disks/ssd0", False, False),
        ("/srv/agent.sock", False, True),
        ("/", True, True),
    ],
)
def test_folders_by_which_a_node_is_taken(path: str, written: bool, read: bool) -> None:
    assert (takes_node(path), takes_by_reading(path)) == (written, read)
