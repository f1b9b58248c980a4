"""Asking a log: what was asked before of the same log, with the same names, is not asked again.

A log does not change, and one cluster is assessed many times over it: with other numbers, with a kind less, with a
change that is only thought of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import pandas as pd

NO_FRAMES: Final[Mapping[str, pd.DataFrame]] = {}


class Log(Protocol):
    """An audit log that answers SQL."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, **frames: pd.DataFrame) -> pd.DataFrame:
        """Return what a query gives."""


_TOLD: WeakKeyDictionary[Log, dict[Any, pd.DataFrame]] = WeakKeyDictionary()
KEPT: Final = 1000
"""Answers that are kept of one log: hits are few, whatever the log holds."""


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
    key = (sql, *((name, len(frame), pd.util.hash_pandas_object(frame).sum()) for name, frame in named.items()))
    told = _TOLD.setdefault(log, {})
    if key not in told:
        if len(told) >= KEPT:
            told.clear()
        told[key] = log.query(sql, None, **named)
    return told[key]
