"""A file as batches of events, whatever wraps them: lines, documents, or a table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

import msgspec

from hipaa_kit.errors import InputError
from hipaa_kit.sources.audit_log.forms import Taken, unwrap
from hipaa_kit.sources.audit_log.lines import BLANK, PER_BATCH, SIP, Batch, batches, blocks
from hipaa_kit.sources.audit_log.salvage import salvage
from hipaa_kit.sources.audit_log.tables import is_table, read_table
from hipaa_kit.sources.audit_log.values import Value, values
from hipaa_kit.sources.files import Entry
from hipaa_kit.tables.audit_log import LOGS

HEAD: Final = 2**20
"""Bytes by which it is told how a file is laid out: a line that is longer is read as a document."""

_OPENS: Final = re.compile(r'\[|\{\s*(?:"[^"]{1,40}"\s*:\s*[\[{]?\s*)?$')
_ROTATED: Final = re.compile(r"[-.](?:\d{4}-\d\d-\d\dT[\d.:-]+|\d{8,14}|\d{1,4})(?=$|\.)")
_EXTENSIONS: Final = frozenset(".gz .zst .bz2 .xz .log .json .jsonl .ndjson .txt .csv".split())
_EVERYWHERE: Final = frozenset(
    "audit audit-log audit_log audit_logs audit-logs kubernetes log logs var apiserver".split()
)


class _Told(msgspec.Struct):
    auditID: str  # noqa: N815 - as in the event
    verb: str
    stage: str


_TOLD: Final = msgspec.json.Decoder(_Told)


def read_batches(entry: Entry) -> Iterator[Batch]:
    """Yield the lines of a file, by the batch, those of wrappings as the events in them.

    Parameters
    ----------
    entry
        The file.

    Notes
    -----
    The same file gives the same batches every time: by their number a run that was cut short goes on.
    """
    head = b""
    with entry.open() as file, contextlib.suppress(InputError):  # it is told when it is read on
        for raw in islice(blocks(file, SIP), HEAD // SIP):
            head += raw
    start = head.decode("utf-8", "replace").lstrip(BLANK)
    first, newline, _ = start.partition("\n")
    with entry.open() as file:
        if is_table(first):
            yield from map(unwrapped, read_table(file, first))
        elif _OPENS.match(first.rstrip()) or (not newline and len(head) >= HEAD):
            yield from _documents(values(file))
        else:
            yield from map(unwrapped, batches(file))


def _documents(found: Iterator[Value]) -> Iterator[Batch]:
    batch, number = Batch(), 0
    for value in found:
        batch.bytes += value.bytes
        batch.unread += value.unread
        batch.truncated |= value.cut
        if value.text:
            number += 1
            batch.lines += 1
            batch.texts.append(value.text)
            batch.numbers.append(number)
        if len(batch.texts) >= PER_BATCH:
            yield unwrapped(batch)
            batch = Batch()
    yield unwrapped(batch)


def unwrapped(batch: Batch) -> Batch:
    """Return a batch as it is where its first line is an event, else with what is in its lines."""
    if not batch.texts or is_native(batch.texts[0]):
        return batch
    whole = replace(batch, texts=[], numbers=[], servers=[], cut=False)
    for text, number in zip(batch.texts, batch.numbers, strict=True):
        taken = Taken(events=[(text, "")]) if is_native(text) else unwrap(text)
        if taken.unread and not taken.events and not taken.skipped:
            taken = salvage(text)
            whole.salvaged += len(taken.events)
            whole.truncated |= batch.cut and taken.broken and number == batch.last
        put(whole, taken, number)
    return whole


def put(batch: Batch, taken: Taken, number: int) -> None:
    """Add what was found in the wrapping that stands on a line: its events, and what was told of it."""
    batch.texts += [event for event, _ in taken.events]
    batch.servers += [server for _, server in taken.events]
    batch.numbers += [number] * len(taken.events)
    batch.skipped += taken.skipped
    batch.unread += taken.unread
    batch.truncated |= taken.cut
    if taken.form:
        batch.form, batch.delivery = taken.form, taken.delivery


def is_native(text: str) -> bool:
    """Tell whether a line is an event as the API server writes it."""
    try:
        _TOLD.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True


def place_of(name: str) -> tuple[str, str]:
    """Return the API server, as far as a file's path tells it, and which server's log it is.

    Notes
    -----
    All rotations of one file are of one server. must-gather keeps `audit_logs/<log>/<node>-audit.log.gz`.
    """
    path = PurePosixPath(name.replace("!", "/"))
    stem = path.name
    while (end := PurePosixPath(stem).suffix) in _EXTENSIONS or _ROTATED.search(stem):
        stem = _ROTATED.sub("", stem.removesuffix(end) if end in _EXTENSIONS else stem)
    log = next((part for part in reversed(path.parts[:-1]) if part in LOGS), "")
    log = log or next((each for each in LOGS if stem.startswith(each)), LOGS[0])
    stem = re.sub(r"(?:^|[-_.])(?:audit|termination)$", "", stem)
    parts = [part for part in (*path.parts[:-1], stem) if part not in _EVERYWHERE and part not in LOGS and part != "."]
    return "/".join(part for part in parts if part and part != "000000"), log
