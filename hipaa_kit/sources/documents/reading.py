"""The documents of a file, whatever it is written in."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

from hipaa_kit.sources.documents.json_documents import NotJsonError, json_documents, no_cyclic_collection
from hipaa_kit.sources.documents.json_window import CHUNK
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
    # An archive that is packed as a whole is unpacked again from its beginning for every step back.
    begun = Pages(open_file(), limits)
    pages = begun if by_page and begun.begun else None
    opened = [] if pages else [Text(begun.rest())]

    def open_text() -> Text:
        return opened.pop() if opened else Text(open_file())

    if not pages and not _begins_like_json(opened[0]):
        yield from _yaml(open_text(), limits)
        return
    try:
        with no_cyclic_collection():
            yield from json_documents(open_text, limits, pages)
        return
    except NotJsonError:
        pieces = _yaml(open_text(), limits)
        first = next(pieces, None)
    if isinstance(first, Unreadable):
        pieces.close()
        yield from json_documents(open_text, limits, certain=True)
    else:
        yield from chain([first] if first else (), pieces)


def _begins_like_json(text: Text) -> bool:
    start = text.peek(2**15).lstrip("\ufeff \t\r\n")
    return (start[:1] in ("{", "[") and not start.startswith("{{")) or start.startswith("==== START logs")


def read_documents(text: str) -> Iterator[Piece]:
    """Yield the documents of a text that is held already, whatever its size; see `read_pieces`."""
    raw = text.encode("utf-8", "surrogatepass")
    limits = replace(DEFAULT_LIMITS, document_bytes=len(raw) + 1, object_bytes=len(raw) + 1)
    yield from read_pieces(lambda: io.BytesIO(raw), limits)


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


def _yaml(source: Text, limits: Limits) -> Generator[Piece, None, None]:
    with closing(source):
        yield from yaml_documents(iter(lambda: source.read(CHUNK), ""), limits=limits)
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
