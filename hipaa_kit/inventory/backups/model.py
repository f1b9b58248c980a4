"""What tools of any family have in common: a target, a plan that may take it, a run that took it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from hipaa_kit.inventory.fields import string_map
from hipaa_kit.kube.backup.schedules import ScheduleError, parse_schedule
from hipaa_kit.kube.backup.velero import Claimed, Reach
from hipaa_kit.sources.snapshot import Record

ACTIVE, PAUSED, INVALID, UNKNOWN = "active", "paused", "invalid", "unknown"
COMPLETED, PARTIAL, FAILED, RUNNING, MISSING = "completed", "partial", "failed", "running", "missing"


@dataclass(frozen=True)
class Target:
    """One claim of the ePHI scope, with what tools look at when they come to it."""

    object: str
    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    volume: str
    handle: str
    places: frozenset[tuple[str, str]]
    claimed: Claimed
    driver: str = ""
    read_write_many: bool = False


class Point(NamedTuple):
    """What one run holds of one target."""

    method: str
    outcome: str
    taken_at: str
    off_cluster: bool


@dataclass(frozen=True)
class Plan:
    """One thing that is meant to make copies again and again; `reach` says which claims it takes."""

    tool: str
    record: Record
    schedule: str
    interval_hours: float | None
    state: str
    reach: Callable[[Target], Reach | None]
    phase: str = ""
    last_run_at: str = ""
    retention_hours: float | None = None
    store: str = ""
    leaves_out: str = ""
    whole_cluster: bool = False
    guessed: bool = False

    def row(self) -> dict[str, Any]:
        """Return its row of table `backup_plans`."""
        plain = ("tool", "schedule", "interval_hours", "state", "phase", "last_run_at", "retention_hours", "store")
        told = {name: getattr(self, name) for name in (*plain, "leaves_out", "whole_cluster", "guessed")}
        held = self.record
        return {**told, "object": held.object, "namespace": held.namespace, "name": held.name}


@dataclass(frozen=True)
class Run:
    """One copy that was made, or was to be made; `point` says what it holds of a claim."""

    tool: str
    record: Record
    phase: str
    outcome: str
    point: Callable[[Target], Point | None]
    plan: str = ""
    started_at: str = ""
    completed_at: str = ""
    expires_at: str = ""
    errors: int | None = None
    warnings: int | None = None
    store: str = ""
    whole_cluster: bool = False
    guessed: bool = False

    def row(self) -> dict[str, Any]:
        """Return its row of table `backup_runs`."""
        plain = ("tool", "phase", "outcome", "plan", "started_at", "completed_at", "expires_at", "errors", "warnings")
        told = {name: getattr(self, name) for name in (*plain, "store", "whole_cluster")}
        return {**told, "object": self.record.object, "namespace": self.record.namespace}


def interval(schedule: str, *, seconds: bool = False) -> float | None:
    """Return the hours between two runs at most; None where the schedule cannot be read or never runs."""
    try:
        return parse_schedule(schedule, seconds=seconds).longest_gap_hours
    except ScheduleError:
        return None


def state_of(*, paused: bool, schedule: str, every: float | None) -> str:
    """Return whether a plan runs, by its switch and its schedule; one without a schedule waits for a person."""
    if paused:
        return PAUSED
    if not schedule:
        return UNKNOWN
    return ACTIVE if every is not None else INVALID


def labels_of(record: Record) -> dict[str, str]:
    """Return the labels of an object."""
    return string_map(record.content, "metadata", "labels")


def annotations_of(record: Record) -> dict[str, str]:
    """Return the annotations of an object."""
    return string_map(record.content, "metadata", "annotations")


def outcome_of(phase: str, words: Mapping[str, str]) -> str:
    """Return what became of a run by the tool's own word; a word that is not known says nothing."""
    return words.get(phase.lower(), UNKNOWN)


def minutes_between(start: str, end: str) -> float | None:
    """Return the minutes between two moments; None where one of them cannot be read or they are reversed."""
    try:
        first, last = (datetime.fromisoformat(each) for each in (start, end))
        minutes = (last - first).total_seconds() / 60
    except (ValueError, TypeError):
        return None
    return minutes if minutes >= 0 else None
