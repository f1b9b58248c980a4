"""Pictures of paths to ePHI: where they begin at the left, what they reach at the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.palette import BLUE, GREY, INK, PALE, VERMILLION
from hipaa_kit.views.plots import Picture, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NODES_DRAWN: Final = 30
"""Nodes of a drawing that a person can still follow; the cheapest paths come first."""

LINES: Final[dict[str, Any]] = {
    "certain": (VERMILLION, "solid"),
    "likely": (BLUE, "dashed"),
    "unknown": (GREY, "dotted"),
}
LONGEST: Final = 34
"""Characters of a name in a box."""


def path_picture(hops: pd.DataFrame, title: str) -> Picture:
    """Draw the cheapest paths as one graph, each hop an arrow with the technique beside it.

    Parameters
    ----------
    hops
        Table `path_hops`; paths are drawn from the first on, as long as the drawing can be read.
    title
        What the figure shows, as a sentence.
    """
    drawn = _drawable(hops)
    layers = _layers(drawn)
    columns: dict[int, list[str]] = {}
    for node, layer in sorted(layers.items(), key=lambda each: (each[1], each[0])):
        columns.setdefault(layer, []).append(node)
    tallest = max((len(each) for each in columns.values()), default=1)
    figure, axes = canvas(2.9 * max(len(columns), 2), 1.6 + 0.75 * tallest, title)
    places = {
        node: (float(at), 1 - (place + 0.5 + (0.25 if at % 2 else 0.0)) / (len(column) + 0.25))
        for at, (_, column) in enumerate(sorted(columns.items()))
        for place, node in enumerate(column)
    }
    ends = {row["end"] for row in drawn}
    edges = {(row["source"], row["target"], row["edge"]): row["confidence"] for row in drawn}
    for (source, target, edge), confidence in sorted(edges.items()):
        _arrow(axes, places[source], places[target], edge, confidence)
    for node, (x, y) in places.items():
        box = {"boxstyle": "round,pad=0.3", "facecolor": PALE if node in ends else "white", "edgecolor": INK}
        axes.text(x, y, _label(node), ha="center", va="center", fontsize=7, bbox=box, zorder=3)
    axes.set_xlim(-0.5, max(len(columns), 2) - 0.5)
    axes.set_ylim(-0.02, 1.02)
    axes.set_axis_off()
    _legend(axes)
    shown = len({row["rank"] for row in drawn})
    words = "; ".join(
        f"{source} {edge} {target} ({confidence})" for (source, target, edge), confidence in sorted(edges.items())
    )
    return Picture(figure, printable(f"{title}. {shown} paths, {len(layers)} nodes. {words or 'no path'}."))


def _drawable(hops: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of as many paths, from the first on, as can be drawn together."""
    drawn: list[dict[str, Any]] = []
    nodes: set[str] = set()
    for _, rows in hops.groupby("rank", sort=True):
        more = {*rows["source"], *rows["target"]}
        if len(nodes | more) <= NODES_DRAWN:
            nodes |= more
            drawn += rows_of(rows)
    return drawn


def _layers(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return for each node the most hops before it on any path: arrows lead to the right, where paths agree."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["source"]] = max(found.get(row["source"], 0), int(row["hop"]) - 1)
        found[row["target"]] = max(found.get(row["target"], 0), int(row["hop"]))
    return found


def _arrow(axes: Axes, one: tuple[float, float], other: tuple[float, float], edge: str, confidence: str) -> None:
    colour, style = LINES[confidence]
    arrow = {"arrowstyle": "-|>", "color": colour, "linestyle": style, "shrinkA": 16, "shrinkB": 20}
    bend = "arc3,rad=0.35" if one[0] == other[0] else "arc3"
    axes.annotate("", other, one, arrowprops={**arrow, "connectionstyle": bend}, zorder=1)
    x, y = (0.55 * one[0] + 0.45 * other[0], 0.55 * one[1] + 0.45 * other[1])
    plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    axes.text(x, y, edge, ha="center", va="center", fontsize=6, color=colour, bbox=plate, zorder=2)


def _label(node: str) -> str:
    """Return a node in two lines: its kind, and its namespace and name."""
    kind, _, rest = node.partition("/")
    name = printable(rest.lstrip("/"))
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return f"{printable(kind)}\n{short}" if rest else printable(kind)


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, ls=style, label=name) for name, (colour, style) in LINES.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=3, frameon=False)
