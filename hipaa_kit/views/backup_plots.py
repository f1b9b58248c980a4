"""Figures of backups: how far back every claim with ePHI would be thrown."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.backup_recovery.common import claims_of
from hipaa_kit.views.palette import BLUE, GREY, INK, ORANGE, VERMILLION
from hipaa_kit.views.plots import ROWS_DRAWN, Picture, canvas

MARKERS = {
    "completed": (BLUE, "o"),
    "partial": (ORANGE, "s"),
    "failed": (VERMILLION, "X"),
    "missing": (VERMILLION, "P"),
    "unknown": (GREY, "D"),
    "running": (GREY, "v"),
}
"""Colour and marker of what became of a copy: no two differ in colour alone."""


def newest_points(backup_points: pd.DataFrame, ephi_objects: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return the newest copy of every ePHI claim, with its age; claims without a copy have a row as well.

    Parameters
    ----------
    backup_points, ephi_objects
        Tables of those names.
    as_of
        Moment to count ages from, RFC 3339; copies of later are left out.

    Returns
    -------
    pandas.DataFrame
        One row per claim: claim, criticality, age_hours, outcome, method, run, off_cluster; oldest first.
    """
    dated = backup_points.assign(age_hours=hours_since(backup_points["taken_at"], as_of).round(1))
    dated = dated[dated["age_hours"].ge(0).fillna(False)].sort_values(["taken_at", "run"], kind="stable")
    newest = dated.drop_duplicates("target", keep="last")
    claims = claims_of(ephi_objects)[["object", "criticality"]].rename(columns={"object": "claim"})
    columns = ["target", "age_hours", "outcome", "method", "run", "off_cluster"]
    joined = claims.merge(newest[columns], left_on="claim", right_on="target", how="left").drop(columns="target")
    texts = {name: joined[name].fillna("") for name in ("outcome", "method", "run")}
    joined = joined.assign(**texts, off_cluster=joined["off_cluster"].eq(True))
    order = joined["age_hours"].fillna(float("inf"))
    return joined.assign(order=order).sort_values(["order", "claim"], ascending=[False, True]).drop(columns="order")


def recovery_ages(newest: pd.DataFrame, objective_hours: float, title: str) -> Picture:
    """Draw how old the newest copy of each claim is, against the recovery point objective.

    Parameters
    ----------
    newest
        What `newest_points` returned; the oldest are drawn where there are many.
    objective_hours
        Recovery point objective.
    title
        What the figure shows, as a sentence.
    """
    rows = newest.head(ROWS_DRAWN).iloc[::-1].reset_index(drop=True)
    figure, axes = canvas(8.6, 1.7 + 0.3 * max(len(rows), 1), title)
    places = pd.Series(range(len(rows)))
    for outcome, (colour, marker) in MARKERS.items():
        held = (rows["outcome"] == outcome) & rows["age_hours"].notna()
        if held.any():
            ages = rows.loc[held, "age_hours"].astype(float)
            axes.scatter(ages, places[held], color=colour, marker=marker, s=42, label=outcome, zorder=3)
    none = rows["age_hours"].isna()
    for place in places[none]:
        axes.text(0, place, " no copy", va="center", color=VERMILLION, fontsize=8)
    axes.axvline(objective_hours, color=INK, linestyle="--", linewidth=1, label=f"objective, {objective_hours:g} h")
    axes.set_yticks(list(places), [printable(name.removeprefix("PersistentVolumeClaim/")) for name in rows["claim"]])
    axes.set_xlim(left=0)
    axes.set_xlabel("age of the newest copy, in hours")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    said = [
        f"{name.removeprefix('PersistentVolumeClaim/')}: "
        + ("no copy" if pd.isna(age) else f"{age:g} hours, {outcome}")
        for name, age, outcome in newest.head(ROWS_DRAWN)[["claim", "age_hours", "outcome"]].itertuples(index=False)
    ]
    return Picture(figure, printable(f"{title}. {'; '.join(said)}."))
