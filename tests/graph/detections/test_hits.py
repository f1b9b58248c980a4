"""Hits: what counts, what counts once, what is merged, and both sides of each window."""

# The log tells moments in UTC without saying so, and so does what it is compared with here.
# ruff: noqa: DTZ001

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.site import Site, business_hours, site_of
from hipaa_kit.kube.audit.detections import DETECTIONS, parts
from hipaa_kit.kube.audit.identities import OWN
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.lookup import GivenTables
from tests.support.audit_table import TableLog

START = datetime(2026, 11, 17, 10)
PLACES = (
    ("ephi_namespaces", "ehr", ""),
    ("ephi_secrets", "ehr", "login"),
    ("other_pods", "ehr", "toolbox"),
    ("other_claims", "ehr", "scratch"),
    ("logging_namespaces", "logging", ""),
)
EXEC = {"resource": "pods", "subresource": "exec", "namespace": "ehr", "name": "db-0", "user": "eve", "verb": "create"}


def site(**more: Any) -> Site:
    places = pd.DataFrame(PLACES, columns=["list", "first", "second"], dtype="str")
    return Site(**{"lists": {"own": list(OWN), "scripting_agents": ["curl"]}, "places": places, **more})


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(sep=" ")


def hits(detection: str, events: Iterable[Mapping[str, Any]], part: str | None = None, **more: Any) -> list[dict]:
    hunt = Hunt(TableLog(events), site(**more))
    asked = [each for each in parts(detection) if part in (None, each.part)]
    return [row for each in asked for row in hunt.of(each)]


def test_a_request_with_an_event_for_each_stage_counts_once() -> None:
    twice = [
        {**EXEC, "audit_id": "a", "stage": stage, "code": 101} for stage in ("ResponseStarted", "ResponseComplete")
    ]
    (found,) = hits("LOG-03", twice)
    assert (found["events"], found["audit_ids"]) == (1, "a")


def test_requests_that_share_an_audit_id_chosen_by_their_client_all_count() -> None:
    same = [{**EXEC, "audit_id": "a", "received_at": at(second)} for second in range(3)]
    (found,) = hits("LOG-03", same)
    assert found["events"] == 3


@pytest.mark.parametrize("stage", ["RequestReceived"])
def test_what_only_arrived_is_not_judged(stage: str) -> None:
    assert not hits("LOG-03", [{**EXEC, "stage": stage}])


@pytest.mark.parametrize("stage", ["ResponseStarted", "ResponseComplete", "Panic", ""])
@pytest.mark.parametrize("verb", ["get", "create"])
@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
def test_every_form_of_a_session_is_a_hit(subresource: str, verb: str, stage: str) -> None:
    assert len(hits("LOG-03", [{**EXEC, "subresource": subresource, "verb": verb, "stage": stage}])) == 1


@pytest.mark.parametrize(
    "other", [{"name": "toolbox"}, {"namespace": "shop"}, {"subresource": "log"}, {"resource": "services"}]
)
def test_other_requests_are_no_session_in_a_pod_with_ephi(other: dict[str, str]) -> None:
    assert not hits("LOG-03", [{**EXEC, **other}])


def test_a_panic_is_not_a_refusal() -> None:
    (panic,) = hits("LOG-03", [{**EXEC, "stage": "Panic", "code": 500}])
    (refused,) = hits("LOG-03", [{**EXEC, "code": 403}])
    assert (panic["refused"], panic["severity"]) == (0, "high")
    assert (refused["refused"], refused["severity"]) == (1, "low")


def test_requests_are_merged_by_principal_object_and_burst() -> None:
    events = [{**EXEC, "received_at": at(second)} for second in (0, 60, 60 + 1800, 60 + 1800 + 1801)]
    events += [{**EXEC, "user": "ann"}, {**EXEC, "name": "db-1"}]
    found = hits("LOG-03", events)
    assert sorted((row["subject"], row["object"], row["events"]) for row in found) == [
        ("ann", "Pod/ehr/db-0", 1),
        ("eve", "Pod/ehr/db-0", 1),
        ("eve", "Pod/ehr/db-0", 3),
        ("eve", "Pod/ehr/db-1", 1),
    ]


def test_a_hit_names_up_to_twenty_of_its_events_and_where_they_stand() -> None:
    (found,) = hits("LOG-03", [{**EXEC, "received_at": at(number)} for number in range(25)])
    assert found["events"] == 25
    assert found["audit_ids"].split() == [f"id-{number}" for number in range(20)]
    assert found["places"].split() == [f"audit.log:{number + 1}" for number in range(20)]


def test_an_audit_id_with_spaces_stays_one_and_control_characters_are_shown() -> None:
    (found,) = hits("LOG-03", [{**EXEC, "audit_id": "a b\nc", "user": "e\x1b[31mve"}])
    assert found["audit_ids"] == "a_b\\nc"
    assert found["subject"] == "e\\x1b[31mve"


@pytest.mark.parametrize(("step", "most"), [(33.3, 10), (34, 9)])
def test_refusals_are_counted_in_any_five_minutes(step: float, most: int) -> None:
    events = [{"user": "eve", "code": 403, "received_at": at(step * number)} for number in range(20)]
    (found,) = hits("LOG-01", events, "by user")
    assert found["measured"] == most


@pytest.mark.parametrize(("after", "severity"), [(1, "critical"), (300, "critical"), (301, "medium")])
def test_a_success_within_five_minutes_of_a_burst_makes_it_critical(after: int, severity: str) -> None:
    refused = [{"user": "eve", "code": 403, "source_ip": "10.0.0.9", "received_at": at(number)} for number in range(10)]
    well = {"user": "eve", "code": 200, "source_ip": "10.0.0.9", "received_at": at(9 + after)}
    assert {row["severity"] for row in hits("LOG-01", [*refused, well])} == {severity}


def test_somebody_elses_success_makes_nothing_worse() -> None:
    refused = [{"user": "eve", "code": 403, "source_ip": "10.0.0.9", "received_at": at(number)} for number in range(10)]
    well = {"user": "ann", "code": 200, "source_ip": "10.0.0.8", "received_at": at(20)}
    assert {row["severity"] for row in hits("LOG-01", [*refused, well])} == {"medium"}


@pytest.mark.parametrize(
    ("user", "well", "severity"),
    [
        ("eve", {}, "critical"),
        ("eve", {"name": "y"}, "critical"),
        ("eve", {"verb": "get"}, "medium"),
        ("eve", {"resource": "configmaps"}, "medium"),
        ("eve", {"subresource": "status"}, "medium"),
        ("eve", {"namespace": "shop"}, "medium"),
        ("system:kube-scheduler", {}, "medium"),
    ],
)
def test_only_what_was_refused_before_counts_as_a_success(user: str, well: dict[str, str], severity: str) -> None:
    asked = {"user": user, "verb": "create", "resource": "pods", "namespace": "kube-system", "source_ip": "10.0.0.9"}
    other = {**asked, "resource": "nodes", "namespace": ""}
    refused = [{**each, "code": 403, "received_at": at(number)} for number in range(5) for each in (asked, other)]
    found = hits("LOG-01", [*refused, {**asked, **well, "code": 201, "received_at": at(20)}])
    assert [(row["part"], row["severity"]) for row in found] == [("by user", severity), ("by address", severity)]


def test_the_address_that_counts_is_the_one_that_the_server_saw() -> None:
    events = [
        {"code": 401, "source_ip": "203.0.113.9", "source_ips": [f"1.1.1.{number}", "203.0.113.9"]}
        for number in range(10)
    ]
    (found,) = hits("LOG-01", events)
    assert (found["part"], found["subject"], found["events"]) == ("by address", "address 203.0.113.9", 10)


def test_different_secrets_are_counted_not_requests() -> None:
    many = [{"resource": "secrets", "namespace": "shop", "verb": "get", "user": "eve"}] * 30
    events = [{**each, "name": f"s{number % 9}", "received_at": at(number)} for number, each in enumerate(many)]
    (found,) = hits("LOG-06", events)
    assert (found["measured"], found["events"]) == (9, 30)


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([404] * 6, "asked for many Secrets one by one Secret//*: 6 requests (get secrets), all of them failed"),
        ([403] * 6, "asked for many Secrets one by one Secret//*: 6 requests (get secrets), all of them refused"),
        ([401, 403, 404, 503, 200, 200],
         "read many Secrets one by one Secret//*: 6 requests (get secrets), 2 of them refused and 2 of them failed"),
        ([200] * 6, "read many Secrets one by one Secret//*: 6 requests (get secrets)"),
    ],
)  # fmt: skip
def test_what_was_not_there_was_not_refused(codes: list[int], told: str) -> None:
    read = {"resource": "secrets", "namespace": "shop", "verb": "get", "user": "eve"}
    found = hits("LOG-06", [{**read, "name": f"s{number}", "code": code} for number, code in enumerate(codes)], "burst")
    assert [row["what"] for row in found] == [f"eve {told}"]


def test_what_the_server_forbade_was_refused_whatever_its_code() -> None:
    (found,) = hits("LOG-03", [{**EXEC, "code": 404, "decision": "forbid"}])
    assert found["what"].endswith("1 request (create pods/exec), all of them refused")


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_secrets_that_are_listed_by_their_names_are_read_one_by_one(verb: str) -> None:
    """A list with `fieldSelector=metadata.name=s1` is recorded as `list` with that name."""
    read = {"resource": "secrets", "namespace": "shop", "verb": verb, "user": "eve"}
    events = [{**read, "name": f"s{number}", "received_at": at(number)} for number in range(40)]
    (found,) = hits("LOG-06", events)
    assert (found["part"], found["measured"]) == ("burst", 40)


def test_a_first_read_is_told_with_the_days_of_history_before_it() -> None:
    read = {"resource": "secrets", "namespace": "ehr", "name": "login", "verb": "get", "user": "eve"}
    day = 86400
    events = [
        {"user": "ann", "received_at": at(0)},
        {**read, "received_at": at(0.9 * day)},
        {**read, "received_at": at(20 * day)},
        {**read, "user": "bob", "received_at": at(1.5 * day)},
        {**read, "received_at": at(50.1 * day)},
    ]
    found = [(row["subject"], round(row["measured"], 1)) for row in hits("LOG-07", events)]
    assert sorted(found) == [("bob", 1.5), ("eve", 50.1)]


@pytest.mark.parametrize(("part", "field"), [("agent", "user_agent"), ("address", "source_ip")])
@pytest.mark.parametrize(("earlier", "found"), [("", 0), ("something", 1)])
def test_nothing_is_new_where_earlier_events_tell_nothing_of_it(
    part: str, field: str, earlier: str, found: int
) -> None:
    ann = {"user": "ann", "namespace": "ehr", "resource": "pods", "verb": "get"}
    events = [{**ann, field: earlier}, {**ann, field: "another", "received_at": at(2 * 86400)}]
    assert len(hits("LOG-17", events, part)) == found


def test_a_list_of_all_secrets_reads_those_with_ephi() -> None:
    read = {"resource": "secrets", "namespace": "", "verb": "list", "user": "eve", "received_at": at(2 * 86400)}
    assert len(hits("LOG-07", [{"user": "ann"}, read])) == 1
    assert not hits("LOG-07", [{"user": "ann"}, {**read, "namespace": "shop"}])


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


SNAPSHOT = {"api_group": "snapshot.storage.k8s.io", "resource": "volumesnapshots", "namespace": "ehr"}
REQUEST = {"api_group": "certificates.k8s.io", "resource": "certificatesigningrequests"}
MADE = [
    ("LOG-13", "", REQUEST),
    ("LOG-18", "snapshot", SNAPSHOT),
    ("LOG-18", "velero", {"api_group": "velero.io", "resource": "downloadrequests", "namespace": "velero"}),
    ("LOG-18", "clone", {"resource": "persistentvolumeclaims", "namespace": "ehr", "data_source": "VolumeSnapshot/s"}),
    ("LOG-18", "mount", {"resource": "pods", "namespace": "ehr", "claims": ["data"]}),
]


@pytest.mark.parametrize(("detection", "part", "made"), MADE, ids=lambda each: each if isinstance(each, str) else "")
def test_what_server_side_apply_makes_is_made(detection: str, part: str, made: dict[str, Any]) -> None:
    """It is recorded as `patch`, answered by 201 where there was nothing, and by 200 where there was."""

    def found(**answer: Any) -> int:
        return len(hits(detection, [{**made, "name": "x", "user": "eve", **answer}], part))

    assert found(verb="create", code=201) == found(verb="patch", code=201) == 1
    assert found(verb="patch", code=200) == found(verb="patch", code=403) == 0


GONE = {"verb": "delete", "user": "eve", "name": "logging"}


@pytest.mark.parametrize(
    ("gone", "severity"),
    [
        ({**GONE, "resource": "namespaces", "namespace": "logging"}, "high"),
        ({**GONE, "resource": "namespaces"}, "high"),
        ({**GONE, "resource": "pods", "namespace": "logging"}, "low"),
        ({**GONE, "resource": "pods", "namespace": "logging", "verb": "deletecollection", "name": ""}, "low"),
    ],
)
def test_who_deletes_what_keeps_the_log_is_found(gone: dict[str, str], severity: str) -> None:
    (found,) = hits("LOG-16", [gone], "keepers")
    assert found["severity"] == severity
    others = [
        {**gone, "user": "system:serviceaccount:kube-system:namespace-controller"},
        {**gone, "name": "shop", "namespace": "shop"},
        {**gone, "subresource": "finalize", "verb": "update"},
    ]
    assert not hits("LOG-16", others, "keepers")


@pytest.mark.parametrize("group", ["apps", "extensions"])
def test_the_group_that_workloads_stood_in_before_is_known(group: str) -> None:
    written = {"api_group": group, "resource": "deployments", "namespace": "ehr", "name": "x", "verb": "update"}
    event = {**written, "user": "ann", "pod_marks": ["hostPath"], "claims": ["data"]}
    assert [row["object"] for row in hits("LOG-15", [event])] == ["Deployment/ehr/x"]
    assert len(hits("LOG-18", [{**event, "verb": "create"}], "mount")) == 1
    assert len(hits("LOG-30", [event])) == 1
    assert len(hits("LOG-16", [{**event, "namespace": "logging"}], "keepers")) == 1


@pytest.mark.parametrize("group", ["policy", "extensions"])
def test_a_pod_security_policy_is_admission(group: str) -> None:
    event = {"api_group": group, "resource": "podsecuritypolicies", "name": "x", "verb": "create", "user": "ann"}
    assert [row["object"] for row in hits("LOG-14", [event])] == ["PodSecurityPolicy//x"]
    assert not hits("LOG-14", [{**event, "resource": "poddisruptionbudgets"}])


def test_a_claim_that_is_known_to_hold_no_ephi_is_no_copy_of_it() -> None:
    pod = {"resource": "pods", "namespace": "ehr", "name": "x", "verb": "create", "user": "eve"}
    assert not hits("LOG-18", [{**pod, "claims": ["scratch"]}])
    assert len(hits("LOG-18", [{**pod, "claims": ["scratch", "data"]}])) == 1
    assert not hits("LOG-18", [{**pod, "claims": []}])


CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
MADE = {"resource": "pods", "namespace": "ehr", "name": "x-1-a", "verb": "create", "user": CONTROLLER,
        "owner": "ReplicaSet/x-1", "pod_marks": ["hostNetwork"]}  # fmt: skip
SET = {**MADE, "api_group": "apps", "resource": "replicasets", "name": "x-1", "owner": "Deployment/x",
       "user": "system:serviceaccount:kube-system:deployment-controller"}  # fmt: skip
WORKLOAD = {**SET, "resource": "deployments", "name": "x", "owner": "", "user": "ann"}


@pytest.mark.parametrize(
    ("events", "objects"),
    [
        ([MADE], ["ReplicaSet/ehr/x-1"]),
        ([SET, MADE, {**MADE, "name": "x-1-b"}], ["Deployment/ehr/x"]),
        ([WORKLOAD, SET, MADE], ["Deployment/ehr/x"]),
        ([{**WORKLOAD, "code": 403}, MADE], ["Deployment/ehr/x", "ReplicaSet/ehr/x-1"]),
        ([{**WORKLOAD, "pod_marks": []}, SET], ["Deployment/ehr/x"]),
        ([WORKLOAD, {**MADE, "user": "eve"}], ["Deployment/ehr/x", "Pod/ehr/x-1-a"]),
        ([{**WORKLOAD, "namespace": "shop"}, SET], ["Deployment/ehr/x"]),
        ([{**MADE, "pod_marks": []}], []),
    ],
)
def test_a_pod_that_reaches_out_is_told_once_at_its_workload(events: list[dict], objects: list[str]) -> None:
    assert sorted(row["object"] for row in hits("LOG-15", events)) == objects


@pytest.mark.parametrize(
    ("path", "hit"),
    [
        ("/api/v1/nodes/n1/proxy/metrics", False),
        ("/api/v1/nodes/n1/proxy/stats/summary", False),
        ("/api/v1/nodes/n1/proxy/metrics/../run/ehr/db-0/db", True),
        ("/api/v1/nodes/n1/proxy/pods", True),
        ("/api/v1/nodes/n1/proxy", True),
        ("/api/v1/nodes/n1/proxy/exec/metrics", True),
    ],
)
def test_only_metrics_and_stats_of_a_kubelet_are_no_hit(path: str, hit: bool) -> None:
    node = {"resource": "nodes", "subresource": "proxy", "name": "n1", "verb": "get", "user": "eve", "path": path}
    assert bool(hits("LOG-20", [node])) == hit


@pytest.mark.parametrize(
    "reason", ["", 'RBAC: allowed by ClusterRoleBinding "emergency2" of ClusterRole "x" to Group "y"']
)
def test_only_the_role_binding_that_the_server_names_is_emergency_access(reason: str) -> None:
    lists = {"break_glass_bindings": ['ClusterRoleBinding "emergency"']}
    used = 'RBAC: allowed by ClusterRoleBinding "emergency" of ClusterRole "cluster-admin" to Group "on-call"'
    assert len(hits("LOG-22", [{"user": "eve", "decision_reason": used}], lists=lists)) == 1
    assert not hits("LOG-22", [{"user": "eve", "decision_reason": reason}], lists=lists)


def test_hours_follow_the_clock_of_the_site_over_the_change_to_summer_time() -> None:
    settings_ = {"time_zone": ["America/New_York"], "holidays": ["2026-11-03"]}
    opens = [start for start, _ in business_hours(settings_, (datetime(2026, 10, 30), datetime(2026, 11, 4)))]
    # Friday at UTC-4, Monday after the clocks went back at UTC-5; Tuesday is free.
    assert datetime(2026, 10, 30, 11) in opens
    assert datetime(2026, 11, 2, 12) in opens
    assert not any(start.date().isoformat() == "2026-11-03" for start in opens)
    assert all(start.weekday() < 5 for start in opens)


def test_a_site_is_read_from_empty_tables() -> None:
    names = "detection_settings ephi_objects pods claims secret_uses grants access_matrix workforce tickets".split()
    empty = GivenTables({name: TABLES[name].frame() for name in names})
    held = site_of(empty, [], None)
    assert (held.matrix, held.calendar) == (False, False)
    assert not list(Hunt(TableLog(), held).rows())


def random_events() -> st.SearchStrategy[list[dict[str, Any]]]:
    event = st.fixed_dictionaries(
        {
            "user": st.sampled_from(["eve", "ann", "system:serviceaccount:shop:cart", "system:node:n1", ""]),
            "verb": st.sampled_from(["get", "list", "create", "patch", "delete", "deletecollection"]),
            "resource": st.sampled_from(["pods", "secrets", "persistentvolumeclaims", "services", "events"]),
            "subresource": st.sampled_from(["", "", "exec"]),
            "namespace": st.sampled_from(["ehr", "ehr", "shop", ""]),
            "name": st.sampled_from(["", "login", "db-0", "toolbox"]),
            "code": st.sampled_from([200, 200, 403, 401]),
            "received_at": st.integers(0, 900).map(at),
            "service_type": st.sampled_from(["", "NodePort"]),
            "command_marks": st.sampled_from([[], ["shell"]]),
        }
    )
    return st.lists(event, max_size=20)


NOVELTY = {"LOG-07", "LOG-17", "LOG-23", "LOG-31"}
"""What these find rests on what was not seen before."""


@settings(max_examples=15, deadline=None)
@given(events=random_events(), kept=st.sets(st.integers(0, 19)))
def test_a_line_less_makes_no_hit_of_requests_that_were_none(events: list[dict[str, Any]], kept: set[int]) -> None:
    """Whatever is taken out of a log: what is found in the rest was found in the whole, event by event.

    So a log that loses lines may lose hits, as it must, and a hit of which no event was lost stays.
    """
    numbered = [{**each, "audit_id": f"e{number}"} for number, each in enumerate(events)]
    rest = [each for number, each in enumerate(numbered) if number in kept]

    def told(given_events: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
        hunt = Hunt(TableLog(given_events), site())
        found: dict[tuple[str, str], set[str]] = {}
        for row in hunt.rows():
            found.setdefault((row["detection"], row["part"]), set()).update(row["audit_ids"].split())
        return found

    whole, part = told(numbered), told(rest)
    remaining = {each["audit_id"] for each in rest}
    rates = {(each.id, each.part) for each in DETECTIONS if each.rate or each.id == "LOG-26"}
    for key, found in part.items():
        if key[0] not in NOVELTY:
            assert found <= whole.get(key, set()), key
    for key, found in whole.items():
        if key[0] not in NOVELTY and key not in rates:
            assert found & remaining <= part.get(key, set()), key
