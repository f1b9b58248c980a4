"""The command that asks what somebody who was taken over could reach, and did."""

import json
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from hipaa_kit.errors import EXIT_DONE
from hipaa_kit.resources import shipped
from hipaa_kit.tables import TABLES

CLINIC = str(shipped("data") / "clinic")
ASKED = ["incident", CLINIC, "ServiceAccount/velero/velero", "--since", "2026-11-09T16:00:00Z"]


def test_it_says_who_is_in_question_what_was_done_and_what_would_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASKED) == EXIT_DONE
    said = capsys.readouterr().out
    for words in ("in question: ", "what it did, by the audit log: ", "what it could reach: ", "what would not show: "):
        assert words in said
    for words in ("token made", "pod entered", "deletecollection", "restores.velero.io", "Cluster//*", "list secrets"):
        assert words in said


def test_every_table_can_be_had_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "answer"
    assert main([*ASKED, "--until", "2026-11-09T17:00:00Z", "--out", str(folder)]) == EXIT_DONE
    assert capsys.readouterr().out.strip() == str(folder)
    for name in ("identities", "acts", "hours", "reach", "blind"):
        text = (folder / f"{name}.csv").read_text(encoding="utf-8")
        assert len(TABLES[f"incident_{name}"].read_csv(text))
    assert main([*ASKED, "--out", str(folder)]) != EXIT_DONE


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--until", "2026-11-09T17:00:00Z", "--format", "json"]) == EXIT_DONE
    held = json.loads(capsys.readouterr().out)
    assert {row["verb"] for row in held["acts"]} == {"create", "deletecollection", "patch"}
    assert {row["through"] for row in held["identities"]} == {"itself", "its pod", "pod entered", "token made"}


def test_a_moment_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED[:-1], "last week"]) != EXIT_DONE
    assert "is no moment" in capsys.readouterr().err


def test_without_a_log_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objects = tmp_path / "objects"
    objects.symlink_to(shipped("data") / "clinic" / "objects")
    assert main(["incident", str(objects), *ASKED[2:]]) == EXIT_DONE
    told = capsys.readouterr()
    assert "no audit log was given" in told.out
    assert "what was done is not known" in told.err


def test_a_log_that_lies_elsewhere_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    objects = tmp_path / "objects"
    objects.symlink_to(shipped("data") / "clinic" / "objects")
    log = str(shipped("data") / "clinic" / "audit_log")
    assert main(["incident", str(objects), *ASKED[2:], "--audit-log", log]) == EXIT_DONE
    told = capsys.readouterr()
    assert "deletecollection" in told.out
    assert "no audit log was given" not in told.out
