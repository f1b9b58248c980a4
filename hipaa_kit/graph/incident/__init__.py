"""What somebody or some pod that was taken over could reach, what it did, and what would not show."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.incident.acts import acts_and_hours
from hipaa_kit.graph.incident.blind import blind_spots, written
from hipaa_kit.graph.incident.identities import Suspect, Suspects
from hipaa_kit.graph.incident.reach import Reach
from hipaa_kit.graph.permissions.engine import Permissions
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.tables.incident import (
    INCIDENT_ACTS,
    INCIDENT_BLIND,
    INCIDENT_HOURS,
    INCIDENT_IDENTITIES,
    INCIDENT_REACH,
)
from hipaa_kit.tables.lookup import TableSet


@dataclass(frozen=True)
class Incident:
    """The answer, as tables of `hipaa_kit.tables.incident`.

    Attributes
    ----------
    who, since, until
        What was asked; moments in RFC 3339, UTC.
    identities
        Table `incident_identities`: everyone in question.
    acts, hours
        Tables `incident_acts` and `incident_hours`: what they did, by the audit log.
    reach
        Table `incident_reach`: what they could reach, by the snapshot.
    blind
        Table `incident_blind`: what would not show.
    """

    who: str
    since: str
    until: str
    identities: pd.DataFrame
    acts: pd.DataFrame
    hours: pd.DataFrame
    reach: pd.DataFrame
    blind: pd.DataFrame


def incident_of(
    who: str,
    since: str,
    until: str,
    tables: TableSet,
    log: AuditLog | None,
    permissions: Permissions,
    reachability: Reachability,
) -> Incident:
    """Answer what somebody or some pod that was taken over could reach, and did.

    Parameters
    ----------
    who
        `Pod/namespace/name`, a workload, `ServiceAccount/namespace/name`, `Node//name`, `User//name`, or a user name.
    since, until
        Time in question, RFC 3339.
    tables
        Tables of the snapshot.
    log
        The audit log, or None where none was given: then nothing is known of what was done.
    permissions, reachability
        What RBAC, and what the network, says of the snapshot.

    Raises
    ------
    InputError
        A moment cannot be read, the end lies before the beginning, or nobody is meant.

    Notes
    -----
    Reach is that of the snapshot's moment: what was allowed in between and taken away again does not show in it.
    """
    start, end = _moment(since), _moment(until)
    if end <= start:
        raise InputError(f"the time in question ends at {until}, before it begins", since, "give an earlier beginning")
    suspects = Suspects(tables, log).of(who, start, end)
    acts, hours = acts_and_hours(log, suspects, tables["ephi_objects"], end)
    return Incident(
        who,
        written(start),
        written(end),
        _identities(suspects),
        acts,
        hours,
        Reach(tables, permissions, reachability).of(suspects),
        blind_spots(log, tables, permissions, suspects, start, end),
    )


def nobody(since: str, until: str) -> Incident:
    """Return the answer where nobody is in question: of nobody nothing is told, which says nothing of anybody."""
    tables = (INCIDENT_IDENTITIES, INCIDENT_ACTS, INCIDENT_HOURS, INCIDENT_REACH, INCIDENT_BLIND)
    return Incident("nobody", written(_moment(since)), written(_moment(until)), *(table.frame() for table in tables))


def _identities(suspects: list[Suspect]) -> pd.DataFrame:
    columns = ("identity", "through", "by", "sure", "basis", "audit_ids", "places")
    return INCIDENT_IDENTITIES.frame(
        {name: getattr(each, name) for name in columns} | {"since": written(each.since)} for each in suspects
    )


def _moment(text: str) -> pd.Timestamp:
    moment = pd.to_datetime(text, utc=True, errors="coerce")
    if pd.isna(moment):
        raise InputError(f"{text!r} is no moment", "", "give it in RFC 3339, as in 2026-11-09T16:00:00Z")
    return pd.Timestamp(moment)
