"""Rights and their use: laws of what counts as unused, and that the least of rights still allows what was done."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.audit_use.least import least_privilege, unused
from hipaa_kit.graph.audit_use.rights import Log, changes, log_of
from hipaa_kit.graph.audit_use.uses import identity_of
from hipaa_kit.kube.audit.policy import Policy, Resources
from hipaa_kit.kube.audit.policy import Rule as AuditRule
from hipaa_kit.kube.rbac import Principal, Request, Requester, Rule, parse_policy
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.tables.audit_use import IDENTITY_GROUPS, IDENTITY_USE, RIGHT_USE

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
