"""Aggregated ClusterRoles hold what their controller gathers, and a difference is noticed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.rbac import ClusterRole, Drift, RbacError, Rule, aggregated, drift, gathered, parse_selectors
from hipaa_kit.kube.selectors import SelectorError

A, B, C = (Rule((verb,), ("",), ("pods",)) for verb in ("get", "list", "watch"))


def selectors(*labels: str) -> Any:
    return parse_selectors({"clusterRoleSelectors": [{"matchLabels": {label: "true"}} for label in labels]})


def role(name: str, *rules: Rule, labels: str = "", gathers: str | None = None) -> ClusterRole:
    chosen = None if gathers is None else selectors(*gathers.split())
    return ClusterRole(name, dict.fromkeys(labels.split(), "true"), rules, chosen)


def test_rules_are_gathered_selector_by_selector_and_by_name() -> None:
    roles = [
        role("z", A, labels="first"),
        role("y", B, A, labels="first"),
        role("a", C, labels="second"),
        role("x", C, labels="other"),
    ]
    assert gathered(role("all", gathers="first second"), roles) == (B, A, C)
    assert gathered(role("all", gathers="second first"), roles) == (C, B, A)
    assert gathered(role("all", gathers="none"), roles) == ()


def test_a_role_does_not_gather_itself() -> None:
    own = role("all", A, labels="mine", gathers="mine")
    assert gathered(own, [own, role("b", B, labels="mine")]) == (B,)


def test_equal_rules_are_gathered_once_and_alike_ones_apart() -> None:
    alike = Rule(("get",), ("",), ("pods",), ("one",))
    roles = [role("a", A, labels="x"), role("b", A, alike, labels="x")]
    assert gathered(role("all", gathers="x"), roles) == (A, alike)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ((A, B), None),
        ((B, A), None),
        ((A,), Drift(missing=(B,), extra=())),
        ((A, B, C, C), Drift(missing=(), extra=(C,))),
        ((C,), Drift(missing=(A, B), extra=(C,))),
    ],
)
def test_drift(stored: tuple[Rule, ...], found: Drift | None) -> None:
    roles = [role("a", A, labels="x"), role("b", B, labels="x")]
    assert drift(role("all", *stored, gathers="x"), roles) == found


def test_a_role_that_gathers_nothing_cannot_drift() -> None:
    assert drift(role("plain", A), [role("b", B, labels="x")]) is None


def test_stored_rules_of_a_rule_without_selectors_are_all_extra() -> None:
    assert drift(role("all", A, gathers=""), []) == Drift((), (A,))


def test_aggregated_roles_gather_each_other() -> None:
    view = role("view", C, labels="to-edit", gathers="to-view")
    edit = role("edit", labels="to-admin", gathers="to-edit")
    admin = role("admin", gathers="to-admin to-edit")
    parts = [role("part", A, labels="to-view"), role("more", B, labels="to-edit")]
    rules = aggregated([admin, edit, view, *parts])
    assert {name: set(each) for name, each in rules.items()} == {
        "view": {A},
        "edit": {A, B},
        "admin": {A, B},
        "part": {A},
        "more": {B},
    }


def test_a_circle_comes_to_rest_with_what_comes_from_outside() -> None:
    one = role("one", C, labels="x", gathers="y")
    two = role("two", C, labels="y", gathers="x")
    rules = aggregated([one, two, role("part", A, labels="x")])
    assert rules["two"] == (A,)
    assert rules["one"] == (A,)


LABELS = st.lists(st.sampled_from("xyz"), unique=True).map(" ".join)


@st.composite
def cluster_roles(draw: st.DrawFn) -> list[ClusterRole]:
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    return [
        role(
            name,
            *draw(st.lists(st.sampled_from([A, B, C]), max_size=2)),
            labels=draw(LABELS),
            gathers=draw(st.one_of(st.none(), LABELS)),
        )
        for name in names
    ]


@given(cluster_roles())
def test_at_rest_nothing_drifts(roles: list[ClusterRole]) -> None:
    rules = aggregated(roles)
    rested = [ClusterRole(each.name, each.labels, rules[each.name], each.selectors) for each in roles]
    assert all(drift(each, rested) is None for each in rested)
    assert {name: set(each) for name, each in aggregated(rested).items()} == {n: set(e) for n, e in rules.items()}


def test_an_empty_selector_gathers_every_role() -> None:
    chosen = parse_selectors({"clusterRoleSelectors": [{}]})
    assert gathered(ClusterRole("all", {}, (), chosen), [role("a", A), role("b", B, labels="x")]) == (A, B)
    assert parse_selectors({"clusterRoleSelectors": [None]}) == chosen


@pytest.mark.parametrize(("rule", "expected"), [(None, None), ({}, ()), ({"clusterRoleSelectors": None}, ())])
def test_a_role_is_aggregated_where_it_has_the_rule(rule: Any, expected: Any) -> None:
    assert parse_selectors(rule) == expected


@pytest.mark.parametrize(
    ("rule", "error", "line"),
    [
        ([], RbacError, "R: aggregationRule is not a mapping"),
        ({"clusterRoleSelectors": {}}, RbacError, "R: clusterRoleSelectors is not a list"),
        ({"clusterRoleSelectors": ["x"]}, RbacError, "R clusterRoleSelectors[0]: is not a mapping"),
        (
            {"clusterRoleSelectors": [{"matchLabels": {"a": 1}}]},
            SelectorError,
            "R clusterRoleSelectors[0]: matchLabels is not a map of texts",
        ),
    ],
)
def test_a_rule_that_the_api_refuses_is_refused(rule: Any, error: type[Exception], line: str) -> None:
    with pytest.raises(error) as refused:
        parse_selectors(rule, "R")
    assert str(refused.value) == line
