"""Every course of things that a series of moments allows: what a history may say, worked out by brute force.

Knows nothing of how the kit finds lives: it tries out everybody at every moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

ABSENT, UNKNOWN, NAMELESS = ".", "?", "#"
"""What a moment says, one character each: proved absent, neither, seen without a uid; letters are uids."""


def courses_of(said: str, *, decisive: bool) -> Iterator[tuple[str, ...]]:
    """Yield every course of things that the moments allow: at each who was there, or nobody."""
    somebody = sorted({word for word in said if word.isalpha()}) or [NAMELESS]
    choices = []
    for moment, word in enumerate(said):
        stranger = [chr(ord("A") + moment)] if somebody != [NAMELESS] else []
        may = {ABSENT: [ABSENT], UNKNOWN: [ABSENT, *somebody, *stranger], NAMELESS: [*somebody, *stranger]}
        choices.append(may.get(word, [word]))
    for course in product(*choices):
        runs = [word for moment, word in enumerate(course) if not moment or word != course[moment - 1]]
        uids = [word for word in runs if word.isalpha()]
        if not decisive or len(uids) == len(set(uids)):
            yield course


def stretch(course: tuple[str, ...], moment: int) -> tuple[int, int]:
    """Return first and last moment at which the one who is there at a moment was there without a break."""
    first = last = moment
    while first and course[first - 1] == course[moment]:
        first -= 1
    while last + 1 < len(course) and course[last + 1] == course[moment]:
        last += 1
    return first, last
