"""The audit log over time: how much each API server wrote, and when it wrote nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.palette import BLUE, GREY, INK, ORANGE, PALE, SKY, VERMILLION
from hipaa_kit.views.plots import Picture, canvas, moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hipaa_kit.assess.facade import Assessment

LEVELS: Final = {
    "Metadata": (SKY, ""),
    "Request": (BLUE, "//"),
    "RequestResponse": (ORANGE, ".."),
    "": (GREY, ""),
}
"""Colour and hatch of events of each level; none where the provider gives no level."""

DAYS_SQL: Final = """
SELECT server, log, level, date_trunc('day', received_at) AS day, count(*) AS events
FROM audit_events GROUP BY ALL ORDER BY server, log, level, day
"""


def log_days(run: Assessment, title: str) -> Picture:
    """Draw how many events each API server wrote on each day, by level, and shade when it wrote nothing.

    Parameters
    ----------
    run
        The assessment.
    title
        What the figure shows, as a sentence.

    Notes
    -----
    Lanes have one scale. What a policy leaves out is no gap: the level of each event says only what was recorded.
    """
    log = run.snapshot.audit_log
    days = log.query(DAYS_SQL) if log is not None else pd.DataFrame(columns=["server", "log", "level", "day", "events"])
    named = days.assign(lane=[lane_of(server, name) for server, name in zip(days["server"], days["log"], strict=True)])
    lanes = sorted(named["lane"].unique())
    figure, axes = canvas(11.5, 1.4 + 0.9 * max(len(lanes), 1), title)
    top = max(float(named.groupby(["lane", "day"])["events"].sum().max() or 1), 1.0) if len(named) else 1.0
    drawn: set[str] = set()
    for row, lane in enumerate(lanes):
        mine = named[named["lane"] == lane]
        grid = mine.pivot_table("events", "day", "level", "sum", fill_value=0)
        bottom = pd.Series(0.0, index=grid.index)
        for level in [name for name in LEVELS if name in grid]:
            colour, hatch = LEVELS[level]
            label = None if level in drawn else level or "no level said"
            drawn.add(level)
            heights = 0.8 * grid[level] / top
            # A lane stands on its line: axes run downwards, so that bars grow towards smaller numbers.
            axes.bar(grid.index, -heights, 0.86, bottom=row + 0.4 - bottom, color=colour, hatch=hatch,
                     edgecolor="white", label=label, align="edge", linewidth=0.3)  # fmt: skip
            bottom = bottom + heights
    shade_gaps(axes, run, lanes)
    axes.set_ylim(max(len(lanes), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(lanes)), [printable(lane) for lane in lanes], fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(f"day, UTC; the highest bar is {int(top):,} events")
    if drawn:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    said = "; ".join(f"{lane}: {number:,} events" for lane, number in named.groupby("lane")["events"].sum().items())
    return Picture(figure, printable(f"{title}. {said or 'no audit log was given'}."))


def shade_gaps(axes: Axes, run: Assessment, lanes: list[str] | None = None) -> None:
    """Shade the times in which the log of a server is silent: over its lane, or over everything."""
    gaps = long_gaps(run)
    for number, gap in enumerate(rows_of(gaps)):
        begins, ends = (moment(gap[name]) for name in ("first_at", "last_at"))
        label = "no event for long" if number == 0 else None
        if lanes is None:
            axes.axvspan(begins, ends, facecolor=PALE, edgecolor=INK, hatch="xx", linewidth=0, alpha=0.7, label=label)
        elif gap["lane"] in lanes:
            row = lanes.index(gap["lane"])
            axes.barh(row, ends - begins, left=begins, height=0.9, label=label, zorder=4, facecolor=PALE,
                      edgecolor=VERMILLION, hatch="xx", linewidth=0.6, alpha=0.9)  # fmt: skip


def long_gaps(run: Assessment) -> pd.DataFrame:
    """Return the pauses that are long enough to name, with the lane of their log, the longest first."""
    lane = {row["object"]: lane_of(row["server"], row["log"]) for row in rows_of(run.tables.audit_windows)}
    gaps = run.tables.audit_gaps
    return gaps.assign(lane=gaps["object"].map(lane)).sort_values("minutes", ascending=False).reset_index(drop=True)


def lane_of(server: str, log: str) -> str:
    """Return the words for one log of one server."""
    known = server or "server not named"
    return known if log in ("", "kube-apiserver") else f"{known} ({log})"
