"""What the cluster stands on: whether nodes, the API server and add-ons run versions that still get fixes."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews


class _Support(NamedTuple):
    """What is known of support at a moment, row by row."""

    examined: pd.DataFrame
    ended: pd.Series
    unknown: pd.Series
    stale: pd.Series


def _support(software: pd.DataFrame, lifecycle_age_days: int, as_of: str) -> _Support:
    """Return whether fixes have ended, and whether that is known well enough.

    An end that had come when it was looked up stays: that is never stale. An end that was only announced then may
    have been put off, and one that was not announced may have come.
    """
    known = software["checked_on"] != ""
    over = (software["eol_on"] != "") & (software["eol_on"] < as_of[:10])
    seen = over & (software["eol_on"] <= software["checked_on"])
    age = whole_days(days_since(software["checked_on"], as_of))
    old = known & ~seen & (age > lifecycle_age_days)
    left = -whole_days(days_since(software["eol_on"], as_of))
    named = (software["product"] != "") & (software["version"] != "")
    examined = software.assign(
        left=left,
        age=age,
        shown=(software["product"] + " " + software["version"]).where(named, software["reported"]),
        told=("fixes until " + software["eol_on"]).mask(software["eol_on"] == "", "no end of fixes"),
    )
    return _Support(examined, known & over & ~old, ~known, old)


@check("HK-VUL-05")
def nodes_supported(node_software: pd.DataFrame, *, lifecycle_age_days: int = 120, as_of: str) -> pd.DataFrame:
    """Judge every system of every node by whether it still gets fixes, and kubelets by their distance.

    Parameters
    ----------
    node_software : table of that name
    lifecycle_age_days
        What was looked up longer ago says nothing of ends that were still to come.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per system of a node

    Notes
    -----
    The kernel is its distributor's, and gets fixes as long as the operating system does. The API server that
    answered stands for all: while they are upgraded one by one, another may be older.
    Source: https://kubernetes.io/releases/version-skew-policy/
    """
    examined, ended, unknown, stale = _support(node_software, lifecycle_age_days, as_of)
    elsewhere = examined["provider"] != ""
    return judge(
        examined,
        fails(examined["skew"] != "", "its kubelet, {reported}, is {skew}", observed="{reported}"),
        fails(
            ended & ~elsewhere,
            "its {part}, {shown}, got its last fixes on {eol_on}",
            observed="{reported}",
            expected="a version that gets fixes",
        ),
        reviews(
            ended & elsewhere,
            "does {provider} still mend {reported}? The project's last fixes came on {eol_on}",
            observed="{reported}",
        ),
        not_assessed(
            ~examined["skew_known"],
            "how far its kubelet, {reported}, is from the API server is not known: the version of that is not told",
            code="no_record",
        ),
        not_assessed(
            unknown, "until when its {part}, {shown}, gets fixes is not in the table of lifecycles", code="no_record"
        ),
        not_assessed(
            stale,
            "its {part}, {shown}, was looked up {age:day} ago: {told} had been announced",
            code="stale",
        ),
        member="part",
        passes="its {part}, {shown}, gets fixes",
    )


@check("HK-VUL-06", without_scope=True)
def platform_supported(
    cluster_software: pd.DataFrame, *, lifecycle_age_days: int = 120, notice_days: int = 60, as_of: str
) -> pd.DataFrame:
    """Judge the API server and every add-on that is known by whether its version still gets fixes.

    Parameters
    ----------
    cluster_software : table of that name
    lifecycle_age_days
        What was looked up longer ago says nothing of ends that were still to come.
    notice_days
        Where fixes end within as many days, somebody has to say when it is upgraded.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row for the API server, and one per container that holds an add-on

    Notes
    -----
    Providers mend versions of Kubernetes for longer than the project: theirs is a question once the project's end has
    come. Add-ons are known by their images; what is not known is not among the rows.
    Source: https://kubernetes.io/releases/patch-releases/#support-period
    """
    examined, ended, unknown, stale = _support(cluster_software, lifecycle_age_days, as_of)
    elsewhere = examined["provider"] != ""
    untold = examined["version"] == ""
    examined = examined.assign(told_by=examined["reported"].mask(examined["reported"] == "", "nothing reports it"))
    return judge(
        examined,
        fails(
            ended & ~elsewhere,
            "{shown} got its last fixes on {eol_on}",
            observed="{reported}",
            expected="a version that gets fixes",
        ),
        reviews(
            ended & elsewhere,
            "does {provider} still mend {reported}? The project's last fixes came on {eol_on}",
            observed="{reported}",
        ),
        not_assessed(untold & ~ended, "the version of {product} is not told: {told_by}", code="no_record"),
        not_assessed(
            unknown & ~untold, "until when {shown} gets fixes is not in the table of lifecycles", code="no_record"
        ),
        not_assessed(stale, "{shown} was looked up {age:day} ago: {told} had been announced", code="stale"),
        reviews(
            ~ended & (examined["left"] >= 0) & (examined["left"] <= notice_days),
            "when will {shown} be upgraded? It gets fixes until {eol_on}, {left:day} from now",
            observed="{reported}",
        ),
        member="part",
        passes="{shown} gets fixes",
    )
