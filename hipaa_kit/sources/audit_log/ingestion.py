"""Reading a log into the store: resumable, each event once, no line lost.

The unit of work is a part. Its rows, and where the reading of the sources stands after it, become known at once, when
the manifest is renamed into its place: what a killed run left beside it is written again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.resources import code_digest
from hipaa_kit.sources.audit_log.finishing import finish
from hipaa_kit.sources.audit_log.lines import SIP, Batch, blocks
from hipaa_kit.sources.audit_log.reading import place_of, put, read_batches
from hipaa_kit.sources.audit_log.salvage import salvage
from hipaa_kit.sources.audit_log.store import (
    DUPLICATES,
    FORMAT,
    MANIFEST,
    PARTS,
    SCHEMA,
    AuditLog,
    file_digest,
    read_manifest,
)
from hipaa_kit.sources.audit_log.writing import PART_BYTES, Held, Writer, frame_of
from hipaa_kit.sources.files import Entry, open_trees
from hipaa_kit.sources.limits import Limits
from hipaa_kit.sources.snapshot import canonical_json

LIMITS: Final = Limits(total_bytes=2**42, entry_bytes=2**42)
"""A log is read as a stream: its size is no danger, what one line holds is."""

SUPPORTED: Final = "docs/audit_log.md lists what is read"

WHOLE: Final = -1
"""Stands for the number of the last batch of a source that was read to its end."""

OURS: Final = frozenset({MANIFEST, f".{MANIFEST}", PARTS, DUPLICATES})
"""Everything that a store holds: a folder with anything else in it is not removed."""

ROOMS: Final = ("sources/audit_log", "sources/leaks.py", "kube/audit")
"""Code that has a part in what a store holds."""


class NoEventsError(InputError):
    """What was taken for an audit log holds no event."""


def ingest_under(base: Path, sources: Sequence[str | Path], only: Collection[str] = ()) -> AuditLog:
    """Read audit logs into a folder that is named for all that a store is made from: the files, and the code.

    Parameters
    ----------
    base
        Where such folders lie.
    sources, only
        As `ingest` takes them.

    Raises
    ------
    InputError
        A source cannot be read, or none holds an event.
    """
    with _entries(sources, only, LIMITS) as entries:
        digests = [_about(entry) for entry in entries]
        made_from = [code_digest(*ROOMS), [list(each) for each in digests]]
        return _ingested(base / hashlib.sha256(canonical_json(made_from)).hexdigest()[:32], entries, digests)


def _about(entry: Entry) -> tuple[str, str]:
    with entry.open() as file:
        digest = hashlib.sha256()
        with contextlib.suppress(InputError):  # it is told when it is read
            for raw in blocks(file, SIP):
                digest.update(raw)
    return entry.name, digest.hexdigest()


def ingest(
    sources: Sequence[str | Path], folder: str | Path, *, only: Collection[str] = (), limits: Limits = LIMITS
) -> AuditLog:
    """Read audit logs into a store; where a run was cut short, go on from there.

    Parameters
    ----------
    sources
        Files, folders or archives.
    folder
        Store to make, or one that was made from the same sources.
    only
        Read only these files and folders in them, as table `set_aside` names them; all by default.
    limits
        What is too much.

    Returns
    -------
    AuditLog
        The store.

    Raises
    ------
    InputError
        A source cannot be read, or none holds an event.
    """
    with _entries(sources, only, limits) as entries:
        return _ingested(Path(folder), entries, [_about(entry) for entry in entries])


def _ingested(target: Path, entries: list[Entry], digests: list[tuple[str, str]]) -> AuditLog:
    with _alone(target):
        manifest = _begun(target, digests)
        if manifest["complete"]:
            with contextlib.suppress(InputError):  # a damaged one is made again: all that it is made of is here
                return AuditLog.open(target)
            manifest = _anew(target, digests)
        _Ingest(target, manifest).run(entries)
        return AuditLog.open(target)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold a store against other processes, which wait until it is whole; a process that dies lets go of it."""
    if target.exists() and not target.is_dir():
        raise InputError("is no folder", str(target), "name another place")
    target.mkdir(parents=True, mode=0o700, exist_ok=True)
    held = os.open(target, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _begun(target: Path, digests: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the manifest to go on from: that of a run that was cut short, or a new one."""
    try:
        held = read_manifest(target)
    except InputError:
        held = None
    if held is None or held["wanted"] != _wanted(digests):
        return _anew(target, digests)
    return held if held["complete"] or held.get("code") == code_digest(*ROOMS) else _anew(target, digests)


def _wanted(digests: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"source": name, "sha256": sha256} for name, sha256 in digests]


def _anew(target: Path, digests: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the manifest of a store of which nothing was read yet, with its folder made empty."""
    held = list(target.iterdir())
    if not {path.name for path in held} <= OURS:
        raise InputError("holds something else than an audit log", str(target), "name another folder")
    for path in held:  # the folder itself stays: it is what is held against others
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (target / PARTS).mkdir()
    return {
        "format": FORMAT,
        "columns": SCHEMA,
        "code": code_digest(*ROOMS),
        "complete": False,
        "wanted": _wanted(digests),
        "sources": [],
        "files": {},
        "event": 0,
        "batch": 0,
        "events": 0,
        "duplicates": 0,
    }


class _Ingest:
    """One run: takes the sources up where the manifest says."""

    def __init__(self, target: Path, manifest: dict[str, Any]) -> None:
        self.target, self.manifest = target, manifest
        self.event = manifest["event"]
        self.held: list[Held] = []
        self.pending = 0

    def run(self, entries: list[Entry]) -> None:
        with ExitStack() as stack:
            writer = Writer()
            stack.callback(writer.close)
            for number, entry in enumerate(entries):
                self._read(number, entry, writer)
            self._flush(writer, WHOLE)
        self.manifest["events"] = sum(each["events"] for each in self.manifest["sources"])
        if not self.manifest["events"]:
            what = "holds no event of an audit log"
            raise NoEventsError(what, ", ".join(each["source"] for each in self.manifest["sources"][:3]), SUPPORTED)
        finish(self.target, self.manifest)
        self.manifest["files"][DUPLICATES] = file_digest(self.target / DUPLICATES)
        self.manifest["complete"] = True
        del self.manifest["code"]  # it counts for a run that goes on from here, and is no part of what was read
        _save(self.target, self.manifest)

    def _read(self, number: int, entry: Entry, writer: Writer) -> None:
        sources = self.manifest["sources"]
        done = self.manifest["batch"] if number == len(sources) - 1 else 0
        if number < len(sources) - 1 or done == WHOLE:
            return
        if number == len(sources):
            sources.append(_source(self.manifest["wanted"][number]))
        try:
            for at, batch in enumerate(read_batches(entry), 1):
                if at > done:
                    self.held.append(Held(batch, sources[number]))
                    self.pending += batch.bytes
                    if self.pending >= PART_BYTES:
                        self._flush(writer, at)
        except InputError:
            sources[number]["unread"] += 1
            sources[number]["truncated"] = True
        self.manifest["batch"] = WHOLE

    def _flush(self, writer: Writer, batch: int) -> None:
        """Write what is held as a part, and what was reached with it, as one step.

        What is no event as it stands may hold some: those become a part of their own.
        """
        saved = [Held(_saved(batch, places), about) for (batch, about), places in self._written(self.held, writer)]
        for (again, _), places in self._written(saved, writer):
            again.unread += len(places)
        for each in (*self.held, *saved):
            _count(each.about, each.batch)
        self.held, self.pending = [], 0
        self.manifest.update(event=self.event, batch=batch)
        _save(self.target, self.manifest)

    def _written(self, held: list[Held], writer: Writer) -> list[tuple[Held, list[int]]]:
        """Write a part, and return the batches in which lines are no events, with the places of those."""
        lines = frame_of(held, self.event)
        if lines.empty:
            return []
        name = f"{PARTS}/{len(self.manifest['files']):06}.parquet"
        partial = self.target / f"{name}.part"
        strange = writer.write(lines, partial)
        if len(strange) < len(lines):
            partial.rename(self.target / name)
            self.manifest["files"][name] = file_digest(self.target / name)
        else:
            partial.unlink()
        self.event += len(lines)
        found, first, left = [], 0, deque(strange)
        for each in held:
            size, places = len(each.batch.texts), []
            while left and left[0] < first + size:
                places.append(left.popleft() - first)
            each.about["events"] += size - len(places)
            found += [(each, places)] if places else []
            first += size
        return found


def _saved(batch: Batch, places: list[int]) -> Batch:
    """Return what lines of a batch hold that are no events as they stand."""
    again = Batch()
    for place in places:
        number = batch.numbers[place]
        taken = salvage(batch.texts[place])
        put(again, taken, number)
        again.salvaged += len(taken.events)
        again.truncated |= batch.cut and taken.broken and number == batch.last
    return again


def _count(about: dict[str, Any], batch: Batch) -> None:
    for name in ("lines", "bytes", "unread", "skipped", "salvaged", "repaired"):
        about[name] += getattr(batch, name)
    about["truncated"] |= batch.truncated
    if batch.form:
        about["format"], about["delivery"] = batch.form, batch.delivery


def _source(wanted: dict[str, str]) -> dict[str, Any]:
    counts = "bytes lines events unread skipped salvaged repaired duplicates reused undated leaks".split()
    server, log = place_of(wanted["source"])
    return {
        **wanted,
        "format": "lines",
        "delivery": "file",
        "server": server,
        "log": log,
        "truncated": False,
        "first_at": "",
        "last_at": "",
        **dict.fromkeys(counts, 0),
    }


@contextmanager
def _entries(sources: Sequence[str | Path], only: Collection[str], limits: Limits) -> Iterator[list[Entry]]:
    """Give the files, each under a name of its own."""
    with ExitStack() as stack:
        trees = [tree for source in sources for tree in stack.enter_context(open_trees(source, limits))]
        found: dict[str, Entry] = {}
        for entry in (entry for tree in trees for entry in tree.entries.values()):
            if not only or any(entry.name == each or entry.name.startswith(f"{each}/") for each in only):
                name, number = entry.name, 1
                while name in found:
                    number += 1
                    name = f"{entry.name} ({number})"
                found[name] = entry._replace(name=name)
        yield list(found.values())


def _save(folder: Path, manifest: dict[str, Any]) -> None:
    partial = folder / f".{MANIFEST}"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(folder / MANIFEST)
