"""The fewest things of which each of some sets has one: what to take away so that every path lacks something.

Finding it is NP-hard (R. M. Karp, "Reducibility among Combinatorial Problems", 1972), so that the search is exact as
long as it is short, and else greedy with a proved lower bound: sets that share nothing need one thing each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
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


def smallest_hitting(
    sets: Iterable[frozenset[T]], most: int = MOST, harm: Callable[[T], int] | None = None
) -> Hitting[T]:
    """Return the fewest things of which every set has one.

    Parameters
    ----------
    sets
        None of them empty. Of several answers the first in the order of the things is given.
    most
        Choices to try.
    harm
        What each thing does besides, 0 or more: of answers that are as small the one that does least is given, as far
        as the search comes.
    """
    held = _needed(sets)
    best = _greedy(held)
    search = _Search(best, most)
    search.go(held, ())
    exact, best = search.left > 0, search.best
    if harm is not None:
        gentle = _Search(best, most, harm)
        gentle.go(held, ())
        best = gentle.best
    chosen = tuple(sorted(best))
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

    def __init__(self, best: tuple[T, ...], most: int, harm: Callable[[T], int] = lambda _: 0) -> None:
        self.best, self.left, self._harm = best, most, harm
        self._worth = (len(best), sum(map(harm, best)))

    def go(self, sets: Sets[T], chosen: tuple[T, ...], done: int = 0) -> None:
        """Try everything that could be better than the best so far; `done` is the harm of what was chosen."""
        self.left -= 1
        if self.left <= 0:
            return
        if not sets:
            if (len(chosen), done) < self._worth:
                self.best, self._worth = chosen, (len(chosen), done)
            return
        if (len(chosen) + packing(sets), done) >= self._worth:
            return
        for thing in sorted(min(sets, key=lambda held: len(frozenset(held)))):
            self.go([each for each in sets if thing not in each], (*chosen, thing), done + self._harm(thing))
