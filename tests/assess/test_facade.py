"""One object answers for a snapshot; what it keeps is never stale, and what it says is weighed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import hipaa_kit
from hipaa_kit.assess.cache import StoredTables
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import open_any
from hipaa_kit.assess.relevance import severity_after
from hipaa_kit.assess.run_tables import RESULTS
from hipaa_kit.errors import InputError
from hipaa_kit.resources import shipped
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables import TABLES

CLINIC = shipped("data") / "clinic"
FIXED = shipped("data") / "clinic_fixed"


@pytest.fixture(scope="module")
def run() -> Assessment:
    return hipaa_kit.assessment(CLINIC)


def test_the_clinic_is_what_opens_when_nothing_is_named(run: Assessment) -> None:
    assert hipaa_kit.assessment().key == run.key


def test_every_table_can_be_asked_for_by_name_and_attribute(run: Assessment) -> None:
    for name in run.tables:
        pd.testing.assert_frame_equal(run.tables[name], getattr(run.tables, name))
        assert name in TABLES
    assert set(RESULTS) <= set(run.tables)
    with pytest.raises(AttributeError, match="there is no table 'podz'; tables are"):
        _ = run.tables.podz
    with pytest.raises(KeyError, match="podz"):
        _ = run.tables["podz"]


def test_what_is_kept_is_what_was_computed(run: Assessment, tmp_path: Path) -> None:
    kept = hipaa_kit.assessment(CLINIC, cache=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [run.key]
    again = hipaa_kit.assessment(CLINIC, cache=tmp_path)
    assert isinstance(again.tables, StoredTables)
    for name in run.tables:
        pd.testing.assert_frame_equal(again.tables[name], run.tables[name], check_exact=True)
        pd.testing.assert_frame_equal(kept.tables[name], run.tables[name])


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot": FIXED, "scope": CLINIC / "scope.yaml"},
        {"scope": FIXED / "scope.yaml"},
        {"as_of": "2026-11-21T00:00:00Z"},
        {"parameters": {"oom_window_hours": 1}},
        {"topics": ["availability"]},
    ],
    ids=lambda change: "-".join(change),
)
def test_any_other_input_has_another_key(run: Assessment, change: dict) -> None:
    place = change.pop("snapshot", CLINIC)
    assert hipaa_kit.assessment(place, **change).key != run.key


def test_the_moment_and_the_window_decide(run: Assessment) -> None:
    def killed(**options: object) -> set[str]:
        findings = hipaa_kit.assessment(CLINIC, topics="availability", **options).findings()
        return set(findings[findings["reason"].str.contains("ran out of memory")]["object"])

    assert killed() == {"Deployment/ehr/fhir-server"}
    assert killed(as_of="2026-11-21T00:00:00Z") == set()
    assert killed(parameters={"oom_window_hours": 24 * 7}) == {
        "Deployment/ehr/fhir-server",
        "Deployment/imaging/dcm4chee-arc",
    }


def test_only_the_topics_asked_for_are_run() -> None:
    run = hipaa_kit.assessment(CLINIC, topics=["scope_and_inventory"])
    assert set(run.findings()["topic"]) == {"scope_and_inventory"}
    assert set(run.parameters) == {"scope_review_days"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"topics": ["astrology"]}, "no topic 'astrology'"),
        ({"parameters": {"nonsense": 1}}, "no check has a parameter 'nonsense'"),
        ({"parameters": {"oom_window_hours": "24"}}, "give int"),
        ({"parameters": {"oom_window_hours": True}}, "give int"),
    ],
)
def test_a_wrong_option_is_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hipaa_kit.assessment(CLINIC, **options)


def test_without_a_scope_one_finding_fails_and_the_rest_is_open() -> None:
    run = Assessment(open_any(CLINIC))
    findings = run.findings()
    failed = set(findings[findings["verdict"] == "fail"]["check"])
    needs = [check.id for check in run.checks if check.needs_scope]
    assert "HK-PHI-01" in failed
    assert failed.isdisjoint(needs)
    assert set(findings[findings["check"].isin(needs)]["reason_code"]) == {"input_missing"}
    assert not run.judged_anything()
    assert "supported" not in set(run.tables.citations["status"])


def test_an_unanswered_candidate_keeps_citations_from_being_supported() -> None:
    fixed, scope = open_any(FIXED), load_scope(FIXED / "scope.yaml")
    statuses = dict(Assessment(fixed, scope).tables.citations[["citation", "status"]].itertuples(index=False))
    assert statuses["164.308(a)(7)(ii)(E)"] == "supported"
    wrong = load_scope(CLINIC / "scope.yaml")
    run = Assessment(fixed, wrong)
    assert not run.tables.ephi_candidates.empty
    assert "supported" not in set(run.tables.citations["status"])


def test_every_finding_that_judges_has_evidence(run: Assessment) -> None:
    judged = run.findings()[run.findings()["verdict"].isin(["pass", "fail", "not_applicable"])]
    proved = set(run.tables.finding_evidence[["check", "object"]].itertuples(index=False, name=None))
    assert set(judged[["check", "object"]].itertuples(index=False, name=None)) <= proved


def test_evidence_is_the_digest_of_an_object_in_the_snapshot_or_of_a_file_of_records(run: Assessment) -> None:
    digests = {*run.tables.provenance["sha256"], *run.tables.record_files["sha256"]}
    named = run.tables.finding_evidence
    assert set(named[named["sha256"] != ""]["sha256"]) <= digests


def test_an_id_stays_while_a_fingerprint_compares_clusters(run: Assessment) -> None:
    from dataclasses import replace

    other = replace(run.snapshot, identity=replace(run.snapshot.identity, uid="another"))
    findings, elsewhere = run.findings(), Assessment(other, run.scope, inputs=run.given, records=run.records).findings()
    assert list(findings["fingerprint"]) == list(elsewhere["fingerprint"])
    assert set(findings["finding_id"]).isdisjoint(elsewhere["finding_id"])
    assert findings["finding_id"].is_unique


@pytest.mark.parametrize(
    ("base", "relevance", "after"),
    [
        ("critical", "in_scope", "critical"),
        ("critical", "adjacent", "high"),
        ("info", "adjacent", "info"),
        ("high", "none", "info"),
    ],
)
def test_severity_is_weighed_by_nearness_to_ephi(base: str, relevance: str, after: str) -> None:
    assert severity_after(base, relevance) == after


def test_a_zone_is_less_severe_than_a_node(run: Assessment) -> None:
    spread = run.findings()[run.findings()["check"] == "HK-AVL-03"].set_index("object")
    assert spread.loc["Deployment/integration/mirth", "severity"] == "high"
    assert spread.loc["StatefulSet/imaging/orthanc", "severity"] == "medium"


def test_the_coverage_behind_a_table_is_told(run: Assessment) -> None:
    behind = run.coverage_of("disruption_budgets")
    assert list(behind["kind"]) == ["PodDisruptionBudget"]
    assert {"Pod", "ReplicaSet"} <= set(run.coverage_of("pods")["kind"])
    with pytest.raises(InputError, match="no table 'findings' of the inventory"):
        run.coverage_of("findings")


def test_the_same_snapshot_saved_and_opened_gives_the_same_key(run: Assessment, tmp_path: Path) -> None:
    path = hipaa_kit.save_snapshot(run.snapshot, tmp_path / "x.snap")
    assert hipaa_kit.assessment(path, scope=CLINIC / "scope.yaml").key == run.key
    assert json.loads((path / "snapshot.json").read_text())["digest"] == run.snapshot.digest
