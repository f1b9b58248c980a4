"""Tables kept on disk are the tables that were built, or they are not believed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import hipaa_kit.inventory
from hipaa_kit.inventory import kept as module
from hipaa_kit.inventory.kept import FOLDER_VARIABLE, KeptTables
from hipaa_kit.inventory.registry import Inventory, discover, rests_on_snapshot_alone
from hipaa_kit.resources import shipped
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.store import open_snapshot, save_snapshot
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text
from tests.support.snapshots import snapshot_of

discover(hipaa_kit.inventory)


@pytest.fixture(scope="module")
def clinic() -> Snapshot:
    return import_dump(shipped("data") / "clinic" / "objects", pseudonymizer=Pseudonymizer(DEMO_KEY))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr(module, "LEAST_OBJECTS", 1)
    return tmp_path / "kept"


def names() -> list[str]:
    return [name for name in Inventory(snapshot_of()).names() if rests_on_snapshot_alone(name)]


def test_tables_read_back_are_those_that_were_built(clinic: Snapshot, folder: Path, tmp_path: Path) -> None:
    reopened = open_snapshot(save_snapshot(clinic, tmp_path / "clinic.snap"))
    built = {name: Inventory(reopened)[name] for name in names()}
    assert {path.stem for path in folder.glob("*/*.table")} == set(names())
    again = Inventory(open_snapshot(tmp_path / "clinic.snap"))
    for name, frame in built.items():
        pd.testing.assert_frame_equal(again[name], frame)
        TABLES[name].check(again[name])


def test_tables_of_a_fresh_import_are_those_of_the_reopened_snapshot(
    clinic: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    fresh, reopened = Inventory(clinic), Inventory(open_snapshot(save_snapshot(clinic, tmp_path / "clinic.snap")))
    for name in names():
        pd.testing.assert_frame_equal(fresh[name], reopened[name])


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other table"])
def test_a_file_that_is_not_whole_is_not_believed(clinic: Snapshot, folder: Path, damage: str) -> None:
    right = Inventory(clinic)["pods"]
    other = Inventory(clinic)["nodes"]
    [file] = folder.glob("*/pods.table")
    raw = bytearray(file.read_bytes())
    if damage == "flip":
        raw[len(raw) // 2] ^= 1
    elif damage == "other table":
        raw = bytearray(next(folder.glob("*/nodes.table")).read_bytes())
    else:
        raw = raw[: len(raw) // 2] if damage == "cut" else bytearray()
    file.write_bytes(raw)
    pd.testing.assert_frame_equal(Inventory(clinic)["pods"], right)
    assert len(other)


def test_another_snapshot_and_another_code_find_nothing(
    clinic: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = KeptTables.of(clinic)
    monkeypatch.setattr(module, "_code_digest", lambda: "other")
    other = KeptTables.of(clinic)
    less = KeptTables.of(snapshot_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"))
    assert held is not None
    assert other is not None
    assert less is not None
    assert len({held.folder, other.folder, less.folder}) == 3


def test_nothing_is_kept_of_small_snapshots_or_where_nothing_can_be_written(
    clinic: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    assert len(Inventory(clinic)["pods"])
    assert not (tmp_path / "kept").exists()
    monkeypatch.setattr(module, "LEAST_OBJECTS", 1)
    (tmp_path / "kept").write_text("a file stands where the folder would be")
    assert len(Inventory(clinic)["pods"])
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    assert KeptTables.of(clinic) is None


def test_only_the_snapshots_opened_last_are_kept(folder: Path) -> None:
    for number in range(module.MOST_FOLDERS + 3):
        KeptTables(folder / f"{number:032x}").keep(TABLES["nodes"], TABLES["nodes"].frame())
    assert len(list(folder.iterdir())) == module.MOST_FOLDERS


def test_every_type_of_column_comes_back(folder: Path) -> None:
    columns = (text("a", ""), flag("b", ""), maybe("c", ""), count("d", ""), amount("e", ""))
    table = Table("t", "one row", ("a",), columns)
    rows = [
        {"a": "", "b": True, "c": None, "d": 2**62, "e": 0.1},
        {"a": "ä\n", "c": True, "d": None, "e": None},
        {"a": "z", "c": False, "d": -1, "e": float(2**60)},
    ]
    for frame in (table.frame(rows), table.frame()):
        KeptTables(folder / "x").keep(table, frame)
        read = KeptTables(folder / "x").read(table)
        assert read is not None
        pd.testing.assert_frame_equal(read, frame)


def test_what_lies_beside_kept_tables_is_never_removed(folder: Path, clinic: Snapshot) -> None:
    theirs = [folder / ("a" * 32), folder / "photos", folder / ("b" * 32)]
    for place in theirs:
        place.mkdir(parents=True)
        (place / "cat.jpg").write_bytes(b"")
    (folder / ("c" * 32)).symlink_to(folder / "photos")
    for number in range(module.MOST_FOLDERS + 3):
        KeptTables(folder / f"{number:032x}").keep(TABLES["pods"], Inventory(clinic)["pods"])
    assert all((place / "cat.jpg").is_file() for place in theirs)
    assert (folder / ("c" * 32)).is_symlink()
