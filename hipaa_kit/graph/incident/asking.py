"""How the audit log is asked for the requests of those in question: each request once, by the event that says most."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.audit_log.requests import order_of, request_of

PROOFS: Final = 20

MOMENT: Final = "'%Y-%m-%dT%H:%M:%SZ'"

REQUESTS: Final = f"""
requests AS (
    SELECT s.identity, s.pod AS asked_pod, e.* REPLACE (coalesce(e.received_at, e.stage_at) AS received_at)
    FROM audit_events e JOIN suspects s
      ON e."user" = s."user"
     AND (s.pod = '' OR e.user_pod = s.pod OR e.user_pod = '')
     AND coalesce(e.received_at, e.stage_at) >= s.since AND coalesce(e.received_at, e.stage_at) < $until
     AND (s.before IS NULL OR coalesce(e.received_at, e.stage_at) < s.before)
    QUALIFY row_number() OVER (PARTITION BY s.identity, {request_of("e")} ORDER BY {order_of("e")}) = 1
)"""
"""Requests of the frame `suspects` before `$until`; those of a pod until its account is in question as a whole."""

SHOWN: Final = f"""
array_to_string(arg_min(audit_id, event, {PROOFS}), ' ') AS audit_ids,
array_to_string(arg_min(source || ':' || line, event, {PROOFS}), ' ') AS places"""
"""Columns that show on which events a row rests."""


def ends_at(until: pd.Timestamp) -> dict[str, Any]:
    """Return the parameter of a query over `REQUESTS`: the end of the time in question, as the log has moments."""
    return {"until": until.tz_convert("UTC").tz_localize(None).to_pydatetime()}
