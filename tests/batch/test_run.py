"""Whatever happens to a notebook is named, and the others are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hipaa_kit.batch.run import NotebookRun, record_missing, run_notebooks
from hipaa_kit.batch.specs import (
    NotebookSpec,
    check_parameters,
    copy_notebooks,
    find_notebook,
    list_notebooks,
    parse_parameters,
)
from hipaa_kit.errors import InputError, OutputError
from hipaa_kit.evidence.notebooks import canonical_notebook

RECORD = """
from IPython.display import display
display({"application/vnd.hipaa-kit+json": {"complete": True}, "text/plain": "complete"}, raw=True)
"""


def write(
    folder: Path, number: int, *cells: str, record: str = RECORD, parameters: str = "limit: int = 3  # at most"
) -> Path:
    sources = [(parameters, ["parameters"]), *((cell, []) for cell in cells)]
    sources += [(record, ["record"])] if record else []
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"{n:02d}-cell",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for n, (source, tags) in enumerate(sources)
        ],
        "metadata": {
            "hipaa_kit": {
                "id": f"{number:02d}",
                "topic": f"topic_{number}",
                "title": "A title",
                "question": "What?",
                "citations": ["164.306(a)"],
                "inputs": [],
            },
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / f"{number:02d}_topic_{number}.ipynb"
    path.write_text(json.dumps(notebook))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookRun]:
    """Execute notebooks that end in every way there is, two at a time."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    write(source, 1, "print(limit, end='')")
    write(source, 2, "raise ValueError('no such table')")
    write(source, 3, "import os; os._exit(1)")
    write(source, 4, "import sys; sys.exit(0)")
    write(source, 5, "import time; time.sleep(600)")
    write(source, 6, "x = 1", record="")
    write(source, 7, "x = 1", record="print('no record shown')")
    write(source, 8, "import os; os.kill(os.getpid(), 9)")
    specs = list_notebooks(source)
    events: list[str] = []

    def ends(notebooks: list[NotebookSpec], **options: float) -> list[NotebookRun]:
        return run_notebooks(
            notebooks, {"limit": 7}, target, jobs=2, on_event=lambda run: events.append(run.id), **options
        )

    # Only of the one that never ends is the time short: a busy machine takes long to start kernels.
    ended = ends([spec for spec in specs if spec.id != "05"])
    ended[4:4] = ends([spec for spec in specs if spec.id == "05"], timeout_seconds=25)
    assert sorted(events) == [run.id for run in ended] == [spec.id for spec in specs]
    return {run.id: run for run in ended}


def test_one_that_completes_is_kept_under_its_name(runs: dict[str, NotebookRun]) -> None:
    run = runs["01"]
    assert (run.status, run.problem, run.path.name) == ("completed", "", "01_topic_1.ipynb")
    cells = json.loads(run.path.read_text())["cells"]
    assert [output["text"] for cell in cells for output in cell["outputs"] if "text" in output] == [["7"]]


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        ("02", "failed", "ValueError: no such table"),
        ("03", "died", "ended|died"),
        ("04", "died", "no record|kernel"),
        ("05", "timed_out", "more than 25 seconds"),
        ("06", "died", "last cell is not the one tagged record"),
        ("07", "died", "showed no record"),
        ("08", "died", "ended|died"),
    ],
)
def test_one_that_does_not_is_named_with_its_reason(
    runs: dict[str, NotebookRun], number: str, status: str, words: str
) -> None:
    run = runs[number]
    if number == "04":
        # SystemExit(0) ends the cells after it without an error in papermill's eyes; the record tells.
        assert run.status in ("died", "failed")
    else:
        assert run.status == status
    assert any(word in run.problem for word in words.split("|")), run.problem
    assert run.path.name == f"{number}_topic_{int(number)}.failed.ipynb"
    assert run.path.is_file()


def test_a_failure_names_its_cell(runs: dict[str, NotebookRun]) -> None:
    assert runs["02"].problem.startswith("cell ")


def test_the_kernel_is_the_interpreter_that_runs_the_kit(tmp_path: Path) -> None:
    import sys

    (tmp_path / "out").mkdir()
    write(tmp_path, 1, "import sys; print(sys.executable, end='')")
    [run] = run_notebooks(list_notebooks(tmp_path), {}, tmp_path / "out")
    cells = json.loads(run.path.read_text())["cells"]
    assert cells[1]["outputs"][0]["text"] == [sys.executable]


def test_kernels_that_start_together_cannot_take_each_others_ports(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    shown = """
import json
from ipykernel.connect import get_connection_info
facts = json.loads(get_connection_info())
print(facts["transport"], facts["ip"], end="")
"""
    for number in (1, 2):
        write(source, number, shown)
    runs = run_notebooks(list_notebooks(source), {}, target, jobs=2)
    ways = [json.loads(run.path.read_text())["cells"][1]["outputs"][0]["text"][0].split() for run in runs]
    assert [way[0] for way in ways] == ["ipc", "ipc"]
    assert len({way[1] for way in ways}) == 2
    assert all(len(f"{way[1]}-5") < 104 for way in ways)


def test_two_runs_are_equal_in_canonical_form(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write(source, 1, "print({'b', 'a', 'c'}, hash('text'))")
    texts = []
    for number in (1, 2):
        target = tmp_path / str(number)
        target.mkdir()
        [run] = run_notebooks(list_notebooks(source), {"limit": 1}, target)
        texts.append(canonical_notebook(json.loads(run.path.read_text())))
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["metadata"]["papermill"] == {"parameters": {"limit": 1}}


@pytest.mark.parametrize("text", ["<object at 0x7f3a12bc4d90>", str(Path.home() / "x")])
def test_what_would_differ_elsewhere_is_refused(text: str) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": "x",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": text}],
    }
    with pytest.raises(OutputError, match="differ from run to run"):
        canonical_notebook({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_record_is_looked_for_in_the_last_cell(tmp_path: Path) -> None:
    assert record_missing(tmp_path / "none.ipynb") == "nothing was written"


def spec(tmp_path: Path, parameters: str) -> NotebookSpec:
    write(tmp_path, 1, parameters=parameters)
    return list_notebooks(tmp_path)[0]


def test_parameters_are_read_with_type_default_and_meaning(tmp_path: Path) -> None:
    made = spec(
        tmp_path,
        'name: str = ""  # whose\nlimit: int = 3  # at most\n'
        "share: float = 0.5  # part of it\non: bool = True  # or off",
    )
    assert [(p.name, p.type, p.default, p.help) for p in made.parameters] == [
        ("name", "str", "", "whose"),
        ("limit", "int", 3, "at most"),
        ("share", "float", 0.5, "part of it"),
        ("on", "bool", True, "or off"),
    ]
    assert check_parameters(made, {"share": 1, "limit": 4}) == {"share": 1, "limit": 4}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"limits": 3}, "has no parameter 'limits'.*parameters are limit"),
        ({"limit": "3"}, "'limit' is str.*give int"),
        ({"limit": True}, "'limit' is bool"),
        ({"limit": 3.5}, "'limit' is float"),
    ],
)
def test_a_wrong_parameter_is_refused(tmp_path: Path, given: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_parameters(spec(tmp_path, "limit: int = 3  # at most"), given)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("limit = 3", "is no parameter"),
        ("limit: int = 3", "has no meaning"),
        ("limit: list = []  # x", "has type list"),
        ("api_token: str = ''  # x", "sounds like a secret"),
    ],
)
def test_a_parameters_cell_that_breaks_the_rules_is_refused(source: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_parameters(source, "x.ipynb")


@pytest.mark.parametrize("name", ["01", "availability", "01_availability", "01_availability.ipynb"])
def test_a_notebook_is_found_by_number_topic_and_name(name: str) -> None:
    assert find_notebook(name).name == "01_availability"


def test_an_unknown_notebook_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"00_scope_and_inventory, 01_availability, .*, 91_summary"):
        find_notebook("77")


@pytest.mark.parametrize("text", ["{", "[]", '{"metadata": {}, "cells": []}'])
def test_a_file_that_is_no_notebook_of_the_kit_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(InputError):
        list_notebooks(tmp_path)


def test_a_working_copy_is_made_once(tmp_path: Path) -> None:
    copied = copy_notebooks(tmp_path / "work")
    assert [path.name for path in copied] == [s.path.name for s in list_notebooks()]
    with pytest.raises(OutputError, match="exists already"):
        copy_notebooks(tmp_path / "work")
