"""Tables of a history for the terminal."""

from __future__ import annotations

import re

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


def in_namespace(frame: pd.DataFrame, namespace: str) -> pd.DataFrame:
    """Return the rows that are about a namespace: by their own, or by an object of it that they name."""
    named = re.compile(rf"[A-Z]\w*/{re.escape(namespace)}/.")
    about = pd.Series(False, index=frame.index)
    for name in frame.select_dtypes(["str"]):
        about |= frame[name].str.match(named) | ((name == "namespace") & (frame[name] == namespace))
    return frame[about].reset_index(drop=True)
