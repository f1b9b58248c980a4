"""Moments as checks weigh them: read from the texts of tables, and how long they lie before the one judged for."""

from __future__ import annotations

from datetime import date

import pandas as pd

from hipaa_kit.sources.inputs.values import to_millionths


def moments(texts: pd.Series) -> pd.Series:
    """Return RFC 3339 texts and days as moments in UTC; NaT for what is none."""
    return pd.to_datetime(texts.map(to_millionths, na_action="ignore"), utc=True, errors="coerce", format="ISO8601")


def moment(text: str) -> pd.Timestamp:
    """Return one text as a moment in UTC; NaT where it is none."""
    found: pd.Timestamp = moments(pd.Series([text], dtype="str")).iloc[0]
    return found


def hours_since(texts: pd.Series, as_of: str) -> pd.Series:
    """Return how many hours before a moment others are; negative for what came later, null for what is no moment."""
    hours: pd.Series = (moment(as_of) - moments(texts)).dt.total_seconds() / 3600
    return hours.astype("Float64")


def days_since(texts: pd.Series, as_of: str) -> pd.Series:
    """Return how many days before a moment others are; negative for what came later, NaN for what is no moment."""
    days: pd.Series = (moment(as_of) - moments(texts)).dt.total_seconds() / 86400
    return days


def whole_days(days: pd.Series) -> pd.Series:
    """Return days without what is begun of another."""
    return days // 1


def days_between(first: str, last: str) -> int:
    """Return the days from one day or moment to another, by the calendar."""
    return (date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days
