"""How complete an audit log is: windows, gaps, levels, and what should not be in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.audit_log.remembered import of_log
from hipaa_kit.inventory.audit_log.requests import TELLING, request_of
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.audit.policy import LEVELS
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.audit_log.asking import Log, ask
from hipaa_kit.sources.audit_log.store import shown
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.audit_log import AUDIT_GAPS, AUDIT_LEVELS, AUDIT_VALUES, AUDIT_WINDOWS, DELIVERIES
from hipaa_kit.tables.declaration import rows_of

GAP_MINUTES: Final = 10
"""A pause of so many minutes is a gap: in it something could have been asked that does not show.

Shorter ones are not told.
"""
AT_START_SECONDS: Final = 120
"""How soon after a gap a start of the API server explains it."""

TOLD: Final = ("", *LEVELS[1:])
"""Levels that an event may tell, from the least; none where it tells none that is known."""

_WRITTEN: Final = "coalesce(stage_at, received_at)"

STARTED: Final = (
    "\"user\" = 'system:apiserver' AND verb = 'get' AND resource = 'clusterroles' AND name = 'cluster-admin'"
)
"""What an API server asks itself each time it starts, when it makes sure that its own roles are there.

Source: `pkg/registry/rbac/rest/storage_rbac.go` of kubernetes/kubernetes (post-start hook `rbac/bootstrap-roles`, which
acts as `system:apiserver` over the loopback connection), and `reconciliation/reconcile_role.go` beside it (each of its
roles is read before it is compared).
"""

WINDOWS: Final = f"""
    SELECT server, log, {shown("min(coalesce(received_at, stage_at))")} AS first_at,
        {shown(f"max({_WRITTEN})")} AS last_at, count(*) AS events,
        coalesce(string_agg(DISTINCT nullif(stage, ''), ' ' ORDER BY nullif(stage, '')), '') AS stages,
        count(*) FILTER (stage_at < received_at) AS skew,
        count(DISTINCT date_trunc('minute', received_at)) FILTER ({STARTED}) AS restarts,
        count(*) FILTER ("user" = 'system:apiserver') AS own, bool_or(decision_reason <> '') AS reasons,
        count(*) FILTER ({TELLING} AND code IS NULL) AS uncoded
    FROM audit_events GROUP BY server, log
"""
UNANSWERED: Final = f"""
    SELECT server, log, count(DISTINCT ({request_of()})) AS unanswered
    FROM audit_events asked WHERE NOT ({TELLING}) AND NOT EXISTS (
        FROM audit_events told WHERE ({TELLING}) AND told.audit_id = asked.audit_id
            AND told.received_at IS NOT DISTINCT FROM asked.received_at AND told."user" = asked."user"
            AND told.verb = asked.verb AND told.path = asked.path)
    GROUP BY server, log
"""
DISORDER: Final = f"""
    SELECT server, log, count(*) FILTER (written < before) AS disorder FROM (
        SELECT server, log, {_WRITTEN} AS written,
            lag({_WRITTEN}) OVER (PARTITION BY source ORDER BY event) AS before
        FROM audit_events)
    GROUP BY server, log
"""
PAUSES: Final = f"""
    WITH minutes AS (
        SELECT server, log, date_trunc('minute', {_WRITTEN}) AS minute,
            min({_WRITTEN}) AS first, max({_WRITTEN}) AS last
        FROM audit_events WHERE {_WRITTEN} IS NOT NULL GROUP BY ALL)
    SELECT server, log, last AS first_at, lead(first) OVER each AS last_at,
        epoch(lead(first) OVER each - last) / 60 AS minutes
    FROM minutes WINDOW each AS (PARTITION BY server, log ORDER BY minute)
"""
USUAL: Final = f"""
    SELECT server, log, quantile_cont(minutes, 0.9) AS usual_minutes
    FROM ({PAUSES}) WHERE minutes IS NOT NULL GROUP BY server, log
"""
GAPS: Final = f"""
    SELECT server, log, {shown("first_at")} AS first_at, {shown("last_at")} AS last_at, round(minutes, 1) AS minutes,
        EXISTS (FROM starts WHERE starts.server = pauses.server AND starts.log = pauses.log
            AND abs(epoch(starts.at - pauses.last_at)) <= {AT_START_SECONDS}) AS restarted
    FROM ({PAUSES}) pauses WHERE minutes >= {GAP_MINUTES}
"""
SILENCES: Final = f"""
    WITH held AS (
        SELECT server, log, min({_WRITTEN}) AS first, max({_WRITTEN}) AS last
        FROM audit_events WHERE {_WRITTEN} IS NOT NULL GROUP BY ALL),
    silent AS (
        SELECT server, log, first AS until,
            max(last) OVER (PARTITION BY log ORDER BY first, server ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                AS since
        FROM held)
    SELECT server, log, {shown("since")} AS first_at, {shown("until")} AS last_at,
        round(epoch(until - since) / 60, 1) AS minutes,
        EXISTS (FROM starts WHERE starts.server = silent.server AND starts.log = silent.log
            AND abs(epoch(starts.at - until)) <= {AT_START_SECONDS}) AS restarted
    FROM silent WHERE epoch(until - since) / 60 >= {GAP_MINUTES}
"""
"""Times between the logs of several servers in which none of them wrote anything: gaps of the one that begins then.

Where files do not tell whose they are, each counts as one of a server of its own.
"""
STARTS: Final = f"SELECT DISTINCT server, log, received_at AS at FROM audit_events WHERE {STARTED}"
LEVELS_SEEN: Final = """
    SELECT log, api_group, resource, subresource,
        CASE WHEN verb IN ('get', 'list', 'watch') THEN 'read' WHEN verb = 'create' THEN 'create'
            WHEN verb IN ('update', 'patch') THEN verb WHEN verb IN ('delete', 'deletecollection') THEN 'delete'
            ELSE 'other' END AS kind,
        list(DISTINCT level) AS levels, count(*) AS events
    FROM audit_events GROUP BY ALL
"""
VALUES: Final = f"""
    SELECT server, log, what, api_group, resource, subresource,
        coalesce(string_agg(DISTINCT nullif(level, ''), ' ' ORDER BY nullif(level, '')), '') AS levels,
        count(*) AS events,
        {shown(f"min({_WRITTEN})")} AS first_at, {shown(f"max({_WRITTEN})")} AS last_at
    FROM (SELECT *, unnest(list_concat(leaks, CASE WHEN holds_values THEN ['body'] ELSE [] END)) AS what
        FROM audit_events WHERE holds_values OR len(leaks) > 0)
    GROUP BY ALL
"""


def log_object(log: str, server: str) -> str:
    """Return the name of one API server's log."""
    return object_id("AuditLog", "", f"{log}@{server}" if server else log)


def without_log(nodes: Sequence[str], logs: Sequence[str]) -> list[bool]:
    """Return of which API servers no log was given.

    Parameters
    ----------
    nodes
        Node of each API server, or none.
    logs
        What each log says of the server that wrote it.

    Notes
    -----
    A log names a node where it has the node's name between other words; where it has those of several, it is of the
    longest. Only where none names any does their number tell.
    """
    named = {max(found, key=len) for log in logs if (found := [node for node in nodes if _names(log, node)])}
    if not named:
        return [len(logs) < len(nodes)] * len(nodes)
    return [node not in named for node in nodes]


def _names(log: str, node: str) -> bool:
    return bool(node) and re.search(rf"(?:^|[/_.@-]){re.escape(node)}(?:$|[/_.@])", log) is not None


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    names = [log_object(log, server) for log, server in zip(frame["log"], frame["server"], strict=True)]
    return frame.assign(object=pd.Series(names, index=frame.index, dtype="str"))


@builds(AUDIT_WINDOWS)
def audit_windows(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:
    """Return a row per API server and log.

    Notes
    -----
    Streams that events name themselves, as those of CloudWatch, have the counts of the files that they came in.
    """
    return of_log(AUDIT_WINDOWS, snapshot.audit_log, [audit_sources], lambda log: _windows(log, audit_sources))


def _windows(log: Log, audit_sources: pd.DataFrame) -> pd.DataFrame:
    windows = _named(ask(log, WINDOWS)).merge(ask(log, DISORDER), on=["server", "log"])
    windows = windows.merge(ask(log, USUAL), on=["server", "log"], how="left")
    windows = windows.merge(ask(log, UNANSWERED), on=["server", "log"], how="left").fillna({"unanswered": 0})
    windows["restarts"] = windows["restarts"].astype("Int64").mask(windows["own"].eq(0))
    held = ask(log, "SELECT DISTINCT server, log, source FROM audit_events")
    windows = windows.join(_of_files(held, audit_sources), on=["server", "log"])
    return windows.fillna({"first_at": "", "last_at": ""})


def _of_files(held: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of the files of each log; one that gave no event counts with those of its place."""
    empty = sources[~sources["source"].isin(held["source"])][["server", "log", "source"]]
    files = pd.concat([held, empty]).merge(sources.drop(columns=["server", "log"]), on="source")
    counts = ["unread", "duplicates", "reused", "undated"]
    grouped = files.groupby(["server", "log"])
    found = grouped[counts].sum().assign(files=grouped.size(), truncated=grouped["truncated"].sum())
    worst = grouped["delivery"].agg(lambda each: max(each, key=DELIVERIES.index))
    return found.assign(delivery=worst)


@builds(AUDIT_GAPS)
def audit_gaps(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001
    """Return a row per pause of a log, and of all together, with whether the API server was started at its end."""
    return of_log(AUDIT_GAPS, snapshot.audit_log, [], _gaps)


def _gaps(log: Log) -> pd.DataFrame:
    starts = {"starts": ask(log, STARTS)}
    return _named(pd.concat([ask(log, GAPS, starts), ask(log, SILENCES, starts)], ignore_index=True))


@builds(AUDIT_LEVELS)
def audit_levels(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001
    """Return a row per resource and kind of request."""
    return of_log(AUDIT_LEVELS, snapshot.audit_log, [], _levels)


def _levels(log: Log) -> Iterator[dict[str, Any]]:
    for row in rows_of(ask(log, LEVELS_SEEN)):
        seen = sorted((each if each in TOLD else "" for each in row.pop("levels")), key=TOLD.index)
        yield {**row, "least": seen[0], "most": seen[-1]}


@builds(AUDIT_VALUES)
def audit_values(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001
    """Return a row per way in which values got into a log; the values themselves were dropped when it was read."""
    return of_log(AUDIT_VALUES, snapshot.audit_log, [], _values)


def _values(log: Log) -> pd.DataFrame:
    return _named(ask(log, VALUES)).fillna({"first_at": "", "last_at": ""})
