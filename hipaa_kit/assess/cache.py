"""Tables on disk, so that what was computed once is never computed again nor shown stale.

The folder is named by a digest over everything that the result depends on: snapshot, scope,
parameters, moment, catalogue, kit version. Nothing in it is ever overwritten.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from hipaa_kit.errors import OutputError
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.lookup import TableSet


class StoredTables(TableSet):
    """Tables read back from a folder of CSV files, each when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = sorted(path.stem for path in folder.glob("*.csv"))
        self._read: dict[str, pd.DataFrame] = {}

    def names(self) -> list[str]:
        """Return the names of the tables that were stored."""
        return self._names

    def table(self, name: str) -> pd.DataFrame:
        """Return a stored table."""
        if name not in self._read:
            text = (self._folder / f"{name}.csv").read_text(encoding="utf-8")
            self._read[name] = TABLES[name].read_csv(text)
        return self._read[name]


def store(tables: TableSet, folder: Path) -> StoredTables:
    """Write tables to a folder, all or none; keep what another run wrote first.

    Parameters
    ----------
    tables
        What to write; each table is made now.
    folder
        Folder to make, named by the digest of all inputs.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        workdir = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name in tables.names():
            text = TABLES[name].to_csv(tables[name])
            (workdir / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
        try:
            workdir.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            shutil.rmtree(workdir)
    except OSError as error:
        raise OutputError(f"the cache cannot be written: {error.strerror}", str(folder)) from error
    return StoredTables(folder)
