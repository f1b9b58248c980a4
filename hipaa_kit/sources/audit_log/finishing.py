"""What is known of a log once all of it was read: copies of events, ids that were used again, and its window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hipaa_kit.kube.audit.policy import LEVELS
from hipaa_kit.sources.audit_log.columns import IDENTITY
from hipaa_kit.sources.audit_log.store import DUPLICATES, connect, quoted, rows_in, shown

if TYPE_CHECKING:
    import duckdb

PER_PASS: Final = 4_000_000
"""Events whose keys are held at a time."""

_LEVEL: Final = f"list_position({list(LEVELS[1:])}, level)"
_BODY: Final = "list_position(['none', 'response', 'request', 'both'], body)"
_BESIDE: Final = (
    "CASE WHEN len(leaks) > 0 THEN"
    " concat_ws(chr(0), api_group, resource, subresource, namespace, source_ip, user_agent) ELSE '' END"
)
"""What copies have in common besides, where something was removed of an event that might tell it from another one."""

_ID: Final = "hash(audit_id, stage, log)"


def finish(folder: Path, manifest: dict[str, Any]) -> None:
    """Write which events repeat others, and complete what the manifest says of the sources.

    Parameters
    ----------
    folder
        The store.
    manifest
        What was read, with at least one event in it; changed in place.

    Notes
    -----
    Of several copies the one that says most is kept. Events of one id that differ are all kept, and counted: a client
    may choose the id.
    """
    passes = manifest["events"] // PER_PASS + 1
    with connect() as connection:
        connection.execute("CREATE TABLE again (event BIGINT)")
        connection.execute("CREATE TABLE used (event BIGINT)")
        connection.execute(f"CREATE VIEW events AS FROM {rows_in(folder, manifest)}")
        for number in range(passes):
            _repeated(connection, number, passes)
            _used_again(connection, number, passes)
        _of_sources(connection, manifest["sources"])
        connection.execute(f"COPY (FROM again ORDER BY event) TO {quoted(str(folder / DUPLICATES))} (FORMAT parquet)")
    manifest["duplicates"] = sum(each["duplicates"] for each in manifest["sources"])


def _repeated(connection: duckdb.DuckDBPyConnection, number: int, passes: int) -> None:
    """Find copies: by their hash first, then by what they are, so that no chance drops an event."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE keys AS
        SELECT key FROM events WHERE key % {passes} = {number} AND audit_id <> '' GROUP BY key HAVING count(*) > 1"""
    )
    connection.execute(
        f"""INSERT INTO again SELECT event FROM (
            SELECT event, row_number() OVER (PARTITION BY log, {", ".join(IDENTITY)}, {_BESIDE}
                ORDER BY {_LEVEL} DESC NULLS LAST, {_BODY} DESC, event) AS copy
            FROM events WHERE key % {passes} = {number} AND audit_id <> '' AND key IN (SELECT key FROM keys))
        WHERE copy > 1"""
    )


def _used_again(connection: duckdb.DuckDBPyConnection, number: int, passes: int) -> None:
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE ids AS SELECT {_ID} AS id FROM events
        WHERE {_ID} % {passes} = {number} AND audit_id <> '' GROUP BY id HAVING count(DISTINCT key) > 1"""
    )
    connection.execute(
        f"""INSERT INTO used SELECT event FROM (
            SELECT event, count(DISTINCT key) OVER (PARTITION BY log, audit_id, stage) AS requests
            FROM events WHERE audit_id <> '' AND {_ID} IN (SELECT id FROM ids))
        WHERE requests > 1"""
    )


def _of_sources(connection: duckdb.DuckDBPyConnection, sources: list[dict[str, Any]]) -> None:
    found = connection.execute(
        f"""SELECT source, {shown("min(received_at)")}, {shown("max(coalesce(stage_at, received_at))")},
            count(*) FILTER (event IN (SELECT event FROM again)),
            count(*) FILTER (event IN (SELECT event FROM used)),
            count(*) FILTER (received_at IS NULL AND stage_at IS NULL),
            count(*) FILTER (len(leaks) > 0)
        FROM events GROUP BY source"""
    ).fetchall()
    known = {row[0]: row[1:] for row in found}
    for about in sources:
        first, last, again, used, undated, leaks = known.get(about["source"], ("", "", 0, 0, 0, 0))
        about.update(
            first_at=first or "", last_at=last or "", duplicates=again, reused=used, undated=undated, leaks=leaks
        )
