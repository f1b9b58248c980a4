"""What one request is in an audit log, which has an event for each of its stages, and which of these tells of it.

A client may choose the audit ID of its request (header `Audit-ID`), so an ID alone does not tell requests apart; and
where a provider gives none, every event is a request of its own. Whom somebody acts as is no part of it: the first
event of a request is written before that is looked at.

Sources: `pkg/endpoints/filters/audit_init.go`, `audit.go` and `impersonation.go` of kubernetes/apiserver.
"""

from __future__ import annotations

from typing import Final

TELLING: Final = "stage IN ('ResponseStarted', 'ResponseComplete', 'Panic', '')"
"""Events that say how a request was answered; some providers leave the stage out."""

_FIELDS: Final = ("audit_id", "received_at", '"user"', "verb", "path")

RANK: Final = (
    "CASE {0}stage WHEN 'Panic' THEN 0 WHEN 'ResponseStarted' THEN 1 WHEN 'ResponseComplete' THEN 2 WHEN '' THEN 2"
    " ELSE 3 END"
)
"""Which event of a request tells most of it, from the least number: a server that panics may have done half of it."""


def request_of(alias: str = "") -> str:
    """Return the expressions, with commas between, that are equal in all events of one request and in no others.

    Parameters
    ----------
    alias
        What the query calls `audit_events`, if it has to.
    """
    dot = f"{alias}." if alias else ""
    return ", ".join(f"{dot}{field}" for field in _FIELDS) + f", CASE {dot}audit_id WHEN '' THEN {dot}event END"


def order_of(alias: str = "") -> str:
    """Return by what the events of one request are ordered, the one that tells most of it first."""
    dot = f"{alias}." if alias else ""
    return f"{RANK.format(dot)}, {dot}event"
