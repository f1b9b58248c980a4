"""Reading the files of records: YAML of several documents, every mistake with its file and line."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Final

from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.catalogue.law import KIND_OF
from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import LineIndex, decode, load_strict
from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.sources.schema import refuse_invalid, validator
from hipaa_kit.sources.signed.matching import refuse_pattern
from hipaa_kit.sources.signed.model import Records
from hipaa_kit.sources.signed.rows import Filled, rows_of_record
from hipaa_kit.tables.signed import RECORD_ARTIFACTS, RECORD_FILES, SIGNED_RECORDS, SIGNED_TABLES

LISTS: Final = {
    "WaiverList": "waivers",
    "DecisionList": "decisions",
    "AttestationList": "attestations",
    "IndependentAssessmentList": "assessments",
    "FindingRegister": "findings",
    "ReviewRegister": "reviews",
}
"""Kinds of list, and the key under which their records stand."""

SCHEMA: Final = "records.json"
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ARTIFACT_BYTES: Final = 256 * 1024 * 1024
EXAMPLES: Final = dict.fromkeys(
    ("approved_on", "expires_on", "performed_on", "due_on", "closed_on", "opened_on", "held_on"), "2026-11-01"
) | {
    "id": "WVR-2026-004",
    "sha256": "64 hexadecimal digits",
    "path": "attachments/restore-log.txt",
    "fingerprint": "the 16 digits of a finding's fingerprint",
    "object": "StatefulSet/ehr/db",
}
_NAME: Final = re.compile(r"[A-Za-z0-9._/-]+")
_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_DAYS: Final = frozenset(EXAMPLES) - {"id", "sha256", "path", "fingerprint", "object"}


def load_records(path: str | Path) -> Records:
    """Read the records that people signed.

    Parameters
    ----------
    path
        One file, or a folder: every `*.yaml` and `*.yml` in it and below. The files that records rest on are looked
        for in the folder alone.

    Returns
    -------
    Records
        As tables. What is wrong with a record itself, such as that it has expired, is judged later and never an error.

    Raises
    ------
    InputError
        A file cannot be read, an unknown key stands in it, or a value cannot be right: `file:line: what (what to do)`.
    """
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    files = _files(place)
    reader = _Reader(folder)
    for file in files:
        reader.read(file)
    return reader.result()


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError("is no file and no folder", str(place), "name the records with --records")
    found = []
    for parent, folders, names in os.walk(place):
        folders.sort()
        found += [Path(parent) / name for name in sorted(names) if name.endswith((".yaml", ".yml"))]
    for strange in (each for each in found if not _NAME.fullmatch(each.relative_to(place).as_posix())):
        raise InputError("has a name that a bundle cannot hold", str(strange), "use letters, digits, . _ and -")
    links = [each for each in found if each.is_symlink()]
    if links:
        raise InputError("is a link, which is not followed", str(links[0]), "put the file itself there")
    return found


class _Reader:
    """Takes files one by one and holds the rows that they gave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filled: Filled = {name: [] for name in SIGNED_TABLES}
        self.places: dict[str, str] = {}
        self.files: dict[str, tuple[str, str]] = {}

    def read(self, path: Path) -> None:
        """Read every document of one file."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise InputError(f"is larger than {MAX_BYTES // 1024 // 1024} MiB", str(path), "split it")
            raw = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", str(path)) from None
        source = path.relative_to(self.folder).as_posix()
        self.files[source] = ("records", hashlib.sha256(raw).hexdigest())
        for chunk in _documents(decode(raw, str(path))):
            content, lines = load_strict(chunk, str(path))
            if content is not None:
                self._list(content, lines, str(path), source)

    def _list(self, content: Any, lines: LineIndex, where: str, source: str) -> None:
        kind = content.get("kind") if isinstance(content, Mapping) else None
        if kind not in LISTS:
            at = f"{where}:{lines.line(('kind',))}"
            raise InputError(f"is of no known kind: {kind!r}", at, f"kinds are {', '.join(LISTS)}")
        refuse_invalid(content, lines, where, validator(SCHEMA, kind), EXAMPLES)
        key = LISTS[kind]
        for number, record in enumerate(content[key]):
            path = (key, number)
            at = f"{where}:{lines.line(path)}"
            _refuse_wrong(record, path, lines, where)
            rows = rows_of_record(kind, record, source, lines.line(path))
            name = str(rows[SIGNED_RECORDS.name][0]["record"])
            if name in self.places:
                raise InputError(f"the id {record['id']!r} is taken by {self.places[name]}", at, "give it another")
            self.places[name] = at
            for table, found in rows.items():
                self.filled[table] += found
            self._artifacts(record, path, lines, where, name)

    def _artifacts(
        self, record: Mapping[str, Any], path: tuple[Any, ...], lines: LineIndex, at: str, name: str
    ) -> None:
        """Look at the files that a record rests on: inside the folder, not through links."""
        seen: set[str] = set()
        for number, each in enumerate(record.get("artifacts", [])):
            line = f"{at}:{lines.line((*path, 'artifacts', number))}"
            relative = PurePosixPath(each["path"])
            if relative.is_absolute() or ".." in relative.parts or "\\" in each["path"]:
                raise InputError(f"{each['path']!r} is outside of the folder of records", line, "copy the file into it")
            if str(relative) in seen:
                raise InputError(f"{each['path']!r} is named twice", line, "remove one")
            seen.add(str(relative))
            state, sha256 = self._state(relative, each["sha256"], line)
            row = {"record": name, "path": str(relative), "sha256": each["sha256"], "state": state}
            self.filled[RECORD_ARTIFACTS.name].append(row)
            if sha256:
                self.files.setdefault(str(relative), ("artifact", sha256))

    def _state(self, relative: PurePosixPath, wanted: str, line: str) -> tuple[str, str]:
        file = self.folder
        for part in relative.parts:
            file = file / part
            if file.is_symlink():
                raise InputError(
                    f"{str(relative)!r} leads through a link, which is not followed", line, "copy the file"
                )
        if not file.is_file():
            return "missing", ""
        if file.stat().st_size > MAX_ARTIFACT_BYTES:
            raise InputError(f"{str(relative)!r} is larger than 256 MiB", line, "name a smaller file")
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        return ("verified" if sha256 == wanted else "differs"), sha256

    def result(self) -> Records:
        """Return what was read, as frames."""
        rows = [{"path": path, "role": role, "sha256": sha256} for path, (role, sha256) in self.files.items()]
        self.filled[RECORD_FILES.name] = rows
        return Records({name: table.frame(self.filled[name]) for name, table in SIGNED_TABLES.items()}, self.folder)


def _documents(text: str) -> Iterator[str]:
    """Yield the documents of a file, each moved down to the line where it stands."""
    starts = [found.start() for found in _START.finditer(text)]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        if text[start:end].strip():
            yield "\n" * text.count("\n", 0, start) + text[start:end]


def _refuse_wrong(record: Mapping[str, Any], path: tuple[Any, ...], lines: LineIndex, where: str) -> None:
    """Refuse what the schema cannot see: days that are none, unknown controls, patterns, secrets."""

    def refuse(what: str, do: str, *steps: Any) -> None:
        raise InputError(what, f"{where}:{lines.line((*path, *steps))}", do)

    for steps, value in _leaves(record):
        if steps[-1] in _DAYS and value:
            try:
                date.fromisoformat(value)
            except ValueError:
                refuse(f"{steps[-1]} is {value}, which is no day", "write it like 2026-11-01", *steps)
        elif isinstance(value, str) and steps[-1] not in ("sha256", "fingerprint") and looks_secret(value):
            refuse(f"{steps[-1]} looks like a secret", "remove it; it is not shown here", *steps)
        elif steps[-1] == "citation" and value and value not in KIND_OF:
            refuse(f"there is no citation {value!r}", "see hipaa-kit checks", *steps)
    known = {control.id: control for control in load_catalogue().controls}
    for steps, value in _leaves({key: record[key] for key in ("checks", "control") if key in record}):
        if value and value not in known:
            refuse(f"there is no control {value!r}", "see hipaa-kit checks", *steps)
    excused = known.get(record.get("control", ""))
    if record.get("applies") is False and (excused is None or "not_applicable" not in excused.rule):
        refuse(f"{record.get('control') or 'what is named'} applies to everyone", "leave applies out", "applies")
    if record.get("applies") is False and record.get("match"):
        refuse("says of a part alone that it does not apply", "leave match or applies out", "match")
    named = [key for key in ("checks", "control", "citation") if record.get(key)]
    if len(named) > 1:
        refuse(f"names {' and '.join(named)}", "give exactly one of them", named[1])
    for field, pattern in record.get("match", {}).items():
        try:
            refuse_pattern(pattern)
        except InputError as error:
            refuse(error.what, error.do, "match", field)


def _leaves(value: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the values of a record with the way to each; items of a list are named by the list."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*steps, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*steps, number))
    else:
        yield steps, value
