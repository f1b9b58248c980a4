"""`who-can` asks as a client does and says what it could not see."""

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
