"""Figures of an incident: what happened when, with the times of which nothing is known, and who did what to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.views.incident import GRAVITY, gravity, in_words
from hipaa_kit.views.palette import BLUE, GREY, INK, ORANGE, PALE, PURPLE, VERMILLION
from hipaa_kit.views.plots import Picture, canvas, moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hipaa_kit.graph.incident import Incident

LANES, RESOURCES, LONG = 14, 14, 44
STYLE: Final = {
    "changes near ePHI": (VERMILLION, "D", "//"),
    "reads near ePHI": (BLUE, "o", ""),
    "other changes": (ORANGE, "s", ".."),
    "refused": (PURPLE, "x", "xx"),
    "other reads": (GREY, ".", ""),
}
"""Colour, marker and hatch of what an act is."""

TAKEN: Final = "^"
BLIND: Final = ("gap", "window", "no log")


def incident_timeline(found: Incident, title: str) -> Picture:
    """Draw who did what when: a lane for each identity, a mark for each kind of act, and shaded what would not show.

    Parameters
    ----------
    found
        The answer of `Assessment.incident`.
    title
        What the figure shows, as a sentence.

    Notes
    -----
    A line leads from the first to the last of like requests. A triangle says when an identity came to be in question.
    """
    lanes = _lanes(found)
    figure, axes = canvas(11.5, 1.9 + 0.5 * max(len(lanes), 1), title)
    blind = _shade(axes, found)
    acts = found.acts.assign(what=gravity(found.acts))
    for what, (colour, marker, _) in STYLE.items():
        mine = acts[(acts["what"] == what) & acts["identity"].isin(lanes)]
        if mine.empty:
            continue
        offset = 0.14 * (GRAVITY.index(what) - 2)
        places = mine["identity"].map(lanes.index) + offset
        first, last = _moments(mine["first_at"]), _moments(mine["last_at"])
        axes.hlines(places, first, last, color=colour, linewidth=1.4, alpha=0.6)
        axes.scatter(first, places, color=colour, marker=marker, s=26, zorder=3, label=what)
    _taken(axes, found, lanes)
    start, end = moment(found.since), moment(found.until)
    axes.set_xlim(start - (end - start) / 50, end)
    axes.set_ylim(max(len(lanes), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(lanes)), [_label(name) for name in lanes], fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("UTC")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    counts = acts.groupby("what")["requests"].sum().reindex(GRAVITY).dropna()
    said = ", ".join(f"{int(number)} {what}" for what, number in counts.items()) or "no request"
    return Picture(figure, printable(f"{title}. {said}; {len(lanes)} identities drawn; {blind}."))


def _lanes(found: Incident) -> list[str]:
    """Return the identities that are drawn: those that did something, or are the one asked about, in their order."""
    told = in_words(found.identities)
    active = set(found.acts["identity"]) | set(told.loc[told["sure"], "identity"])
    return [name for name in dict.fromkeys(told["identity"]) if name in active][:LANES]


def _shade(axes: Axes, found: Incident) -> str:
    """Shade the times of which a server's log says nothing; return that in words."""
    hidden = found.blind[found.blind["matter"].isin(BLIND)]
    for number, (since, until) in enumerate(zip(hidden["since"], hidden["until"], strict=True)):
        begins, ends = moment(since or found.since), moment(until or found.until)
        label = "no log of a server" if number == 0 else None
        axes.axvspan(begins, ends, facecolor=PALE, hatch="\\\\", edgecolor=GREY, linewidth=0, alpha=0.8, label=label)
    return f"{len(hidden)} times of which a log says nothing" if len(hidden) else "no gap in the log"


def _taken(axes: Axes, found: Incident, lanes: list[str]) -> None:
    told = in_words(found.identities)
    first = told[told["identity"].isin(lanes) & (told["through"] != "itself")].drop_duplicates("identity")
    if first.empty:
        return
    places = first["identity"].map(lanes.index)
    since = _moments(first["since"])
    axes.scatter(since, places - 0.36, color=INK, marker=TAKEN, s=34, zorder=4, label="came to be in question")
    for began, place, through in zip(since, places, first["through"], strict=True):
        place_of = (began, place - 0.36)
        axes.annotate(through, place_of, (5, -1), textcoords="offset points", fontsize=7, color=INK, va="center")


def incident_grid(acts: pd.DataFrame, title: str) -> Picture:
    """Draw how often each identity asked for what: identities are rows, resources columns, the gravest act the colour.

    Parameters
    ----------
    acts
        Table `incident_acts`.
    title
        What the figure shows, as a sentence.
    """
    told = acts.assign(rank=gravity(acts).map(GRAVITY.index))
    resources = list(told.groupby("resource")["rank"].min().sort_values(kind="stable").index[:RESOURCES])
    rows = list(told.groupby("identity")["requests"].sum().sort_values(ascending=False, kind="stable").index[:LANES])
    figure, axes = canvas(3.6 + 0.72 * max(len(resources), 3), 2.0 + 0.42 * max(len(rows), 3), title)
    kept = told[told["identity"].isin(rows) & told["resource"].isin(resources)]
    for (identity, resource), cell in kept.groupby(["identity", "resource"]):
        x, y = resources.index(str(resource)), rows.index(str(identity))
        colour, _, hatch = STYLE[GRAVITY[int(cell["rank"].min())]]
        axes.barh(y, 0.94, left=x - 0.47, height=0.86, color=colour, hatch=hatch, edgecolor="white", alpha=0.9)
        box = dict(boxstyle="round,pad=0.15", color="white")  # noqa: C408 - reads as the options it is
        axes.text(x, y, f"{int(cell['requests'].sum())}", ha="center", va="center", fontsize=8, color=INK, bbox=box)
    for what, (colour, _, hatch) in STYLE.items():
        if (kept["rank"] == GRAVITY.index(what)).any():
            axes.barh([0], [0], color=colour, hatch=hatch, edgecolor="white", label=what)
    axes.set_xlim(-0.5, max(len(resources), 1) - 0.5)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    names = [_label(_short(name)) for name in resources]
    axes.set_xticks(range(len(resources)), names, rotation=40, ha="left", fontsize=8)
    axes.set_yticks(range(len(rows)), [_label(name) for name in rows], fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    if len(kept):
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8)
    counts = kept.groupby(["identity", "resource"], as_index=False)["requests"].sum()
    said = [f"{row.identity} {row.resource}: {row.requests}" for row in counts.itertuples(index=False)]
    return Picture(figure, printable(f"{title}. {'; '.join(said) or 'nothing was asked for'}."))


def _moments(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, utc=True)


def _short(resource: str) -> str:
    """Return a resource without its API group, with its subresource; a path as it is."""
    if resource.startswith("/"):
        return resource
    named, _, subresource = resource.partition("/")
    plural = named.partition(".")[0]
    return f"{plural}/{subresource}" if subresource else plural


def _label(name: str) -> str:
    return printable(name if len(name) <= LONG else f"{name[: LONG // 2 - 1]}…{name[-LONG // 2 :]}")
