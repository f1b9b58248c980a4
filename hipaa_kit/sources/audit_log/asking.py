"""Asking a log: what was asked before of the same log, with the same names, is not asked again.

A log does not change, and one cluster is assessed many times over it: with other numbers, with a kind less, with a
change that is only thought of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import pandas as pd

NO_FRAMES: Final[Mapping[str, pd.DataFrame]] = {}


class Log(Protocol):
    """An audit log that answers SQL."""

    @property
    def digest(self) -> str:
        """Digest of everything that is in it."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, **frames: pd.DataFrame) -> pd.DataFrame:
        """Return what a query gives."""


_TOLD: Final[dict[Any, pd.DataFrame]] = {}
KEPT: Final = 1000
"""Answers that are kept."""
MOST_ROWS: Final = 20_000
"""Longer answers are not kept."""


def ask(log: Log, sql: str, frames: Mapping[str, pd.DataFrame] = NO_FRAMES) -> pd.DataFrame:
    """Return what a query gives; nobody may change the answer.

    Parameters
    ----------
    log
        The log.
    sql
        A query over `audit_events` and the frames.
    frames
        Frames by name; those that the query does not name make no difference.
    """
    named = {name: frame for name, frame in frames.items() if name in sql}
    key = (
        log.digest,
        sql,
        *((name, len(frame), pd.util.hash_pandas_object(frame).sum()) for name, frame in named.items()),
    )
    if key in _TOLD:
        return _TOLD[key]
    found = log.query(sql, None, **named)
    if len(found) <= MOST_ROWS:
        if len(_TOLD) >= KEPT:
            _TOLD.clear()
        _TOLD[key] = found
    return found
