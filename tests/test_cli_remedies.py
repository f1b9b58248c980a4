"""`remedies`: what would mend failing findings, of a snapshot or as a bundle holds it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml

from hipaa_kit.cli import main
from hipaa_kit.resources import shipped

CLINIC = str(shipped("data") / "clinic")
FIXED = str(shipped("data") / "clinic_fixed")
AVAILABILITY = ["--topic", "availability"]


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "key"))


def test_it_shows_each_finding_with_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedies", CLINIC, "--check", "HK-AVL-02", "-n", "ehr"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "2 findings fail; proved: 2 yes"
    assert "HK-AVL-02 StatefulSet/ehr/ehr-redis: let one pod at a time be taken away" in said.out
    assert "# 1. object PodDisruptionBudget/ehr/ehr-redis" in said.out
    assert "maxUnavailable: 1" in said.out
    assert "integration" not in said.out


def test_other_forms_hold_whole_manifests(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["remedies", CLINIC, "--check", "HK-AVL-02"]
    assert main([*chosen, "-f", "json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert main([*chosen, "-f", "csv"]) == 0
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(as_json) == len(as_csv) == 6
    assert [yaml.safe_load(row["text"]) for row in as_json] == [yaml.safe_load(row["text"]) for row in as_csv]


def test_only_what_was_proved_where_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedies", CLINIC, *AVAILABILITY, "--proved", "-f", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["verified"] for row in rows} == {"yes"}
    assert {row["topic"] for row in rows} == {"availability"}


def test_a_repaired_cluster_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedies", FIXED, *AVAILABILITY]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == ""
    assert said.err.splitlines()[-1] == "no finding fails of those asked for"


def test_a_bundle_gives_what_it_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    assert main(["assess", CLINIC, *AVAILABILITY, "--notebooks", "none", "-o", str(bundle)]) == 0
    held = {path.name for path in (bundle / "data" / "remedies").iterdir()}
    assert {"README.md", "kustomization.yaml", "PodDisruptionBudget.ehr.ehr-redis.yaml"} <= held
    capsys.readouterr()
    assert main(["remedies", str(bundle), "-o", str(tmp_path / "again")]) == 0
    assert {path.name for path in (tmp_path / "again").iterdir()} == held
    for name in held:
        again, first = tmp_path / "again" / name, bundle / "data" / "remedies" / name
        assert again.read_text(encoding="utf-8") == first.read_text(encoding="utf-8")


def test_a_folder_is_written_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "remedies"
    assert main(["remedies", CLINIC, "--check", "HK-AVL-09", "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert (
        yaml.safe_load((out / "ResourceQuota.portal.pods.yaml").read_text(encoding="utf-8"))["kind"] == "ResourceQuota"
    )
    assert main(["remedies", CLINIC, "--check", "HK-AVL-09", "-o", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_check_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedies", CLINIC, "--check", "HK-XYZ-01"]) == 2
    assert "there is no check 'HK-XYZ-01'" in capsys.readouterr().err
