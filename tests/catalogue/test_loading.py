"""A wrong entry of the catalogue is an error that names file, entry and what to do."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.catalogue import CatalogueError, load_catalogue
from hipaa_kit.catalogue.loading import FOLDER

Entry = dict[str, Any]
Change = Callable[[Entry], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the kit's catalogue that a test may damage."""
    copy = tmp_path / "catalogue"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def change_control(folder: Path, change: Change, topic: str = "availability") -> None:
    """Change the first control of a topic."""
    path = folder / "controls" / f"{topic}.json"
    controls = json.loads(path.read_text(encoding="utf-8"))
    change(controls[0])
    path.write_text(json.dumps(controls), encoding="utf-8")


def change_row(folder: Path, name: str, key: str, **cells: str) -> None:
    """Change the row of a CSV file whose key is in the given cell."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = next(row for row in rows if key in row.values())
    found.update(cells)
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def mapping(**fields: Any) -> Change:
    return lambda control: control["citations"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (mapping(citation="164.312(z)"), r"unknown paragraph '164\.312\(z\)'.*see citations\.csv"),
        (mapping(citation="164.312(h)(2)(i)"), "unknown paragraph"),
        (mapping(citation="164.308(a)(13) (secondary)"), "proposed and not in force.*nprm"),
        (mapping(citation="164.312(d) (verify)"), "proposed and not in force"),
        (mapping(citation=None), "another shape"),
        (mapping(relation="indirect"), r"relation to .* is 'indirect'.*direct, supporting"),
        (mapping(note="x"), "another shape"),
        (mapping(does_not_prove=""), "does_not_prove of .* is empty"),
        (lambda c: c["citations"][0].pop("does_not_prove"), "does_not_prove of .* is empty"),
        (lambda c: c["citations"].append(c["citations"][0]), r"citation 164\.\S+ stands there twice"),
        (lambda c: c.update(citations=[]), "serves no citation"),
        (lambda c: c.update(citations="164.306(a)"), "serves no citation"),
        (lambda c: c.update(citations=["164.306(a)"]), "another shape"),
        (lambda c: c.update(topic="nutrition"), "topic is 'nutrition'"),
        (lambda c: c.update(topic="encryption"), r"topic is 'encryption'.*availability"),
        (lambda c: c.update(severity="severe"), r"severity is 'severe'.*critical, high"),
        (lambda c: c.update(tier=4), "tier is 4"),
        (lambda c: c.update(tier=True), "tier is True"),
        (lambda c: c.update(how="guessed"), "how is 'guessed'.*inspected"),
        (lambda c: c.update(rule={"passes": "always"}), "rule speaks of passes"),
        (lambda c: c.update(rule={"error": "never"}), "rule speaks of error"),
        (lambda c: c.update(rule={}), "rule speaks of no verdict"),
        (lambda c: c.update(rule={"pass": ""}), "rule of pass is empty"),
        (lambda c: c.update(evidence=[]), "evidence names no column"),
        (lambda c: c.update(evidence=["pod", "pod"]), "column pod stands there twice"),
        (lambda c: c.update(evidence=[1]), "a column of evidence is empty or no text"),
        (lambda c: c.update(title=" "), "title is empty"),
        (lambda c: c.update(sources=None), "sources is empty or no text"),
        (lambda c: c.update(remediation=""), "remediation is empty"),
        (lambda c: c.update(nprm=""), "nprm is empty"),
        (lambda c: c.pop("severity"), "missing or unknown fields severity"),
        (lambda c: c.update(law="x"), "missing or unknown fields law"),
    ],
)
def test_a_wrong_control_is_named(folder: Path, change: Change, words: str) -> None:
    change_control(folder, change)
    with pytest.raises(CatalogueError, match=rf"^controls/availability\.json HK-AVL-01: .*{words}"):
        load_catalogue(folder)


@pytest.mark.parametrize("wrong", ["", "AVL-01", "HK-AVL-1", None, 7])
def test_a_control_without_an_id_is_an_error(folder: Path, wrong: Any) -> None:
    change_control(folder, lambda control: control.update(id=wrong))
    with pytest.raises(CatalogueError, match="an entry has no id"):
        load_catalogue(folder)


def test_a_control_that_stands_in_two_topics_is_an_error(folder: Path) -> None:
    change_control(folder, lambda control: control.update(id="HK-ENC-01"))
    with pytest.raises(CatalogueError, match="control HK-ENC-01 stands there twice"):
        load_catalogue(folder)


def test_a_later_topic_need_not_say_yet_what_it_does_not_prove(folder: Path) -> None:
    change_control(folder, lambda c: c["citations"][0].pop("does_not_prove", ""), "access_control")
    assert load_catalogue(folder).control("HK-ACC-01").mappings[0].does_not_prove == ""


def test_the_catalogue_may_grow(folder: Path) -> None:
    path = folder / "controls" / "availability.json"
    controls = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([*controls, {**controls[0], "id": "HK-AVL-99"}]), encoding="utf-8")
    assert load_catalogue(folder).control("HK-AVL-99").topic == "availability"
    assert load_catalogue(folder).digest != load_catalogue().digest


@pytest.mark.parametrize(
    ("citation", "wrong"),
    [
        ("164.312(a)(2)(iv)", "required"),
        ("164.308(a)(1)(ii)(A)", "addressable"),
        ("164.312(b)", "addressable"),
        ("164.310(b)", "standard"),
        ("164.306(a)", "standalone"),
    ],
)
def test_a_wrong_kind_of_citation_is_an_error(folder: Path, citation: str, wrong: str) -> None:
    change_row(folder, "citations.csv", citation, kind=wrong)
    with pytest.raises(CatalogueError, match=rf"citations\.csv:\d+ \S+: kind is '{wrong}' but the rule says") as error:
        load_catalogue(folder)
    assert citation in error.value.where


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"citation": "164.312(z)"}, "is no paragraph"),
        ({"citation": "164.312(d)"}, "kind is 'standard' but"),
        ({"title": ""}, "no title or no source"),
        ({"source": ""}, "no title or no source"),
        ({"confidence": "sure"}, "confidence is 'sure'"),
    ],
)
def test_a_wrong_citation_is_named(folder: Path, cells: dict[str, str], words: str) -> None:
    change_row(folder, "citations.csv", "164.312(a)(1)", **cells)
    with pytest.raises(CatalogueError, match=words):
        load_catalogue(folder)


def test_a_citation_twice_is_an_error(folder: Path) -> None:
    change_row(folder, "citations.csv", "164.312(e)(1)", citation="164.312(a)(1)")
    with pytest.raises(CatalogueError, match=r"citation 164\.312\(a\)\(1\) stands there twice"):
        load_catalogue(folder)


def test_a_citation_that_is_left_out_is_an_error(folder: Path) -> None:
    path = folder / "citations.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"citations\.csv: lacks 164\.316\(b\)\(2\)\(iii\)"):
        load_catalogue(folder)


@pytest.mark.parametrize(("name", "word"), [("topic", "availability"), ("number", "01")])
def test_a_topic_twice_is_an_error(folder: Path, name: str, word: str) -> None:
    change_row(folder, "topics.csv", "encryption", **{name: word})
    with pytest.raises(CatalogueError, match=f"{name} {word} stands there twice"):
        load_catalogue(folder)


def test_controls_of_no_topic_are_an_error(folder: Path) -> None:
    (folder / "controls" / "availability.json").rename(folder / "controls" / "nutrition.json")
    with pytest.raises(CatalogueError, match=r"controls/nutrition\.json: 'nutrition' is no topic"):
        load_catalogue(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("controls/encryption.json", "[{", "cannot be read"),
        ("controls/encryption.json", "{}", "is not a list of controls"),
        ("controls/encryption.json", "[7]", "an entry has no id"),
        ("controls/encryption.json", '[{"id": "HK-ENC-01", "id": "HK-ENC-02"}]', "a key stands twice"),
        ("controls/encryption.json", b"\xff", "cannot be read"),
        ("citations.csv", "citation,kind\n", "has other columns"),
        ("citations.csv", "", "has other columns"),
        ("citations.csv", b"\xff", "cannot be read"),
        ("topics.csv", "number,topic,title,article,centre\n00,scope\n", "too many or too few cells"),
        ("topics.csv", "number,topic,title,article,centre\n00,a,b,c,d,e\n", "too many or too few cells"),
        ("topics.csv", 'number,topic,title,article,centre\n"00"x,a,b,c,d\n', "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str, content: str | bytes, words: str) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    with pytest.raises(CatalogueError, match=words) as error:
        load_catalogue(folder)
    assert error.value.where.startswith(name)


@pytest.mark.parametrize("name", ["citations.csv", "topics.csv"])
def test_a_file_that_is_not_there_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CatalogueError, match=rf"^{name}: cannot be read"):
        load_catalogue(folder)


def test_a_catalogue_without_controls_is_an_error(folder: Path) -> None:
    shutil.rmtree(folder / "controls")
    with pytest.raises(CatalogueError, match=r"^controls: holds no controls"):
        load_catalogue(folder)


def test_the_digest_is_of_what_is_said_and_not_of_how_it_is_laid_out(folder: Path) -> None:
    for path in (folder / "controls").glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    assert load_catalogue(folder).digest == load_catalogue().digest
    assert load_catalogue(folder) == load_catalogue()


def test_the_digest_changes_with_a_single_word(folder: Path) -> None:
    change_control(folder, lambda control: control.update(remediation="Do nothing"))
    assert load_catalogue(folder).digest != load_catalogue().digest


def test_the_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()
