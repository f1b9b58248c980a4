"""Cheapest paths, the next cheapest, and paths that share no step."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from typing import Final

import numpy as np

from hipaa_kit.graph.paths.model import EFFORT, Flags, Numbers, View

FAR: Final = np.iinfo(np.int64).max // 4
"""Length of the way to what cannot be reached."""

MARGINS: Final = (0, 2 * EFFORT, 16 * EFFORT, FAR)
"""By how much more than the cheapest path others may take, each in its turn."""

Path = tuple[int, ...]
"""Edges of a path by number, in order."""


class Tree:
    """The cheapest way to, or from, everything, by one edge each.

    Parameters
    ----------
    view
        Edges that may be taken.
    starts
        Nodes at which ways begin, or with `back` end.
    back
        Ways to the starts, against the edges.
    after
        Length that was gone before each start; none by default.
    within
        What is farther is not looked for.
    ahead
        Length that each node takes beside: a way through it is looked for only where both together are `within`.

    Attributes
    ----------
    length
        Length of the way by node; `FAR` where there is none.
    by
        Last edge of the way (with `back` the first), by node; -1 at the start and where there is none.
    """

    def __init__(
        self,
        view: View,
        starts: Numbers,
        *,
        back: bool = False,
        after: Numbers | None = None,
        within: int = FAR - 1,
        ahead: Numbers | None = None,
    ) -> None:
        self.view, self.back = view, back
        graph = view.graph
        ends = graph.source if back else graph.target
        self.length = np.full(graph.size, FAR, dtype=np.int64)
        self.by = np.full(graph.size, -1, dtype=np.int64)
        starts = np.asarray(starts, dtype=np.int64)
        self.length[starts] = 0 if after is None else after
        waiting: list[int] = np.unique(self.length[starts]).tolist()
        at: dict[int, list[Numbers]] = {each: [starts[self.length[starts] == each]] for each in waiting}
        done = np.zeros(graph.size, dtype=bool)
        while waiting:
            here = heapq.heappop(waiting)
            nodes = np.unique(np.concatenate(at.pop(here)))
            nodes = nodes[(self.length[nodes] == here) & ~done[nodes]]
            while len(nodes):
                done[nodes] = True
                edges = view.leaving(nodes, back=back)
                reached, length = ends[edges], here + graph.weight[edges]
                whole = length if ahead is None else length + ahead[reached]
                better = (length < self.length[reached]) & (whole <= within)
                edges, reached, length = edges[better], reached[better], length[better]
                # Of several edges to one node the shortest is kept, of equal ones the first.
                order = np.lexsort((edges, length, reached))
                first = np.ones(len(order), dtype=bool)
                first[1:] = reached[order][1:] != reached[order][:-1]
                edges, reached, length = (each[order][first] for each in (edges, reached, length))
                self.length[reached], self.by[reached] = length, edges
                nodes = reached[length == here]
                for each in np.unique(length[length > here]).tolist():
                    if each not in at:
                        at[each] = []
                        heapq.heappush(waiting, each)
                    at[each].append(reached[length == each])

    def reaches(self, node: int) -> bool:
        """Tell whether there is a way."""
        return bool(self.length[node] < FAR)

    def path(self, node: int) -> Path:
        """Return the edges of the way to a node, or with `back` from it, in the order in which they are taken."""
        graph = self.view.graph
        found: list[int] = []
        while (edge := int(self.by[node])) >= 0:
            found.append(edge)
            node = int(graph.target[edge] if self.back else graph.source[edge])
        return tuple(found) if self.back else tuple(reversed(found))


def cheapest(
    view: View,
    source: int,
    target: int,
    key: Callable[[int], Hashable] = lambda node: node,
    distance: Numbers | None = None,
) -> Iterator[Path]:
    """Yield the paths without a loop from one node to another, the cheapest first.

    Parameters
    ----------
    key
        What a node is taken for: of two paths whose nodes are taken for the same, one by one, only the cheaper comes.
        Beyond the first path, nodes of one key stand for one another.
    distance
        Length of the cheapest way from each node to the target, where it is known already.

    Notes
    -----
    J. Y. Yen, "Finding the K Shortest Loopless Paths in a Network", Management Science 17 (1971). Each deviation is
    looked for by A*, which the lengths of the cheapest ways to the target lead: https://doi.org/10.1287/mnsc.17.11.712.
    """
    rest = Tree(view, np.array([target]), back=True).length if distance is None else distance
    graph = view.graph
    if rest[source] >= FAR:
        return
    order = itertools.count()
    first = guided(view, source, target, rest, frozenset(), frozenset(), key)
    waiting: list[tuple[int, int, Path, int]] = []
    if first is not None:
        waiting.append((_length(view, first), next(order), first, 0))
    told: list[Path] = []
    keys: set[tuple[Hashable, ...]] = set()
    while waiting:
        _, _, path, deviates = heapq.heappop(waiting)
        own = tuple(key(int(graph.target[edge])) for edge in path)
        if own in keys:
            continue
        keys.add(own)
        yield path
        told.append(path)
        for at in range(deviates, len(path)):
            root = path[:at]
            shut = frozenset([source, *(int(graph.target[edge]) for edge in root)][:-1] if root else [])
            spur = int(graph.target[root[-1]]) if root else source
            closed = {key(int(graph.target[other[at]])) for other in told if len(other) > at and other[:at] == root}
            found = guided(view, spur, target, rest, shut, closed, key)
            if found is not None:
                whole = (*root, *found)
                heapq.heappush(waiting, (_length(view, whole), next(order), whole, at))


class PathsFrom:
    """The cheapest paths from some nodes, asked for one target after another.

    Parameters
    ----------
    view
        Edges that may be taken.
    starts
        Nodes at which paths begin. From one, all its paths come; from several, the cheapest of each.
    key
        As of `cheapest`.

    Notes
    -----
    What lies before each node is looked for once. Towards a target only nodes are looked at through which a path may
    lead that is about as cheap as the cheapest, and farther ones where more are asked for. No path that is within the
    limit passes a node that is not, so what comes is the same as if every node had been looked at.
    """

    def __init__(self, view: View, starts: Numbers, key: Callable[[int], Hashable]) -> None:
        self.view, self.key = view, key
        self.starts = np.unique(starts)

    @cached_property
    def _ahead(self) -> Numbers:
        return Tree(self.view, self.starts).length

    def to(self, target: int) -> Iterator[Path]:
        """Yield the paths to a node, the cheapest first, and of equal ones those of the node with the lower number."""
        best = int(self._ahead[target])
        if best >= FAR:
            return
        told = 0
        for margin in MARGINS:
            within = min(best + margin, FAR - 1)
            rest = Tree(self.view, np.array([target]), back=True, within=within, ahead=self._ahead).length
            for path in itertools.islice(self._paths(target, rest), told, None):
                if _length(self.view, path) > within:
                    break
                told += 1
                yield path

    def _paths(self, target: int, rest: Numbers) -> Iterator[Path]:
        near = self.starts[(rest[self.starts] < FAR) & (self.starts != target)]
        near = near[np.lexsort((near, rest[near]))]
        each = None if len(self.starts) == 1 else 1
        for start in near.tolist():
            yield from itertools.islice(cheapest(self.view, start, target, self.key, rest), each)


def _length(view: View, path: Path) -> int:
    return int(view.graph.weight[list(path)].sum())


def guided(
    view: View,
    source: int,
    target: int,
    rest: Numbers,
    shut: frozenset[int],
    closed: frozenset[Hashable] | set[Hashable],
    key: Callable[[int], Hashable],
) -> Path | None:
    """Return the cheapest path past some nodes that are shut, whose first step leads to none of some keys."""
    graph = view.graph
    best = {source: 0}
    by: dict[int, int] = {}
    done: set[int] = set()
    waiting = [(int(rest[source]), source)]
    while waiting:
        _, node = heapq.heappop(waiting)
        if node in done:
            continue
        if node == target:
            return _back(view, by, source, target)
        done.add(node)
        for edge in view.out_of(node):
            after = int(graph.target[edge])
            if after in done or after in shut or rest[after] >= FAR:
                continue
            if node == source and closed and key(after) in closed:
                continue
            length = best[node] + int(graph.weight[edge])
            if length < best.get(after, FAR):
                best[after], by[after] = length, edge
                heapq.heappush(waiting, (length + int(rest[after]), after))
    return None


def _back(view: View, by: dict[int, int], source: int, target: int) -> Path:
    found = []
    while target != source:
        found.append(by[target])
        target = int(view.graph.source[by[target]])
    return tuple(reversed(found))


def independent(view: View, sources: Numbers, target: int, most: int, free: Flags) -> int:
    """Return how many paths there are that share no edge but free ones, `most` at most.

    Parameters
    ----------
    sources
        Nodes at which a path may begin.
    free
        Edges by number that any number of paths may share: those out of hubs.

    Notes
    -----
    By the theorem of Menger: as many as edges have to be cut. Each round finds one path more, backwards from the
    target, over edges that are not used or, the other way, over those that are.
    """
    begins = np.zeros(view.graph.size, dtype=bool)
    begins[sources] = True
    used = np.zeros(len(view.graph.source), dtype=np.int64)
    for count in range(most):
        found = _one_more(view, begins, target, used, free)
        if not found:
            return count
        for edge, way in found:
            used[edge] += way
    return most


def _one_more(view: View, begins: Flags, target: int, used: Numbers, free: Flags) -> list[tuple[int, int]]:
    """Return the edges of a path past those that are used up: by 1 where it takes an edge, by -1 where it frees one."""
    graph = view.graph
    taken = np.flatnonzero(used)
    by = np.full(graph.size, -1, dtype=np.int64)
    way = np.zeros(graph.size, dtype=np.int64)
    nodes = np.array([target])
    way[target] = 1
    while len(nodes):
        ends = nodes[begins[nodes]]
        if len(ends):
            return _taken(view, by, way, int(ends[0]), target)
        into = view.leaving(nodes, back=True)
        into = into[free[into] | (used[into] == 0)]
        freed = taken[np.isin(graph.source[taken], nodes)]
        reached = []
        for edges, nexts, sign in ((into, graph.source[into], 1), (freed, graph.target[freed], -1)):
            new = way[nexts] == 0
            by[nexts[new]], way[nexts[new]] = edges[new], sign
            reached.append(nexts[new])
        nodes = np.unique(np.concatenate(reached))
    return []


def _taken(view: View, by: Numbers, way: Numbers, node: int, target: int) -> list[tuple[int, int]]:
    found = []
    while node != target:
        edge, sign = int(by[node]), int(way[node])
        found.append((edge, sign))
        node = int(view.graph.target[edge] if sign > 0 else view.graph.source[edge])
    return found
