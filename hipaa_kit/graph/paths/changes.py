"""Which paths to ePHI appear and vanish between two states of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pandas as pd

from hipaa_kit.graph.paths.answers import SOURCES, Paths
from hipaa_kit.graph.paths.model import EFFORT, numbers
from hipaa_kit.graph.paths.search import Tree
from hipaa_kit.tables.cuts import PATH_CHANGES
from hipaa_kit.tables.declaration import rows_of

Rows = list[dict[str, Any]]


def path_changes(before: Paths, after: Paths, k: int = 3) -> pd.DataFrame:
    """Return table `path_changes`: of the cheapest paths of each state, those that the other has not.

    Parameters
    ----------
    before, after
        Paths of two states.
    k
        Paths that are looked at for each kind of source and each target.

    Notes
    -----
    A path is the other state's, too, where each of its hops can be made there at no more effort. So one that only
    moves up because a cheaper one has gone does not appear.
    """
    found = [
        row
        for unknown in (True, False)
        for row in (*_only(after, before, "appears", k, unknown), *_only(before, after, "vanishes", k, unknown))
    ]
    unique = {tuple(row[name] for name in PATH_CHANGES.key): row for row in found}
    return PATH_CHANGES.frame(unique.values())


def paths_in(frame: pd.DataFrame) -> list[Rows]:
    """Return the rows of table `path_hops` path by path."""
    return [list(rows) for _, rows in groupby(rows_of(frame), key=lambda row: row["rank"])]


def line(rows: Rows) -> str:
    """Return a path in one line."""
    return " ".join([rows[0]["source"], *(f"→ {row['edge']} → {row['target']}" for row in rows)])


def _only(of: Paths, against: Paths, change: str, k: int, unknown: bool) -> Iterator[dict[str, Any]]:
    has = _Hops(against, unknown)
    for source in SOURCES:
        for rows in paths_in(of.to_ephi(source, k=k, unknown=unknown)):
            spent = 0
            for row in rows:
                cost, spent = row["cost"] - spent, row["cost"]
                if not has.hop(row["source"], row["target"], cost):
                    yield {
                        "change": change,
                        "start": row["start"],
                        "end": row["end"],
                        "criticality": row["criticality"],
                        "cost": row["path_cost"],
                        "hops": len(rows),
                        "confidence": row["path_confidence"],
                        "hop": f"{row['source']} → {row['edge']} → {row['target']}",
                        "path": line(rows),
                    }
                    break


class _Hops:
    """Tells whether a hop can be made in a graph."""

    def __init__(self, paths: Paths, unknown: bool) -> None:
        self._graph, self._view = paths.graph, paths.graph.view(unknown)
        self._trees: dict[str, Tree] = {}

    def hop(self, source: str, target: str, cost: int) -> bool:
        """Tell whether there is a way from one node to another at no more effort."""
        if source not in self._graph.number or target not in self._graph.number:
            return False
        if source not in self._trees:
            self._trees[source] = Tree(self._view, numbers(self._graph, [source]))
        tree, node = self._trees[source], self._graph.number[target]
        return tree.reaches(node) and int(tree.length[node]) // EFFORT <= cost
