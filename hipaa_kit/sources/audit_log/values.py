"""The values of a document that is no list of lines, one by one and in bounded memory.

An array gives its elements, and so does the long list of an object that a service answers with; what is left of the
object is a value of its own, after them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from hipaa_kit.sources.audit_log.lines import BLOCK, LONGEST_LINE, blocks

LISTS: Final = frozenset({'"items"', '"events"', '"records"', '"value"'})
"""Fields whose elements are given one by one; those of `logEvents` need what stands beside them."""

_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)
_CLOSES: Final = {"}": "{", "]": "["}


class Value(NamedTuple):
    """A value as text; `unread` values could not be told from what stands around them, `cut` is the end of the file."""

    text: str = ""
    unread: int = 0
    cut: bool = False
    bytes: int = 0


def values(file: BinaryIO, block: int = BLOCK) -> Iterator[Value]:
    """Yield the values of a file of JSON, however it is laid out.

    Parameters
    ----------
    file
        At its beginning.
    block
        Bytes that are read at a time.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    split = _Splitter()
    for raw in blocks(file, block):
        yield Value(bytes=len(raw))
        yield from split.feed(decoder.decode(raw))
    yield from split.end()


class _Splitter:
    """Finds where values begin and end, by brackets alone."""

    def __init__(self) -> None:
        self.text = ""
        self.stack: list[str] = []
        self.at = 0
        self.begin = -1
        self.level = 0
        self.key = ""
        self.around: list[str] = []
        self.dropping = False

    def feed(self, more: str) -> Iterator[Value]:
        """Take more of the text, and yield the values that end in it."""
        self.text += more
        while found := _TOKEN.search(self.text, self.at):
            token = found[0]
            if token == '"':
                self.at = found.start()
                break
            self.at = found.end()
            if token in "{[":
                self._open(token, found.start())
            elif token in "}]":
                yield from self._close(token, found.end())
            elif len(self.stack) == 1 and self.stack[0] == "{":
                self.key = token
            elif self.begin < 0 and self.level and len(self.stack) == self.level and token[1:2] in "{[":
                yield Value(token)
        else:
            self.at = len(self.text)
        yield from self._forget()

    def _open(self, token: str, start: int) -> None:
        depth = len(self.stack)
        listed = depth == 1 and self.stack[0] == "{" and token == "[" and self.key in LISTS
        self.stack.append(token)
        if self.dropping:
            return
        if depth == 0 and token == "[":
            self.level = 1
        elif listed:
            self.around.append(self.text[self.begin : self.at])
            self.level, self.begin = 2, -1
        elif self.begin < 0 and depth == self.level:
            self.begin = start

    def _close(self, token: str, end: int) -> Iterator[Value]:
        if not self.stack or self.stack.pop() != _CLOSES[token]:
            yield Value(unread=1)
            self._reset()
            return
        depth = len(self.stack)
        if self.level == 2 and depth == 1 and token == "]":
            self.level, self.begin = 0, end - 1
        elif depth == self.level:
            if self.dropping:
                self.dropping = False
            elif self.begin >= 0:
                yield Value(
                    "".join(self.around) + self.text[self.begin : end] if depth == 0 else self.text[self.begin : end]
                )
            if depth == 0:
                self.around = []
            self.begin = -1
        elif depth == 0:
            self._reset()

    def _reset(self) -> None:
        self.stack, self.begin, self.level, self.key, self.around, self.dropping = [], -1, 0, "", [], False

    def _forget(self) -> Iterator[Value]:
        """Let go of what was given already; a value that is too long is told and left out."""
        keep = self.at if self.begin < 0 else self.begin
        self.text = self.text[keep:]
        self.at -= keep
        self.begin = -1 if self.begin < 0 else 0
        if len(self.text) > LONGEST_LINE and not self.dropping:
            yield Value(unread=1)
            self.dropping = bool(self.stack) and len(self.stack) > self.level
            self.text, self.begin = self.text[self.at :], -1
            self.at = 0
            if len(self.text) > LONGEST_LINE:
                self.text = ""

    def end(self) -> Iterator[Value]:
        """Yield what the end of the file cut, if anything."""
        if self.stack or self.text.strip():
            yield Value(unread=int(self.begin >= 0 or bool(self.text.strip())), cut=True)
