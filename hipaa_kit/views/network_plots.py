"""Figures of the network: namespaces against each other, and the neighbourhood of ePHI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.palette import BLUE, GREY, INK, ORANGE, PALE, SKY, VERMILLION
from hipaa_kit.views.plots import ROWS_DRAWN, Picture, canvas, shortened, stacked

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

OUTSIDE = "outside the cluster"
STANDINGS = {
    "declared": (BLUE, ""),
    "not declared": (VERMILLION, "//"),
    "perhaps allowed, not declared": (GREY, "\\\\"),
    "declared, denied": (ORANGE, ".."),
}
"""How a flow stands to the scope file: colour and hatch."""

LINES: dict[str, Any] = {"declared": "solid", "not declared": "dashed", "perhaps allowed, not declared": "dotted"}
NEIGHBOURS_DRAWN = 24
"""ePHI workloads in a drawing that a person can still follow; those with undeclared flows come first."""


def namespace_map(flows: pd.DataFrame, ephi: Iterable[str], title: str) -> Picture:
    """Draw namespaces against each other: how many pairs of pods may connect.

    Parameters
    ----------
    flows
        Table `namespace_flows`.
    ephi
        Namespaces with ePHI workloads; they come first, and their names carry a mark.
    title
        What the figure shows, as a sentence.
    """
    marked = set(ephi)
    names = sorted({*flows["source"]}, key=lambda name: (name not in marked, name))[:ROWS_DRAWN]
    drawn = flows[flows["source"].isin(names) & flows["destination"].isin(names)]
    figure, axes = canvas(3.4 + 0.5 * len(names), 2.6 + 0.36 * len(names), title)
    at = {name: place for place, name in enumerate(names)}
    for row in rows_of(drawn):
        _square(axes, at[row["destination"]], at[row["source"]], row)
    labels = [f"{name} *" if name in marked else name for name in names]
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlabel("may be connected to (* holds ePHI)")
    axes.set_ylabel("from")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    count = drawn["verdict"].value_counts()
    said = ", ".join(f"{count[verdict]} {verdict}" for verdict in ("allowed", "unknown", "denied") if verdict in count)
    open_ = drawn[drawn["destination"].isin(marked) & (drawn["verdict"] != "denied")]
    into = [
        f"{name} from {', '.join(open_[open_['destination'] == name]['source'])}"
        for name in names
        if name in set(open_["destination"])
    ]
    return Picture(figure, f"{title}. Pairs of namespaces: {said}. {'; '.join(into)}.")


def _square(axes: Axes, x: int, y: int, row: dict[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    pairs, allowed = int(row["pairs"]), int(row["allowed"])
    if not pairs:
        return
    part = allowed / pairs
    colour, hatch, word, ink = PALE, "", "", INK
    if row["verdict"] == "unknown":
        colour, hatch, word = "white", "\\\\\\", "?"
    elif part >= 0.995:
        colour, word, ink = BLUE, "all", "white"
    elif allowed:
        colour, word = SKY, f"{part:.0%}" if part >= 0.01 else "<1%"
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour, hatch=hatch, edgecolor="white"))
    if row["verdict"] == "unknown":
        axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fill=False, hatch=hatch, edgecolor=GREY))
    plate = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if word == "?" else None
    axes.text(x, y, word, ha="center", va="center", fontsize=8, color=ink, bbox=plate)


def traffic_bars(traffic: pd.DataFrame, title: str) -> Picture:
    """Draw flows of ePHI workloads by what they are for, and how they stand to the scope file.

    Parameters
    ----------
    traffic
        Table `ephi_traffic`.
    title
        What the figure shows, as a sentence.
    """
    standing = standings(traffic)
    counts = pd.crosstab(traffic["category"], standing)
    return stacked(counts, STANDINGS, title, "pairs of ends and protocols")


def standings(traffic: pd.DataFrame) -> pd.Series:
    """Return for each row of `ephi_traffic` how it stands to what is declared."""
    found = pd.Series("declared", index=traffic.index, dtype="str", name="standing")
    found = found.mask(traffic["blocked"] != "", "declared, denied")
    found = found.mask(traffic["doubtful"] != "", "perhaps allowed, not declared")
    return found.mask(traffic["undeclared"] != "", "not declared")


def neighbourhood(traffic: pd.DataFrame, title: str) -> Picture:
    """Draw ePHI workloads with what may connect to them at the left, and what they may connect to at the right.

    Parameters
    ----------
    traffic
        Table `ephi_traffic`. Workloads that hold no ePHI are drawn as their namespace, addresses as one.
    title
        What the figure shows, as a sentence.
    """
    import networkx as nx

    graph = _graph(traffic)
    left, middle, right = ([name for name in graph if graph.nodes[name]["side"] == side] for side in range(3))
    height = 1.6 + 0.36 * max(len(left), len(middle), len(right), 1)
    figure, axes = canvas(11, height, title)
    places = {
        name: (float(side), 1 - (at + 0.5) / len(column))
        for side, column in enumerate((left, middle, right))
        for at, name in enumerate(column)
    }
    for standing, line in LINES.items():
        for within, bend in ((False, 0.0), (True, 0.55)):
            edges = [
                (one, other)
                for one, other, data in graph.edges(data=True)
                if data["standing"] == standing and (graph.nodes[one]["side"] == graph.nodes[other]["side"]) == within
            ]
            nx.draw_networkx_edges(
                graph,
                places,
                edges,
                ax=axes,
                edge_color=STANDINGS[standing][0],
                style=line,
                connectionstyle=f"arc3,rad={bend}",
                arrowsize=8,
                node_size=700,
                width=1.1,
            )
    sides = {0: ("right", -0.03), 1: ("center", 0.0), 2: ("left", 0.03)}
    for name, (x, y) in places.items():
        align, shift = sides[int(x)]
        box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": INK if x == 1 else PALE}
        axes.text(x + shift, y, graph.nodes[name]["label"], ha=align, va="center", fontsize=8, bbox=box)
    axes.set_xlim(-0.75, 2.75)
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    _legend(axes)
    told = [
        f"{graph.nodes[one]['label']} to {graph.nodes[other]['label']}: {data['standing']}"
        for one, other, data in graph.edges(data=True)
        if data["standing"] != "declared"
    ]
    words = "; ".join(told) if told else "every connection drawn is declared"
    return Picture(figure, f"{title}. {len(middle)} ePHI workloads, {graph.number_of_edges()} connections. {words}.")


def _graph(traffic: pd.DataFrame) -> nx.DiGraph[str]:
    """Return the connections that are allowed or perhaps so, of as many ePHI workloads as can be drawn."""
    import networkx as nx

    rows = rows_of(traffic.assign(standing=standings(traffic)))
    rows = [row for row in rows if row["verdict"] != "denied" and row["source"] != row["destination"]]
    rows.sort(key=lambda row: (row["standing"] != "not declared", row["source"], row["destination"]))
    graph: nx.DiGraph[str] = nx.DiGraph()
    drawn: dict[str, None] = {}
    known: dict[tuple[str, str], str] = {}
    for row in rows:
        wanted = [row[end] for end in ("source", "destination") if row[f"{end}_ephi"]]
        for name in wanted:
            if len(drawn) < NEIGHBOURS_DRAWN:
                drawn[name] = None
        if any(name not in drawn for name in wanted):
            continue
        one, other = _end(row, "source"), _end(row, "destination")
        for name, label, side in (one, other):
            graph.add_node(name, label=label, side=side)
        standing = row["standing"].replace("declared, denied", "declared")
        if known.setdefault((one[0], other[0]), "declared") == "declared":
            known[one[0], other[0]] = standing
    ordered: nx.DiGraph[str] = nx.DiGraph()
    for name in sorted(graph, key=lambda name: str(graph.nodes[name]["label"])):
        ordered.add_node(name, **graph.nodes[name])
    ordered.add_edges_from((one, other, {"standing": standing}) for (one, other), standing in known.items())
    return ordered


def _end(row: dict[str, Any], end: str) -> tuple[str, str, int]:
    """Return name, label and side of one end: ePHI stands in the middle."""
    if row[f"{end}_ephi"]:
        return row[end], shortened(row[end]), 1
    namespace = row[f"{end}_namespace"]
    label = f"namespace {namespace}" if namespace else OUTSIDE
    return f"{end}/{label}", label, 0 if end == "source" else 2


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=STANDINGS[name][0], ls=line, label=name) for name, line in LINES.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=3, frameon=False)
