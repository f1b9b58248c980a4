"""The audit store: the log as columns on disk, asked with SQL in bounded memory.

```
store/
  audit_log.json               sources with their digests and counts, parts with theirs
  parts/000000.parquet         rows of `audit_events`, in order of `event`
  duplicates.parquet           events that repeat another one
```
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.sources.audit_log.columns import VIEW
from hipaa_kit.sources.snapshot import canonical_json
from hipaa_kit.tables.audit_log import AUDIT_SOURCES

if TYPE_CHECKING:
    import duckdb

MANIFEST: Final = "audit_log.json"
PARTS: Final = "parts"
DUPLICATES: Final = "duplicates.parquet"
FORMAT: Final = "hipaa-kit/audit-log/v1"
SCHEMA: Final = " ".join(VIEW)
"""Columns that a store has to have: one that was made with others answers no question of this version."""
AGAIN: Final = "read the audit log again"
MEMORY: Final = "600MB"
THREADS: Final = 2


class AuditLog:
    """Every event of an audit log, each once.

    Parameters
    ----------
    folder
        Where `ingest` wrote it.
    manifest
        What it is made of.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest

    @classmethod
    def open(cls, folder: str | Path) -> AuditLog:
        """Open a store, once its parts are seen to be unaltered.

        Raises
        ------
        InputError
            It is none, was not finished, or a part is missing or altered.
        """
        place = Path(folder)
        manifest = read_manifest(place)
        if manifest is None:
            raise InputError("holds no audit log", str(folder), f"such a folder has {MANIFEST}")
        if not manifest["complete"]:
            raise InputError("is an audit log that was not read to its end", str(folder), AGAIN)
        for name, sha256 in manifest["files"].items():
            if file_digest(place / name) != sha256:
                raise InputError("was altered or damaged", str(place / name), AGAIN)
        return cls(place, manifest)

    @cached_property
    def digest(self) -> str:
        """Digest of the sources and of everything that was taken from them."""
        return hashlib.sha256(canonical_json(self.manifest)).hexdigest()

    @property
    def events(self) -> int:
        """How many events there are, each counted once."""
        return int(self.manifest["events"]) - int(self.manifest["duplicates"])

    def sources(self) -> pd.DataFrame:
        """Return table `audit_sources`: one row per file."""
        return AUDIT_SOURCES.frame({**each, "store": self.digest} for each in self.manifest["sources"])

    def partitions(self) -> list[AuditLog]:
        """Return a log for each part, for questions whose answers add up: each may be asked on another machine."""
        files = self.manifest["files"]
        return [AuditLog(self.folder, {**self.manifest, "files": {name: files[name]}}) for name in part_names(files)]

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, **frames: pd.DataFrame) -> pd.DataFrame:
        """Answer a question about the events.

        Parameters
        ----------
        sql
            A statement of DuckDB that reads the view `audit_events`.
        parameters
            Values of `$name` in it.
        frames
            Frames that it reads beside the view, by name.

        Returns
        -------
        pandas.DataFrame
            As the statement says.
        """
        with self._connection.cursor() as cursor:
            for name, frame in frames.items():
                cursor.register(name, frame)
            found = cursor.execute(sql, dict(parameters) if parameters else None)
            return found.df()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the engine, which every process has for itself."""
        return {name: value for name, value in vars(self).items() if name != "_connection"}

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = connect()
        columns = ", ".join(f'"{name}"' for name in VIEW)
        again = quoted(str(self.folder / DUPLICATES))
        unique = f"WHERE event NOT IN (SELECT event FROM read_parquet({again}))"
        where = unique if self.manifest["duplicates"] else ""
        rows = f"SELECT {columns} FROM {rows_in(self.folder, self.manifest)} {where}"
        connection.execute(f"CREATE VIEW audit_events AS {rows}")
        return connection


def connect(*, spill: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the engine with its limits; without `spill` nothing of what it holds touches the disk."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS})
    place = Path(tempfile.gettempdir()) / "hipaa-kit-audit-log" if spill else ""
    connection.execute(f"SET temp_directory = {quoted(str(place))}")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET TimeZone = 'UTC'")  # else a moment without a zone would be one of this machine's
    return connection


def is_store(path: str | Path) -> bool:
    """Tell whether a folder is one that `ingest` wrote."""
    return (Path(path) / MANIFEST).is_file()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a store; None where there is none.

    Raises
    ------
    InputError
        It is damaged, or of another version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        raise InputError("cannot be read", str(folder / MANIFEST), AGAIN) from None
    if not isinstance(manifest, dict) or (manifest.get("format"), manifest.get("columns")) != (FORMAT, SCHEMA):
        raise InputError("has a format that this version does not read", str(folder / MANIFEST), AGAIN)
    return manifest


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path), AGAIN) from None


def part_names(files: Iterable[str]) -> list[str]:
    """Return which files of a store are parts, in order of `event`; one that holds an event has at least one."""
    return sorted(name for name in files if name.startswith(f"{PARTS}/"))


def rows_in(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return the parts of a store as the engine's statements name a table."""
    return f"read_parquet([{', '.join(quoted(str(folder / name)) for name in part_names(manifest['files']))}])"


def shown(moment: str) -> str:
    """Return the expression that gives a moment as text, to the millionth of a second, UTC."""
    return f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ')"


def quoted(text: str) -> str:
    """Return a text as the engine's statements hold it."""
    return "'" + text.replace("'", "''") + "'"
