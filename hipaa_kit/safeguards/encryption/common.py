"""What the checks of encryption share."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.sources.inputs import INPUTS


def to_give(*names: str) -> str:
    """Return the words that say how to give one of several inputs, fit for a reason: braces stand for themselves."""
    commands = "; or ".join(INPUTS[name].command for name in names)
    return f"to give it: {commands}".replace("{", "{{").replace("}", "}}")


def days_before(as_of: str, moments: pd.Series) -> pd.Series:
    """Return how many whole days lie between moments and the one that is judged for; null where none is told."""
    told = pd.to_datetime(moments.where(moments != ""), utc=True, format="ISO8601", errors="coerce")
    return (pd.Timestamp(as_of) - told).dt.days.astype("Int64")
