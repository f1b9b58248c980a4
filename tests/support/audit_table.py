"""A log of a few events, as the store shows it: rows with the columns of the view `audit_events`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import duckdb
import pandas as pd

LISTS = (
    "user_groups impersonated_groups source_ips programs command_marks pod_security bound role_marks pod_marks claims"
).split()
TEXTS = (
    "audit_id stage level verb user user_pod impersonated_user source_ip user_agent api_group resource subresource"
    " namespace name path decision decision_reason role_ref owner service_type data_source body server log source"
).split()
COLUMNS = (
    {"event": "BIGINT", "received_at": "TIMESTAMP", "stage_at": "TIMESTAMP", "code": "INTEGER", "line": "BIGINT"}
    | {"tls": "BOOLEAN", "namespace_mapping": "BOOLEAN", "dry_run": "BOOLEAN"}
    | dict.fromkeys(TEXTS, "VARCHAR")
    | dict.fromkeys(LISTS, "VARCHAR[]")
)


NUMBERS = count()


class TableLog:
    """Events in memory that answer SQL."""

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self.connection = duckdb.connect()
        self.digest = f"in memory {next(NUMBERS)}"
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        self.connection.execute(f"CREATE TABLE audit_events ({columns})")
        for number, each in enumerate(events):
            row = event(number, **each)
            values = [row[name] for name in COLUMNS]
            self.connection.execute(f"INSERT INTO audit_events VALUES ({', '.join('?' * len(values))})", values)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, **frames: pd.DataFrame) -> pd.DataFrame:
        cursor = self.connection.cursor()
        for name, frame in frames.items():
            cursor.register(name, frame)
        return cursor.execute(sql, parameters or {}).df()


def event(number: int, **given: Any) -> dict[str, Any]:
    """Return one row; a field that is not given is none."""
    row: dict[str, Any] = {
        **dict.fromkeys(TEXTS, ""),
        **{name: [] for name in LISTS},
        "event": number,
        "audit_id": f"id-{number}",
        "stage": "ResponseComplete",
        "level": "Metadata",
        "received_at": "2026-11-17 10:00:00",
        "code": 200,
        "decision": "allow",
        "source_ip": "10.0.0.7",
        "user_agent": "kubectl/v1.34.0",
        "body": "none",
        "server": "cp-1",
        "log": "kube-apiserver",
        "source": "audit.log",
        "line": number + 1,
        "tls": None,
        "namespace_mapping": None,
        "dry_run": False,
    }
    unknown = given.keys() - row.keys() - {"stage_at"}
    assert not unknown, unknown
    row |= given
    row.setdefault("stage_at", row["received_at"])
    return row
