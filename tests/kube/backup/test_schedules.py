"""When schedules of backup tools run, by the rules of robfig/cron that the tools use."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.backup.schedules import ScheduleError, duration_hours, parse_schedule


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("0 1 * * *", 24),
        ("*/15 * * * *", 0.25),
        ("0 */6 * * *", 6),
        ("0 1,13 * * *", 12),
        ("0 1,4 * * *", 21),
        ("30 2 * * 1-5", 72),
        ("0 0 * * sun", 168),
        ("0 0 1 * *", 31 * 24),
        ("0 0 29 2 *", 1461 * 24),
        ("0 3 1,15 * *", 17 * 24),
        ("5 4 10-12/2 JAN *", 0),
        ("@daily", 24),
        ("@midnight", 24),
        ("@hourly", 1),
        ("@weekly", 168),
        ("@monthly", 31 * 24),
        ("@yearly", 366 * 24),
        ("@daily-random", 24),
        ("@every 6h", 6),
        ("@every 1h30m", 1.5),
        ("@every 90s", 0.025),
        ("@every 10ms", 1 / 3600),
        ("CRON_TZ=Europe/Berlin 0 1 * * *", 24),
        ("TZ=UTC @every 2h", 2),
        ("0 0 1 * 1", 7 * 24),
        ("0 0 */2 * 1", 48),
    ],
)
def test_longest_gap(text: str, hours: float) -> None:
    gap = parse_schedule(text).longest_gap_hours
    if hours:
        assert gap == pytest.approx(hours)
    else:
        assert gap > 24 * 300


def test_a_restricted_day_of_month_and_of_week_are_alternatives() -> None:
    schedule = parse_schedule("0 0 13 * 5")
    assert schedule.on(date(2026, 11, 13))
    assert schedule.on(date(2026, 11, 20))
    assert schedule.on(date(2026, 12, 13))
    assert not schedule.on(date(2026, 12, 14))


def test_an_open_day_of_month_leaves_the_day_of_week_alone() -> None:
    assert not parse_schedule("0 0 * * 5").on(date(2026, 11, 19))
    assert not parse_schedule("0 0 ? * 5").on(date(2026, 11, 19))
    assert not parse_schedule("0 0 */1 * 5").on(date(2026, 11, 19))


def test_six_fields_are_read_where_the_tool_has_them() -> None:
    assert parse_schedule("0 0 3 * * *", seconds=True).longest_gap_hours == 24
    assert parse_schedule("@daily", seconds=True).longest_gap_hours == 24
    with pytest.raises(ScheduleError):
        parse_schedule("0 3 * * *", seconds=True)
    with pytest.raises(ScheduleError):
        parse_schedule("0 0 3 * * *")


def test_the_zone_is_kept() -> None:
    assert parse_schedule("CRON_TZ=America/New_York 0 1 * * *").zone == "America/New_York"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily",
        "@often",
        "0 1 * *",
        "0 1 * * * *",
        "60 1 * * *",
        "0 24 * * *",
        "0 1 0 * *",
        "0 1 * 13 *",
        "0 1 * * 7",
        "0 1 * * 5-1",
        "*/0 * * * *",
        "a * * * *",
        "-1 * * * *",
        "@every",
        "@every soon",
        "@every 5",
        "@every -5m",
        "1- * * * *",
    ],
)
def test_what_the_tool_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


def test_a_day_that_never_comes_never_runs() -> None:
    with pytest.raises(ScheduleError, match="never runs"):
        _ = parse_schedule("0 0 30 2 *").longest_gap_hours


@given(st.integers(0, 59), st.integers(0, 23), st.integers(0, 23))
def test_one_more_run_never_lengthens_the_gap(minute: int, hour: int, other: int) -> None:
    alone = parse_schedule(f"{minute} {hour} * * *").longest_gap_hours
    both = parse_schedule(f"{minute} {hour},{other} * * *").longest_gap_hours
    assert both <= alone == 24


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("720h0m0s", 720),
        ("30d", 720),
        ("4w", 672),
        ("90m", 1.5),
        ("1m0s", 1 / 60),
        ("", None),
        ("soon", None),
        ("5", None),
    ],
)
def test_durations(text: str, hours: float | None) -> None:
    assert duration_hours(text) == (None if hours is None else pytest.approx(hours))
