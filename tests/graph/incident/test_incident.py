"""An incident question: who is in question, what they did, what they could reach, and what would not show."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hipaa_kit
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.errors import InputError
from hipaa_kit.graph.incident import Incident, incident_of
from hipaa_kit.graph.incident.acts import NAMES
from hipaa_kit.graph.incident.blind import lost
from hipaa_kit.resources import shipped
from hipaa_kit.tables.audit_use import COMMON_WINDOW
from hipaa_kit.tables.declaration import rows_of
from tests.support.audit_table import TableLog

TOOL = "system:serviceaccount:velero:velero"
TOOL_ID = "ServiceAccount/velero/velero"
SINCE, UNTIL = "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z"
DB = "Pod/ehr/ehr-db-0"


@cache
def clinic() -> Assessment:
    return hipaa_kit.assessment(shipped("data") / "clinic_fixed")


def asked(who: str, events: Iterable[dict[str, Any]] | None = (), since: str = SINCE, until: str = UNTIL) -> Incident:
    run = clinic()
    log = None if events is None else TableLog(events)
    return incident_of(who, since, until, run.tables, log, run.permissions, run.reachability)  # type: ignore[arg-type]


def act(verb: str, what: str, namespace: str = "", name: str = "", at: str = "10:00:00", **more: Any) -> dict[str, Any]:
    named, _, subresource = what.partition("/")
    resource, _, group = named.partition(".")
    place = {"namespace": namespace, "name": name, "path": f"/{what}/{namespace}/{name}"}
    told = {"verb": verb, "resource": resource, "api_group": group, "subresource": subresource, **place}
    return {"user": TOOL, **told, "received_at": f"2026-11-17 {at}", **more}


def through(found: Incident) -> set[tuple[str, str]]:
    return {(row["identity"], row["through"]) for row in rows_of(found.identities)}


ENTER = act("create", "pods/exec", "ehr", "ehr-db-0", code=101)


@pytest.mark.parametrize(
    ("event", "taken"),
    [
        (ENTER, {(DB, "pod entered")}),
        (ENTER | {"verb": "get"}, {(DB, "pod entered")}),
        (ENTER | {"code": 403}, set()),
        (ENTER | {"code": 500}, set()),
        (ENTER | {"code": None}, {(DB, "pod entered")}),
        (ENTER | {"received_at": "2026-11-16 23:59:59"}, set()),
        (ENTER | {"received_at": "2026-11-18 00:00:00"}, set()),
        (ENTER | {"user": "somebody.else"}, set()),
        (act("create", "pods/attach", "ehr", "ehr-db-0", code=101), {(DB, "pod entered")}),
        (act("create", "pods/portforward", "ehr", "ehr-db-0", code=101), set()),
        (act("patch", "pods/ephemeralcontainers", "ehr", "ehr-db-0"), {(DB, "container added")}),
        (act("get", "pods/ephemeralcontainers", "ehr", "ehr-db-0"), set()),
        (
            act("create", "serviceaccounts/token", "ehr", "ehr-api", code=201),
            {("ServiceAccount/ehr/ehr-api", "token made")},
        ),
        (act("get", "serviceaccounts", "ehr", "ehr-api"), set()),
        (act("create", "pods", "ehr", "made", code=201), {("Pod/ehr/made", "pod made")}),
        (act("create", "pods", "ehr", "", code=201), set()),
        (act("get", "pods", "ehr", "ehr-db-0"), set()),
        (
            act("list", "pods", impersonated_user="system:serviceaccount:ehr:ehr-api"),
            {("ServiceAccount/ehr/ehr-api", "acted as")},
        ),
        (act("list", "pods", impersonated_user="ann"), {("User//ann", "acted as")}),
        (
            act("create", "clusterrolebindings.rbac.authorization.k8s.io", "", "b", code=201, bound=["User//ann"]),
            {("User//ann", "right given")},
        ),
        (act("delete", "clusterrolebindings.rbac.authorization.k8s.io", "", "b", bound=["User//ann"]), set()),
    ],
)
def test_an_identity_is_in_question_once_the_log_shows_that_it_was_taken(
    event: dict[str, Any], taken: set[tuple[str, str]]
) -> None:
    found = through(asked(TOOL_ID, [event]))
    first = {(name, how) for name, how in found if how in ("itself", "its pod")}
    assert found - first == taken
    assert (TOOL_ID, "itself") in first


def test_whoever_was_taken_is_followed_from_that_moment_on() -> None:
    other = {"user": "system:serviceaccount:ehr:ehr-api"}
    events = [
        act("create", "pods/exec", "imaging", "pacs-db-0", at="09:00:00", **other),
        act("create", "serviceaccounts/token", "ehr", "ehr-api", at="10:00:00"),
        act("create", "pods/exec", "ehr", "ehr-redis-0", at="11:00:00", **other),
    ]
    found = asked(TOOL_ID, events)
    assert ("Pod/ehr/ehr-redis-0", "pod entered") in through(found)
    assert ("Pod/imaging/pacs-db-0", "pod entered") not in through(found)
    acts = {(row["identity"], row["name"]) for row in rows_of(found.acts)}
    assert acts == {(TOOL_ID, "ehr-api"), ("ServiceAccount/ehr/ehr-api", "ehr-redis-0")}


def test_who_was_only_given_a_right_is_told_of_and_not_followed_further() -> None:
    given_to = ["User//ann"]
    binding = act("create", "rolebindings.rbac.authorization.k8s.io", "ehr", "b", at="09:00:00", bound=given_to)
    found = asked(TOOL_ID, [binding, act("create", "pods/exec", "ehr", "ehr-db-0", at="10:00:00", user="ann")])
    assert {row["identity"] for row in rows_of(found.acts)} == {TOOL_ID, "User//ann"}
    assert (DB, "pod entered") not in through(found)
    sure = dict(zip(found.identities["identity"], found.identities["sure"], strict=True))
    assert not sure["User//ann"]


def test_a_request_counts_once_whatever_stages_it_has() -> None:
    stages = [
        act("watch", "pods", "ehr", stage=stage, audit_id="one") for stage in ("ResponseStarted", "ResponseComplete")
    ]
    again = act("watch", "pods", "ehr", at="10:00:01", audit_id="one")
    [row] = rows_of(asked(TOOL_ID, [*stages, again]).acts)
    assert row["requests"] == 2
    [hour] = rows_of(asked(TOOL_ID, [*stages, again]).hours)
    assert (hour["hour"], hour["requests"]) == ("2026-11-17T10:00:00Z", 2)


@pytest.mark.parametrize(
    ("event", "outcome", "writes", "ephi"),
    [
        (act("get", "secrets", "ehr", "ehr-db"), "done", False, True),
        (act("get", "secrets", "ehr", "ehr-db", code=403), "refused", False, True),
        (act("get", "secrets", "ehr", "ehr-db", code=401), "refused", False, True),
        (act("get", "secrets", "ehr", "ehr-db", code=404), "failed", False, True),
        (act("get", "secrets", "ehr", "ehr-db", code=None), "unknown", False, True),
        (act("list", "secrets"), "done", False, True),
        (act("list", "nodes"), "done", False, False),
        (act("get", "namespaces", "", "ehr"), "done", False, True),
        (act("delete", "configmaps", "cicd", "x"), "done", True, False),
        (act("create", "selfsubjectrulesreviews.authorization.k8s.io", code=201), "done", False, False),
        (act("get", "pods/exec", "ehr", "ehr-db-0", code=101), "done", True, True),
        (act("get", "pods/log", "ehr", "ehr-db-0"), "done", False, True),
    ],
)
def test_what_an_act_is(event: dict[str, Any], outcome: str, writes: bool, ephi: bool) -> None:
    rows = [row for row in rows_of(asked(TOOL_ID, [event]).acts) if row["identity"] == TOOL_ID]
    assert [(row["outcome"], row["writes"], row["ephi"]) for row in rows] == [(outcome, writes, ephi)]


def test_many_objects_of_a_kind_are_one_row() -> None:
    few = [act("get", "secrets", "ehr", f"s{number}", at=f"10:00:{number:02}") for number in range(NAMES)]
    assert len(asked(TOOL_ID, few).acts) == NAMES
    [row] = rows_of(asked(TOOL_ID, [*few, act("get", "secrets", "ehr", "another")]).acts)
    assert (row["name"], row["requests"]) == ("*", NAMES + 1)


def test_a_pod_answers_for_its_own_token_and_perhaps_for_one_of_which_the_log_does_not_say() -> None:
    pods = clinic().tables.pods
    [pod] = pods.loc[pods["service_account"] == TOOL_ID, "object"]
    name = pod.rpartition("/")[2]
    events = [
        act("get", "secrets", "ehr", "own", user_pod=name),
        act("get", "secrets", "ehr", "open", user_pod=""),
        act("get", "secrets", "ehr", "other", user_pod="velero-other"),
    ]
    found = {row["name"]: row["sure"] for row in rows_of(asked(pod, events).acts)}
    assert found == {"own": True, "open": False}


def test_a_pod_answers_for_what_it_did_before_its_account_came_into_question() -> None:
    pods = clinic().tables.pods
    [pod] = pods.loc[pods["service_account"] == TOOL_ID, "object"]
    name = pod.rpartition("/")[2]
    events = [
        act("get", "secrets", "ehr", "early", at="09:00:00", user_pod=name),
        act("create", "serviceaccounts/token", "velero", "velero", at="10:00:00", user_pod=name),
        act("get", "secrets", "ehr", "late", at="11:00:00", user_pod=name),
        act("get", "secrets", "ehr", "elsewhere", at="12:00:00", user_pod="velero-other"),
    ]
    found = asked(pod, events)
    assert {(row["identity"], row["name"], row["requests"]) for row in rows_of(found.acts)} == {
        (pod, "early", 1),
        (TOOL_ID, "velero", 1),
        (TOOL_ID, "late", 1),
        (TOOL_ID, "elsewhere", 1),
    }


def test_an_act_without_its_first_moment_is_told_by_its_last() -> None:
    event = act("get", "secrets", "ehr", "s") | {"received_at": None, "stage_at": "2026-11-17 10:30:00"}
    [row] = rows_of(asked(TOOL_ID, [event]).acts)
    assert (row["first_at"], row["requests"]) == ("2026-11-17T10:30:00Z", 1)


def test_a_pod_that_is_gone_is_known_by_the_log_and_its_reach_is_not() -> None:
    found = asked("Pod/velero/gone", [act("get", "secrets", "ehr", "s", user_pod="gone")])
    assert [row["name"] for row in rows_of(found.acts)] == ["s"]
    assert found.reach[found.reach["identity"] == "Pod/velero/gone"].empty
    assert "what Pod/velero/gone could reach: it is not in the snapshot any more" in set(found.blind["what"])


def test_a_user_name_of_an_account_means_the_account() -> None:
    assert through(asked(TOOL)) == through(asked(TOOL_ID))


def test_a_workload_means_its_pods() -> None:
    found = {name for name, how in through(asked("StatefulSet/ehr/ehr-db")) if how == "itself"}
    assert found == {DB, "Pod/ehr/ehr-db-1"}


def test_a_node_holds_its_pods() -> None:
    pods = clinic().tables.pods
    on = set(pods.loc[pods["live"] & (pods["node"] == "worker-a1"), "object"])
    found = through(asked("Node//worker-a1"))
    assert {name for name, how in found if how == "its pod"} == on
    assert ("Node//worker-a1", "itself") in found


def test_reach_tells_of_volumes_rights_connections_and_what_could_be_become() -> None:
    found = asked(DB).reach
    mine = found[found["identity"] == DB]
    assert "PersistentVolumeClaim/ehr/data-ehr-db-0" in set(mine.loc[mine["way"] == "volume", "target"])
    assert mine.loc[mine["way"] == "volume", "ephi"].all()
    tool = asked(TOOL_ID).reach
    assert "Cluster//*" in set(tool.loc[tool["way"] == "escalation", "target"])
    rights = tool[tool["way"] == "permission"]
    assert {"Namespace//ehr", "Namespace//imaging"} <= set(rights["target"])
    assert rights["proof"].str.startswith("ClusterRoleBinding//").all()


def test_reach_is_told_of_those_alone_who_were_surely_in_hand() -> None:
    binding = act("create", "rolebindings.rbac.authorization.k8s.io", "ehr", "b", bound=["User//ann"])
    assert "User//ann" not in set(asked(TOOL_ID, [binding]).reach["identity"])


def matters(found: Incident) -> set[str]:
    return set(found.blind["matter"])


def test_without_a_log_nothing_is_known_of_what_was_done() -> None:
    found = asked(TOOL_ID, None)
    assert "no log" in matters(found)
    assert found.acts.empty
    assert len(found.reach)


def test_a_log_that_begins_late_or_ends_early_says_so() -> None:
    inside = asked(TOOL_ID, [act("list", "nodes", at="10:00:00")])
    windows = inside.blind[inside.blind["matter"] == "window"]
    spans = set(zip(windows["since"], windows["until"], strict=True))
    assert spans == {(SINCE, "2026-11-17T10:00:00Z"), ("2026-11-17T10:00:00Z", UNTIL)}
    whole = [
        act("list", "nodes", received_at="2026-11-16 23:00:00"),
        act("list", "nodes", received_at="2026-11-18 01:00:00"),
    ]
    assert "window" not in matters(asked(TOOL_ID, whole))
    assert "window" in matters(asked(TOOL_ID, []))


def test_what_never_reaches_the_log_is_always_named() -> None:
    assert (asked(TOOL_ID).blind["matter"] == "never logged").sum() == 5


@pytest.mark.parametrize(
    ("who", "since", "until"),
    [
        ("Group//clinic:dba", SINCE, UNTIL),
        ("Deployment/ehr/no-such", SINCE, UNTIL),
        (TOOL_ID, "yesterday", UNTIL),
        (TOOL_ID, SINCE, "soon"),
        (TOOL_ID, UNTIL, SINCE),
        (TOOL_ID, SINCE, SINCE),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(who: str, since: str, until: str) -> None:
    with pytest.raises(InputError):
        asked(who, [], since, until)


EVENTS = st.lists(
    st.sampled_from(
        [
            act("create", "pods/exec", "ehr", "ehr-db-0", code=101),
            act("create", "serviceaccounts/token", "ehr", "ehr-api", at="11:00:00", code=201),
            act("get", "secrets", "ehr", "s", at="12:00:00", user="system:serviceaccount:ehr:ehr-api"),
            act("create", "pods/exec", "ehr", "ehr-db-1", at="12:30:00", user="system:serviceaccount:ehr:ehr-api"),
            act("list", "pods", at="13:00:00", impersonated_user="ann"),
            act("list", "pods", at="14:00:00", code=403),
        ]
    ),
    max_size=5,
)


@settings(max_examples=8, deadline=None)
@given(EVENTS, EVENTS)
def test_more_of_the_log_never_takes_anybody_or_anything_away(
    some: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    less, all_of_it = asked(TOOL_ID, some), asked(TOOL_ID, [*some, *more])
    assert through(less) <= through(all_of_it)
    key = ["identity", "verb", "resource", "namespace", "name", "outcome"]
    assert set(less.acts[key].itertuples(index=False, name=None)) <= set(
        all_of_it.acts[key].itertuples(index=False, name=None)
    )


BINDS = act("create", "rolebindings.rbac.authorization.k8s.io", "ehr", "b", code=201)
TO_WHOM = f"to whom {TOOL_ID} gave rights by rolebindings b in ehr: the log does not hold its subjects"
UNNAMED = f"what a pod did that {TOOL_ID} made in ehr: the log does not hold its name"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (BINDS, {TO_WHOM}),
        (BINDS | {"verb": "patch", "body": "request"}, {TO_WHOM}),
        (BINDS | {"code": None}, {TO_WHOM}),
        (BINDS | {"code": 403}, set()),
        (BINDS | {"verb": "delete"}, set()),
        (BINDS | {"body": "request"}, set()),
        (BINDS | {"body": "both", "bound": ["User//ann"]}, set()),
        (BINDS | {"user": "somebody.else"}, set()),
        (act("create", "pods", "ehr", "", code=201), {UNNAMED}),
        (act("create", "pods", "ehr", "made", code=201), set()),
        (act("create", "pods", "ehr", "", code=409), set()),
    ],
)
def test_whoever_cannot_be_followed_is_said(event: dict[str, Any], told: set[str]) -> None:
    found = asked(TOOL_ID, [event]).blind
    assert set(found.loc[found["matter"] == "identity", "what"]) & {TO_WHOM, UNNAMED} == told


def test_what_the_log_lost_is_said() -> None:
    doubt = "the log of 1 of 3 API servers is there; 4 events have no moment"
    rows = list(lost(COMMON_WINDOW.frame([{"first_at": SINCE, "doubt": doubt}])))
    assert [(row["matter"], row["what"]) for row in rows] == [
        ("gap", "what the log may have lost: the log of 1 of 3 API servers is there"),
        ("gap", "what the log may have lost: 4 events have no moment"),
    ]
    assert not list(lost(COMMON_WINDOW.frame([{"first_at": SINCE}])))
