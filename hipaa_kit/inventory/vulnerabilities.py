"""What was found in the images of ePHI workloads, with what else is known of each vulnerability."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hipaa_kit.inventory.image_scans import KEY
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.reports import unit_of
from hipaa_kit.tables.vulnerabilities import EPHI_VULNERABILITIES
from hipaa_kit.vocabulary import SEVERITIES

WORST_FIRST: Final = (*SEVERITIES[:2], "unknown", "", *SEVERITIES[2:])
"""Severities in the order of caution: one that is not known may be as bad as a high one."""

ONE: Final = [*KEY, "vulnerability", "package", "installed_version"]


@builds(EPHI_VULNERABILITIES, optional=["known_exploited", "tickets"])
def ephi_vulnerabilities(
    ephi_image_scans: pd.DataFrame,
    found_vulnerabilities: pd.DataFrame,
    known_exploited: pd.DataFrame,
    tickets: pd.DataFrame,
) -> pd.DataFrame:
    """Return a row per vulnerability of a package in an image of an ePHI workload.

    Notes
    -----
    What only an older scan shows is gone. `seen_first` is when a scan of the image that is still there, or a ticket,
    first shows it: it has been there at least since then.
    """
    scans = ephi_image_scans.assign(unit=ephi_image_scans["position"].map(unit_of).astype("str"))
    scans = scans[[*KEY, "namespace", "repository", "tag", "matched_by", "newest", "scanned_at", "source", "unit"]]
    found = scans.merge(found_vulnerabilities.drop(columns=["position"]), on=["source", "unit"])
    found = found.assign(rank=found["severity"].map(WORST_FIRST.index).astype("int64"))
    # The first scan: later ones, and scanners that do not tell when they looked, come after.
    ordered = found.assign(at=found["scanned_at"].mask(found["scanned_at"] == "", "9999"))
    first = ordered.groupby(ONE)["at"].min().rename("seen_first").replace("9999", "")
    now = found[found["newest"]]
    if now.empty:
        return EPHI_VULNERABILITIES.frame()
    about = now.sort_values([*ONE, "rank", "fixed_version"], ascending=[True] * len(ONE) + [True, False])
    about = about.drop_duplicates(ONE).set_index(ONE)
    grouped = now.groupby(ONE)
    rows = about.assign(
        score=grouped["score"].max(),
        epss=grouped["epss"].max(),
        exploited=_exploited(grouped["exploited"].max(), known_exploited),
        published_at=now.assign(at=now["published_at"].mask(now["published_at"] == "", "9999"))
        .groupby(ONE)["at"]
        .min()
        .replace("9999", ""),
        tools=grouped["tool"].agg(lambda names: " ".join(sorted(set(names)))),
        seen_first=first,
    ).reset_index()
    return EPHI_VULNERABILITIES.conform(_with_tickets(rows, tickets))


def _exploited(said: pd.Series, listed: pd.DataFrame) -> pd.Series:
    """Return whether a scanner or a list says that it is exploited; a list that was given tells of all."""
    if listed.empty:
        return said
    on_it = said.index.get_level_values("vulnerability").isin(listed["vulnerability"])
    return said.fillna(False) | on_it


def _with_tickets(rows: pd.DataFrame, tickets: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the tickets about each: those that name it, and the workload or none."""
    about = tickets[tickets["vulnerability"] != ""][["id", "opened_at", "object", "vulnerability"]]
    if about.empty:
        return rows.assign(tickets="")
    joined = rows[[*ONE]].merge(about, on="vulnerability")
    joined = joined[(joined["object"] == "") | (joined["object"] == joined["workload"])]
    by_one = joined.groupby(ONE)
    opened = by_one["opened_at"].min().rename("opened")
    named = by_one["id"].agg(lambda ids: " ".join(sorted(set(ids)))).rename("tickets")
    told = rows.merge(pd.concat([opened, named], axis=1).reset_index(), on=ONE, how="left")
    told = told.fillna({"opened": "", "tickets": ""})
    earlier = (told["opened"] != "") & ((told["seen_first"] == "") | (told["opened"] < told["seen_first"]))
    return told.assign(seen_first=told["seen_first"].mask(earlier, told["opened"]))
