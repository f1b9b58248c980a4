"""What detections see, of tables that say how whole a log is and what an audit policy records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.graph.detections.sight import Held, levels_told, sights
from hipaa_kit.graph.detections.site import Site
from hipaa_kit.graph.detections.tables import SIGHT
from hipaa_kit.inventory.audit import policy_object
from hipaa_kit.kube.audit.identities import OWN
from hipaa_kit.kube.audit.policy import Policy, Resources, Rule
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.lookup import GivenTables
from tests.support.audit_table import TableLog

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
    "pod_admission": {"object": "Namespace//ehr", "seen": True, "basis": "label", "configuration": "none"}
    | dict.fromkeys(("enforce", "audit"), "privileged"),
    "control_plane_members": {"component": "kube-apiserver", "flags_read": True},
}


def window(server: str = "cp-1", **more: Any) -> dict[str, Any]:
    return {"object": f"AuditLog//kube-apiserver@{server}", "server": server, **more}


def member(node: str) -> dict[str, Any]:
    return {"pod": f"Pod/kube-system/kube-apiserver-{node}", "node": node}


def policy(*rules: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of an audit policy of some rules: level, verbs, namespaces, paths, resources by group."""
    return tables_of(Policy(tuple(map(_rule, rules)), frozenset(["RequestReceived"])))


def _rule(rule: Mapping[str, Any]) -> Rule:
    resources = tuple(Resources(group, tuple(words.split())) for group, words in rule.get("resources", {}).items())
    fields = {name: tuple(rule.get(name, ())) for name in ("verbs", "namespaces", "paths")}
    return Rule(rule["level"], resources=resources, **fields)


def tables_of(given: Policy) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of an audit policy."""
    return {
        "audit_policies": [{"node": "", "omit_stages": " ".join(sorted(given.omit_stages))}],
        "audit_rules": [
            {"node": "", "position": at, "level": rule.level, "omit_stages": " ".join(sorted(rule.omit_stages))}
            for at, rule in enumerate(given.rules, 1)
        ],
        "audit_rule_matches": [row for at, rule in enumerate(given.rules, 1) for row in _matches(at, rule)],
    }


def _matches(position: int, rule: Rule) -> Iterator[dict[str, Any]]:
    fields = {"users": rule.users, "user_groups": rule.user_groups, "verbs": rule.verbs}
    fields |= {"namespaces": rule.namespaces, "non_resource_urls": rule.paths}
    entries = [(0, field, values) for field, values in fields.items()]
    for entry, each in enumerate(rule.resources):
        entries += [(entry, "group", (each.group,)), (entry, "resources", each.resources)]
        entries += [(entry, "resource_names", each.names)]
    for entry, field, values in entries:
        for value in dict.fromkeys(values):
            yield {"node": "", "position": position, "entry": entry, "field": field, "value": value}


def seen(
    places: tuple[tuple[str, str, str], ...] = PLACES,
    events: tuple[dict[str, Any], ...] = (),
    site: Mapping[str, Any] = {},
    **tables: list[dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the rows of sight by detection; what is not given is as whole as can be."""
    given = {
        "audit_windows": [window()],
        "audit_policy_states": [{"object": policy_object("")}],
        "audit_levels": [{"resource": "pods"}],
        "control_plane_members": [member("cp-1")],
        "pod_admission": [{"name": "ehr", "audit": "restricted"}],
        **tables,
    }
    frames = {
        name: frame(name, *given.get(name, [])) for name in (*SIGHT, "audit_levels", "audit_windows", "audit_gaps")
    }
    frame_of_places = pd.DataFrame(places, columns=["list", "first", "second"], dtype="str")
    here = Site(**{"lists": {"own": [*OWN]}, "places": frame_of_places, **site})
    told = levels_told(TableLog(events), here)
    rows = sights(frames, Held.of(GivenTables(frames)), here, True, told)
    return {row["detection"]: row for row in rows}
