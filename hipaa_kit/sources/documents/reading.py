"""The documents of a file, whatever it is written in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from hipaa_kit.sources.documents.json_documents import NotJsonError, json_documents, no_cyclic_collection
from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Page, Piece, Unreadable
from hipaa_kit.sources.documents.pages import Pages
from hipaa_kit.sources.documents.texts import REPLACED, Text
from hipaa_kit.sources.documents.yaml_documents import yaml_documents
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits


def read_pieces(
    open_file: Callable[[], BinaryIO], limits: Limits = DEFAULT_LIMITS, *, by_page: bool = False
) -> Iterator[Piece]:
    """Yield the documents of a file, JSON or YAML, lists item by item.

    Parameters
    ----------
    open_file
        Opens the file at its beginning; JSON is read as a stream.
    limits
        What is too much.
    by_page
        Long JSON lists are given by the page, before what of them has to be read item by item.

    Yields
    ------
    Page, Document, ListEnd, Logs or Unreadable
        What cannot be read is yielded in its place; documents before it are kept, and those after
        it where the file shows where the next one starts.
    """

    def open_text() -> Text:
        return Text(open_file())

    text = open_text()
    start = text.read(2**16)
    text.close()
    stripped = start.lstrip("\ufeff \t\r\n")
    if (stripped[:1] in ("{", "[") and not stripped.startswith("{{")) or stripped.startswith("==== START logs"):
        try:
            with no_cyclic_collection():
                pages = Pages(open_file(), limits.document_bytes) if by_page else None
                yield from json_documents(open_text, limits.document_bytes, pages)
            return
        except NotJsonError:
            pass
    yield from _yaml(open_text(), limits)


def read_documents(text: str) -> Iterator[Piece]:
    """Yield the documents of a text; see `read_pieces`."""
    raw = text.encode("utf-8", "surrogatepass")
    yield from read_pieces(lambda: io.BytesIO(raw))


def whole_documents(text: str) -> Iterator[Document | Unreadable]:
    """Yield the documents of a text that is small enough to be held, lists as they were written."""
    items: list[Any] = []
    for piece in read_documents(text):
        if isinstance(piece, ListEnd):
            yield Document(items if piece.head is None else {**piece.head, "items": items}, piece.position)
            items = []
        elif isinstance(piece, Document) and piece.head is not None:
            items.append(piece.content)
        elif not isinstance(piece, Logs | Page):
            yield piece


def _yaml(source: Text, limits: Limits) -> Iterator[Piece]:
    text = source.read(limits.document_bytes + 1)
    source.close()
    if len(text) > limits.document_bytes:
        yield Unreadable(
            "", f"is larger than {limits.document_bytes} characters: raise it with --limit document_bytes="
        )
        return
    yield from yaml_documents(text)
    if source.replaced:
        yield Unreadable("", REPLACED)


def is_object(content: Any) -> bool:
    """Tell whether a document is a Kubernetes object or list: `apiVersion` and `kind` are texts."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get("kind"), str)
        and isinstance(content.get("apiVersion"), str)
        and bool(content["kind"])
    )
