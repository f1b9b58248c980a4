"""The gate: which of the conditions that a user set a run does not meet, and the exit code that follows.

Findings alone never fail a run. Source: result model, section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hipaa_kit.assess.rollup import answered_wholly, assessed_fraction
from hipaa_kit.counting import Count
from hipaa_kit.errors import (
    EXIT_DONE,
    EXIT_FINDINGS,
    EXIT_INPUT,
    EXIT_INTERNAL,
    EXIT_MISMATCH,
    EXIT_NEW,
    EXIT_NOTHING_ASSESSED,
    EXIT_RECORDS,
)
from hipaa_kit.vocabulary import FAIL, SEVERITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

ORDER: Final = (
    *(EXIT_INTERNAL, EXIT_INPUT, EXIT_MISMATCH),
    *(EXIT_FINDINGS, EXIT_NOTHING_ASSESSED, EXIT_NEW, EXIT_RECORDS),
)
"""The first of these that applies is the exit code."""

EXCUSING: Final = ("alternative", "accepted_risk")


class Reason(NamedTuple):
    """One condition that is not met; `waivable` where `--exit-zero` passes over it."""

    code: int
    words: str
    waivable: bool = True


def reasons(
    run: Assessment, *, fail_on: str = "", min_coverage: float | None = None, require_records: bool = False
) -> list[Reason]:
    """Return every condition that a run does not meet, in the order in which they count.

    Parameters
    ----------
    run
        The assessment.
    fail_on
        Severity from which on a failure counts, unless a record that stands answers it.
    min_coverage
        Percentage of the findings that has to be judged.
    require_records
        Every signed record has to stand.
    """
    findings, found = run.findings(), []
    if fail_on:
        enough = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        failing = findings[(findings["verdict"] == FAIL) & findings["severity"].isin(enough)]
        bare = failing[~failing["disposition"].isin(EXCUSING)]
        if len(bare):
            number = Count(len(bare))
            words = f"{number:finding} of severity {fail_on} or above {number:fails|fail}"
            found.append(Reason(EXIT_FINDINGS, words))
    if not run.judged_anything():
        words = "nothing about ePHI was assessed: the scope is missing or selects nothing"
        found.append(Reason(EXIT_NOTHING_ASSESSED, words, waivable=False))
    whole = answered_wholly(findings, run.tables["finding_citations"])
    share = 100 * (assessed_fraction(whole["verdict"], whole["disposition"]) or 0.0)
    if min_coverage is not None and share < min_coverage:
        words = f"{share:.0f} % of the findings could be judged, less than {min_coverage:g} %"
        found.append(Reason(EXIT_NOTHING_ASSESSED, words))
    if require_records:
        states = run.tables["record_states"]
        fallen = states[states["state"] == "invalid"]
        if len(fallen):
            first = fallen.iloc[0]
            words = f"{len(fallen)} signed records do not stand, such as {first['record']}: {first['problem']}"
            found.append(Reason(EXIT_RECORDS, words))
    return found


def exit_code(found: list[Reason], *, exit_zero: bool = False) -> int:
    """Return the exit code of the first condition that counts; that of a run that is done where every one is met."""
    counted = [reason.code for reason in found if not (exit_zero and reason.waivable)]
    return min(counted, key=ORDER.index, default=EXIT_DONE)
