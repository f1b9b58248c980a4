"""Tables by name, as items and as attributes: what every set of tables has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import pandas as pd


class TableSet(ABC):
    """A set of tables; a subclass says which there are and how one is made."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all tables, sorted."""

    @abstractmethod
    def table(self, name: str) -> pd.DataFrame:
        """Return one table that is in `names`."""

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table by name."""
        if name not in self:
            raise KeyError(self._unknown(name))
        return self.table(name)

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Return a table by name, as an attribute."""
        if name.startswith("_") or name not in self:
            raise AttributeError(self._unknown(name))
        return self.table(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.names()]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all tables."""
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def _unknown(self, name: str) -> str:
        return f"there is no table {name!r}; tables are {', '.join(self.names())}"


class GivenTables(TableSet):
    """Tables that are at hand already, by name: what a builder was given.

    Parameters
    ----------
    tables
        Tables by their names.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self._tables = dict(tables)

    def names(self) -> list[str]:
        """Return the names of all tables, sorted."""
        return sorted(self._tables)

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def table(self, name: str) -> pd.DataFrame:
        """Return one of them."""
        return self._tables[name]

    def but(self, **others: pd.DataFrame) -> GivenTables:
        """Return these tables with others of some names."""
        return GivenTables({**self._tables, **others})
