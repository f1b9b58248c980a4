"""Which tables make the part of the graph that objects make."""

from __future__ import annotations

import pandas as pd

import hipaa_kit
from hipaa_kit.graph.paths.model import Builder
from hipaa_kit.graph.paths.objects import OBJECT_TABLES, Objects
from hipaa_kit.tables.lookup import TableSet


class Watched(TableSet):
    """Tables that tell which of them were read."""

    def __init__(self, tables: TableSet) -> None:
        self._tables, self.read = tables, set()

    def names(self) -> list[str]:
        return self._tables.names()

    def table(self, name: str) -> pd.DataFrame:
        self.read.add(name)
        return self._tables.table(name)


def test_the_tables_that_are_read_are_those_that_are_named() -> None:
    run = hipaa_kit.assessment("")
    tables = Watched(run.tables)
    Objects(tables, run.reachability.facts.pods, run.snapshot).add(Builder())
    assert tables.read == set(OBJECT_TABLES)
