"""Sight: what a detection cannot have seen, by the policy, the log and what the site says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.graph.detections.sight import Held, sights
from hipaa_kit.graph.detections.site import Site
from hipaa_kit.graph.detections.tables import SIGHT
from hipaa_kit.inventory.audit import policy_object
from hipaa_kit.kube.audit.detections import DETECTIONS
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.lookup import GivenTables

FIRST, LAST = "2026-11-17T10:00:00.000000Z", "2026-11-18T10:00:00.000000Z"
PLACES = (("ephi_namespaces", "ehr", ""), ("logging_namespaces", "logging", ""))


def frame(name: str, *rows: Mapping[str, Any]) -> pd.DataFrame:
    return TABLES[name].frame([{**EMPTY.get(name, {}), **row} for row in rows])


EMPTY: dict[str, dict[str, Any]] = {
    "audit_windows": {"server": "", "log": "kube-apiserver", "delivery": "file", "first_at": FIRST, "last_at": LAST}
    | {"stages": "ResponseComplete", "reasons": True, "events": 9}
    | dict.fromkeys("files unread truncated duplicates reused undated disorder skew".split(), 0),
    "audit_policy_states": {"rules": 1, "refused": ""},
    "audit_levels": {"log": "kube-apiserver", "api_group": "", "subresource": "", "kind": "read"}
    | {"least": "Metadata", "most": "Metadata", "events": 1},
    "control_plane_members": {"component": "kube-apiserver", "flags_read": True},
}


def window(server: str = "cp-1", **more: Any) -> dict[str, Any]:
    return {"object": f"AuditLog//kube-apiserver@{server}", "server": server, **more}


def member(node: str) -> dict[str, Any]:
    return {"pod": f"Pod/kube-system/kube-apiserver-{node}", "node": node}


def seen(
    places: tuple[tuple[str, str, str], ...] = PLACES, **tables: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the rows of sight by detection; what is not given is as whole as can be."""
    given = {
        "audit_windows": [window()],
        "audit_policy_states": [{"object": policy_object("")}],
        "audit_levels": [{"resource": "pods"}],
        "control_plane_members": [member("cp-1")],
        **tables,
    }
    frames = {
        name: frame(name, *given.get(name, [])) for name in (*SIGHT, "audit_levels", "audit_windows", "audit_gaps")
    }
    site = Site(places=pd.DataFrame(places, columns=["list", "first", "second"], dtype="str"))
    rows = sights(frames, Held.of(GivenTables(frames)), site, {"workforce": True})
    return {row["detection"]: row for row in rows}


def test_what_nothing_takes_away_is_seen() -> None:
    assert {row["state"] for name, row in seen().items() if name not in ("LOG-17", "LOG-22")} == {"sees"}
    assert {row["gap"] for row in seen().values()} == {""}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("",), ""),
        (("cp-1", "cp-2", "cp-3"), ""),
        (("cp-1",), "API servers whose audit policy was not given: 2"),
    ],
)
def test_the_policy_of_one_api_server_does_not_speak_for_another(given: tuple[str, ...], why: str) -> None:
    nodes = ("cp-1", "cp-2", "cp-3")
    found = seen(
        audit_policy_states=[{"object": policy_object(node)} for node in given],
        control_plane_members=[member(node) for node in nodes],
        audit_windows=[window(node) for node in nodes],
    )
    assert (found["LOG-03"]["state"], found["LOG-03"]["why"]) == ("partly" if why else "sees", why)


def test_where_no_namespace_with_ephi_is_known_what_looks_at_them_is_blind() -> None:
    found = seen(places=PLACES[1:])
    states = {state: [name for name in found if found[name]["state"] == state] for state in ("blind", "partly", "sees")}
    said = {name for name in found if "no namespace with ePHI is known" in found[name]["why"]}
    assert said == {each for each in found if "ephi_" in repr([part.where for part in DETECTIONS if part.id == each])}
    assert {"LOG-03", "LOG-05", "LOG-15", "LOG-25", "LOG-27", "LOG-28", "LOG-30", "LOG-31"} <= set(states["blind"])
    assert {"LOG-06", "LOG-07", "LOG-10", "LOG-18", "LOG-19"} <= set(states["partly"])
    assert {"LOG-01", "LOG-04", "LOG-09", "LOG-14", "LOG-24"} <= set(states["sees"])
