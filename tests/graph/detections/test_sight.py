"""Sight: what a detection cannot have seen, by the policy, the log and what the site says."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.inventory.audit import policy_object
from hipaa_kit.inventory.audit_log.completeness import UNANSWERED, WINDOWS
from hipaa_kit.kube.audit.detections import DETECTIONS
from hipaa_kit.kube.audit.identities import OWN
from tests.support.audit_table import TableLog
from tests.support.sight import PLACES, member, policy, seen, window


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


@pytest.mark.parametrize(
    ("resources", "verbs", "detection", "state", "words"),
    [
        ({"kyverno.io": ""}, (), "LOG-14", "partly", "create kyverno.io/any at None"),
        ({"kyverno.io": "policies"}, ("delete",), "LOG-14", "partly", "delete kyverno.io/policies at None"),
        ({"crd.projectcalico.org": ""}, (), "LOG-10", "partly", "crd.projectcalico.org/globalnetworkpolicies at None"),
        ({"batch": "jobs"}, (), "LOG-28", "partly", "create batch/jobs at None"),
        ({"batch": ""}, (), "LOG-28", "partly", "create batch/cronjobs at None"),
        ({"batch": "jobs"}, (), "LOG-27", "partly", "create batch/jobs at None"),
        ({"apps": "daemonsets"}, ("create",), "LOG-15", "partly", "create apps/daemonsets at None"),
        (
            {"": "persistentvolumeclaims"},
            ("deletecollection",),
            "LOG-19",
            "partly",
            "deletecollection persistentvolume",
        ),
        ({"": "persistentvolumeclaims"}, ("deletecollection",), "LOG-18", "sees", ""),
        ({"": "secrets"}, ("watch",), "LOG-06", "partly", "watch secrets at None"),
        ({"": "configmaps"}, ("patch",), "LOG-24", "partly", "patch configmaps at None"),
        ({"": "configmaps"}, ("get",), "LOG-24", "sees", ""),
        ({"coordination.k8s.io": ""}, (), "LOG-14", "sees", ""),
    ],
)
def test_what_the_policy_drops_is_not_seen(
    resources: dict[str, str], verbs: tuple[str, ...], detection: str, state: str, words: str
) -> None:
    found = seen(**policy({"level": "None", "verbs": verbs, "resources": resources}, {"level": "Metadata"}))
    assert found[detection]["state"] == state
    assert words in found[detection]["why"]
    assert bool(words) == bool(found[detection]["why"])


@pytest.mark.parametrize(
    ("namespace", "detection", "state"),
    [
        ("ehr", "LOG-28", "blind"),
        ("shop", "LOG-28", "sees"),
        ("shop", "LOG-09", "partly"),
        ("logging", "LOG-16", "partly"),
        ("kube-system", "LOG-24", "partly"),
        ("shop", "LOG-24", "sees"),
        ("shop", "LOG-14", "partly"),
    ],
)
def test_a_namespace_that_the_policy_drops_is_not_seen(namespace: str, detection: str, state: str) -> None:
    found = seen(**policy({"level": "None", "namespaces": [namespace]}, {"level": "Metadata"}))
    assert found[detection]["state"] == state


def test_a_policy_of_metadata_drops_nothing() -> None:
    found = seen(**policy({"level": "Metadata"}))
    assert {row["state"] for name, row in found.items() if name not in ("LOG-17", "LOG-22")} == {"sees"}


WRITE = {"verb": "create", "namespace": "ehr", "user": "ann", "name": "x"}
DAEMONSETS, CLAIMS = {"api_group": "apps", "resource": "daemonsets"}, {"resource": "persistentvolumeclaims"}


@pytest.mark.parametrize(
    ("event", "detection", "state", "why"),
    [
        (DAEMONSETS, "LOG-15", "blind", "daemonsets at Metadata, not Request"),
        ({**DAEMONSETS, "level": "Request"}, "LOG-15", "sees", ""),
        ({**DAEMONSETS, "level": ""}, "LOG-15", "blind", "daemonsets without a level"),
        ({**DAEMONSETS, "namespace": "shop"}, "LOG-15", "sees", ""),
        ({**DAEMONSETS, "verb": "delete"}, "LOG-15", "sees", ""),
        ({**DAEMONSETS, "user": OWN[0]}, "LOG-15", "sees", ""),
        (DAEMONSETS, "LOG-18", "blind", "daemonsets at Metadata, not Request"),
        (CLAIMS, "LOG-18", "blind", "persistentvolumeclaims at Metadata, not Request"),
        ({**CLAIMS, "verb": "patch"}, "LOG-18", "sees", ""),
        ({"api_group": "batch", "resource": "jobs"}, "LOG-18", "blind", "jobs at Metadata, not Request"),
        ({"api_group": "velero.io", "resource": "restores", "namespace": "velero"}, "LOG-18", "blind", "restores at"),
        ({"resource": "services"}, "LOG-25", "blind", "services at Metadata, not Request"),
    ],
)
def test_what_the_log_holds_without_its_body_is_not_seen(
    event: dict[str, Any], detection: str, state: str, why: str
) -> None:
    found = seen(events=({**WRITE, **event},))[detection]
    assert (found["state"], bool(found["why"])) == (state, bool(why))
    assert why in found["why"]


def test_some_with_their_bodies_leave_a_part_of_sight() -> None:
    found = seen(events=({**WRITE, **DAEMONSETS}, {**WRITE, **CLAIMS, "level": "Request"}))
    assert (found["LOG-15"]["state"], found["LOG-18"]["state"]) == ("blind", "partly")


@pytest.mark.parametrize(
    ("nodes", "servers", "gap"),
    [
        (("cp-1", "cp-2", "cp-3"), ("cp-1", "cp-2", "cp-3"), ""),
        (("cp-1", "cp-2", "cp-3"), ("cp-1", "cp-2", "cp-20"), "it is of 2 of 3 API servers"),
        (("cp-1", "cp-2"), ("cp-10", "cp-2"), "it is of 1 of 2 API servers"),
        (("cp-1", "dr-cp-1"), ("dr-cp-1", "logs/dr-cp-1"), "it is of 1 of 2 API servers"),
        (("cp-1", "cp-2"), ("kube-apiserver-cp-1", "masters/cp-2.example.org"), ""),
        (("cp-1", "cp-2"), ("first", "second"), ""),
        (("cp-1", "cp-2"), ("",), "it is of 1 of 2 API servers"),
        (("cp-1", ""), ("cp-1", "other"), "it is of 1 of 2 API servers"),
        ((), ("cp-1",), "how many API servers there are is not known"),
    ],
)
def test_of_which_api_servers_the_log_is(nodes: tuple[str, ...], servers: tuple[str, ...], gap: str) -> None:
    members = [{**member(node), "pod": f"Pod/kube-system/{number}"} for number, node in enumerate(nodes)]
    found = seen(control_plane_members=members, audit_windows=[window(server) for server in servers])
    assert found["LOG-03"]["gap"] == gap


@pytest.mark.parametrize("delivery", ["provider", "best_effort"])
def test_a_provider_delivers_one_log_of_all_api_servers(delivery: str) -> None:
    assert seen(control_plane_members=[], audit_windows=[window("", delivery=delivery)])["LOG-03"]["gap"] == ""


@pytest.mark.parametrize(
    ("ends", "delivery", "last", "gap"),
    [
        (("18T10:00:00", "18T09:50:00"), "file", "18T09:50:00Z", ""),
        (("18T10:00:00", "18T09:49:59"), "file", "18T09:49:59Z", "end more than 10 minutes before the last one: 1"),
        (("18T10:00:00", "17T12:00:00"), "webhook", "17T12:00:00Z", "end more than 10 minutes before the last one: 1"),
        (("18T10:00:00", "17T12:00:00"), "best_effort", "18T10:00:00Z", ""),
    ],
)
def test_the_log_that_stops_first_ends_the_window(ends: tuple[str, ...], delivery: str, last: str, gap: str) -> None:
    windows = [
        window(f"cp-{number}", last_at=f"2026-11-{end}.000000Z", delivery=delivery)
        for number, end in enumerate(ends, 1)
    ]
    found = seen(control_plane_members=[member("cp-1"), member("cp-2")], audit_windows=windows)["LOG-03"]
    assert found["window"] == f"from 2026-11-17T10:00:00Z to 2026-11-{last}"
    assert bool(found["gap"]) == bool(gap)
    assert found["gap"].endswith(gap)


def test_the_log_that_begins_last_begins_the_window() -> None:
    windows = [window("cp-1"), window("cp-2", first_at="2026-11-18T01:00:00.000000Z")]
    found = seen(control_plane_members=[member("cp-1"), member("cp-2")], audit_windows=windows)["LOG-03"]
    assert (found["window"][:25], found["gap"], found["days"]) == ("from 2026-11-18T01:00:00Z", "", 9 / 24)


def test_logs_without_a_time_in_common_cover_none() -> None:
    windows = [window("cp-1", last_at="2026-11-17T11:00:00.000000Z"), window("cp-2", first_at="2026-11-17T12:00:00.0Z")]
    found = seen(control_plane_members=[member("cp-1"), member("cp-2")], audit_windows=windows)["LOG-03"]
    assert (found["window"], found["days"]) == ("", None)
    assert "there is no time of which it is of all API servers" in found["gap"]


@pytest.mark.parametrize(
    ("level", "state"),
    [
        ({}, "partly"),
        ({"audit": "baseline"}, "sees"),
        ({"enforce": "restricted"}, "sees"),
        ({"basis": "exempt"}, "sees"),
        ({"name": "shop", "audit": "restricted"}, "partly"),
    ],
)
def test_pod_security_notes_only_what_a_level_asks_for(level: dict[str, str], state: str) -> None:
    found = seen(pod_admission=[{"name": "ehr", "basis": "label", **level}])["LOG-27"]
    words = "" if state == "sees" else "no level of Pod Security is set to be noted in the log for ehr"
    assert (found["state"], found["why"]) == (state, words)


def test_requests_without_an_answer_and_answers_without_a_status_are_counted() -> None:
    first = {"verb": "get", "user": "ann", "audit_id": "a", "stage": "RequestReceived"}
    events = [first, {**first, "stage": "ResponseComplete"}, {**first, "audit_id": "b"}]
    events += [{**first, "audit_id": "c", "stage": "unheard of"}, {**first, "audit_id": "d", "stage": "", "code": None}]
    log = TableLog(events)
    assert log.query(UNANSWERED)["unanswered"].tolist() == [2]
    assert log.query(WINDOWS)["uncoded"].tolist() == [1]
    found = seen(audit_windows=[window(unanswered=2, uncoded=1)])["LOG-03"]
    assert found["gap"] == "requests whose answer is not there: 2; answers without a status: 1"


EVERYTHING = {"level": "RequestResponse"}
OF_ALL = ("LOG-01", "LOG-02", "LOG-11", "LOG-23")
IN_EPHI = ("LOG-17", "LOG-31")


def dropped(**rule: Any) -> set[str]:
    """Return what sees no longer all where a policy drops some requests, of what sees all by one that drops none."""
    held = {"audit_levels": [{"resource": "pods"}, {"resource": "secrets"}]}
    whole, part = (seen(**policy(*rules), **held) for rules in ([EVERYTHING], [{"level": "None", **rule}, EVERYTHING]))
    return {name for name in whole if whole[name]["state"] == "sees" != part[name]["state"]}


@pytest.mark.parametrize(
    ("rule", "blinds", "spares"),
    [
        ({"resources": {"": "events"}}, {*OF_ALL, "LOG-16", "LOG-21"}, {"LOG-03", "LOG-09"}),
        ({"resources": {"": "events"}, "namespaces": ["ehr"]}, {*OF_ALL, "LOG-31"}, {"LOG-03"}),
        ({"resources": {"": "pods/log"}, "namespaces": ["ehr"]}, {*OF_ALL, "LOG-31"}, {"LOG-03", "LOG-21"}),
        ({"resources": {"metrics.k8s.io": ""}, "verbs": ["list"]}, {*OF_ALL, "LOG-21"}, {"LOG-03", "LOG-09"}),
        ({"resources": {"apps": "deployments"}, "verbs": ["get"]}, {*OF_ALL, "LOG-31"}, {"LOG-21", "LOG-15"}),
        ({"verbs": ["watch"]}, {*OF_ALL, "LOG-31", "LOG-06", "LOG-07", "LOG-08"}, {"LOG-09", "LOG-21"}),
        ({"paths": ["/openapi*"]}, set(OF_ALL), {"LOG-21", "LOG-31", "LOG-06"}),
        ({"paths": ["/healthz*", "/version"]}, set(), {*OF_ALL, "LOG-31"}),
    ],
)
def test_what_is_about_any_request_sees_all_only_where_any_is_recorded(
    rule: dict[str, Any], blinds: set[str], spares: set[str]
) -> None:
    found = dropped(**rule)
    assert blinds <= found
    assert not spares & found


def test_who_could_not_be_authenticated_is_recorded_by_its_own_stage() -> None:
    given = policy(EVERYTHING)
    given["audit_policies"] = [{"node": "", "omit_stages": "ResponseStarted"}]
    found = seen(**given)
    assert {name for name in found if found[name]["state"] != "sees"} - {"LOG-17", "LOG-22"} == {"LOG-01"}
    given["audit_policies"] = [{"node": "", "omit_stages": "ResponseComplete"}]
    found = seen(**given)
    # Of a session, and of what goes through a proxy, the log tells when it begins.
    assert {name for name in found if found[name]["state"] == "sees"} == {"LOG-03", "LOG-04", "LOG-20"}


def test_the_log_of_another_server_is_none_of_an_api_server() -> None:
    found = seen(audit_windows=[window(log="oauth-server")])
    assert found["LOG-03"]["gap"] == "nothing of it is of a kube-apiserver"
