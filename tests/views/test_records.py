"""What people read of records: what is due, what changed, what to do next, the binder's four slots."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.views.records import SLOTS, binder, changes, due, next_actions, signed, unanswered
from tests.assess.test_standing import AS_OF, SCOPE, STORED_ON_A_NODE
from tests.support.signed import ATTESTATION, DECISION, ENTRY, WAIVER, changed, records
from tests.support.snapshots import snapshot_of

TOPICS = ["availability", "encryption", "attestations"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    bare = Assessment(snapshot_of(STORED_ON_A_NODE), load_scope(SCOPE), topics=["availability"], as_of=AS_OF).findings()
    marks = dict(zip(zip(bare["check"], bare["object"], strict=True), bare["fingerprint"], strict=True))
    entries = [
        changed(ENTRY, id="REG-LATE", fingerprint=marks["HK-AVL-01", "Deployment/ehr/web"], due_on="2026-11-01"),
        changed(ENTRY, id="REG-BACK", fingerprint=marks["HK-AVL-02", "Deployment/ehr/web"], closed_on="2026-11-01", evidence="x"),
        changed(ENTRY, id="REG-DONE", fingerprint=marks["HK-AVL-06", "Deployment/ehr/web"])
        if ("HK-AVL-06", "Deployment/ehr/web") in marks
        else changed(ENTRY, id="REG-DONE"),
    ]  # fmt: skip
    held = records(
        tmp_path_factory.mktemp("records"),
        ("WaiverList", [changed(WAIVER, expires_on="2026-12-19"), changed(WAIVER, id="WVR-OLD", expires_on="2026-11-01")]),
        ("DecisionList", [DECISION]),
        ("AttestationList", [ATTESTATION]),
        ("FindingRegister", entries),
    )  # fmt: skip
    return Assessment(snapshot_of(STORED_ON_A_NODE), load_scope(SCOPE), topics=TOPICS, as_of=AS_OF, records=held)


def test_what_does_not_stand_comes_first(run: Assessment) -> None:
    mine = signed(run, "Waiver")
    assert list(mine["id"]) == ["WVR-OLD", "WVR-1"]
    assert set(signed(run)["kind"]) == {"Attestation", "Decision", "RegisterEntry", "Waiver"}


@pytest.mark.parametrize(("days", "names"), [(28, ["WVR-OLD"]), (29, ["WVR-OLD", "WVR-1"])])
def test_what_ends_within_some_days_is_due(run: Assessment, days: int, names: list[str]) -> None:
    assert list(due(run, days)["id"]) == names


def test_what_is_otherwise_than_the_register_says(run: Assessment) -> None:
    said = changes(run)
    by_object = {(row["change"], row["check"], row["object"]) for row in said.to_dict("records")}
    assert ("overdue", "HK-AVL-01", "Deployment/ehr/web") in by_object
    assert ("returned", "HK-AVL-02", "Deployment/ehr/web") in by_object
    assert ("new", "HK-AVL-01", "Deployment/ehr/api") in by_object
    assert list(dict.fromkeys(said["change"]))[:3] == ["returned", "overdue", "new"]


def test_a_question_that_a_record_answers_is_not_asked_again(run: Assessment) -> None:
    findings = run.findings()
    asked = findings[findings["verdict"] == "review"]
    assert "Control//HK-MAN-01" in set(asked["object"])
    assert "Control//HK-MAN-01" not in set(unanswered(run)["object"])


def test_actions_are_ordered_by_the_gaps_they_close(run: Assessment) -> None:
    actions = next_actions(run)
    keys = list(zip(-actions["gaps_closed"], -actions["weight"], actions["check"], strict=True))
    assert keys == sorted(keys)
    failing = run.findings()[run.findings()["verdict"] == "fail"]
    # What an equivalent measure answers is no action any more.
    answered = failing[failing["disposition"] == "alternative"]
    assert list(answered["check"]) == ["HK-ENC-04"]
    assert "HK-ENC-04" not in set(actions["check"])
    assert set(actions["check"]) == set(failing["check"]) - {"HK-ENC-04"}


def test_an_action_closes_the_gaps_that_it_says() -> None:
    bare = Assessment(snapshot_of(STORED_ON_A_NODE), load_scope(SCOPE), topics=["encryption"], as_of=AS_OF)
    links = bare.tables.finding_citations.merge(bare.findings()[["check", "object", "verdict"]], on=["check", "object"])
    failing = links[(links["relation"] == "direct") & (links["verdict"] == "fail")]
    closed = {citation: set(checks) for citation, checks in failing.groupby("citation")["check"]}
    actions = next_actions(bare).set_index("check")
    assert "164.312(a)(2)(iv)" in closed
    for check, action in actions.iterrows():
        expected = sorted(citation for citation, checks in closed.items() if checks == {check})
        assert (action["citations"], action["gaps_closed"]) == ("; ".join(expected), len(expected))
    assert actions["gaps_closed"].max() > 0


def test_the_binder_has_four_slots_for_each_citation(run: Assessment) -> None:
    pages = binder(run)
    assert len(pages) == 4 * 70
    assert list(pages["slot"][:4]) == list(SLOTS)
    assert (pages["evidence"] != "").all()
    official = pages[pages["citation"] == "164.308(a)(2)"].set_index("slot")["evidence"]
    assert "supported, by attestation" in official["configuration"]
    assert "Attestation//ATT-1 (examine on 2026-10-02)" in official["operation over the period"]
    assert "A. Rossi, approved by B. Okafor" in official["sign-off"]
    assert official["policy"] == "no document is on record"
    decided = pages[pages["citation"] == "164.312(a)(2)(iv)"].set_index("slot")["evidence"]
    assert "Decision//DEC-1: lab-it@clinic.example" in decided["sign-off"]


def test_nothing_signed_leaves_the_slots_to_fill_in() -> None:
    bare = Assessment(snapshot_of(STORED_ON_A_NODE), load_scope(SCOPE), topics=["availability"], as_of=AS_OF)
    pages = binder(bare)
    signing = pages.loc[pages["slot"] == "sign-off", "evidence"]
    assert set(signing) == {"name, role, date and signature of the reviewer: to be filled in"}
    assert not Path("records").exists()
