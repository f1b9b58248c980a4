"""`unused` lists rights that the log would show and does not, and prints the roles that would do."""

import json
from pathlib import Path

import pytest
import yaml

from hipaa_kit.cli import main
from hipaa_kit.sources.store import save_snapshot
from tests.support import audit_log
from tests.support.permissions import binding, role, rule
from tests.support.snapshots import snapshot_of

OBJECTS = [
    role("reader", rule("get", "secrets"), rule("create", "pods/exec"), rule("delete", "configmaps")),
    binding("here", "ClusterRole/reader", "User/user1", namespace="ehr"),
]
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, resources: [{resources: [configmaps]}]}, {level: Metadata}]\n"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("HIPAA_KIT_AUDIT_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "audit.log"
    log.write_bytes(audit_log.jsonl([audit_log.event(number) for number in range(10)]))
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "policy.yaml").write_text(POLICY, encoding="utf-8")
    snapshot = str(save_snapshot(snapshot_of(OBJECTS), tmp_path / "small.snap"))
    return [
        "unused",
        snapshot,
        "--audit-log",
        str(log),
        "--inputs",
        str(tmp_path / "inputs"),
        "--subject",
        "User//user1",
    ]


def test_it_lists_what_was_never_used(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "-f", "json"]) == 0
    said = capsys.readouterr()
    assert [(row["verb"], row["resource"]) for row in json.loads(said.out)] == [("create", "pods/exec")]
    assert "of 3 rights 1 cannot be told" in said.err


def test_it_prints_roles_that_give_what_was_used_and_what_cannot_be_told(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked, "--role"]) == 0
    roles = [each for each in yaml.safe_load_all(capsys.readouterr().out) if each["kind"] == "Role"]
    given = {(rule["resources"][0], *rule["verbs"]) for each in roles for rule in each["rules"]}
    assert given == {("secrets", "get"), ("configmaps", "delete")}
    assert [bool(each["metadata"].get("annotations")) for each in roles] == [False, True]


def test_roles_are_those_of_a_subject(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked[:-2], "--role"]) == 2
    assert "--subject" in capsys.readouterr().err
