"""Reading a folder of inputs: every file recognised by its content, every problem a row of its own."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import Unreadable, decode, load_strict
from hipaa_kit.sources.inputs.declaration import Form, Input, LazyPseudonyms, Reading, Row
from hipaa_kit.sources.inputs.given import INPUTS, Inputs, no_inputs
from hipaa_kit.sources.inputs.joining import MAX_ROWS, Joined
from hipaa_kit.sources.inputs.parsing import MAX_BYTES, Piece, Sheet, pieces
from hipaa_kit.sources.inputs.records import KINDS, LineError, misnamed_kind
from hipaa_kit.sources.inputs.values import line, text
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.inputs import INPUT_CONFLICTS, INPUT_FILES
from hipaa_kit.tables.inputs import INPUTS as INPUTS_TABLE
from hipaa_kit.tables.results import UNREADABLE

MAX_FILES: Final = 20_000


def read_inputs(folder: str | Path, *, pseudonymizer: Pseudonymizer | None = None) -> Inputs:
    """Read a folder of inputs, and all folders below it.

    Parameters
    ----------
    folder
        Files of any name; links are not followed.
    pseudonymizer
        Names users and addresses; that of this installation by default.

    Returns
    -------
    Inputs
        What was recognised, as tables. A file that was not recognised, or that broke, is a row of `unreadable`.

    Raises
    ------
    InputError
        The folder cannot be read, or a file that people write (tickets, workforce, …) has a mistake: the message
        says file, line and what to do.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError("is no folder", str(folder), "name the folder of inputs with --inputs")
    reader = _Reader(place, LazyPseudonyms(pseudonymizer))
    for path, problem in _files(place):
        source = line(path.relative_to(place).as_posix())
        if problem:
            reader.refuse(source, "", problem)
        else:
            reader.read(path, source)
    return reader.result()


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file in order of its path, with why it is not read where it is not."""
    found = []
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [Path(parent) / name for name in [*names, *links]]
        folders.sort()
    for number, path in enumerate(sorted(found)):
        try:
            about = path.lstat()
        except OSError as error:
            yield path, f"cannot be read: {error.strerror}"
            continue
        if number >= MAX_FILES:
            yield path, f"not read: the folder has more than {MAX_FILES} files"
        elif stat.S_ISLNK(about.st_mode):
            yield path, "is a link, which is not followed"
        elif not stat.S_ISREG(about.st_mode):
            yield path, "is no regular file"
        elif about.st_size > MAX_BYTES:
            yield path, f"is larger than {MAX_BYTES // 1024 // 1024} MiB"
        else:
            yield path, ""


class _Reader:
    """Takes files one by one and holds what they gave."""

    def __init__(self, folder: Path, pseudonym: LazyPseudonyms) -> None:
        self.folder = folder
        self.pseudonym = pseudonym
        self.joined = Joined()
        self.problems: dict[tuple[str, str], str] = {}
        self.broken: set[str] = set()
        self.counts: dict[tuple[str, str], tuple[str, int]] = {}
        self.seen: dict[bytes, str] = {}

    def refuse(self, source: str, position: str, error: str) -> None:
        """Keep that a file, or a part of one, was not read."""
        self.problems.setdefault((source, position), line(error))

    def read(self, path: Path, source: str) -> None:
        """Read one file."""
        try:
            raw = path.read_bytes()
        except OSError as error:
            self.refuse(source, "", f"cannot be read: {error.strerror}")
            return
        # Compared within this run only and never kept: the digest of a file with a key in it tells of the key.
        content = hashlib.sha256(raw).digest()
        if content in self.seen and not _speaks_by_place(source):
            self.refuse(source, "", f"is the same as {self.seen[content]}")
            return
        self.seen.setdefault(content, source)
        strange = 0
        first = ""
        last: tuple[Input, Form] | None = None
        count = 0
        for count, piece in enumerate(pieces(raw), 1):  # noqa: B007 - whether there was any is asked below
            if isinstance(piece, Unreadable):
                self.refuse(source, piece.position, piece.error)
                self._break(source)
                continue
            found = last if last and last[1].recognise(piece.content) else _recognised(piece.content)
            if found is None:
                self._refuse_misnamed(piece, source)
                strange, first = strange + 1, first or piece.position
                continue
            last = found
            self._take(*found, piece, source, raw)
        if not count:
            self.refuse(source, "", "holds nothing")
        elif strange:
            words = (
                "is of no known form" if strange == count else f"{strange} of its {count} parts are of no known form"
            )
            self.refuse(source, first, words)

    def _take(self, declared: Input, form: Form, piece: Piece, source: str, raw: bytes) -> None:
        before = self.counts.get((declared.name, source), (form.name, 0))
        self.counts[declared.name, source] = before
        reading = Reading(source, piece.position, self.pseudonym)
        try:
            if declared.written and not isinstance(piece.content, Sheet):
                self._check_strictly(raw, source)
            rows = form.read(piece.content, reading)
            taken = self._add(declared, list(rows) if declared.unit else rows, piece, source)
        except InputError as error:
            if declared.written:
                raise self._located(error, piece, source, raw) from None
            self.refuse(source, piece.position, f"{error.what} ({error.do})" if error.do else error.what)
            self.broken.add(declared.name)
            return
        self.counts[declared.name, source] = (before[0], before[1] + taken)

    def _add(self, declared: Input, rows: Any, piece: Piece, source: str) -> int:
        place = f"{source}{piece.position}"
        if declared.unit:
            about = str(rows[0].values[declared.unit]) if rows else ""
            unit = (declared.name, about, text(piece.content, "kind"))
            if not self.joined.is_new(unit, rows, place):
                return 0
        taken = 0
        row: Row
        for row in rows:
            if not self.joined.add(row, place):
                raise InputError(f"has more than {MAX_ROWS} rows", "", "give less of it")
            taken += 1
        return taken

    def _break(self, source: str) -> None:
        """Mark the inputs that were read from a file as incomplete."""
        self.broken |= {name for name, where in self.counts if where == source}

    def _refuse_misnamed(self, piece: Piece, source: str) -> None:
        if misnamed_kind(piece.content) and text(piece.content, "kind") != "Scope":
            where = f"{self.folder / source}{piece.position}"
            raise InputError("is of a kind that is not known", where, f"kinds are {', '.join(KINDS)}")

    def _check_strictly(self, raw: bytes, source: str) -> None:
        """Refuse what a person wrote twice under one key; JSON is written by machines."""
        content = decode(raw, source)
        if not content.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            try:
                load_strict(content, str(self.folder / source))
            except InputError as error:
                raise InputError(error.what, error.where, "write every key once, and one document per file") from None

    def _located(self, error: InputError, piece: Piece, source: str, raw: bytes) -> InputError:
        """Return a mistake in what a person wrote with its file and line."""
        if error.where:
            return error
        at = getattr(error, "line_number", 0)
        where = f"{self.folder / source}:{at}" if at else f"{self.folder / source}{piece.position}"
        if not at and isinstance(error, LineError):
            try:
                _, lines = load_strict(decode(raw, source), source)
            except InputError:
                pass
            else:
                item = piece.position.rpartition("/")[2] if "/" in piece.position else ""
                path = (int(item), *error.path) if item.isdigit() else error.path
                where = f"{self.folder / source}:{lines.line(path)}"
        return InputError(error.what, where, error.do)

    def result(self) -> Inputs:
        """Return what was read, as frames."""
        none = no_inputs()
        conflicts = [
            {"table": table, "key": key, "column": column, "kept_source": kept, "dropped_source": dropped}
            for (table, key, column, dropped), kept in self.joined.conflicts.items()
        ]
        return Inputs(
            tables={t.name: t.frame(self.joined.rows(t)) for _, t in sorted(_tables().items())},
            given=INPUTS_TABLE.frame(self._status(row) for row in rows_of(none.given)),
            files=INPUT_FILES.frame(
                {"input": name, "source": source, "form": form, "rows": rows}
                for (name, source), (form, rows) in self.counts.items()
            ),
            conflicts=INPUT_CONFLICTS.frame(conflicts),
            unreadable=UNREADABLE.frame(
                {"source": source, "position": position, "error": error}
                for (source, position), error in self.problems.items()
            ),
        )

    def _status(self, row: dict[str, Any]) -> dict[str, Any]:
        name = row["input"]
        files = [source for each, source in self.counts if each == name]
        tables = {table.name for table in INPUTS[name].tables}
        return {
            **row,
            "status": "missing" if not files else "unreadable" if name in self.broken else "given",
            "files": len(files),
            "rows": sum(rows for (each, _), (_, rows) in self.counts.items() if each == name),
            "conflicts": sum(table in tables for table, *_ in self.joined.conflicts),
        }


def _tables() -> dict[str, Any]:
    return {table.name: table for each in INPUTS.values() for table in each.tables}


def _recognised(content: Any) -> tuple[Input, Form] | None:
    for declared in INPUTS.values():
        for form in declared.forms:
            if form.recognise(content):
                return declared, form
    return None


def _speaks_by_place(source: str) -> bool:
    """Tell whether where a file stands says what it is about: equal files of two nodes are two facts."""
    return bool({"nodes", "buckets"} & set(Path(source).parts[:-1]))
