"""Audit logs that other projects published: no line and no event of them is lost, and each arrives as it was written.

They are counted here by code of their own: nothing of the reader is used, and of what it uses only the JSON of the
standard library. HIPAA_KIT_REAL_INPUTS names a folder that holds one folder per set; the files are no part of the project.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.sources.audit_log import AuditLog, ingest
from hipaa_kit.sources.audit_log.ingestion import NoEventsError
from hipaa_kit.tables.declaration import rows_of

ROOT = Path(os.environ.get("HIPAA_KIT_REAL_INPUTS") or "none given")
MARKS = (b'"auditID"', b"ResponseComplete")
"""What stands in every file of audit events, and in none of objects."""

COLUMNS = "audit_id stage user verb api_group resource subresource namespace name code"

pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="HIPAA_KIT_REAL_INPUTS names no folder of inputs")

Told = tuple[str, str, str, str, str, str, str, str, str, int]


def raw(path: Path) -> bytes:
    held = path.read_bytes()
    return gzip.decompress(held) if held.startswith(b"\x1f\x8b") and path.name.endswith(".csv.gz") else held


def is_log(path: Path) -> bool:
    """Tell whether a file holds audit events, or stands among such files."""
    held = path.is_file() and path.suffix in (".json", ".gz", ".log") and raw(path)
    return bool(held) and (any(mark in held for mark in MARKS) or path.parent.name.endswith("audit"))


LOGS = sorted(path for path in ROOT.rglob("*") if is_log(path)) if ROOT.is_dir() else []


def lines(path: Path) -> list[str]:
    """Return the lines of a file, empty ones too; what stands after the last line's end is one where there is any."""
    held = raw(path).decode().split("\n")
    return held[:-1] if not held[-1] else held


def documents(text: str) -> Iterator[Any]:
    """Yield the values that stand one after the other in a text."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def of_json(path: Path) -> tuple[Counter[Told], int]:
    """Return the distinct events of a file, and how many values of it are none."""
    values = list(documents(raw(path).decode()))
    events = {json.dumps(each, sort_keys=True): each for each in values if "auditID" in each}
    found: Counter[Told] = Counter()
    for event in events.values():
        about = event.get("objectRef") or {}
        parts = [about.get(part, "") for part in ("apiGroup", "resource", "subresource", "namespace", "name")]
        # The name that the server made stands in its answer alone.
        made = ((event.get("responseObject") or {}).get("metadata") or {}).get("name", "")
        parts[-1] = parts[-1] or made
        told = (event["auditID"], event["stage"], event["user"]["username"], event["verb"], *parts)
        found[(*told, event["responseStatus"]["code"])] += 1
    return found, sum("auditID" not in each for each in values)


def cells(line: str) -> list[str]:
    """Return the cells of a line of CSV: what stands between quotes holds no end of a cell."""
    found = [""]
    for at, part in enumerate(line.replace('""', "\0").split('"')):
        first, *others = [part] if at % 2 else part.split(",")
        found[-1] += first
        found += others
    return [cell.replace("\0", '"') for cell in found]


def of_csv(path: Path) -> tuple[Counter[Told], int]:
    """Return the same of a table without a header, as its authors describe its columns; groups stand in the paths."""
    found: Counter[Told] = Counter()
    short = 0
    for line in lines(path):
        held = cells(line)
        if len(held) != 15:
            short += 1
            continue
        _, _, user, verb, resource, subresource, name, _, uri, audit_id, stage, code, *_ = held
        group = re.match(r"/apis/([^/?]+)/[^/?]+/", uri) if resource else None
        space = re.search(r"/namespaces/([^/?]+)", uri)
        about = (group[1] if group else "", resource, subresource, space[1] if space else "", name)
        found[audit_id, stage, user, verb, *about, int(code)] += 1
    return found, short


def counted(path: Path) -> tuple[Counter[Told], int]:
    return of_csv(path) if path.name.endswith(".csv.gz") else of_json(path)


def arrived(log: AuditLog) -> Counter[Told]:
    frame = log.query(f"SELECT {', '.join(COLUMNS.split())} FROM audit_events")
    return Counter(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_every_event_of_a_file_arrives_as_it_was_written(path: Path, tmp_path: Path) -> None:
    expected, others = counted(path)
    if not expected:
        with pytest.raises(NoEventsError):
            ingest([path], tmp_path)
        return
    log = ingest([path], tmp_path)
    assert arrived(log) == expected
    [source] = rows_of(log.sources())
    assert source["events"] - source["duplicates"] == expected.total()
    assert (source["unread"], source["skipped"], source["salvaged"]) == (others, 0, 0)
    assert source["lines"] == len(lines(path))


def test_a_folder_of_files_holds_what_its_files_hold(tmp_path: Path) -> None:
    for place in sorted({path.parent for path in LOGS}):
        files = [path for path in LOGS if path.parent == place]
        log = ingest([place], tmp_path / place.name)
        together: Counter[Told] = Counter()
        for path in files:
            together |= counted(path)[0]
        assert arrived(log) == together
        sources = log.sources()
        sources = sources[sources["source"].isin([path.name for path in files])]
        assert sources["events"].sum() == sum(counted(path)[0].total() for path in files)
        assert sources["lines"].sum() == sum(len(lines(path)) for path in files)


def test_the_real_inputs_hold_logs() -> None:
    assert len(LOGS) >= 40
