"""A citation is never better than what was looked at."""

import pandas as pd
import pytest

from hipaa_kit.assess.rollup import assessed_fraction, roll_up_citations, roll_up_topics
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.results import FINDING_CITATIONS, FINDINGS

CATALOGUE = load_catalogue()
CITATION = "164.308(a)(7)(ii)(E)"


def ran(*ids: str, needs_scope: bool = False) -> list[Check]:
    tables = ("ephi_objects",) if needs_scope else ()
    return [Check(name, lambda: None, tables, {}, False, not needs_scope) for name in ids]


def rolled(verdicts: list[tuple[str, str]], checks: list[Check] | None = None, candidates: int = 0) -> dict[str, str]:
    """Return the status of every citation for findings given as (check, verdict)."""
    findings = FINDINGS.frame(
        {
            "check": check,
            "object": f"Pod/a/{n}",
            "verdict": verdict,
            "severity": "high",
            "base_severity": "high",
            "ephi_relevance": "in_scope",
            "topic": CATALOGUE.control(check).topic,
        }
        for n, (check, verdict) in enumerate(verdicts)
    )
    links = FINDING_CITATIONS.frame(
        {
            "check": check,
            "object": f"Pod/a/{n}",
            "citation": mapping.citation,
            "kind": CATALOGUE.citation(mapping.citation).kind,
            "relation": mapping.relation,
        }
        for n, (check, _) in enumerate(verdicts)
        for mapping in CATALOGUE.control(check).mappings
    )
    used = ran(*{check for check, _ in verdicts}) if checks is None else checks
    frame = roll_up_citations(findings, links, CATALOGUE, used, candidates)
    assert len(frame) == 70
    return dict(zip(frame["citation"], frame["status"], strict=True))


def direct_controls(citation: str) -> list[str]:
    return [
        control.id
        for control in CATALOGUE.controls_of(citation)
        if any(m.citation == citation and m.relation == "direct" for m in control.mappings)
    ]


def test_every_direct_control_carried_out_and_passing_is_supported() -> None:
    controls = direct_controls(CITATION)
    assert rolled([(control, "pass") for control in controls])[CITATION] == "supported"


def test_one_direct_control_not_carried_out_is_at_best_partly_assessed() -> None:
    several = next(c.citation for c in CATALOGUE.citations if len(direct_controls(c.citation)) > 1)
    controls = direct_controls(several)
    assert rolled([(control, "pass") for control in controls])[several] == "supported"
    assert rolled([(control, "pass") for control in controls[1:]])[several] == "partly_assessed"


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("fail", "gap"), ("review", "partly_assessed"), ("not_assessed", "partly_assessed"), ("error", "partly_assessed")],
)
def test_one_finding_that_does_not_pass_decides(verdict: str, status: str) -> None:
    verdicts = [(control, "pass") for control in direct_controls(CITATION)]
    assert rolled([*verdicts, (verdicts[0][0], verdict)])[CITATION] == status


def test_a_failing_supporting_check_is_no_gap_and_no_support() -> None:
    assert rolled([("HK-AVL-01", "fail")])["164.308(a)(7)(ii)(C)"] == "partly_assessed"


def test_supporting_checks_alone_never_support() -> None:
    for citation in CATALOGUE.citations:
        controls = [c.id for c in CATALOGUE.controls_of(citation.citation)]
        supporting = [c for c in controls if c not in direct_controls(citation.citation)]
        if supporting:
            assert rolled([(c, "pass") for c in supporting])[citation.citation] != "supported"


def test_nothing_judged_is_not_assessed() -> None:
    assert set(rolled([]).values()) == {"not_assessed"}
    assert rolled([("HK-PHI-01", "not_assessed")])[CITATION] == "not_assessed"
    assert rolled([("HK-PHI-01", "not_applicable")])[CITATION] == "not_assessed"


def test_an_unanswered_candidate_caps_what_depends_on_the_scope() -> None:
    controls = direct_controls(CITATION)
    verdicts = [(control, "pass") for control in controls]
    bound = ran(*controls, needs_scope=True)
    assert rolled(verdicts, bound)[CITATION] == "supported"
    assert rolled(verdicts, bound, candidates=1)[CITATION] == "partly_assessed"


def test_the_assessed_fraction_counts_what_was_judged() -> None:
    assert assessed_fraction(pd.Series(["pass", "fail", "review", "not_assessed", "not_applicable"])) == 0.5
    assert assessed_fraction(pd.Series(["not_applicable"], dtype="str")) is None


def test_topics_count_controls_that_were_not_carried_out() -> None:
    findings = FINDINGS.frame()
    summary = roll_up_topics(findings, CATALOGUE, ran("HK-AVL-01")).set_index("topic")
    assert summary.loc["availability", "checks_run"] == 1
    assert summary.loc["availability", "checks"] >= 11
    assert pd.isna(summary.loc["availability", "assessed"])
    assert set(summary.index) == set(CATALOGUE.topics())
