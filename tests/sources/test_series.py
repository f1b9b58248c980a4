"""Which snapshots a path holds, in which order, and which series are refused."""

from __future__ import annotations

import gc
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.assess.opening import open_any
from hipaa_kit.errors import InputError
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.series import Series, find_series
from hipaa_kit.sources.snapshot import Identity, Snapshot
from hipaa_kit.sources.store import save_snapshot
from tests.support import tiny_cluster
from tests.support.snapshots import snapshot_of
from tests.support.tiny_cluster import Writer

SYSTEM = "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, uid: SYSTEM}\n"
DAYS = [f"2026-11-2{day}T01:00:00Z" for day in range(3, 6)]


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path.parent / "key"))


def backup(folder: Path, name: str, at: str, **options: Any) -> Path:
    tiny_cluster.velero(Writer(folder), name=name, **options)
    record = folder / name / "velero-backup.json"
    if record.exists():
        content = json.loads(record.read_text())
        content["status"]["startTimestamp"] = at
        record.write_text(json.dumps(content))
    return folder / name


def bucket(folder: Path) -> None:
    for number, day in enumerate(DAYS):
        backup(folder / "backups", f"daily-{number}", day)
    (folder / "restores").mkdir()


def snapshots(folder: Path) -> None:
    for number, day in enumerate(DAYS):
        save_snapshot(snapshot_of(SYSTEM, collected_at=day), folder / f"{number}.snap")


def tarballs(folder: Path) -> None:
    for number, _ in enumerate(DAYS):
        place = backup(folder, f"daily-{number}", "", beside=False)
        (place / f"{place.name}.tar.gz").rename(folder / f"daily-{number}-data.tar.gz")
        place.rmdir()
    (folder / "notes.txt").write_text("what was backed up")
    (folder / "damaged.tar.gz").write_bytes(b"\x1f\x8b nothing")


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (bucket, ["backups/daily-0", "backups/daily-1", "backups/daily-2"]),
        (snapshots, ["0.snap", "1.snap", "2.snap"]),
        (tarballs, ["daily-0-data.tar.gz", "daily-1-data.tar.gz", "daily-2-data.tar.gz"]),
        (lambda folder: backup(folder, "one", DAYS[0]), ["one"]),
        (lambda folder: tiny_cluster.kubectl(Writer(folder)), ["."]),
        (lambda folder: tiny_cluster.rancher(Writer(folder)), ["."]),
    ],
)
def test_a_folder_of_backups_or_snapshots_is_a_series(
    tmp_path: Path, write: Callable[[Path], Any], found: list[str]
) -> None:
    write(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in find_series(tmp_path)] == found


def test_a_path_that_is_one_snapshot_or_file_is_itself(tmp_path: Path) -> None:
    snapshots(tmp_path)
    assert find_series(tmp_path / "0.snap") == [tmp_path / "0.snap"]
    assert find_series(tmp_path / "nothing") == [tmp_path / "nothing"]


def test_a_snapshot_that_is_half_written_is_no_part(tmp_path: Path) -> None:
    snapshots(tmp_path)
    shutil.copytree(tmp_path / "0.snap", tmp_path / ".0.snap.x1")
    assert len(find_series(tmp_path)) == 3


def test_snapshots_are_ordered_by_their_moments_whatever_they_are_called(tmp_path: Path) -> None:
    for name, day in zip("cab", DAYS, strict=True):
        save_snapshot(snapshot_of(SYSTEM, collected_at=day), tmp_path / name)
    assert [Path(each.place).name for each in Series([tmp_path], open_any).moments] == ["c", "a", "b"]


def test_moments_are_compared_in_utc() -> None:
    late = snapshot_of(SYSTEM, collected_at="2026-11-23T01:00:00.5-05:00")
    early = snapshot_of(SYSTEM, collected_at="2026-11-23T02:00:00Z")
    assert [each.at for each in Series([late, early], open_any).moments] == [
        "2026-11-23T02:00:00Z",
        "2026-11-23T06:00:00Z",
    ]


OTHERS = {
    "a": "kind: ServiceAccount\nmetadata: {name: default, namespace: kube-system, uid: UID}",
    "s": "kind: Service\nmetadata: {name: kubernetes, namespace: default, uid: UID}",
}


def cluster(uid: str, system: str = "", others: str = "", day: str = DAYS[0]) -> Snapshot:
    """Return a snapshot with the uids of a cluster, of its namespace kube-system, and of other objects."""
    texts = [SYSTEM.replace("SYSTEM", system)] if system else []
    texts += ["apiVersion: v1\n" + OTHERS[other[0]].replace("UID", other) for other in others.split()]
    return replace(snapshot_of("\n---\n".join(texts), collected_at=day), identity=Identity("c", uid))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (("u",), ("v",), "uid u here and v"),
        (("u", "s"), ("v", "s"), "uid u here and v"),
        (("", "s"), ("v", "t"), "Namespace//kube-system has uid s here and t"),
        (("", "", "a1 s1"), ("v", "", "a2 s2"), "Service/default/kubernetes has uid s1 here and s2"),
    ],
)
def test_two_clusters_are_refused(first: tuple, second: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Series([cluster(*first), cluster(*second, day=DAYS[1])], open_any)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("u", "", ""), ("u", "", "")),
        (("", "", "a1 s1"), ("v", "", "a2 s1")),
        (("", "", ""), ("v", "", "")),
    ],
)
def test_one_cluster_is_opened_also_where_its_uid_is_not_known(first: tuple, second: tuple) -> None:
    assert len(Series([cluster(*first), cluster(*second, day=DAYS[1])], open_any).moments) == 2


def test_other_clusters_are_found_also_behind_one_that_tells_nothing() -> None:
    with pytest.raises(InputError, match="is of another cluster"):
        Series([cluster("u"), cluster("", day=DAYS[1]), cluster("v", day=DAYS[2])], open_any)


def test_two_snapshots_of_one_moment_are_refused() -> None:
    with pytest.raises(InputError, match="is of the same moment as"):
        Series([snapshot_of(SYSTEM), snapshot_of(SYSTEM)], open_any)


def test_a_snapshot_that_was_read_while_the_next_began_is_refused() -> None:
    slow = snapshot_of(SYSTEM, collected_at=DAYS[0])
    slow.coverage.frame.loc[0, "ended_at"] = DAYS[2]
    with pytest.raises(InputError, match="was still being read"):
        Series([slow, snapshot_of(SYSTEM, collected_at=DAYS[1])], open_any)


def test_a_moment_that_is_not_recorded_is_asked_for(tmp_path: Path) -> None:
    tarballs(tmp_path)
    with pytest.raises(InputError, match=r"does not record when it was read.*--at"):
        Series([tmp_path], open_any)
    at = {str(path): day for path, day in zip(find_series(tmp_path), reversed(DAYS), strict=True)}
    found = Series([tmp_path], open_any, at).moments
    assert [(each.at, each.basis) for each in found] == [(day, "given") for day in DAYS]
    assert Path(found[0].place).name == "daily-2-data.tar.gz"


@pytest.mark.parametrize(("at", "words"), [({"x": DAYS[0]}, "not part of"), ({"0.snap": "monday"}, "is no moment")])
def test_a_moment_that_fits_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: dict, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    snapshots(tmp_path)
    with pytest.raises(InputError, match=words):
        Series(["."], open_any, at)


def test_an_empty_series_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to open"):
        Series([], open_any)


def test_a_backup_is_imported_once_and_one_snapshot_is_open_at_a_time(tmp_path: Path) -> None:
    bucket(tmp_path)
    opened: list[Path] = []
    known: list[weakref.ref[Snapshot]] = []

    def opener(path: Path) -> Snapshot:
        opened.append(path)
        snapshot = import_dump(path)
        known.append(weakref.ref(snapshot))
        return snapshot

    series = Series([tmp_path], opener)
    gc.collect()
    assert len(opened) == 3
    assert not any(each() for each in known)
    for _ in range(2):
        for _, snapshot in series.walk():
            known.append(weakref.ref(snapshot))
            assert snapshot.objects("Pod")
            del snapshot
            gc.collect()
            assert not any(each() for each in known)
    assert len(opened) == 3


def test_what_was_imported_goes_with_the_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket(tmp_path / "bucket")
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    series = Series([tmp_path / "bucket"], open_any)
    (kept,) = (tmp_path / "work").iterdir()
    assert len(list(kept.iterdir())) == 3
    assert kept.stat().st_mode & 0o777 == 0o700
    del series
    gc.collect()
    assert not kept.exists()
