"""Schedules of backup tools: how long they leave at most between two runs.

Source: https://pkg.go.dev/github.com/robfig/cron/v3, which Kubernetes, Velero, Longhorn and the database operators
use; https://docs.k8up.io/k8up/explanations/schedules.html for the `-random` words of K8up; and
https://cloudnative-pg.io/documentation/current/backup/#scheduled-backups for the six fields of CloudNativePG.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from hipaa_kit.errors import InputError

_MONTHS: Final = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS: Final = {name: n for n, name in enumerate("sun mon tue wed thu fri sat".split())}
_WORDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANDOM: Final = "-random"
_ZONE: Final = re.compile(r"(?:CRON_)?TZ=(\S+)\s+")
_DURATION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNITS: Final = {**_SECONDS, "d": 86_400.0, "w": 604_800.0}
_LONG: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)")
_FIRST: Final = date(2024, 1, 1)
_SPAN: Final = 16 * 366
"""Days that are looked at for the longest gap: four leap years, so that 29 February has its gap of four years."""


class ScheduleError(InputError):
    """A text is no schedule that the tool would run."""


@dataclass(frozen=True)
class Schedule:
    """When something runs: at times of chosen days, or every so many seconds.

    `zone` is the time zone that the text names, or none: the gap between runs does not depend on it, but for the
    hour of daylight saving.
    """

    seconds: float = 0.0
    times: tuple[int, ...] = ()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    either: bool = False
    zone: str = ""

    def on(self, day: date) -> bool:
        """Tell whether it runs on a day; a restricted day of month and of week are alternatives."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    @property
    def longest_gap_hours(self) -> float:
        """Hours between two runs at most, without the hour of daylight saving.

        Raises
        ------
        ScheduleError
            It never runs, as on 30 February.
        """
        return _longest_gap(self)


def parse_schedule(text: str, *, seconds: bool = False) -> Schedule:
    """Return what a schedule means.

    Parameters
    ----------
    text
        Five fields, a word such as `@daily`, or `@every 6h`; before it perhaps `CRON_TZ=zone` or `TZ=zone`.
    seconds
        It has six fields, the first of them seconds.

    Raises
    ------
    ScheduleError
        The tool would refuse it.
    """
    plain = text.strip()
    zone = _ZONE.match(plain)
    rest = plain[zone.end() :] if zone else plain
    if rest.startswith("@every "):
        return Schedule(seconds=_duration(rest.removeprefix("@every ").strip(), text), zone=zone[1] if zone else "")
    if rest.startswith("@"):
        rest = _WORDS.get(rest.removesuffix(_RANDOM), "")
        if not rest:
            raise _refused(text)
        seconds = False
    fields = rest.split()
    if len(fields) != 5 + seconds:
        raise _refused(text)
    minute, hour, day, month, weekday = fields[seconds:]
    minutes, hours = _values(minute, 0, 59, {}, text)[0], _values(hour, 0, 23, {}, text)[0]
    if seconds:
        _values(fields[0], 0, 59, {}, text)
    days, any_day = _values(day, 1, 31, {}, text)
    weekdays, any_weekday = _values(weekday, 0, 6, _DAYS, text)
    return Schedule(
        times=tuple(sorted(h * 60 + m for h in hours for m in minutes)),
        days=days,
        months=_values(month, 1, 12, _MONTHS, text)[0],
        weekdays=weekdays,
        either=not any_day and not any_weekday,
        zone=zone[1] if zone else "",
    )


def duration_hours(text: str) -> float | None:
    """Return the hours of a Go duration such as `720h0m0s`, also with days or weeks; None for any other text."""
    parts = _LONG.findall(text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        return None
    return sum(float(n) * _UNITS[unit] for n, unit in parts) / 3600


def _duration(text: str, whole: str) -> float:
    """Return the seconds of a Go duration; what is under a second counts as one."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        raise _refused(whole)
    return max(1.0, float(int(sum(float(n) * _SECONDS[unit] for n, unit in parts))))


def _values(field: str, low: int, high: int, names: dict[str, int], whole: str) -> tuple[frozenset[int], bool]:
    """Return the values of a field, and whether it leaves the field open: `*`, `?`, also `*/1`, but no other step."""
    found: set[int] = set()
    every = False
    for part in field.split(","):
        span, slash, step = part.partition("/")
        size = _number(step, {}, whole) if slash else 1
        if size < 1:
            raise _refused(whole)
        if span in ("*", "?"):
            first, last = low, high
            every = every or size == 1
        else:
            start, dash, end = span.partition("-")
            first = _number(start, names, whole)
            last = _number(end, names, whole) if dash else high if slash else first
        if not low <= first <= last <= high:
            raise _refused(whole)
        found.update(range(first, last + 1, size))
    return frozenset(found), every


def _number(text: str, names: dict[str, int], whole: str) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise _refused(whole)
    return int(text)


def _refused(text: str) -> ScheduleError:
    return ScheduleError(f"{text[:40]!r} is no schedule", "", "write five fields, such as 0 1 * * *, or @daily")


@lru_cache(maxsize=1024)
def _longest_gap(schedule: Schedule) -> float:
    if schedule.seconds:
        return schedule.seconds / 3600
    runs = [offset for offset in range(_SPAN) if schedule.on(_FIRST + timedelta(days=offset))]
    if not runs or not schedule.times:
        raise ScheduleError("the schedule never runs", "", "name a day that exists")
    first, last = schedule.times[0], schedule.times[-1]
    within = [after - before for before, after in pairwise(schedule.times)]
    between = [(after - before) * 1440 + first - last for before, after in pairwise(runs)]
    return max([*within, *between, 0 if len(runs) > 1 else _SPAN * 1440]) / 60
