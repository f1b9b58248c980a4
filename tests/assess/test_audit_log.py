"""Where an audit log is found, and what is said where its events are not at hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import LOG_VARIABLE, assessment
from hipaa_kit.cli import main
from hipaa_kit.errors import InputError
from hipaa_kit.sources.audit_log import ingest
from hipaa_kit.sources.inputs import open_inputs, save_inputs
from hipaa_kit.sources.store import open_snapshot
from tests.support.audit_log import event, jsonl

OBJECTS = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ehr, uid: u1}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: n1, uid: u2}\n"
SCOPE = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: one, owner: a@example.org, reviewed_on: 2026-11-01}
entries:
- {podSelector: "app=x", owner: a@example.org, data_class: ephi, criticality: high}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_AUDIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    folder = tmp_path / "dump"
    (folder / "cp-1").mkdir(parents=True)
    (folder / "objects.yaml").write_text(OBJECTS)
    (folder / "cp-1" / "audit.log").write_bytes(jsonl([event(number) for number in range(4)]))
    return folder


def verdicts(run: Assessment) -> dict[str, str]:
    found = run.findings()
    return dict(found[found["check"].isin(["HK-AUD-11", "HK-AUD-12"])].groupby("check")["verdict"].first())


def test_a_log_in_a_dump_is_found(dump: Path) -> None:
    run = assessment(dump, topics=["audit_trails"])
    assert run.tables.audit_windows["object"].tolist() == ["AuditLog//kube-apiserver@cp-1"]
    assert run.tables.audit_sources["store"].tolist() == [run.snapshot.audit_log.digest]


def test_a_log_that_is_named_counts(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "other.log").write_bytes(jsonl([event(9)]))
    assert assessment(dump, audit_log=tmp_path / "other.log").snapshot.audit_log.events == 1


def test_importing_keeps_the_log_beside_the_snapshot(dump: Path, tmp_path: Path) -> None:
    assert main(["import", str(dump), "-o", str(tmp_path / "made.snap")]) == 0
    assert open_snapshot(tmp_path / "made.snap").audit_log is None
    assert assessment(tmp_path / "made.snap").snapshot.audit_log.events == 4


def test_a_named_file_without_an_event_is_refused(dump: Path) -> None:
    with pytest.raises(InputError, match="no event"):
        assessment(dump, audit_log=dump / "objects.yaml")


def test_without_the_store_nothing_of_its_events_is_assessed(dump: Path, tmp_path: Path) -> None:
    run = assessment(dump, topics=["audit_trails"])
    frozen = open_inputs(save_inputs(run.given, tmp_path / "frozen"))
    bare = Assessment(assessment(dump / "objects.yaml").snapshot, topics=["audit_trails"], inputs=frozen)
    assert bare.snapshot.audit_log is None
    assert frozen.digest == run.given.digest
    assert verdicts(bare) == {"HK-AUD-11": "not_assessed", "HK-AUD-12": "not_assessed"}
    assert verdicts(run)["HK-AUD-12"] == "pass"


def test_the_results_depend_on_the_log(dump: Path, tmp_path: Path) -> None:
    bare = assessment(dump / "objects.yaml").snapshot
    (tmp_path / "a.log").write_bytes(jsonl([event(1)]))
    (tmp_path / "b.log").write_bytes(jsonl([event(2)]))
    logs = [ingest([tmp_path / name], tmp_path / f"store-{name}") for name in ("a.log", "b.log")]
    assert len({assessment(bare, audit_log=log).key for log in (None, *logs)}) == 3


def test_a_snapshot_s_own_log_comes_before_the_one_beside_the_scope(dump: Path, tmp_path: Path) -> None:
    assert main(["import", str(dump), "-o", str(tmp_path / "one.snap")]) == 0
    beside = tmp_path / "scoped"
    (beside / "audit_log").mkdir(parents=True)
    (beside / "audit_log" / "other.log").write_bytes(jsonl([event(9)]))
    (beside / "scope.yaml").write_text(SCOPE)
    run = assessment(tmp_path / "one.snap", scope=beside / "scope.yaml")
    assert run.snapshot.audit_log is not None
    assert run.snapshot.audit_log.events == 4
    out = tmp_path / "bundle"
    arguments = ["assess", str(tmp_path / "one.snap"), "--scope", str(beside / "scope.yaml"), "-o", str(out)]
    main([*arguments, "--notebooks", "none"])
    told = pd.read_csv(out / "data" / "tables" / "audit_sources.csv")
    assert told["events"].sum() == 4


def test_notebooks_of_a_bundle_are_told_the_store_by_the_environment(
    dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "objects.yaml").write_text(OBJECTS)
    assert assessment(bare).snapshot.audit_log is None
    monkeypatch.setenv(LOG_VARIABLE, str(ingest([dump / "cp-1"], tmp_path / "store").folder))
    log = assessment(bare).snapshot.audit_log
    assert log is not None
    assert log.events == 4
