"""Reviews: somebody looks at the audit log, again and again, and says so."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed
from hipaa_kit.safeguards.review.common import STUB, held_days

LOG_REVIEWS = frozenset({"audit log", "audit-log", "audit log review", "audit-log-review", "system activity"})
"""Words for `kind` of a review of the register, in lower case."""


@check("HK-AUD-10", without_scope=True)
def log_is_reviewed(
    reviews: pd.DataFrame,
    record_states: pd.DataFrame,
    *,
    as_of: str,
    audit_review_days: int = 7,
    audit_review_window_days: int = 90,
) -> pd.DataFrame:
    """Judge the register of reviews by the times between reviews of the audit log, up to now.

    Parameters
    ----------
    reviews, record_states : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    audit_review_days
        Days within which the next review has to be held: a measure of the site, 164.308(a)(1)(ii)(D) names none.
    audit_review_window_days
        How far back is looked. Before the first review that the register holds nothing is asked.

    Returns
    -------
    table `judgements`, one row per review in the window and the time after it, all of the one register
    """
    day = as_of[:10]
    held = sorted({each for each in held_days(reviews, record_states, LOG_REVIEWS) if each <= day})
    start = (date.fromisoformat(day) - timedelta(days=audit_review_window_days)).isoformat()
    # The last review before the window says how long nobody had looked when it began.
    before = [each for each in held if each < start][-1:]
    days = [*before, *(each for each in held if each >= start)]
    rows = [
        {"member": first, "next": last, "days": days_between(first, last)}
        for first, last in zip(days, [*days[1:], day][: len(days)], strict=True)
    ]
    examined = pd.DataFrame(rows or [{"member": "", "next": day}], columns=["member", "next", "days"])
    examined = examined.assign(object="Register//audit-log-reviews", kept=not reviews.empty)
    examined["days"] = examined["days"].astype("Int64")
    examined["told"] = examined["next"].where(examined["next"] != day, "now")
    return judge(
        examined,
        not_assessed(~examined["kept"], f"no register of reviews is kept; {STUB}", code="no_record"),
        fails(
            examined["kept"] & (examined["member"] == ""),
            "the register of reviews holds no review of the audit log that stands",
            observed="none",
            expected=f"every {audit_review_days} days",
        ),
        fails(
            examined["days"].gt(audit_review_days).fillna(False),
            f"from the review of {{member}} to {{told}} {{days:is|are}} {{days:day}}, of at most {audit_review_days}",
            observed="{days:day}",
            expected=f"at most {audit_review_days} days",
        ),
        member="member",
        passes="from the review of {member} to {told} {days:is|are} {days:day}",
    )
