"""Tables of an audit log are made once of the same log and the same neighbours, and again of anything else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import hipaa_kit.graph
import hipaa_kit.inventory
from hipaa_kit.assess.opening import assessment
from hipaa_kit.inventory.audit_log import remembered as module
from hipaa_kit.inventory.audit_log.remembered import digest_of, of_log
from hipaa_kit.inventory.kept import FOLDER_VARIABLE
from hipaa_kit.inventory.registry import BUILDERS, discover
from hipaa_kit.sources.audit_log import AuditLog, ingest
from hipaa_kit.tables.audit_log import AUDIT_LEVELS
from tests.support.audit_log import event, jsonl

for package in (hipaa_kit.inventory, hipaa_kit.graph):
    discover(package)
OF_LOGS = sorted(name for name, builder in BUILDERS.items() if {"snapshot", "audit_sources"} <= set(builder.needs))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr(module, "_MADE", {})
    return tmp_path / "kept"


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return logged(tmp_path, "a", 4)


def logged(folder: Path, name: str, events: int) -> AuditLog:
    (folder / f"{name}.log").write_bytes(jsonl([event(number) for number in range(events)]))
    return ingest([folder / f"{name}.log"], folder / f"{name}.store")


def levels(log: AuditLog, *made_from: pd.DataFrame | str, events: int = 1) -> int:
    """Return how many events the table tells, which says which of the calls made it."""
    row = {"log": "kube-apiserver", "api_group": "", "resource": "pods", "subresource": "", "kind": "read"}
    told = {**row, "least": "Metadata", "most": "Metadata", "events": events}
    return int(of_log(AUDIT_LEVELS, log, made_from, lambda _: [told])["events"].sum())


@pytest.mark.parametrize("process", ["the same process", "another process"])
def test_a_table_is_made_again_only_of_something_else(
    log: AuditLog, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    def call(*given, events: int) -> int:
        if process == "another process":
            monkeypatch.setattr(module, "_MADE", {})
        return levels(*given, events=events)

    frame = pd.DataFrame({"user": ["ann", ""]}, dtype="str")
    assert call(log, frame, "x", events=1) == 1
    assert call(log, frame.copy(), "x", events=2) == 1
    assert call(log, frame.replace("ann", "bob"), "x", events=3) == 3
    assert call(log, frame.replace("", None), "x", events=4) == 4
    assert call(log, frame, "y", events=5) == 5
    assert call(logged(tmp_path, "b", 5), frame, "x", events=6) == 6


def test_without_a_folder_it_is_still_made_once_in_a_process(
    log: AuditLog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    assert (levels(log, events=1), levels(log, events=2)) == (1, 1)
    monkeypatch.setattr(module, "_MADE", {})
    assert levels(log, events=3) == 3
    assert not folder.exists()


def test_where_one_part_ends_and_the_next_begins_counts() -> None:
    a, b = pd.DataFrame({"a": ["1", "2"]}, dtype="str"), pd.DataFrame({"a": ["1"]}, dtype="str")
    number = pd.DataFrame({"a": [1, 2]})
    digests = [digest_of(each) for each in ([a, b], [b, a], [a], [a, a], [number], ["ab", "c"], ["a", "bc"], [])]
    assert len(set(digests)) == len(digests)


def test_tables_of_the_clinics_log_read_back_are_those_that_were_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*OF_LOGS, "detection_hits"]
    assert {"audit_gaps", "audit_levels", "audit_windows", "identity_use"} <= set(names)
    first = assessment()
    made = {name: first.tables[name] for name in names}
    monkeypatch.setattr(module, "_MADE", {})
    monkeypatch.setattr(AuditLog, "query", None)  # whoever asks the log once more fails
    again = assessment()
    for name, frame in made.items():
        pd.testing.assert_frame_equal(again.tables[name], frame)
    assert len(made["detection_hits"]) > 10
