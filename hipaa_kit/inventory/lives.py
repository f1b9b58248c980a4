"""Lives: since when something has been there, from what each of several moments proves.

A moment shows a fact, proves that it is not there, or does neither: a refused list is no empty one. So
a beginning is an interval and never a point, and taking anything away can only widen it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

Fact = Hashable


@dataclass
class Run:
    """Moments without a gap that show one fact with one identity."""

    first: int
    last: int
    identity: str
    about: str = ""


@dataclass(frozen=True)
class Life:
    """One life of a fact, in numbers of moments; None where no moment proves it."""

    identity: str
    about: str
    not_before: int | None
    seen_first: int
    unbroken_since: int
    seen_last: int
    gone_by: int | None
    unknown: tuple[int, ...]
    recreated: bool


@dataclass
class Sightings:
    """All facts of one question, each with the moments that show it.

    Parameters
    ----------
    decisive
        The identity is that of the thing itself, as the uid is of an object: what has the same one never
        went away. Otherwise it is that of something that the fact stands on, and the fact may come back.
    """

    decisive: bool = False
    runs: dict[Fact, list[Run]] = field(default_factory=dict)

    def see(self, moment: int, fact: Fact, identity: str = "", about: str = "") -> None:
        """Note that a moment shows a fact; moments come in order."""
        runs = self.runs.setdefault(fact, [])
        if runs and runs[-1].identity == identity and runs[-1].last >= moment - 1:
            runs[-1].last = moment
        else:
            runs.append(Run(moment, moment, identity, about))

    def lives(self, moments: int, absent: Callable[[int, Any], bool]) -> Iterator[tuple[Any, list[Life]]]:
        """Yield every fact with its lives, in order.

        Parameters
        ----------
        moments
            How many there are.
        absent
            Tells whether a moment that does not show a fact proves that it is not there.
        """
        for fact, runs in self.runs.items():
            yield fact, lives(runs, moments, partial(_absent, absent, fact), decisive=self.decisive)


def _absent(absent: Callable[[int, Any], bool], fact: Any, moment: int) -> bool:
    return absent(moment, fact)


def lives(runs: list[Run], moments: int, absent: Callable[[int], bool], *, decisive: bool) -> list[Life]:
    """Return the lives of one fact.

    Parameters
    ----------
    runs
        Moments that show it, in order.
    moments
        How many moments there are.
    absent
        Tells whether a moment that does not show it proves that it is not there.
    decisive
        As in `Sightings`.

    Notes
    -----
    Two identities are two lives, also from one moment to the next: whatever had the first is gone by the
    second. Where some moments show an identity, one that shows the fact without any does not say whose it was:
    such sightings have a life without identity, which is that of the name, whoever bore it.
    """
    named = [run for run in runs if run.identity]
    nameless = {moment for run in runs if not run.identity for moment in range(run.first, run.last + 1)}

    def proved(moment: int) -> bool:
        return moment not in nameless and absent(moment)

    found = _lives_of(named, moments, proved, decisive)
    if nameless:
        borne = _lives_of([replace(run, identity="") for run in runs], moments, absent, decisive)
        found += [life for life in borne if nameless.intersection(range(life.seen_first, life.seen_last + 1))]
    return sorted(found, key=lambda life: (life.seen_first, life.identity))


def _lives_of(runs: list[Run], moments: int, proved: Callable[[int], bool], decisive: bool) -> list[Life]:
    stretches: list[list[Run]] = []
    for run in runs:
        before = stretches[-1][-1] if stretches else None
        same = before is not None and before.identity == run.identity
        if before and same and (_sure(decisive, run) or not any(map(proved, range(before.last + 1, run.first)))):
            stretches[-1].append(run)
        else:
            stretches.append([run])
    return [_life(stretches, number, moments, proved, decisive) for number in range(len(stretches))]


def _sure(decisive: bool, run: Run) -> bool:
    return decisive and bool(run.identity)


def _life(stretches: list[list[Run]], number: int, moments: int, proved: Callable[[int], bool], decisive: bool) -> Life:
    stretch = stretches[number]
    first, last = stretch[0].first, stretch[-1].last
    before = stretches[number - 1][-1] if number else None
    after = stretches[number + 1][0] if number + 1 < len(stretches) else None
    start, end = before.last if before else -1, after.first if after else moments
    # Where another identity holds the place, this one is not there.
    not_before = next((m for m in range(first - 1, start, -1) if proved(m)), start if before else None)
    gone_by = next((m for m in range(last + 1, end) if proved(m)), end if after else None)
    shown = {moment for run in stretch for moment in range(run.first, run.last + 1)}
    around = range((-1 if not_before is None else not_before) + 1, moments if gone_by is None else gone_by)
    return Life(
        identity=stretch[0].identity,
        about=stretch[0].about,
        not_before=not_before,
        seen_first=first,
        unbroken_since=first if _sure(decisive, stretch[0]) else _unbroken(stretch),
        seen_last=last,
        gone_by=gone_by,
        unknown=tuple(moment for moment in around if moment not in shown),
        recreated=before is not None and before.identity != stretch[0].identity,
    )


def _unbroken(stretch: list[Run]) -> int:
    """Return the first moment of the last runs that follow each other without a gap."""
    first = stretch[-1].first
    for run in reversed(stretch):
        if run.last >= first - 1:
            first = run.first
    return first
