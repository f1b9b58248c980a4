"""`hipaa-kit what-if` and `paths`: what they print, and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from hipaa_kit.errors import EXIT_DONE, EXIT_FINDINGS, EXIT_INPUT, EXIT_INTERNAL, EXIT_NOTHING_ASSESSED
from tests.support.random_changes import SCOPE

CLUSTER = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {kubernetes.io/metadata.name: ehr}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: ehr}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1", ports: [{containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: ehr}
spec: {selector: {app: db}, ports: [{port: 5432}]}
"""

EXPOSED = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: ehr}
spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 5432}]}
"""

ADDRESS = "status: {loadBalancer: {ingress: [{ip: 203.0.113.9}]}}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "all.yaml").write_text(CLUSTER)
    (tmp_path / "scope.yaml").write_text(SCOPE)
    (tmp_path / "exposed.yaml").write_text(EXPOSED)
    return tmp_path


def test_a_pull_request_that_opens_a_path_fails(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["what-if", str(place), "--apply", str(place / "exposed.yaml")]
    assert main([*asked, "--fail-on", "new-path"]) == EXIT_FINDINGS
    said = capsys.readouterr()
    assert "1 path to ePHI appears, of which 1 is" in said.err
    assert "not known to be open" in said.err  # it has no address yet
    assert "Internet → EXPOSED → PodNetwork/ehr/db" in said.out
    assert main([*asked, "-f", "json"]) == EXIT_DONE
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["objects", "paths", "findings", "flows", "permissions"]
    assert told["paths"][0]["change"] == "appears"


def test_no_new_path_is_not_told_as_proved_where_something_was_not_seen(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["what-if", str(place), "--label", "Namespace//ehr", "team=a", "--fail-on", "new-path"]
    assert main(asked) == EXIT_DONE
    said = capsys.readouterr()
    assert "paths: no change" in said.out
    assert "more paths may appear than are told: not seen" in said.err


def test_sarif_names_the_file_and_markdown_the_rows(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["whatif", str(place), "--apply", str(place / "exposed.yaml")]
    assert main([*asked, "-f", "sarif"]) == EXIT_DONE
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    results = log["runs"][0]["results"]
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert {each["ruleId"] for each in results} == rules
    assert "new-path" in rules
    assert main([*asked, "-f", "md"]) == EXIT_DONE
    assert "| change | criticality |" in capsys.readouterr().out


def test_without_a_scope_no_path_can_be_ruled_out(place: Path) -> None:
    (place / "scope.yaml").unlink()
    asked = ["what-if", str(place / "objects"), "--apply", str(place / "exposed.yaml"), "--fail-on", "new-path"]
    assert main(asked) == EXIT_NOTHING_ASSESSED


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--apply", "missing.yaml"],
        ["--delete", "Pod/ehr/none"],
        ["--label", "Deployment/ehr/db"],
        ["--label", "Deployment/ehr/db", "word"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    place: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["what-if", str(place), *more]) == EXIT_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_paths_and_their_cut(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "objects" / "all.yaml").write_text(CLUSTER.rpartition("---")[0] + "---" + EXPOSED + ADDRESS)
    assert main(["paths", str(place)]) == EXIT_DONE
    assert "no path is known to be open; of 1 it is not known" in capsys.readouterr().err
    assert main(["paths", str(place), "--unknown"]) == EXIT_DONE
    assert "QUERIES" in capsys.readouterr().out
    assert main(["paths", str(place), "--cut", "--unknown"]) == EXIT_DONE
    said = capsys.readouterr()
    assert "1 things to take away stop" in said.err
    assert main(["paths", str(place), "--unknown", "--cut", "-f", "yaml"]) == EXIT_DONE
    assert "kind: " in capsys.readouterr().out
    for form in ("cypher", "png"):
        out = tmp_path / f"graph.{form}"
        assert main(["paths", str(place), "--unknown", "-f", form, "-o", str(out)]) == EXIT_DONE
        assert out.stat().st_size > 100
        assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    assert main(["paths", str(place), "-f", "cypher", "-o", str(out / "below-a-file")]) == EXIT_INTERNAL
    assert "cannot be written" in capsys.readouterr().err
    assert main(["paths", str(place), "-f", "png"]) == EXIT_INPUT
    assert main(["paths", str(place), "-f", "yaml"]) == EXIT_INPUT
    assert main(["paths", str(place), "--to", "Pod/none/none"]) == EXIT_INPUT
