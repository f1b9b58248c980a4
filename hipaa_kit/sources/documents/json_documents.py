"""JSON of any size, item by item: what was read of a list is given away before the rest is read.

A window moves over the text and gives one value after another. `kubectl` and `jq` write the keys of a list in order
of the alphabet, so that `items` comes before `kind`: where items do not say what they are, the head of their list is
read first, in a pass of its own.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from hipaa_kit.sources.documents.fitness import HALF_TOLD
from hipaa_kit.sources.documents.json_window import BrokenError, MalformedError, PassedOverError, Window
from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Piece, Unreadable, step
from hipaa_kit.sources.documents.pages import Pages
from hipaa_kit.sources.documents.texts import REPLACED, Text
from hipaa_kit.sources.limits import Limits

KEYED: Final = 1000
"""Members of a map after which it is taken for objects by name, and no longer held as a whole."""


class NotJsonError(Exception):
    """The text begins like JSON and is not: it may be YAML."""


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


def json_documents(
    open_text: Callable[[], Text], limits: Limits, pages: Pages | None = None, *, certain: bool = False
) -> Iterator[Piece]:
    """Yield what stands in a JSON text: documents, the items of lists one by one, and the ends of lists.

    Parameters
    ----------
    open_text
        Opens the text at its beginning.
    limits
        What is too much.
    pages
        The same file, where a list may be given by the page.
    certain
        It is known not to be YAML.

    Yields
    ------
    Page, Document, ListEnd, Logs or Unreadable
        One document, several after one another, or one per line. What cannot be read is yielded in its
        place; everything before it is kept, and what comes after it where it shows where that starts.

    Raises
    ------
    NotJsonError
        Before anything was yielded: the first value is not JSON. Not where it is certain.
    """
    taken, line, text = 0, 1, None
    if pages is not None:
        yield from pages
        taken, line, text = pages.taken, 1 + pages.lines, Text(pages.rest(), "utf-8")
    window = Window(text or open_text(), limits, line)
    reader = _Reader(window, lambda: Window(open_text(), limits), certain or taken > 0, taken)
    try:
        yield from reader.documents()
    finally:
        window.close()


def json_item(raw: bytes, position: str, head: Mapping[str, Any], limits: Limits) -> Iterator[Document | Unreadable]:
    """Yield one item of a page, read like the item of any list."""
    window = Window(Text(io.BytesIO(raw), "utf-8"), limits)
    try:
        content, _ = window.value()
        yield Document(content, position, head=head)
        yield from _Reader(window, None).told(position)
    except (BrokenError, PassedOverError) as error:
        yield Unreadable(position, str(error))


class _Reader:
    """Reads the documents in a window; `taken` items of the list that it begins with were given before."""

    def __init__(
        self, window: Window, again: Callable[[], Window] | None, certain: bool = True, taken: int = 0
    ) -> None:
        self.window, self.again, self.certain, self.taken = window, again, certain, taken

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
                    raise MalformedError("not JSON: Expecting value")
            except BrokenError as error:
                if not begun and isinstance(error, MalformedError):
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
                items = (items or 0) + count + self.taken
                self.taken = 0
            else:
                try:
                    head[key], size = window.value()
                    held += size
                except PassedOverError as error:
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
        """Yield the values of an array; one that cannot be read is told, and the next one is read."""
        window, number, begun = self.window, self.taken, self.certain
        window.expect("[")
        while (char := window.next()) != "]":
            at = f"{place}/{number}"
            passed = False
            try:
                content, _ = window.value()
                yield Document(content, at)
                yield from self.told(at)
            except PassedOverError as error:
                passed = True
                yield Unreadable(at, str(error))
            except MalformedError as error:
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

    def passed(self, at: str, error: MalformedError) -> Unreadable:
        """Go past an item that is no JSON; return what is told of it."""
        try:
            return Unreadable(at, str(self.window.passed_over(str(error))))
        except MalformedError:
            raise
        except BrokenError:
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
        if self.again is None:
            return {}
        window = self.again()
        try:
            for piece in _Reader(window, self.again).object("/"):
                if isinstance(piece, ListEnd) and piece.head is not None:
                    return dict(piece.head)
        except BrokenError:
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
