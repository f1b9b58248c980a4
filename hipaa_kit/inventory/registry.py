"""How tables are built: a builder declares its table and what it reads; the rest is found out.

A builder is a function whose parameters say what it needs: `snapshot`, `scope`, or the name of
another table, also one that an input fills (`sources/inputs`); `tables` are all that it names in `uses`.
The kinds of object and the inputs that stand behind a table, and so decide whether an absence in it means
anything, follow from its own `reads` and those of the tables it uses.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import pandas as pd

from hipaa_kit.inventory.kept import KeptTables
from hipaa_kit.inventory.parts import Difference, Narrow, Parts, difference, narrowed, reads_alike, replaced
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.inputs import INPUT_OF, INPUT_TABLES, Inputs, no_inputs, without_audit_log
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables import Table
from hipaa_kit.tables.lookup import GivenTables, TableSet
from hipaa_kit.tables.signed import SIGNED_TABLES

Rows = Iterable[Mapping[str, Any]] | pd.DataFrame
GIVEN = ("snapshot", "scope")
TOGETHER = "tables"
"""Parameter of a builder that takes all tables of `uses`."""

RUN_TABLES = frozenset({"findings", "finding_citations", "record_states", "record_problems", *SIGNED_TABLES})
"""Tables that a run makes before the last checks: those that judge findings and signed records.

No kind stands behind them: a finding says itself what could not be seen.
"""

NOT_BUILT = frozenset({*INPUT_TABLES, *RUN_TABLES})
"""Tables that no builder makes."""


@dataclass(frozen=True)
class Builder:
    """One table's builder and what it declares to read."""

    table: Table
    reads: tuple[Kind, ...]
    function: Callable[..., Rows]
    needs: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    facts: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    narrow: Narrow = field(default_factory=dict)
    parts: Parts | None = None
    also: tuple[Kind, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables it is made from."""
        return (*(name for name in self.needs if name not in (*GIVEN, TOGETHER)), *self.uses)

    def build(self, need: Callable[[str], Any]) -> pd.DataFrame:
        """Return the table.

        Parameters
        ----------
        need
            Gives `snapshot`, `scope` and tables by their names.
        """
        needs = {
            name: GivenTables({each: need(each) for each in self.uses})
            if name == TOGETHER
            else narrowed(self.narrow, name, need(name))
            for name in self.needs
        }
        with no_cyclic_collection():
            rows = self.function(**needs)
            return self.table.conform(rows) if isinstance(rows, pd.DataFrame) else self.table.frame(rows)


BUILDERS: dict[str, Builder] = {}


def builds(
    table: Table,
    *,
    reads: Iterable[Kind] = (),
    also: Iterable[Kind] = (),
    optional: Iterable[str] = (),
    facts: Iterable[str] = (),
    uses: Iterable[str] = (),
    narrow: Narrow | None = None,
    parts: Parts | None = None,
) -> Callable[[Callable[..., Rows]], Callable[..., Rows]]:
    """Declare the function below as the builder of a table.

    Parameters
    ----------
    table
        Declaration of the table; the function returns its rows, or a frame with its columns.
    reads
        Kinds of object that it takes from the snapshot itself.
    also
        Kinds of which it takes what is there, too: nobody need ask for them, and no absence in the table rests on them.
    optional
        Tables of inputs that it also works without; they are empty where the input is missing.
    facts
        Typed facts of `kube.facts` that it reads.
    uses
        Tables that it takes together, as `tables`: for groups of tables that belong to one question.
    narrow
        Columns that it reads of a table, where it does not read all: it is given no others, and what changes in these
        does not concern it.
    parts
        Parts into which its rows fall, where it need not be made again as a whole.
    """

    def register(function: Callable[..., Rows]) -> Callable[..., Rows]:
        if table.name in BUILDERS:
            raise ValueError(f"table {table.name!r} has two builders")
        if table.name in NOT_BUILT:
            raise ValueError(f"table {table.name!r} is filled by an input, or by a run")
        needs = tuple(inspect.signature(function).parameters)
        if bool(tuple(uses)) != (TOGETHER in needs):
            raise ValueError(f"the builder of table {table.name!r} takes `tables` where it names some, and only there")
        BUILDERS[table.name] = Builder(
            table,
            tuple(reads),
            function,
            needs,
            frozenset(optional),
            tuple(facts),
            tuple(uses),
            dict(narrow or {}),
            parts,
            tuple(also),
        )
        return function

    return register


def discover(package: ModuleType) -> None:
    """Import every module of a package and below, so that what they declare is registered."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


@cache
def kinds_behind(table: str) -> tuple[Kind, ...]:
    """Return the kinds of object that stand behind a table, through the tables it is made from."""
    if table in NOT_BUILT:
        return ()
    builder = BUILDERS[table]
    found = dict.fromkeys(builder.reads)
    for other in builder.tables:
        found.update(dict.fromkeys(kinds_behind(other)))
    return tuple(sorted(found))


@cache
def facts_behind(table: str) -> tuple[str, ...]:
    """Return the typed facts that stand behind a table, through the tables it is made from."""
    if table in NOT_BUILT:
        return ()
    builder = BUILDERS[table]
    found = {*builder.facts, *(fact for other in builder.tables for fact in facts_behind(other))}
    return tuple(sorted(found))


@cache
def rests_on_scope(table: str) -> bool:
    """Tell whether a table says nothing without a declared ePHI scope."""
    if table in NOT_BUILT:
        return False
    builder = BUILDERS[table]
    return "scope" in builder.needs or any(rests_on_scope(other) for other in builder.tables)


@cache
def inputs_behind(table: str) -> tuple[str, ...]:
    """Return the names of the inputs without which a table says nothing, through the tables it is made from."""
    if table in INPUT_OF:
        return (INPUT_OF[table].name,)
    if table in RUN_TABLES:
        return ()
    builder = BUILDERS[table]
    found = {name for other in builder.tables if other not in builder.optional for name in inputs_behind(other)}
    return tuple(sorted(found))


@cache
def rests_on_snapshot_alone(table: str) -> bool:
    """Tell whether a table is made of nothing but the snapshot: neither of the scope nor of an input."""
    if table in INPUT_TABLES:
        return False
    builder = BUILDERS[table]
    return "scope" not in builder.needs and all(rests_on_snapshot_alone(other) for other in builder.tables)


@dataclass(frozen=True)
class Before:
    """The inventory from which another one was changed, the kinds that were, and whether the scope is another."""

    inventory: Inventory
    changed: frozenset[tuple[str, str]]
    other_scope: bool = False

    def touches(self, builder: Builder) -> bool:
        """Tell whether something else than before is given to a builder beside tables."""
        scoped = "scope" in builder.needs and self.other_scope
        return scoped or any(kind[:2] in self.changed for kind in (*builder.reads, *builder.also))


class Inventory(TableSet):
    """All tables of one snapshot, each built when it is first asked for; those of a large one are kept on disk.

    Parameters
    ----------
    snapshot
        What was read of the cluster.
    scope
        The declared ePHI scope; None where there is none.
    inputs
        What was given beside the cluster; nothing by default.
    before
        The inventory that this one was changed from, whose tables stand where no change reaches them.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        scope: Scope | None = None,
        inputs: Inputs | None = None,
        before: Before | None = None,
    ) -> None:
        self._given: dict[str, Any] = {"snapshot": snapshot, "scope": scope}
        self.inputs = inputs or no_inputs()
        if snapshot.audit_log is None and self.inputs.status("audit_log") == "given":
            self.inputs = without_audit_log(self.inputs)
        self._built: dict[str, pd.DataFrame] = dict(self.inputs.tables)
        self._kept: KeptTables | None = KeptTables.of(snapshot) if before is None else None
        self._before = before
        self._differences: dict[str, Difference] = {}
        self._standing: dict[str, bool] = {}

    def names(self) -> list[str]:
        """Return the names of all tables that can be built, and of those laid beside."""
        return sorted({*BUILDERS, *self._built})

    def __contains__(self, name: object) -> bool:
        return name in BUILDERS or name in self._built

    def beside(self, tables: Mapping[str, pd.DataFrame]) -> Inventory:
        """Return the same inventory with tables that a run made: what the last checks read."""
        other = Inventory(self._given["snapshot"], self._given["scope"], self.inputs, self._before)
        other._built = {**self._built, **tables}
        return other

    def facts_lacking(self, tables: Iterable[str]) -> list[str]:
        """Return the typed facts behind tables that nobody took when the snapshot was made."""
        snapshot: Snapshot = self._given["snapshot"]
        return snapshot.lacks(sorted({fact for table in tables for fact in facts_behind(table)}))

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, built now if it was not asked for before."""
        if name not in self._built:
            self._built[name] = self._again(name, self._before) if self._before else self._new(name)
        return self._built[name]

    def reads_alike(self, tables: Iterable[str], narrow: Narrow) -> bool:
        """Tell whether whoever reads some tables, of some of them a few columns, reads what stood there before."""
        before = self._before
        return before is not None and all(
            self._stands(name, before) or reads_alike(narrow, name, self.table(name), before.inventory.table(name))
            for name in tables
        )

    def _stands(self, name: str, before: Before) -> bool:
        """Tell whether a table is the frame that stood before; it is not made where what it rests on shows that."""
        if name not in self._standing:
            builder = None if name in self._built else BUILDERS.get(name)
            same = builder is not None and self._rests_on_same(builder, before)
            self._standing[name] = same or self.table(name) is before.inventory.table(name)
        return self._standing[name]

    def _rests_on_same(self, builder: Builder, before: Before) -> bool:
        return not before.touches(builder) and all(self._stands(each, before) for each in builder.tables)

    def differs(self, name: str) -> Difference:
        """Return in which rows a table differs from the one that it was changed from."""
        now = self.table(name)
        if name not in self._differences:
            was = self._before.inventory.table(name) if self._before else now.iloc[:0]
            self._differences[name] = difference(was, now)
        return self._differences[name]

    def after(self, snapshot: Snapshot, scope: Scope | None) -> Inventory:
        """Return the tables of a snapshot that was made of this one by changes of objects, under a scope.

        Notes
        -----
        A table is made again only where a kind that it reads was changed, the scope that it reads is another, or a
        table that it is made from came out differently. One that comes out as it was is the same frame, which ends
        the search for what depends on it.
        """
        old: Snapshot = self._given["snapshot"]
        if old.coverage is not snapshot.coverage:
            return Inventory(snapshot, scope, self.inputs)
        changed = frozenset(old.changed(snapshot))
        return Inventory(snapshot, scope, self.inputs, Before(self, changed, scope is not self._given["scope"]))

    def _again(self, name: str, before: Before) -> pd.DataFrame:
        """Return a table after a change: as it was where it rests on the same, else made again, in parts if it can."""
        builder = BUILDERS[name]
        if before.touches(builder):
            return self._new(name)
        if self.reads_alike(builder.tables, builder.narrow):
            return before.inventory.table(name)
        parts, was = builder.parts, before.inventory._built.get(name)
        if parts is None or was is None:
            return self._new(name)
        if not self.reads_alike((each for each in builder.tables if each not in parts.of), builder.narrow):
            return self._new(name)
        changed = parts.changed(self.differs)
        made = builder.build(lambda need: parts.bearing(need, self._need(need), changed))
        found, self._differences[name] = replaced(builder.table, parts, was, made, changed)
        return found

    def _new(self, name: str) -> pd.DataFrame:
        """Return a table made now; the frame that stood before where it is equal."""
        made = self._opened(BUILDERS[name])
        was = self._before.inventory._built.get(name) if self._before else None
        return was if was is not None and made.equals(was) else made

    def _opened(self, builder: Builder) -> pd.DataFrame:
        """Return a table that was kept, or build it and keep it."""
        kept = self._kept if rests_on_snapshot_alone(builder.table.name) else None
        found = kept.read(builder.table) if kept else None
        if found is None:
            found = builder.build(self._need)
            if kept:
                kept.keep(builder.table, found)
        return found

    def _need(self, need: str) -> Any:
        return self._given[need] if need in self._given else self[need]
