"""JSON of any size, item by item: what was read of a list is given away before the rest is read.

A window moves over the text, and the decoder of the standard library reads one value in it at a time.
`kubectl` and `jq` write the keys of a list in order of the alphabet, so that `items` comes before `kind`:
where items do not say what they are, the head of their list is read first, in a pass of its own.
"""

from __future__ import annotations

import gc
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Piece, Unreadable
from hipaa_kit.sources.documents.pages import Pages
from hipaa_kit.sources.documents.texts import REPLACED, Text

CHUNK: Final = 2**20
KEYED: Final = 1000
"""Members of a map after which it is taken for objects by name, and no longer held as a whole."""

_BLANK: Final = re.compile("[ \t\r\n\ufeff]*")
_NEAR_END: Final = 32
_LOG_START: Final = re.compile(r"==== START logs for container (?P<of>[^\n]*?) ====\r?\n")


class NotJsonError(Exception):
    """The text begins like JSON and is not: it may be YAML."""


class _BrokenError(Exception):
    """A value that cannot be read; what comes after it cannot be found."""


@contextmanager
def no_cyclic_collection() -> Iterator[None]:
    """Pause the cyclic garbage collector: decoding makes many containers and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def json_documents(open_text: Callable[[], Text], limit: int, pages: Pages | None = None) -> Iterator[Piece]:
    """Yield what stands in a JSON text: documents, the items of lists one by one, and the ends of lists.

    Parameters
    ----------
    open_text
        Opens the text at its beginning.
    limit
        Characters that one value may have.
    pages
        The same file, where a list may be given by the page.

    Yields
    ------
    Page, Document, ListEnd, Logs or Unreadable
        One document, several after one another, or one per line. What cannot be read is yielded in its
        place, and everything before it is kept.

    Raises
    ------
    NotJsonError
        Before anything was yielded: the first value is not JSON.
    """
    first, line, text = 0, 1, None
    if pages is not None:
        yield from pages
        first, line, text = pages.taken, 1 + pages.lines, Text.of_utf8(pages.rest())
    window = _Window(text or open_text(), limit, line)
    reader = _Reader(window, lambda: _Window(open_text(), limit), first)
    try:
        yield from reader.documents()
    finally:
        window.close()


def json_item(raw: bytes, position: str, head: Mapping[str, Any]) -> Iterator[Document | Unreadable]:
    """Yield one item of a page, read like the item of any list."""
    reader = _Reader(_Window(Text.of_utf8(io.BytesIO(raw)), len(raw)), None)
    try:
        yield Document(reader.window.value(), position, head=head)
        yield from reader.repeated(position)
    except _BrokenError as error:
        yield Unreadable(position, str(error))


class _Window:
    """The part of a text that is looked at."""

    def __init__(self, text: Text, limit: int, line: int = 1) -> None:
        self.source, self.limit = text, limit
        self.text, self.at, self.line, self.ended = "", 0, line, False
        self.repeated = ""
        self._decoder = json.JSONDecoder(object_pairs_hook=self._pairs)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            seen: set[str] = set()
            self.repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return content

    def close(self) -> None:
        """Close the text."""
        self.source.close()

    def more(self) -> bool:
        """Read on; tell whether there was more.

        Raises
        ------
        _BrokenError
            What is held is larger than the limit.
        """
        self.line += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :], 0
        chunk = self.source.read(max(CHUNK, len(self.text)))
        self.ended = not chunk
        self.text += chunk
        if len(self.text) > self.limit:
            raise _BrokenError(f"is larger than {self.limit} characters")
        return not self.ended

    def next(self) -> str:
        """Return the next character that is not blank, `""` at the end; it is not consumed."""
        while True:
            self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def expect(self, char: str) -> None:
        """Consume one character.

        Raises
        ------
        _BrokenError
            Another one stands there.
        """
        if self.next() != char:
            raise _BrokenError(f"not JSON: {char!r} is missing")
        self.at += 1

    def value(self) -> Any:
        """Consume and return one value.

        Raises
        ------
        _BrokenError
            It is not JSON, or nested too deeply.
        """
        self.next()
        while True:
            try:
                content, end = self._decoder.raw_decode(self.text, self.at)
            except RecursionError:
                raise _BrokenError("nested too deeply") from None
            except json.JSONDecodeError as error:
                cut = error.pos > len(self.text) - _NEAR_END or error.msg.startswith("Unterminated string")
                if not cut or not self.more():
                    raise _BrokenError(f"not JSON: {error.msg}") from None
                continue
            # A number at the end of what is held may go on.
            if end == len(self.text) and not self.ended and self.more():
                continue
            self.at = end
            return content

    def startswith(self, mark: str) -> bool:
        """Tell whether the text goes on with some words."""
        while len(self.text) - self.at < len(mark) and self.more():
            pass
        return self.text.startswith(mark, self.at)

    def place(self) -> str:
        """Return the line of the current place."""
        return f":{self.line + self.text.count(chr(10), 0, self.at)}"

    def skip_logs(self) -> None:
        """Go past a container's log, whatever stands in it: its lines may look like objects."""
        while (start := _LOG_START.match(self.text, self.at)) is None:
            if "\n" in self.text[self.at :] or not self.more():
                raise _BrokenError("a container's log has no first line")
        self.at = start.end()
        mark = f"==== END logs for container {start['of']} ===="
        while (found := self.text.find(mark, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(mark))
            if not self.more():
                raise _BrokenError("a container's log has no end")
        self.at = found + len(mark)

    def rest(self) -> str:
        """Consume and return everything that is left."""
        while self.more():
            pass
        rest, self.at = self.text[self.at :], len(self.text)
        return rest


class _Reader:
    """Reads the documents in a window; `taken` items of the list that it begins with were given before."""

    def __init__(self, window: _Window, again: Callable[[], _Window] | None, taken: int = 0) -> None:
        self.window, self.again, self.taken, self.resumed = window, again, taken, taken > 0

    def documents(self) -> Iterator[Piece]:
        from hipaa_kit.sources.documents.yaml_documents import yaml_documents

        window, begun = self.window, False
        while char := window.next():
            place = window.place() if begun else ""
            try:
                if window.startswith("==== START logs for container "):
                    window.skip_logs()
                    yield Logs(place)
                elif begun and window.startswith("---"):
                    line = int(window.place()[1:])
                    yield from yaml_documents(window.rest(), line)
                elif char == "{":
                    for piece in self.object(place):
                        begun = True
                        yield piece
                elif char == "[":
                    for piece in self.array(place):
                        begun = True
                        yield piece
                else:
                    raise _BrokenError("not JSON: Expecting value")
            except _BrokenError as error:
                if not begun and not self.resumed:
                    raise NotJsonError(str(error)) from None
                yield Unreadable(window.place(), str(error))
                return
            begun = True
        if window.source.replaced:
            yield Unreadable("", REPLACED)

    def object(self, place: str) -> Iterator[Piece]:
        """Yield the object that starts here: as a document, or as the items and the end of a list."""
        window = self.window
        head: dict[str, Any] = {}
        items: int | None = None
        keyed = False
        window.expect("{")
        while window.next() != "}":
            key = window.value()
            if not isinstance(key, str):
                raise _BrokenError("not JSON: a key is no text")
            window.expect(":")
            if key in head:
                yield self.twice(place, key)
            if key == "items" and window.next() == "[":
                count = 0
                for piece in self.items(place, head):
                    count += isinstance(piece, Document)
                    yield piece
                items = (items or 0) + count + self.taken
                self.taken = 0
            else:
                head[key] = window.value()
                yield from self.repeated(f"{place}/{key}")
            if len(head) > KEYED and not keyed:
                keyed = "kind" not in head and "apiVersion" not in head
            if keyed:
                yield from (Document(content, f"{place}/{name}") for name, content in head.items())
                head.clear()
            if window.next() != ",":
                break
            window.at += 1
        window.expect("}")
        if items is not None:
            yield ListEnd(head, items, place)
        elif not keyed:
            yield Document(head, place)

    def items(self, place: str, head: dict[str, Any]) -> Iterator[Piece]:
        """Yield the items of a list."""
        known = head
        for number, piece in enumerate(self.values(f"{place}/items"), self.taken):
            if isinstance(piece, Document):
                if number == 0 and not place and "kind" not in head and not _says_its_kind(piece.content):
                    known = self.head_of_all()
                piece = piece._replace(head=known)
            yield piece

    def array(self, place: str) -> Iterator[Piece]:
        """Yield the values of an array that stands alone, as the items of a list that says nothing of itself."""
        count = 0
        for piece in self.values(place):
            if isinstance(piece, Document):
                count += 1
                piece = piece._replace(head={})
            yield piece
        yield ListEnd(None, count, place)

    def values(self, place: str) -> Iterator[Document | Unreadable]:
        window, number = self.window, self.taken
        window.expect("[")
        while window.next() != "]":
            at = f"{place}/{number}"
            content = window.value()
            yield Document(content, at)
            yield from self.repeated(at)
            number += 1
            if window.next() != ",":
                break
            window.at += 1
        window.expect("]")

    def repeated(self, place: str) -> Iterator[Unreadable]:
        """Tell of a key that stood twice in the value just read."""
        key, self.window.repeated = self.window.repeated, ""
        if key:
            yield self.twice(place, key)

    def twice(self, place: str, key: str) -> Unreadable:
        """Return what is told of a key that stands twice in one map."""
        return Unreadable(place, f"key {key[:80]!r} stands there twice: the last one counts")

    def head_of_all(self) -> dict[str, Any]:
        """Return what the first list of the file says of itself, read in a pass of its own."""
        if self.again is None:
            return {}
        window = self.again()
        try:
            for piece in _Reader(window, self.again).object("/"):
                if isinstance(piece, ListEnd) and piece.head is not None:
                    return dict(piece.head)
        except _BrokenError:
            pass
        finally:
            window.close()
        return {}


def _says_its_kind(content: Any) -> bool:
    return not isinstance(content, dict) or bool(content.get("kind"))
