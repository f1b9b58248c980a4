"""Which tables make the part of the graph that objects make."""

from __future__ import annotations

import pandas as pd
import pytest

import hipaa_kit
from hipaa_kit.graph.paths.model import Builder
from hipaa_kit.graph.paths.objects import OBJECT_TABLES, Objects
from hipaa_kit.graph.paths.rights import add_hubs
from hipaa_kit.tables.lookup import TableSet
from tests.support.path_worlds import world
from tests.support.paths import paths_in


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
    objects, builder = Objects(tables, run.reachability.facts.pods, run.snapshot), Builder()
    objects.add(builder)
    assert objects.controllers is not None
    objects.leads(builder)
    assert tables.read == set(OBJECT_TABLES)


@pytest.mark.parametrize("seed", range(1, 13))
def test_hubs_hold_all_that_comes_with_the_network_though_they_are_made_before(seed: int) -> None:
    graph = paths_in(world(seed)).graph
    builder = Builder()
    for name in graph.names:
        builder.node(name)
    add_hubs(builder)
    wanted, found = (
        {(each.names[one], each.names[two]) for one, two in zip(each.source, each.target, strict=True)}
        for each in (builder.graph(), graph)
    )
    assert wanted
    assert wanted <= found
