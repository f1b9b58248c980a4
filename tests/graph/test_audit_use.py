"""Rights and their use: laws of what counts as unused, and that the least of rights still allows what was done."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.audit_use.events import emergency_uses
from hipaa_kit.graph.audit_use.least import least_privilege, unused
from hipaa_kit.graph.audit_use.rights import Log, changes, log_of
from hipaa_kit.graph.audit_use.uses import doubts_of, identities_in, identity_of, uses_in
from hipaa_kit.kube.audit.policy import Policy, Resources
from hipaa_kit.kube.audit.policy import Rule as AuditRule
from hipaa_kit.kube.rbac import Principal, Request, Requester, Rule, parse_policy
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.tables.audit_log import AUDIT_GAPS, AUDIT_SOURCES
from hipaa_kit.tables.audit_use import BREAK_GLASS_USE, IDENTITY_GROUPS, IDENTITY_USE, RIGHT_USE
from tests.support.audit_table import TableLog

USERS = ("ann", "bob", "system:serviceaccount:ehr:app")
VERBS = ("get", "list", "create", "delete", "patch")
RESOURCES = (("", "pods"), ("", "secrets"), ("apps", "deployments"))
PLACES = ("ehr", "other", "")
RECORDS_ALL = Policy((AuditRule("Metadata"),), frozenset())

USE = st.fixed_dictionaries(
    {
        "user": st.sampled_from(USERS),
        "verb": st.sampled_from(VERBS),
        "kind": st.sampled_from(RESOURCES),
        "namespace": st.sampled_from(PLACES),
        "allowed": st.integers(0, 2),
    }
)
ATOM = st.tuples(
    st.sampled_from((*VERBS, "*")), st.sampled_from((*RESOURCES, ("*", "*"), ("", "*"))), st.sampled_from(PLACES)
)


def uses_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        group, resource = row["kind"]
        key = (row["user"], row["verb"], group, resource, row["namespace"])
        held = found.setdefault(
            key,
            {
                "object": identity_of(row["user"]),
                "user": row["user"],
                "verb": row["verb"],
                "api_group": group,
                "resource": resource,
                "namespace": row["namespace"],
                "events": 0,
                "allowed": 0,
                "last_at": "2026-11-01T00:00:00Z",
            },
        )
        held["events"] += 1 + row["allowed"]
        held["allowed"] += row["allowed"]
    return IDENTITY_USE.frame(found.values())


def log(rows: list[dict[str, Any]], *policies: Policy, doubt: str = "") -> Log:
    groups = IDENTITY_GROUPS.frame(
        {"user": row["user"], "group": "devs"} for row in {r["user"]: r for r in rows}.values()
    )
    return log_of(uses_of(rows), groups, policies, doubt)


def state(held: Log, user: str, atom: tuple[str, tuple[str, str], str], kind: str = USER) -> str:
    verb, (group, resource), scope = atom
    return held.of(Principal(kind, user), Rule((verb,), (group,), (resource,)), scope)[0]


@given(st.lists(USE, max_size=8), USE, st.sampled_from(USERS), ATOM, st.booleans())
def test_another_request_never_makes_a_right_less_used(
    rows: list[dict[str, Any]], one: dict[str, Any], user: str, atom: Any, given_policy: bool
) -> None:
    policies = (RECORDS_ALL,) if given_policy else ()
    before, after = state(log(rows, *policies), user, atom), state(log([*rows, one], *policies), user, atom)
    if before == "used":
        assert after == "used"
    if given_policy and after == "unused":
        assert before == "unused"


@given(st.lists(USE, max_size=8), st.sampled_from(USERS), ATOM)
def test_in_doubt_nothing_is_unused(rows: list[dict[str, Any]], user: str, atom: Any) -> None:
    assert state(log(rows, RECORDS_ALL, doubt="a server is missing"), user, atom) != "unused"


@given(st.lists(USE, max_size=8), st.sampled_from(USERS), ATOM, st.sampled_from(RESOURCES))
def test_a_policy_that_records_less_makes_nothing_unused(
    rows: list[dict[str, Any]], user: str, atom: Any, silent: tuple[str, str]
) -> None:
    rule = AuditRule("None", resources=(Resources(silent[0], (silent[1],)),))
    less = Policy((rule, *RECORDS_ALL.rules), frozenset())
    if state(log(rows, less), user, atom) == "unused":
        assert state(log(rows, RECORDS_ALL), user, atom) == "unused"


@given(st.lists(USE, max_size=8), st.sampled_from(USERS), ATOM)
def test_a_group_used_what_its_members_used(rows: list[dict[str, Any]], user: str, atom: Any) -> None:
    held = log(rows, RECORDS_ALL)
    if user in held.users(Principal(USER_GROUP, "devs")) and state(held, user, atom) == "used":
        assert state(held, "devs", atom, USER_GROUP) == "used"


@settings(max_examples=60)
@given(st.lists(USE, max_size=8), st.lists(ATOM, min_size=1, max_size=5, unique=True))
def test_the_least_of_rights_allows_what_was_done_and_what_cannot_be_told(
    rows: list[dict[str, Any]], atoms: list[Any]
) -> None:
    held, made = log(rows, RECORDS_ALL), uses_of(rows)
    rights = []
    for number, (verb, (group, resource), scope) in enumerate(atoms):
        found = held.of(Principal(USER, "ann"), Rule((verb,), (group,), (resource,)), scope)
        about = {"binding": f"b{number}", "object": "User//ann", "scope": scope, "verb": verb, "api_group": group}
        rights.append({**about, "resource": resource, "state": found[0], "why": found[1], "window_days": 100.0})
    table = RIGHT_USE.frame(rights)
    manifests = least_privilege(table, made, {"ann"}, "User//ann")
    asked = parse_policy(manifests)
    ann = Requester("ann", frozenset())
    mine = made[(made["user"] == "ann") & (made["allowed"] > 0)]
    for use in mine.to_dict("records"):
        place = (use["verb"], use["api_group"], use["resource"], "", use["namespace"])
        before = any(
            verb in ("*", use["verb"])
            and group in ("*", place[1])
            and name in ("*", place[2])
            and scope in ("", place[4])
            for verb, (group, name), scope in atoms
        )
        assert asked.can(ann, Request(*place)) == before


def test_only_what_is_surely_unused_is_listed() -> None:
    rows = [
        {"binding": "b", "object": name, "verb": verb, "resource": "pods", "state": state, "window_days": 9.0}
        for name, verb, state in (
            ("User//a", "get", "used"),
            ("User//a", "list", "unused"),
            ("User//a", "watch", "unknown"),
            ("User//b", "list", "unused"),
        )
    ]
    table = RIGHT_USE.frame(rows)
    assert list(unused(table)["object"]) == ["User//a", "User//b"]
    assert list(unused(table, "User//a")["verb"]) == ["list"]


@pytest.mark.parametrize(
    ("verb", "resource", "writes"),
    [("get", "pods", False), ("get", "pods/exec", True), ("watch", "secrets", False), ("*", "pods", True)],
)
def test_what_changes_something(verb: str, resource: str, writes: bool) -> None:
    assert changes(verb, resource) is writes


def requested(user: str, at: str | None = "2026-11-17 10:00:00", **more: Any) -> dict[str, Any]:
    place = {"verb": "delete", "resource": "pods", "namespace": "ehr", "name": "p"}
    return {"user": user, "received_at": at, **place, **more}


ENDED = pd.DataFrame({"user": ["bob"], "until": ["2026-10-31"]})
HELD = pd.DataFrame({"subject_kind": [USER_GROUP], "subject": ["rescue"]})
NO_TICKETS = pd.DataFrame({name: pd.Series(dtype="str") for name in ("id", "opened_at", "kind", "alert", "object")})
AS_ADMIN = requested(
    "bob", user_groups=["rescue"], impersonated_user="system:admin", impersonated_groups=["system:masters"]
)


def test_who_has_left_and_acts_as_another_has_acted() -> None:
    found = {row["user"]: row for row in identities_in(TableLog([AS_ADMIN]), ENDED)}
    assert (found["bob"]["after_end"], found["bob"]["events"]) == (1, 1)
    assert (found["system:admin"]["acted_by"], found["system:admin"]["after_end"]) == ("bob", 0)


def test_one_who_acts_as_himself_is_counted_once() -> None:
    [row] = identities_in(TableLog([AS_ADMIN | {"impersonated_user": "bob"}]), ENDED)
    assert row["after_end"] == 1


@pytest.mark.parametrize(
    ("event", "used"),
    [
        (AS_ADMIN, [("bob", "2026-11-17")]),
        (requested("zoe", impersonated_user="ann", impersonated_groups=["rescue"]), [("ann", "2026-11-17")]),
        (requested("zoe", user_groups=["rescue"]), [("zoe", "2026-11-17")]),
        (requested("zoe", impersonated_user="ann", impersonated_groups=["staff"]), []),
        (requested("zoe", None, user_groups=["rescue"], stage_at="2026-11-16 10:00:00"), [("zoe", "2026-11-16")]),
        (requested("zoe", None, user_groups=["rescue"], stage_at=None), [("zoe", "")]),
    ],
)
def test_emergency_access_is_used_by_who_acts_and_as_whom(event: dict[str, Any], used: list[tuple[str, str]]) -> None:
    rows = list(emergency_uses(TableLog([event]), HELD, NO_TICKETS))
    assert [(row["user"], row["day"]) for row in rows] == used
    assert not any(row["ticket"] for row in rows)
    assert list(BREAK_GLASS_USE.frame(rows)["day"]) == [day for _, day in used]


@pytest.mark.parametrize(
    ("at", "after", "undated"),
    [
        ({"stage_at": "2026-11-02 08:00:00"}, 1, 0),
        ({"stage_at": "2026-10-30 08:00:00"}, 0, 0),
        ({"stage_at": None}, 0, 1),
    ],
)
def test_an_event_without_its_first_moment_counts_by_its_last(at: dict[str, Any], after: int, undated: int) -> None:
    [row] = identities_in(TableLog([requested("bob", None, **at)]), ENDED)
    assert (row["after_end"], row["undated"]) == (after, undated)


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        ({}, (1, 1, 0)),
        ({"code": 403, "decision": "forbid"}, (1, 0, 0)),
        ({"stage": "RequestReceived", "code": None, "decision": ""}, (1, 0, 1)),
        ({"code": None, "decision": "allow"}, (1, 1, 0)),
    ],
)
def test_a_request_that_no_event_says_the_answer_of_is_neither_allowed_nor_refused(
    event: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    [row] = uses_in(TableLog([requested("ann", **event)]))
    assert (row["events"], row["allowed"], row["open"]) == counts


def test_a_right_is_open_where_the_log_does_not_say_how_such_requests_were_answered() -> None:
    received = requested("ann", stage="RequestReceived", code=None, decision="")
    table = IDENTITY_USE.frame(uses_in(TableLog([received])))
    held = log_of(table, IDENTITY_GROUPS.frame(), [RECORDS_ALL], "")
    assert state(held, "ann", ("delete", ("", "pods"), "ehr")) == "unknown"
    assert state(held, "ann", ("create", ("", "pods"), "ehr")) == "unused"


def doubts(*files: dict[str, Any]) -> list[str]:
    base = {"format": "lines", "delivery": "file", "server": "cp-1", "log": "kube-apiserver", "events": 5, "unread": 0}
    base |= {"undated": 0, "truncated": False, "first_at": "2026-11-01T00:00:00Z", "last_at": "2026-11-20T00:00:00Z"}
    sources = AUDIT_SOURCES.frame({**base, "source": f"{n}.log", **each} for n, each in enumerate(files))
    return list(doubts_of(sources, AUDIT_GAPS.frame(), 1, 1))


CUT = {"truncated": True, "unread": 1}
ENDS = "a file, or an export, ends before its end"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([{}], []),
        ([CUT], []),
        ([CUT, {"last_at": "2026-11-21T00:00:00Z"}], [ENDS]),
        ([CUT, {"last_at": "2026-11-21T00:00:00Z", "server": "cp-2"}], []),
        ([CUT | {"source": "audit.log.gz"}], [ENDS]),
        ([CUT | {"format": "list"}], [ENDS]),
        ([CUT | {"delivery": "provider"}], [ENDS]),
        ([CUT | {"unread": 0}], [ENDS]),
        ([CUT | {"unread": 3}], [ENDS, "2 lines could not be read"]),
        ([{}, CUT | {"events": 0, "first_at": "", "last_at": ""}], [ENDS]),
        ([{"unread": 2}], ["2 lines could not be read"]),
        ([{"unread": 1}, CUT | {"last_at": "2026-11-21T00:00:00Z"}], ["1 line could not be read"]),
        ([{"undated": 4}], ["4 events have no moment"]),
    ],
)
def test_what_a_log_lost_is_a_doubt(files: list[dict[str, Any]], found: list[str]) -> None:
    assert doubts(*files) == found


def with_rule(**rule: Any) -> Policy:
    return Policy((AuditRule("None", **rule), *RECORDS_ALL.rules), frozenset())


LOCK = (Resources("", ("pods",), ("lock",)),)
PODS, ALL_PODS = (Rule(("get",), ("",), ("pods",)), "ehr"), (Rule(("get",), ("",), ("pods",)), "")
ON_LOCK, ON_KEY = (Rule(("get",), ("",), ("pods",), (name,)) for name in ("lock", "key"))
PATHS = {url: (Rule(("get",), (), (), (), (url,)), "") for url in ("*", "/healthz*", "/healthz", "/metrics", "/heal*")}
HEALTH = with_rule(paths=("/healthz*",))
ONLY_EHR = Policy((AuditRule("Metadata", namespaces=("ehr",)), AuditRule("None", namespaces=("x",))), frozenset())


@pytest.mark.parametrize(
    ("policy", "right", "found"),
    [
        (with_rule(namespaces=("ehr",)), ALL_PODS, "unknown"),
        (with_rule(namespaces=("ehr",)), PODS, "unknown"),
        (with_rule(namespaces=("imaging",)), PODS, "unused"),
        (ONLY_EHR, ALL_PODS, "unknown"),
        (ONLY_EHR, PODS, "unused"),
        (with_rule(resources=LOCK), (ON_LOCK, "ehr"), "unknown"),
        (with_rule(resources=LOCK), (ON_LOCK, ""), "unknown"),
        (with_rule(resources=LOCK), (ON_KEY, "ehr"), "unused"),
        (with_rule(user_groups=("devs",)), PODS, "unknown"),
        (with_rule(user_groups=("rescue",)), PODS, "unused"),
        (HEALTH, PATHS["*"], "unknown"),
        (HEALTH, PATHS["/heal*"], "unknown"),
        (HEALTH, PATHS["/healthz*"], "unknown"),
        (HEALTH, PATHS["/healthz"], "unknown"),
        (HEALTH, PATHS["/metrics"], "unused"),
        (Policy((AuditRule("Metadata", paths=("/healthz",)),), frozenset()), PATHS["/healthz*"], "unknown"),
    ],
)
def test_a_policy_hides_the_use_of_a_right_wherever_it_may_be_used(policy: Policy, right: Any, found: str) -> None:
    held = log([{"user": "ann", "verb": "create", "kind": ("", "secrets"), "namespace": "ehr", "allowed": 1}], policy)
    assert held.of(Principal(USER, "ann"), *right)[0] == found
    assert held.of(Principal(USER_GROUP, "devs"), *right)[0] == found


def test_whoever_may_ask_without_a_group_may_not_be_recorded() -> None:
    policy = Policy((AuditRule("Metadata", user_groups=("devs",)),), frozenset())
    held = log([{"user": "ann", "verb": "create", "kind": ("", "secrets"), "namespace": "ehr", "allowed": 1}], policy)
    assert held.of(Principal(USER, "ann"), *PODS)[0] == "unknown"
    assert held.of(Principal(USER_GROUP, "devs"), *PODS)[0] == "unused"


@pytest.mark.parametrize(("group", "found"), [("devs", "unused"), ("nobody", "unknown")])
def test_of_a_group_that_no_event_names_nothing_is_known(group: str, found: str) -> None:
    rows = [{"user": "ann", "verb": "create", "kind": ("", "secrets"), "namespace": "ehr", "allowed": 1}]
    assert log(rows, RECORDS_ALL).of(Principal(USER_GROUP, group), *PODS)[0] == found


@pytest.mark.parametrize("verb", ["impersonate", "bind", "escalate", "approve", "sign", "use", "attest"])
def test_a_verb_that_no_request_has_is_not_unused(verb: str) -> None:
    held = log([], RECORDS_ALL)
    atom = Rule((verb,), ("",), ("users",))
    assert held.of(Principal(USER, "ann"), atom, "")[:2] == (
        "unknown",
        "it is no verb of a request: the log does not show its use",
    )


def test_who_acts_as_another_uses_the_right_to() -> None:
    received = {"stage": "RequestReceived", "code": None, "decision": "", "audit_id": "a"}
    plain = requested("ann", user_groups=["staff"])
    as_bob = plain | {"impersonated_user": "bob", "impersonated_groups": ["system:authenticated", "rescue"]}
    account = plain | {"impersonated_user": "system:serviceaccount:ehr:app", "impersonated_groups": []}
    # The first event of a request does not say yet whom it is asked as.
    rows = uses_in(TableLog([plain | received, as_bob | {"audit_id": "a"}, account]))
    found = {(row["user"], row["verb"], row["resource"], row["namespace"]): row for row in rows}
    assert {key: (row["events"], row["allowed"], row["open"]) for key, row in found.items()} == {
        ("bob", "delete", "pods", "ehr"): (1, 1, 0),
        ("system:serviceaccount:ehr:app", "delete", "pods", "ehr"): (1, 1, 0),
        ("ann", "impersonate", "users", ""): (1, 1, 0),
        ("ann", "impersonate", "groups", ""): (1, 1, 0),
        ("ann", "impersonate", "serviceaccounts", "ehr"): (1, 1, 0),
    }
    held = log_of(IDENTITY_USE.frame(rows), IDENTITY_GROUPS.frame(), [RECORDS_ALL], "")
    right = {verb: state(held, "ann", (verb, ("", "users"), "")) for verb in ("impersonate", "*", "get")}
    assert right == {"impersonate": "used", "*": "used", "get": "unused"}


def test_events_without_an_id_are_requests_of_their_own() -> None:
    [row] = uses_in(TableLog([requested("ann", audit_id="", stage=""), requested("ann", audit_id="", stage="")]))
    assert row["events"] == 2


@pytest.mark.parametrize(
    ("group", "resource", "found"),
    [
        ("", "users", "unknown"),
        ("", "*", "unknown"),
        ("authentication.k8s.io", "userextras/scopes", "unknown"),
        ("rbac.authorization.k8s.io", "roles", "unknown"),
        ("*", "clusterroles", "unknown"),
        ("certificates.k8s.io", "signers", "unknown"),
        ("rbac.authorization.k8s.io", "rolebindings", "unused"),
        ("", "pods", "unused"),
        ("*", "*", "unused"),
    ],
)
def test_a_right_to_everything_may_be_used_where_no_request_shows_it(group: str, resource: str, found: str) -> None:
    held = log([{"user": "ann", "verb": "get", "kind": ("x", "y"), "namespace": "", "allowed": 0}], RECORDS_ALL)
    assert state(held, "ann", ("*", (group, resource), "")) == found
