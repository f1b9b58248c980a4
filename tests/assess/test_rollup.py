"""A citation is never better than what was looked at."""

import pandas as pd
import pytest

from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.assess.rollup import (
    NOBODY,
    answered_wholly,
    assessed_fraction,
    roll_up_citations,
    roll_up_owners,
    roll_up_topics,
)
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.results import FINDING_CITATIONS, FINDINGS
from hipaa_kit.tables.signed import FINDING_REGISTER

CATALOGUE = load_catalogue()
registered_checks()  # what a check rests on is known once everything is imported
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


def test_an_unanswered_candidate_caps_what_rests_on_findings() -> None:
    controls = direct_controls(CITATION)
    verdicts = [(control, "pass") for control in controls]
    resting = [Check(name, lambda: None, ("findings",), {}, False, True) for name in controls]
    assert rolled(verdicts, resting)[CITATION] == "supported"
    assert rolled(verdicts, resting, candidates=1)[CITATION] == "partly_assessed"


def test_the_assessed_fraction_counts_what_was_judged() -> None:
    assert assessed_fraction(pd.Series(["pass", "fail", "review", "not_assessed", "not_applicable"])) == 0.5
    assert assessed_fraction(pd.Series(["not_applicable"], dtype="str")) is None


def test_topics_count_controls_that_were_not_carried_out() -> None:
    findings = FINDINGS.frame()
    links = FINDING_CITATIONS.frame()
    summary = roll_up_topics(findings, links, CATALOGUE, ran("HK-AVL-01"), 0).set_index("topic")
    assert summary.loc["availability", "checks_run"] == 1
    assert summary.loc["availability", "checks"] >= 11
    assert pd.isna(summary.loc["availability", "assessed"])
    assert set(summary.index) == set(CATALOGUE.topics())


ADDRESSABLE = "164.312(a)(2)(iv)"
Said = tuple[str, str, str]


def recorded(
    rows: list[Said], citation: str, *, everywhere: bool = False, until: str = "2027-03-31"
) -> dict[str, object]:
    """Return the row of one citation for findings given as (check, verdict, disposition for that citation)."""
    findings = FINDINGS.frame(
        {
            "check": check,
            "object": f"Pod/a/{n}",
            "verdict": verdict,
            "severity": "high",
            "base_severity": "high",
            "ephi_relevance": "in_scope",
            "topic": CATALOGUE.control(check).topic,
            "disposition": said,
        }
        for n, (check, verdict, said) in enumerate(rows)
    )
    links = FINDING_CITATIONS.frame(
        {
            "check": check,
            "object": f"Pod/a/{n}",
            "citation": mapping.citation,
            "kind": CATALOGUE.citation(mapping.citation).kind,
            "relation": mapping.relation,
            "disposition": said if everywhere or mapping.citation == citation else "",
            "record_expires_on": until if said else "",
        }
        for n, (check, _, said) in enumerate(rows)
        for mapping in CATALOGUE.control(check).mappings
    )
    frame = roll_up_citations(findings, links, CATALOGUE, ran(*{check for check, _, _ in rows}), 0)
    return frame.set_index("citation").loc[citation].to_dict()


def rows_of_citation(citation: str, verdict: str, said: str) -> list[Said]:
    """Return a passing finding for each direct control of a citation, and for the first one more."""
    controls = direct_controls(citation)
    return [*((control, "pass", "") for control in controls), (controls[0], verdict, said)]


@pytest.mark.parametrize(
    ("verdict", "said", "status", "standing"),
    [
        ("fail", "", "gap", "gap"),
        ("fail", "alternative", "supported", "supported, by alternative"),
        ("fail", "accepted_risk", "gap", "gap, accepted until 2027-03-31"),
        ("review", "", "partly_assessed", "partly_assessed"),
        ("review", "attested", "supported", "supported, by attestation"),
        ("review", "inherited", "supported", "supported, inherited in part"),
        ("not_assessed", "", "partly_assessed", "partly_assessed"),
        ("not_assessed", "inherited", "supported", "supported, inherited in part"),
        ("error", "", "partly_assessed", "partly_assessed"),
        ("pass", "", "supported", "supported"),
        ("not_applicable", "", "supported", "supported"),
    ],
)
def test_what_a_record_does_to_a_citation(verdict: str, said: str, status: str, standing: str) -> None:
    row = recorded(rows_of_citation(ADDRESSABLE, verdict, said), ADDRESSABLE)
    assert (row["status"], row["standing"]) == (status, standing)


def test_a_gap_is_accepted_only_where_all_of_it_is() -> None:
    rows = [*rows_of_citation(ADDRESSABLE, "fail", "accepted_risk"), (direct_controls(ADDRESSABLE)[1], "fail", "")]
    assert recorded(rows, ADDRESSABLE)["standing"] == "gap"


def test_an_alternative_for_one_citation_lifts_no_other() -> None:
    both = next(
        c for c in CATALOGUE.controls if {ADDRESSABLE} < {m.citation for m in c.mappings if m.relation == "direct"}
    )
    other = next(m.citation for m in both.mappings if m.relation == "direct" and m.citation != ADDRESSABLE)
    rows = [*((control, "pass", "") for control in direct_controls(other)), (both.id, "fail", "alternative")]
    assert recorded(rows, ADDRESSABLE)["status"] != "gap"
    # The link to the other citation carries no decision, as `dispositions` leaves it.
    assert recorded([(check, verdict, "") for check, verdict, _ in rows], other)["status"] == "gap"


@pytest.mark.parametrize(
    ("verdict", "said"), [("fail", "alternative"), ("review", "attested"), ("review", "inherited")]
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_answers_one_citation_answers_no_finding_that_tests_another(verdict: str, said: str, whole: bool) -> None:
    control = next(c for c in CATALOGUE.controls if sum(m.relation == "direct" for m in c.mappings) > 1)
    direct = [m.citation for m in control.mappings if m.relation == "direct"]
    row = {"check": control.id, "object": "Pod/a/1", "verdict": verdict, "severity": "high", "topic": control.topic}
    row |= {"base_severity": "high", "ephi_relevance": "in_scope", "disposition": said}
    findings = FINDINGS.frame([row])
    links = FINDING_CITATIONS.frame(
        {
            "check": control.id,
            "object": "Pod/a/1",
            "citation": citation,
            "kind": CATALOGUE.citation(citation).kind,
            "relation": "direct",
            "disposition": said if whole or citation == direct[0] else "",
        }
        for citation in direct
    )
    assert list(answered_wholly(findings, links)["disposition"]) == [said if whole else ""]
    summary = roll_up_topics(findings, links, CATALOGUE, ran(control.id), 0).set_index("topic")
    assert summary.loc[control.topic, said] == whole


def test_what_only_people_can_say_is_supported_by_attestation_alone() -> None:
    assert recorded([("HK-MAN-01", "review", "attested")], "164.308(a)(2)")["standing"] == "supported, by attestation"
    assert recorded([("HK-MAN-01", "review", "")], "164.308(a)(2)")["status"] == "not_assessed"
    assert recorded([("HK-MAN-01", "not_assessed", "")], "164.308(a)(2)")["status"] == "not_assessed"


def test_supporting_checks_with_every_record_never_support() -> None:
    for citation in CATALOGUE.citations:
        controls = [c.id for c in CATALOGUE.controls_of(citation.citation)]
        supporting = [c for c in controls if c not in direct_controls(citation.citation)]
        for verdict, said in (("review", "attested"), ("not_assessed", "inherited"), ("fail", "alternative")):
            if supporting:
                rows = [(control, verdict, said) for control in supporting]
                assert recorded(rows, citation.citation)["status"] not in ("supported", "gap")


def test_what_a_provider_does_is_no_part_of_what_was_assessed() -> None:
    verdicts = pd.Series(["pass", "review", "review", "not_assessed", "not_assessed"])
    said = pd.Series(["", "attested", "", "inherited", ""])
    assert assessed_fraction(verdicts, said) == 0.5
    assert assessed_fraction(verdicts[3:4], said[3:4]) is None


def test_owners_come_from_the_register_then_from_the_scope() -> None:
    findings = FINDINGS.frame(
        {
            "check": "HK-AVL-01",
            "object": f"Deployment/ehr/{name}",
            "fingerprint": name,
            "verdict": "fail",
            "severity": severity,
            "base_severity": "high",
            "ephi_relevance": "in_scope",
        }
        for name, severity in (("a", "high"), ("b", "critical"), ("c", "low"))
    )
    scope = pd.DataFrame({"object": ["Deployment/ehr/a", "Deployment/ehr/b"], "owner": ["ehr", "ehr"]})
    entry = {"record": "RegisterEntry//1", "fingerprint": "b", "owner": "dba", "due_on": "2026-11-19", "closed_on": ""}
    frame = roll_up_owners(findings, scope, FINDING_REGISTER.frame([entry]), "2026-11-20T02:00:00Z").set_index("owner")
    assert frame[["failed", "overdue", "worst"]].to_dict("index") == {
        "dba": {"failed": 1, "overdue": 1, "worst": "critical"},
        "ehr": {"failed": 1, "overdue": 0, "worst": "high"},
        NOBODY: {"failed": 1, "overdue": 0, "worst": "low"},
    }
