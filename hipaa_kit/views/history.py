"""Tables of a history for the terminal: what is the same in every row is said once."""

from __future__ import annotations

import pandas as pd

HIDDEN = ("digest", "namespace", "replacement_uid", "uid")
"""Columns for joins, which a reader does not need."""


def history_text(frame: pd.DataFrame) -> str:
    """Return a table of a history as text: columns for joins and columns without any value are left out."""
    if frame.empty:
        return "none"
    shown = [
        name
        for name in frame
        if name not in HIDDEN and not frame[name].isna().all() and not (frame[name].astype("str") == "").all()
    ]
    shown = [name for name in shown if name != "recreated" or bool(frame[name].any())]
    return str(frame[shown].to_string(index=False, na_rep=""))
