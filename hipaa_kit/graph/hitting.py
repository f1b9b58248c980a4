"""The fewest things of which each of some sets has one: what to take away so that every path lacks something.

Finding it is NP-hard (R. M. Karp, "Reducibility among Combinatorial Problems", 1972), so that the search is exact as
long as it is short, and else greedy with a proved lower bound: sets that share nothing need one thing each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T", bound=Any)
"""Anything that has an order."""

Sets = list[frozenset[T]]

MOST: Final = 20_000
"""Choices that are tried before the search ends with the best so far."""


class Hitting(NamedTuple, Generic[T]):
    """Things that hit all sets, whether there are provably no fewer, and how many there must be at least."""

    chosen: tuple[T, ...]
    exact: bool
    bound: int


def smallest_hitting(sets: Iterable[frozenset[T]], most: int = MOST) -> Hitting[T]:
    """Return the fewest things of which every set has one.

    Parameters
    ----------
    sets
        None of them empty. Of several answers the first in the order of the things is given.
    most
        Choices to try.
    """
    held = _needed(sets)
    best = _greedy(held)
    search = _Search(best, most)
    search.go(held, ())
    exact = search.left > 0
    chosen = tuple(sorted(search.best))
    return Hitting(chosen, exact, len(chosen) if exact else packing(held))


def packing(sets: Iterable[frozenset[T]]) -> int:
    """Return how many of some sets share nothing, found greedily: a hitting set has at least as many things."""
    used: set[T] = set()
    count = 0
    for each in sorted(sets, key=lambda each: len(each)):
        if used.isdisjoint(each):
            used |= each
            count += 1
    return count


def _needed(sets: Iterable[frozenset[T]]) -> Sets[T]:
    """Return the sets of which no other is a part, the smallest first: whatever hits them hits all."""
    found: Sets[T] = []
    for each in sorted(set(sets), key=lambda held: (len(held), sorted(held))):
        if not any(other <= each for other in found):
            found.append(each)
    return found


def _greedy(sets: Sets[T]) -> tuple[T, ...]:
    chosen: list[T] = []
    left = list(sets)
    while left:
        counts = Counter(thing for each in left for thing in each)
        thing = min(counts, key=lambda each: (-counts[each], each))
        chosen.append(thing)
        left = [each for each in left if thing not in each]
    return tuple(chosen)


class _Search(Generic[T]):
    """Tries the things of the smallest set that is not hit, one after the other, and leaves what cannot be better."""

    def __init__(self, best: tuple[T, ...], most: int) -> None:
        self.best, self.left = best, most

    def go(self, sets: Sets[T], chosen: tuple[T, ...]) -> None:
        """Try everything that could be better than the best so far."""
        self.left -= 1
        if self.left <= 0:
            return
        if not sets:
            if len(chosen) < len(self.best):
                self.best = chosen
            return
        if len(chosen) + packing(sets) >= len(self.best):
            return
        for thing in sorted(min(sets, key=lambda held: len(frozenset(held)))):
            self.go([each for each in sets if thing not in each], (*chosen, thing))
