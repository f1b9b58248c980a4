"""What the log shows of identities: who they are, their groups, what they used, and what of ePHI they reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.inventory.audit_log.remembered import of_log
from hipaa_kit.inventory.audit_log.requests import order_of, request_of
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.kinds import find_resource
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.rbac import service_account_of
from hipaa_kit.sources.audit_log.asking import Log, ask
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.audit_use import COMMON_WINDOW, EPHI_TOUCHES, IDENTITIES, IDENTITY_GROUPS, IDENTITY_USE
from hipaa_kit.tables.declaration import rows_of

_READ: Final = (
    "impersonated_user, impersonated_groups, user_groups, api_group, resource, subresource, namespace, name,"
    " decision, code, dry_run"
)
REQUESTS: Final = f"""
    WITH told AS (
        SELECT "user", verb, path, min(coalesce(received_at, stage_at)) AS received,
            arg_min({{{", ".join(f"'{each}': {each}" for each in _READ.split(", "))}}}, row({order_of()})) AS e
        FROM audit_events WHERE "user" <> '' GROUP BY {request_of()}),
    requests AS (
        SELECT
            CASE WHEN e.impersonated_user <> '' THEN e.impersonated_user ELSE "user" END AS who,
            CASE WHEN e.impersonated_user <> '' THEN "user" ELSE '' END AS behind,
            CASE WHEN e.impersonated_user <> '' THEN e.impersonated_groups ELSE e.user_groups END AS groups,
            CASE WHEN e.impersonated_user <> '' THEN e.user_groups ELSE [] END AS behind_groups,
            verb, e.api_group, e.resource, e.subresource, e.namespace, e.name,
            CASE WHEN e.resource = '' THEN path ELSE '' END AS bare_path, received,
            e.dry_run,
            e.decision = 'forbid' OR (e.decision = '' AND e.code IN (401, 403)) AS refused
        FROM told
    )
"""  # noqa: S608 - parts of our own
"""One row per request, by the event that tells most of it.

A dry run uses the right to what it asks for, and its answer shows the object: it counts as any other request.
Whether it was refused is not known where no event of it says how it was answered.
Rights are those of whom somebody acts as. Source: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""

COUNTS: Final = "count(*) AS events, min(received) AS first_at, max(received) AS last_at"
ALLOWED: Final = "count(*) FILTER (WHERE NOT refused) AS allowed, count(*) FILTER (WHERE refused IS NULL) AS open"
REFUSED: Final = "count(*) FILTER (WHERE refused) AS refused"

PERSONS: Final = """
    , persons AS (
        SELECT * FROM requests
        UNION ALL BY NAME
        SELECT * REPLACE (behind AS who, '' AS behind, behind_groups AS groups, [] AS behind_groups)
        FROM requests WHERE behind NOT IN ('', who))
"""
"""One row per request and person in it: as whom it was asked, and who asked where that is somebody else."""


def identity_of(user: str) -> str:
    """Return a user name as `User//name` or `ServiceAccount/namespace/name`."""
    account = service_account_of(user)
    return object_id("ServiceAccount", *account) if account else object_id("User", "", user)


def moment(value: Any) -> str:
    """Return a moment of the store as text, UTC."""
    return "" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%dT%H:%M:%SZ}"


def asked(log: Log, sql: str, **frames: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the answers of a log to a question about requests, with identities and moments as tables have them."""
    rows = rows_of(ask(log, REQUESTS + sql, frames))
    for row in rows:
        row |= {name: moment(row[name]) for name in ("first_at", "last_at") if name in row}
        if "user" in row:
            row["object"] = identity_of(row["user"])
    return rows


@builds(IDENTITIES, optional=["workforce"])
def identities(snapshot: Snapshot, audit_sources: pd.DataFrame, workforce: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - names the input
    """Return a row per identity, with its last day where no role of it holds any longer."""
    lasting = set(workforce.loc[workforce["until"] == "", "user"])
    ended = workforce[~workforce["user"].isin(lasting)].groupby("user", as_index=False)[["until"]].max()
    return of_log(IDENTITIES, snapshot.audit_log, [ended], lambda log: identities_in(log, ended))


def identities_in(log: Log, ended: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of table `identities` that a log gives; `ended` holds the last day of each who has left."""
    sql = f"""{PERSONS}
        SELECT who AS "user", {COUNTS}, {REFUSED}, string_agg(DISTINCT nullif(behind, ''), ' ') AS acted_by,
            any_value(ended.until) AS ended_on,
            count(*) FILTER (WHERE strftime(received, '%Y-%m-%d') > ended.until) AS after_end,
            count(*) FILTER (WHERE received IS NULL) AS undated
        FROM persons LEFT JOIN ended ON ended."user" = who GROUP BY who
    """  # noqa: S608
    rows = asked(log, sql, ended=ended)
    texts = ("acted_by", "ended_on")
    return [{**row, **{name: "" if pd.isna(row[name]) else row[name] for name in texts}} for row in rows]


@builds(IDENTITY_GROUPS)
def identity_groups(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - names the input
    """Return a row per identity and group that the API server saw it in."""
    sql = f"""SELECT who AS "user", "group", {COUNTS}
        FROM (SELECT who, received, unnest(groups) AS "group" FROM requests)
        WHERE "group" <> '' GROUP BY who, "group" """  # noqa: S608
    return of_log(IDENTITY_GROUPS, snapshot.audit_log, [], lambda log: asked(log, sql))


@builds(IDENTITY_USE)
def identity_use(snapshot: Snapshot, audit_sources: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG001 - names the input
    """Return a row per identity and what it used."""
    return of_log(IDENTITY_USE, snapshot.audit_log, [], uses_in)


GIVEN_GROUPS: Final = (
    "list_filter(groups, lambda g: g <> '' AND g NOT IN ('system:authenticated', 'system:unauthenticated',"
    " 'system:serviceaccounts') AND NOT starts_with(g, 'system:serviceaccounts:'))"
)
"""Groups that were asked for: the others are added by the server."""

ACTED_AS: Final = f"""
    , acted AS (
        SELECT behind AS who, received, CASE WHEN who LIKE 'system:serviceaccount:%:%' THEN 'serviceaccounts'
            ELSE 'users' END AS resource,
            CASE WHEN who LIKE 'system:serviceaccount:%:%' THEN split_part(who, ':', 3) ELSE '' END AS namespace
        FROM requests WHERE behind <> ''
        UNION ALL
        SELECT behind, received, 'groups', '' FROM requests WHERE behind <> '' AND len({GIVEN_GROUPS}) > 0)
"""  # noqa: S608
"""What was used to act as somebody else; an event names whom only after that was allowed.

Source: `pkg/endpoints/filters/impersonation.go` of kubernetes/apiserver; identifiers and extra fields are not kept.
"""


def uses_in(log: Log) -> list[dict[str, Any]]:
    """Return the rows of table `identity_use` that a log gives."""
    keys = "verb, api_group, resource, subresource, namespace"
    sql = f"""{ACTED_AS}
        SELECT who AS "user", {keys}, bare_path AS path, {COUNTS}, {ALLOWED}
        FROM requests GROUP BY who, {keys}, bare_path
        UNION ALL BY NAME
        SELECT who AS "user", 'impersonate' AS verb, '' AS api_group, resource, '' AS subresource, namespace,
            '' AS path, {COUNTS}, count(*) AS allowed, 0 AS open
        FROM acted GROUP BY who, resource, namespace"""  # noqa: S608 - parts of our own
    return asked(log, sql)


@builds(EPHI_TOUCHES)
def ephi_touches(
    snapshot: Snapshot,
    audit_sources: pd.DataFrame,  # noqa: ARG001 - names the input
    ephi_objects: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
) -> pd.DataFrame:
    """Return a row per identity, object in a namespace with ePHI, and verb; what asks for all namespaces is in each.

    Whose pods are gone cannot be told of their names: such a pod is not `declared`, and its namespace shows.
    """
    places = pd.DataFrame({"place": sorted(ephi_namespaces(ephi_objects))}, dtype="str")
    mine = pods.loc[pods["workload"].isin(ephi_workloads["object"]), "object"]
    declared = {*ephi_objects["object"], *mine}
    told = pd.DataFrame({"object": sorted(declared)}, dtype="str")
    return of_log(EPHI_TOUCHES, snapshot.audit_log, [places, told], lambda log: _touches(log, places, declared))


def _touches(log: Log, places: pd.DataFrame, declared: set[str]) -> Iterator[dict[str, Any]]:
    sql = f"""
        SELECT who AS "user", api_group, resource, subresource, place, name, verb, {COUNTS}, {REFUSED}
        FROM requests JOIN places ON namespace = place OR (namespace = '' AND name = '' AND verb IN ('list', 'watch'))
        WHERE resource <> '' AND (namespace <> '' OR resource IN ('pods', 'secrets', 'configmaps',
            'persistentvolumeclaims'))
        GROUP BY who, api_group, resource, subresource, place, name, verb
    """  # noqa: S608
    for row in asked(log, sql, places=places):
        kind = find_resource(row["api_group"], row["resource"])
        target = object_id(kind.kind if kind else row["resource"], row["place"], row["name"] or "*")
        kept = {name: row[name] for name in EPHI_TOUCHES.names if name in row}
        yield {**kept, "target": target, "declared": target in declared}


@builds(COMMON_WINDOW)
def common_window(
    snapshot: Snapshot, audit_sources: pd.DataFrame, audit_gaps: pd.DataFrame, control_plane_members: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield the one window; none where no event of an API server has a moment."""
    log = snapshot.audit_log
    mine = audit_sources[audit_sources["log"] == "kube-apiserver"]
    dated = mine[mine["first_at"] != ""]
    if log is None or dated.empty:
        return
    by_server = dated.groupby("server").agg({"first_at": "min", "last_at": "max"})
    first, last = by_server["first_at"].max(), by_server["last_at"].min()
    members = int((control_plane_members["component"] == "kube-apiserver").sum())
    days = (pd.Timestamp(last) - pd.Timestamp(first)).total_seconds() / 86400
    yield {
        "first_at": first,
        "last_at": last,
        "days": max(days, 0.0),
        "servers": len(by_server),
        "expected": members or None,
        "doubt": "; ".join(doubts_of(mine, audit_gaps, len(by_server), members)),
    }


LONGEST_PAUSE_MINUTES: Final = 24 * 60
"""A pause of a log that is as long is taken for a part of it that is lost: shorter ones are the matter of HK-AUD-11."""


def doubts_of(sources: pd.DataFrame, gaps: pd.DataFrame, servers: int, expected: int) -> Iterator[str]:
    """Yield why something may be missing within the window, of all files of API servers and pauses of their logs."""
    long = gaps[gaps["object"].str.startswith("AuditLog//kube-apiserver") & (gaps["minutes"] >= LONGEST_PAUSE_MINUTES)]
    if len(long):
        first = rows_of(long.sort_values("first_at"))[0]
        more = f" and {len(long) - 1} times more" if len(long) > 1 else ""
        yield f"the log pauses from {first['first_at']} to {first['last_at']}{more}"
    if servers < expected:
        yield f"the log of {servers} of {Count(expected):API server} is there"
    if (sources["delivery"] == "best_effort").any():
        yield "its provider delivers it as well as it can, and does not promise all of it"
    unread, cut = sources["unread"].fillna(0).astype(int), sources["truncated"].astype(bool)
    if (cut & ~_being_written(sources)).any():
        yield "a file, or an export, ends before its end"
    # The line within which a file ends is one of those that could not be read.
    if lost := int((unread - cut.astype(int)).clip(lower=0).sum()):
        yield f"{Count(lost):line} could not be read"
    if undated := int(sources["undated"].fillna(0).sum()):
        yield f"{Count(undated):event} {Count(undated):has|have} no moment"


PACKED: Final = (".gz", ".zst", ".bz2", ".xz")


def _being_written(sources: pd.DataFrame) -> pd.Series:
    """Tell which files an API server still writes: the newest of each, where it ends within a line and nothing else."""
    plain = (sources["format"] == "lines") & (sources["delivery"] == "file")
    plain &= ~sources["source"].str.lower().str.endswith(PACKED)
    newest = sources["last_at"] == sources.groupby("server")["last_at"].transform("max")
    return plain & newest & (sources["last_at"] != "") & (sources["unread"].fillna(0) == 1)
