"""`explain` and `diff`: why a connection may be, and what has changed between two snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from hipaa_kit.resources import shipped

CLINIC = str(shipped("data") / "clinic")
FIXED = str(shipped("data") / "clinic_fixed")
STAGING, RECORD = "Deployment/ehr-staging/ehr-app", "StatefulSet/ehr/ehr-db"


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "key"))


@pytest.mark.parametrize(("snapshot", "verdict"), [(CLINIC, "allowed"), (FIXED, "denied"), ("", "allowed")])
def test_explain_says_the_verdict_of_the_snapshot(
    capsys: pytest.CaptureFixture[str], snapshot: str, verdict: str
) -> None:
    chosen = ["--snapshot", snapshot] if snapshot else []
    assert main(["explain", STAGING, RECORD, "--port", "5432", *chosen]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(f"on TCP 5432: {verdict}")


ANYWHERE = [
    ["-p", "5432", STAGING, RECORD],
    [STAGING, "-p", "5432", RECORD],
    [STAGING, "-s", FIXED, "--port=5432", RECORD, "-f", "text"],
    [STAGING, "-s", FIXED, RECORD, "--protocol", "TCP", "-p5432"],
    ["-p", "5432", "--", STAGING, RECORD],
]


@pytest.mark.parametrize("asked", ANYWHERE, ids=" ".join)
def test_explain_takes_its_options_anywhere(capsys: pytest.CaptureFixture[str], asked: list[str]) -> None:
    assert main(["explain", *asked]) == 0
    said = capsys.readouterr().out.splitlines()[0]
    assert said.endswith(f"on TCP 5432: {'denied' if FIXED in asked else 'allowed'}")
    assert said.startswith("Pod/ehr-staging/ehr-app-")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([STAGING, "-p", "5432", RECORD, "third"], "unrecognized arguments: third"),
        ([STAGING, "--bogus", "-p", "5432", RECORD], "unrecognized arguments: --bogus"),
        ([STAGING, "-p", "much", RECORD], "invalid int value: 'much'"),
    ],
)
def test_explain_still_refuses_what_it_does_not_know(
    capsys: pytest.CaptureFixture[str], asked: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *asked])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_explain_names_the_deciding_rules_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", STAGING, RECORD, "-p", "5432", "-s", CLINIC]
    assert main([*asked, "-f", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    deciding = [step["policy"] for side in said["sides"] for step in side["steps"] if step["decides"]]
    assert deciding == ["NetworkPolicy/ehr-staging/ehr-app", "NetworkPolicy/ehr/ehr-db"]
    assert main([*asked, "-f", "table"]) == 0
    table = capsys.readouterr().out
    assert all(policy in table for policy in deciding)


def test_explain_takes_another_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", "Deployment/ehr/ehr-api", "Deployment/kube-system/coredns", "-p", "53", "-s", FIXED]
    for protocol, verdict in (("UDP", "allowed"), ("SCTP", "denied")):
        assert main([*asked, "--protocol", protocol]) == 0
        assert capsys.readouterr().out.splitlines()[0].endswith(f"on {protocol} 53: {verdict}")


@pytest.mark.parametrize(("ends", "port"), [(("Pod/ehr/nobody", RECORD), "5432"), ((STAGING, RECORD), "70000")])
def test_explain_refuses_what_is_not_there(
    capsys: pytest.CaptureFixture[str], ends: tuple[str, str], port: str
) -> None:
    assert main(["explain", *ends, "-p", port, "-s", CLINIC]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("hipaa-kit: ")
    assert len(told.err.splitlines()) == 1


def test_diff_names_what_has_appeared_and_by_which_policies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", FIXED, CLINIC, "-f", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    [row] = [row for row in rows if (row["source"], row["destination"]) == (STAGING, RECORD)]
    assert (row["protocol"], row["port_from"], row["before"], row["after"]) == ("TCP", 5432, "denied", "allowed")
    assert "NetworkPolicy/ehr/ehr-db" in row["policies"]


def test_diff_of_a_snapshot_with_itself_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", CLINIC, CLINIC]) == 0
    assert capsys.readouterr().out == "no connection between workloads has changed\n"
    assert main(["diff", CLINIC, CLINIC, "-f", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
