"""Notebooks are narrative and calls: a question, the law, words before every picture, no logic."""

import ast
import itertools
import json
from pathlib import Path

import pytest

from hipaa_kit.batch.run import RECORD_TAG
from hipaa_kit.batch.specs import SECRET_WORDS, list_notebooks, parse_parameters
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.resources import shipped

NOTEBOOKS = sorted(shipped("notebooks").glob("*.ipynb"))
REFERENCE = Path(__file__).parent / "reference"
LOGIC = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.AsyncFunctionDef, ast.With, ast.Lambda)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> dict:
    return json.loads(request.param.read_text(encoding="utf-8")) | {"path": request.param}


def code(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "00_scope_and_inventory",
        "01_availability",
        "02_access_control",
        "03_encryption",
        "04_audit_trails",
        "11_network_isolation",
        "12_backup_recovery",
        "13_integrity",
        "14_monitoring",
        "15_suspicious_activity",
        "16_vulnerabilities",
        "17_review",
        "20_attestations",
        "30_paths_to_ephi",
        "40_incident",
        "90_audit_binder",
        "91_summary",
    ]


def test_it_is_output_free_and_plain(notebook: dict) -> None:
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code(notebook))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) == {"hipaa_kit", "kernelspec", "language_info"}
    text = notebook["path"].read_text(encoding="utf-8")
    again = {name: value for name, value in notebook.items() if name != "path"}
    assert text == json.dumps(again, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_cell_ids_come_from_position_and_name(notebook: dict) -> None:
    for number, cell in enumerate(notebook["cells"]):
        assert cell["id"].startswith(f"{number:02d}-")
        assert cell["id"][3:].replace("-", "").isalpha()


def test_code_cells_are_thin(notebook: dict) -> None:
    for cell in code(notebook):
        tree = ast.parse(source(cell))
        assert len(source(cell).splitlines()) <= 8, cell["id"]
        assert not [node for node in ast.walk(tree) if isinstance(node, LOGIC)], cell["id"]
        assert "sys.exit" not in source(cell)


def test_it_opens_with_question_and_citation(notebook: dict) -> None:
    about, first = notebook["metadata"]["hipaa_kit"], source(notebook["cells"][0])
    assert first.startswith(f"# {about['title']}\n")
    assert f"**{about['question']}**" in first
    assert "45 CFR 164." in first
    for citation in about["citations"]:
        assert load_catalogue().citation(citation)


def test_it_stands_under_its_number_and_topic(notebook: dict) -> None:
    about = notebook["metadata"]["hipaa_kit"]
    assert notebook["path"].stem == f"{about['id']}_{about['topic']}"


def test_parameters_are_plain_and_explained(notebook: dict) -> None:
    [cell] = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    assert cell is code(notebook)[0]
    parameters = parse_parameters(source(cell), notebook["path"].name)
    assert [p.name for p in parameters][:5] == ["snapshot", "scope", "as_of", "settings", "topics"]
    assert not [p.name for p in parameters if any(word in p.name for word in SECRET_WORDS)]


def test_every_table_and_figure_has_words_before_it(notebook: dict) -> None:
    cells = notebook["cells"]
    for before, cell in itertools.pairwise(cells):
        shows = cell["cell_type"] == "code" and ("show(" in source(cell) or "draw(" in source(cell))
        pictured = before["cell_type"] == "code" and "draw(" in source(before)
        if shows and "hipaa_kit.assessment" not in source(cell):
            # A table may follow the figure that is drawn from it: the words before the figure speak of both.
            assert before["cell_type"] == "markdown" or pictured, cell["id"]


def test_every_figure_stands_beside_its_table(notebook: dict) -> None:
    cells = notebook["cells"]
    for position, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "draw(" in source(cell):
            following = [source(c) for c in cells[position + 1 : position + 4] if c["cell_type"] == "code"]
            assert any("show(" in text for text in following), cell["id"]


def test_it_says_what_cannot_be_seen_and_closes_with_the_record(notebook: dict) -> None:
    assert any("cannot be seen from here" in source(cell) for cell in notebook["cells"])
    last = notebook["cells"][-1]
    assert last["metadata"]["tags"] == [RECORD_TAG]
    assert source(last) == "record(run)"


def test_the_reference_run_is_of_this_source(notebook: dict) -> None:
    reference = json.loads((REFERENCE / notebook["path"].name).read_text(encoding="utf-8"))
    executed = [cell for cell in reference["cells"] if cell["id"] != "injected-parameters"]
    assert [cell["source"] for cell in executed] == [cell["source"] for cell in notebook["cells"]]
    assert all(cell["outputs"] for cell in code(reference) if "parameters" not in cell["metadata"].get("tags", []))


def test_figures_carry_pictures_and_their_words() -> None:
    for path in sorted(REFERENCE.glob("*.ipynb")):
        for cell in code(json.loads(path.read_text(encoding="utf-8"))):
            for output in cell["outputs"]:
                assert output["output_type"] == "display_data", f"{path.stem} {cell['id']} prints or warns"
                if "draw(" in source(cell):
                    assert output["data"]["image/png"]
                    assert len(output["metadata"]["image/png"]["alt"]) > 40


def test_the_list_of_notebooks_is_read_without_running_them() -> None:
    specs = list_notebooks()
    assert [spec.name for spec in specs] == [path.stem for path in NOTEBOOKS]
    assert all(spec.question.endswith("?") and spec.citations for spec in specs)
