"""Pauses of an audit log: within one server's, and between those of several."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.inventory.audit_log.completeness import _gaps
from tests.support.audit_table import TableLog


def at(server: str, minute: int, **more: Any) -> dict[str, Any]:
    return {"server": server, "received_at": f"2026-11-17 {10 + minute // 60}:{minute % 60:02}:00", **more}


START = {"user": "system:apiserver", "verb": "get", "resource": "clusterroles", "name": "cluster-admin"}


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([at("a", 0), at("a", 9)], []),
        ([at("a", 0), at("a", 10)], [("a", 10.0, False)]),
        ([at("a", 0), at("b", 10)], [("b", 10.0, False)]),
        ([at("a", 0), at("b", 9)], []),
        ([at("a", 0), at("a", 30), at("b", 20)], [("a", 30.0, False)]),
        ([at("a", 0), at("b", 5), at("c", 40)], [("c", 35.0, False)]),
        ([at("a", 0), at("b", 20, **START)], [("b", 20.0, True)]),
        ([at("a", 0), at("a", 60), at("b", 5), at("c", 70)], [("a", 60.0, False), ("c", 10.0, False)]),
        ([at("a", 0), at("b", 30, log="oauth-server")], []),
    ],
)
def test_a_time_in_which_no_server_wrote_anything_is_a_gap(events: list[dict[str, Any]], found: list[Any]) -> None:
    gaps = _gaps(TableLog(events)).sort_values("object")
    rows = [(row.object.rpartition("@")[2], row.minutes, row.restarted) for row in gaps.itertuples()]
    assert rows == found
