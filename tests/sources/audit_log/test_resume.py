"""An ingest that was killed goes on: no event is lost, none is counted twice, and the store is the same."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.sources.audit_log import AuditLog, cached_log, ingest
from hipaa_kit.sources.audit_log import ingestion as module
from hipaa_kit.sources.audit_log.kept import FOLDER_VARIABLE
from hipaa_kit.sources.audit_log.lines import batches
from hipaa_kit.sources.audit_log.store import MANIFEST
from tests.support.audit_log import event, event_list, jsonl, text

SMALL = 20_000
"""Bytes of a part and of a block in these tests, so that there are many."""

PROGRAM = f"""
import sys
import hipaa_kit.sources.audit_log.ingestion as module
from hipaa_kit.sources.audit_log.lines import batches
module.PART_BYTES = {SMALL}
batches.__defaults__ = ({SMALL},)
module.ingest([sys.argv[1]], sys.argv[2])
"""


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PART_BYTES", SMALL)
    monkeypatch.setattr(batches, "__defaults__", (SMALL,))
    return written(tmp_path)


def written(folder: Path) -> Path:
    place = folder / "logs"
    place.mkdir()
    (place / "a.log").write_bytes(jsonl([event(number) for number in range(150)]) + b'{"cut')
    (place / "b.log").write_bytes(jsonl([event(number) for number in range(100, 320)]))
    (place / "c.json").write_bytes(text(event_list([event(number) for number in range(300, 400)])).encode())
    (place / "d.log").write_bytes(b"nothing\n" + jsonl([event(number) for number in range(400, 500)]))
    return place


def facts(log: AuditLog) -> tuple[str, int, int, int, list[str]]:
    """Return the digest, and counts of the store and of the sources as independent sums."""
    counted = int(log.query("SELECT count(*) AS n FROM audit_events").loc[0, "n"])
    distinct = log.query("SELECT DISTINCT audit_id FROM audit_events ORDER BY 1")["audit_id"].tolist()
    sources = log.sources()
    return log.digest, counted, int(sources["events"].sum()), int(sources["unread"].sum()), distinct


EXPECTED = (500, 570, 2, [event(number)["auditID"] for number in range(500)])


class Killed(BaseException):
    """Stands for the end of the process at this very place."""


def test_without_a_kill(logs: Path, tmp_path: Path) -> None:
    assert facts(ingest([logs], tmp_path / "store"))[1:] == EXPECTED


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(
        st.tuples(st.sampled_from(["_save", "write", "frame_of", "rename", "finish"]), st.integers(0, 12)),
        min_size=1,
        max_size=3,
    )
)
def test_a_failure_anywhere_loses_nothing(
    places: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART_BYTES", SMALL)
        patch.setattr(batches, "__defaults__", (SMALL,))
        folder = tmp_path_factory.mktemp("resume")
        logs = written(folder)
        for place, after in places:
            with pytest.MonkeyPatch.context() as fault:
                break_at(fault, place, after)
                with contextlib.suppress(Killed):
                    ingest([logs], folder / "store")
        whole = ingest([logs], folder / "whole")
        assert facts(ingest([logs], folder / "store")) == facts(whole)
        assert facts(whole)[1:] == EXPECTED


def break_at(patch: pytest.MonkeyPatch, place: str, after: int) -> None:
    """Let a step fail at its call number `after`, half of them once it was carried out."""
    owner, name = {
        "_save": (module, "_save"),
        "finish": (module, "finish"),
        "write": (module.Writer, "write"),
        "frame_of": (module, "frame_of"),
        "rename": (Path, "rename"),
    }[place]
    real, calls = getattr(owner, name), iter(range(10_000))

    def broken(*given, **more):
        number = next(calls)
        if number == after and after % 2:
            raise Killed
        found = real(*given, **more)
        if number == after:
            raise Killed
        return found

    patch.setattr(owner, name, broken)


def test_a_process_that_is_killed_again_and_again(logs: Path, tmp_path: Path) -> None:
    whole = facts(ingest([logs], tmp_path / "whole"))
    chance = random.Random(26)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    target, kills = tmp_path / "store", 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(logs), str(target)], env=environment)
        parts = target / "parts"
        seen = len(list(parts.glob("*.parquet"))) if parts.is_dir() else 0
        while process.poll() is None and (len(list(parts.glob("*.parquet"))) if parts.is_dir() else 0) <= seen:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.05)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills
    assert facts(ingest([logs], target)) == whole
    assert whole[1:] == EXPECTED


def test_processes_that_read_the_same_log_at_once_wait_for_each_other(logs: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    call = [sys.executable, "-c", PROGRAM, str(logs), str(tmp_path / "store")]
    for process in [subprocess.Popen(call, env=environment) for _ in range(3)]:
        assert process.wait() == 0
    assert facts(AuditLog.open(tmp_path / "store"))[1:] == EXPECTED


def test_sources_that_changed_are_read_anew(logs: Path, tmp_path: Path) -> None:
    first = ingest([logs], tmp_path / "store")
    (logs / "b.log").write_bytes(jsonl([event(number) for number in range(150, 160)]))
    second = ingest([logs], tmp_path / "store")
    assert (first.events, second.events) == (500, 500 - 140 + 0)
    assert first.digest != second.digest


def test_a_store_that_is_whole_is_not_read_again(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = ingest([logs], tmp_path / "store").digest
    break_at(monkeypatch, "write", 0)
    assert ingest([logs], tmp_path / "store").digest == digest


def altered(store: Path, **values: object) -> None:
    """Change the manifest of a store, as one that another version made would have it."""
    manifest = json.loads((store / MANIFEST).read_text())
    (store / MANIFEST).write_text(json.dumps({**manifest, **values}))


@pytest.mark.parametrize("other", [{"columns": "event audit_id"}, {"format": "hipaa-kit/audit-log/v0"}])
def test_a_store_of_another_version_is_refused_and_read_anew_from_its_sources(
    other: dict[str, str], logs: Path, tmp_path: Path
) -> None:
    digest = ingest([logs], tmp_path / "store").digest
    altered(tmp_path / "store", **other)
    with pytest.raises(InputError, match="does not read"):
        AuditLog.open(tmp_path / "store")
    assert ingest([logs], tmp_path / "store").digest == digest


def test_a_store_that_was_damaged_is_read_anew_from_its_sources(logs: Path, tmp_path: Path) -> None:
    digest = ingest([logs], tmp_path / "store").digest
    next((tmp_path / "store" / "parts").glob("*.parquet")).write_bytes(b"none")
    with pytest.raises(InputError, match="altered"):
        AuditLog.open(tmp_path / "store")
    assert ingest([logs], tmp_path / "store").digest == digest


def test_a_run_that_other_code_began_is_not_gone_on_with(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        break_at(fault, "finish", 0)
        with pytest.raises(Killed):
            ingest([logs], tmp_path / "store")
    altered(tmp_path / "store", code="other", events=-1, sources=[])
    assert facts(ingest([logs], tmp_path / "store"))[1:] == EXPECTED


def test_the_cache_keeps_no_store_that_other_code_made(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    first = cached_log([logs])
    assert cached_log([logs]).folder == first.folder
    monkeypatch.setattr(module, "code_digest", lambda *_: "other")
    again = cached_log([logs])
    assert again.folder != first.folder
    assert again.digest == first.digest
