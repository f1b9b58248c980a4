"""What detections found in the audit log, when, and how much of it they could see at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.inventory.audit_log.requests import request_of
from hipaa_kit.printable import printable
from hipaa_kit.views.incident import few
from hipaa_kit.views.log_plots import shade_gaps
from hipaa_kit.views.palette import BLUE, GREY, ORANGE, PALE, SKY, VERMILLION
from hipaa_kit.views.plots import Picture, canvas
from hipaa_kit.vocabulary import SEVERITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hipaa_kit.assess.facade import Assessment

SEVERITY_STYLE: Final = {
    "critical": (VERMILLION, "D"),
    "high": (ORANGE, "s"),
    "medium": (BLUE, "o"),
    "low": (SKY, "^"),
    "info": (GREY, "."),
}
"""Colour and marker of each severity of a hit."""

BARS: Final = {"critical": "xx", "high": "//", "medium": "..", "low": "", "info": "--"}
"""Hatch of each severity where it is a bar."""

SIGHT_STYLE: Final = {"blind": ("\\\\\\\\", "blind"), "partly": ("..", "sees a part"), "sees": ("", "sees")}
"""Hatch and words of what a detection can see; where it sees everything the row stays white."""

REFUSED_SQL: Final = f"""
SELECT CASE WHEN "user" = '' THEN 'address ' || source_ip ELSE "user" END AS subject, code,
       count(DISTINCT ({request_of()})) AS requests,
       strftime(min(received_at), '%Y-%m-%dT%H:%M:%SZ') AS first_at,
       strftime(max(received_at), '%Y-%m-%dT%H:%M:%SZ') AS last_at
FROM audit_events WHERE code IN (401, 403)
GROUP BY ALL ORDER BY requests DESC, subject, code
"""  # noqa: S608 - parts of our own


def detection_map(run: Assessment, title: str) -> Picture:
    """Draw every detection as a row: its hits over time by severity, and hatched what it could not have seen.

    Parameters
    ----------
    run
        The assessment.
    title
        What the figure shows, as a sentence.

    Notes
    -----
    An empty row that is hatched means nothing: what it looks for may have happened.
    """
    sight, hits = run.tables.detection_sight, run.tables.detection_hits
    rows = list(sight["detection"])
    figure, axes = canvas(11.5, 1.6 + 0.27 * max(len(rows), 1), title)
    start, end = _window(run)
    _hatch(axes, dict(zip(sight["detection"], sight["state"], strict=True)), rows, start, end)
    for severity in reversed(SEVERITIES):
        colour, marker = SEVERITY_STYLE[severity]
        mine = hits[(hits["severity"] == severity) & hits["detection"].isin(rows)]
        if len(mine):
            moments = pd.to_datetime(mine["first_at"], utc=True)
            places = mine["detection"].map(rows.index)
            axes.scatter(moments, places, color=colour, marker=marker, s=30, zorder=3, label=severity, linewidths=0)
    shade_gaps(axes, run)
    axes.set_xlim(start, end)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_named(run, name) for name in rows], fontsize=7.5)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("UTC")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    counts = hits.groupby("detection").size()
    blind = ", ".join(sight.loc[sight["state"] == "blind", "detection"]) or "none"
    said = ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"
    return Picture(figure, printable(f"{title}. Hits: {said}. Blind: {blind}."))


def _hatch(axes: Axes, states: dict[str, str], rows: list[str], start: Any, end: Any) -> None:
    seen: set[str] = set()
    for row, name in enumerate(rows):
        hatch, words = SIGHT_STYLE[states[name]]
        if hatch:
            label = None if words in seen else words
            seen.add(words)
            axes.barh(
                row,
                end - start,
                left=start,
                height=0.86,
                color=PALE,
                hatch=hatch,
                edgecolor="white",
                label=label,
                zorder=0,
            )


def _window(run: Assessment) -> tuple[Any, Any]:
    """Return the time that is drawn: that of the log; without one the month before the moment judged for."""
    end = pd.Timestamp(run.as_of).tz_convert("UTC")
    windows = run.tables.audit_windows
    dated = windows[windows["first_at"] != ""]
    if dated.empty:
        return end - pd.Timedelta(days=30), end
    return pd.Timestamp(dated["first_at"].min()), pd.Timestamp(dated["last_at"].max())


def _named(run: Assessment, detection: str) -> str:
    title = run.catalogue.control(f"HK-{detection}").title
    return printable(f"{title[:60]}{'…' if len(title) > 60 else ''}  {detection}")


def told_hits(run: Assessment) -> pd.DataFrame:
    """Return the hits of all detections, the worst first, in few columns."""
    hits = run.tables.detection_hits
    rank = hits["severity"].map(SEVERITIES.index)
    order = hits.assign(rank=rank).sort_values(["rank", "first_at", "detection"], kind="stable").index
    columns = ["severity", "detection", "subject", "object", "first_at", "events", "what", "places"]
    told = hits.loc[order, columns].reset_index(drop=True)
    return told.assign(places=few(told["places"]))


def sights(run: Assessment) -> pd.DataFrame:
    """Return the detections that did not see all they look for, the blind first, with why."""
    found = run.tables.detection_sight
    lost = found[found["state"] != "sees"]
    order = lost.assign(rank=lost["state"].map({"blind": 0, "partly": 1})).sort_values(["rank", "detection"]).index
    return lost.loc[order, ["detection", "state", "why", "minimal_level"]].reset_index(drop=True)


def refused(run: Assessment) -> pd.DataFrame:
    """Return whom the API servers turned away: one row per user, or address where nobody was known, and status."""
    log = run.snapshot.audit_log
    columns = ["subject", "code", "requests", "first_at", "last_at"]
    return pd.DataFrame(columns=columns) if log is None else log.query(REFUSED_SQL)


def sign_in_failures(run: Assessment) -> pd.DataFrame:
    """Return the sign-ins at the identity provider by how they ended; empty where none were given."""
    found = run.tables.sign_ins
    grouped = found.groupby(["provider", "outcome"], as_index=False)
    return grouped.agg(
        sign_ins=("event", "size"), users=("user", "nunique"), first_at=("at", "min"), last_at=("at", "max")
    )


def subjects_hit(run: Assessment, title: str) -> Picture:
    """Draw which identities the hits name, stacked by severity: who has to be asked first.

    Parameters
    ----------
    run
        The assessment.
    title
        What the figure shows, as a sentence.
    """
    hits = run.tables.detection_hits
    counts = pd.crosstab(hits["subject"], hits["severity"]).reindex(columns=list(SEVERITIES), fill_value=0)
    drawn = counts.sort_values(list(SEVERITIES), ascending=False, kind="stable").head(15).iloc[::-1]
    figure, axes = canvas(9.0, 1.5 + 0.3 * max(len(drawn), 1), title)
    left = pd.Series(0, index=drawn.index)
    for severity in SEVERITIES:
        values = drawn[severity]
        if values.sum():
            style: dict[str, Any] = {
                "color": SEVERITY_STYLE[severity][0],
                "hatch": BARS[severity],
                "edgecolor": "white",
            }
            bars = axes.barh(range(len(drawn)), values, left=left, label=severity, **style)
            for words in axes.bar_label(bars, [str(v) if v else "" for v in values], label_type="center", fontsize=7):
                if words.get_text():
                    words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
        left = left + values
    axes.set_yticks(range(len(drawn)), [printable(str(name)[:60]) for name in drawn.index], fontsize=8)
    axes.set_xlabel("hits")
    axes.spines[["top", "right"]].set_visible(False)
    if len(drawn):
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    said = "; ".join(f"{name}: {int(row.sum())}" for name, row in drawn.iloc[::-1].iterrows())
    return Picture(figure, printable(f"{title}. {said or 'no hits'}."))
