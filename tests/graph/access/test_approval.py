"""What the access matrix permits whom, on which day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.tables.records import ACCESS_MATRIX, WORKFORCE, WORKFORCE_GROUPS

EXEC = Permitted("create", "", "pods/exec", "ehr")


@pytest.mark.parametrize(
    ("row", "asked", "covered"),
    [
        (("get", "", "pods", "ehr"), ("get", "", "pods", "ehr"), True),
        (("get", "", "pods", "ehr"), ("list", "", "pods", "ehr"), False),
        (("*", "", "pods", "ehr"), ("list", "", "pods", "ehr"), True),
        (("get", "", "pods", "ehr"), ("*", "", "pods", "ehr"), False),
        (("get", "", "pods", "ehr"), ("get", "apps", "pods", "ehr"), False),
        (("get", "*", "pods", "ehr"), ("get", "apps", "pods", "ehr"), True),
        (("get", "", "*", "ehr"), ("get", "", "secrets", "ehr"), True),
        (("get", "", "*", "ehr"), ("get", "", "pods/log", "ehr"), False),
        (("get", "", "pods/log", "ehr"), ("get", "", "pods/log", "ehr"), True),
        (("get", "", "pods", "ehr"), ("get", "", "pods/log", "ehr"), False),
        (("*", "", "*", "ehr"), ("get", "", "pods/log", "ehr"), True),
        (("get", "", "pods", "ehr"), ("get", "", "*", "ehr"), False),
        (("get", "", "pods", ""), ("get", "", "pods", "ehr"), True),
        (("get", "", "pods", "ehr"), ("get", "", "pods", ""), False),
        (("get", "", "pods", "ehr"), ("get", "", "pods", "lab"), False),
    ],
)
def test_a_row_of_the_matrix_covers_what_it_says(row: tuple, asked: tuple, covered: bool) -> None:
    assert Permitted(*row).covers(Permitted(*asked)) is covered


words = st.sampled_from(["*", "get", "pods", "pods/exec", "", "ehr"])


@given(st.tuples(words, words, words, words))
def test_a_row_covers_itself(row: tuple[str, str, str, str]) -> None:
    assert Permitted(*row).covers(Permitted(*row))


def approvals(people: list[tuple[str, str, str, str, str]], day: str = "2026-11-20T02:00:00Z") -> Approvals:
    workforce = [{"user": u, "role": r, "since": a, "until": z, "pseudonym": "p"} for u, r, a, z, _ in people]
    groups = [{"user": u, "role": r, "group": g} for u, r, _, _, g in people if g]
    matrix = [{"role": "dba", **EXEC._asdict()}]
    return Approvals.of(day, WORKFORCE.frame(workforce), WORKFORCE_GROUPS.frame(groups), ACCESS_MATRIX.frame(matrix))


@pytest.mark.parametrize(
    ("since", "until", "held"),
    [
        ("", "", True),
        ("2026-11-20", "", True),
        ("2026-11-21", "", False),
        ("2020-01-01", "2026-11-20", True),
        ("2020-01-01", "2026-11-19", False),
    ],
)
def test_a_role_is_held_from_its_first_to_its_last_day(since: str, until: str, held: bool) -> None:
    assert approvals([("amira", "dba", since, until, "")]).covers("User", "amira", [EXEC]) is held


def test_a_group_is_permitted_what_each_member_is_by_the_role_that_puts_them_there() -> None:
    one = ("amira", "dba", "", "", "clinic:dba")
    assert approvals([one]).covers("Group", "clinic:dba", [EXEC])
    # Both roles of eve count for her, but she is in the group as a developer.
    eve = [("eve", "developer", "", "", "clinic:dba"), ("eve", "dba", "", "", "")]
    assert approvals(eve).covers("User", "eve", [EXEC])
    assert not approvals([one, *eve]).covers("Group", "clinic:dba", [EXEC])


def test_a_group_in_which_nobody_is_named_is_permitted_nothing() -> None:
    assert not approvals([("amira", "dba", "", "", "")]).covers("Group", "clinic:dba", [EXEC])
    assert not approvals([("amira", "dba", "", "2026-01-01", "clinic:dba")]).covers("Group", "clinic:dba", [EXEC])


def test_a_service_account_is_looked_up_by_its_user_name() -> None:
    people = [("system:serviceaccount:tools:backup", "dba", "", "", "")]
    assert approvals(people).covers("ServiceAccount", "tools/backup", [EXEC])
    assert not approvals(people).covers("ServiceAccount", "tools/other", [EXEC])


def test_without_people_or_without_a_matrix_nothing_is_given() -> None:
    assert approvals([("amira", "dba", "", "", "")]).given
    assert not approvals([]).given
    assert not Approvals.of("2026-11-20", WORKFORCE.frame(), WORKFORCE_GROUPS.frame()).given


permitted = st.builds(
    Permitted,
    st.sampled_from(["get", "list", "*"]),
    st.sampled_from(["", "apps", "*"]),
    st.sampled_from(["pods", "pods/log", "secrets", "*"]),
    st.sampled_from(["", "ehr", "portal"]),
)


@given(
    st.lists(st.tuples(st.sampled_from(["dba", "developer"]), permitted), max_size=8), st.lists(permitted, max_size=6)
)
def test_what_is_beyond_a_role_is_what_no_row_of_it_covers(rows: list[tuple[str, Permitted]], asked) -> None:
    matrix: dict[str, list[Permitted]] = {}
    for role, row in rows:
        matrix.setdefault(role, []).append(row)
    held = Approvals("2026-11-20", matrix=matrix)
    for roles in (["dba"], ["dba", "developer"], []):
        every = [row for role in roles for row in matrix.get(role, [])]
        assert held.beyond(roles, asked) == [one for one in asked if not any(row.covers(one) for row in every)]
