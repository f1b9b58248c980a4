"""Events in lines that are damaged: two writers in one file, a line end that is missing, NUL bytes in a hole."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from hipaa_kit.sources.audit_log.forms import Taken, is_event, take, unwrap

MOST_STARTS: Final = 64
"""Places in a line at which an event is looked for."""

MOST_VALUES: Final = 100_000
MOST_BLANKS: Final = 100

_START: Final = re.compile(r'\{\s*"(?:kind|apiVersion|level|auditID|annotations|metadata)"\s*:')
_AUDIT: Final = "audit.k8s.io/"
_RAW: Final = json.JSONDecoder(strict=False).raw_decode


def salvage(text: str) -> Taken:
    """Return the whole events in a line that is not one.

    Parameters
    ----------
    text
        A line as it was read.

    Returns
    -------
    Taken
        Where something of the line is left over, it is one that could not be read.

    Notes
    -----
    Within a damaged line only what names itself an event of the audit API counts: objects in bodies look alike.
    """
    text = text.replace("\0", "")
    taken = unwrap(text)
    if taken.events or taken.skipped or not taken.unread:
        return taken
    found = Taken(form=taken.form, delivery=taken.delivery)
    at, left = _side_by_side(text, found), 0
    for _ in range(MOST_STARTS):
        start = _START.search(text, at)
        if start is None:
            break
        content, end = _value_at(text, start.start())
        if _names_itself(content):
            found.events.append((msgspec.json.encode(content).decode(), ""))
            end = max(end, start.start() + 1)
        else:
            end = start.start() + 1
            left += 1
        left += bool(text[at : start.start()].strip())
        at = end
    left += bool(text[at:].strip())
    found.unread += int(bool(left))
    found.broken = taken.broken and bool(left)
    return found


def _side_by_side(text: str, found: Taken) -> int:
    """Take the values that stand one after the other at the beginning of a text, and return where they end."""
    at = 0
    for _ in range(MOST_VALUES):
        at += len(text[at : at + MOST_BLANKS]) - len(text[at : at + MOST_BLANKS].lstrip())
        content, end = _value_at(text, at)
        if not isinstance(content, dict):
            break
        take(content, found)
        at = end
    return at


def _value_at(text: str, start: int) -> tuple[Any, int]:
    try:
        content, end = _RAW(text, start)
        msgspec.json.encode(content)
    except (ValueError, RecursionError, OverflowError):
        return None, start
    return content, end


def _names_itself(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("apiVersion")).startswith(_AUDIT) and is_event(content)
