"""Figures of access: who gets at ePHI and how, and the role bindings on which ways around rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.palette import GREY, INK, PALE, SKY, VERMILLION
from hipaa_kit.views.plots import ROWS_DRAWN, Picture, canvas, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hipaa_kit.assess.facade import Assessment

HOLDERS_DRAWN = 24
"""Subjects in a drawing that a person can still follow; those who get at most come first."""
EVERYWHERE = "every namespace"
BORN = "every cluster has it"
LEFT = "by the workforce file no longer in the group"


class Means(NamedTuple):
    """One way to get at ePHI in the drawing: its words, and how its line looks."""

    words: str
    colour: str
    line: Any
    bend: float


MEANS = {
    "enter": Means("enters pods", VERMILLION, "dashed", 0.06),
    "secrets": Means("reads Secrets", INK, "solid", 0.0),
    "configmaps": Means("reads ConfigMaps", GREY, "dotted", -0.06),
}


def who_reaches(ephi_access: pd.DataFrame, title: str) -> Picture:
    """Draw who gets at ePHI at the left, namespaces with ePHI at the right, and between them how.

    Parameters
    ----------
    ephi_access
        Table of that name. What every cluster is born with is not drawn.
    title
        What the figure shows, as a sentence.
    """
    held = ephi_access[~ephi_access["stock"]]
    held = held.assign(
        place=held["scope"].where(held["scope"] != "", EVERYWHERE),
        means=held["resource"].where(held["access"] == "read", "enter"),
    )
    lines = held[["object", "place", "means"]].drop_duplicates()
    weight = held.assign(wide=held["scope"] == "").groupby("object")["wide"].agg(["max", "size"])
    ranked = weight.sort_values(["max", "size"], ascending=False, kind="stable")
    holders = sorted(ranked.head(HOLDERS_DRAWN).index)
    lines = lines[lines["object"].isin(holders)]
    places = sorted(set(lines["place"]), key=lambda name: (name != EVERYWHERE, name))
    figure, axes = canvas(10.5, 1.8 + 0.34 * max(len(holders), len(places), 1), title)
    left = {name: 1 - (at + 0.5) / len(holders) for at, name in enumerate(holders)}
    right = {name: 1 - (at + 0.5) / len(places) for at, name in enumerate(places)}
    for row in rows_of(lines):
        _line(axes, left[row["object"]], right[row["place"]], MEANS[row["means"]])
    for x, column, align in ((0.0, left, "right"), (1.0, right, "left")):
        for name, y in column.items():
            label = _holder(name) if column is left else printable(name)
            box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": PALE if column is left else INK}
            axes.text(x + (0.02 if x else -0.02), y, label, ha=align, va="center", fontsize=8, bbox=box)
    axes.set_xlim(-0.75, 1.45)
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    _legend(axes)
    told = [f"{_holder(name)} {', '.join(_said(lines[lines['object'] == name]))}" for name in holders]
    left_out = len(weight) - len(holders)
    more = f" {left_out} more are in the table." if left_out else ""
    return Picture(figure, f"{title}. {'; '.join(told) or 'nobody is drawn'}.{more}")


def _line(axes: Axes, start: float, end: float, means: Means) -> None:
    from matplotlib.patches import FancyArrowPatch

    arc = f"arc3,rad={means.bend}"
    arrow = FancyArrowPatch(
        (0, start),
        (1, end),
        connectionstyle=arc,
        arrowstyle="-|>",
        mutation_scale=7,
        color=means.colour,
        linestyle=means.line,
        linewidth=1.1,
    )
    axes.add_patch(arrow)


def _said(lines: pd.DataFrame) -> list[str]:
    """Return in words how one subject gets at which namespaces."""
    return [
        f"{means.words} of {', '.join(sorted(lines.loc[lines['means'] == name, 'place']))}"
        for name, means in MEANS.items()
        if (lines["means"] == name).any()
    ]


def _holder(name: str) -> str:
    kind, _, own = name.partition("/")
    return printable(f"{'account' if kind == 'ServiceAccount' else kind.lower()} {own.strip('/')}")


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=each.colour, ls=each.line, label=each.words) for each in MEANS.values()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.01), ncols=3, frameon=False)


def choke_bars(choke_points: pd.DataFrame, title: str) -> Picture:
    """Draw role bindings by the number of subjects on whose ways to ePHI they stand.

    Parameters
    ----------
    choke_points
        Table of that name.
    title
        What the figure shows, as a sentence.
    """
    first = choke_points.sort_values(["subjects", "binding"], ascending=[False, True]).head(ROWS_DRAWN)
    counts = first.set_index("binding")[["subjects"]]
    return stacked(counts, {"subjects": (SKY, "")}, title, "subjects with a way around by it")


def review_sheet(run: Assessment) -> pd.DataFrame:
    """Return who holds which role in namespaces with ePHI, as a sheet to be signed off.

    Parameters
    ----------
    run
        The assessment.

    Returns
    -------
    pandas.DataFrame
        One row per subject, or member of a group, and role binding, from table `access_review`: who, through which
        group, what it gives, when it was reviewed last, and room for the decision. Role bindings for the cluster stand
        in it once; what every cluster is born with is left out.
    """
    places = sorted(ephi_namespaces(run.tables["ephi_objects"]))
    sheets = [run.permissions.access_review(place) for place in places]
    whole = pd.concat(sheets, ignore_index=True) if sheets else run.permissions.access_review("")
    keys = ["subject_kind", "subject", "binding", "through"]
    sheet = whole[whole["note"] != BORN].drop_duplicates(keys).sort_values(["scope", "binding", *keys])
    reviewed = run.tables["grants"].drop_duplicates("binding").set_index("binding")["reviewed_on"]
    people = Approvals.of(run.as_of, run.tables["workforce"], run.tables["workforce_groups"])
    gone = [bool(row["through"]) and row["subject"] not in people.members(row["through"]) for row in rows_of(sheet)]
    return pd.DataFrame(
        {
            "who": sheet["subject_kind"] + " " + sheet["subject"],
            "through": sheet["through"],
            "binding": sheet["binding"],
            "role": sheet["role"],
            "gives": [_gives(row) for row in rows_of(sheet)],
            "last review": sheet["binding"].map(reviewed).fillna(""),
            "note": sheet["note"].mask(pd.Series(gone, index=sheet.index, dtype="bool"), LEFT),
            "decision": "",
            "reviewer, day": "",
        }
    )


def _gives(row: dict[str, Any]) -> str:
    """Return in words what a row of the sheet gives that a reviewer should look at twice."""
    words = {"reads_secrets": "reads Secrets", "runs_code": "runs code", "gives_rights": "gives rights"}
    return ", ".join(said for name, said in words.items() if row[name])


def unproved(run: Assessment) -> pd.DataFrame:
    """Return what could make a no of RBAC wrong: what was not seen, and other authorizers; a row each."""
    gaps = run.permissions.gaps()
    return pd.DataFrame({"what could make a no wrong": gaps or ["nothing that is known of"]})
