"""The fewest things that hit every set, held against trying all of them."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.graph.hitting import packing, smallest_hitting

SETS = st.lists(st.frozensets(st.integers(0, 7), min_size=1, max_size=4), max_size=9)


def fewest(sets: list[frozenset[int]]) -> int:
    """Return how many things hit every set, by trying all choices."""
    things = sorted({thing for each in sets for thing in each})
    for size in range(len(things) + 1):
        if any(all(each & set(chosen) for each in sets) for chosen in combinations(things, size)):
            return size
    raise AssertionError("all things together hit every set")


@given(SETS)
def test_it_hits_every_set_with_as_few_as_can_be(sets: list[frozenset[int]]) -> None:
    found = smallest_hitting(sets)
    assert all(each & set(found.chosen) for each in sets)
    assert found.exact
    assert len(found.chosen) == found.bound == fewest(sets)


@given(SETS)
def test_a_search_cut_short_still_hits_and_its_bound_holds(sets: list[frozenset[int]]) -> None:
    found = smallest_hitting(sets, most=1)
    assert all(each & set(found.chosen) for each in sets)
    assert packing(sets) <= fewest(sets)
    assert found.bound <= fewest(sets) <= len(found.chosen)


def test_the_order_of_the_sets_changes_nothing() -> None:
    sets = [frozenset(each) for each in ("ab", "bc", "cd", "de", "ea")]
    assert smallest_hitting(sets) == smallest_hitting(reversed(sets))


@given(SETS, st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_of_answers_as_small_the_one_that_does_least_harm_is_given(sets: list[frozenset[int]], harm: list[int]) -> None:
    found = smallest_hitting(sets, harm=harm.__getitem__)
    assert len(found.chosen) == fewest(sets)
    assert all(each & set(found.chosen) for each in sets)
    things = sorted({thing for each in sets for thing in each})
    others = [each for each in combinations(things, len(found.chosen)) if all(one & set(each) for one in sets)]
    assert sum(map(harm.__getitem__, found.chosen)) == min(sum(map(harm.__getitem__, each)) for each in others)
