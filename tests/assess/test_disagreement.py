"""Differences are shown in both directions, and no report changes a verdict."""

from __future__ import annotations

import pandas as pd
import pytest

from hipaa_kit.assess.disagreement import disagreements
from hipaa_kit.catalogue import ScannerCheck, load_scanner_checks
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.tables.results import FINDINGS

MAPPING = (ScannerCheck("trivy", "KSV-0016", "HK-AVL-05", "same", "", "https://example.org/"),)
DB, WEB = "StatefulSet/ehr/db", "Deployment/ehr/web"


def findings(**verdicts: str) -> pd.DataFrame:
    common = {"check": "HK-AVL-05", "severity": "low", "base_severity": "low", "ephi_relevance": "in_scope"}
    names = {"db": DB, "web": WEB}
    return FINDINGS.frame({**common, "object": names[name], "verdict": said} for name, said in verdicts.items())


def reports(*said: tuple[str, str], check: str = "KSV016", tool: str = "trivy") -> pd.DataFrame:
    return SCANNER_FINDINGS.frame(
        {"tool": tool, "check": check, "object": name, "outcome": outcome, "source": "t.json", "position": f"/{number}"}
        for number, (name, outcome) in enumerate(said)
    )


def kinds(*tables: pd.DataFrame, **options: dict[str, str]) -> list[tuple[str, str]]:
    found = disagreements(*tables, MAPPING, **options)
    return list(found[["object", "difference"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("verdict", "outcome", "difference"),
    [
        ("pass", "passed", None),
        ("fail", "failed", None),
        ("pass", "failed", "we pass, they fail"),
        ("fail", "passed", "we fail, they pass"),
        ("not_assessed", "failed", "only they saw"),
        ("not_applicable", "passed", "only they saw"),
        ("review", "failed", "only they saw"),
        ("fail", "muted", "only we saw"),
        ("pass", "not_evaluated", "only we saw"),
        ("not_assessed", "manual", None),
    ],
)
def test_every_pair_of_verdict_and_outcome(verdict: str, outcome: str, difference: str | None) -> None:
    assert kinds(findings(db=verdict), reports((DB, outcome))) == ([(DB, difference)] if difference else [])


def test_an_object_that_one_side_does_not_name() -> None:
    both = kinds(findings(web="fail"), reports((DB, "failed"), ("Pod/x/y", "passed")))
    assert both == [(WEB, "only we saw"), ("Pod/x/y", "only they saw"), (DB, "only they saw")]


def test_silence_of_a_report_that_lists_no_passes_is_no_difference_to_a_pass() -> None:
    assert kinds(findings(web="pass", db="fail"), reports((DB, "failed"))) == []
    assert kinds(findings(web="pass", db="pass"), reports((DB, "passed"))) == [(WEB, "only we saw")]


def test_a_tool_without_a_report_differs_from_nothing() -> None:
    assert kinds(findings(db="fail"), reports()) == []
    assert kinds(findings(db="fail"), reports((DB, "passed"), check="KSV-0104")) == []
    assert kinds(findings(db="fail"), reports((DB, "passed"), tool="kubescape")) == []


def test_a_control_that_was_not_run_differs_from_nothing() -> None:
    assert kinds(findings(), reports((DB, "failed"))) == []


def test_pods_are_compared_under_their_workload_and_the_worst_counts() -> None:
    said = reports(("Pod/ehr/db-0", "passed"), ("Pod/ehr/db-1", "failed"), ("Pod/ehr/db-2", "muted"))
    owners = {f"Pod/ehr/db-{number}": DB for number in range(3)}
    found = disagreements(findings(db="pass"), said, MAPPING, owners)
    assert list(found[["object", "outcome", "position"]].itertuples(index=False, name=None)) == [(DB, "failed", "/1")]


def test_no_input_is_changed() -> None:
    ours, theirs = findings(db="fail"), reports((DB, "passed"))
    before = (ours.copy(), theirs.copy())
    row = disagreements(ours, theirs, load_scanner_checks()).iloc[0]
    pd.testing.assert_frame_equal(ours, before[0])
    pd.testing.assert_frame_equal(theirs, before[1])
    assert (row["control"], row["check"], row["relation"], row["source"]) == ("HK-AVL-05", "KSV-0016", "same", "t.json")
