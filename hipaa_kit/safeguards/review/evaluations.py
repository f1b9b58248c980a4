"""Evaluations: held often enough, after what changed, kept, and seen by somebody else."""

from __future__ import annotations

from datetime import date

import pandas as pd

from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.review.common import (
    STUB,
    evaluations,
    months_between,
    years_before,
)
from hipaa_kit.tables.declaration import rows_of

RETAINED_YEARS = 6
"""45 CFR 164.316(b)(2)(i): documentation is kept for 6 years; by the calendar, not by a number of days."""


@check("HK-EVL-01", without_scope=True)
def evaluated_in_time(
    reviews: pd.DataFrame, record_states: pd.DataFrame, *, as_of: str, evaluation_days: int = 365
) -> pd.DataFrame:
    """Judge the register of reviews by its newest evaluation.

    Parameters
    ----------
    reviews, record_states : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    evaluation_days
        Days within which an evaluation has to have been held.

    Returns
    -------
    table `judgements`, one row for the register

    Notes
    -----
    A run of this kit is a tool of an evaluation and none by itself: a person has to have held it and to answer for it.
    """
    held = [day for day in evaluations(reviews, record_states) if day <= as_of[:10]]
    last = held[-1] if held else ""
    examined = pd.DataFrame(
        {
            "object": ["Register//evaluations"],
            "last": [last],
            "age": [days_between(last, as_of) if last else None],
            "kept": [not reviews.empty],
        }
    ).astype({"age": "Int64"})
    return judge(
        examined,
        not_assessed(~examined["kept"], f"no register of reviews is kept; {STUB}", code="no_record"),
        fails(
            examined["kept"] & (examined["last"] == ""),
            "the register of reviews holds no evaluation that stands",
            observed="none",
            expected=f"within {evaluation_days} days",
        ),
        fails(
            examined["age"].gt(evaluation_days).fillna(False),
            f"the last evaluation was held on {{last}}, {{age:day}} ago, of at most {evaluation_days}",
            observed="{last}",
            expected=f"within {evaluation_days} days",
        ),
        observed="{last}",
        passes=f"the last evaluation was held on {{last}}, {{age:day}} ago, of at most {evaluation_days}",
    )


@check("HK-EVL-04", without_scope=True)
def evidence_is_retained(evidence_archive: pd.DataFrame, *, as_of: str) -> pd.DataFrame:
    """Judge every month since the first run that is kept, for six years, by whether a run of it is kept.

    Parameters
    ----------
    evidence_archive : table of that name
    as_of
        Moment to judge for, RFC 3339.

    Returns
    -------
    table `judgements`, one row per month, all of the one object `Archive//evidence`

    Notes
    -----
    The rule keeps documentation for six years from when it was made, or last was in effect: 164.316(b)(2)(i). That
    a run was made each month is this kit's own measure of an unbroken record, not the rule's.
    """
    runs = evidence_archive[evidence_archive["run_on"] <= as_of[:10]]
    start = max(years_before(as_of, RETAINED_YEARS), date.fromisoformat(runs["run_on"].min())) if len(runs) else None
    months = months_between(start, date.fromisoformat(as_of[:10])) if start else [as_of[:7]]
    by_month = runs.groupby(runs["run_on"].str[:7])
    kept = by_month.size()
    unlocked = by_month["locked"].agg(lambda held: bool((~held.fillna(False)).any()))
    unverified = by_month["verified_on"].agg(lambda held: bool((held == "").any()))
    examined = pd.DataFrame({"object": "Archive//evidence", "member": months})
    examined = examined.assign(
        runs=examined["member"].map(kept).fillna(0).astype(int),
        loose=examined["member"].map(unlocked).eq(True).fillna(False),
        unseen=examined["member"].map(unverified).eq(True).fillna(False),
        running=examined["member"] == as_of[:7],
    )
    gone = (examined["runs"] == 0) & (~examined["running"] | (len(runs) == 0))
    return judge(
        examined,
        fails(gone, "no run of {member} is kept", observed="0", expected="at least 1"),
        reviews(examined["loose"], "can the runs of {member} be changed or deleted where they are kept?"),
        reviews(examined["unseen"], "are the runs of {member} unaltered? Not all of them were verified"),
        member="member",
        passes="runs of {member} that are kept: {runs}",
    )


@check("HK-EVL-07", everywhere=True)
def evaluated_after_changes(
    namespaces: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    reviews: pd.DataFrame,
    record_states: pd.DataFrame,
    *,
    as_of: str,
    change_days: int = 30,
) -> pd.DataFrame:
    """Judge every namespace and workload with ePHI by whether an evaluation followed its creation.

    Parameters
    ----------
    namespaces, ephi_workloads, ephi_objects, reviews, record_states : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    change_days
        Days within which an evaluation has to follow.

    Returns
    -------
    table `judgements`, one row per namespace and workload

    Notes
    -----
    What is new shows by its creation time. An object that is changed in place, or is gone, does not: that needs two
    snapshots. One that was made anew under its old name is taken for new.
    """
    places = namespaces[namespaces["name"].isin(ephi_objects["namespace"])]
    changed = pd.concat([places[["object", "created_at"]], ephi_workloads[["object", "created_at"]]], ignore_index=True)
    held = [day for day in evaluations(reviews, record_states) if day <= as_of[:10]]
    made = changed["created_at"].str[:10].astype("str")
    after = [next((day for day in held if day >= at), "") if at else "" for at in made]
    examined = changed.assign(
        made=made,
        after=pd.Series(after, index=changed.index, dtype="str"),
        age=pd.Series([days_between(at, as_of) if at else None for at in made], index=changed.index, dtype="Int64"),
    )
    examined["unkept"] = reviews.empty
    undated = examined["made"] == ""
    followed = examined["after"] != ""
    late = ~undated & ~followed & examined["age"].gt(change_days).fillna(False)
    examined["words"] = ("an evaluation followed on " + examined["after"]).where(
        followed, f"an evaluation has to follow within {change_days} days"
    )
    return judge(
        examined,
        not_assessed(examined["unkept"], f"no register of reviews is kept; {STUB}", code="no_record"),
        not_assessed(undated, "when it was made is not known", code="input_missing"),
        fails(
            late & ~examined["unkept"],
            f"made on {{made}}, and no evaluation followed within {change_days} days",
            observed="none since {made}",
            expected=f"an evaluation within {change_days} days",
        ),
        passes="made on {made}; {words}",
    )


@check("HK-EVL-10", without_scope=True)
def others_have_assessed(
    signed_records: pd.DataFrame,
    independent_findings: pd.DataFrame,
    record_states: pd.DataFrame,
    *,
    as_of: str,
    independent_days: int = 1096,
) -> pd.DataFrame:
    """Judge every assessment by somebody else, and every finding of one.

    Parameters
    ----------
    signed_records, independent_findings, record_states : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    independent_days
        Days within which somebody else has to have assessed; a measure of the site, the rule names none.

    Returns
    -------
    table `judgements`, one row per assessment and per finding of it
    """
    known = signed_records[signed_records["kind"] == "IndependentAssessment"].merge(record_states, on="record")
    newest = known.loc[known["stands"], "signed_on"].max() if known["stands"].any() else ""
    rows = [
        {
            "object": row["record"],
            "member": "",
            "broken": not row["stands"],
            "old": bool(newest) and row["signed_on"] == newest and days_between(newest, as_of) > independent_days,
            "words": f"held on {row['signed_on']} by {row['approver']}",
            "problem": row["problem"],
        }
        for row in rows_of(known)
    ]
    rows += [_finding(row, as_of[:10]) for row in rows_of(independent_findings)]
    if not rows:
        rows = [{"object": "Control//HK-EVL-10", "none": True}]
    columns = {"member": "", "words": "", "problem": "", "due": ""}
    flags = dict.fromkeys(("broken", "old", "overdue", "open", "none"), False)
    examined = pd.DataFrame([{**columns, **flags, **row} for row in rows])
    stub = "hipaa-kit attest stub --register assessments writes one to fill in"
    return judge(
        examined,
        not_assessed(examined["none"], f"no assessment by somebody else is on record; {stub}", code="no_record"),
        not_assessed(examined["broken"], "the record does not stand: {problem}", code="no_record"),
        fails(examined["old"], f"{{words}}, which is over {independent_days} days ago", observed="{words}"),
        fails(examined["overdue"], "{words} was to be mended by {due}", observed="open", expected="closed by {due}"),
        reviews(examined["open"], "{words} is open: will it be mended by {due}?", observed="open"),
        member="member",
        passes="{words}",
    )


def _finding(row: dict[str, str], day: str) -> dict[str, object]:
    closed = bool(row["closed_on"]) and row["closed_on"] <= day
    about = f"finding {row['finding']} ({row['severity'] or 'no severity'}: {row['title'] or 'no title'})"
    return {
        "object": row["record"],
        "member": row["finding"],
        "open": not closed,
        "overdue": not closed and bool(row["due_on"]) and row["due_on"] < day,
        "due": row["due_on"] or "a day that is not said",
        "words": f"{about} was closed on {row['closed_on']}: {row['evidence']}" if closed else about,
    }
