"""The search against every path written out: the cheapest first, none missed, and as many independent ones as there are."""

from __future__ import annotations

import itertools
import random

import networkx as nx
import numpy as np
import pytest

from hipaa_kit.graph.paths.model import Builder, Graph, Why
from hipaa_kit.graph.paths.search import FAR, PathsFrom, Tree, cheapest, independent


def drawn(seed: int) -> Graph:
    """Return a small graph drawn at random, with edges that cost nothing among them."""
    draw = random.Random(seed)
    builder = Builder()
    names = [f"v{number}" for number in range(draw.randint(3, 7))]
    for name in names:
        builder.node(name)
    for _ in range(draw.randint(1, 16)):
        one, other = draw.choice(names), draw.choice(names)
        builder.add(one, other, Why(draw.choice(("A", "B", "HOLDS")), draw.choice((0, 1, 2, 3, 20))))
    return builder.graph()


def written_out(graph: Graph, source: int, target: int) -> list[int]:
    """Return the length of every path without a loop, by its nodes, the shortest first."""
    onward: dict[int, dict[int, int]] = {}
    for one, other, weight in zip(graph.source.tolist(), graph.target.tolist(), graph.weight.tolist(), strict=True):
        held = onward.setdefault(one, {})
        held[other] = min(weight, held.get(other, FAR))
    found = []

    def walk(node: int, seen: frozenset[int], length: int) -> None:
        if node == target:
            found.append(length)
            return
        for after, weight in onward.get(node, {}).items():
            if after not in seen:
                walk(after, seen | {after}, length + weight)

    walk(source, frozenset([source]), 0)
    return sorted(found)


@pytest.mark.parametrize("seed", range(300))
def test_every_path_comes_and_the_cheapest_first(seed: int) -> None:
    graph = drawn(seed)
    for source, target in itertools.permutations(range(graph.size), 2):
        paths = list(cheapest(graph.whole, source, target))
        assert [int(graph.weight[list(path)].sum()) for path in paths] == written_out(graph, source, target)
        for path in paths:
            nodes = [source, *(int(graph.target[edge]) for edge in path)]
            assert [int(graph.source[edge]) for edge in path] == nodes[:-1]
            assert nodes[-1] == target
            assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize("seed", range(300))
def test_what_is_too_far_to_matter_is_not_missed(seed: int) -> None:
    graph = drawn(seed)
    alike = [number // 2 for number in range(graph.size)]
    for target in range(graph.size):
        for start in range(graph.size):
            if start != target:
                begun = PathsFrom(graph.whole, np.array([start]), alike.__getitem__)
                assert list(begun.to(target)) == list(cheapest(graph.whole, start, target, alike.__getitem__))
        first = [
            path
            for start in range(0, graph.size, 2)
            if start != target
            for path in itertools.islice(cheapest(graph.whole, start, target, alike.__getitem__), 1)
        ]
        first.sort(key=lambda path: (int(graph.weight[list(path)].sum()), int(graph.source[path[0]])))
        assert list(PathsFrom(graph.whole, np.arange(0, graph.size, 2), alike.__getitem__).to(target)) == first


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_a_tree_has_the_shortest_way_to_everything(seed: int, back: bool) -> None:
    graph = drawn(seed)
    tree = Tree(graph.whole, np.array([0]), back=back)
    for node in range(1, graph.size):
        ends = (node, 0) if back else (0, node)
        lengths = written_out(graph, *ends)
        assert tree.length[node] == (lengths[0] if lengths else FAR)
        assert tree.reaches(node) == bool(lengths)
        if lengths:
            assert int(graph.weight[list(tree.path(node))].sum()) == lengths[0]


@pytest.mark.parametrize("seed", range(200))
def test_independent_paths_are_as_many_as_edges_that_must_be_cut(seed: int) -> None:
    graph = drawn(seed)
    free = np.array([why.edge == "HOLDS" for why in graph.whys], dtype=bool)[graph.why]
    other = nx.DiGraph()
    other.add_nodes_from(range(graph.size))
    for edge in range(len(graph.source)):
        one, two = int(graph.source[edge]), int(graph.target[edge])
        held = other.get_edge_data(one, two, {"capacity": 0})["capacity"]
        other.add_edge(one, two, capacity=held + (1000 if free[edge] else 1))
    for source, target in itertools.permutations(range(graph.size), 2):
        most = nx.maximum_flow_value(other, source, target)
        assert independent(graph.whole, np.array([source]), target, 8, free) == min(most, 8)


def test_nodes_of_one_key_stand_for_one_another() -> None:
    builder = Builder()
    for replica in ("web-1", "web-2", "api-1"):
        builder.add("Internet", replica, Why("A", 1))
        builder.add(replica, "db", Why("A", 1))
    graph = builder.graph()
    keys = [name.partition("-")[0] for name in graph.names]
    paths = list(cheapest(graph.whole, graph.number["Internet"], graph.number["db"], keys.__getitem__))
    passed = [graph.names[graph.target[path[0]]] for path in paths]
    assert passed == ["api-1", "web-1"]
