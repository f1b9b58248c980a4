"""What the checks of encryption share."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.sources.inputs import INPUTS


def to_give(name: str) -> str:
    """Return the words that say how to give an input, fit for a reason: braces of a command stand for themselves."""
    return f"to give it: {INPUTS[name].command}".replace("{", "{{").replace("}", "}}")


def days_before(as_of: str, moments: pd.Series) -> pd.Series:
    """Return how many whole days lie between moments, or days, and the moment that is judged for; null where there is none."""
    told = pd.to_datetime(moments.where(moments != ""), utc=True, format="ISO8601", errors="coerce")
    return (pd.Timestamp(as_of) - told).dt.days.astype("Int64")
