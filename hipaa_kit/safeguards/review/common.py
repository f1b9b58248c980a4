"""What several checks of review share: reviews that stand, and years and months of the calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

EVALUATION = "evaluation"
STUB = "hipaa-kit attest stub --register reviews writes an entry to fill in"


def evaluations(reviews: pd.DataFrame, record_states: pd.DataFrame) -> list[str]:
    """Return the days on which evaluations were held whose records stand, in order."""
    return held_days(reviews, record_states, frozenset({EVALUATION}))


def held_days(reviews: pd.DataFrame, record_states: pd.DataFrame, kinds: frozenset[str]) -> list[str]:
    """Return the days on which reviews of some kinds were held whose records stand, in order."""
    standing = set(record_states.loc[record_states["stands"], "record"])
    held = reviews[reviews["kind"].str.lower().isin(kinds) & reviews["record"].isin(standing)]
    return sorted(held["held_on"])


def years_before(day: str, years: int) -> date:
    """Return the day some calendar years before: 29 February becomes 1 March where a year has none."""
    last = date.fromisoformat(day[:10])
    try:
        return last.replace(year=last.year - years)
    except ValueError:
        return date(last.year - years, 3, 1)


def months_between(first: date, last: date) -> list[str]:
    """Return the calendar months from one day to another, `2026-11`, both included."""
    months = []
    at = first.replace(day=1)
    while at <= last:
        months.append(f"{at:%Y-%m}")
        at = (at + timedelta(days=32)).replace(day=1)
    return months
