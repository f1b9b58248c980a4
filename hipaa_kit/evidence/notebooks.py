"""The canonical form of an executed notebook: the same inputs give the same bytes."""

from __future__ import annotations

import copy
import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hipaa_kit.errors import OutputError

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{4,}")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PICTURES = ("image/png", "image/jpeg", "application/pdf")
KEPT_METADATA = ("hipaa_kit", "kernelspec")


def canonical_notebook(notebook: Any) -> str:
    """Return an executed notebook as text without anything that differs from run to run.

    Parameters
    ----------
    notebook
        Notebook node as papermill wrote it; it is not changed.

    Returns
    -------
    str
        JSON with sorted keys. Times, durations, random cell ids and absolute paths are gone;
        parameters, sources and outputs stay.

    Raises
    ------
    OutputError
        An output holds an address in memory, a home folder or the name of this machine: it would
        not be the same elsewhere.
    """
    plain = copy.deepcopy(json.loads(json.dumps(notebook)))
    cells = [_cell(cell, number) for number, cell in enumerate(plain["cells"])]
    for number, cell in enumerate(cells):
        for text in _texts(cell):
            _refuse_local(text, number)
    metadata = {name: plain["metadata"][name] for name in KEPT_METADATA if name in plain["metadata"]}
    parameters = plain["metadata"].get("papermill", {}).get("parameters", {})
    metadata["papermill"] = {"parameters": parameters}
    metadata["language_info"] = {"name": "python"}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cell(cell: dict[str, Any], number: int) -> dict[str, Any]:
    tags = [tag for tag in cell["metadata"].get("tags", []) if not tag.startswith("papermill-")]
    kept: dict[str, Any] = {
        "cell_type": cell["cell_type"],
        "id": _cell_id(cell, number),
        "metadata": {"tags": tags} if tags else {},
        "source": _lines(cell["source"]),
    }
    if cell["cell_type"] == "code":
        kept["execution_count"] = cell.get("execution_count")
        kept["outputs"] = [_output(output) for output in cell.get("outputs", [])]
    return kept


def _cell_id(cell: dict[str, Any], number: int) -> str:
    """Return the id that the notebook gives; the cell that papermill injects has a random one."""
    injected = "injected-parameters" in cell["metadata"].get("tags", [])
    return "injected-parameters" if injected else str(cell.get("id") or f"cell-{number:02d}")


def _output(output: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in output.items() if name != "transient"}
    if kept["output_type"] == "stream":
        kept["text"] = _lines(_ANSI.sub("", "".join(kept["text"])))
    if kept["output_type"] == "error":
        # Frames of a traceback name files of this machine and quote values; the error itself is enough.
        kept["traceback"] = [f"{kept['ename']}: {_ANSI.sub('', kept['evalue'])}"]
    if "data" in kept:
        kept["data"] = {
            mime: _lines(data) if isinstance(data, str | list) and mime not in PICTURES else data
            for mime, data in kept["data"].items()
        }
    return kept


def _lines(text: str | list[str]) -> list[str]:
    return "".join(text).splitlines(keepends=True)


def _texts(cell: dict[str, Any]) -> Iterator[str]:
    """Yield every text of a cell's outputs but pictures."""
    for output in cell.get("outputs", []):
        yield "".join(output.get("text", ""))
        yield "".join(output.get("traceback", ""))
        for mime, data in output.get("data", {}).items():
            if mime not in PICTURES:
                yield "".join(data) if isinstance(data, list) else json.dumps(data)


def _refuse_local(text: str, number: int) -> None:
    local = {"a home folder": str(Path.home()), "the name of this machine": platform.node()}
    found = [what for what, value in local.items() if len(value) > 3 and value in text]
    if _ADDRESS.search(text):
        found.append("an address in memory")
    if found:
        raise OutputError(f"cell {number} shows {found[0]}", "notebook", "it would differ from run to run")
