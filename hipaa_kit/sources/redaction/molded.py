"""Redaction of pods that fit a mold: what was found out about one pod of a workload, with another's words in it.

A mold is made of a pod that was understood, by redacting it once more with marks in the place of its own words
(`sources/molds`). Words pass redaction unread, or not at all: so another pod with the same bytes around them, whose
words are plain, is redacted by putting its words in. Annotations are redacted as pieces, as everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hipaa_kit.sources.molds import (
    FIELDS,
    MOMENT,
    NAME,
    TOKEN,
    VALUE,
    WORDS,
    Fill,
    Mold,
    MoldBook,
    are_plain,
    find_holes,
)
from hipaa_kit.sources.redaction.shapes import OWN_OF_POD

OWN: Final = {
    **OWN_OF_POD,
    "metadata": {
        **OWN_OF_POD["metadata"],
        "annotations": VALUE,
        "managedFields": [{"fieldsV1": FIELDS, "time": MOMENT}],
        "namespace": NAME,
    },
}
"""What a pod has of its own before it is redacted. Names, addresses, moments and ids pass as they are where they are
clean, or not at all; annotations are a piece. A mark passes in no other way, so what is not so has no mold."""

_LONGEST_NAME: Final = 253


class Understood(NamedTuple):
    """A pod as it may pass: its identity, and content and facts in canonical bytes."""

    name: str
    namespace: str
    version: str
    uid: str
    created: str
    content: bytes
    facts: bytes


class Trial(NamedTuple):
    """What came of a pod with marks in it, and how much was removed from it by rule."""

    pod: Understood
    counts: Counter[str]


class _PodMold:
    """A mold, and what is made of the words of a pod that fits it."""

    def __init__(self, mold: Mold, marks: Sequence[bytes], trial: Trial, *, bare: bool) -> None:
        self.mold, self.bare, self.counts, self.uses = mold, bare, trial.counts, 0
        self.content, self.facts = Fill(trial.pod.content, marks), Fill(trial.pod.facts, marks)
        self.identity = Fill("\n".join(trial.pod[:5]).encode(), marks)
        self.values = [(n, _place(mold.paths[n])) for n, kind in enumerate(mold.kinds) if kind == VALUE]
        self.tokens = mold.picked[TOKEN]

    def made(self, words: Sequence[bytes]) -> Understood:
        """Return what may pass of a pod with these words, and what is left of its values."""
        name, namespace, version, uid, created = self.identity.filled(words).decode().split("\n")
        content, facts = self.content.filled(words), self.facts.filled(words)
        return Understood(name, namespace, version, uid, created, content, facts)


@dataclass(slots=True)
class _Fit:
    mold: _PodMold
    words: list[bytes]
    pieces: list[Any] = field(default_factory=list)

    def plain_words(self) -> dict[str, Sequence[bytes]]:
        return {kind: self.mold.mold.picked[kind](self.words) for kind in WORDS}


@dataclass
class PodMolds:
    """The molds of one run.

    Parameters
    ----------
    piece
        Gives what is left of a value at its place in a pod, None where it was not understood.
    trial
        Redacts a pod with marks in it; the marks that stand for values are named with their places.
    """

    piece: Callable[[str, bytes], Any]
    trial: Callable[[bytes, bool, Sequence[tuple[str, bytes]]], Trial | None]
    book: MoldBook = field(default_factory=MoldBook)

    def read(self, items: Sequence[bytes], *, bare: bool) -> list[Understood | None]:
        """Return what may pass of each object of a page, None in the place of one that fits no mold.

        Parameters
        ----------
        items
            JSON objects, UTF-8, without white space between their tokens.
        bare
            Objects that do not say their kind are pods.
        """
        fits = [self._fit(item, bare) for item in items]
        words: dict[str, list[bytes]] = {kind: [] for kind in WORDS}
        for fit in fits:
            if fit is not None:
                for kind, held in words.items():
                    held += fit.mold.mold.picked[kind](fit.words)
        if not are_plain(words):
            fits = [fit if fit is not None and are_plain(fit.plain_words()) else None for fit in fits]
        return [self._settled(fit) if fit is not None else None for fit in fits]

    def learn(self, item: bytes, pod: Understood, *, bare: bool, more: bool) -> None:
        """Make a mold of a pod that was understood and fits none, when it is time for one; `more` of its owner come."""
        if self.book.is_due(item, more=more) and (made := self._made(item, pod, bare)) is not None:
            self.book.add(item, made.mold, made)

    def counts(self) -> Counter[str]:
        """Return how many values were removed since this was asked last, by rule."""
        found: Counter[str] = Counter()
        for mold in self.book:
            found.update({rule: count * mold.uses for rule, count in mold.counts.items()})
            mold.uses = 0
        return found

    def _fit(self, item: bytes, bare: bool) -> _Fit | None:
        found = self.book.fit(item)
        if found is None or (found[0].bare and not bare):
            return None
        return self._with_pieces(_Fit(*found))

    def _with_pieces(self, fit: _Fit) -> _Fit | None:
        """Put what is left of values in their place; None where the pod turns out not to be understood."""
        tokens = fit.mold.tokens(fit.words)
        if tokens and tokens.count(tokens[0]) != len(tokens):
            return None
        for number, place in fit.mold.values:
            piece = self.piece(place, fit.words[number])
            if piece is None:
                return None
            fit.pieces.append(piece)
            fit.words[number] = piece.kept
        return fit

    def _settled(self, fit: _Fit) -> Understood | None:
        pod = fit.mold.made(fit.words)
        if len(pod.name) > _LONGEST_NAME or len(pod.namespace) > _LONGEST_NAME:
            return None
        fit.mold.uses += 1
        for piece in fit.pieces:
            piece.uses += 1
        return pod

    def _made(self, item: bytes, pod: Understood, bare: bool) -> _PodMold | None:
        """Return a mold of a pod; None where its words cannot be told from the rest, or do not pass unread."""
        holes = find_holes(item, OWN)
        mold = Mold(item, holes) if holes else None
        marks = mold.marks() if mold else None
        if mold is None or marks is None or not are_plain({kind: mold.picked[kind](mold.words) for kind in WORDS}):
            return None
        values = [(_place(mold.paths[n]), marks[n]) for n, kind in enumerate(mold.kinds) if kind == VALUE]
        trial = self.trial(mold.filled(marks), bare, values)
        if trial is None:
            return None
        made = _PodMold(mold, marks, trial, bare=bare and not item.startswith(_SAID))
        again = self._with_pieces(_Fit(made, list(mold.words)))
        return made if again is not None and made.made(again.words) == pod else None


def _place(path: str) -> str:
    """Return the name under which pieces stand that are found at a path."""
    return path.split(".")[1]


_SAID: Final = (b'{"apiVersion":', b'{"kind":')
