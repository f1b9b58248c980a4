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


def aggregated(name: str, *rules: dict, gathers: str = "x", **labels: str) -> dict:
    """Return a ClusterRole that gathers those with the label `gathers`."""
    made = role(name, *rules)
    made["metadata"]["labels"] = labels
    return made | {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {gathers: "yes"}}]}}


def part(name: str, *rules: dict) -> dict:
    made = role(name, *rules)
    made["metadata"]["labels"] = {"x": "yes"}
    return made


WATCH = rule("watch", "pods")
EXEC = rule("create", "pods/exec", "db-0")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([aggregated("all", READ), part("one", READ)], set()),
        ([aggregated("all", rule("list get", "secrets")), part("one", READ)], set()),
        ([aggregated("all", READ), part("one", READ), part("two", WATCH)], {("missing", "watch", "pods", "ClusterRole//two")}),
        ([aggregated("all", READ, EXEC), part("one", READ)], {("extra", "create", "pods/exec", "")}),
        ([aggregated("all", READ, WATCH), part("one", READ), role("other", WATCH)], {("extra", "watch", "pods", "ClusterRole//other")}),
        ([role("all", EXEC), part("one", READ)], set()),
    ],
)  # fmt: skip
def test_aggregated_roles_that_hold_other_rules_than_they_gather(objects: list, expected: set) -> None:
    found = permissions_of(objects).aggregation_drift()
    columns = ["difference", "verbs", "resources", "sources"]
    assert set(found[columns].itertuples(index=False, name=None)) == expected
    assert set(found["role"]) <= {"ClusterRole//all"}
    assert found["proved"].all()


def test_an_extra_rule_is_proved_only_where_all_cluster_roles_were_read() -> None:
    objects = [aggregated("all", READ, EXEC), part("one", READ), part("two", WATCH)]
    refused = {("rbac.authorization.k8s.io", "ClusterRole", ""): "partial"}
    found = permissions_of(objects, refused).aggregation_drift()
    assert dict(zip(found["difference"], found["proved"], strict=True)) == {"extra": False, "missing": True}


def test_selectors_that_the_api_refuses_are_told_and_break_nothing() -> None:
    broken = role("all", EXEC) | {
        "aggregationRule": {"clusterRoleSelectors": [{"matchExpressions": [{"key": "x", "operator": "Near"}]}]}
    }
    held = permissions_of([broken, binding("b", "ClusterRole/all", "User/ann")])
    assert set(held.aggregation_drift()["difference"]) == {"unreadable"}
    assert held.can("ann", [], "create", "", "pods", "exec", "ehr", "db-0")


def test_manifests_are_answered_as_if_the_controller_had_run() -> None:
    objects = [aggregated("all"), part("one", READ), binding("b", "ClusterRole/all", "User/ann")]
    held = permissions_of(objects, layout="manifests")
    assert held.aggregation_drift().empty
    assert held.can("ann", [], "get", "", "secrets", "", "ehr")
