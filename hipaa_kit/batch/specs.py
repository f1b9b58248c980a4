"""Which notebooks there are, and what each takes: read from the files, never executed."""

from __future__ import annotations

import ast
import io
import json
import shutil
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipaa_kit.errors import InputError, OutputError
from hipaa_kit.resources import shipped

PLAIN_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
SECRET_WORDS = ("token", "secret", "password", "credential", "key")
"""Words that no parameter may have in its name: parameters stand in clear in executed notebooks."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, plain type, default and meaning."""

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True)
class NotebookSpec:
    """One notebook: what it asks, which law it serves, what it takes."""

    id: str
    topic: str
    title: str
    question: str
    citations: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    path: Path

    @property
    def name(self) -> str:
        """File name without suffix."""
        return self.path.stem


def list_notebooks(folder: Path | None = None) -> list[NotebookSpec]:
    """Return the notebooks that ship with the kit, or those of a folder, in order.

    Raises
    ------
    InputError
        A notebook lacks the metadata or the parameters cell that it is found by.
    """
    place = folder or shipped("notebooks")
    return [_spec(path) for path in sorted(place.glob("*.ipynb"))]


def find_notebook(name: str, folder: Path | None = None) -> NotebookSpec:
    """Return a notebook by its number, topic or file name.

    Raises
    ------
    InputError
        There is none, or several; names those there are.
    """
    specs = list_notebooks(folder)
    wanted = name.removesuffix(".ipynb")
    found = [spec for spec in specs if wanted in (spec.id, spec.topic, spec.name)]
    if len(found) != 1:
        raise InputError(f"there is no notebook {name!r}", "", f"notebooks are {', '.join(s.name for s in specs)}")
    return found[0]


def copy_notebooks(target: Path, folder: Path | None = None) -> list[Path]:
    """Copy the notebooks to a folder that does not exist yet, to work on them.

    Raises
    ------
    OutputError
        The folder exists or cannot be written.
    """
    if target.exists():
        raise OutputError("exists already", str(target), "name another place or remove it")
    try:
        target.mkdir(parents=True)
        return [Path(shutil.copy(spec.path, target)) for spec in list_notebooks(folder)]
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error


def check_parameters(spec: NotebookSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters, each known to the notebook and of its type.

    papermill would take an unknown one with a warning and put it into the notebook all the same.

    Raises
    ------
    InputError
        A name is unknown or a value has the wrong type; names both sides.
    """
    known = {parameter.name: parameter for parameter in spec.parameters}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"has no parameter {name!r}", spec.name, f"parameters are {', '.join(known)}")
        wanted = PLAIN_TYPES[known[name].type]
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise InputError(f"parameter {name!r} is {type(value).__name__}", spec.name, f"give {wanted.__name__}")
    return dict(given)


def _spec(path: Path) -> NotebookSpec:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        about = notebook["metadata"]["hipaa_kit"]
        source = next("".join(c["source"]) for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
        return NotebookSpec(
            id=about["id"],
            topic=about["topic"],
            title=about["title"],
            question=about["question"],
            citations=tuple(about["citations"]),
            inputs=tuple(about["inputs"]),
            parameters=tuple(parse_parameters(source, path.name)),
            path=path,
        )
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", str(path)) from None
    except (KeyError, StopIteration, TypeError) as error:
        raise InputError(f"is no notebook of the kit: {error!r} is missing", str(path)) from None


def parse_parameters(source: str, where: str) -> list[Parameter]:
    """Return the parameters of a cell: one per line, `name: type = default  # meaning`."""
    meanings = _comments(source)
    found = []
    for node in ast.parse(source).body:
        at = f"{where} parameters, line {node.lineno}"
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise InputError("is no parameter", at, "write name: type = default  # meaning")
        name, kind = node.target.id, ast.unparse(node.annotation)
        if kind not in PLAIN_TYPES:
            raise InputError(f"{name!r} has type {kind}", at, f"plain types are {', '.join(PLAIN_TYPES)}")
        if any(word in name.lower() for word in SECRET_WORDS):
            raise InputError(f"{name!r} sounds like a secret", at, "parameters stand in clear in executed notebooks")
        if node.lineno not in meanings:
            raise InputError(f"{name!r} has no meaning", at, "write it as a comment on the same line")
        found.append(Parameter(name, kind, ast.literal_eval(node.value), meanings[node.lineno]))
    return found


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
