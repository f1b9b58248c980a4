"""Exports of a log as a table: CSV with the columns of Azure Log Analytics, or of events by any order of columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from hipaa_kit.kube.audit.policy import STAGES
from hipaa_kit.sources.audit_log.lines import BLANK, LONGEST_LINE, PER_BATCH, Batch
from hipaa_kit.sources.audit_log.providers import reference

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_CODE: Final = re.compile(r"[1-5]\d\d")
_VERBS: Final = frozenset(
    "get list watch create update patch delete deletecollection proxy connect head post put options".split()
)


def is_table(first: str) -> bool:
    """Tell whether the first line of a file is the header, or a row, of a log as CSV."""
    if first[:1] in "{[":
        return False
    try:
        row = next(csv.reader([first[:LONGEST_LINE]]), [])
    except csv.Error:
        return False
    return {"AuditId", "Verb"} <= set(row) or _places(row) is not None


def read_table(file: BinaryIO, first: str) -> Iterator[Batch]:
    """Yield the rows of a table as events.

    Notes
    -----
    A table without a header is told by what stands in its columns: an id, a stage, a moment, a verb, a path. What it
    does not say of an event is not known, and none of it is made up.
    """
    header = next(csv.reader([first.rstrip("\r")]))
    named = "AuditId" in header
    places = None if named else _places(header)
    lines = _Counted(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline=""))
    rows = csv.reader(lines)
    number = 0
    if named:
        next(rows, None)
        yield Batch(lines=1, bytes=lines.taken())
    while chunk := list(islice(_rows(rows), PER_BATCH)):
        batch = Batch(lines=len(chunk), bytes=lines.taken(), form="CSV", delivery="provider" if named else "file")
        event: dict[str, Any] | None = None
        for row in chunk:
            number += 1
            if row is None:
                event = None
            elif named:
                event = dict(zip(header, row, strict=False))
            else:
                event = _event(row, places or {})
            if event is None:
                batch.unread += 1
            else:
                batch.texts.append(msgspec.json.encode(event).decode())
                batch.numbers.append(number + named)
        batch.truncated = event is None and not lines.ended
        yield batch


def _rows(rows: Iterator[list[str]]) -> Iterator[list[str] | None]:
    """Yield rows, None for one that the reader of CSV refuses."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
            continue
        if row:
            yield row


class _Counted:
    """Lines of a text, with how many bytes they are."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._bytes, self.ended = text, 0, True

    def __iter__(self) -> Iterator[str]:
        """Go through the lines."""
        for line in self._text:
            self._bytes += len(line.encode("utf-8", "replace"))
            self.ended = line.endswith("\n")
            yield line.replace("\0", "")

    def taken(self) -> int:
        """Return how many bytes came since the last time."""
        taken, self._bytes = self._bytes, 0
        return taken


def _places(row: list[str]) -> dict[str, int] | None:
    """Return in which columns of a row the parts of an event stand; None where they cannot be told."""

    def first(fits: Any) -> int:
        return next((at for at, cell in enumerate(row) if fits(cell.strip(BLANK))), -1)

    found = {
        "auditID": first(_ID.fullmatch),
        "stage": first(STAGES.__contains__),
        "requestReceivedTimestamp": first(_MOMENT.fullmatch),
        "verb": first(_VERBS.__contains__),
        "requestURI": first(lambda cell: cell.startswith("/")),
    }
    if -1 in found.values():
        return None
    user = found["verb"] - 1
    return {**found, "user": user if user not in found.values() else -1}


def _event(row: list[str], places: dict[str, int]) -> dict[str, Any] | None:
    if max(places.values()) >= len(row):
        return None
    cells = {name: row[at].strip(BLANK) for name, at in places.items() if at >= 0}
    if not _ID.fullmatch(cells["auditID"]) or cells["stage"] not in STAGES:
        return None
    user = cells.pop("user", "")
    code = next((cell for cell in row[places["stage"] + 1 :][:1] if _CODE.fullmatch(cell)), "")
    about = of_path(cells)
    if named := _named(row[places["verb"] + 1 :], about):
        about["name"] = named
    event: dict[str, Any] = {**cells, "user": {"username": user}, "objectRef": about}
    return {**event, "responseStatus": {"code": int(code)}} if code else event


def _named(beside: list[str], about: dict[str, str]) -> str:
    """Return the name of what a request is about where it stands beside the verb, after resource and subresource.

    The path of a `create` does not hold it, nor that of a list by the name of one object.
    """
    resource, subresource, name = (*(cell.strip(BLANK) for cell in beside), "", "", "")[:3]
    said = (about.get("resource"), about.get("subresource"), about.get("name"))
    return name if resource and said == (resource, subresource, "") else ""


def of_path(cells: dict[str, str]) -> dict[str, str]:
    """Return the `objectRef` that the API server makes of a path.

    Source: `pkg/endpoints/request/requestinfo.go` of kubernetes/apiserver.
    """
    parts = cells["requestURI"].partition("?")[0].strip("/").split("/")
    if parts[:1] == ["api"] and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return {}
    if rest[0] in ("watch", "proxy") and len(rest) > 1:
        rest = rest[1:]
    return reference(group, rest)
