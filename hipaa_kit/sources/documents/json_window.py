"""The part of a JSON text that is looked at: it moves on value by value, and past what cannot be read.

The decoder of the standard library reads one value at a time. Where a value is no JSON, nested too deeply or too
large, its end is found by brackets and quotes alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.documents.fitness import UnfitError, finite, refuse_unfit, whole, without_halves
from hipaa_kit.sources.documents.texts import Text
from hipaa_kit.sources.limits import Limits

CHUNK: Final = 2**20
_BLANK: Final = re.compile("[ \t\r\n\ufeff]*")
_NEAR_END: Final = 32
_LOG_START: Final = re.compile(r"==== START logs for container (?P<of>[^\n]{0,2000}?) ====\r?\n")
_LONGEST_LOG_START: Final = 4096
_NEW_DOCUMENT: Final = re.compile(r"\n(?=[{\[]|---|==== START logs for container )")
_BRACKET: Final = re.compile(r'[\[\]{}"]|\n(?=[{\[]|---)')
_IN_STRING: Final = re.compile(r'"|\\.?|\n(?=[{\[]|---)', re.DOTALL)
_AFTER_SCALAR: Final = re.compile(r"[,\]}\n]")


class BrokenError(Exception):
    """Something that cannot be read; where it ends is not known."""


class MalformedError(BrokenError):
    """It is no JSON, and may be YAML."""


class PassedOverError(Exception):
    """A value that cannot be read, or must not be; what comes after it can."""


class Window:
    """The part of a text that is looked at."""

    def __init__(self, text: Text, limits: Limits, line: int = 1) -> None:
        self.source, self.limits = text, limits
        self.text, self.at, self.ended = "", 0, False
        self.line, self.counted = line, 0
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
        BrokenError
            Another one stands there.
        """
        if self.next() != char:
            raise MalformedError(f"not JSON: {char!r} is missing")
        self.at += 1

    def key(self) -> str:
        """Consume and return the key of a member.

        Raises
        ------
        BrokenError
            It is no text, or beyond a limit.
        """
        if self.next() != '"':
            raise MalformedError("not JSON: a key is no text")
        try:
            return str(self.value()[0])
        except PassedOverError as error:
            raise BrokenError(str(error)) from None

    def value(self) -> tuple[Any, int]:
        """Consume one value; return it and how long it is as text.

        Raises
        ------
        PassedOverError
            It is beyond a limit.
        BrokenError
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
                    raise MalformedError(f"not JSON: {error.msg}") from None
                continue
            # A number at the end of what is held may go on.
            if end == len(self.text) and not self.ended and self.more():
                continue
            text, self.at = self.text[self.at : end], end
            if len(text) > self.limits.object_bytes:
                raise PassedOverError(self.too_large)
            try:
                refuse_unfit(content, text, self.limits)
            except UnfitError as error:
                raise PassedOverError(str(error)) from None
            content, mended = without_halves(content, text)
            self.mended |= mended
            return content, len(text)

    @property
    def too_large(self) -> str:
        """What is told of a value that is too large."""
        return f"is larger than {self.limits.object_bytes} characters"

    def passed_over(self, words: str) -> PassedOverError:
        """Go past the value that starts here, without reading it; return the error that tells of it.

        Raises
        ------
        BrokenError
            It has no end.
        """
        if not self._past():
            raise BrokenError(words)
        return PassedOverError(words)

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
                raise BrokenError("a container's log has no first line")
        self.at = start.end()
        mark = f"==== END logs for container {start['of']} ===="
        while (found := self.text.find(mark, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(mark))
            if not self.more():
                raise BrokenError("a container's log has no end")
        self.at = found + len(mark)

    def lines(self) -> Iterator[str]:
        """Consume and yield what is left, in pieces of any length."""
        yield self.text[self.at :]
        self.at = len(self.text)
        while self.more():
            yield self.text[self.at :]
            self.at = len(self.text)
