"""What a dump records of itself proves an absence only where the record, the lists and the objects agree."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.layouts.collection import ListRecord
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY


def item(name: str, namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": name}}


def pods(*items: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": list(items)}


def listed(kind: str, group: str = "", code: int = 0, **more: Any) -> dict[str, Any]:
    return {"group": group, "kind": kind, "exit_code": code, "error": "", **more}


def record(*lists: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"collected_at": "2026-11-20T02:00:00Z", "cluster": {"name": "c"}, "lists": list(lists), **more}


def write(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def load(place: Path) -> Snapshot:
    return import_dump(place, pseudonymizer=Pseudonymizer(TEST_KEY))


def rows(snapshot: Snapshot, kind: str) -> list[tuple[str, str, int]]:
    frame = snapshot.coverage.frame
    frame = frame[frame["kind"] == kind]
    return [(n, s, int(c)) for n, s, c in frame[["namespace", "status", "count"]].itertuples(index=False)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("Error from server (NotFound): the server could not find the requested resource", "absent"),
        ('error: the server doesn\'t have a resource type "things"', "absent"),
        ('error: no matches for kind "Thing" in version "example.com/v1"', "absent"),
        ("bash: kubectl: command not found", "failed"),
        ("getting credentials: exec: executable gke-gcloud-auth-plugin not found", "failed"),
        ("Unable to connect to the server: dial tcp: lookup api.example: host not found", "failed"),
        ("Error from server (ServiceUnavailable): the server is currently unable to handle the request", "failed"),
        ('Error from server (Forbidden): pods is forbidden: User "u" cannot list resource "pods"', "refused"),
        ("error: You must be logged in to the server (Unauthorized)", "refused"),
        ("", "failed"),
    ],
)
def test_only_the_servers_own_words_make_a_kind_absent(error: str, status: str) -> None:
    answer = ListRecord("", "Pod", "", 1, error, None, "collection.json")
    assert answer.judge(0, listed=False, cut_short=False)[0] == status


def test_a_kind_of_which_objects_are_there_is_not_absent() -> None:
    answer = ListRecord("", "Pod", "", 1, "the server could not find the requested resource", None, "collection.json")
    assert answer.judge(1, listed=True, cut_short=False)[0] == "failed"


def test_every_namespace_is_counted_by_itself(tmp_path: Path) -> None:
    files = {
        "a.json": pods(item("a", "a")),
        "b.json": pods(item("b", "b"), item("c", "b")),
        "collection.json": record(listed("Pod", namespace="a", count=1), listed("Pod", namespace="b", count=2)),
    }
    assert rows(load(write(tmp_path, files)), "Pod") == [("a", "answered", 1), ("b", "answered", 2)]


def test_the_list_of_one_namespace_proves_nothing_of_another(tmp_path: Path) -> None:
    both = record(listed("Pod", namespace="a"), listed("Pod", namespace="b"))
    snapshot = load(write(tmp_path, {"a.json": pods(item("a", "a")), "collection.json": both}))
    assert rows(snapshot, "Pod") == [("a", "answered", 1), ("b", "failed", 0)]


def test_an_empty_list_of_a_namespace_is_an_answer(tmp_path: Path) -> None:
    both = record(listed("Pod", namespace="a", count=1), listed("Pod", namespace="b", count=0))
    files = {"a.json": pods(item("a", "a")), "b.json": pods(), "collection.json": both}
    assert rows(load(write(tmp_path, files)), "Pod") == [("a", "answered", 1), ("b", "answered", 0)]


def test_a_namespace_that_counts_more_than_was_read_is_partial(tmp_path: Path) -> None:
    files = {"a.json": pods(item("a", "a")), "collection.json": record(listed("Pod", namespace="a", count=2))}
    assert rows(load(write(tmp_path, files)), "Pod") == [("a", "partial", 1)]


def test_a_complete_record_does_not_make_an_object_absent(tmp_path: Path) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **item("n", "a")}
    files = {
        "pods.json": pods(item("a", "a")),
        "policy.json": policy,
        "collection.json": record(listed("Pod"), complete=True),
    }
    snapshot = load(write(tmp_path, files))
    assert rows(snapshot, "NetworkPolicy") == [("", "unknown", 1)]
    assert rows(snapshot, "Node") == [("", "absent", 0)]


def test_an_unreadable_file_makes_no_kind_absent(tmp_path: Path) -> None:
    files = {
        "pods.json": pods(item("a", "a")),
        "broken.json": "{",
        "collection.json": record(listed("Pod"), complete=True),
    }
    assert load(write(tmp_path, files)).coverage.answer(kinds.NODE).status == "not_asked"


@pytest.mark.parametrize(
    "files",
    [
        {"pods.json": pods(item("a", "a")), "collection.json": record(listed("Pod", count=1))},
        {"pods.v1.json": pods(item("a", "a")), "pods.v1.rc": "0\n", "pods.v1.err": ""},
    ],
    ids=["collection.json", "loop"],
)
def test_a_record_counts_in_an_archive_as_in_a_folder(tmp_path: Path, files: dict[str, Any]) -> None:
    folder = write(tmp_path / "dump", files)
    archive = tmp_path / "dump.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=".")
    assert rows(load(folder), "Pod") == rows(load(archive), "Pod") == [("", "answered", 1)]


def test_two_records_are_refused(tmp_path: Path) -> None:
    files = {f"{name}/collection.json": record(listed("Pod")) for name in "ab"}
    with pytest.raises(InputError, match=r"a/collection\.json and b/collection\.json: is there 2 times"):
        load(write(tmp_path, files))


@pytest.mark.parametrize("odd", [7, "text", [], {"metadata": {"name": "b"}, "kind": 7}])
def test_an_item_that_is_no_object_takes_the_proof_from_its_list(tmp_path: Path, odd: Any) -> None:
    files = {"pods.json": pods(item("a", "a"), odd), "collection.json": record(listed("Pod"))}
    snapshot = load(write(tmp_path, files))
    assert rows(snapshot, "Pod") == [("", "partial", 1)]
    assert list(snapshot.unreadable["position"]) == ["/items/1"]


def test_an_item_with_null_for_its_kind_takes_it_from_the_list(tmp_path: Path) -> None:
    nulls = {"apiVersion": None, "kind": None, **item("b", "a")}
    files = {"pods.json": pods(item("a", "a"), nulls, None), "collection.json": record(listed("Pod", count=2))}
    assert rows(load(write(tmp_path, files)), "Pod") == [("", "answered", 2)]


def test_a_list_with_a_version_was_written_by_a_server(tmp_path: Path) -> None:
    assert load(write(tmp_path, {"pods.json": pods()})).layout == "kubectl"


def test_objects_of_two_clusters_are_refused(tmp_path: Path) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace"}
    files = {f"{one}.json": {**namespace, "metadata": {"name": "kube-system", "uid": f"u-{one}"}} for one in "ab"}
    with pytest.raises(InputError, match="holds objects of 2 clusters: namespace kube-system has the uids u-a, u-b"):
        load(write(tmp_path, files))
