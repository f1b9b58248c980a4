"""JSON of any size, item by item: what was read of a list is given away before the rest is read.

A window moves over the text, and the decoder of the standard library reads one value in it at a time.
`kubectl` and `jq` write the keys of a list in order of the alphabet, so that `items` comes before `kind`:
where items do not say what they are, the head of their list is read first, in a pass of its own.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from hipaa_kit.sources.documents.fitness import HALF_TOLD, UnfitError, finite, refuse_unfit, whole, without_halves
from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Piece, Unreadable, step
from hipaa_kit.sources.documents.texts import REPLACED, Text
from hipaa_kit.sources.limits import Limits

CHUNK: Final = 2**20
KEYED: Final = 1000
"""Members of a map after which it is taken for objects by name, and no longer held as a whole."""

_BLANK: Final = re.compile("[ \t\r\n\ufeff]*")
_NEAR_END: Final = 32
_LOG_START: Final = re.compile(r"==== START logs for container (?P<of>[^\n]{0,2000}?) ====\r?\n")
_LONGEST_LOG_START: Final = 4096
_NEW_DOCUMENT: Final = re.compile(r"\n(?=[{\[]|---|==== START logs for container )")
_BRACKET: Final = re.compile(r'[\[\]{}"]|\n(?=[{\[]|---)')
_IN_STRING: Final = re.compile(r'"|\\.?|\n(?=[{\[]|---)', re.DOTALL)
_AFTER_SCALAR: Final = re.compile(r"[,\]}\n]")


class NotJsonError(Exception):
    """The text begins like JSON and is not: it may be YAML."""


class _BrokenError(Exception):
    """Something that cannot be read; where it ends is not known."""


class _MalformedError(_BrokenError):
    """It is no JSON, and may be YAML."""


class _PassedOverError(Exception):
    """A value that cannot be read, or must not be; what comes after it can."""


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


def json_documents(open_text: Callable[[], Text], limits: Limits, *, certain: bool = False) -> Iterator[Piece]:
    """Yield what stands in a JSON text: documents, the items of lists one by one, and the ends of lists.

    Parameters
    ----------
    open_text
        Opens the text at its beginning.
    limits
        What is too much.
    certain
        It is known not to be YAML.

    Yields
    ------
    Document, ListEnd, Logs or Unreadable
        One document, several after one another, or one per line. What cannot be read is yielded in its
        place; everything before it is kept, and what comes after it where it shows where that starts.

    Raises
    ------
    NotJsonError
        Before anything was yielded: the first value is not JSON. Not where it is certain.
    """
    window = _Window(open_text(), limits)
    reader = _Reader(window, lambda: _Window(open_text(), limits), certain)
    try:
        yield from reader.documents()
    finally:
        window.close()


class _Window:
    """The part of a text that is looked at."""

    def __init__(self, text: Text, limits: Limits) -> None:
        self.source, self.limits = text, limits
        self.text, self.at, self.ended = "", 0, False
        self.line, self.counted = 1, 0
        self.repeated, self.mended = "", False
        numbers: dict[str, Any] = {"parse_float": finite, "parse_int": whole, "parse_constant": str}
        self._decoder = json.JSONDecoder(object_pairs_hook=self._pairs, **numbers)
        self._lenient = json.JSONDecoder(object_pairs_hook=self._pairs, strict=False, **numbers)

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
        """Read on; tell whether there was more. What was consumed is let go, but for its last character."""
        self.place()
        kept = min(self.at, 1)
        gone = self.at - kept
        self.text, self.at, self.counted = self.text[gone:], kept, self.counted - gone
        chunk = self.source.read(max(CHUNK, len(self.text)))
        self.ended = not chunk
        self.text += chunk
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
            raise _MalformedError(f"not JSON: {char!r} is missing")
        self.at += 1

    def key(self) -> str:
        """Consume and return the key of a member.

        Raises
        ------
        _BrokenError
            It is no text, or beyond a limit.
        """
        if self.next() != '"':
            raise _MalformedError("not JSON: a key is no text")
        try:
            return str(self.value()[0])
        except _PassedOverError as error:
            raise _BrokenError(str(error)) from None

    def value(self) -> tuple[Any, int]:
        """Consume one value; return it and how long it is as text.

        Raises
        ------
        _PassedOverError
            It is beyond a limit.
        _BrokenError
            It is not JSON.
        """
        self.next()
        decoder = self._decoder
        while True:
            try:
                content, end = decoder.raw_decode(self.text, self.at)
            except RecursionError:
                raise self.passed_over(f"nested more than {self.limits.depth} levels deep") from None
            except json.JSONDecodeError as error:
                control = error.msg.startswith("Invalid control character") and self.text[error.pos] not in "\r\n"
                if control and decoder is self._decoder:
                    decoder = self._lenient
                    continue
                cut = error.pos > len(self.text) - _NEAR_END or error.msg.startswith("Unterminated string")
                if cut and len(self.text) - self.at > self.limits.object_bytes:
                    raise self.passed_over(self.too_large) from None
                if not cut or not self.more():
                    raise _MalformedError(f"not JSON: {error.msg}") from None
                continue
            # A number at the end of what is held may go on.
            if end == len(self.text) and not self.ended and self.more():
                continue
            text, self.at = self.text[self.at : end], end
            if len(text) > self.limits.object_bytes:
                raise _PassedOverError(self.too_large)
            try:
                refuse_unfit(content, text, self.limits)
            except UnfitError as error:
                raise _PassedOverError(str(error)) from None
            content, mended = without_halves(content, text)
            self.mended |= mended
            return content, len(text)

    @property
    def too_large(self) -> str:
        """What is told of a value that is too large."""
        return f"is larger than {self.limits.object_bytes} characters"

    def passed_over(self, words: str) -> _PassedOverError:
        """Go past the value that starts here, without reading it; return the error that tells of it.

        Raises
        ------
        _BrokenError
            It has no end.
        """
        if not self._past():
            raise _BrokenError(words)
        return _PassedOverError(words)

    def _past(self) -> bool:
        """Go past a value by its brackets and quotes alone; tell whether it has an end.

        A bracket at the margin starts the next document, or the next item of a list with one a line.
        """
        first = self.next()
        if first not in tuple('[{"'):
            return first not in ("]", "}") and self._to(_AFTER_SCALAR) is not None
        depth, quoted = 0, False
        while (found := self._to(_IN_STRING if quoted else _BRACKET)) is not None:
            if found[0] == "\n":
                return True
            self.at = found.end()
            if found[0] == "\\":  # the end of what is held parts an escape
                self.at -= 1
                if not self.more():
                    return False
            elif quoted or found[0] == '"':
                quoted = not quoted if found[0] == '"' else quoted
            else:
                depth += 1 if found[0] in "[{" else -1
            if depth <= 0 and not quoted:
                return True
        return False

    def _to(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go to the next place where a pattern matches, letting go what lies before it."""
        while (found := pattern.search(self.text, self.at)) is None:
            # What makes a newline near the end of what is held a match may come yet.
            self.at = max(self.at, len(self.text) - _NEAR_END)
            if not self.more():
                return None
        self.at = found.start()
        return found

    def to_next_document(self) -> bool:
        """Go to the next line that begins like a document; tell whether there is one."""
        if self.at and self.text[self.at - 1] == "\n":
            self.at -= 1
        if self._to(_NEW_DOCUMENT) is None:
            return False
        self.at += 1
        return True

    def startswith(self, mark: str) -> bool:
        """Tell whether the text goes on with some words."""
        while len(self.text) - self.at < len(mark) and self.more():
            pass
        return self.text.startswith(mark, self.at)

    def place(self) -> str:
        """Return the line of the current place."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = max(self.at, self.counted)
        return f":{self.line}"

    def skip_logs(self) -> None:
        """Go past a container's log, whatever stands in it: its lines may look like objects."""
        while (start := _LOG_START.match(self.text, self.at)) is None:
            held = len(self.text) - self.at
            if held > _LONGEST_LOG_START or "\n" in self.text[self.at :] or not self.more():
                self.at += 1
                raise _BrokenError("a container's log has no first line")
        self.at = start.end()
        mark = f"==== END logs for container {start['of']} ===="
        while (found := self.text.find(mark, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(mark))
            if not self.more():
                raise _BrokenError("a container's log has no end")
        self.at = found + len(mark)

    def lines(self) -> Iterator[str]:
        """Consume and yield what is left, in pieces of any length."""
        yield self.text[self.at :]
        self.at = len(self.text)
        while self.more():
            yield self.text[self.at :]
            self.at = len(self.text)


class _Reader:
    """Reads the documents in a window."""

    def __init__(self, window: _Window, again: Callable[[], _Window], certain: bool = True) -> None:
        self.window, self.again, self.certain = window, again, certain

    def documents(self) -> Iterator[Piece]:
        from hipaa_kit.sources.documents.yaml_documents import yaml_documents

        window, first, begun = self.window, True, self.certain
        while char := window.next():
            place = "" if first else window.place()
            try:
                if window.startswith("==== START logs for container "):
                    window.skip_logs()
                    yield Logs(place)
                elif not first and window.startswith("---"):
                    line = int(window.place()[1:])
                    yield from yaml_documents(window.lines(), line, window.limits)
                elif char in "{[":
                    for piece in self.object(place) if char == "{" else self.array(place):
                        begun = True
                        yield piece
                else:
                    raise _MalformedError("not JSON: Expecting value")
            except _BrokenError as error:
                if not begun and isinstance(error, _MalformedError):
                    raise NotJsonError(str(error)) from None
                yield Unreadable(window.place(), str(error))
                if not window.to_next_document():
                    break
            first, begun = False, True
        if window.source.replaced:
            yield Unreadable("", REPLACED)

    def object(self, place: str) -> Iterator[Piece]:
        """Yield the object that starts here: as a document, or as the items and the end of a list."""
        window = self.window
        head: dict[str, Any] = {}
        items: int | None = None
        members, held, keyed, problem = 0, 0, False, ""
        window.expect("{")
        while window.next() != "}":
            key = window.key()
            at = f"{place}/{step(key, members)}"
            members += 1
            window.expect(":")
            if key in head:
                yield self.twice(place, key)
            if key == "items" and window.next() == "[":
                count = 0
                for piece in self.items(place, head):
                    count += isinstance(piece, Document)
                    yield piece
                items = (items or 0) + count
            else:
                try:
                    head[key], size = window.value()
                    held += size
                except _PassedOverError as error:
                    problem = str(error)
                yield from self.told(at)
            too_large = held > window.limits.object_bytes
            keyed = keyed or _holds_objects(head, too_large)
            if keyed:
                named = enumerate(head.items(), members - len(head))
                yield from (Document(content, f"{place}/{step(name, number)}") for number, (name, content) in named)
                if problem:
                    yield Unreadable(at, problem)
                held, problem = 0, ""
                head.clear()
            elif too_large:
                held, problem = 0, window.too_large
                head.clear()
            if window.next() != ",":
                break
            window.at += 1
        window.expect("}")
        if problem:
            yield Unreadable(place or ":1", problem)
        if items is not None:
            yield ListEnd(head, items, place)
        elif not keyed and not problem:
            yield Document(head, place)

    def items(self, place: str, head: dict[str, Any]) -> Iterator[Piece]:
        """Yield the items of a list."""
        known = head
        for number, piece in enumerate(self.values(f"{place}/items")):
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
        """Yield the values of an array; one that cannot be read is told, and the next one is read."""
        window, number, begun = self.window, 0, self.certain
        window.expect("[")
        while (char := window.next()) != "]":
            at = f"{place}/{number}"
            passed = False
            try:
                content, _ = window.value()
                yield Document(content, at)
                yield from self.told(at)
            except _PassedOverError as error:
                passed = True
                yield Unreadable(at, str(error))
            except _MalformedError as error:
                if not char or not (begun or number):
                    raise
                passed = True
                yield self.passed(at, error)
            number += 1
            if window.next() == ",":
                window.at += 1
            elif not passed:
                break
        window.expect("]")

    def passed(self, at: str, error: _MalformedError) -> Unreadable:
        """Go past an item that is no JSON; return what is told of it."""
        try:
            return Unreadable(at, str(self.window.passed_over(str(error))))
        except _MalformedError:
            raise
        except _BrokenError:
            raise error from None

    def told(self, place: str) -> Iterator[Unreadable]:
        """Tell of a key that stood twice in the value just read, and of characters that were replaced."""
        key, self.window.repeated = self.window.repeated, ""
        if key:
            yield self.twice(place, key)
        if self.window.mended:
            self.window.mended = False
            yield Unreadable(place, HALF_TOLD)

    def twice(self, place: str, key: str) -> Unreadable:
        """Return what is told of a key that stands twice in one map."""
        return Unreadable(place, f"key {key[:80]!r} stands there twice: the last one counts")

    def head_of_all(self) -> dict[str, Any]:
        """Return what the first list of the file says of itself, read in a pass of its own."""
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


def _holds_objects(head: dict[str, Any], too_large: bool) -> bool:
    """Tell whether a map is one of objects by name: it says nothing of itself, and is long or large."""
    if "kind" in head or "apiVersion" in head:
        return False
    return len(head) > KEYED or (too_large and all(isinstance(each, dict) and "kind" in each for each in head.values()))


def _says_its_kind(content: Any) -> bool:
    return not isinstance(content, dict) or bool(content.get("kind"))
