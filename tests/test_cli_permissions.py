"""`who-can` and `explain` ask as a client does and say what they could not see."""

import json
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from hipaa_kit.sources.store import save_snapshot
from tests.support.permissions import binding, role, rule
from tests.support.snapshots import snapshot_of

OBJECTS = [
    role("reader", rule("get", "secrets", "db"), rule("create", "pods/exec")),
    role("probe", {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}),
    binding("here", "ClusterRole/reader", "User/ann", namespace="ehr"),
    binding("probe", "ClusterRole/probe", "Group/watchers"),
]


def snapshot(folder: Path, overrides: dict | None = None) -> str:
    return str(save_snapshot(snapshot_of(OBJECTS, overrides=overrides), folder / "small.snap"))


@pytest.mark.parametrize(
    ("asked", "subjects"),
    [
        (["get", "secrets", "-n", "ehr", "--name", "db"], {"ann", "system:masters"}),
        (["get", "secrets", "-n", "ehr"], {"system:masters"}),
        (["get", "secrets", "-n", "lab", "--name", "db"], {"system:masters"}),
        (["create", "pods/exec", "-n", "ehr"], {"ann", "system:masters"}),
        (["create", "pods.apps/exec", "-n", "ehr"], {"system:masters"}),
        (["get", "/metrics"], {"watchers", "system:masters"}),
    ],
)
def test_it_names_who_can(
    asked: list[str], subjects: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["who-can", *asked[:2], snapshot(tmp_path), *asked[2:], "-f", "json"]) == 0
    assert {row["subject"] for row in json.loads(capsys.readouterr().out)} == subjects


def test_it_says_what_it_could_not_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = {("rbac.authorization.k8s.io", "RoleBinding", "ehr"): "refused"}
    assert main(["who-can", "get", "secrets", snapshot(tmp_path, refused), "-n", "ehr"]) == 0
    said = capsys.readouterr()
    assert "there may be more" in said.err
    assert "refused" in said.out


def explained(tmp_path: Path, *asked: str, overrides: dict | None = None, form: str = "text") -> int:
    words = ("--subject", "--verb", "--resource")
    chosen = [word for pair in zip(words, asked, strict=False) for word in pair]
    return main(["explain", *chosen, *asked[3:], "-s", snapshot(tmp_path, overrides), "-f", form])


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (
            ["ann", "get", "secrets", "-n", "ehr", "--name", "db"],
            ["allowed", "RoleBinding/ehr/here gives ClusterRole//reader, rule 0, in namespace ehr"],
        ),
        (["ann", "get", "secrets", "-n", "ehr", "--name", "other"], ["not allowed", "lacks: name other"]),
        (
            ["User//ann", "get", "secrets", "-n", "lab", "--name", "db"],
            ["not allowed", "lacks: a role binding for namespace lab"],
        ),
        (["bob", "get", "/metrics"], ["not allowed", "no role binding names the subject"]),
        (
            ["bob", "get", "/metrics", "--group", "watchers"],
            ["allowed", "in the whole cluster; through group watchers"],
        ),
        (["bob", "delete", "nodes", "--group", "system:masters"], ["allowed", "through group system:masters"]),
        (["Group//system:masters", "delete", "nodes"], ["allowed", "by group system:masters"]),
    ],
)
def test_it_explains_a_permission(
    asked: list[str], lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(tmp_path, *asked) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"RBAC says: {lines[0]}"
    assert lines[1] in said[1]


def test_it_explains_that_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = {("rbac.authorization.k8s.io", "RoleBinding", "ehr"): "refused"}
    asked = ("bob", "get", "secrets", "-n", "ehr")
    assert explained(tmp_path, *asked, overrides=refused, form="json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["answer"] for row in rows} == {"unknown"}
    assert any("refused" in row["missing"] for row in rows)


@pytest.mark.parametrize(
    "asked",
    [
        [],
        ["--subject", "ann", "--verb", "get"],
        ["Pod/ehr/a", "Pod/ehr/b"],
        ["Pod/ehr/a", "-p", "80"],
        ["Pod/ehr/a", "Pod/ehr/b", "-p", "80", "--subject", "ann", "--verb", "get", "--resource", "pods"],
    ],
)
def test_half_a_question_is_refused(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *asked]) == 2
    assert "--subject --verb --resource" in capsys.readouterr().err
