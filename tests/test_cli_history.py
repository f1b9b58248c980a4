"""`hipaa-kit history`: what it prints, and how it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from tests.support.backup_series import DAYS, backups, bind_also, nothing


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path.parent / "key"))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in ("history", *arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_line_shows_every_table_in_every_form(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    backups(tmp_path, nothing, bind_also)
    code, out, err = run(capsys, tmp_path)
    assert (code, "2 moments of one cluster" in err, DAYS[0] in out) == (0, True, True)
    assert "mallory" in run(capsys, tmp_path, "--table", "bindings", "-n", "ehr")[1]
    assert "admins" not in run(capsys, tmp_path, "--table", "bindings", "-n", "ehr")[1]
    found = json.loads(run(capsys, tmp_path, "--table", "images", "-f", "json")[1])
    assert {each["workload"] for each in found} == {"Pod/ehr/db-0", "Pod/web/front-0"}
    out = run(capsys, tmp_path, "--table", "service_ports", "--keys", "service,port", "-f", "csv")[1]
    assert [(each["service"], each["port"]) for each in csv.DictReader(io.StringIO(out))] == [
        ("Service/ehr/db", "5432")
    ]
    assert run(capsys, tmp_path, "--table", "replacements")[1] == "none\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--table", "nonsense"], "nonsense"),
        (["--at", "monday"], "PATH=RFC3339"),
        (["--at", "elsewhere=2026-11-20T02:00:00Z"], "not part of the history"),
    ],
)
def test_a_wrong_question_is_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    backups(tmp_path, nothing, nothing)
    code, out, err = run(capsys, tmp_path, *arguments)
    assert (code, out, len(err.strip().splitlines())) == (2, "", 1)
    assert words in err
