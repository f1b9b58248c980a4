"""The commands for what people sign, and what a run makes of records."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from hipaa_kit.assess.gate import ORDER, Reason, exit_code
from hipaa_kit.cli import main
from hipaa_kit.errors import EXIT_FINDINGS, EXIT_NOTHING_ASSESSED, EXIT_RECORDS
from hipaa_kit.sources.signed import load_records
from tests.assess.test_standing import OBJECTS, SCOPE
from tests.support.signed import ATTESTATION, DECISION, ENTRY, WAIVER, changed, write

MARK = "0123456789abcdef"
NOW = ["--as-of", "2026-11-20T02:00:00Z"]


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("verb", ["waivers", "attest"])
def test_each_verb_explains_itself(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = run(capsys, verb, "--help")
    assert (code, f"usage: hipaa-kit {verb}" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "name", "filled"),
    [
        (["waivers", "stub", MARK], "waivers", {"id", "fingerprint", "approved_on"}),
        (["waivers", "stub", MARK, "--decision"], "decisions", {"id", "fingerprint", "approved_on"}),
        (["attest", "stub", "HK-MAN-01"], "attestations", {"id", "control", "disposition", "performed_on"}),
        (["attest", "stub", "--register", "findings"], "findings", {"id", "opened_on"}),
        (["attest", "stub", "--register", "reviews"], "reviews", {"id", "kind", "held_on"}),
        (["attest", "stub", "--register", "assessments"], "assessments", {"id", "performed_on"}),
    ],
)
def test_a_stub_is_read_and_holds_nothing_that_a_person_has_to_say(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], name: str, filled: set[str]
) -> None:
    code, out, _ = run(capsys, *arguments, *NOW)
    assert code == 0
    [record] = yaml.safe_load(out)[name]
    persons = {key for key, value in record.items() if isinstance(value, dict) and any(value.values())}
    assert {key for key, value in record.items() if value and not isinstance(value, dict)} | persons == filled
    (tmp_path / "stub.yaml").write_text(out, encoding="utf-8")
    [lacking] = load_records(tmp_path / "stub.yaml").tables["signed_records"]["lacking"]
    assert lacking
    assert run(capsys, arguments[0], "check", "stub.yaml", *NOW)[0] == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["waivers", "stub", "abc"], "is no fingerprint"),
        (["waivers", "stub"], "is no fingerprint"),
        (["waivers", "check"], "names no records"),
        (["waivers", "list", "nowhere"], "is no file and no folder"),
        (["attest", "stub"], "names no control"),
        (["attest", "stub", "HK-XXX-01"], "no control 'HK-XXX-01'"),
        (["attest", "stub", "--register", "stars"], "no register 'stars'"),
        (["attest", "due", "r", "--as-of", "soon"], "is no moment"),
    ],
)
def test_wrong_use_is_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    write(tmp_path / "r", ("WaiverList", [WAIVER]))
    code, out, err = run(capsys, *arguments)
    assert (code, out, words in err, len(err.strip().splitlines())) == (2, "", True, 1), err


def test_check_list_and_due_without_a_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    soon, gone = changed(WAIVER, id="WVR-SOON", expires_on="2026-12-20"), changed(WAIVER, id="WVR-GONE", expires_on="2026-11-19")  # fmt: skip
    write(tmp_path / "r", ("WaiverList", [WAIVER, soon]), ("DecisionList", [DECISION]), ("AttestationList", [ATTESTATION]))  # fmt: skip
    code, out, err = run(capsys, "waivers", "check", "r", *NOW, "-f", "json")
    assert (code, {row["state"] for row in json.loads(out)}) == (0, {"valid"})
    assert "3 records, 0 of them do not stand" in err
    code, out, _ = run(capsys, "waivers", "due", "r", *NOW, "-f", "json")
    assert (code, [row["id"] for row in json.loads(out)]) == (0, ["WVR-SOON"])
    assert json.loads(run(capsys, "waivers", "due", "r", *NOW, "--days", "29", "-f", "json")[1]) == []
    assert "ATT-1" in run(capsys, "attest", "list", "r", *NOW)[1]
    open_, closed = changed(ENTRY, due_on="2026-12-01"), changed(ENTRY, id="REG-2", due_on="2026-12-01", closed_on="2026-11-01", evidence="x")  # fmt: skip
    write(tmp_path / "f", ("FindingRegister", [open_, closed]))
    assert [row["id"] for row in json.loads(run(capsys, "attest", "due", "f", *NOW, "-f", "json")[1])] == ["REG-1"]
    write(tmp_path / "r", ("WaiverList", [WAIVER, gone]))
    code, out, _ = run(capsys, "waivers", "check", "r", *NOW)
    assert (code, "it expired on 2026-11-19" in out) == (7, True)
    assert run(capsys, "waivers", "list", "r", *NOW)[0] == 0


def test_records_held_against_a_snapshot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(OBJECTS, encoding="utf-8")
    write(tmp_path / "r", ("WaiverList", [WAIVER, changed(WAIVER, id="WVR-2", compensating=["NetworkPolicy/ehr/no"])]))
    code, out, _ = run(capsys, "waivers", "check", "r", *NOW, "--snapshot", "x.yaml", "--scope", SCOPE, "-f", "json")
    states = {row["id"]: row["state"] for row in json.loads(out)}
    # Manifests are no whole list: what is not in them may be in the cluster.
    assert (code, states) == (0, {"WVR-1": "valid", "WVR-2": "unseen"})


def assessed(capsys: pytest.CaptureFixture[str], out: str, *options: object) -> tuple[int, dict[str, object]]:
    common = ["--scope", SCOPE, *NOW, "--topic", "availability", "--notebooks", "none", "-o", out]
    code, _, _ = run(capsys, "assess", "x.yaml", *common, *options)
    return code, json.loads((Path(out) / "data" / "run" / "run.json").read_text(encoding="utf-8"))


def test_a_run_keeps_records_and_excuses_what_they_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(OBJECTS, encoding="utf-8")
    write(tmp_path / "r", ("WaiverList", [changed(WAIVER, match={"kind": "Deployment"}, checks=["HK-AVL-01"])]))
    code, facts = assessed(capsys, "one", "--fail-on", "high")
    assert (code, facts["gate"]["exit_code"]) == (3, 3)
    code, facts = assessed(capsys, "two", "--fail-on", "high", "--records", "r", "--require-records")
    failing = [reason for reason in facts["gate"]["reasons"] if "severity" in reason]
    assert (code, failing) == (0, [])
    copied = tmp_path / "two" / "data" / "inputs" / "records" / "records.yaml"
    assert copied.read_bytes() == (tmp_path / "r" / "records.yaml").read_bytes()
    assert "data/inputs/records/records.yaml" in (tmp_path / "two" / "manifest-sha256.txt").read_text()
    write(tmp_path / "r", ("WaiverList", [changed(WAIVER, approver=WAIVER["owner"])]))
    code, facts = assessed(capsys, "three", "--fail-on", "high", "--records", "r", "--require-records")
    assert (code, len(facts["gate"]["reasons"])) == (3, 2)
    assert assessed(capsys, "four", "--records", "r", "--require-records")[0] == 7
    assert assessed(capsys, "five", "--records", "r", "--require-records", "--exit-zero")[0] == 0


def test_a_wrong_record_ends_a_run_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(OBJECTS, encoding="utf-8")
    (tmp_path / "r.yaml").write_text("kind: WaiverList\nwaivers:\n- {id: A, colour: red}\n", encoding="utf-8")
    code, out, err = run(capsys, "assess", "x.yaml", "--scope", SCOPE, "--records", "r.yaml", "-o", "b")
    assert (code, out) == (2, "")
    assert err == "hipaa-kit: r.yaml:3: unknown key 'colour' in waivers.0 (keys are " + err.partition("(keys are ")[2]
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("codes", list(combinations((3, 4, 5, 7), 2)))
def test_of_two_reasons_the_first_counts(codes: tuple[int, int]) -> None:
    for order in (codes, codes[::-1]):
        assert exit_code([Reason(code, "x") for code in order]) == min(codes, key=ORDER.index)


@pytest.mark.parametrize(
    ("reason", "zero"),
    [
        (Reason(EXIT_FINDINGS, "x"), 0),
        (Reason(EXIT_NOTHING_ASSESSED, "x"), 0),
        (Reason(EXIT_NOTHING_ASSESSED, "x", waivable=False), 4),
        (Reason(EXIT_RECORDS, "x"), 0),
    ],
)
def test_exit_zero_never_hides_that_nothing_was_assessed(reason: Reason, zero: int) -> None:
    assert exit_code([reason]) == reason.code
    assert exit_code([reason], exit_zero=True) == zero
    assert exit_code([]) == 0
