"""Records are read strictly, and every mistake is named with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.errors import InputError, LeakError
from hipaa_kit.sources.signed import load_records, no_records
from tests.support.signed import ATTESTATION, DECISION, LISTS, REVIEW, WAIVER, changed, records, write

HEAD = "apiVersion: hipaa-kit/v1\nkind: WaiverList\nwaivers:\n"


def every(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_every_kind_of_record_is_read_whole(tmp_path: Path) -> None:
    read = records(tmp_path, *[(kind, [record]) for kind, (_, record) in LISTS.items()])
    signed = read.tables["signed_records"].set_index("record")
    assert list(signed.index) == [
        "Attestation//ATT-1",
        "Decision//DEC-1",
        "IndependentAssessment//IA-1",
        "RegisterEntry//REG-1",
        "Review//REV-1",
        "Waiver//WVR-1",
    ]
    assert set(signed["lacking"]) == {""}
    assert signed.loc["Waiver//WVR-1", ["disposition", "owner", "approver"]].tolist() == [
        "accepted_risk",
        "lab-it@clinic.example",
        "ciso@clinic.example",
    ]
    assert set(read.tables["record_artifacts"]["state"]) == {"verified"}
    assert list(read.tables["record_files"]["role"]) == ["artifact", "records"]
    assert list(read.tables["independent_findings"]["finding"]) == ["F-1"]


def test_the_line_of_a_record_is_its_own_also_in_a_later_document(tmp_path: Path) -> None:
    text = f"{HEAD}- id: A\n- id: B\n---\n{HEAD}- id: C\n"
    signed = load_records(every(tmp_path / "r", a=text)).tables["signed_records"]
    assert dict(zip(signed["id"], signed["line"], strict=True)) == {"A": 4, "B": 5, "C": 10}


def test_a_file_alone_is_read_with_the_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path, ("AttestationList", [ATTESTATION]))
    read = load_records(tmp_path / "records.yaml")
    assert list(read.tables["record_artifacts"]["state"]) == ["verified"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{HEAD}- {{id: A, colour: red}}\n", 4, "unknown key 'colour'"),
        (f"{HEAD}- {{id: A}}\nmore: 1\n", 5, "unknown key 'more'"),
        (f"{HEAD}- {{reason: x}}\n", 4, "lacks id"),
        (f"{HEAD}- {{id: 'a b'}}\n", 4, "write it like WVR-2026-004"),
        (f"{HEAD}- id: A\n  expires_on: soon\n", 5, "write it like 2026-11-01"),
        (f"{HEAD}- id: A\n  expires_on: 2026-13-01\n", 5, "which is no day"),
        (f"{HEAD}- id: A\n  checks: [HK-AVL-01, HK-AVL-99]\n", 5, "no control 'HK-AVL-99'"),
        (f"{HEAD}- id: A\n  citation: 164.312(z)\n", 5, "no citation '164.312(z)'"),
        (f"{HEAD}- id: A\n  checks: [HK-AVL-01]\n  citation: 164.312(b)\n", 6, "names checks and citation"),
        (f"{HEAD}- id: A\n  match: {{name: '*'}}\n", 5, "matches everything"),
        (f"{HEAD}- id: A\n  match: {{name: 're:.*'}}\n", 5, "matches everything"),
        (f"{HEAD}- id: A\n  match: {{name: 're:(a+)+'}}\n", 5, "repeats a group"),
        (f"{HEAD}- id: A\n  match: {{label: x}}\n", 5, "unknown key 'label'"),
        (f"{HEAD}- id: A\n  match: {{}}\n", 5, "match is {}"),
        (f"{HEAD}- id: A\n  fingerprint: abc\n", 5, "fingerprint"),
        (f"{HEAD}- id: A\n  objects_at_approval: -1\n", 5, "objects_at_approval is -1"),
        (f"{HEAD}- id: A\n- id: A\n", 5, "is taken by"),
        (f"{HEAD}- id: A\n  id: B\n", 5, "stands there twice"),
        (f"{HEAD}- id: A\n  reason: token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl\n", 5, "looks like a secret"),
        ("apiVersion: hipaa-kit/v1\nkind: Waivers\nwaivers: []\n", 2, "no known kind: 'Waivers'"),
        ("apiVersion: hipaa-kit/v2\nkind: WaiverList\nwaivers: []\n", 1, "write hipaa-kit/v1"),
        ("kind: WaiverList\n", 1, "lacks waivers"),
        ("- 1\n", 1, "no known kind: None"),
        ("kind: AttestationList\nattestations:\n- {id: A, control: HK-MAN-01, applies: false}\n", 3, "applies to everyone"),
        ("kind: AttestationList\nattestations:\n- {id: A, applies: false}\n", 3, "applies to everyone"),
        ("kind: AttestationList\nattestations:\n- {id: A, control: HK-MAN-05, applies: false,\n   match: {namespace: lab}}\n", 4, "of a part alone"),
        ("kind: AttestationList\nattestations:\n- {id: A, method: guess}\n", 3, "one of examine, interview, test"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    folder = every(tmp_path / "r", a=text)
    with pytest.raises(InputError) as error:
        load_records(folder)
    assert error.value.line().startswith(f"{folder / 'a.yaml'}:{line}: "), error.value.line()
    assert words in error.value.line()
    assert error.value.exit_code == 2
    assert "eyJ" not in error.value.line()


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.txt", "a/../../outside.txt", "a\\..\\b"])
def test_a_file_outside_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.txt").write_text("x")
    wrong = changed(ATTESTATION, artifacts=[{"path": path, "sha256": "0" * 64}])
    with pytest.raises(InputError, match="outside of the folder of records"):
        records(tmp_path / "r", ("AttestationList", [wrong]))


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "log.txt").write_text("x")
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "secret")
    wrong = changed(ATTESTATION, artifacts=[{"path": "linked/log.txt", "sha256": "0" * 64}])
    with pytest.raises(InputError, match="leads through a link"):
        records(folder, ("AttestationList", [wrong]))
    (folder / "other.yaml").symlink_to(folder / "records.yaml")
    with pytest.raises(InputError, match="is a link, which is not followed"):
        load_records(folder)


@pytest.mark.parametrize(
    ("digest", "path", "state"), [("0" * 64, "attachments/log.txt", "differs"), ("0" * 64, "gone.txt", "missing")]
)
def test_a_file_that_is_another_one_or_gone_is_told(tmp_path: Path, digest: str, path: str, state: str) -> None:
    read = records(tmp_path, ("AttestationList", [changed(ATTESTATION, artifacts=[{"path": path, "sha256": digest}])]))
    assert list(read.tables["record_artifacts"]["state"]) == [state]


@pytest.mark.parametrize(
    ("kind", "record", "lacking"),
    [
        ("WaiverList", changed(WAIVER, reason="too short to weigh"), "reason"),
        ("WaiverList", changed(WAIVER, reason=" " * 30), "reason"),
        ("WaiverList", changed(WAIVER, expires_on=...), "expires_on"),
        ("WaiverList", changed(WAIVER, risk_ref=""), "risk_ref"),
        ("WaiverList", changed(WAIVER, checks=...), "checks"),
        ("WaiverList", changed(WAIVER, match=...), "match"),
        ("DecisionList", changed(DECISION, alternative=...), "alternative"),
        ("DecisionList", changed(DECISION, decision=...), "decision"),
        ("DecisionList", changed(DECISION, decision="not_reasonable", alternative=...), "no_alternative_because"),
        ("AttestationList", changed(ATTESTATION, artifacts=[]), "artifacts"),
        ("AttestationList", changed(ATTESTATION, method=...), "method"),
        ("AttestationList", changed(ATTESTATION, reviewer=...), "reviewer.name reviewer.role"),
        ("AttestationList", changed(ATTESTATION, disposition="inherited"), "provider.name provider.baa provider.report"),
        ("ReviewRegister", changed(REVIEW, result=""), "result"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_filled_in_is_kept_as_lacking(
    tmp_path: Path, kind: str, record: dict[str, Any], lacking: str
) -> None:
    signed = records(tmp_path, (kind, [record])).tables["signed_records"]
    assert list(signed["lacking"]) == [lacking]


@pytest.mark.parametrize("length", [19, 20])
def test_a_reason_has_twenty_characters(tmp_path: Path, length: int) -> None:
    signed = records(tmp_path, ("WaiverList", [changed(WAIVER, reason="x" * length)])).tables["signed_records"]
    assert list(signed["lacking"]) == (["reason"] if length < 20 else [""])


def test_a_decision_gives_an_alternative_only_where_it_names_one(tmp_path: Path) -> None:
    nothing = changed(DECISION, id="DEC-2", decision="not_reasonable", alternative=..., no_alternative_because="x" * 20)
    other = changed(DECISION, id="DEC-3", decision="not_reasonable")
    doing = changed(DECISION, id="DEC-4", decision="implement")
    signed = records(tmp_path, ("DecisionList", [DECISION, nothing, other, doing])).tables["signed_records"]
    assert list(signed["disposition"]) == ["alternative", "accepted_risk", "alternative", ""]


def test_what_was_read_is_copied_byte_for_byte(tmp_path: Path) -> None:
    read = records(tmp_path / "r", ("AttestationList", [ATTESTATION]))
    read.copy_to(tmp_path / "copy")
    again = load_records(tmp_path / "copy")
    assert again.digest == read.digest
    (tmp_path / "r" / "attachments" / "log.txt").write_text("another")
    with pytest.raises(InputError, match="changed while it was used"):
        read.copy_to(tmp_path / "second")


def test_a_secret_in_an_artefact_stops_the_copy(tmp_path: Path) -> None:
    read = records(tmp_path / "r", ("AttestationList", [ATTESTATION]))
    (tmp_path / "r" / "attachments" / "log.txt").write_text("-----BEGIN PRIVATE KEY-----\n")
    leaking = load_records(tmp_path / "r")
    with pytest.raises(LeakError, match="private key"):
        leaking.copy_to(tmp_path / "copy")
    assert leaking.digest != read.digest


def test_none_are_none(tmp_path: Path) -> None:
    assert not no_records().given
    assert no_records().digest == ""
    empty = load_records(every(tmp_path / "r"))
    assert empty.given
    assert empty.digest
    with pytest.raises(InputError, match="is no file and no folder"):
        load_records(tmp_path / "nowhere")
