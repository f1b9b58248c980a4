"""Until when software gets fixes: every row says where and when that was looked up."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from hipaa_kit.catalogue import CatalogueError, load_catalogue
from hipaa_kit.catalogue.loading import FOLDER
from hipaa_kit.kube.software import ADD_ONS

HEADER = "product,cycle,eol_on,checked_on,source"
GOOD = "kubernetes,1.35,2027-02-28,2026-09-15,https://kubernetes.io/releases/1.35/"


def folder(tmp_path: Path, *lines: str) -> Path:
    copy = tmp_path / "catalogue"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (copy / "lifecycles.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return copy


def test_no_row_was_looked_up_after_it_was_written() -> None:
    for each in load_catalogue().lifecycles:
        assert date.fromisoformat(each.checked_on) <= date(2026, 11, 26), each
        assert not each.eol_on or date.fromisoformat(each.eol_on), each


def test_every_add_on_that_is_recognised_has_a_row_and_so_has_what_nodes_run() -> None:
    assert {*ADD_ONS, "kubernetes", "containerd", "ubuntu"} <= {each.product for each in load_catalogue().lifecycles}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (GOOD.replace("1.35,", ",", 1), "names no product or no cycle"),
        (GOOD.replace("2026-09-15", ""), "has a day that is none"),
        (GOOD.replace("2027-02-28", "soon"), "has a day that is none"),
        (GOOD.replace("2027-02-28", "2027-13-01"), "has a day that is none"),
        (GOOD.replace("https://", "http://"), "has no source"),
        (GOOD + ",more", "too many or too few cells"),
        (f"{GOOD}\n{GOOD}", "kubernetes 1.35 stands there twice"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(CatalogueError, match=rf"^lifecycles\.csv.*{words}"):
        load_catalogue(folder(tmp_path, line))


def test_an_end_need_not_be_announced(tmp_path: Path) -> None:
    found = load_catalogue(folder(tmp_path, GOOD.replace("2027-02-28", ""))).lifecycles
    assert [(each.cycle, each.eol_on) for each in found] == [("1.35", "")]


def test_what_decides_a_verdict_changes_the_digest(tmp_path: Path) -> None:
    assert load_catalogue(folder(tmp_path, GOOD)).digest != load_catalogue().digest
