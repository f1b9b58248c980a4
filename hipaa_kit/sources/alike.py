"""Objects of one kind, those that are alike told once: a mold of them, and the words of each.

What is made of objects by rules that pass some of their words on unread has to be made once for all that are alike.
Those that are like no other are there as they are.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from hipaa_kit.sources.molds import TOKEN, Mold, MoldBook, find_holes, owner_of, picker
from hipaa_kit.sources.sharing import SharedJson
from hipaa_kit.sources.snapshot import Part, Record, read_line

MARK: Final = "mark-"
"""How every mark begins."""

_PLAIN: Final = bytes(set(range(32, 127)) - set(b'"\\'))
"""What a word consists of that stands in JSON as it is."""


class Entry(NamedTuple):
    """An object as it is, or one with marks in the place of its own words.

    `origin` is the object that was marked, and `words` what stood in it by mark.
    """

    record: Record
    origin: Record | None = None
    words: Mapping[str, str] = {}


@dataclass
class Alike:
    """The objects of a part.

    Attributes
    ----------
    mark
        How marks look; they are made at random, so that no object says one.
    entries
        Objects like no other, and marked ones that stand for many.
    of
        The entry of each object, in the order of the part.
    namespaces, names
        Of each object.
    words
        By mark, the word of each object; "" where it has none.
    """

    mark: re.Pattern[str]
    entries: list[Entry] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    words: dict[str, np.ndarray[Any, np.dtype[np.object_]]] = field(default_factory=dict)


def find_alike(
    part: Part, own: Mapping[str, Any], passed_on: Sequence[str], may_stand: Callable[[Record], bool]
) -> Alike:
    """Return the objects of a part, those that are alike told once.

    Parameters
    ----------
    part
        Its lines are read, but only those of objects like no other are decoded.
    own
        What is each object's own in its line, as `molds.find_holes` takes it; what stands there must be passed on
        unread by whatever is made of the entries.
    passed_on
        Beginnings of the paths whose words are kept.
    may_stand
        Tells whether an object may stand for others: what is made of it depends on none of its own words.
    """
    return _Search(part, own, tuple(passed_on), may_stand).run()


class _Model:
    """An entry that stands for many, and where they are."""

    def __init__(self, number: int, mold: Mold, namespace: str, kept: Mapping[str, int]) -> None:
        self.number, self.mold, self.namespace = number, mold, namespace
        self.marks, self.pick = list(kept), picker(list(kept.values()))
        self.name = mold.paths.index("name")
        self.places: list[int] = []
        self.words: list[Sequence[bytes]] = []


class _Search:
    def __init__(
        self, part: Part, own: Mapping[str, Any], passed_on: tuple[str, ...], may_stand: Callable[[Record], bool]
    ) -> None:
        self.part, self.own, self.passed_on, self.may_stand = part, own, passed_on, may_stand
        self.nonce = f"{MARK}{secrets.token_hex(8)}"
        self.found, self.book, self.shared = Alike(re.compile(rf"{self.nonce}-\d+\.")), MoldBook(), SharedJson()
        self.numbers: dict[str, int] = {}

    def run(self) -> Alike:
        for line, following in pairwise(chain(self.part.lines(), [b""])):
            fit = self.book.fit(line)
            if fit is not None and _is_plain(*fit):
                self._another(*fit)
            else:
                self._one(line, more=owner_of(line) == owner_of(following))
        for model in self.book:
            self._put(model)
        return self.found

    def _one(self, line: bytes, *, more: bool) -> None:
        """Take an object that is like none before; one that may be like others to come is told with its words apart."""
        if self.book.is_due(line, more=more) and (made := self._learned(line)) is not None:
            self._another(made, made.mold.words)
            return
        record = read_line(line, self.part.group, self.part.kind, self.shared)
        self._note(record.namespace, record.name, len(self.found.entries))
        self.found.entries.append(Entry(record))

    def _another(self, model: _Model, words: list[bytes]) -> None:
        model.places.append(len(self.found.of))
        model.words.append(model.pick(words))
        self._note(model.namespace, words[model.name].decode(), model.number)

    def _note(self, namespace: str, name: str, entry: int) -> None:
        self.found.of.append(entry)
        self.found.namespaces.append(namespace)
        self.found.names.append(name)

    def _learned(self, line: bytes) -> _Model | None:
        record = read_line(line, self.part.group, self.part.kind)
        holes = find_holes(line.rstrip(b"\n"), self.own)
        if not holes or "name" not in {hole.path for hole in holes} or not self.may_stand(record):
            return None
        mold = Mold(line, holes)
        marks = [f"{self.nonce}-{self.numbers.setdefault(path, len(self.numbers))}." for path in mold.paths]
        kept = {mark: place for place, mark in enumerate(marks) if mold.paths[place].startswith(self.passed_on)}
        marked = read_line(mold.filled([mark.encode() for mark in marks]), self.part.group, self.part.kind)
        said = {mark: mold.words[place].decode() for mark, place in kept.items()}
        model = _Model(len(self.found.entries), mold, record.namespace, kept)
        self.book.add(line, mold, model)
        self.found.entries.append(Entry(marked, record, said))
        return model if _is_plain(model, mold.words) else None

    def _put(self, model: _Model) -> None:
        """Put the words of all that fit a model in their place."""
        columns = zip(*model.words, strict=True) if model.words else ()
        for mark, column in zip(model.marks, columns, strict=bool(model.words)):
            if mark not in self.found.words:
                self.found.words[mark] = np.full(len(self.found.of), "", dtype=object)
            self.found.words[mark][model.places] = b"\n".join(column).decode().split("\n")


def _is_plain(model: _Model, words: Sequence[bytes]) -> bool:
    """Tell whether words stand in JSON as they are, and the token is one."""
    tokens = model.mold.picked[TOKEN](words)
    return not b"".join(words).translate(None, _PLAIN) and (not tokens or tokens.count(tokens[0]) == len(tokens))
