"""Figures of room: how much of what other nodes have left the pods of a lost node would take."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.views.palette import BLUE, INK, ORANGE, VERMILLION
from hipaa_kit.views.plots import ROWS_DRAWN, Picture, canvas

RESOURCES = {"cpu": ("CPU", "o"), "memory": ("memory", "s")}
STANDINGS = {
    "fits": (BLUE, "finds room"),
    "decided by priority": (ORANGE, "only where others give way"),
    "no room": (VERMILLION, "no room, or a last replica held there"),
}
"""Colour and words of what would become of the pods; the marker tells the resource."""


def room_without(node_losses: pd.DataFrame, title: str) -> Picture:
    """Draw for each node which share of the others' room its pods would take if it were lost.

    Parameters
    ----------
    node_losses
        Table of that name; the nodes that would take most are drawn where there are many.
    title
        What the figure shows, as a sentence.
    """
    rows = shares(node_losses).head(ROWS_DRAWN).iloc[::-1].reset_index(drop=True)
    figure, axes = canvas(8.6, 1.7 + 0.34 * max(len(rows), 1), title)
    places = pd.Series(range(len(rows)), dtype="float64")
    for resource, (_, marker) in RESOURCES.items():
        offset = 0.14 if resource == "cpu" else -0.14
        for standing, (colour, _) in STANDINGS.items():
            held = rows["standing"] == standing
            axes.hlines(places[held] + offset, 0, rows.loc[held, resource], color=colour, linewidth=1.2, alpha=0.7)
            axes.scatter(rows.loc[held, resource], places[held] + offset, color=colour, marker=marker, s=38, zorder=3)
    axes.axvline(100, color=INK, linestyle="--", linewidth=1)
    for name, marker in RESOURCES.values():
        axes.scatter([], [], color=INK, marker=marker, label=name)
    for standing, (colour, words) in STANDINGS.items():
        if (rows["standing"] == standing).any():
            axes.plot([], [], color=colour, linewidth=4, label=words)
    axes.set_yticks(list(places), [printable(f"{node.removeprefix('Node//')} {zone}") for node, zone in _named(rows)])
    axes.set_xlim(0, max(110.0, float(rows[["cpu", "memory"]].max().max() or 0.0) * 1.05))
    axes.set_xlabel("share of what the other nodes have left, in percent")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    said = [
        f"{node.removeprefix('Node//')}: {cpu:.0f}% of CPU, {memory:.0f}% of memory, {standing}"
        for node, cpu, memory, standing in rows[["node", "cpu", "memory", "standing"]].itertuples(index=False)
    ]
    return Picture(figure, printable(f"{title}. {'; '.join(reversed(said))}."))


def shares(node_losses: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes with the share of the others' room that their pods would take, in percent, the largest first.

    Parameters
    ----------
    node_losses
        Table of that name; nodes of which nothing is known are left out.

    Returns
    -------
    pandas.DataFrame
        One row per node: node, zone, cpu, memory, standing.
    """
    known = node_losses[node_losses["all_fit"].notna()]
    lost = known["impossible"].astype(bool) | (known["stopped"] != "")
    standing = pd.Series("decided by priority", index=known.index).mask(known["all_fit"].astype(bool), "fits")
    found = pd.DataFrame(
        {
            "node": known["node"],
            "zone": known["zone"],
            "cpu": _percent(known["cpu_displaced"], known["cpu_free"]),
            "memory": _percent(known["memory_displaced"], known["memory_free"]),
            "standing": standing.mask(lost, "no room"),
        }
    )
    order = found[["cpu", "memory"]].max(axis=1)
    return found.assign(order=order).sort_values(["order", "node"], ascending=[False, True]).drop(columns="order")


def _percent(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return a share in percent; where nothing is left, everything asked for is too much."""
    return (100 * part / whole.where(whole > 0)).fillna(part.gt(0).map({True: 200.0, False: 0.0})).astype("float64")


def _named(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [(node, f"({zone})" if zone else "") for node, zone in rows[["node", "zone"]].itertuples(index=False)]
