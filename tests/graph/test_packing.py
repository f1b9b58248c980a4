"""What is found placed is placed, and what is said to be too much is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.packing import Amount, Demand, Domains, Room, Spread, evenly, placed, too_much


def room(*left: tuple[float, float, float]) -> Room:
    return Room(np.array(left, dtype=float).reshape(len(left), 3), [frozenset()] * len(left))


def demand(name: str, cpu: float, memory: float = 1.0, **fields: object) -> Demand:
    return Demand(name, Amount(cpu, memory), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("demands", "left", "fit", "impossible"),
    [
        ([], (), True, False),
        ([demand("a", 1)], (), False, True),
        ([demand("a", 1)], ((1, 1, 1),), True, False),
        ([demand("a", 1.1)], ((1, 1, 1),), False, True),
        ([demand("a", 0.1, 1), demand("b", 0.2, 1)], ((0.3, 2, 2),), True, False),
        ([demand("a", 1), demand("b", 1)], ((2, 2, 1),), False, True),
        ([demand("a", 1), demand("b", 1)], ((2, 2, 1), (2, 2, 1)), True, False),
        ([demand("a", 2)], ((1, 9, 9), (1, 9, 9)), False, True),
        ([demand("a", 1, nodes=frozenset({1}))], ((9, 9, 9), (0.5, 9, 9)), False, True),
        ([demand("a", 1, nodes=frozenset({0}))], ((9, 9, 9), (0.5, 9, 9)), True, False),
        ([demand("a", 1, nodes=frozenset())], ((9, 9, 9),), False, True),
        ([demand("a", 1, apart="w"), demand("b", 1, apart="w")], ((9, 9, 9),), False, False),
        ([demand("a", 1, apart="w"), demand("b", 1, apart="w")], ((9, 9, 9), (9, 9, 9)), True, False),
    ],
)
def test_room_for_pods(demands: list[Demand], left: tuple[tuple[float, ...], ...], fit: bool, impossible: bool) -> None:
    there = room(*left)  # type: ignore[arg-type]
    assert (None not in placed(demands, there).values()) == fit
    assert too_much(demands, there) == impossible


def test_what_is_on_a_node_already_keeps_the_next_away() -> None:
    there = Room(np.array([[9.0, 9.0, 9.0]]), [frozenset({"w"})])
    assert placed([demand("a", 1, apart="w")], there) == {"a": None}


sizes = st.sampled_from([0.5, 1.0, 2.0, 3.0])
demands = st.lists(
    st.tuples(sizes, sizes, st.one_of(st.none(), st.frozensets(st.integers(0, 2))), st.sampled_from(["", "v", "w"])),
    max_size=4,
).map(lambda all_of: [Demand(str(n), Amount(c, m), nodes, apart) for n, (c, m, nodes, apart) in enumerate(all_of)])
rooms = st.lists(st.tuples(sizes, sizes, st.sampled_from([0.0, 1.0, 2.0])), min_size=3, max_size=3).map(
    lambda left: room(*left)
)


def holds(each: list[Demand], where: tuple[int, ...], there: Room) -> bool:
    """Tell whether one way of placing all pods is allowed."""
    for number in range(len(there.left)):
        on_it = [demand for demand, node in zip(each, where, strict=True) if node == number]
        if on_it and (np.array([demand.asks for demand in on_it]).sum(axis=0) > there.left[number]).any():
            return False
        names = [demand.apart for demand in on_it if demand.apart]
        if len(names) != len(set(names)):
            return False
    return all(demand.nodes is None or node in demand.nodes for demand, node in zip(each, where, strict=True))


@settings(max_examples=300, deadline=None)
@given(demands, rooms)
def test_a_way_that_is_found_is_one_and_what_is_too_much_has_none(each: list[Demand], there: Room) -> None:
    there = Room(there.left, [frozenset()] * len(there.left))
    ways = [way for way in product(range(len(there.left)), repeat=len(each)) if holds(each, way, there)]
    found = placed(each, there)
    if None not in found.values():
        assert holds(each, tuple(found[demand.name] for demand in each), there)  # type: ignore[misc]
    if too_much(each, there):
        assert not ways


def spread_room(of: tuple[int, ...], held: tuple[int, ...]) -> Room:
    return Room(np.full((len(of), 3), 9.0), [frozenset()] * len(of), {"rule": Domains(of, held)})


@pytest.mark.parametrize(
    ("of", "held", "rule", "counted", "allowed"),
    [
        ((0, 1), (0, 0), Spread("rule", 1), True, [True, True]),
        ((0, 1), (1, 0), Spread("rule", 1), True, [False, True]),
        ((0, 1), (1, 0), Spread("rule", 2), True, [True, True]),
        # A domain in which no node takes pods stays empty: the lost node.
        ((0, 1), (1, 1, 0), Spread("rule", 1), True, [False, False]),
        ((0, -1), (0, 0), Spread("rule", 1), True, [True, False]),
        # A pod that its own rule does not count makes nothing more uneven.
        ((0, 1), (1, 0), Spread("rule", 1), False, [True, True]),
        # With fewer domains than there must be the least is nothing.
        ((0, 1), (1, 1), Spread("rule", 1, 3), True, [False, False]),
        ((0, 1), (1, 1), Spread("rule", 1, 2), True, [True, True]),
    ],
)
def test_rules_that_spread(
    of: tuple[int, ...], held: tuple[int, ...], rule: Spread, counted: bool, allowed: list[bool]
) -> None:
    asked = Demand("a", Amount(), spread=(rule,), counted=frozenset(["rule"] if counted else []))
    assert evenly(asked, spread_room(of, held)).tolist() == allowed


@given(st.integers(1, 3), st.lists(st.integers(0, 3), min_size=3, max_size=3), st.integers(0, 6))
def test_what_is_placed_is_spread(most: int, held: list[int], pods: int) -> None:
    asked = [Demand(str(n), Amount(), spread=(Spread("rule", most),), counted=frozenset(["rule"])) for n in range(pods)]
    found = placed(asked, spread_room((0, 1, 2), tuple(held)))
    counts = list(held)
    for node in found.values():
        if node is not None:
            counts[node] += 1
    assert None not in found.values()
    assert all(counts[node] - min(counts) <= most for node in found.values() if node is not None)
