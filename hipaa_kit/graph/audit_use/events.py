"""Emergency access and tests of detection, found in the log and joined with what people keep of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.audit_use.uses import COUNTS, PERSONS, asked, moment
from hipaa_kit.inventory.audit_log.remembered import of_log
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.kinds import BUILT_IN
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.sources.audit_log.asking import Log
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.audit_use import BREAK_GLASS_USE, CANARIES
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import EMERGENCY_TICKETS, ticket_kind

NEAR_HOURS: Final = 24
"""How far a ticket may lie from a use and still be taken for its ticket."""

TESTS: Final = frozenset({"detection test", "canary"})
"""Kinds of exercises."""


OWN: Final = "(behind = '' AND regexp_matches(who, '^system:(node:|kube-|apiserver$)'))"
"""Requests that a component of Kubernetes makes by itself, such as a kubelet that reads what its pods mount."""


@builds(BREAK_GLASS_USE, optional=["tickets"])
def break_glass_use(
    snapshot: Snapshot,
    audit_sources: pd.DataFrame,  # noqa: ARG001 - names the input
    grants: pd.DataFrame,
    tickets: pd.DataFrame,
) -> pd.DataFrame:
    """Return a row per person and day on which requests were made by who holds emergency access."""
    held = grants.loc[grants["break_glass"], ["subject_kind", "subject"]].drop_duplicates()
    held = held[held["subject_kind"].isin([USER, USER_GROUP])].reset_index(drop=True)
    made_from = [held, tickets]
    return of_log(BREAK_GLASS_USE, snapshot.audit_log, made_from, lambda log: emergency_uses(log, *made_from))


def emergency_uses(log: Log, held: pd.DataFrame, tickets: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of table `break_glass_use`; `held` holds subjects of emergency access."""
    sql = f"""{PERSONS}
        SELECT who AS "user", coalesce(strftime(received, '%Y-%m-%d'), '') AS day, subject AS through, {COUNTS}
        FROM persons JOIN held ON (subject_kind = '{USER}' AND subject = who)
            OR (subject_kind = '{USER_GROUP}' AND list_contains(groups, subject))
        GROUP BY who, day, subject ORDER BY who, day, subject
    """  # noqa: S608
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in asked(log, sql, held=held) if len(held) else []:
        found.setdefault((row["user"], row["day"]), row)
    for row in found.values():
        near = _near(tickets, row["first_at"], row["last_at"])
        emergencies = near[near["kind"].map(ticket_kind).isin(EMERGENCY_TICKETS)]
        alerted = near[near["alert"] != ""]
        yield {**row, "ticket": _first(emergencies), "alert": _first(alerted)}


def _near(tickets: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    if not first:
        return tickets.iloc[:0]
    span = pd.Timedelta(hours=NEAR_HOURS)
    opened = pd.to_datetime(tickets["opened_at"], utc=True, errors="coerce", format="ISO8601")
    return tickets[(opened >= pd.Timestamp(first) - span) & (opened <= pd.Timestamp(last) + span)]


def _first(tickets: pd.DataFrame) -> str:
    return str(tickets.sort_values(["opened_at", "id"])["id"].iloc[0]) if len(tickets) else ""


@builds(CANARIES)
def canaries(
    snapshot: Snapshot,
    audit_sources: pd.DataFrame,  # noqa: ARG001 - names the input
    common_window: pd.DataFrame,
    drills: pd.DataFrame,
    tickets: pd.DataFrame,
) -> pd.DataFrame:
    """Return a row per exercise that tests detection by an act on an object that it names.

    The act is the first request at the object that was answered; one that was refused, or of whose answer the log does
    not say, where there is no other. A dry run does nothing, and what a component of Kubernetes asks for by itself is
    done by nobody: both are no act.
    """
    tests = drills[drills["kind"].map(ticket_kind).isin(TESTS) & (drills["scope"].str.count("/") == 2)]
    made_from = [tests, common_window, tickets]
    if snapshot.audit_log is None:
        return CANARIES.frame(_tested(None, *made_from))
    return of_log(CANARIES, snapshot.audit_log, made_from, lambda log: _tested(log, *made_from))


def _tested(
    log: Log | None, tests: pd.DataFrame, common_window: pd.DataFrame, tickets: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    resources = {kind.kind: kind.resource for kind in BUILT_IN}
    windows = rows_of(common_window)
    for row in rows_of(tests):
        kind, namespace, name = parse_object_id(row["scope"])
        wanted = {"resource": resources.get(kind, kind.lower()), "place": namespace, "named": name, "day": row["date"]}
        sql = f"""
            SELECT coalesce(min(received) FILTER (WHERE NOT dry_run AND NOT refused),
                    min(received) FILTER (WHERE NOT dry_run)) AS seen,
                min(received) FILTER (WHERE dry_run) AS only_asked
            FROM requests, wanted WHERE requests.resource = wanted.resource
                AND namespace = place AND name = named AND strftime(received, '%Y-%m-%d') = day AND NOT {OWN}
        """  # noqa: S608
        found = asked(log, sql, wanted=pd.DataFrame([wanted])) if log else []
        seen = moment(found[0]["seen"]) if found else ""
        dry_run = moment(found[0]["only_asked"]) if found and not seen else ""
        covered = any(
            not each["doubt"] and each["first_at"][:10] < row["date"] < each["last_at"][:10] for each in windows
        )
        told = {"date": row["date"], "target": row["scope"], "result": row["result"]}
        yield {
            **told,
            "covered": covered,
            "seen_at": seen,
            "dry_run_at": dry_run,
            **_alerted(tickets, row["scope"], seen),
        }


def _alerted(tickets: pd.DataFrame, target: str, seen: str) -> dict[str, Any]:
    """Return the first ticket about the object that an alert opened within a day after the act."""
    if not seen:
        return {}
    opened = pd.to_datetime(tickets["opened_at"], utc=True, errors="coerce", format="ISO8601")
    begin = pd.Timestamp(seen)
    mine = tickets.assign(opened=opened)[(tickets["alert"] != "") & (tickets["object"] == target)]
    mine = mine[(mine["opened"] >= begin) & (mine["opened"] <= begin + pd.Timedelta(hours=NEAR_HOURS))]
    if mine.empty:
        return {}
    first = rows_of(mine.sort_values(["opened", "id"]))[0]
    minutes = (first["opened"] - begin).total_seconds() / 60
    return {"ticket": first["id"], "alerted_at": first["opened_at"], "latency_minutes": round(minutes, 1)}
