"""Tables of an audit log, made once of the same log and of whatever else they are made of.

A log does not change, and a cluster is assessed many times over it. What was made before is kept for the process and,
with the other tables of the kit, on disk: each under the digest of the log and of everything it is joined with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.kept import KeptTables
from hipaa_kit.sources.audit_log.asking import Log
from hipaa_kit.tables.declaration import Table

MOST: Final = 200
"""Tables that a process holds."""

_MADE: Final[dict[tuple[str, str, str], pd.DataFrame]] = {}


def of_log(
    table: Table,
    log: Log | None,
    made_from: Iterable[pd.DataFrame | str],
    make: Callable[[Log], Iterable[Mapping[str, Any]] | pd.DataFrame],
) -> pd.DataFrame:
    """Return a table of a log, made now if it was not made before, without rows where there is none.

    Nobody may change it.

    Parameters
    ----------
    table
        Its declaration.
    log
        The log, if one was given.
    made_from
        Everything beside the log on which a row of it depends.
    make
        Makes its rows from the log.
    """
    if log is None:
        return table.frame()
    joined = digest_of(made_from)
    key = (table.name, log.digest, joined)
    if key not in _MADE:
        if len(_MADE) >= MOST:
            _MADE.clear()
        _MADE[key] = _kept(table, log, joined, make)
    return _MADE[key]


def _kept(table: Table, log: Log, joined: str, make: Callable[[Log], Any]) -> pd.DataFrame:
    kept = KeptTables.of_log(log.digest)
    found = kept.read(table, joined) if kept else None
    if found is None:
        rows = make(log)
        found = table.conform(rows) if isinstance(rows, pd.DataFrame) else table.frame(rows)
        if kept:
            kept.keep(table, found, joined)
    return found


def digest_of(parts: Iterable[pd.DataFrame | str]) -> str:
    """Return a digest of frames and texts, in their order, with the names and types of columns."""
    digest = hashlib.sha256()
    for part in parts:
        text = (
            part if isinstance(part, str) else f"{list(part.dtypes.items())}\n{part.to_csv(index=False, na_rep=_NONE)}"
        )
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(f"{type(part).__name__} {len(raw)}\n".encode() + raw)
    return digest.hexdigest()


_NONE: Final = "\0none"
"""Stands for what is not known, which is something else than an empty text."""
