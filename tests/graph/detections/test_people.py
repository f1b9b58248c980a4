"""Hits by who acts: people, also those for whom a proxy acts, who has left, who was idle, who is new."""

# The log tells moments in UTC without saying so, and so does what it is compared with here.

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.graph.detections.site import _tickets
from hipaa_kit.kube.audit.identities import OWN
from tests.support.detections import START, at, hits

PROXY = {"user": "system:serviceaccount:proxy:server"}
DAY = 86400


@pytest.mark.parametrize("proxy", [PROXY, {"user": "robot"}], ids=["service account", "automation"])
@pytest.mark.parametrize("detection", ["LOG-28", "LOG-30"])
def test_people_who_come_through_a_proxy_are_people(detection: str, proxy: dict[str, str]) -> None:
    made = {
        "LOG-28": {"api_group": "batch", "resource": "jobs"},
        "LOG-30": {"api_group": "apps", "resource": "deployments"},
    }
    lists = {"own": list(OWN), "automation": ["robot"]}
    write = {**made[detection], "namespace": "ehr", "name": "x", "verb": "update", **proxy}
    (found,) = hits(detection, [{**write, "impersonated_user": "ann"}], lists=lists)
    assert found["subject"] == f"{proxy['user']} as ann"
    assert not hits(detection, [write], lists=lists)
    assert not hits(detection, [{**write, "impersonated_user": "system:serviceaccount:shop:cart"}], lists=lists)
    # Whoever acts as a service account is still a person.
    assert hits(detection, [{**write, "user": "ann", "impersonated_user": "system:serviceaccount:a:b"}], lists=lists)


def test_who_has_left_and_comes_through_a_proxy_has_left() -> None:
    gone = pd.DataFrame({"user": ["old", "older"], "until": [START, START - timedelta(days=9)]})
    (found,) = hits("LOG-23", [{**PROXY, "impersonated_user": "old"}], "ended", gone=gone)
    assert found["subject"].endswith(" as old")
    (both,) = hits("LOG-23", [{"user": "older", "impersonated_user": "old"}], "ended", gone=gone)
    assert (both["events"], both["measured"]) == (1, 9)
    assert not hits("LOG-23", [{**PROXY, "impersonated_user": "ann"}, PROXY], "ended", gone=gone)


def test_a_proxy_that_is_busy_hides_nobody_who_was_idle() -> None:
    busy = [{**PROXY, "impersonated_user": "bob", "received_at": at(day * DAY)} for day in range(100)]
    ann = [{**PROXY, "impersonated_user": "ann", "received_at": at(day * DAY)} for day in (1, 99)]
    (found,) = hits("LOG-23", [*busy, *ann], "idle")
    assert (found["subject"].split()[-1], found["measured"]) == ("ann", 98)
    other_way = [{"user": "ann", "received_at": at(day * DAY)} for day in range(2, 99)]
    assert not hits("LOG-23", [*busy, *ann, *other_way], "idle")


def test_who_is_first_seen_late_in_the_log_was_idle_for_as_long() -> None:
    start = {"user": "system:node:n1", "received_at": at(0)}
    late = {"user": "ann", "received_at": at(95 * DAY)}
    (found,) = hits("LOG-23", [start, late, {**late, "received_at": at(96 * DAY)}], "first")
    assert (found["subject"], found["measured"], found["events"]) == ("ann", 95, 1)
    (proxied,) = hits("LOG-23", [start, {**late, **PROXY, "impersonated_user": "ann"}], "first")
    assert proxied["measured"] == 95
    assert not hits("LOG-23", [start, {**late, "received_at": at(7 * DAY)}], "first")
    assert not hits("LOG-23", [start, {**late, **PROXY}], "first")


def test_the_first_read_of_each_for_whom_a_proxy_reads_is_one() -> None:
    read = {**PROXY, "resource": "secrets", "namespace": "ehr", "name": "login", "verb": "get"}
    events = [
        {**read, "impersonated_user": "bob", "received_at": at(0)},
        {**read, "impersonated_user": "ann", "received_at": at(2 * DAY)},
    ]
    assert [row["subject"].split()[-1] for row in hits("LOG-07", events)] == ["ann"]


@pytest.mark.parametrize(
    ("who", "hit"),
    [
        ({"user": "ann"}, False),
        ({"user": "eve"}, True),
        ({**PROXY, "impersonated_user": "ann"}, False),
        ({**PROXY, "impersonated_user": "eve"}, True),
        ({"user": "ann", "impersonated_user": "eve"}, True),
        ({"user": "eve", "impersonated_user": "ann"}, True),
        (PROXY, True),
    ],
)
def test_the_matrix_is_held_against_whoever_is_acted_for_and_the_person_who_acts(who: dict, hit: bool) -> None:
    permitted = pd.DataFrame({"user": ["ann"], "verb": ["get"], "namespace": ["ehr"]}, dtype="str")
    read = {"resource": "secrets", "namespace": "ehr", "name": "login", "verb": "get", **who}
    assert bool(hits("LOG-07", [read], permitted=permitted, matrix=True)) == hit


def test_a_day_that_is_unusual_for_one_for_whom_a_proxy_acts_is_found() -> None:
    def day(number: int, count: int, who: str) -> list[dict[str, Any]]:
        asked = {**PROXY, "impersonated_user": who, "namespace": "ehr", "resource": "pods", "verb": "get"}
        return [{**asked, "received_at": at(number * DAY + second)} for second in range(count)]

    busy = [each for number in range(9) for each in day(number, 60, "bob")]
    ann = [each for number in range(9) for each in day(number, 40 if number == 8 else 2, "ann")]
    (found,) = hits("LOG-31", [*busy, *ann])
    assert (found["subject"].split()[-1], found["events"]) == ("ann", 40)


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        ({"user": "ann"}, {"user": "ann"}, 1),
        ({"user": "ann"}, {"user": "bob"}, 0),
        ({"user": "ann"}, {"user": "ann", "impersonated_user": "bob"}, 1),
        ({"user": "bob", "impersonated_user": "ann"}, {"user": "ann"}, 1),
        ({"user": "robot", "impersonated_user": "ann"}, {"user": "ann"}, 1),
        ({"user": "robot", "impersonated_user": "ann"}, {"user": "robot", "impersonated_user": "ann"}, 1),
        ({"user": "robot", "impersonated_user": "ann"}, {"user": "robot", "impersonated_user": "bob"}, 0),
        ({**PROXY, "impersonated_user": "ann"}, {**PROXY, "impersonated_user": "bob"}, 1),
    ],
)
def test_rights_are_changed_and_used_by_whoever_acts_and_as_whom(first: dict, then: dict, found: int) -> None:
    change = {"api_group": "rbac.authorization.k8s.io", "resource": "rolebindings", "namespace": "ehr", "name": "b"}
    events = [
        {**change, "verb": "create", **first},
        {"resource": "pods", "subresource": "exec", "namespace": "ehr", "name": "db-0", "verb": "create", **then}
        | {"received_at": at(9)},
    ]
    lists = {"own": list(OWN), "automation": ["robot"]}
    assert len(hits("LOG-26", events, lists=lists)) == found


@pytest.mark.parametrize(
    ("kind", "emergency", "change"),
    [
        ("Break-Glass", True, False),
        ("emergency_access", True, False),
        ("non-emergency", False, False),
        ("incident", False, False),
        ("Change", False, True),
    ],
)
def test_what_a_ticket_is_for_is_told_by_its_kind_as_a_whole(kind: str, emergency: bool, change: bool) -> None:
    ticket = {"kind": kind, "opened_at": "2026-11-17", "closed_at": "", "status": "open", "object": ""}
    found = _tickets([ticket])
    assert (found["emergency"].tolist(), found["change"].tolist()) == ([emergency], [change])
