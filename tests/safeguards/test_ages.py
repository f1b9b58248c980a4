"""Moments as checks weigh them, and how long ago they are."""

import pandas as pd
import pytest

from hipaa_kit.safeguards.ages import days_between, days_since, hours_since, moment, moments, whole_days

NOW = "2026-11-20T02:00:00Z"


def test_moments_and_days_are_read_and_what_is_none_is_none() -> None:
    read = moments(pd.Series(["2026-11-19T02:00:00Z", "2026-11-19", "", "soon", None], dtype="str"))
    assert read.isna().tolist() == [False, False, True, True, True]
    assert str(read.dt.tz) == "UTC"
    assert moment(NOW) == pd.Timestamp("2026-11-20 02:00", tz="UTC")
    assert pd.isna(moment(""))


def test_one_fine_moment_makes_no_other_unknown() -> None:
    read = moments(pd.Series(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-19T02:00:00.123456789Z"]))
    assert read.dt.year.tolist() == [1, 9999, 2026]
    assert read[2] == pd.Timestamp("2026-11-19 02:00:00.123456", tz="UTC")


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2026-11-20T02:00:00Z", 0), ("2026-11-20T01:30:00+00:00", 0.5), ("2026-11-18", 50), ("2026-11-20T03:00:00Z", -1)],
)
def test_ages_are_before_the_moment_judged_for(text: str, hours: float) -> None:
    texts = pd.Series([text, ""], dtype="str")
    assert hours_since(texts, NOW)[0] == hours
    assert days_since(texts, NOW)[0] == pytest.approx(hours / 24)
    assert pd.isna(hours_since(texts, NOW)[1])
    assert pd.isna(days_since(texts, NOW)[1])


def test_without_a_moment_to_judge_for_no_age_is_known() -> None:
    assert hours_since(pd.Series(["2026-11-19"], dtype="str"), "").isna().all()


def test_nothing_has_no_ages() -> None:
    assert len(days_since(pd.Series([], dtype="str"), NOW)) == 0


def test_days_that_have_begun_do_not_count() -> None:
    assert whole_days(pd.Series([0.9, 1.0, 1.99])).tolist() == [0, 1, 1]
    assert days_between("2026-11-19T23:59:00Z", "2026-11-20T00:01:00Z") == 1
