"""Sets of ports: the same as sets of numbers, in fewer words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.network.port_sets import EVERY, PortSet, holds, union, without, words

NUMBERS = st.integers(1, 40)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=6)


def members(ports: PortSet) -> set[int]:
    return {number for first, last in ports for number in range(first, last + 1)}


@given(RANGES)
def test_union_holds_every_port_once_and_nothing_touches(ranges: list[tuple[int, int]]) -> None:
    found = union(ranges)
    assert members(found) == {number for first, last in ranges for number in range(first, last + 1)}
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(found))


@given(RANGES, RANGES)
def test_without_is_the_difference(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    found = without(union(one), union(other))
    assert members(found) == members(union(one)) - members(union(other))
    assert found == union(found)


@pytest.mark.parametrize(
    ("ports", "said"),
    [((), ""), (((80, 80),), "80"), (((80, 80), (1000, 2000)), "80 1000-2000"), (EVERY, "every")],
)
def test_words(ports: PortSet, said: str) -> None:
    assert words(ports) == said


@given(RANGES, NUMBERS)
def test_holds_reads_what_words_says(ranges: list[tuple[int, int]], port: int) -> None:
    found = union(ranges)
    assert holds(words(found), port) == (port in members(found))
    assert holds(words(EVERY), port)
