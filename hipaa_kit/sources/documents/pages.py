"""Long JSON lists by the page: many items at once as bytes, so that nobody decodes what nobody reads.

Where a page ends is guessed by how items begin, and proved: what stands between the end of one item and the
guess is taken only if it is whole JSON values. Whatever is not so is left to the reader of single items, from
that place on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec

from hipaa_kit.sources.documents.model import Page
from hipaa_kit.sources.documents.texts import rejoined
from hipaa_kit.sources.limits import Limits

PAGE_BYTES: Final = 2**21
LEAST_DEPTH: Final = 100
LEAST_OBJECT_BYTES: Final = 2**24
"""Limits below these are for the reader of single items, which counts every level and character."""

_GUESSES: Final = 3
_HEAD_BYTES: Final = 2**12
_HEAD: Final = re.compile(
    rb"""\s*\{(?:\s*"(?:kind|apiVersion)"\s*:\s*"[^"\\]*"\s*,|\s*"metadata"\s*:\s*\{[^{}\[\]\\]*\}\s*,)*"""
    rb"""\s*"items"\s*:\s*\["""
)
_ITEM: Final = re.compile(rb'\s*\{\s*"(kind|apiVersion|metadata)"')


class Pages:
    """The pages at the beginning of a file, and then what is left of it.

    Parameters
    ----------
    file
        A file at its beginning.
    limits
        What is too much: a page that may hold it is left to the reader of single items.

    Attributes
    ----------
    begun
        The file begins like such a list, in UTF-8.
    taken
        Items that the pages so far held.
    lines
        Line ends that were passed over with them.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self.taken = self.lines = 0
        self._file, self._limits = file, limits
        self._held = file.read(_HEAD_BYTES)
        self._start, self._boundary = b"", b""
        self._head: dict[str, Any] = {}
        self.begun = self._begin()

    def _begin(self) -> bool:
        found = _HEAD.match(self._held)
        item = _ITEM.match(self._held, found.end()) if found else None
        strict = self._limits.object_bytes < LEAST_OBJECT_BYTES or self._limits.depth < LEAST_DEPTH
        if found is None or item is None or strict:
            return False
        head = _said_before(found[0] + b"]}")
        if head is None or (item[1] == b"metadata" and not head.get("kind")):
            return False
        self._start, self._held = found[0], self._held[found.end() :]
        self._head, self._boundary = head, b"}," + item[0]
        return True

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages; none where the file does not begin like such a list."""
        while self.begun and (page := self._next(self._boundary)) is not None:
            yield Page(page, self.taken, self._head)
            self.taken += len(_ITEMS(page))

    def rest(self) -> BinaryIO:
        """Return what is left, as a list that begins as this one did."""
        return rejoined(self._start + self._held, self._file)

    def _next(self, boundary: bytes) -> bytes | None:
        """Take one page; None where no more can be taken."""
        ended = False
        while (cut := self._held.rfind(boundary)) < 0 or (len(self._held) < PAGE_BYTES and not ended):
            chunk = b"" if len(self._held) > self._limits.string_bytes else self._file.read(PAGE_BYTES)
            ended = not chunk
            self._held += chunk
            if ended and self._held.rfind(boundary) < 0:
                return None
        for _ in range(_GUESSES):
            page = _compact(self._held[: cut + 1])
            if page is not None and len(page) <= self._limits.string_bytes:
                self.lines += self._held.count(b"\n", 0, cut + 2)
                self._held = self._held[cut + 2 :]
                return page
            if (cut := self._held.rfind(boundary, 0, cut)) < 0:
                break
        return None


def _compact(items: bytes) -> bytes | None:
    """Return items as one JSON array without white space; None where they are not whole values in UTF-8."""
    try:
        if not items.isascii():
            items.decode()
        return msgspec.json.format(b"[" + items + b"]", indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _said_before(head: bytes) -> dict[str, Any] | None:
    """Return what a list says of itself before its items; None where it says something twice."""
    repeated: list[Any] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(found)
        repeated.extend(found if len(content) != len(found) else ())
        return content

    content: dict[str, Any] = json.loads(head, object_pairs_hook=pairs)
    del content["items"]
    return None if repeated else content


_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
