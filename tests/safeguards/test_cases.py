"""Every check, case by case: `<topic>/<check>/<case>/{objects.yaml, expected.csv}`.

A case may bring its own `scope.yaml` (an empty file: none is declared) and `coverage.csv` (group, kind,
namespace, status), a folder `inputs` of what is given beside the cluster, and a folder `records` of what people signed;
otherwise namespace `ehr` is in scope, every kind was answered, and nothing else was given. A folder `audit_log` holds
the API server's audit log. `checks.txt` names the checks whose findings one is judged by that
judges findings, which otherwise are all. `settings.json` sets parameters of checks. `expected.csv`
holds every finding of the check: object, verdict, reason.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.assess.facade import Assessment, registered_checks
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.safeguards.check import Check
from hipaa_kit.sources.audit_log import ingest
from hipaa_kit.sources.inputs import Inputs, read_inputs
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import Scope, load_scope
from hipaa_kit.sources.signed import Records, load_records
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY, objects_of, snapshot_of

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/HK-*/*/objects.yaml"))
EHR = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ehr", "labels": {"hipaa.io/phi": "true"}}}


def snapshot(case: Path) -> Snapshot:
    objects = objects_of((case / "objects.yaml").read_text(encoding="utf-8"))
    if not any(obj["kind"] == "Namespace" for obj in objects):
        objects.append(EHR)
    overrides = {}
    if (case / "coverage.csv").exists():
        with (case / "coverage.csv").open(encoding="utf-8", newline="") as file:
            overrides = {(r["group"], r["kind"], r["namespace"]): r["status"] for r in csv.DictReader(file)}
    live = any(obj["metadata"].get("uid") or "status" in obj for obj in objects) or not objects
    return snapshot_of(objects, overrides=overrides, layout="live" if live else "manifests")


def scope(case: Path) -> Scope | None:
    own = case / "scope.yaml"
    if not own.exists():
        return load_scope(HERE / "scope.yaml")
    return load_scope(own) if own.read_text(encoding="utf-8").strip() else None


def inputs(case: Path) -> Inputs | None:
    folder = case / "inputs"
    return read_inputs(folder, pseudonymizer=Pseudonymizer(TEST_KEY)) if folder.exists() else None


def records(case: Path) -> Records | None:
    folder = case / "records"
    return load_records(folder) if folder.exists() else None


class Narrowed(Assessment):
    """An assessment in which a check that judges findings has those of some checks alone."""

    def __init__(self, *given: Any, behind: tuple[str, ...], **options: Any) -> None:
        self.behind = tuple(registered_checks()[name] for name in behind)
        super().__init__(*given, **options)

    def checks_behind(self) -> tuple[Check, ...]:
        return self.behind


def found(case: Path) -> str:
    """Return the findings of the case's check as expected.csv holds them."""
    if not (case / "audit_log").exists():
        return found_in(case, snapshot(case))
    with tempfile.TemporaryDirectory() as folder:
        log = ingest([case / "audit_log"], folder)
        return found_in(case, replace(snapshot(case), audit_log=log))


def found_in(case: Path, seen: Snapshot) -> str:
    topic = case.parent.parent.name
    own = case / "settings.json"
    settings = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    beside = {"inputs": inputs(case), "records": records(case)}
    behind = case / "checks.txt"
    if behind.exists():
        beside["behind"] = tuple(behind.read_text(encoding="utf-8").split())
    made = Narrowed if behind.exists() else Assessment
    run = made(seen, scope(case), topics=[topic], parameters=settings, **beside)
    run.checks = [check for check in run.checks if check.id == case.parent.name]
    mine = run.findings()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["object", "verdict", "reason"])
    writer.writerows(mine[["object", "verdict", "reason"]].sort_values("object").itertuples(index=False))
    return out.getvalue()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case(case: Path) -> None:
    assert found(case) == (case / "expected.csv").read_text(encoding="utf-8")


def verdicts(check: str) -> set[str]:
    rows = [
        row["verdict"]
        for case in CASES
        if case.parent.name == check
        for row in csv.DictReader((case / "expected.csv").open(encoding="utf-8", newline=""))
    ]
    return set(rows)


@pytest.mark.parametrize("check", registered_checks())
def test_every_check_has_a_case_for_each_verdict_of_its_rule(check: str) -> None:
    rule = load_catalogue().control(check).rule
    asked = {verdict for verdict in rule if verdict != "note"} | {"not_assessed"}
    assert asked <= verdicts(check), f"{check} lacks cases for {sorted(asked - verdicts(check))}"


@pytest.mark.parametrize("check", registered_checks())
def test_no_check_says_what_its_rule_does_not(check: str) -> None:
    rule = load_catalogue().control(check).rule
    # Missing input and an empty population are the runner's to say, for every check.
    assert verdicts(check) <= {*rule, "not_assessed", "not_applicable"}


@pytest.mark.parametrize("check", registered_checks())
def test_cases_stand_where_their_topic_says(check: str) -> None:
    topic = load_catalogue().control(check).topic
    assert {case.parent.parent.name for case in CASES if case.parent.name == check} == {topic}
