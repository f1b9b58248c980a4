"""Taking away objects or inputs never makes access control look better, with all that the clinic gives beside its cluster."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import open_any
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.inputs import Inputs, read_inputs
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import Scope, load_scope
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY

DATA = Path(__file__).parent.parent.parent / "data"
CHECKS = ("HK-ACC-11", "HK-ACC-12", *(f"HK-ACC-{number}" for number in range(15, 23)))
FILES = ("admission.yaml", "eks.json", "nodes/worker-b1/kubelet-config.yaml")
BETTER = ("pass", "not_applicable")


@cache
def twin(name: str) -> tuple[Snapshot, Scope]:
    return open_any(DATA / name), load_scope(DATA / name / "scope.yaml")


def inputs_of(name: str, folder: Path, without: str = "") -> Inputs:
    """Read the inputs of a twin, but for one file."""
    for path in (DATA / name / "inputs").rglob("*"):
        relative = path.relative_to(DATA / name / "inputs").as_posix()
        if path.is_file() and relative != without:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).write_bytes(path.read_bytes())
    return read_inputs(folder, pseudonymizer=Pseudonymizer(TEST_KEY))


def verdicts(snapshot: Snapshot, scope: Scope, inputs: Inputs) -> dict[tuple[str, str], str]:
    findings = Assessment(snapshot, scope, topics=["access_control"], inputs=inputs).findings()
    mine = findings[findings["check"].isin(CHECKS)]
    return {(check, name): said for check, name, said in mine[["check", "object", "verdict"]].itertuples(index=False)}


def kinds_read() -> list[Kind]:
    run = Assessment(*twin("clinic"), topics=["access_control"])
    return sorted({kind for check in run.checks if check.id in CHECKS for kind in check.kinds})


def hold(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> None:
    for key, said in after.items():
        assert said != "error", key
        assert said not in BETTER or before.get(key) == said, (key, before.get(key), said)


@pytest.mark.parametrize("name", ["clinic", "clinic_fixed"])
@pytest.mark.parametrize("file", FILES)
def test_without_a_file_nothing_gets_better(name: str, file: str, tmp_path: Path) -> None:
    before = verdicts(*twin(name), inputs_of(name, tmp_path / "all"))
    after = verdicts(*twin(name), inputs_of(name, tmp_path / "rest", file))
    assert before != after
    hold(before, after)


def test_without_a_kind_nothing_gets_better(tmp_path: Path) -> None:
    given = inputs_of("clinic", tmp_path)
    snapshot, scope = twin("clinic")
    before = verdicts(snapshot, scope, given)
    for kind in kinds_read():
        hold(before, verdicts(snapshot.without(kind, "", status="refused", error="taken away"), scope, given))
