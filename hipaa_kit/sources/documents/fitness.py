"""Whether a value that was read can be walked through: not too deep, no text too long, no half characters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.limits import Limits

HALF_TOLD: Final = "holds halves of characters; they were replaced"

_HALF: Final = re.compile("[\ud800-\udfff]")
_HALF_ESCAPED: Final = re.compile(r"\\u[dD][89a-fA-F]")
_NO_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}"\\'))


class UnfitError(ValueError):
    """A value is beyond a limit."""


def finite(digits: str) -> float | str:
    """Return a number, or its text where it is none that an API server takes: `1e999`, `NaN`."""
    number = float(digits)
    return number if math.isfinite(number) else digits


def whole(digits: str) -> int | str:
    """Return a whole number, or its text where it does not fit into 64 bits, as all numbers of the API do."""
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else digits


def refuse_unfit(content: Any, text: str, limits: Limits) -> None:
    """Refuse a value that is nested too deeply or holds a text that is too long.

    Parameters
    ----------
    content, text
        The value, and the JSON it was read from.
    limits
        What is too much.

    Raises
    ------
    UnfitError
        Names the limit.
    """
    if _may_be_deep(text, limits.depth) and not is_shallow(content, limits.depth):
        raise UnfitError(f"nested more than {limits.depth} levels deep")
    refuse_long_texts(content, len(text), limits)


def refuse_long_texts(content: Any, size: int, limits: Limits) -> None:
    """Refuse a value with a text that is too long; what was read from less cannot hold one.

    Raises
    ------
    UnfitError
        Names the limit.
    """
    if size > limits.string_bytes and any(len(text) > limits.string_bytes for text in _texts(content)):
        raise UnfitError(f"holds a text of more than {limits.string_bytes} characters")


def is_shallow(content: Any, depth: int) -> bool:
    """Tell whether a value has at most so many levels."""
    layer = [content]
    for _ in range(depth):
        layer = [value for each in layer for value in _inside(each)]
        if not layer:
            return True
    return not any(isinstance(each, dict | list) for each in layer)


def without_halves(content: Any, text: str) -> tuple[Any, bool]:
    """Return a value with lone halves of surrogate pairs replaced, and whether there were any.

    No file, terminal or table can take them, and nothing that an API server answers has them.
    """
    if "\\u" not in text or _HALF_ESCAPED.search(text) is None:
        return content, False
    if not any(_HALF.search(each) for each in _texts(content)):
        return content, False
    return _mended(content), True


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(key): _mended(inner) for key, inner in value.items()}
    return [_mended(inner) for inner in value] if isinstance(value, list) else value


def _texts(content: Any) -> Iterator[str]:
    layer = [content]
    while layer:
        for each in layer:
            if isinstance(each, str):
                yield each
            elif isinstance(each, dict):
                yield from (key for key in each if isinstance(key, str))
        layer = [value for each in layer for value in _inside(each)]


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _may_be_deep(text: str, depth: int) -> bool:
    """Tell whether JSON may be deeper than so many levels; exact unless there are brackets or escapes in texts.

    Of the text only brackets and quotes are left, and empty pairs are taken out, one level a time: a small
    part of what walking through the value costs.
    """
    if text.count("[") + text.count("{") <= depth:
        return False
    skeleton = text.encode("utf-8", "surrogatepass").translate(None, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in skeleton or b"\\" in skeleton:
        return True
    for _ in range(depth):
        if not skeleton:
            return False
        skeleton = skeleton.replace(b"{}", b"").replace(b"[]", b"")
    return bool(skeleton)
