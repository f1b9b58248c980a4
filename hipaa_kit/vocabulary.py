"""The words of the result model, each in one place, worst first where they have an order."""

from __future__ import annotations

from typing import Final

PASS: Final = "pass"
FAIL: Final = "fail"
REVIEW: Final = "review"
NOT_ASSESSED: Final = "not_assessed"
NOT_APPLICABLE: Final = "not_applicable"
ERROR: Final = "error"

VERDICTS: Final = (FAIL, ERROR, NOT_ASSESSED, REVIEW, PASS, NOT_APPLICABLE)
"""Worst first: the order in which members of one workload decide its verdict."""

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
CRITICALITIES: Final = ("critical", "high", "standard")
RELEVANCES: Final = ("in_scope", "adjacent", "none")
RELATIONS: Final = ("direct", "supporting")
EMERGENCY_TICKETS: Final = frozenset({"break glass", "break glass access", "emergency", "emergency access"})
CHANGE_TICKETS: Final = frozenset({"change", "access"})
"""Kinds of tickets by what they allow, as `ticket_kind` spells them."""

CITATION_STATUSES: Final = ("gap", "partly_assessed", "not_assessed", "supported")
DISPOSITIONS: Final = ("", "attested", "alternative", "accepted_risk", "inherited")

ANSWERED: Final = "answered"
ABSENT: Final = "absent"
PARTIAL: Final = "partial"
REFUSED: Final = "refused"
FAILED: Final = "failed"
NOT_ASKED: Final = "not_asked"
UNKNOWN: Final = "unknown"

COVERAGE_STATUSES: Final = (ANSWERED, ABSENT, PARTIAL, UNKNOWN, NOT_ASKED, FAILED, REFUSED)
"""Best first: what was asked of the cluster and what came back."""

COMPLETE: Final = frozenset({ANSWERED, ABSENT})
"""The only statuses from which an absence may be concluded."""

REASONS: Final = (
    "forbidden",
    "unavailable",
    "not_collected",
    "layout_lacks_kind",
    "truncated",
    "unknown_completeness",
    "parse_error",
    "managed_plane",
    "unsupported_dialect",
    "input_missing",
    "no_record",
    "stale",
    "altered",
)
"""Why something was not assessed; the first that applies in this order is the code."""

REASON_OF_COVERAGE: Final = {
    REFUSED: "forbidden",
    FAILED: "unavailable",
    NOT_ASKED: "not_collected",
    PARTIAL: "truncated",
    UNKNOWN: "unknown_completeness",
}

PASSED: Final = "passed"
FAILED_THERE: Final = "failed"
NOT_EVALUATED: Final = "not_evaluated"
MANUAL: Final = "manual"
MUTED: Final = "muted"

REPORT_OUTCOMES: Final = (FAILED_THERE, PASSED, MANUAL, NOT_EVALUATED, MUTED)
"""What another scanner's report comes to; the first that occurs stands for several of one object.

They are words apart from our verdicts on purpose: a report is evidence beside a finding, never a finding.
"""

MAPPING_RELATIONS: Final = ("same", "related")
"""How near another scanner's check is to our control: it asks the same, or something beside or beyond it."""

DIFFERENCES: Final = ("we pass, they fail", "we fail, they pass", "only they saw", "only we saw")

CLUSTER: Final = ""
"""The namespace of cluster-scoped objects, and of one list over all namespaces."""


def worst(verdicts: list[str]) -> str:
    """Return the verdict that decides for a group: the first of `VERDICTS` that occurs."""
    return min(verdicts, key=VERDICTS.index)


def ticket_kind(word: str) -> str:
    """Return the kind of a ticket in one spelling: lower case, words apart by one space."""
    return " ".join(word.lower().replace("-", " ").replace("_", " ").split())
