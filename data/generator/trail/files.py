"""The log as files: of each API server those that were rotated away, compressed, and the one it still writes."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

from model import CONTROL_PLANE, Act, Hospital, Input, Silence
from objects import Object

from trail.calls import Call, at
from trail.record import events_of, policy_of, server_of
from trail.routine import routine
from trail.work import alike, work

ROTATED = (at("2026-10-28 00:00:00"), at("2026-11-05 00:00:00"), at("2026-11-13 00:00:00"), at("2026-11-20 00:00:00"))
"""When each server began a new file; the log agents keep those that the node has removed."""


def calls(hospital: Hospital) -> Iterator[Call]:
    """Yield every request that is kept: routine, work, what looks like an incident, and what is one."""
    yield from routine(hospital)
    yield from work(hospital)
    for act in [*alike(hospital), *hospital.all(Act)]:
        yield from act.calls


def logs(hospital: Hospital) -> dict[str, list[Object]]:
    """Return the events of each server in the order in which it wrote them."""
    declared = hospital.declared["Input//audit-policy.yaml"]
    assert isinstance(declared, Input)  # noqa: S101 - the key names an input
    policy = policy_of(declared.content)
    silent = hospital.all(Silence)
    found: dict[str, list[Object]] = defaultdict(list)
    for call in calls(hospital):
        server = server_of(call)
        if not any(each.server == server and each.since <= call.at < each.until for each in silent):
            found[server] += events_of(call, policy)
    for server, events in found.items():
        found[server] = sorted(events, key=lambda event: (event["stageTimestamp"], event["auditID"]))
    return found


def write_trail(hospital: Hospital, folder: Path) -> None:
    """Write the log of every server into a folder of its own."""
    found = logs(hospital)
    for stale in folder.rglob("audit*.log*"):
        stale.unlink()
    for server in CONTROL_PLANE:
        place = folder / server
        place.mkdir(parents=True, exist_ok=True)
        for name, events in rotated(found[server]):
            text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events).encode()
            (place / name).write_bytes(compressed(text) if name.endswith(".gz") else text)


def rotated(events: list[Object]) -> Iterator[tuple[str, list[Object]]]:
    """Yield the files: rotated ones are named for the moment at which the server turned to the next."""
    left = events
    for moment in ROTATED:
        held = [event for event in left if moment_of(event) < moment]
        left = left[len(held) :]
        yield f"audit-{moment:%Y-%m-%dT%H-%M-%S}.000.log.gz", held
    yield "audit.log", left


def moment_of(event: Object) -> datetime:
    """Return when an event was written."""
    return datetime.fromisoformat(event["stageTimestamp"])


def compressed(text: bytes) -> bytes:
    """Compress without name and time, so that the same text gives the same bytes."""
    held = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=held, mtime=0, compresslevel=9) as file:
        file.write(text)
    return held.getvalue()
