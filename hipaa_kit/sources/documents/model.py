"""What a file is made of, whatever it is written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Document(NamedTuple):
    """One document of a file, or one item of a list in it: its content, and where it starts.

    `origin` is the template that Helm says it comes from; `head` is what the list around an item says
    of itself, as far as it was read when the item was.
    """

    content: Any
    position: str
    origin: str = ""
    head: Mapping[str, Any] | None = None


class Page(NamedTuple):
    """Many items of a list at once, as one JSON array without white space.

    `first` is the number of the first item, and `head` what the list says of itself before its items.
    """

    text: bytes
    first: int
    head: Mapping[str, Any]


class ListEnd(NamedTuple):
    """The end of a list: everything it says of itself, without its items, and how many these were.

    An array that stands alone says nothing of itself: its head is None.
    """

    head: Mapping[str, Any] | None
    size: int
    position: str


class Unreadable(NamedTuple):
    """A file, or part of one, that could not be read, or not without doubt."""

    position: str
    error: str


class Logs(NamedTuple):
    """A container's log that stood between documents, as `kubectl cluster-info dump` writes it."""

    position: str


Piece = Document | ListEnd | Unreadable | Logs | Page


LONGEST_STEP: Final = 100


def step(name: object, number: int) -> str:
    """Return a step of a position: the name of a member, or its number where it has no plain name."""
    text = str(name)
    return text if 0 < len(text) <= LONGEST_STEP and text.isprintable() else str(number)
