"""Hits: what counts, what counts once, what is merged, and both sides of each window."""

# The log tells moments in UTC without saying so, and so does what it is compared with here.
# ruff: noqa: DTZ001

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.site import business_hours, site_of
from hipaa_kit.kube.audit.detections import DETECTIONS
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.lookup import GivenTables
from tests.support.audit_table import TableLog
from tests.support.detections import EXEC, at, hits, site


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


@pytest.mark.parametrize(
    ("marks", "pod", "severity", "told"),
    [
        (["shell"], "toolbox", "medium", "ran a shell or a program that fetches in"),
        (["shell"], "db-0", "high", "ran a shell or a program that fetches in"),
        (["shell", "reverse_shell"], "toolbox", "high", "ran a command that looks for a way further in"),
        (["metadata_address"], "db-0", "critical", "ran a command that looks for a way further in"),
    ],
)
def test_only_what_looks_for_a_way_further_is_called_so(marks: list[str], pod: str, severity: str, told: str) -> None:
    (found,) = hits("LOG-04", [{**EXEC, "name": pod, "command_marks": marks}])
    assert (found["severity"], found["what"]) == (severity, f"eve {told} Pod/ehr/{pod}: 1 request (create pods/exec)")


@pytest.mark.parametrize(
    ("more", "code", "severity", "told"),
    [
        ({"role_ref": "ClusterRole/cluster-admin"}, 201, "critical", "; critical, since it binds cluster-admin"),
        ({"role_ref": "ClusterRole/cluster-admin"}, 403, "low", ", all of them refused"),
        ({"role_ref": "ClusterRole/view"}, 201, "medium", ""),
        ({"name": "system:x"}, 201, "high", "; high, since it is one of the cluster's own"),
    ],
)
def test_a_change_of_rights_says_what_makes_it_worse(more: dict[str, str], code: int, severity: str, told: str) -> None:
    written = {"api_group": "rbac.authorization.k8s.io", "resource": "clusterrolebindings", "verb": "create"}
    (found,) = hits("LOG-09", [{**written, "name": "x", "user": "ann", **more, "code": code}])
    assert found["severity"] == severity
    assert found["what"].endswith(f": 1 request (create clusterrolebindings){told}")


def test_a_sentence_about_the_whole_server_does_not_name_it() -> None:
    (found,) = hits("LOG-01", [{"user": "eve", "code": 403, "verb": "get", "resource": "pods"}] * 5, "by user")
    assert (found["object"], found["what"]) == ("Cluster//api-server", "eve was refused: 5 requests (get pods)")


GIVEN = {"api_group": "rbac.authorization.k8s.io", "resource": "rolebindings", "namespace": "shop", "name": "b",
         "user": "ann"}  # fmt: skip


def after_a_change(verb: str, *events: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    then = [{**each, "user": "ann", "received_at": at(number + 1)} for number, each in enumerate(events)]
    found = hits("LOG-26", [{**GIVEN, "verb": verb, "received_at": at(0)}, *then])
    return [(row["object"], row["events"], row["severity"], row["what"].partition(": ")[2]) for row in found]


@pytest.mark.parametrize(("verb", "found"), [("create", 1), ("update", 1), ("patch", 1), ("delete", 0)])
def test_only_rights_that_may_have_been_given_come_before_their_use(verb: str, found: int) -> None:
    assert len(after_a_change(verb, EXEC)) == found


def test_what_follows_a_change_of_rights_is_told_once_for_a_namespace() -> None:
    job = {"api_group": "batch", "resource": "jobs", "namespace": "shop", "name": "j", "verb": "delete"}
    assert after_a_change("create", job) == [("Namespace//shop", 1, "low", "1 request (delete Job/shop/j)")]
    made = {**job, "verb": "create"}
    assert sorted(after_a_change("create", job, made, {**job, "name": "k"}, EXEC)) == [
        ("Namespace//ehr", 1, "high", "1 request (create Pod/ehr/db-0 exec)"),
        ("Namespace//shop", 3, "high", "3 requests (create Job/shop/j, delete Job/shop/j, delete Job/shop/k)"),
    ]


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


def test_a_read_whose_status_is_not_known_is_a_hit() -> None:
    read = {"resource": "secrets", "namespace": "ehr", "name": "login", "user": "eve", "verb": "get"}
    assert len(hits("LOG-07", [{**read, "code": None}], matrix=True)) == 1
    assert not hits("LOG-07", [{**read, "code": 404}], matrix=True)


@settings(max_examples=10, deadline=None)
@given(events=random_events(), order=st.randoms(use_true_random=False))
def test_hits_come_by_time_and_audit_id_however_the_log_was_cut(events: list[dict[str, Any]], order: Any) -> None:
    numbered = [{**each, "audit_id": f"e{number:02}"} for number, each in enumerate(events)]
    mixed = order.sample(numbered, len(numbered))

    def told(given_events: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        rows = Hunt(TableLog(given_events), site()).rows()
        names = ("detection", "part", "first_at", "audit_ids", "subject", "object")
        return [tuple(row[name] for name in names) for row in rows]

    found = told(numbered)
    assert told(mixed) == found
    of_parts = [(each.id, each.part) for each in DETECTIONS]
    times = [(of_parts.index(row[:2]), row[2], row[3].split()[:1]) for row in found]  # type: ignore[arg-type]
    assert times == sorted(times)
