"""What was made of tables, made again for those parts alone of which rows differ.

Whoever makes a table, or judges, declares into which parts its rows fall, and which rows of what it reads bear on a
part; of everything else that it reads nothing may differ. It is given the rows that bear on the parts in question and
no others. A test holds that what it says of a part by these rows is what it says by all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.errors import TableError
from hipaa_kit.tables.declaration import Table

Columns = tuple[str, ...]
Narrow = Mapping[str, Columns]
"""Columns that are read of a table, by its name, where these are not all."""

BETWEEN: Final = "\x1f"
"""Stands between the texts in a part's name. Two parts of one name would be one part, which is only more to make."""


class Difference(NamedTuple):
    """Rows of a table that are there no more, and rows that were not there."""

    gone: pd.DataFrame
    new: pd.DataFrame


@dataclass(frozen=True)
class Parts:
    """Parts into which rows fall.

    Attributes
    ----------
    own
        Columns of the rows that are made, whose texts name the part.
    of
        By table that is read: columns whose texts name the part on which a row bears. With several such groups of
        columns it bears on the part that each names.
    """

    own: Columns
    of: Mapping[str, tuple[Columns, ...]]

    def changed(self, differs: Callable[[str], Difference]) -> frozenset[str]:
        """Return the parts on which a row bears that is gone or new.

        Parameters
        ----------
        differs
            Gives the difference of a table by its name.
        """
        return frozenset(
            name
            for table, groups in self.of.items()
            for frame in differs(table)
            for columns in groups
            for name in part_names(frame, columns).unique()
        )

    def bearing(self, table: str, frame: pd.DataFrame, parts: frozenset[str]) -> pd.DataFrame:
        """Return the rows of a table that bear on one of some parts; all of them where they bear on the whole."""
        if table not in self.of:
            return frame
        chosen = [in_parts(frame, columns, parts) for columns in self.of[table]]
        return frame[reduce(np.logical_or, chosen)].reset_index(drop=True)


def part_names(frame: pd.DataFrame, columns: Columns) -> pd.Series:
    """Return the name of the part that some columns of each row name."""
    return reduce(lambda one, other: one + BETWEEN + other, (frame[name] for name in columns))


def in_parts(frame: pd.DataFrame, columns: Columns, parts: frozenset[str]) -> npt.NDArray[np.bool_]:
    """Tell for each row whether some of its columns name one of some parts."""
    if len(columns) == 1 or not parts:
        return np.asarray(frame[columns[0]].isin(parts), dtype=bool)
    found = np.ones(len(frame), dtype=bool)
    split = [part.split(BETWEEN) for part in parts]
    if all(len(each) == len(columns) for each in split):
        # Of most rows one column shows that they are in none: their names need not be put together.
        for column, values in zip(columns, zip(*split, strict=True), strict=True):
            found &= np.asarray(frame[column].isin(set(values)), dtype=bool)
    found[found] = part_names(frame[found], columns).isin(parts)
    return found


def narrowed(narrow: Narrow, table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a table that are read."""
    return frame[list(narrow[table])] if table in narrow else frame


def reads_alike(narrow: Narrow, table: str, one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Tell whether two frames of a table are the same to whoever reads some columns of it."""
    if one is other:
        return True
    return table in narrow and narrowed(narrow, table, one).equals(narrowed(narrow, table, other))


def difference(was: pd.DataFrame, now: pd.DataFrame) -> Difference:
    """Return in which rows two frames of one table differ; some that are in both may be among them."""
    if was is now:
        return Difference(was.iloc[:0], now.iloc[:0])
    if len(was) == len(now):
        differs = ~_equal(was, now)
        return Difference(was[differs], now[differs])
    codes = _codes(was, now)
    one, other = codes[: len(was)], codes[len(was) :]
    return Difference(was[~np.isin(one, other)], now[~np.isin(other, one)])


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell for each row of two frames of one length whether it is the same in both."""
    found = np.ones(len(one), dtype=bool)
    for name in one.columns:
        if one[name].dtype == "str":  # never null
            found &= np.asarray(one[name].to_numpy(dtype=object) == other[name].to_numpy(dtype=object), dtype=bool)
        else:
            empty = one[name].isna().to_numpy(), other[name].isna().to_numpy()
            same = (one[name] == other[name]).fillna(False).to_numpy(dtype=bool)
            found &= np.where(empty[0] | empty[1], empty[0] & empty[1], same)
    return found


def _codes(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return a number for each row of two frames, one after the other: equal rows have equal ones."""
    both = pd.concat([one, other], ignore_index=True)
    code = np.zeros(len(both), dtype=np.int64)
    for name in both.columns:
        values, distinct = pd.factorize(both[name], use_na_sentinel=False)
        if len(distinct) > 1:
            _, code = np.unique(code * len(distinct) + values, return_inverse=True)
    return code


def replaced(
    table: Table, parts: Parts, was: pd.DataFrame, made: pd.DataFrame, changed: frozenset[str]
) -> tuple[pd.DataFrame, Difference]:
    """Return a table with some parts as they were made again, and in what it differs.

    Parameters
    ----------
    was
        The table as it was, sorted by its key.
    made
        Rows of the parts in question, sorted, and perhaps of others, which were made of a part of their rows.
    changed
        The parts in question.

    Raises
    ------
    TableError
        A row has the key of a row in another part.
    """
    mine = in_parts(was, parts.own, changed)
    fresh = made[in_parts(made, parts.own, changed)].reset_index(drop=True)
    kept = was[~mine].reset_index(drop=True)
    differs = difference(was[mine].reset_index(drop=True), fresh)
    if not any(map(len, differs)):
        return was, differs
    return merged(table, kept, fresh), differs


def merged(table: Table, kept: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of two frames of a table, each sorted by its key; that of fewer rows is the second.

    Raises
    ------
    TableError
        A row of one has the key of a row of the other.
    """
    keys = [_Keys(frame, table.key) for frame in (kept, fresh)]
    places = [bisect_left(keys[0], key) for key in keys[1]]
    if any(at < len(kept) and keys[0][at] == key for at, key in zip(places, keys[1], strict=True)):
        raise TableError("rows of two parts have one key", f"table {table.name}")
    order = np.insert(np.arange(len(kept)), places, np.arange(len(kept), len(kept) + len(fresh)))
    return pd.concat([kept, fresh], ignore_index=True).take(order).reset_index(drop=True)


class _Keys(Sequence[tuple[Any, ...]]):
    """The keys of a frame's rows, each made when it is asked for."""

    def __init__(self, frame: pd.DataFrame, names: Columns) -> None:
        self._columns = [frame[name].to_numpy() for name in names]
        self._size = len(frame)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: Any) -> Any:
        if at >= self._size:
            raise IndexError(at)
        return tuple(column[at] for column in self._columns)
