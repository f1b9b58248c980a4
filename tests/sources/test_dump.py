"""What an absence is worth depends on who says it: a record, a list, a manifest."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY

POD = {"metadata": {"name": "a", "namespace": "ehr", "uid": "1", "creationTimestamp": "2026-01-02T03:04:05Z"}}
PODS = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": [POD]}
NONE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicyList",
    "metadata": {"resourceVersion": "9"},
    "items": [],
}
FORBIDDEN = 'Error from server (Forbidden): nodes is forbidden: User "u" cannot list resource "nodes"'


def load(place: Path, **options: object) -> Snapshot:
    return import_dump(place, pseudonymizer=Pseudonymizer(TEST_KEY), **options)


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def status(snapshot: Snapshot, kind: kinds.Kind) -> str:
    return snapshot.coverage.answer(kind).status


def record(*lists: dict, **more: object) -> dict:
    return {
        "collected_at": "2026-11-20T02:00:00Z",
        "cluster": {"name": "c", "version": "v1.34.2"},
        "lists": list(lists),
        **more,
    }


def listed(
    kind: str, group: str = "", code: int = 0, error: str = "", count: int | None = None, **more: object
) -> dict:
    return {"group": group, "kind": kind, "exit_code": code, "error": error, "count": count, **more}


def test_a_list_without_a_record_proves_presence_alone(tmp_path: Path) -> None:
    snapshot = load(write(tmp_path / "d", pods__json=PODS, policies__json=NONE))
    assert [p["metadata"]["name"] for p in snapshot.objects("Pod")] == ["a"]
    assert status(snapshot, kinds.POD) == "unknown"
    assert status(snapshot, kinds.NETWORK_POLICY) == "unknown"
    assert status(snapshot, kinds.NODE) == "not_asked"
    assert (snapshot.layout, snapshot.collected_at) == ("kubectl", "2026-01-02T03:04:05Z")
    assert snapshot.collected_basis == "not before the newest object"


def test_a_record_proves_emptiness_and_refusal(tmp_path: Path) -> None:
    lists = [
        listed("Pod", count=1),
        listed("NetworkPolicy", "networking.k8s.io", count=0),
        listed("Node", code=1, error=FORBIDDEN),
        listed("VolumeSnapshot", "snapshot.storage.k8s.io", 1, "the server doesn't have a resource type"),
        listed("Service", code=1, error="Unable to connect to the server: i/o timeout"),
        listed("Namespace", count=0),
    ]
    snapshot = load(write(tmp_path / "d", pods__json=PODS, policies__json=NONE, collection__json=record(*lists)))
    assert status(snapshot, kinds.POD) == "answered"
    assert status(snapshot, kinds.NETWORK_POLICY) == "answered"
    assert (status(snapshot, kinds.NODE), snapshot.coverage.answer(kinds.NODE).error) == ("refused", FORBIDDEN)
    assert snapshot.coverage.answer(kinds.find("snapshot.storage.k8s.io", "VolumeSnapshot")).status == "absent"
    assert status(snapshot, kinds.SERVICE) == "failed"
    assert status(snapshot, kinds.NAMESPACE) == "failed"
    assert status(snapshot, kinds.DEPLOYMENT) == "not_asked"
    assert (snapshot.collected_at, snapshot.identity.name, snapshot.identity.version) == (
        "2026-11-20T02:00:00Z",
        "c",
        "v1.34.2",
    )


def test_a_record_that_counts_more_than_was_read_is_partial(tmp_path: Path) -> None:
    snapshot = load(write(tmp_path / "d", pods__json=PODS, collection__json=record(listed("Pod", count=2))))
    answer = snapshot.coverage.answer(kinds.POD)
    assert (answer.status, answer.error) == ("partial", "recorded are 2 objects, read were 1")


def test_a_list_that_goes_on_is_partial(tmp_path: Path) -> None:
    cut = {**PODS, "metadata": {"resourceVersion": "9", "continue": "abc"}}
    assert status(load(write(tmp_path / "a", pods__json=cut)), kinds.POD) == "partial"
    with_record = write(tmp_path / "b", pods__json=cut, collection__json=record(listed("Pod")))
    assert status(load(with_record), kinds.POD) == "partial"


def test_an_unreadable_file_takes_the_proof_from_the_others(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "d", pods__json=PODS, broken__yaml="a: [", collection__json=record(listed("Pod", count=1))
    )
    snapshot = load(folder)
    assert status(snapshot, kinds.POD) == "partial"
    assert list(snapshot.unreadable["source"]) == ["broken.yaml"]


def test_a_complete_record_makes_the_rest_absent(tmp_path: Path) -> None:
    snapshot = load(
        write(tmp_path / "d", pods__json=PODS, collection__json=record(listed("Pod", count=1), complete=True))
    )
    assert status(snapshot, kinds.NETWORK_POLICY) == "absent"
    assert status(snapshot, kinds.SECRET) == "not_asked"


def test_the_loop_with_exit_codes_is_a_record(tmp_path: Path) -> None:
    thing = {"apiVersion": "example.com/v1", "kind": "ThingList", "metadata": {}, "items": []}
    folder = write(tmp_path / "d")
    for name, text in {
        "pods.v1.json": json.dumps(PODS), "pods.v1.rc": "0\n", "pods.v1.err": "",
        "nodes.v1.json": "", "nodes.v1.rc": "1\n", "nodes.v1.err": FORBIDDEN,
        "networkpolicies.networking.k8s.io_v1.json": json.dumps(NONE), "networkpolicies.networking.k8s.io_v1.rc": "0",
        "things.example.com_v1.json": json.dumps(thing), "things.example.com_v1.rc": "0",
        "version.json": json.dumps({"serverVersion": {"gitVersion": "v1.33.1"}}),
        "api-resources.txt": "things        example.com/v1   true   Thing\npods  po  v1  true  Pod\n",
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    snapshot = load(folder)
    assert status(snapshot, kinds.POD) == "answered"
    assert status(snapshot, kinds.NODE) == "refused"
    assert status(snapshot, kinds.NETWORK_POLICY) == "answered"
    assert snapshot.coverage.answer(kinds.Kind("example.com", "Thing", "things", True)).status == "answered"
    assert snapshot.identity.version == "v1.33.1"


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is not JSON"), ("[]", "has no list named lists"), ('{"lists": [{}]}', "names no kind"),
     ('{"lists": [{"kind": "Pod"}]}', "has no exit_code"),
     ('{"lists": [{"kind": "Pod", "exit_code": 0, "count": "1"}]}', "count")],
)  # fmt: skip
def test_a_broken_record_is_refused_with_its_place(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(write(tmp_path / "d", pods__json=PODS, collection__json=content))


MANIFESTS = """
# Source: chart/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
---
apiVersion: v1
kind: Namespace
metadata: {name: ehr}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Thing, plural: things}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
---
apiVersion: batch/v1
kind: Job
metadata: {generateName: import-}
---
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: ours}
---
just: values
"""


def test_manifests_are_placed_where_they_would_be_applied(tmp_path: Path) -> None:
    snapshot = load(write(tmp_path / "d", all__yaml=MANIFESTS), namespace="prod")
    [deployment] = snapshot.records(kinds.DEPLOYMENT)
    assert (deployment.namespace, deployment.source, deployment.position) == (
        "prod",
        "all.yaml#chart/templates/app.yaml",
        ":3",
    )
    assert "namespace" not in deployment.content["metadata"]
    [namespace] = snapshot.records(kinds.NAMESPACE)
    assert namespace.namespace == ""
    assert [r.namespace for r in snapshot.parts["example.com", "Thing"].load()] == [""]
    [job] = snapshot.records(kinds.JOB)
    assert job.name.startswith("import-@all.yaml")
    assert snapshot.layout == "manifests"
    assert ("hipaa-kit", "Scope") not in snapshot.kinds()
    assert status(snapshot, kinds.DEPLOYMENT) == "unknown"
    assert status(snapshot, kinds.NETWORK_POLICY) == "not_asked"


def test_lists_are_opened_wherever_they_stand(tmp_path: Path) -> None:
    whole = {"apiVersion": "v1", "kind": "Pod", **POD}
    other = {**whole, "metadata": {**POD["metadata"], "name": "b"}}
    nested = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [whole, {"apiVersion": "v1", "kind": "List", "items": [other]}, None, 7],
    }
    empty = {"apiVersion": "v1", "kind": "ServiceList", "items": None}
    snapshot = load(write(tmp_path / "d", a__json=nested, b__json=empty))
    assert [p["metadata"]["name"] for p in snapshot.objects("Pod")] == ["a", "b"]
    assert status(snapshot, kinds.SERVICE) == "unknown"


def test_objects_of_groups_that_moved_are_one_kind(tmp_path: Path) -> None:
    old = {"apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": {"name": "a", "namespace": "x"}}
    new = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "b", "namespace": "x"}}
    assert len(load(write(tmp_path / "d", a__json=old, b__json=new)).records(kinds.INGRESS)) == 2


def test_an_archive_is_read_without_being_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "in.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("a/pods.json", json.dumps(PODS)), ("a/README", "words")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
        link = tarfile.TarInfo("a/link.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    for place in (path, tmp_path):
        snapshot = load(place)
        assert [r.source for r in snapshot.records(kinds.POD)] == ["in.tar.gz!a/pods.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["in.tar.gz"]


@pytest.mark.parametrize("name", ["../out.yaml", "/abs.yaml", "a/../../b.yaml"])
def test_an_archive_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "in.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(InputError, match="points outside"):
        load(path)


def test_a_cut_off_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("a.json")
        entry.size = 200_000
        archive.addfile(entry, io.BytesIO(bytes(200_000)))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError):
        load(path)


@pytest.mark.parametrize("content", ["", "words", "a: 1\n", "{}", "[]"])
def test_an_input_without_objects_is_refused_with_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"d: holds no Kubernetes object \(1 files looked at\)"):
        load(write(tmp_path / "d", a__yaml=content))


def test_an_input_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "none")


def test_the_same_bytes_twice_give_the_same_digest(tmp_path: Path) -> None:
    first, second = (load(write(tmp_path / name, all__yaml=MANIFESTS), cluster_name="c") for name in "ab")
    assert first.digest == second.digest


def test_an_object_of_any_shape_is_kept_or_skipped_and_loses_no_other(tmp_path: Path) -> None:
    odd = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": value} for value in (None, [], "x", {"name": 7}, {"labels": []})
    ]
    snapshot = load(write(tmp_path / "d", a__json=[*odd, {"apiVersion": "v1", "kind": "Pod", **POD}]))
    assert "a" in [record.name for record in snapshot.records(kinds.POD)]
