"""Files as documents: JSON of every spelling, YAML, and tables with a header line.

Problems are told without the words of a parser that quote what stands in the file: it may be a key.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import Document, Unreadable, decode, no_cyclic_collection, whole_documents
from hipaa_kit.sources.inputs.declaration import without_secrets

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_CELL: Final = 131_072
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*|[A-Z][A-Z0-9_]*")
_QUOTED: Final = re.compile(r"['\"`<].*|not YAML: .*", re.DOTALL)


class Sheet(NamedTuple):
    """A table with a header line: its rows by column name, each with its line."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


class Piece(NamedTuple):
    """One document of a file and the position it starts at."""

    content: Any
    position: str


def pieces(raw: bytes) -> Iterator[Piece | Unreadable]:
    """Yield the documents of a file; what cannot be read is yielded in its place.

    Parameters
    ----------
    raw
        Content of the file: JSON, one JSON document per line, YAML, CSV, or columns that spaces part.

    Notes
    -----
    Items of a list at the top, and of `{"value": […]}` as Microsoft's APIs answer, are documents of their own:
    `az … list`, `gcloud … list` and exports of identity providers are such lists.
    Values of secret fields are gone in everything that is yielded.
    """
    try:
        content = decode(raw, "")
    except InputError as error:
        yield Unreadable("", error.what)
        return
    sheet = _sheet(content)
    if sheet is not None:
        yield sheet if isinstance(sheet, Unreadable) else Piece(sheet, "")
        return
    for found in _documents(content):
        if isinstance(found, Unreadable):
            yield Unreadable(found.position, _QUOTED.sub("", found.error).strip(" :") or "not JSON and not YAML")
        else:
            yield from _unfolded(found)


def _documents(content: str) -> Iterator[Document | Unreadable]:
    """Yield documents, line by line where the first line is one by itself: such files are long."""
    lines = content.lstrip("\ufeff \t\r\n")
    first, _, rest = lines.partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{") or _loaded(first) is None:
        yield from whole_documents(content)
        return
    for number, line in enumerate(lines.splitlines(), 1):
        if line.strip():
            found = _loaded(line)
            yield Unreadable(f":{number}", "not JSON") if found is None else Document(found, f":{number}", "")


def _loaded(line: str) -> Any:
    try:
        with no_cyclic_collection():
            return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _unfolded(found: Document) -> Iterator[Piece | Unreadable]:
    try:
        content = without_secrets(found.content)
    except RecursionError:
        yield Unreadable(found.position, "nested too deeply")
        return
    inner = content.get("value") if isinstance(content, dict) else content
    if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
        yield Piece(content, found.position)
        return
    for number, item in enumerate(inner):
        yield Piece(item, f"{found.position}/{number}")


def _sheet(content: str) -> Sheet | Unreadable | None:
    """Return a file as a table, None where its first line is no header."""
    body = content.lstrip("\ufeff")
    header = body.partition("\n")[0].rstrip("\r")
    delimiter = next((mark for mark in (",", ";", "\t") if mark in header), " ")
    columns = tuple(cell.strip().strip('"') for cell in header.split(delimiter))
    if len(columns) < 2 or not all(_NAME.fullmatch(name) for name in columns):
        return None
    if len(set(columns)) < len(columns):
        return Unreadable(":1", "a column stands there twice")
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        next(reader)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                return Unreadable(f":{reader.line_num}", f"{len(cells)} cells under {len(columns)} columns")
            rows.append((reader.line_num, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    except csv.Error:
        return Unreadable(f":{reader.line_num}", "not CSV: a quote or a cell does not end")
    return Sheet(columns, tuple(rows))
