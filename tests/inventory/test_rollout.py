"""A changed template reaches the pods that its controller makes anew, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.kube import facts, kinds
from hipaa_kit.sources.overlay import Delete, Patch, Put
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY, objects_of, snapshot_of

DIGEST = "sha256:" + "a" * 64
TEMPLATE = {
    "metadata": {"labels": {"app": "app"}},
    "spec": {
        "serviceAccountName": "app",
        "containers": [{"name": "app", "image": "app:1", "env": [{"name": "PASSWORD", "value": "correct-horse"}]}],
    },
}


def owner(kind: str = "Deployment", replicas: int | None = 1, **spec: Any) -> dict[str, Any]:
    size = {} if replicas is None else {"replicas": replicas}
    body: dict[str, Any] = {**size, "template": TEMPLATE, **spec}
    version = "batch/v1" if kind == "CronJob" else "apps/v1"
    if kind == "CronJob":
        body = {"schedule": "0 1 * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}}
    status = {"observedGeneration": 1, "replicas": replicas, "readyReplicas": replicas} if replicas else {}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "app", "namespace": "ehr"},
        "spec": body,
        "status": status,
    }


def made(name: str, owner_kind: str = "ReplicaSet", owner_name: str = "app-7d9") -> dict[str, Any]:
    container = {**TEMPLATE["spec"]["containers"][0], "imagePullPolicy": "IfNotPresent"}
    token = {"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "ehr",
            "labels": {"app": "app", "pod-template-hash": "7d9"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": owner_kind, "name": owner_name, "controller": True, "uid": "u"}
            ],
        },
        "spec": {
            "nodeName": "n1",
            "serviceAccountName": "app",
            "serviceAccount": "app",
            "containers": [{**container, "volumeMounts": [token]}, {"name": "proxy", "image": "proxy:1"}],
            "volumes": [{"name": "kube-api-access-x", "projected": {"sources": []}}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "app", "image": "app:1", "imageID": f"registry/app@{DIGEST}", "ready": True}
            ],
        },
    }


REPLICA_SET = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: app-7d9, namespace: ehr, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: app, controller: true, uid: d}]}
spec: {replicas: 1}
"""


def cluster(top: dict[str, Any], *pods: dict[str, Any]) -> Snapshot:
    return snapshot_of([top, *objects_of(REPLICA_SET), *pods])


def changed(snapshot: Snapshot, kind: str = "Deployment", spec: Any = None, template: Any = None) -> Snapshot:
    body = dict(spec or {})
    if template is not None:
        inner = {"template": {"spec": template}}
        body |= {"jobTemplate": {"spec": inner}} if kind == "CronJob" else inner
    version = "batch/v1" if kind == "CronJob" else "apps/v1"
    change = Patch({"apiVersion": version, "kind": kind, "metadata": {"name": "app", "namespace": "ehr"}, "spec": body})
    return what_would_be(snapshot, [change], pseudonym=Pseudonymizer(TEST_KEY))


def pods(snapshot: Snapshot) -> list[Any]:
    return list(snapshot.objects("Pod"))


def test_pods_are_renewed_in_their_place() -> None:
    before = cluster(owner(), made("app-7d9-a"))
    [was], [now] = pods(before), pods(changed(before, template={"hostNetwork": True}))
    assert now == {**was, "spec": {**was["spec"], "hostNetwork": True}}


def test_what_was_added_to_a_pod_stays() -> None:
    [now] = pods(changed(cluster(owner(), made("a")), template={"containers": [{"name": "app", "image": "app:2"}]}))
    assert [(each["name"], each["image"]) for each in now["spec"]["containers"]] == [
        ("app", "app:2"),
        ("proxy", "proxy:1"),
    ]
    assert now["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert now["metadata"]["labels"]["pod-template-hash"] == "7d9"


def test_what_a_new_image_is_made_of_is_not_known() -> None:
    [now] = pods(changed(cluster(owner(), made("a")), template={"containers": [{"name": "app", "image": "app:2"}]}))
    assert now["status"]["containerStatuses"][0] == {"name": "app", "image": "app:2", "imageID": "", "ready": True}


def test_an_image_named_by_the_digest_that_runs_is_the_same() -> None:
    pinned = f"app:1@{DIGEST}"
    [now] = pods(changed(cluster(owner(), made("a")), template={"containers": [{"name": "app", "image": pinned}]}))
    assert now["status"]["containerStatuses"][0]["imageID"].endswith(DIGEST)


def test_facts_of_pods_follow_their_values() -> None:
    before = cluster(owner(), made("a"))
    reference = {"name": "PASSWORD", "value": None, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    after = changed(before, template={"containers": [{"name": "app", "env": [reference]}]})
    assert facts.CREDENTIALS in before.records(kinds.POD)[0].facts
    assert facts.CREDENTIALS not in after.records(kinds.POD)[0].facts


def test_a_pod_that_wants_no_token_has_none() -> None:
    [now] = pods(changed(cluster(owner(), made("a")), template={"automountServiceAccountToken": False}))
    assert now["spec"]["volumes"] == []
    assert now["spec"]["containers"][0]["volumeMounts"] == []


def test_both_names_of_the_account_change() -> None:
    [now] = pods(changed(cluster(owner(), made("a")), template={"serviceAccountName": "other"}))
    assert (now["spec"]["serviceAccountName"], now["spec"]["serviceAccount"]) == ("other", "other")


@pytest.mark.parametrize(
    "top",
    [owner(paused=True), owner("DaemonSet", None, updateStrategy={"type": "OnDelete"})],
    ids=["a paused Deployment", "pods renewed by hand"],
)
def test_pods_stay_where_their_controller_waits(top: dict[str, Any]) -> None:
    kind = top["kind"]
    pod = made("a") if kind == "Deployment" else made("a", kind, "app")
    before = cluster(top, pod)
    assert pods(changed(before, kind, template={"hostNetwork": True})) == pods(before)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "CronJob"])
def test_each_kind_of_controller_renews_its_pods(kind: str) -> None:
    before = cluster(owner(kind, 1 if kind == "StatefulSet" else None), made("a", kind, "app"))
    [now] = pods(changed(before, kind, template={"hostNetwork": True}))
    assert now["spec"]["hostNetwork"] is True


def test_pods_of_others_stay() -> None:
    before = cluster(owner(), made("a"), made("b", "ReplicaSet", "other-5c"))
    after = changed(before, template={"hostNetwork": True})
    assert ["hostNetwork" in each["spec"] for each in pods(after)] == [True, False]


def test_pods_go_with_their_owner() -> None:
    before = cluster(owner(), made("a"), made("b", "ReplicaSet", "other-5c"))
    gone = Delete({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "ehr"}})
    after = what_would_be(before, [gone], pseudonym=Pseudonymizer(TEST_KEY))
    assert [each["metadata"]["name"] for each in pods(after)] == ["b"]


def test_more_replicas_are_counted_and_stand_on_no_node() -> None:
    after = changed(cluster(owner(), made("a")), spec={"replicas": 3})
    assert [each["metadata"]["name"] for each in pods(after)] == ["a", "a-1", "a-2"]
    assert ["nodeName" in each["spec"] for each in pods(after)] == [True, False, False]
    assert after.objects("Deployment", "apps")[0]["status"]["readyReplicas"] == 3


def test_replicas_that_were_not_ready_are_not_by_asking_for_more() -> None:
    top = owner(replicas=2)
    top["status"]["readyReplicas"] = 1
    after = changed(cluster(top, made("a")), spec={"replicas": 3})
    assert after.objects("Deployment", "apps")[0]["status"]["readyReplicas"] == 2


def test_without_a_changed_workload_pods_are_the_same_part() -> None:
    before = cluster(owner(), made("a"))
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "ehr"}, "spec": {}}
    after = what_would_be(before, [Put(service)], pseudonym=Pseudonymizer(TEST_KEY))
    assert after.parts["", "Pod"] is before.parts["", "Pod"]
