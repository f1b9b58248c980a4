"""Loose ends, the sign-off sheet and changes between two snapshots."""

import pytest

from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import account, binding, permissions_of, role, rule

READ = rule("get list", "secrets")


def problems(objects: list, overrides: dict | None = None) -> set[tuple[str, str, str, bool]]:
    found = rows_of(permissions_of(objects, overrides).orphans())
    return {(row["problem"], row["object"], row["reference"], row["proved"]) for row in found}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        (
            [binding("b", "ClusterRole/gone", "User/a")],
            {("role missing", "ClusterRoleBinding//b", "ClusterRole//gone", True)},
        ),
        (
            [role("r", READ, namespace="lab"), binding("b", "Role/r", "User/a", namespace="ehr")],
            {
                ("role missing", "RoleBinding/ehr/b", "Role/ehr/r", True),
                ("role unused", "Role/lab/r", "", True),
            },
        ),
        (
            [role("r", READ), binding("b", "ClusterRole/r", "ServiceAccount/ehr/gone")],
            {("service account missing", "ClusterRoleBinding//b", "ServiceAccount/ehr/gone", True)},
        ),
        ([role("r", READ), account("ehr", "api"), binding("b", "ClusterRole/r", "ServiceAccount/ehr/api")], set()),
        ([role("r", READ), binding("b", "ClusterRole/r")], {("no subjects", "ClusterRoleBinding//b", "", True)}),
        (
            [role("r", READ), binding("b", "ClusterRole/r", "ServiceAccount/x", "User/a")],
            {("nobody meant", "ClusterRoleBinding//b", "ServiceAccount//x", True)},
        ),
        ([role("r", READ)], {("role unused", "ClusterRole//r", "", True)}),
        ([role("view", READ), role("system:x", READ)], set()),
    ],
)
def test_loose_ends(objects: list, expected: set) -> None:
    assert problems(objects) == expected


def test_what_was_refused_proves_no_loose_end() -> None:
    group = "rbac.authorization.k8s.io"
    objects = [binding("b", "ClusterRole/gone", "ServiceAccount/ehr/gone")]
    overrides = {(group, "ClusterRole", ""): "refused", ("ServiceAccount", ""): "refused"}
    assert {proved for *_, proved in problems(objects, overrides)} == {False}
    unused = problems([role("r", READ, namespace="ehr")], {(group, "RoleBinding", "ehr"): "refused"})
    assert unused == {("role unused", "Role/ehr/r", "", False)}


def test_the_sheet_lists_every_holder_in_the_namespace_and_leaves_room_to_sign() -> None:
    objects = [
        role("reader", READ),
        role("runner", rule("create", "pods")),
        role("giver", rule("bind", "clusterroles.rbac.authorization.k8s.io")),
        binding("all", "ClusterRole/runner", "Group/ops"),
        binding("here", "ClusterRole/reader", "User/ann", namespace="ehr"),
        binding("give", "ClusterRole/giver", "User/bo", namespace="ehr"),
        binding("there", "ClusterRole/reader", "User/eve", namespace="lab"),
    ]
    found = rows_of(permissions_of(objects).access_review("ehr"))
    seen = {row["subject"]: (row["reads_secrets"], row["runs_code"], row["gives_rights"]) for row in found}
    assert seen == {"ops": (False, True, False), "ann": (True, False, False), "bo": (False, False, True)}
    assert {row["decision"] + row["reviewer"] + row["reviewed_on"] for row in found} == {""}


def test_a_right_to_impersonate_users_counts_only_for_the_cluster() -> None:
    objects = [role("i", rule("impersonate", "users")), binding("b", "ClusterRole/i", "User/a", namespace="ehr")]
    assert not permissions_of(objects).access_review("ehr")["gives_rights"].any()
    objects[1] = binding("b", "ClusterRole/i", "User/a")
    assert permissions_of(objects).access_review("ehr")["gives_rights"].all()


def test_the_sheet_says_what_could_not_be_seen() -> None:
    refused = {("rbac.authorization.k8s.io", "RoleBinding", ""): "refused"}
    found = permissions_of([], refused).access_review("ehr")
    assert list(found["subject_kind"]) == ["*"]
    assert "refused" in found["note"][0]


def test_a_permission_that_moves_to_another_role_binding_is_no_change() -> None:
    before = permissions_of([role("r", READ), binding("b", "ClusterRole/r", "User/a")])
    after = permissions_of([role("q", READ), binding("c", "ClusterRole/q", "User/a")])
    assert before.diff(after).empty


def test_changes_are_told_by_permission() -> None:
    before = permissions_of([role("r", READ), binding("b", "ClusterRole/r", "User/a")])
    after = permissions_of([role("r", rule("get watch", "secrets")), binding("b", "ClusterRole/r", "User/a")])
    found = rows_of(before.diff(after))
    assert {(row["change"], row["verb"], row["binding"]) for row in found} == {
        ("gained", "watch", "ClusterRoleBinding//b"),
        ("lost", "list", "ClusterRoleBinding//b"),
    }


def test_what_was_refused_later_is_not_called_lost() -> None:
    before = permissions_of([role("r", READ), binding("b", "ClusterRole/r", "User/a")])
    after = permissions_of([], {("rbac.authorization.k8s.io", "ClusterRoleBinding", ""): "refused"})
    assert set(before.diff(after)["change"]) == {"lost, unproved"}
