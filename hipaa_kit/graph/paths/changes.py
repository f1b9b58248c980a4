"""Which paths to ePHI appear and vanish between two states of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.graph.paths.answers import SOURCES, Paths
from hipaa_kit.graph.paths.differences import Differences
from hipaa_kit.graph.paths.model import EFFORT, numbers
from hipaa_kit.graph.paths.search import Tree
from hipaa_kit.graph.paths.words import Hop, worst
from hipaa_kit.tables.cuts import PATH_CHANGES


def path_changes(before: Paths, after: Paths, k: int = 3) -> pd.DataFrame:
    """Return table `path_changes`: the cheapest paths of each state that take a hop which the other has not.

    Parameters
    ----------
    before, after
        Paths of two states.
    k
        Paths for each kind of source and each target at most.

    Notes
    -----
    A hop is the other state's, too, where there is a way between its ends at no more effort. So a path that only moves
    up because a cheaper one has gone does not appear. To what holds ePHI in one state alone, every path is one.
    """
    found = [
        row
        for unknown in (True, False)
        for row in (*_only(after, before, "appears", k, unknown), *_only(before, after, "vanishes", k, unknown))
    ]
    unique = {tuple(row[name] for name in PATH_CHANGES.key): row for row in found}
    return PATH_CHANGES.frame(unique.values())


def _only(of: Paths, against: Paths, change: str, k: int, unknown: bool) -> Iterator[dict[str, Any]]:
    has = _Hops(against, unknown)
    differ = Differences(of, against, unknown)
    known = [of.graph.number[end] for end in sorted(of.targets) if end in against.targets]
    for source in SOURCES:
        begun = of.paths_from(of.starts(source), unknown)
        for end in sorted(of.targets.keys() - against.targets.keys()):
            for hops in of.cheapest(begun, end, k):
                yield _row(of, change, hops, end, has.lacks(hops) or hops[-1])
        for path, target in differ.paths(begun.starts, known, k):
            hops = of.teller.hops(path)
            if new := has.lacks(hops):
                yield _row(of, change, hops, of.graph.names[target], new)


def _row(of: Paths, change: str, hops: list[Hop], end: str, new: Hop) -> dict[str, Any]:
    return {
        "change": change,
        "start": hops[0].source,
        "end": end,
        "criticality": of.targets[end],
        "cost": sum(hop.cost for hop in hops),
        "hops": len(hops),
        "confidence": worst(hop.confidence for hop in hops),
        "hop": f"{new.source} → {new.edge} → {new.target}",
        "path": of.teller.line(hops),
    }


class _Hops:
    """Tells whether a hop can be made in a graph."""

    def __init__(self, paths: Paths, unknown: bool) -> None:
        self._graph, self._view = paths.graph, paths.graph.view(unknown)
        self._trees: dict[str, Tree] = {}

    def lacks(self, hops: list[Hop]) -> Hop | None:
        """Return the first of some hops that cannot be made at no more effort, if there is one."""
        return next((hop for hop in hops if not self.hop(hop.source, hop.target, hop.cost)), None)

    def hop(self, source: str, target: str, cost: int) -> bool:
        """Tell whether there is a way from one node to another at no more effort."""
        if source not in self._graph.number or target not in self._graph.number:
            return False
        tree, node = self._tree(source), self._graph.number[target]
        return tree.reaches(node) and int(tree.length[node]) // EFFORT <= cost

    def _tree(self, source: str) -> Tree:
        if source not in self._trees:
            self._trees[source] = Tree(self._view, numbers(self._graph, [source]))
        return self._trees[source]
