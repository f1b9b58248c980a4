"""Inputs that were frozen are the same when they are opened, or are refused."""

from pathlib import Path

import pandas as pd
import pytest

from hipaa_kit.errors import InputError, OutputError
from hipaa_kit.sources.inputs import Inputs, is_frozen, no_inputs, open_inputs, save_inputs
from tests.support import inputs as sample
from tests.support.inputs import given


@pytest.fixture
def everything(tmp_path: Path) -> Inputs:
    files = {f"{name}__{file}": content for name, of in sample.EVERY_FORM.items() for file, content in of.items()}
    return given(tmp_path / "in", **files, strange="what is this")


def test_what_is_opened_is_what_was_saved(everything: Inputs, tmp_path: Path) -> None:
    folder = save_inputs(everything, tmp_path / "out")
    assert is_frozen(folder)
    again = open_inputs(folder)
    assert again.digest == everything.digest
    assert set(again.given.loc[again.given["status"] != "given", "input"]) == {"audit_log"}
    for name, frame in everything.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], frame, check_exact=True)
    for about in ("given", "files", "conflicts", "unreadable"):
        pd.testing.assert_frame_equal(getattr(again, about), getattr(everything, about))
    second = save_inputs(again, tmp_path / "second")
    for path in folder.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_none_given_is_frozen_as_well(tmp_path: Path) -> None:
    assert open_inputs(save_inputs(no_inputs(), tmp_path / "out")).digest == no_inputs().digest


@pytest.mark.parametrize("name", ["vendors.csv", "inputs.csv", "inputs.json"])
def test_what_was_altered_is_refused_by_name(everything: Inputs, tmp_path: Path, name: str) -> None:
    folder = save_inputs(everything, tmp_path / "out")
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace("a", "b", 1) if name.endswith("csv") else text.replace('"vendors"', '"x"'))
    with pytest.raises(InputError, match=name.removesuffix(".json") if name.endswith("csv") else "out"):
        open_inputs(folder)


def test_a_missing_table_and_a_folder_that_is_none_are_refused(everything: Inputs, tmp_path: Path) -> None:
    folder = save_inputs(everything, tmp_path / "out")
    (folder / "drills.csv").unlink()
    with pytest.raises(InputError, match=r"drills\.csv: cannot be read"):
        open_inputs(folder)
    with pytest.raises(InputError, match="holds no frozen inputs"):
        open_inputs(tmp_path)


def test_nothing_is_overwritten(everything: Inputs, tmp_path: Path) -> None:
    save_inputs(everything, tmp_path / "out")
    with pytest.raises(OutputError, match="exists already"):
        save_inputs(everything, tmp_path / "out")
