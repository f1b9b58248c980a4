"""The proposed rule is shown where it is asked for, marked as proposed, and counts nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import parse_settings, written_settings
from hipaa_kit.assess.proposed import PREVIEW, proposed_controls
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.errors import InputError
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.results import FINDINGS
from tests.assess.test_standing import AS_OF, SCOPE, STORED_ON_A_NODE
from tests.support.signed import DECISION, records
from tests.support.snapshots import snapshot_of


def run(**options: object) -> Assessment:
    return Assessment(snapshot_of(STORED_ON_A_NODE), load_scope(SCOPE), topics=["encryption"], as_of=AS_OF, **options)


def test_it_is_off_by_default() -> None:
    assert run().tables.proposed_controls.empty


def test_every_row_says_that_it_is_proposed_and_changes_no_citation() -> None:
    asked, plain = run(profile=PREVIEW), run()
    shown = asked.tables.proposed_controls
    assert set(shown["control"]) == {control.id for control in load_catalogue().controls if control.nprm}
    assert set(shown["label"]) == {"proposed, not in force"}
    assert shown["standing"].str.endswith("(proposed, not in force)").all()
    assert asked.tables.citations.equals(plain.tables.citations)
    assert asked.key != plain.key


def test_no_decision_lifts_anything_in_it(tmp_path: Path) -> None:
    held = records(tmp_path, ("DecisionList", [DECISION]))
    asked = run(profile=PREVIEW, records=held)
    findings = asked.findings()
    assert list(findings.loc[findings["check"] == "HK-ENC-04", "disposition"]) == ["alternative"]
    shown = asked.tables.proposed_controls.set_index("control")
    assert shown.loc["HK-ENC-04", "standing"] == "gap (proposed, not in force)"


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InputError, match="no profile 'final'"):
        run(profile="final")


def test_options_travel_to_notebooks_among_the_settings() -> None:
    asked = run(profile=PREVIEW, preset=False)
    told = parse_settings(written_settings(asked).split())
    assert (told.pop("profile"), told.pop("preset")) == (PREVIEW, False)
    assert told == asked.parameters
    assert "preset" not in written_settings(run())


def test_nothing_is_supported_while_something_looks_like_ephi_or_where_nothing_tests_it_directly() -> None:
    catalogue = load_catalogue()
    proposed = [control for control in catalogue.controls if control.nprm]
    findings = FINDINGS.frame(
        {
            "check": control.id,
            "object": "Pod/a/b",
            "verdict": "pass",
            "severity": "high",
            "base_severity": "high",
            "ephi_relevance": "in_scope",
            "topic": control.topic,
        }
        for control in proposed
    )
    tested = {c.id: any(m.relation == "direct" for m in c.mappings) for c in proposed}
    shown = proposed_controls(findings, catalogue).set_index("control")["standing"]
    assert {name: word.startswith("supported") for name, word in shown.items()} == tested
    asked = proposed_controls(findings, catalogue, candidates=1)["standing"]
    assert asked.str.startswith("partly_assessed").all()
