"""The merged graph as arrays: nodes by number, edges sorted by source, and why each edge is there.

What many edges have in common stands once: an edge has the number of its reason. Whatever names many objects is a hub,
`Kind/namespace/*`: nothing is ever joined to every object of a kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.permissions.edge import Right
from hipaa_kit.tables.paths import SURENESS

Numbers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

INTERNET: Final = "Internet"
CERTAIN, LIKELY, UNKNOWN = SURENESS
HOLDS: Final = "HOLDS"
HOP: Final = 1
EFFORT: Final = 256
"""Weight of one unit of cost, and of one hop beside it: among paths of one cost the shortest wins."""


class Why(NamedTuple):
    """Why an edge is there, and what it takes.

    `flow` is the number of a flow of the network, by which its ports and policies are found when they are asked for.
    `rights` are what it needs of roles: without one of them it is gone, or rests on another.
    """

    edge: str
    cost: int = 0
    confidence: str = CERTAIN
    proof: str = ""
    objects: tuple[str, ...] = ()
    precondition: str = ""
    mitigation: str = ""
    flow: int = -1
    expected: str = ""
    rights: tuple[Right, ...] = ()


STRUCTURE: Final = Why(HOLDS)
"""What stands for many holds each of them."""


class Builder:
    """Takes nodes and edges as they are found; an edge that is taken again is there once."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.whys: list[Why] = []
        self._why_of: dict[Why, int] = {}
        self._edges: dict[tuple[int, int, int], None] = {}
        self._many: list[Numbers] = []
        self._sorted: tuple[list[str], list[Why]] = [], []

    def copy(self) -> Builder:
        """Return a builder that has taken the same so far; what takes long to make of it is made once for all."""
        if self._edges:
            self._many, self._edges = [np.concatenate(self._all())], {}
        if len(self._sorted[0]) < len(self.number):
            self._sorted = sorted(self.number), sorted(self.whys)
        found = Builder()
        found.number, found.whys = dict(self.number), list(self.whys)
        found._why_of, found._many, found._sorted = dict(self._why_of), list(self._many), self._sorted
        return found

    def node(self, name: str) -> int:
        """Return the number of a node, which is there from now on."""
        return self.number.setdefault(name, len(self.number))

    def why(self, why: Why) -> int:
        """Return the number of a reason."""
        found = self._why_of.get(why)
        if found is None:
            found = self._why_of[why] = len(self.whys)
            self.whys.append(why)
        return found

    def add(self, source: str, target: str, why: Why) -> None:
        """Take an edge; one from a node to itself leads nowhere."""
        if source != target:
            self._edges[self.node(source), self.node(target), self.why(why)] = None

    def add_all(self, sources: npt.ArrayLike, targets: npt.ArrayLike, whys: npt.ArrayLike) -> None:
        """Take edges by the numbers of their ends and reasons; none may lead from a node to itself."""
        edges = np.broadcast_arrays(*(np.asarray(each, dtype=np.int64) for each in (sources, targets, whys)))
        self._many.append(np.column_stack([each.ravel() for each in edges]))

    def _all(self) -> list[Numbers]:
        return [*self._many, np.array(list(self._edges), dtype=np.int64).reshape(-1, 3)]

    def graph(self) -> Graph:
        """Return what was taken, numbered in the order of names and reasons.

        So the same cluster gives the same answer whatever the order in which its objects were taken.
        """
        names, whys = self._sorted
        # Most are in order already: a sort of what is in order but for a few is quick.
        names = sorted([*names, *itertools.islice(self.number, len(names), None)])
        whys = sorted([*whys, *self.whys[len(whys) :]])
        node, why = np.empty(len(names), dtype=np.int64), np.empty(len(whys), dtype=np.int64)
        node[[self.number[name] for name in names]] = np.arange(len(names))
        why[[self._why_of[each] for each in whys]] = np.arange(len(whys))
        edges = np.concatenate(self._all())
        return Graph(names, whys, node[edges[:, 0]], node[edges[:, 1]], why[edges[:, 2]])


class Graph:
    """Nodes in the order of their names, and edges sorted by source, target and reason.

    Attributes
    ----------
    names, number
        Nodes by number, and numbers by name.
    source, target, why
        Ends of every edge, and the number of its reason in `whys`.
    weight
        What an edge adds to the length of a path: its effort, then one for the hop unless it only leads out of a hub.
    """

    def __init__(self, names: list[str], whys: list[Why], source: Numbers, target: Numbers, why: Numbers) -> None:
        self.names, self.whys = names, whys
        self.number = dict(zip(names, range(len(names)), strict=True))
        order = np.lexsort((why, target, source))
        self.source, self.target, self.why = _distinct(source[order], target[order], why[order])
        self.cost = np.array([why.cost for why in whys], dtype=np.int64)[self.why]
        hidden = np.array([why.edge in HIDDEN for why in whys], dtype=bool)
        self.weight = self.cost * EFFORT + np.where(hidden[self.why], 0, HOP)
        self.unsure = np.array([why.confidence == UNKNOWN for why in whys], dtype=bool)[self.why]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.names)

    @cached_property
    def known(self) -> View:
        """The edges that are certain or likely."""
        return View(self, np.flatnonzero(~self.unsure))

    @cached_property
    def whole(self) -> View:
        """All edges, those of which it is not known whether they are open among them."""
        return View(self, np.arange(len(self.source)))

    def view(self, unknown: bool) -> View:
        """Return the edges, with or without those of which it is not known whether they are open."""
        return self.whole if unknown else self.known

    def reason(self, edge: int) -> Why:
        """Return why an edge is there."""
        return self.whys[int(self.why[edge])]


def _distinct(*keys: Numbers) -> tuple[Numbers, ...]:
    """Return sorted rows, given by column, each once."""
    new = np.ones(len(keys[0]), dtype=bool)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return tuple(key[new] for key in keys)


CONNECTS: Final = "CONNECTS"
LISTENS: Final = "LISTENS"
CAN_REACH: Final = "CAN_REACH"
HIDDEN: Final = frozenset({HOLDS, CONNECTS, LISTENS})
"""Edges into and out of what stands for many."""


class View:
    """Some edges of a graph, indexed from both ends; edges keep their numbers."""

    def __init__(self, graph: Graph, edges: Numbers) -> None:
        self.graph = graph
        self.forward = edges
        self.forward_start = _starts(graph.source[edges], graph.size)
        self.backward = edges[np.argsort(graph.target[edges], kind="stable")]
        self.backward_start = _starts(graph.target[self.backward], graph.size)

    def out_of(self, node: int) -> list[int]:
        """Return the edges that leave a node."""
        found: list[int] = self.forward[self.forward_start[node] : self.forward_start[node + 1]].tolist()
        return found

    def into(self, node: int) -> list[int]:
        """Return the edges that enter a node."""
        found: list[int] = self.backward[self.backward_start[node] : self.backward_start[node + 1]].tolist()
        return found

    def leaving(self, nodes: Numbers, *, back: bool = False) -> Numbers:
        """Return the edges that leave some nodes, or with `back` those that enter them."""
        edges, start = (self.backward, self.backward_start) if back else (self.forward, self.forward_start)
        first, many = start[nodes], start[nodes + 1] - start[nodes]
        at = np.repeat(first - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
        found: Numbers = edges[at]
        return found


def _starts(ends: Numbers, size: int) -> Numbers:
    """Return for each node where its edges begin in a list sorted by that end."""
    found: Numbers = np.searchsorted(ends, np.arange(size + 1)).astype(np.int64)
    return found


def numbers(graph: Graph, names: Iterable[str]) -> Numbers:
    """Return the numbers of those of some nodes that the graph has, in the order of their names."""
    held = sorted({name for name in names if name in graph.number})
    return np.array([graph.number[name] for name in held], dtype=np.int64)
