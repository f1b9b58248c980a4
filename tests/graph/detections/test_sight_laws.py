"""What is taken from an audit policy or a log takes sight away, and never gives any."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.detections.site import Site
from hipaa_kit.kube.audit.asked import HEALTH
from hipaa_kit.kube.audit.detections import DETECTIONS, parts
from hipaa_kit.kube.audit.identities import OWN
from hipaa_kit.kube.audit.policy import LEVELS, STAGES, Policy, Resources, Rule
from hipaa_kit.sources.audit_log import ingest
from hipaa_kit.sources.audit_log.asking import ask
from hipaa_kit.tables.declaration import rows_of
from tests.support.audit_policies import random_policy, random_rule
from tests.support.detections import PLACES, site
from tests.support.sight import member, seen, tables_of, window

CASES = Path(__file__).parent.parent.parent / "safeguards" / "suspicious_activity"
NAMES = tuple(dict.fromkeys(each.id for each in DETECTIONS))
ALL = Rule("RequestResponse")
KNOWN = {
    "lists": {"own": [*OWN], "break_glass_bindings": ['ClusterRoleBinding "emergency"']},
    "calendar": True,
}
"""Without it LOG-17 and LOG-22 could never see all."""

EVENT = "verb, api_group, resource, subresource, namespace, path"


@cache
def whole(given: Policy) -> dict[str, str]:
    """Return the state of each detection under a policy, where nothing else takes any sight."""
    return {name: row["state"] for name, row in seen(PLACES, site=KNOWN, **tables_of(given)).items()}


def cases(detection: str) -> list[Path]:
    """Return the cases of a detection in which it finds something in the log."""
    found = []
    for folder in sorted((CASES / f"HK-{detection}").iterdir()):
        with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
            objects = {row["object"] for row in csv.DictReader(file) if row["verdict"] in ("review", "fail")}
        if {each for each in objects if not each.startswith(("Cluster//audit-log", "AuditLog/"))}:
            found.append(folder)
    return found


def found_in(case: Path, detection: str, folder: Path) -> list[dict[str, Any]]:
    """Return requests in the log of a case that a detection is about.

    What goes around a path of health leads nowhere, and may be left out.
    """
    log = ingest([case / "audit_log"], folder)
    users = log.query('SELECT DISTINCT "user" FROM audit_events')["user"].tolist()
    lists = {"own": [*OWN], "scripting_agents": ["curl"], "break_glass_users": users}
    here: Site = site(lists=lists)
    wheres = " OR ".join(here.writer.where(part.where) for part in parts(detection))
    found = ask(log, f"SELECT DISTINCT {EVENT} FROM audit_events WHERE {wheres} ORDER BY ALL", here.frames)
    return [row for row in rows_of(found) if row["resource"] or not row["path"].startswith(HEALTH)]


def only(event: dict[str, Any], level: str, *omitted: str) -> Rule:
    """Return the rule that decides on just what an event was asked for."""
    if not event["resource"]:
        return Rule(level, verbs=(event["verb"],), paths=(event["path"],), omit_stages=frozenset(omitted))
    resource = f"{event['resource']}/{event['subresource']}".rstrip("/")
    named = (Resources(event["api_group"], (resource,)),)
    places = (event["namespace"],) if event["namespace"] else ()
    return Rule(level, (), (), (event["verb"],), places, named, (), frozenset(omitted))


def test_every_detection_sees_all_where_everything_is_recorded() -> None:
    assert set(whole(Policy((ALL,))).values()) == {"sees"}


@pytest.mark.parametrize("detection", NAMES)
def test_without_what_it_found_a_detection_does_not_see_all(detection: str, tmp_path: Path) -> None:
    chosen = enumerate(cases(detection)[:3])
    events = [event for number, case in chosen for event in found_in(case, detection, tmp_path / str(number))[:2]]
    assert events
    for event in events:
        # What is recorded at less than it needs shows in the log itself.
        for rule in (only(event, "None"), only(event, "RequestResponse", *STAGES[1:3])):
            assert whole(Policy((rule, ALL)))[detection] != "sees", rule


@settings(max_examples=12)
@given(st.integers(min_value=0))
def test_a_policy_that_records_less_shows_no_more(seed: int) -> None:
    rng = random.Random(seed)
    policy = rng.choice((random_policy(rng), Policy((random_rule(rng), ALL))))
    at = rng.randrange(len(policy.rules))
    rule = policy.rules[at]
    less = rng.choice(
        (
            replace(policy, rules=(replace(random_rule(rng), level="None"), *policy.rules)),
            replace(policy, rules=_with(policy, at, level=LEVELS[max(0, LEVELS.index(rule.level) - 1)])),
            replace(policy, rules=_with(policy, at, omit_stages=rule.omit_stages | {rng.choice(STAGES)})),
            replace(policy, omit_stages=policy.omit_stages | {rng.choice(STAGES)}),
        )
    )
    before, after = whole(policy), whole(less)
    assert {name for name in after if after[name] == "sees"} <= {name for name in before if before[name] == "sees"}


def _with(policy: Policy, at: int, **changes: Any) -> tuple[Rule, ...]:
    return tuple(replace(rule, **changes) if number == at else rule for number, rule in enumerate(policy.rules))


@pytest.mark.parametrize("taken", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_without_the_log_of_an_api_server_no_detection_finds_it_whole(taken: tuple[int, ...]) -> None:
    nodes = ("cp-1", "cp-2", "cp-3")
    members = [member(node) for node in nodes]
    left = [window(node) for number, node in enumerate(nodes) if number not in taken]
    full = seen(site=KNOWN, control_plane_members=members, audit_windows=[window(node) for node in nodes])
    part = seen(site=KNOWN, control_plane_members=members, audit_windows=left)
    assert {row["gap"] for row in full.values()} == {""}
    assert all(row["gap"] for row in part.values())
