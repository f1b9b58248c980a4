"""Mending: how long vulnerabilities under ePHI stay, and whether those that stay too long become more."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hipaa_kit.inventory.image_scans import KEY
from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.vulnerabilities.common import (
    by_name_alone,
    looked_at_packages,
    scanned_later,
    unscanned,
    with_best_scan,
)
from hipaa_kit.vocabulary import SEVERITIES

CLOSED: Final = ("resolved", "closed")


@check("HK-VUL-03", optional=["known_exploited"])
def remediated_in_time(
    ephi_images: pd.DataFrame,
    ephi_image_scans: pd.DataFrame,
    ephi_vulnerabilities: pd.DataFrame,
    known_exploited: pd.DataFrame,
    *,
    critical_days: int = 15,
    high_days: int = 30,
    scan_age_days: int = 7,
    list_age_days: int = 30,
    as_of: str,
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by the vulnerabilities that could have been mended by now.

    Parameters
    ----------
    ephi_images, ephi_image_scans, ephi_vulnerabilities, known_exploited : tables of those names
    critical_days, high_days
        Days within which one with a fix is mended. Site policy; the defaults are the figures of the proposed rule
        of 2025, the rule in force names none.
    scan_age_days
        An older scan says nothing of what became known since.
    list_age_days
        Nor does an older list of what is exploited.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per image of a container

    Notes
    -----
    How long one has been there is known at least since a scan or ticket first shows it, and at most since it was
    published. What lies between is a question. So is whether one is exploited, where neither a scanner nor a list
    tells. Those without a fix are not judged here, but for the exploited.
    Source: https://www.cisa.gov/known-exploited-vulnerabilities-catalog
    """
    limits = {"critical": critical_days, "high": high_days, "unknown": critical_days, "": critical_days}
    listed = whole_days(days_since(known_exploited["list_on"], as_of)).min()
    told = _summed(_aged(ephi_vulnerabilities, limits, as_of, list_holds=bool(listed <= list_age_days)))
    examined = with_best_scan(ephi_images, ephi_image_scans).merge(told, on=KEY, how="left")
    counts = {name: examined[name].fillna(0).astype("int64") for name in COUNTS}
    texts = {name: examined[name].fillna("").astype("str") for name in (*(f"{one}_first" for one in NAMED), "fix")}
    examined = examined.assign(**counts, **texts)
    age = days_since(examined["scanned_at"], as_of)
    scanned = examined["matched_by"] != ""
    return judge(
        examined,
        fails(
            examined["exploited"] > 0,
            "vulnerabilities in container {container} that are known to be exploited: {exploited}, first "
            "{exploited_first}",
            severity="critical",
            observed="{exploited_first}",
            expected="none",
        ),
        fails(
            examined["critical"] > 0,
            f"critical vulnerabilities in container {{container}} with a fix, there for over {critical_days} days: "
            "{critical}, first {critical_first}",
            severity="critical",
            observed="{critical_first}",
            expected="{fix}",
        ),
        fails(
            examined["high"] > 0,
            f"high vulnerabilities in container {{container}} with a fix, there for over {high_days} days: {{high}}, "
            "first {high_first}",
            severity="high",
            observed="{high_first}",
            expected="{fix}",
        ),
        unscanned(examined),
        not_assessed(
            scanned & (age.isna() | (age > scan_age_days)),
            f"what is known of container {{container}} is more than {scan_age_days} days old, or of no known day",
            code="stale",
        ),
        scanned_later(examined, age, scan_age_days),
        looked_at_packages(examined),
        reviews(
            examined["doubtful"] > 0,
            "since when are vulnerabilities with a fix in container {container}, {doubtful} of them, first "
            "{doubtful_first}? They were published before the time to mend them, and first seen within it",
            observed="{doubtful_first}",
        ),
        by_name_alone(examined),
        reviews(
            examined["untold"] > 0,
            "is any vulnerability in container {container}, {untold} in all, known to be exploited? Neither a scanner "
            "nor a recent list tells",
            observed="{untold}",
        ),
        member="member",
        evidence="report",
        passes="vulnerabilities in container {container}: {all}, none past the time to mend it",
    )


NAMED: Final = ("exploited", "critical", "high", "doubtful")
COUNTS: Final = (*NAMED, "untold", "all")


def _aged(found: pd.DataFrame, limits: dict[str, int], as_of: str, *, list_holds: bool) -> pd.DataFrame:
    """Return vulnerabilities with what they count as: exploited, overdue, doubtful, untold."""
    limit = found["severity"].map(lambda word: limits.get(word)).astype("Float64")
    fixable = (found["fixed_version"] != "") & limit.notna()
    least = days_since(found["seen_first"], as_of).fillna(0)
    most = days_since(found["published_at"], as_of).fillna(float("inf"))
    exploited = found["exploited"].fillna(False).astype(bool)
    overdue = fixable & (least > limit.fillna(float("inf"))) & found["severity"].isin(["critical", "high"])
    within = (most <= limit.fillna(float("inf"))) & (least <= limit.fillna(float("inf")))
    return found.assign(
        exploited=exploited,
        untold=~exploited & (found["exploited"].isna() | (not list_holds)),
        critical=overdue & (found["severity"] == "critical"),
        high=overdue & (found["severity"] == "high"),
        doubtful=fixable & ~overdue & ~within,
        label=found["vulnerability"] + " in " + found["package"],
        all=True,
        least=least,
    )


def _summed(found: pd.DataFrame) -> pd.DataFrame:
    """Return a row per image: how many of each, the first of each, and what would mend the first that is overdue."""
    ordered = found.sort_values(["least", "label"], ascending=[False, True])
    summed = ordered.groupby(KEY)[list(COUNTS)].sum()
    for name in NAMED:
        first = ordered[ordered[name]].drop_duplicates(KEY).set_index(KEY)
        summed[f"{name}_first"] = first["label"]
    overdue = ordered[ordered["critical"] | ordered["high"]].sort_values("critical", ascending=False, kind="stable")
    summed["fix"] = overdue.drop_duplicates(KEY).set_index(KEY)["fixed_version"]
    return summed.reset_index()


@check("HK-VUL-12")
def backlog_shrinks(
    tickets: pd.DataFrame, *, critical_days: int = 15, high_days: int = 30, trend_days: int = 30, as_of: str
) -> pd.DataFrame:
    """Judge mending over time by the tickets of vulnerabilities that were open longer than policy allows.

    Parameters
    ----------
    tickets : table of that name
    critical_days, high_days
        Days within which a vulnerability is mended; site policy.
    trend_days
        Days between the moments that are compared, of which `as_of` is the last: three, or two where tickets do not go
        back so far that one could have been open too long at the first.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row

    Notes
    -----
    Runs of the kit are not kept in a register that a check sees; tickets say of every moment what was open then.
    A ticket without a severity has no limit that is known, and one that was rejected is not mended. More of them now
    than at both moments before is a failure, however few they had become in between; as many as at either is a
    question.
    """
    mine = tickets[tickets["kind"].str.lower().str.contains("vulnerab")]
    limit = mine["severity"].map({"critical": critical_days, "high": high_days})
    opened = days_since(mine["opened_at"], as_of)
    mended = mine["status"].isin(CLOSED) & (mine["closed_at"] != "")
    closed = days_since(mine["closed_at"].where(mended, ""), as_of)
    reaches = float(opened.max()) if len(mine) else 0.0
    # Before the first ticket could be late there was nothing to count, which is not the same as none.
    moments = [ago for ago in (2 * trend_days, trend_days, 0) if ago == 0 or reaches >= ago + critical_days]
    breaches = [int(((opened - limit > ago) & ~(closed >= ago)).sum()) for ago in moments]
    took = (opened - closed).mean()
    stayed = opened - closed.fillna(0)
    untold = int((~mine["severity"].isin(SEVERITIES) & (stayed > critical_days)).sum())
    examined = pd.DataFrame(
        {
            "object": ["Cluster//remediation"],
            "untold": [untold],
            "breaches": [", ".join(map(str, breaches))],
            "took": [f"{took:.0f} days" if took == took else "not known"],
            "tickets": [len(mine)],
        }
    )
    short = pd.Series(len(moments) < 2, index=examined.index)
    *before, now = breaches
    grown = ~short & (now > max(before, default=0))
    stays = ~short & (now > 0) & (now >= min(before, default=0))
    return judge(
        examined,
        not_assessed(
            short,
            f"tickets of vulnerabilities, {{tickets}} in all, do not go back {trend_days + critical_days} days: no "
            "trend shows",
            code="no_record",
        ),
        fails(
            grown,
            f"vulnerabilities that were open too long are more than before, each {trend_days} days: {{breaches}}",
            observed="{breaches}",
            expected="fewer than before, or none",
        ),
        reviews(
            stays,
            f"vulnerabilities that were open too long did not become fewer, each {trend_days} days: {{breaches}}; what "
            "keeps those that are left?",
            observed="{breaches}",
        ),
        not_assessed(
            (examined["untold"] > 0) & ~short,
            f"tickets that were open for over {critical_days} days and tell no severity, {{untold}} in all: whether "
            "they were open too long is not known",
            code="no_record",
        ),
        passes=f"vulnerabilities that were open too long, each {trend_days} days: {{breaches}}; mean time to mend: "
        "{took}",
    )
