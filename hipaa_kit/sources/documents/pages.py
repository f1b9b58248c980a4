"""Long JSON lists by the page: many items at once as bytes, so that nobody decodes what nobody reads.

Where a page ends is guessed by how items begin, and proved: what stands between the end of one item and the
guess is taken only if it is whole JSON values. Whatever is not so is left to the reader of single items, from
that place on.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec

from hipaa_kit.sources.documents.model import Page

PAGE_BYTES: Final = 2**21
LEAST_LIMIT: Final = 2**24
"""Limits below this are for the reader of single items, which counts every character."""

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
    limit
        Bytes that one value may have.

    Attributes
    ----------
    taken
        Items that the pages so far held.
    lines
        Line ends that were passed over with them.
    """

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.taken = self.lines = 0
        self._file, self._limit = file, limit
        self._held = file.read(_HEAD_BYTES)
        self._start = b""

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages."""
        found = _HEAD.match(self._held)
        item = _ITEM.match(self._held, found.end()) if found else None
        if found is None or item is None or self._limit < LEAST_LIMIT:
            return
        head = _said_before(found[0] + b"]}")
        if head is None or (item[1] == b"metadata" and not head.get("kind")):
            return
        self._start, self._held = found[0], self._held[found.end() :]
        boundary = b"}," + item[0]
        while (page := self._next(boundary)) is not None:
            yield Page(page, self.taken, head)
            self.taken += len(_ITEMS(page))

    def rest(self) -> BinaryIO:
        """Return what is left, as a list that begins as this one did."""
        return io.BufferedReader(_Rest(self._start + self._held, self._file))

    def _next(self, boundary: bytes) -> bytes | None:
        """Take one page; None where no more can be taken."""
        ended = False
        while (cut := self._held.rfind(boundary)) < 0 or (len(self._held) < PAGE_BYTES and not ended):
            chunk = b"" if len(self._held) > self._limit else self._file.read(PAGE_BYTES)
            ended = not chunk
            self._held += chunk
            if ended and self._held.rfind(boundary) < 0:
                return None
        for _ in range(_GUESSES):
            page = _compact(self._held[: cut + 1])
            if page is not None:
                self.lines += self._held.count(b"\n", 0, cut + 2)
                self._held = self._held[cut + 2 :]
                return page
            if (cut := self._held.rfind(boundary, 0, cut)) < 0:
                break
        return None


class _Rest(io.RawIOBase):
    """Bytes that are held, and then those of a file."""

    def __init__(self, held: bytes, file: BinaryIO) -> None:
        self._held, self._file = memoryview(held), file

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        chunk = self._held[: len(buffer)] or self._file.read(len(buffer))
        self._held = self._held[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


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
