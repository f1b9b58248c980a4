"""What a table is: one declaration that builds, checks, documents and reads back its frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from hipaa_kit.errors import TableError

Type = Literal["str", "bool", "int64", "float64", "Int64", "Float64", "boolean"]

QUOTE = "'"
FORMULA_STARTS = (*"=+-@\t\r\n\0", "\uff1d", "\uff0b", "\uff0d", "\uff20", QUOTE)
"""How a text begins that a spreadsheet may run, with the full-width forms, and the apostrophe that makes it text.

Source: https://owasp.org/www-community/attacks/CSV_Injection; the reasons stand in `docs/decisions/`.
"""

FILLS: dict[str, Any] = {"str": "", "bool": False, "int64": 0, "float64": 0.0}
"""What a row that leaves a column out holds, for the types that cannot be null."""

DTYPES: Final = {name: pd.api.types.pandas_dtype(name) for name in (*FILLS, "Int64", "Float64", "boolean")}
"""The types of pandas by name: looking one up for every column of every table takes longer than small tables do."""


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning.

    `Int64`, `Float64` and `boolean` may be null, which says "not known"; the other types may not.
    Text is never null: none is `""`, so that joins never meet null with null.
    """

    name: str
    type: Type
    meaning: str
    values: tuple[str, ...] = ()

    @property
    def nullable(self) -> bool:
        """Tell whether the column can say "not known"."""
        return self.type not in FILLS


@dataclass(frozen=True)
class Table:
    """One declared table: what a row means, its key, its columns.

    Parameters
    ----------
    name
        Name by which checks and notebooks ask for it.
    row
        What one row is, in words.
    key
        Columns that identify a row; rows are sorted by them.
    columns
        All columns, in the order in which they are shown.
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    def frame(self, rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
        """Build a frame with exactly the declared columns and types, sorted by key.

        Parameters
        ----------
        rows
            Mappings from column name to value. A column left out is filled with null, or with
            `""`, 0 or False where its type cannot be null.

        Returns
        -------
        pandas.DataFrame
            One row per mapping; columns and types are there also when there are no rows.

        Raises
        ------
        TableError
            A row has a column that is not declared, or the frame breaks the declaration.
        """
        held = list(rows)
        # Most tables of most clusters have no rows: what pandas does to make a frame is done once for all of these.
        return self._finished(self._typed(self._by_key(held))) if held else self._empty.copy(deep=False)

    @cached_property
    def _empty(self) -> pd.DataFrame:
        return self._finished(self._typed([]))

    def typed(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Return rows as a frame with the declared columns and types, in their own order and not checked.

        Raises
        ------
        TableError
            A row has a column that is not declared, or a value that is not of its type.
        """
        return pd.DataFrame(self._typed(list(rows)), copy=False)

    def of_columns(self, columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> pd.DataFrame:
        """Build a frame as `frame` does, of all its columns, each given whole: for tables with many rows.

        Raises
        ------
        TableError
            A column is missing, is not declared, or the frame breaks the declaration.
        """
        if columns.keys() != set(self.names):
            raise TableError(f"columns {sorted(columns.keys() ^ set(self.names))} differ", f"table {self.name}")
        return self._finished({column.name: self._array(column, columns[column.name]) for column in self.columns})

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame of any origin with declared columns, order, types and row order.

        Columns that are not declared are dropped; this is for frames made by joins.
        """
        missing = [name for name in self.names if name not in frame]
        if missing:
            raise TableError(f"missing columns {missing}", f"table {self.name}")
        if [(str(name), str(kind)) for name, kind in frame.dtypes.items()] == [(c.name, c.type) for c in self.columns]:
            self._raise(_problems_of_columns(self.columns, {name: frame[name].array for name in self.names}))
            return self._sorted(frame.reset_index(drop=True))
        data = {column.name: self._array(column, frame[column.name]) for column in self.columns}
        return self._finished(data, copy=True)

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return `frame` unchanged, or raise TableError naming every departure at once."""
        self._raise(self._problems(frame))
        return frame

    def to_csv(self, frame: pd.DataFrame) -> str:
        """Return the canonical CSV of a frame: declared order, sorted by key, LF line ends, no formula in it.

        `read_csv` gives the same frame again, whatever stands in its texts.
        """
        inert = self.check(frame).copy()
        for column in inert.columns[inert.dtypes == "str"]:
            inert[column] = _quoted_where(inert[column], FORMULA_STARTS)
        written = str(inert.to_csv(index=False, lineterminator="\n"))
        return _with_returns(inert) if "\r" in written else written

    def read_csv(self, text: str) -> pd.DataFrame:
        """Read back what `to_csv` wrote, with the declared types."""
        raw = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False, na_values=[])
        missing = [name for name in self.names if name not in raw]
        if missing:
            raise TableError(f"missing columns {missing}", f"table {self.name}")
        data = {column.name: self._parsed(column, raw[column.name]) for column in self.columns}
        return self.check(pd.DataFrame(data))

    def markdown(self) -> str:
        """Return the declaration as documentation."""
        lines = [f"One row is {self.row}. Key: {', '.join(f'`{name}`' for name in self.key)}.", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        for column in self.columns:
            values = f" One of {', '.join(f'`{v}`' for v in column.values)}." if column.values else ""
            lines.append(f"| `{column.name}` | {column.type} | {column.meaning}.{values} |")
        return "\n".join(lines)

    @cached_property
    def _fills(self) -> dict[str, Any]:
        """What a row that leaves a column out holds, by the column's name."""
        return {column.name: FILLS.get(column.type) for column in self.columns}

    def _typed(self, rows: list[Mapping[str, Any]]) -> dict[str, ExtensionArray]:
        """Return rows as columns of the declared types.

        They are arrays: pandas would look for rows of one label in Series, and these all lie in order.
        """
        fills = self._fills
        for row in rows:
            if not row.keys() <= fills.keys():
                raise TableError(f"undeclared columns {sorted(row.keys() - fills.keys())}", f"table {self.name}")
        return {
            column.name: self._array(column, [row.get(column.name, fills[column.name]) for row in rows])
            for column in self.columns
        }

    def _by_key(self, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return rows sorted by their keys where these compare as they are: that takes less than sorting the frame."""
        fills = [(name, self._fills[name]) for name in self.key]
        try:
            return sorted(rows, key=lambda row: [row.get(name, fill) for name, fill in fills])
        except TypeError:  # some are not known, or not yet of their type
            return rows

    def _array(self, column: Column, values: Sequence[Any] | npt.NDArray[Any] | pd.Series) -> ExtensionArray:
        dtype = DTYPES[column.type]
        try:
            if isinstance(values, list) and isinstance(dtype, ExtensionDtype):
                make: Any = pd.array  # what Series does with a list, without the Series
                array: ExtensionArray = make(values, dtype=dtype)
            else:
                array = pd.Series(values, dtype=dtype).array
            return array
        except (TypeError, ValueError) as error:
            raise TableError(f"{column.name!r} is not {column.type}: {error}", f"table {self.name}") from None

    def _parsed(self, column: Column, text: pd.Series) -> pd.Series:
        if column.type == "str":
            quoted = text.str.startswith(QUOTE)
            return (text.mask(quoted, text.str[1:]) if quoted.any() else text).astype("str")
        if column.type in ("bool", "boolean"):
            return text.map({"True": True, "False": False, "": None}).astype(column.type)
        if column.type == "Int64":
            # Through Python's own integers: floats would lose the last digits of byte counts.
            return pd.Series([int(t) if t else None for t in text], dtype="Int64")
        return pd.to_numeric(text.replace("", None)).astype(column.type)

    def _finished(self, columns: Mapping[str, ExtensionArray], *, copy: bool = False) -> pd.DataFrame:
        """Return columns, all that are declared, as a frame that is checked and sorted."""
        self._raise(_problems_of_columns(self.columns, columns))
        return self._sorted(pd.DataFrame(columns, copy=copy))

    def _sorted(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame whose rows are numbered in order sorted by key, which may not be there twice."""
        if not self.key or self._in_order(frame):
            return frame
        ordered = frame.sort_values(list(self.key), kind="stable", ignore_index=True)
        self._raise(self._repeated_keys(ordered))
        return ordered

    def _raise(self, problems: list[str]) -> None:
        if problems:
            raise TableError("; ".join(problems), f"table {self.name}")

    def _in_order(self, frame: pd.DataFrame) -> bool:
        """Tell whether every row's key is above the one before, which is quickly seen and saves sorting.

        Its columns were checked: those that cannot be null are not. Where it is so, no key is there twice.
        """
        open_rows: Any = slice(None)
        left = max(len(frame) - 1, 0)
        nullable = {column.name for column in self.columns if column.nullable}
        for name in self.key:
            if not left or (name in nullable and frame[name].isna().any()):
                break
            values = frame[name].to_numpy()
            below, above = values[:-1][open_rows], values[1:][open_rows]
            equal = np.asarray(below == above, dtype=bool)
            if not np.all(np.asarray(below < above, dtype=bool) | equal):
                return False
            open_rows = np.arange(len(frame) - 1)[open_rows][equal]
            left = len(open_rows)
        return not left

    def _problems(self, frame: pd.DataFrame) -> list[str]:
        names = self.names
        problems = [f"missing column {name!r}" for name in names if name not in frame]
        problems += [f"undeclared column {name!r}" for name in frame.columns if name not in names]
        problems += _problems_of_columns(self.columns, {name: frame[name].array for name in names if name in frame})
        return problems if problems or self._in_order(frame) else self._repeated_keys(frame)

    def _repeated_keys(self, frame: pd.DataFrame) -> list[str]:
        if not self.key:
            return []
        if repeated := int(frame.duplicated(list(self.key)).sum()):
            example = frame[frame.duplicated(list(self.key))].iloc[0]
            named = ", ".join(f"{name}={example[name]!r}" for name in self.key)
            return [f"{repeated} rows repeat the key, first {named}"]
        return []


def _quoted_where(texts: pd.Series, starts: tuple[str, ...]) -> pd.Series:
    """Return texts with an apostrophe before those that begin in one of some ways."""
    risky = texts.str.startswith(starts)
    return texts.mask(risky, QUOTE + texts).astype("str") if risky.any() else texts


def _with_returns(frame: pd.DataFrame) -> str:
    """Return CSV in which carriage returns stand in quotes: pandas leaves them bare, and reads them as line ends."""
    lines = []
    for row in [list(frame.columns), *frame.to_numpy(dtype=object).tolist()]:
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow("" if pd.isna(cell) else cell for cell in row)
        lines.append(line.getvalue().removesuffix("\r\n") + "\n")
    return "".join(lines)


def _problems_of_columns(declared: Iterable[Column], columns: Mapping[str, ExtensionArray]) -> list[str]:
    held = (column for column in declared if column.name in columns)
    return [problem for column in held for problem in _column_problems(column, columns[column.name])]


def _column_problems(column: Column, values: ExtensionArray) -> list[str]:
    if str(values.dtype) != column.type:
        return [f"{column.name!r} is {values.dtype}, declared {column.type}"]
    if not column.nullable and (null := np.asarray(values.isna())).any():
        return [f"{column.name!r} is null in {int(null.sum())} rows"]
    if column.values:
        strange = sorted(set((values.dropna() if column.nullable else values).unique()) - set(column.values))
        if strange:
            return [f"{column.name!r} has values {strange[:5]} outside {list(column.values)}"]
    return []


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as mappings from column name to value.

    Columns of the declared types are taken whole, as values of Python; of any other `to_dict` makes them.
    """
    if frame.empty:
        return []
    names = [str(name) for name in frame.columns]
    columns = [_values_of(series) for _, series in frame.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values_of(series: pd.Series) -> list[Any]:
    if (name := str(series.dtype)) in FILLS:
        return list(series.array.to_numpy(dtype=object).tolist())
    if name in DTYPES:
        return list(series.array.to_numpy(dtype=object, na_value=None).tolist())
    return [row["cell"] for row in series.to_frame("cell").to_dict("records")]


def rows_by(frame: pd.DataFrame, *columns: str) -> dict[Any, list[dict[str, Any]]]:
    """Return the rows of a frame as mappings, by the value of a column, or by the tuple of several.

    This is a `groupby` whose groups are read row by row, without the cost of a frame for each.
    """
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows_of(frame):
        key = row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns)
        found.setdefault(key, []).append(row)
    return found


def text(name: str, meaning: str, values: tuple[str, ...] = ()) -> Column:
    """Declare a text column, never null."""
    return Column(name, "str", meaning, values)


def flag(name: str, meaning: str) -> Column:
    """Declare a true-or-false column, never null."""
    return Column(name, "bool", meaning)


def maybe(name: str, meaning: str) -> Column:
    """Declare a true-or-false column that may be not known."""
    return Column(name, "boolean", meaning)


def count(name: str, meaning: str) -> Column:
    """Declare a whole number that may be not known."""
    return Column(name, "Int64", meaning)


def amount(name: str, meaning: str) -> Column:
    """Declare a number that may be not known."""
    return Column(name, "Float64", meaning)
