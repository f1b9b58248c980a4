"""Canaries: a test act is found in the log, and in what alerts opened."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of


@check("HK-ALR-06", without_scope=True)
def act_is_detected(
    canaries: pd.DataFrame,
    *,
    as_of: str,
    canary_minutes: int = 60,
    canary_days: int = 365,
) -> pd.DataFrame:
    """Judge every test of detection by whether its act is in the log, and raised an alert in time.

    Parameters
    ----------
    canaries : table of that name
    as_of
        Moment to judge for, RFC 3339.
    canary_minutes
        Minutes within which the alert has to be there.
    canary_days
        A test that is older counts no more.

    Returns
    -------
    table `judgements`, one row per test; one for the cluster where none counts

    Notes
    -----
    A test is an exercise of kind `detection test` that names the object acted on; its alert is a ticket about that
    object which names one.
    """
    counting = [row for row in rows_of(canaries) if 0 <= days_between(row["date"], as_of) <= canary_days]
    examined = pd.DataFrame(counting, columns=[*canaries.columns]).astype({"covered": "boolean"})
    examined = examined.assign(
        object="Cluster//detection-test", member=examined["target"] + " on " + examined["date"], none=False
    )
    if not counting:
        bare = {
            "object": "Cluster//detection-test",
            "member": "",
            "none": True,
            "seen_at": "",
            "dry_run_at": "",
            "ticket": "",
            "covered": False,
        }
        examined = pd.DataFrame([bare]).reindex(columns=examined.columns)
    none, seen = examined["none"].astype(bool), examined["seen_at"] != ""
    tried = ~seen & (examined["dry_run_at"] != "")
    alerted, covered = examined["ticket"] != "", examined["covered"].fillna(False).astype(bool)
    late = alerted & (examined["latency_minutes"].astype("Float64") > canary_minutes).fillna(False)
    return judge(
        examined,
        not_assessed(none, f"no test of detection is on record within {canary_days} days", code="no_record"),
        not_assessed(~none & ~seen & ~covered, "the log does not cover {date}, or not all of it", code="input_missing"),
        fails(
            tried & covered,
            "the log holds no act on {target} on {date} but a dry run at {dry_run_at}, which changes nothing",
            observed="a dry run",
            expected="an act at the object",
        ),
        fails(
            ~none & ~seen & ~tried & covered,
            "the act on {target} on {date} left no trace in the log",
            observed="no event",
            expected="an event at the object",
        ),
        fails(
            seen & ~alerted,
            "the act on {target} is in the log at {seen_at}, and no alert opened a ticket about it",
            observed="no alert",
            expected=f"an alert within {canary_minutes} minutes",
        ),
        fails(
            late,
            f"its alert came {{latency_minutes:minute}} later, of at most {canary_minutes}",
            observed="{latency_minutes:minute}",
            expected=f"at most {canary_minutes} minutes",
        ),
        reviews(
            alerted & ~examined["result"].isin(["passed"]),
            "did the test pass? Its act and its alert are there, and its record says {result}",
        ),
        member="member",
        passes="the act on {target} at {seen_at} opened ticket {ticket} {latency_minutes:minute} later",
    )
