"""A snapshot on disk is canonical, written whole, and refused when it is damaged."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hipaa_kit.errors import LeakError, OutputError, SnapshotError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import FACTS
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.sources.store import is_snapshot, open_snapshot, save_snapshot
from tests.support.snapshots import TEST_KEY, snapshot_of

OBJECTS = """
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: ehr, uid: "2"}
spec: {containers: [{name: app, image: "example/app:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: ehr, uid: "1"}
spec: {containers: [{name: app, image: "example/app:1"}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {hipaa.io/phi: "true"}}
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_snapshot(snapshot_of(OBJECTS), tmp_path / "x.snap")


def same(first: Snapshot, second: Snapshot) -> bool:
    return first.digest == second.digest and first.objects("Pod") == second.objects("Pod")


def test_what_is_saved_is_opened(saved: Path) -> None:
    snapshot = open_snapshot(saved)
    assert same(snapshot, snapshot_of(OBJECTS))
    assert [pod["metadata"]["name"] for pod in snapshot.objects("Pod")] == ["a", "b"]
    assert snapshot.coverage.to_csv() == snapshot_of(OBJECTS).coverage.to_csv()
    assert is_snapshot(saved)


def test_the_same_objects_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    objects = OBJECTS.split("---")
    first = save_snapshot(snapshot_of(OBJECTS), tmp_path / "1")
    # Positions differ with the order of the input; everything else is sorted.
    assert [path.name.split(".")[0] for path in sorted((first / "parts").iterdir())] == ["Namespace", "Pod"]
    twin = save_snapshot(snapshot_of("---".join(objects)), tmp_path / "2")
    for path in sorted(first.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (twin / path.relative_to(first)).read_bytes()


def test_parts_are_named_by_their_content(saved: Path) -> None:
    manifest = json.loads((saved / "snapshot.json").read_text())
    names = {path.name for path in (saved / "parts").iterdir()}
    expected = {f"{p['kind']}.{p['group'] or 'core'}.{p['sha256'][:16]}.jsonl.gz" for p in manifest["parts"]}
    assert names == expected


def test_an_existing_place_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        save_snapshot(snapshot_of(OBJECTS), tmp_path / "x")
    assert not list((tmp_path / "x").iterdir())


def test_a_leak_stops_the_write_and_leaves_nothing_behind(tmp_path: Path) -> None:
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    builder.cover(group="", kind="Pod", status="refused", error="Bearer abcdefghijklmnopqrstuvwxyz0123456789")
    with pytest.raises(LeakError) as error:
        save_snapshot(builder.build(), tmp_path / "x")
    assert "abcdefghij" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_part_is_refused_by_name(saved: Path, damage: str) -> None:
    part = next((saved / "parts").glob("Pod.*"))
    raw = bytearray(part.read_bytes())
    if damage == "flip":
        raw[len(raw) // 2] ^= 0xFF
        part.write_bytes(raw)
    elif damage == "truncate":
        part.write_bytes(raw[: len(raw) // 2])
    else:
        part.unlink()
    snapshot = open_snapshot(saved)
    with pytest.raises(SnapshotError, match="part Pod"):
        snapshot.records(kinds.POD)


def test_a_part_exchanged_for_another_is_refused(saved: Path, tmp_path: Path) -> None:
    other = save_snapshot(snapshot_of(OBJECTS.replace("example/app", "example/other")), tmp_path / "other")
    mine, theirs = (next((place / "parts").glob("Pod.*")) for place in (saved, other))
    shutil.copy(theirs, mine)
    with pytest.raises(SnapshotError, match="part Pod"):
        open_snapshot(saved).objects("Pod")


@pytest.mark.parametrize("name", ["coverage.csv", "conflicts.csv", "unreadable.csv"])
def test_an_altered_table_is_refused_by_name(saved: Path, name: str) -> None:
    (saved / name).write_text((saved / name).read_text().replace("answered", "absent") + "\n")
    with pytest.raises(SnapshotError, match=name.replace(".", r"\.")):
        open_snapshot(saved)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "cannot be read"), ("[]", "format"), ('{"format": "hipaa-kit/snapshot/v9"}', "format"),
     ('{"format": "hipaa-kit/snapshot/v1"}', "lacks")],
)  # fmt: skip
def test_a_broken_manifest_is_refused(saved: Path, text: str, words: str) -> None:
    (saved / "snapshot.json").write_text(text)
    with pytest.raises(SnapshotError, match=words):
        open_snapshot(saved)


def test_a_snapshot_keeps_by_which_rules_its_facts_were_taken(saved: Path) -> None:
    assert open_snapshot(saved).facts == FACTS
    assert open_snapshot(saved).lacks(FACTS) == []


@pytest.mark.parametrize("earlier", [{}, {**FACTS, "credentials": 0}])
def test_a_snapshot_of_before_a_fact_says_so(tmp_path: Path, earlier: dict[str, int]) -> None:
    older = replace(snapshot_of(OBJECTS), facts=earlier)
    opened = open_snapshot(save_snapshot(older, tmp_path / "older"))
    assert opened.lacks(["credentials"]) == ["credentials"]
    assert opened.digest != snapshot_of(OBJECTS).digest


@pytest.mark.parametrize("facts", ["[]", '"credentials"', '{"credentials": "1"}', "null"])
def test_facts_of_another_form_are_refused(saved: Path, facts: str) -> None:
    path = saved / "snapshot.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "facts": json.loads(facts)}))
    with pytest.raises(SnapshotError, match="facts"):
        open_snapshot(saved)


def test_an_altered_manifest_is_refused(saved: Path) -> None:
    path = saved / "snapshot.json"
    path.write_text(path.read_text().replace("2026-11-20", "2026-11-21"))
    with pytest.raises(SnapshotError, match="digest"):
        open_snapshot(saved)


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="is no snapshot"):
        open_snapshot(tmp_path)


def test_canonical_json_is_one_form() -> None:
    assert canonical_json({"b": [1, "ä"], "a": None}) == '{"a":null,"b":[1,"ä"]}'.encode()


def test_the_same_object_read_twice_is_kept_once_and_a_difference_is_reported() -> None:
    newer = OBJECTS.replace('uid: "1"', 'uid: "1", resourceVersion: "9"').replace("example/app:1", "example/app:2")
    snapshot = snapshot_of(OBJECTS + "---" + newer)
    assert len(snapshot.objects("Pod")) == 2
    assert snapshot.objects("Pod")[0]["spec"]["containers"][0]["image"] == "example/app:2"
    assert list(snapshot.conflicts["name"]) == ["a", "b"]
    assert len(snapshot_of(OBJECTS + "---" + OBJECTS).conflicts) == 0


def test_taking_a_kind_out_is_recorded_in_coverage() -> None:
    gone = snapshot_of(OBJECTS).without(kinds.POD, "ehr", status="refused", error="pods is forbidden")
    assert gone.objects("Pod") == ()
    assert gone.coverage.answer(kinds.POD, "ehr").status == "refused"
    assert gone.coverage.answer(kinds.POD, "lab").status == "answered"
    assert gone.coverage.answer(kinds.POD).status == "refused"
    assert gone.objects("Namespace") == snapshot_of(OBJECTS).objects("Namespace")
