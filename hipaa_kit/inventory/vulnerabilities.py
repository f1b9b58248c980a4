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

IMAGE: Final = ["repository", "tag", "digest"]
ONE: Final = ["vulnerability", "package", "installed_version"]
NEVER: Final = "9999"
"""Stands for a moment that is not known, where the first of several is looked for."""


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
    first shows it: it has been there at least since then. Workloads that run one image share what was found in it.
    """
    scans = ephi_image_scans.assign(unit=ephi_image_scans["position"].map(unit_of).astype("str"))
    of_images = scans.drop_duplicates([*IMAGE, "source", "unit"])
    of_images = of_images[[*IMAGE, "matched_by", "newest", "scanned_at", "source", "unit"]]
    told = of_images.merge(found_vulnerabilities.drop(columns=["position"]), on=["source", "unit"])
    if not told["newest"].any():
        return EPHI_VULNERABILITIES.frame()
    of_image = _joined(told, known_exploited)
    running = scans[[*KEY, "namespace", "repository", "tag"]].drop_duplicates(KEY)
    return EPHI_VULNERABILITIES.conform(_with_tickets(running.merge(of_image, on=IMAGE), tickets))


def _joined(told: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Return a row per vulnerability of an image, put together of what the newest scans say and older ones show."""
    one = [*IMAGE, *ONE]
    told = told.assign(number=told.groupby(one, sort=False).ngroup())
    first = told["scanned_at"].mask(told["scanned_at"] == "", NEVER).groupby(told["number"]).min()
    now = told[told["newest"]]
    now = now.assign(
        worst=now["severity"].map(WORST_FIRST.index).astype("int64"),
        published=now["published_at"].mask(now["published_at"] == "", NEVER),
    )
    about = now.sort_values(["number", "worst", "fixed_version", "tool"], ascending=[True, True, False, True])
    about = about.drop_duplicates("number").set_index("number")
    grouped = now.groupby("number")
    tools = now[["number", "tool"]].drop_duplicates().sort_values("tool").groupby("number")["tool"].agg(" ".join)
    return about.assign(
        score=grouped["score"].max(),
        epss=grouped["epss"].max(),
        exploited=_exploited(about["vulnerability"], grouped["exploited"].max(), listed),
        published_at=grouped["published"].min().replace(NEVER, ""),
        seen_first=first.replace(NEVER, ""),
        tools=tools,
    ).drop(columns=["newest", "scanned_at", "source", "unit"])


def _exploited(names: pd.Series, said: pd.Series, listed: pd.DataFrame) -> pd.Series:
    """Return whether a scanner or a list says that it is exploited; a list that was given tells of all CVEs."""
    if listed.empty:
        return said
    told = names.str.startswith("CVE-") | said.notna()
    return (said.fillna(False) | names.isin(listed["vulnerability"])).astype("boolean").where(told)


def _with_tickets(rows: pd.DataFrame, tickets: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the tickets about each: those that name it, and the workload or none."""
    about = tickets[tickets["vulnerability"].isin(rows["vulnerability"]) & (tickets["vulnerability"] != "")]
    if about.empty:
        return rows.assign(tickets="")
    keys = ["workload", "vulnerability"]
    joined = rows[keys].drop_duplicates().merge(about[["id", "opened_at", "object", "vulnerability"]])
    joined = joined[(joined["object"] == "") | (joined["object"] == joined["workload"])]
    by_one = joined.sort_values("id").groupby(keys)
    found = pd.DataFrame({"opened": by_one["opened_at"].min(), "tickets": by_one["id"].agg(" ".join)})
    told = rows.merge(found.reset_index(), on=keys, how="left").fillna({"opened": "", "tickets": ""})
    earlier = (told["opened"] != "") & ((told["seen_first"] == "") | (told["opened"] < told["seen_first"]))
    return told.assign(seen_first=told["seen_first"].mask(earlier, told["opened"]))
