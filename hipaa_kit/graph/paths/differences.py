"""Which hops one graph has and another has not, and the paths that take one of them.

Whatever is new in a path is a new hop of it. So edges are compared first; where one differs, the hops that it is part
of are looked for at whichever of its ends there are fewer, and a hop counts where the other graph has no way between
its ends at no more effort. Hubs of the network are numbered anew in every graph: of them the pairs are compared that
they let connect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.paths.model import CAN_REACH, CONNECTS, EFFORT, LISTENS, Flags, Graph, Numbers, View
from hipaa_kit.graph.paths.network import IN, OUT, PORTS, UNENFORCED
from hipaa_kit.graph.paths.search import FAR, Path, Tree, guided
from hipaa_kit.graph.paths.words import is_hub

if TYPE_CHECKING:
    from hipaa_kit.graph.paths.answers import Paths

TURNS: Final = 8
"""Times that paths are looked for again past those found, at most."""
ALIKE: Final = 2
"""Replicas, on nodes of their own, that stand for all of a workload: what is let through on one node is not on two."""


class Network:
    """Who uses which hub of the network on the way out, and what is behind which on the way in.

    Attributes
    ----------
    out, into
        Places of hubs in `open`, by name of what uses them, or is behind them.
    """

    def __init__(self, graph: Graph, view: View) -> None:
        rows, columns = (
            [graph.number[name] for name in graph.names if name.startswith(f"{each}//")] for each in (OUT, IN)
        )
        self.hubs = np.zeros(graph.size, dtype=bool)
        self.hubs[rows + columns] = True
        place = np.zeros(graph.size, dtype=np.int64)
        place[rows], place[columns] = np.arange(len(rows)), np.arange(len(columns))
        edges = view.forward
        source, target = graph.source[edges], graph.target[edges]
        joins, hears, reaches = (
            np.array([why.edge == kind for why in graph.whys], dtype=bool)[graph.why[edges]]
            for kind in (CONNECTS, LISTENS, CAN_REACH)
        )
        self.out: dict[str, tuple[int, ...]] = {}
        at = joins & self.hubs[target] & ~self.hubs[source]
        for one, hub in zip(source[at].tolist(), place[target[at]].tolist(), strict=True):
            self.out[graph.names[one]] = (*self.out.get(graph.names[one], ()), hub)
        at = hears & self.hubs[source]
        behind = zip(target[at].tolist(), place[source[at]].tolist(), strict=True)
        self.into = {graph.names[one]: hub for one, hub in behind}
        self.open = np.zeros((len(rows), len(columns)), dtype=bool)
        at = reaches & self.hubs[source] & self.hubs[target]
        self.open[place[source[at]], place[target[at]]] = True
        anybody = graph.number.get(UNENFORCED, -1)
        out = place[source[(target == anybody) & self.hubs[source]]]
        self.open[np.ix_(out, place[target[(source == anybody) & self.hubs[target]]])] = True

    def opens(self, hubs: tuple[int, ...]) -> Flags:
        """Return which hubs on the way in some on the way out lead to."""
        return np.asarray(self.open[list(hubs)].any(axis=0))


class Differences:
    """Hops that one graph has and another has not, or not at so little effort.

    Parameters
    ----------
    of, against
        Paths of two states.
    unknown
        Also over hops of which it is not known whether they are open.
    """

    def __init__(self, of: Paths, against: Paths, unknown: bool) -> None:
        self.of, self.graph, self.other = of, of.graph, against.graph
        self.view, self.other_view = of.graph.view(unknown), against.graph.view(unknown)
        self._there = np.array([against.graph.number.get(name, -1) for name in of.graph.names], dtype=np.int64)
        self._mine, self._theirs = of.network(unknown), against.network(unknown)
        self._around: dict[tuple[int, bool], dict[int, int]] = {}
        self._dear = int(max(of.graph.cost.max(initial=0), 1))
        self._trees: list[Tree] = []
        self._hub = of.hubs
        self._hops = self._all_hops()

    def _edges(self) -> Iterator[tuple[int, int, int]]:
        """Yield source, target and cost of edges that the other graph has not, those of the network's hubs apart."""
        graph, other = self.graph, self.other
        edges = self.view.forward
        edges = edges[~(self._mine.hubs[graph.source[edges]] | self._mine.hubs[graph.target[edges]])]
        one, two = self._there[graph.source[edges]], self._there[graph.target[edges]]
        theirs = self.other_view.forward
        theirs = theirs[~(self._theirs.hubs[other.source[theirs]] | self._theirs.hubs[other.target[theirs]])]
        code, cost = other.source[theirs] * other.size + other.target[theirs], other.cost[theirs]
        order = np.lexsort((cost, code))
        code, first = np.unique(code[order], return_index=True)
        cost = cost[order][first]
        asked = one * other.size + two
        at = np.searchsorted(code, asked)
        at[at == len(code)] = 0
        held = (one >= 0) & (two >= 0) & (len(code) > 0)
        if len(code):
            held &= (code[at] == asked) & (cost[at] <= graph.cost[edges])
        new = edges[~held]
        yield from zip(graph.source[new].tolist(), graph.target[new].tolist(), graph.cost[new].tolist(), strict=True)

    def _shown(self, node: int, *, back: bool) -> dict[int, int]:
        """Return the nodes that are shown to which a node leads through hubs alone, or with `back` that lead to it."""
        if not self._hub[node]:
            return {node: 0}
        key = node, back
        if key not in self._around:
            found: dict[int, int] = {}
            seen, waiting = {node}, [(node, 0)]
            for here, spent in waiting:
                for edge in self.view.into(here) if back else self.view.out_of(here):
                    after = int(self.graph.source[edge] if back else self.graph.target[edge])
                    if not self._hub[after]:
                        found[after] = max(found.get(after, 0), spent + int(self.graph.cost[edge]))
                    elif after not in seen:
                        seen.add(after)
                        waiting.append((after, spent + int(self.graph.cost[edge])))
            self._around[key] = found
        return self._around[key]

    def _ends(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return where new hops begin, and where others end, each with the effort that they take at most."""
        tails: dict[int, int] = {}
        heads: dict[int, int] = {}
        for source, target, cost in self._edges():
            before, behind = self._shown(source, back=True), self._shown(target, back=False)
            most = cost + max(before.values(), default=0) + max(behind.values(), default=0)
            some, chosen = (tails, before) if len(before) < len(behind) else (heads, behind)
            some.update({node: max(most, some.get(node, 0)) for node in chosen})
        for node, most, begins in self._pairs():
            some = tails if begins else heads
            some[node] = max(most, some.get(node, 0))
        return tails, heads

    def _pairs(self) -> Iterator[tuple[int, int, bool]]:
        """Yield ends of new connections, with their effort, and whether they are where the connection begins."""
        mine, theirs = self._mine, self._theirs
        users: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = defaultdict(list)
        for name, hubs in mine.out.items():
            users[hubs, theirs.out.get(name, ())].append(name)
        behind: dict[tuple[int, int], list[str]] = defaultdict(list)
        for name, hub in mine.into.items():
            behind[hub, theirs.into.get(name, -1)].append(name)
        if not users or not behind:
            return
        columns = np.array([hub for hub, _ in behind], dtype=np.int64)
        before = np.array([hub for _, hub in behind], dtype=np.int64)
        new = np.zeros((len(users), len(behind)), dtype=bool)
        for row, (own, other) in enumerate(users):
            held = np.append(theirs.opens(other), False)  # the last is for what was behind no hub
            new[row] = mine.opens(own)[columns] & ~held[before]
        if not new.any():
            return
        rows, within = (np.asarray(new.any(axis=axis)).tolist() for axis in (1, 0))
        members = (
            [self._begin(names) if some else {} for names, some in zip(users.values(), rows, strict=True)],
            [self._replicas(names) if some else {} for names, some in zip(behind.values(), within, strict=True)],
        )
        sizes = [np.array([max(len(each), 1) for each in held]) for held in members]
        while new.any():
            gain = [new.sum(axis=1) / sizes[0], new.sum(axis=0) / sizes[1]]
            begins = bool(gain[0].max() > gain[1].max())
            at = int(gain[not begins].argmax())
            yield from ((node, most, begins) for node, most in members[not begins][at].items())
            new[(at,) if begins else (slice(None), at)] = False

    def _begin(self, names: list[str]) -> dict[int, int]:
        """Return where connections of what uses one hub begin as they are shown, and the effort of one."""
        found = self._replicas(names)
        for name in names:
            if is_hub(name):
                found.update({node: cost + 1 for node, cost in self._shown(self.graph.number[name], back=True).items()})
        return found

    def _replicas(self, names: list[str]) -> dict[int, int]:
        """Return things, of the replicas of one workload on different nodes so many as are needed."""
        chosen: dict[object, dict[str, str]] = defaultdict(dict)
        for name in sorted(names):
            if not is_hub(name):
                held = chosen[self.of.alike(name)]
                place = self.of.node_of(name)
                if place not in held and len(held) < ALIKE:
                    held[place] = name
        # Behind a hub a connection may end at more than one thing; it takes one effort from whoever is on the network,
        # and more from who starts a pod there.
        most = 1 + (self._dear if names and names[0].startswith(PORTS) else 0)
        return {self.graph.number[name]: most for held in chosen.values() for name in held.values()}

    def _all_hops(self) -> npt.NDArray[np.int64]:
        """Return one row per new hop: where it begins, where it ends, its length, and the number of its tree."""
        tails, heads = self._ends()
        found = [np.zeros((0, 4), dtype=np.int64)]
        for ends, back in ((tails, False), (heads, True)):
            for node, most in ends.items():
                within = most * EFFORT + EFFORT - 1
                tree = Tree(self.view, np.array([node]), back=back, within=within)
                was = np.full(self.graph.size, FAR, dtype=np.int64)
                if (place := int(self._there[node])) >= 0:
                    old = Tree(self.other_view, np.array([place]), back=back, within=within).length
                    known = self._there >= 0
                    was[known] = old[self._there[known]]
                new = (tree.length < FAR) & (was // EFFORT > tree.length // EFFORT) & ~self._hub
                new[node] = False
                others = np.flatnonzero(new)
                own = np.full(len(others), node)
                one, two = (others, own) if back else (own, others)
                number = np.full(len(others), len(self._trees))
                found.append(np.column_stack([one, two, tree.length[others], number]))
                self._trees.append(tree)
        return np.concatenate(found)

    def paths(self, starts: Numbers, targets: list[int], most: int) -> Iterator[tuple[Path, int]]:
        """Yield the cheapest paths from some nodes to some others that take a new hop, each with its target.

        Parameters
        ----------
        most
            Paths for each target, each by a new hop that reads otherwise than those of the others.
        """
        if not len(self._hops):
            return
        first = Tree(self.view, starts)
        keys = self.of.keys
        hops = self._hops[first.length[self._hops[:, 0]] < FAR]
        length = first.length[hops[:, 0]] + hops[:, 2]
        hops = hops[np.lexsort((hops[:, 0], hops[:, 1], length))]
        names: dict[object, int] = {}
        number = np.array([names.setdefault(key, len(names)) for key in keys], dtype=np.int64)
        reads = number[hops[:, 0]] * len(names) + number[hops[:, 1]]
        left = dict.fromkeys(targets, most)
        for _ in range(TURNS):
            if not len(hops) or not left:
                return
            ends, at = np.unique(hops[:, 1], return_index=True)
            after = first.length[hops[at, 0]] + hops[at, 2]
            onward = Tree(self.view, ends, after=after)
            by = dict(zip(ends.tolist(), at.tolist(), strict=True))
            used = set()
            for target in list(left):
                if not onward.reaches(target):
                    del left[target]
                    continue
                rest = onward.path(target)
                hop = by[int(self.graph.source[rest[0]]) if rest else target]
                used.add(int(reads[hop]))
                path = self._joined(first, hops[hop], rest, target)
                if path is not None:
                    yield path, target
                    left[target] -= 1
                    if not left[target]:
                        del left[target]
            kept = ~np.isin(reads, list(used))
            hops, reads = hops[kept], reads[kept]

    def _joined(self, first: Tree, hop: Numbers, rest: Path, target: int) -> Path | None:
        """Return a path to a new hop, over it and on, that passes no node twice; None where there is none."""
        graph = self.graph
        begin, end, _, number = hop.tolist()
        tree = self._trees[number]
        own = tree.path(begin) if tree.back else tree.path(end)
        front = first.path(begin)
        if self._simple((*front, *own, *rest)):
            return (*front, *own, *rest)
        anything = np.zeros(graph.size, dtype=np.int64)
        passed = frozenset(int(graph.source[edge]) for edge in own)
        beyond = passed | {end}
        if not self._simple((*front, *own)):
            start = int(graph.source[front[0]])
            found = guided(self.view, start, begin, anything, beyond - {begin}, frozenset(), lambda node: node)
            if found is None:
                return None
            front = found
        passed |= {int(graph.source[edge]) for edge in front}
        ahead = Tree(self.view, np.array([target]), back=True).length
        on = guided(self.view, end, target, ahead, passed, frozenset(), lambda node: node) if end != target else ()
        return None if on is None else (*front, *own, *on)

    def _simple(self, path: Path) -> bool:
        """Tell whether a path passes no node twice."""
        graph = self.graph
        nodes = [int(graph.source[path[0]]), *(int(graph.target[edge]) for edge in path)] if path else []
        return len(nodes) == len(set(nodes))
