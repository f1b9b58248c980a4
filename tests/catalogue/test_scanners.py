"""The mapping of other scanners' checks names controls that there are, and a source for each."""

import shutil
from pathlib import Path

import pytest

from hipaa_kit.catalogue import CatalogueError, canonical_check, load_catalogue, load_scanner_checks
from hipaa_kit.catalogue.loading import FOLDER
from hipaa_kit.tables import TABLES

HEADER = "tool,check,control,relation,differs,source"
GOOD = "kubescape,C-0269,HK-AVL-05,same,,https://example.org/x"


def folder(tmp_path: Path, *lines: str) -> Path:
    copy = tmp_path / "catalogue"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (copy / "scanners.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return copy


def test_the_mapping_is_valid_and_leads_to_controls() -> None:
    checks = load_scanner_checks()
    assert {check.tool for check in checks} == {"kubescape", "trivy", "trivy-operator", "prowler", "kyverno"}
    assert {check.control for check in checks} <= {control.id for control in load_catalogue().controls}


def test_relations_are_those_of_the_table() -> None:
    column = next(column for column in TABLES["disagreements"].columns if column.name == "relation")
    assert {check.relation for check in load_scanner_checks()} == set(column.values)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (GOOD.replace("HK-AVL-05", "HK-AVL-77"), "there is no control 'HK-AVL-77'"),
        (GOOD.replace("same", "equal"), "relation is 'equal'"),
        (GOOD.replace("same", "related"), "does not say what it asks otherwise"),
        (GOOD.replace("https://example.org/x", "somewhere"), "has no source"),
        (GOOD.replace("C-0269", ""), "names no tool or no check"),
        (GOOD.replace("kubescape,C-0269", "trivy,KSV016"), "id has another form.*KSV-0016"),
        (GOOD + ",more", "too many or too few cells"),
        (f"{GOOD}\n{GOOD}", "stands there twice"),
    ],
)
def test_a_wrong_mapping_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(CatalogueError, match=rf"^scanners\.csv.*{words}"):
        load_scanner_checks(folder(tmp_path, line))


def test_the_mapping_does_not_change_the_catalogue(tmp_path: Path) -> None:
    assert load_catalogue(folder(tmp_path, GOOD)).digest == load_catalogue().digest


@pytest.mark.parametrize("written", ["KSV016", "KSV-0016", "AVD-KSV-0016", "KSV-16"])
def test_the_ways_in_which_trivy_writes_a_check_are_one(written: str) -> None:
    assert canonical_check("trivy", written) == "KSV-0016"
    assert canonical_check("trivy-operator", written) == "KSV-0016"


@pytest.mark.parametrize("check", ["CVE-2024-0727", "aws-access-key-id", "scan", "DS002x"])
def test_other_ids_stay_as_they_are(check: str) -> None:
    assert canonical_check("trivy", check) == check
    assert canonical_check("kubescape", "C-0018") == "C-0018"
