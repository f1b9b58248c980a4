"""Figures. Each draws one table, says its finding in the title, and returns its words as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.views.palette import (
    AT_REST_STYLE,
    BLUE,
    COVERAGE_STYLE,
    GREY,
    INK,
    MARKS,
    PALE,
    STATUS_STYLE,
    VERDICT_STYLE,
    VERMILLION,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS_DRAWN = 30
"""More rows than this cannot be read; the table beside the figure has them all."""


class Picture(NamedTuple):
    """A figure and what it says in words."""

    figure: Figure
    alt: str


def verdict_bars(findings: pd.DataFrame, by: str, title: str) -> Picture:
    """Draw findings as stacked bars of verdicts, one bar per value of a column.

    Parameters
    ----------
    findings
        Table `findings`, or a part of it.
    by
        Column that gives the bars: `check`, `topic`, `namespace`.
    title
        What the figure shows, as a sentence.
    """
    counts = pd.crosstab(findings[by], findings["verdict"])
    return stacked(counts, VERDICT_STYLE, title, "findings")


def verdict_grid(findings: pd.DataFrame, columns: Mapping[str, str], title: str) -> Picture:
    """Draw the worst verdict of each object in each of some checks: objects are rows, checks are columns.

    Parameters
    ----------
    findings
        Table `findings`, or a part of it.
    columns
        Words for each check that is drawn, in order.
    title
        What the figure shows, as a sentence.

    Notes
    -----
    Objects with the worst verdicts come first; of more than `ROWS_DRAWN` the first are drawn.
    """
    asked = findings[findings["check"].isin(list(columns))]
    ranks = {verdict: rank for rank, verdict in enumerate(VERDICT_STYLE)}
    worst = asked.assign(rank=asked["verdict"].map(ranks)).pivot_table("rank", "object", "check", "min")
    worst = worst.reindex(columns=list(columns))
    worst = worst.loc[worst.apply(lambda row: tuple(sorted(row.fillna(len(ranks)))), axis=1).sort_values().index]
    drawn = worst.head(ROWS_DRAWN)
    figure, axes = canvas(2.6 + 1.5 * len(columns), 1.2 + 0.3 * max(len(drawn), 1), title)
    verdicts = list(VERDICT_STYLE)
    for y, (_, row) in enumerate(drawn.iterrows()):
        for x, rank in enumerate(row):
            if pd.notna(rank):
                colour, hatch = VERDICT_STYLE[verdicts[int(rank)]]
                axes.barh(y, 0.94, left=x - 0.47, height=0.86, color=colour, hatch=hatch, edgecolor="white")
                mark = MARKS[verdicts[int(rank)]].partition(" ")[0]
                box = dict(boxstyle="circle,pad=0.15", color="white")  # noqa: C408 - reads as the options it is
                axes.text(x, y, mark, ha="center", va="center", fontsize=8, color=INK, bbox=box)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(max(len(drawn), 1) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), list(columns.values()))
    axes.set_yticks(range(len(drawn)), [shortened(str(name)) for name in drawn.index])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    counts = pd.crosstab(asked["check"].map(columns), asked["verdict"])
    return Picture(figure, f"{title}. {_in_words(counts)}")


def citation_bars(citations: pd.DataFrame, title: str) -> Picture:
    """Draw citations as stacked bars of their status, one bar per safeguard group of the rule."""
    groups = (
        citations["citation"]
        .str.extract(r"^(164\.3\d\d)")[0]
        .map(
            {
                "164.306": "164.306 general",
                "164.308": "164.308 administrative",
                "164.310": "164.310 physical",
                "164.312": "164.312 technical",
                "164.314": "164.314 organisational",
                "164.316": "164.316 documentation",
            }
        )
    )
    counts = pd.crosstab(groups.rename("group"), citations["status"])
    return stacked(counts, STATUS_STYLE, title, "citations")


def coverage_bars(coverage: pd.DataFrame, title: str) -> Picture:
    """Draw what came back for each API group: kinds by coverage status."""
    worst = coverage.assign(api_group=coverage["group"].replace("", "core"))
    order = {status: rank for rank, status in enumerate(COVERAGE_STYLE)}
    worst = worst.assign(rank=worst["status"].map(order)).sort_values("rank")
    kinds = worst.drop_duplicates(["api_group", "kind"], keep="last")
    counts = pd.crosstab(kinds["api_group"], kinds["status"])
    return stacked(counts, COVERAGE_STYLE, title, "kinds of object")


def volume_bars(ephi_volumes: pd.DataFrame, title: str) -> Picture:
    """Draw volumes with ePHI as stacked bars, one per driver: what they are at rest, and keys that are near."""
    driver = ephi_volumes["driver"].where(ephi_volumes["driver"] != "", ephi_volumes["type"])
    near = (ephi_volumes["state"] == "encrypted") & ephi_volumes["place"].isin(["cluster", "node"])
    state = ephi_volumes["state"].mask(near, "key in the cluster")
    counts = pd.crosstab(driver.where(driver != "", "not made").rename("driver"), state.rename("state"))
    return stacked(counts, AT_REST_STYLE, title, "volumes")


def placement(pods: pd.DataFrame, nodes: pd.DataFrame, spread: pd.DataFrame, title: str) -> Picture:
    """Draw where the ready replicas of ePHI workloads run: workloads by nodes, zones side by side.

    Parameters
    ----------
    pods, nodes, spread
        Tables of those names; workloads are those of `spread`, the least spread first.
    title
        What the figure shows, as a sentence.
    """
    running = spread[spread["ready_replicas"] > 0]
    worst_first = running.sort_values(["nodes", "zones", "workload"]).head(ROWS_DRAWN)
    workloads = list(worst_first["workload"])
    ready = pods[pods["ready"].fillna(False) & pods["workload"].isin(workloads) & (pods["node"] != "")]
    columns = nodes[nodes["name"].isin(ready["node"])].sort_values(["zone", "name"])
    names, zones = list(columns["name"]), list(columns["zone"])
    grid = pd.crosstab(ready["workload"], ready["node"]).reindex(index=workloads, columns=names, fill_value=0)
    figure, axes = canvas(2.6 + 0.62 * len(names), 1.9 + 0.34 * len(workloads), title)
    _cells(axes, grid, single=set(worst_first.loc[worst_first["nodes"] <= 1, "workload"]))
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(workloads)), [shortened(workload) for workload in workloads])
    _zones(axes, zones)
    lines = [
        f"{row.workload}: {row.ready_replicas} ready on {row.nodes} nodes in {row.zones} zones"
        for row in worst_first.itertuples()
    ]
    return Picture(figure, f"{title}. {'; '.join(lines)}.")


def scope_map(workloads: pd.DataFrame, ephi: pd.DataFrame, candidates: pd.DataFrame, title: str) -> Picture:
    """Draw namespaces by how many of their workloads are in the ePHI scope, candidates, or neither."""
    inside = set(ephi["object"])
    unanswered = set(candidates["object"]) - inside
    standing = workloads["object"].map(
        lambda name: "in scope" if name in inside else "candidate" if name in unanswered else "outside"
    )
    counts = pd.crosstab(workloads["namespace"], standing.rename("standing"))
    styles = {"in scope": (BLUE, ""), "candidate": (VERMILLION, "//"), "outside": (PALE, "")}
    counts = counts.reindex(columns=[name for name in styles if name in counts])
    return stacked(counts, styles, title, "workloads")


def stacked(counts: pd.DataFrame, styles: Mapping[str, tuple[str, str]], title: str, unit: str) -> Picture:
    """Draw counts as stacked bars: a bar per row, a colour and hatch per column."""
    from matplotlib.ticker import MaxNLocator

    shown = [name for name in styles if name in counts.columns]
    counts = counts[shown].head(ROWS_DRAWN)
    figure, axes = canvas(8.6, 1.7 + 0.36 * max(len(counts), 1), title)
    rows = list(counts.index)[::-1]
    left = pd.Series(0, index=rows)
    for name in shown:
        colour, hatch = styles[name]
        values = counts[name].reindex(rows)
        bars = axes.barh(
            range(len(rows)),
            values,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=_words(name),
        )
        labels = [str(value) if value else "" for value in values]
        dark = colour in (BLUE, VERMILLION)
        ink = "white" if dark else INK
        plate = {"facecolor": colour, "edgecolor": "none", "pad": 1.0}
        for text in axes.bar_label(bars, labels, label_type="center", fontsize=8, color=ink):
            if text.get_text():
                text.set_bbox(plate)
        left = left + values
    axes.set_yticks(range(len(rows)), [_words(str(row)) for row in rows])
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if shown:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return Picture(figure, f"{title}. {_in_words(counts)}")


def _cells(axes: Axes, grid: pd.DataFrame, single: set[str]) -> None:
    axes.set_xlim(-0.5, max(len(grid.columns), 1) - 0.5)
    axes.set_ylim(max(len(grid), 1) - 0.5, -0.5)
    axes.set_xticks([x - 0.5 for x in range(len(grid.columns) + 1)], minor=True)
    axes.set_yticks([y - 0.5 for y in range(len(grid) + 1)], minor=True)
    axes.grid(which="minor", color=PALE)
    axes.tick_params(which="both", length=0)
    for y, (workload, row) in enumerate(grid.iterrows()):
        for x, replicas in enumerate(row):
            if replicas:
                alone = workload in single
                box = dict(  # noqa: C408 - reads as the options it is
                    boxstyle="round,pad=0.35", color=VERMILLION if alone else BLUE
                )
                axes.text(x, y, f"{replicas}!" if alone else str(replicas), color="white", bbox=box,
                          ha="center", va="center", fontsize=8)  # fmt: skip


def _zones(axes: Axes, zones: list[str]) -> None:
    """Name the zones above their nodes and draw a line between them."""
    for x in range(1, len(zones)):
        if zones[x] != zones[x - 1]:
            axes.axvline(x - 0.5, color=INK, linewidth=1)
    for zone in dict.fromkeys(zones):
        members = [x for x, name in enumerate(zones) if name == zone]
        middle = sum(members) / len(members)
        axes.text(middle, -0.62, zone or "no zone", ha="center", va="bottom", fontsize=8, color=GREY)


def canvas(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Return a figure wide enough for its title, which stands above everything at the left."""
    from matplotlib import pyplot as plt

    # A name in a cluster may hold dollar signs: it is no formula.
    plt.rcParams["text.parse_math"] = False
    figure, axes = plt.subplots(figsize=(max(width, 1.0 + 0.095 * len(title)), height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure, axes


def moment(text: str) -> Any:
    """Return a moment as an axis of time takes it."""
    return pd.Timestamp(text)


def _in_words(counts: pd.DataFrame) -> str:
    rows = [
        f"{_words(str(name))}: " + ", ".join(f"{value} {_words(str(column))}" for column, value in row.items() if value)
        for name, row in counts.iterrows()
    ]
    return "; ".join(rows) + "."


def _words(name: str) -> str:
    return printable(name.replace("_", " "))


def shortened(workload: str) -> str:
    """Return a workload as `namespace/name`."""
    _, namespace, name = workload.split("/", 2)
    return printable(f"{namespace}/{name}")
