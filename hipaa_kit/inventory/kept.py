"""Tables of large snapshots and of audit logs kept on disk, so that opening one again does not build them again.

They lie in the user's cache folder, under a digest of the snapshot or log and of the code that made them: another
one, or another version of the kit, finds nothing. A file that is not whole is not believed, and its table is
built again. Removing the folder costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd

import hipaa_kit
from hipaa_kit.resources import code_digest
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables import Table

FOLDER_VARIABLE: Final = "HIPAA_KIT_TABLE_CACHE"
"""Names the folder; `off` keeps nothing."""

LEAST_OBJECTS: Final = 2_000
"""Tables of fewer objects are built as fast as they would be read."""

MOST_FOLDERS: Final = 8
"""Snapshots and logs of which tables are kept."""
_DIGEST_BYTES: Final = 32
_ROOMS: Final = ("inventory", "kube", "sources", "tables")
_ROOMS_OF_LOGS: Final = (*_ROOMS, "graph", "catalogue", "printable.py", "vocabulary.py")


class _Column(msgspec.Struct, array_like=True):
    """One column: each text once and which row has which, or numbers and where there is none."""

    name: str
    type: str
    values: bytes
    texts: list[str] | None = None
    missing: bytes | None = None


class _File(msgspec.Struct, array_like=True):
    table: str
    columns: list[_Column]
    made_from: str = ""


class KeptTables:
    """Tables of one snapshot, or of one audit log, on disk.

    Parameters
    ----------
    folder
        Where they lie; made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, snapshot: Snapshot) -> KeptTables | None:
        """Return those of a snapshot; None for a small one, and where nothing is to be kept."""
        base = _base()
        if base is None or sum(part.size for part in snapshot.parts.values()) < LEAST_OBJECTS:
            return None
        return cls(base / _key(snapshot.digest, _code_digest()))

    @classmethod
    def of_log(cls, digest: str) -> KeptTables | None:
        """Return those of the audit log with a digest; None where nothing is to be kept."""
        base = _base()
        return cls(base / _key("audit log", digest, _code_digest(*_ROOMS_OF_LOGS))) if base else None

    def read(self, table: Table, made_from: str = "") -> pd.DataFrame | None:
        """Return a table as it was kept; None where it was not, not whole, or made from something else.

        Parameters
        ----------
        table
            Its declaration.
        made_from
            Digest of what it is made from beside the snapshot or log.
        """
        try:
            raw = (self.folder / f"{table.name}.table").read_bytes()
        except OSError:
            return None
        if hashlib.sha256(raw[_DIGEST_BYTES:]).digest() != raw[:_DIGEST_BYTES]:
            return None
        try:
            file = msgspec.msgpack.decode(memoryview(raw)[_DIGEST_BYTES:], type=_File)
        except msgspec.DecodeError:
            return None
        declared = [(column.name, column.type) for column in table.columns]
        if (file.table, file.made_from) != (table.name, made_from) or [
            (column.name, column.type) for column in file.columns
        ] != declared:
            return None
        return pd.DataFrame({column.name: _series(column) for column in file.columns}, copy=False)

    def keep(self, table: Table, frame: pd.DataFrame, made_from: str = "") -> None:
        """Keep a table in the place of the one before. Where nothing can be written nothing is kept, and none lost."""
        try:
            columns = [_column(str(name), series) for name, series in frame.items()]
            packed = msgspec.msgpack.encode(_File(table.name, columns, made_from))
        except UnicodeEncodeError:
            return  # half of a surrogate pair, which is no text that can be written
        with contextlib.suppress(OSError):
            self._make_folder()
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(packed).digest())
                file.write(packed)
            Path(name).rename(self.folder / f"{table.name}.table")

    def _make_folder(self) -> None:
        """Make the folder, readable by its owner alone, and remove those that were kept longest ago."""
        if self.folder.is_dir():
            return
        self.folder.mkdir(parents=True, mode=0o700)
        ours = [path for path in self.folder.parent.iterdir() if _is_ours(path)]
        for old in sorted(ours, key=lambda path: path.stat().st_mtime, reverse=True)[MOST_FOLDERS:]:
            shutil.rmtree(old, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Tell whether a folder holds tables that were kept, and nothing else: what is not ours is never removed."""
    if path.is_symlink() or not path.is_dir() or not re.fullmatch("[0-9a-f]{32}", path.name):
        return False
    return all(each.suffix == ".table" or each.name.startswith(".") for each in path.iterdir())


def _base() -> Path | None:
    given = os.environ.get(FOLDER_VARIABLE, "")
    if given:
        return None if given == "off" else Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "hipaa-kit" / "tables"
    except RuntimeError:
        return None  # a user without a home


def _code_digest(*rooms: str) -> str:
    """Return a digest over the code that has a part in making tables."""
    return f"{hipaa_kit.__version__} {code_digest(*(rooms or _ROOMS))}"


def _key(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:32]


def _column(name: str, series: pd.Series) -> _Column:
    kind = str(series.dtype)
    if kind == "str":
        codes, texts = pd.factorize(series.to_numpy(dtype=object))
        return _Column(name, kind, codes.astype("<i4").tobytes(), texts=list(texts))
    missing = series.isna().to_numpy(dtype=bool)
    plain = series.to_numpy(dtype=_PLAIN[kind], na_value=False) if kind in _NULLABLE else series.to_numpy()
    return _Column(name, kind, plain.tobytes(), missing=missing.tobytes() if missing.any() else None)


def _series(column: _Column) -> pd.Series:
    if column.texts is not None:
        texts = np.array([*column.texts, ""], dtype=object)
        return pd.Series(texts[np.frombuffer(column.values, "<i4")], dtype="str", copy=False)
    values = np.frombuffer(column.values, _PLAIN[column.type])
    if column.type not in _NULLABLE:
        return pd.Series(values, dtype=column.type)
    missing = np.zeros(len(values), bool) if column.missing is None else np.frombuffer(column.missing, bool)
    made: Any = _NULLABLE[column.type](values.copy(), missing.copy())
    return pd.Series(made)


_PLAIN: Final = {"bool": "?", "boolean": "?", "int64": "<i8", "Int64": "<i8", "float64": "<f8", "Float64": "<f8"}
_NULLABLE: Final[dict[str, Any]] = {
    "boolean": pd.arrays.BooleanArray,
    "Int64": pd.arrays.IntegerArray,
    "Float64": pd.arrays.FloatingArray,
}
