"""How hits of detections, and what a detection can see, become judgements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from hipaa_kit.safeguards.check import fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of

LOG: Final = "Cluster//audit-log"
COLUMNS: Final = [
    "object",
    "member",
    "kind",
    "what",
    "severity",
    "audit_ids",
    "places",
    "why",
    "gap",
    "window",
    "count",
    "more",
]


def judged(
    detection: str,
    hits: pd.DataFrame,
    sight: pd.DataFrame,
    *,
    at_least: Mapping[str, float] | None = None,
    failing: tuple[str, ...] | bool = False,
    days: float = 0,
    lowest: float = 0,
) -> pd.DataFrame:
    """Judge the hits of one detection, and the log as a whole.

    Parameters
    ----------
    detection
        `LOG-01` and so on.
    hits, sight
        Tables `detection_hits` and `detection_sight`.
    at_least
        By part, the number from which on something is a hit.
    failing
        Whether hits are failures, or the parts whose hits are.
    days
        Days that the log has to hold for nothing found to mean anything.
    lowest
        Numbers of `at_least` below this one ask for hits that are not kept.

    Returns
    -------
    table `judgements`, one row per hit on the object that it is about, and one for the log

    Notes
    -----
    Nothing found passes only within the window of the log, where it covers it, and where the detection sees everything
    that it looks for.
    """
    mine = hits[hits["detection"] == detection]
    for part, number in (at_least or {}).items():
        mine = mine[(mine["part"] != part) | (mine["measured"].fillna(0) >= number)]
    members = mine["subject"] + " " + mine["part"] + " " + mine["first_at"]
    found = mine.assign(member=members, kind="review", why="", gap="", window="", count=0)
    found["more"] = [_beyond(row["audit_ids"], int(row["events"])) for row in rows_of(mine)]
    fail = mine["part"].isin(failing) if isinstance(failing, tuple) else pd.Series(failing, index=mine.index)
    found["kind"] = found["kind"].mask(fail, "fail")
    examined = pd.concat([found, _whole(detection, len(mine), sight, days)])[COLUMNS].reset_index(drop=True)
    kept = all(number >= lowest for number in (at_least or {}).values())
    return _judged(examined, kept, lowest)


def _beyond(named: str, events: int) -> str:
    """Return of how many requests the audit ID is not named, where those of some are."""
    left = events - len(named.split())
    return f" and {left} more" if named and left > 0 else ""


def _whole(detection: str, hits: int, sight: pd.DataFrame, days: float) -> pd.DataFrame:
    """Return the row that stands for the log."""
    mine = sight[sight["detection"] == detection]
    state = mine["state"].iloc[0] if len(mine) else "blind"
    held = float(mine["days"].fillna(0).iloc[0]) if len(mine) else 0.0
    gap = mine["gap"].iloc[0] if len(mine) else "nothing is known of it"
    kind = "some" if hits else "none"
    if state != "sees":
        kind = state
    elif gap:
        kind = "gap"
    elif held < days:
        kind, gap = "short", f"it holds {held:.1f} days, and {days:g} are needed"
    row = {
        "object": LOG,
        "member": detection,
        "kind": kind,
        "why": mine["why"].iloc[0] if len(mine) else "",
        "gap": gap,
        "window": (mine["window"].iloc[0] if len(mine) else "") + (", which is less than a day" if held < 1 else ""),
        "count": hits,
    }
    return pd.DataFrame([{**dict.fromkeys(COLUMNS, ""), **row}])


def _judged(examined: pd.DataFrame, kept: bool, lowest: float) -> pd.DataFrame:
    kind = examined["kind"]
    shown = {"path": "{places}", "observed": "audit IDs {audit_ids}{more}", "severity": "{severity}"}
    return judge(
        examined,
        reviews(kind == "review", "{what}", **shown),
        fails(kind == "fail", "{what}", **shown),
        not_assessed(kind == "blind", "it is blind: {why}", code="input_missing"),
        not_assessed(kind == "partly", "it does not see everything: {why}", code="unknown_completeness"),
        not_assessed(kind == "gap", "the log does not cover its window {window}: {gap}", code="truncated"),
        not_assessed(kind == "short", "the log is too short to say {window}: {gap}", code="unknown_completeness"),
        not_assessed(
            (kind == "none") & (not kept),
            f"hits are kept from {lowest:g} on: set a higher number",
            code="input_missing",
        ),
        reviews(kind == "some", "hits: {count}, {window}: is each of them what it should be?"),
        member="member",
        passes="nothing was found {window}; of any other time it says nothing",
    )
