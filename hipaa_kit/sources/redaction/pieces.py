"""Parts of objects that many share, and how one is read exactly."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

import msgspec

from hipaa_kit.sources.documents.fitness import finite, is_shallow, whole, without_halves

_DEEPEST: Final = 50
_READ: Final = json.JSONDecoder(parse_float=finite, parse_int=whole, parse_constant=str).decode
_ENCODE: Final = msgspec.json.Encoder().encode


class Piece:
    """What is left of bytes that many pods share, and what is known of the rest.

    `kept` is canonical bytes, or a shape with the fields that a pod shares; `same` says that it is all there was.
    """

    __slots__ = ("counts", "facts", "kept", "same", "uses")

    def __init__(self, kept: Any, known: dict[str, Any], counts: Counter[str], *, same: bool = False) -> None:
        self.kept, self.facts, self.counts, self.same, self.uses = kept, known, counts, same, 0


class NotUnderstoodError(Exception):
    """Something in an object is not as its shape says."""


def load_piece(raw: bytes) -> Any:
    """Return what JSON says, where no key stands in it twice and nothing in it is odd or nested too deeply.

    What is written again exactly as it was read has nothing of the kind.
    """
    if raw.count(b"{") + raw.count(b"[") <= _DEEPEST:
        content = _READ(raw.decode())
        try:
            if _ENCODE(content) == raw:
                return content
        except UnicodeEncodeError:
            pass  # half of a character
    return _load_oddly(raw)


def _load_oddly(raw: bytes) -> Any:
    text = raw.decode()
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_float=finite, parse_int=whole, parse_constant=str)
    except RecursionError:
        raise NotUnderstoodError from None
    if not is_shallow(content, _DEEPEST) or without_halves(content, text)[1]:
        raise NotUnderstoodError
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise NotUnderstoodError
    return content
