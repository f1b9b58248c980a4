"""Values of foreign documents as cells: what cannot be read is unknown, never a guess and never an error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

LONGEST: Final = 1000
"""Characters of a cell; names, keys and host names are shorter."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")
"""What of a second stands beyond its millionths."""
_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_EPOCH: Final = range(4_102_444_800)
"""Seconds from 1970 to 2100; larger numbers are milliseconds."""


def get(document: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and positions, None where there is nothing."""
    for step in path:
        if isinstance(step, str):
            document = document.get(step) if isinstance(document, Mapping) else None
        else:
            document = document[step] if isinstance(document, list) and len(document) > step else None
    return document


def text(document: Any, *path: str | int) -> str:
    """Return the text at a path as one line, "" where there is none."""
    value = get(document, *path)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return line(str(value))


def line(value: str) -> str:
    """Return a text as one line that any file can hold."""
    clean = value.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", clean).strip()[:LONGEST]


def texts(document: Any, *path: str | int) -> list[str]:
    """Return the texts of the list at a path."""
    value = get(document, *path)
    return [line(str(item)) for item in value if isinstance(item, str | int)] if isinstance(value, list) else []


def truth(document: Any, *path: str | int) -> bool | None:
    """Return the truth value at a path, None where there is none; some tools write it as text."""
    value = get(document, *path)
    if isinstance(value, str):
        word = {"true": True, "enabled": True, "on": True, "false": False, "disabled": False, "off": False}
        return word.get(value.lower())
    return value if isinstance(value, bool) else None


def whole(document: Any, *path: str | int) -> int | None:
    """Return the whole number at a path, None where there is none that a cell can hold."""
    value = get(document, *path)
    if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
        value = int(value) if len(value) < 20 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return value if fits else None


def number(value: Any) -> float | None:
    """Return a value as a number of twelve digits at most, None where it is none or not finite."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    # Twelve digits: what any text form of the number gives back exactly.
    return float(f"{found:.12g}") if math.isfinite(found) else None


def moment(value: Any) -> str:
    """Return a moment, RFC 3339 or seconds or milliseconds since 1970, as UTC; "" where it is none."""
    found = number(value)
    if found is not None:
        seconds = found if int(found) in _EPOCH else found / 1000
        if int(seconds) not in _EPOCH:
            return ""
        return _written(datetime.fromtimestamp(int(seconds), UTC))
    if not isinstance(value, str):
        return ""
    try:
        read = datetime.fromisoformat(to_millionths(value.strip()))
        return _written(read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC))
    except (ValueError, OverflowError):
        return ""


def to_millionths(text: str) -> str:
    """Return a moment's text without what is finer than a millionth of a second.

    What counts in billionths has no room for moments before 1677 or after 2262, such as a certificate that never ends.
    """
    return _FRACTION.sub(r"\1", text)


def seconds(value: Any) -> float | None:
    """Return a Go duration such as `4h0m0s` in seconds, None where it is none."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        return 0.0 if value in (0, "0") and not isinstance(value, bool) else None
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def last_part(value: str) -> str:
    """Return the name at the end of a path such as `projects/p/locations/l/clusters/c`."""
    return value.rstrip("/").rpartition("/")[2]


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at.year >= 1000 else ""
