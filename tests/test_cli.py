"""The command line: what it prints, and the codes it ends with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from hipaa_kit import __version__
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.assess.opening import CACHE_VARIABLE
from hipaa_kit.batch import run as batch
from hipaa_kit.batch.specs import list_notebooks
from hipaa_kit.cli import main
from hipaa_kit.resources import shipped
from tests.support.recorded_cluster import RecordedCluster
from tests.support.snapshots import objects_of

CLINIC = shipped("data") / "clinic"
FIXED = shipped("data") / "clinic_fixed"
MANIFEST = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ehr}\nspec: {containers: [{name: c, image: x}]}\n"


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "config" / "key"))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    return code, said.out, said.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, f"hipaa-kit {__version__}\n")


@pytest.mark.parametrize(
    "verb",
    [
        "demo",
        "snapshot",
        "import",
        "inspect",
        "assess",
        "history",
        "remedies",
        "explain",
        "diff",
        "checks",
        "notebooks",
    ],
)
def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = run(capsys, verb, "--help")
    assert code == 0
    assert f"usage: hipaa-kit {verb}" in out


@pytest.mark.parametrize(
    "arguments", [[], ["bogus"], ["assess"], ["import", "x"], ["assess", "x", "--fail-on", "much"]]
)
def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(capsys, *arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["assess", "nowhere"], "nowhere"),
        (["inspect", "nowhere"], "nowhere"),
        (["import", "nowhere", "-o", "out"], "nowhere"),
        (["assess", CLINIC, "--scope", "nowhere.yaml"], "nowhere.yaml"),
        (["assess", CLINIC, "--topic", "astrology"], "astrology"),
        (["assess", CLINIC, "--set", "oom_window_hours=soon"], "oom_window_hours"),
        (["assess", CLINIC, "--set", "nonsense=1"], "nonsense"),
        (["assess", CLINIC, "--set", "nonsense"], "NAME=VALUE"),
        (["checks", "HK-XXX-01"], "HK-XXX-01"),
        (["snapshot", "--kubeconfig", "nowhere", "-o", "out"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: list[object], words: str, tmp_path: Path
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("hipaa-kit: ")
    assert words in err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evidence").exists()


def test_import_inspect_and_assess_of_manifests(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(MANIFEST)
    code, out, err = run(capsys, "import", "pod.yaml", "-o", "x.snap", "--cluster-name", "mine")
    assert (code, out) == (0, "x.snap\n")
    assert "1 objects of 1 kinds" in err
    code, out, _ = run(capsys, "inspect", "x.snap", "-f", "json")
    facts = json.loads(out)
    assert (code, facts["cluster"], facts["source"]) == (0, "mine", "manifests: what is declared, not what runs")
    assert facts["kinds"] == [{"kind": "Pod", "api_group": "core", "received": 1, "kept": 1, "status": "unknown"}]
    assert "Pod" in run(capsys, "inspect", "x.snap")[1]
    code, out, err = run(capsys, "assess", "x.snap", "-o", "bundle", "--notebooks", "none")
    assert code == 4
    assert "nothing about ePHI was assessed" in err
    assert (tmp_path / "bundle" / "data" / "index.html").is_file()
    assert out == f"{Path('bundle/data/index.html')}\n"


def test_an_output_that_exists_is_refused_before_any_work(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(MANIFEST)
    (tmp_path / "x.snap").mkdir()
    code, _, err = run(capsys, "import", "pod.yaml", "-o", "x.snap")
    assert (code, "exists already" in err) == (2, True)


def test_snapshot_of_a_live_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with RecordedCluster(objects_of(MANIFEST), deny=lambda resource, _: resource == "nodes") as cluster:
        code, out, err = run(capsys, "snapshot", "--kubeconfig", cluster.kubeconfig(tmp_path), "-o", "live.snap")
    assert (code, out) == (0, "live.snap\n")
    assert "nodes: 0 refused" in err
    assert "1 lists refused" in err
    _, out, _ = run(capsys, "inspect", "live.snap")
    words = 'nodes is forbidden: User "reader" cannot list resource "nodes" in API group "" at the cluster scope'
    assert f"Node refused: {words}" in out


GATES = ["--notebooks", "none", "-o", "bundle"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for results: of several gates over one assessment, the first makes it and the others open it."""
    return tmp_path_factory.mktemp("results")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([CLINIC], 0),
        ([CLINIC, "--fail-on", "critical"], 3),
        ([CLINIC, "--fail-on", "low"], 3),
        ([FIXED, "--fail-on", "low"], 0),
        ([CLINIC, "--min-coverage", "99.9"], 4),
        ([CLINIC, "--min-coverage", "50"], 0),
        ([CLINIC, "--fail-on", "low", "--min-coverage", "99.9"], 3),
        ([CLINIC / "objects"], 4),
        ([CLINIC, "--topic", "availability", "--set", "oom_window_hours=1"], 0),
    ],
    ids=str,
)
def test_gates(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    results: Path,
    arguments: list[object],
    code: int,
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(results))
    assert run(capsys, "assess", *arguments, *GATES)[0] == code


def test_a_scope_that_selects_nothing_ends_with_4(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = (CLINIC / "scope.yaml").read_text()
    lost = text.split("entries:")[0] + (
        "entries:\n- {podSelector: 'app=gone', owner: a@b.example, data_class: ephi, criticality: high}\n"
    )
    (tmp_path / "scope.yaml").write_text(lost)
    assert run(capsys, "assess", CLINIC, "--scope", "scope.yaml", *GATES)[0] == 4


def test_a_notebook_that_does_not_finish_is_named_and_the_others_are_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = batch._execute

    def break_one(job: dict, *rest: object) -> tuple[str, str]:
        if "01_availability" in job["source"]:
            # The kernel of this notebook is killed half-way, for real.
            source = json.loads(Path(job["source"]).read_text())
            source["cells"][5]["source"] = "import os; os._exit(1)"
            job = {**job, "source": str(tmp_path / "01_availability.ipynb")}
            Path(job["source"]).write_text(json.dumps(source))
        return real(job, *rest)

    monkeypatch.setattr(batch, "_execute", break_one)
    topics = ("availability", "integrity", "monitoring")
    chosen = [word for topic in topics for word in ("--topic", topic)]
    code, _, err = run(capsys, "assess", CLINIC, *chosen, "-o", "bundle", "-j", "2")
    assert code == 1
    assert "notebook 01 died" in err
    data = tmp_path / "bundle" / "data"
    specs = [spec for spec in list_notebooks() if spec.topic in topics]
    names = {f"{spec.name}.failed.ipynb" if spec.id == "01" else f"{spec.name}.ipynb" for spec in specs}
    assert len(names) == 3
    assert {p.name for p in (data / "notebooks").iterdir()} == names
    facts = json.loads((data / "run" / "run.json").read_text())
    assert facts["complete"] is False
    assert facts["notebooks"]["01"]["status"] == "died"
    assert "This run is incomplete" in (data / "index.html").read_text()


def test_checks_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "checks", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, [row["check"] for row in rows]) == (0, list(registered_checks()))
    assert json.loads(run(capsys, "checks", "-f", "json")[1])[0]["check"] == rows[0]["check"]
    assert "HK-AVL-01" in run(capsys, "checks")[1]
    out = run(capsys, "checks", "HK-AVL-10")[1]
    assert "oom_window_hours=24" in out
    assert "does not prove" in out


def test_notebooks_are_listed_and_copied(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = run(capsys, "notebooks")[1]
    assert "01  Availability" in out
    assert "snapshot: str = ''" in out
    code, out, _ = run(capsys, "notebooks", "--copy", "work")
    assert (code, len(out.splitlines())) == (0, len(list_notebooks()))
    assert run(capsys, "notebooks", "--copy", "work")[0] == 1
