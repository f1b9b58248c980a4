"""A bundle is whole, equal for equal inputs, and opens anywhere."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import assessment
from hipaa_kit.batch.run import record_of
from hipaa_kit.batch.specs import list_notebooks
from hipaa_kit.errors import InputError, LeakError, OutputError
from hipaa_kit.evidence.bag import evidence_digest, manifest_lines
from hipaa_kit.evidence.bundle import write_bundle
from hipaa_kit.evidence.html import assert_self_contained
from hipaa_kit.resources import shipped
from hipaa_kit.sources.store import open_snapshot

CLINIC = shipped("data") / "clinic"


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Run the demo twice, as people do, from different folders, homes and time zones."""
    made = []
    for number, zone in enumerate(("UTC", "Asia/Tokyo")):
        place = tmp_path_factory.mktemp(f"demo{number}")
        env = {"HOME": str(place), "TZ": zone, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-m", "hipaa_kit", "demo", "-o", "bundle", "-j", str(2 - number)],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{Path('bundle') / 'data' / 'index.html'}\n"
        made.append(place / "bundle")
    return made


def files(bundle: Path) -> dict[str, bytes]:
    return {p.relative_to(bundle).as_posix(): p.read_bytes() for p in sorted(bundle.rglob("*")) if p.is_file()}


def test_two_runs_differ_in_the_runs_own_facts_alone(demos: list[Path]) -> None:
    first, second = (files(bundle) for bundle in demos)
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    assert different <= {"data/run/run.json", "manifest-sha256.txt", "tagmanifest-sha256.txt", "bag-info.txt"}
    lines = [set(each["manifest-sha256.txt"].decode().splitlines()) for each in (first, second)]
    assert {line.split("  ")[1] for line in lines[0] ^ lines[1]} == {"data/run/run.json"}
    oxum = re.compile(rb"Payload-Oxum: .*\n")
    assert oxum.sub(b"", first["bag-info.txt"]) == oxum.sub(b"", second["bag-info.txt"])


def test_the_manifest_names_every_file_and_coreutils_agree(demos: list[Path]) -> None:
    bundle = demos[0]
    assert (bundle / "manifest-sha256.txt").read_text().splitlines() == manifest_lines(bundle)
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--quiet", "-c", manifest], cwd=bundle, check=True)
    info = dict(line.split(": ", 1) for line in (bundle / "bag-info.txt").read_text().splitlines())
    assert info["Hipaa-Kit-Evidence-Digest"] == evidence_digest(manifest_lines(bundle))
    assert info["Hipaa-Kit-Signed"] == "no"


def test_it_holds_executed_notebooks_pages_tables_and_inputs(demos: list[Path]) -> None:
    data = demos[0] / "data"
    names = [spec.name for spec in list_notebooks()]
    assert sorted(p.stem for p in (data / "notebooks").iterdir()) == names
    assert sorted(p.stem for p in (data / "html").iterdir()) == names
    assert {p.name for p in data.iterdir()} >= {
        "index.html",
        "findings.csv",
        "findings.json",
        "citations.csv",
        "coverage.csv",
    }
    assert open_snapshot(data / "snapshot").objects("Pod")
    assert (data / "inputs" / "scope.yaml").read_bytes() == (CLINIC / "scope.yaml").read_bytes()
    run = json.loads((data / "run" / "run.json").read_text())
    assert run["complete"] is True
    assert {each["status"] for each in run["notebooks"].values()} == {"completed"}
    assert run["command"][1] == "demo"


def test_its_notebooks_ask_the_log_that_it_does_not_hold(demos: list[Path]) -> None:
    data = demos[0] / "data"
    said = {
        name: (data / "html" / f"{name}.html").read_text(encoding="utf-8")
        for name in ("04_audit_trails", "40_incident")
    }
    assert "no audit log was given" not in said["04_audit_trails"]
    assert ": 0 kinds of request since" not in said["40_incident"]
    assert "kinds of request since" in said["40_incident"]
    assert not list(data.rglob("*.parquet"))


def test_its_pages_load_nothing_and_run_nothing(demos: list[Path]) -> None:
    pages = sorted((demos[0] / "data").rglob("*.html"))
    assert len(pages) == len(list_notebooks()) + 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert_self_contained(text)
        assert "<script" not in text.lower()
        assert re.search(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", text, re.IGNORECASE) is None
        assert "default-src 'none'" in text


def test_tables_of_the_index_are_tables(demos: list[Path]) -> None:
    page = (demos[0] / "data" / "index.html").read_text(encoding="utf-8")
    for section in ("gaps", "review", "citations"):
        assert "<table><thead>" in page.partition(f'<h2 id="{section}">')[2].partition("<h2 ")[0], section
    assert not re.findall(r"&lt;/?(?:table|thead|tbody|tr|t[dh])\b", page)


def test_links_of_the_index_lead_somewhere(demos: list[Path]) -> None:
    data = demos[0] / "data"
    page = (data / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"]+)"', page))
    assert len(links) > 20
    for link in links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page
        else:
            assert (data / link).is_file(), link


def test_the_index_puts_what_was_not_assessed_first(demos: list[Path]) -> None:
    page = (demos[0] / "data" / "index.html").read_text(encoding="utf-8")
    assert page.index('id="not-assessed"') < page.index('id="gaps"') < page.index('id="citations"')
    assert "Not signed" in page


def test_every_pass_has_evidence_and_every_fail_has_words(demos: list[Path]) -> None:
    findings = json.loads((demos[0] / "data" / "findings.json").read_text())["findings"]
    assert len(findings) > 150
    for finding in findings:
        assert finding["reason"]
        assert finding["citations"]
        if finding["verdict"] in ("pass", "fail"):
            assert finding["evidence"], finding["object"]


def test_findings_csv_and_json_say_the_same(demos: list[Path]) -> None:
    data = demos[0] / "data"
    with (data / "findings.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["check"], row["object"], row["verdict"]) for row in csv.DictReader(file)]
    told = json.loads((data / "findings.json").read_text())["findings"]
    assert rows == [(f["check"], f["object"], f["verdict"]) for f in told]


def test_notebooks_show_the_parameters_and_topics_that_were_set(tmp_path: Path) -> None:
    run = assessment(CLINIC, parameters="oom_window_hours=1", topics="availability")
    specs = [spec for spec in list_notebooks() if spec.topic == "availability"]
    bundle = write_bundle(run, specs, tmp_path / "bundle", scope_file=CLINIC / "scope.yaml")
    assert not bundle.unfinished
    notebook = json.loads((tmp_path / "bundle" / "data" / "notebooks" / "01_availability.ipynb").read_text())
    given = notebook["metadata"]["papermill"]["parameters"]
    settings = dict(each.split("=") for each in given["settings"].split())
    assert settings.keys() == run.parameters.keys()
    assert (settings["oom_window_hours"], given["topics"]) == ("1", "availability")
    assert record_of(notebook)["key"] == run.key
    assert "ran out of memory" not in json.dumps(notebook["cells"][-8:])


def test_a_notebook_that_shows_other_inputs_is_not_kept_as_finished(tmp_path: Path) -> None:
    source = json.loads((shipped("notebooks") / "91_summary.ipynb").read_text())
    opening = next(cell for cell in source["cells"] if cell["id"].endswith("-open"))
    opening["source"] = [line.replace("as_of=as_of", "as_of='2020-01-01T00:00:00Z'") for line in opening["source"]]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "91_summary.ipynb").write_text(json.dumps(source))
    bundle = write_bundle(
        clinic(), list_notebooks(tmp_path / "notebooks"), tmp_path / "bundle", scope_file=CLINIC / "scope.yaml"
    )
    [run] = bundle.unfinished
    assert (run.status, run.problem) == ("failed", "it shows results of other inputs")
    assert [p.name for p in (tmp_path / "bundle" / "data" / "notebooks").iterdir()] == ["91_summary.failed.ipynb"]


def test_another_scope_file_than_the_one_assessed_is_refused(tmp_path: Path) -> None:
    for given in (None, shipped("data") / "clinic_fixed" / "scope.yaml"):
        with pytest.raises(InputError, match="not the scope that was assessed"):
            write_bundle(clinic(), [], tmp_path / "bundle", scope_file=given)


@cache
def clinic() -> Assessment:
    return assessment(CLINIC)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        write_bundle(clinic(), [], tmp_path / "bundle")
    assert not list((tmp_path / "bundle").iterdir())


def test_a_leak_stops_the_bundle_and_leaves_nothing(tmp_path: Path) -> None:
    scope = tmp_path / "scope.yaml"
    scope.write_text((CLINIC / "scope.yaml").read_text() + "# postgres://admin:hunter2hunter2@db/ehr\n")
    (tmp_path / "out").mkdir()
    with pytest.raises(LeakError) as error:
        write_bundle(clinic(), [], tmp_path / "out" / "bundle", scope_file=scope)
    assert "hunter2" not in str(error.value)
    assert not list((tmp_path / "out").iterdir())
