"""Who can do what, by which role binding, and why not: on small clusters, and on random ones against the evaluator."""

import random
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.kube.rbac import RoleRef, built_in_groups
from hipaa_kit.tables.declaration import rows_of
from tests.support import rbac_by_hand as by_hand
from tests.support.permissions import account, binding, permissions_of, role, rule
from tests.support.rbac_worlds import Asked, World, world

READ = rule("get list", "secrets")
CLINIC = [
    role("reader", READ),
    role("one", rule("get", "secrets", "db"), namespace="ehr"),
    role("health", {"verbs": ["get"], "nonResourceURLs": ["/healthz*"]}),
    account("ehr", "api"),
    binding("everywhere", "ClusterRole/reader", "Group/ops"),
    binding("here", "ClusterRole/reader", "ServiceAccount/ehr/api", "User/ann", namespace="ehr"),
    binding("named", "Role/one", "Group/system:serviceaccounts:ehr", namespace="ehr"),
    binding("probe", "ClusterRole/health", "Group/system:authenticated"),
]
API = "ServiceAccount/ehr/api"
SEEDS = [range(1000, 1020), range(1020, 1040)]


@cache
def random_cluster(seed: int) -> tuple[World, Permissions]:
    made = world(seed)
    return made, permissions_of(made.objects)


def subjects(frame: Any) -> set[str]:
    return {f"{row['subject_kind']} {row['subject']}" for row in rows_of(frame)}


def request(asked: Asked) -> Asked:
    return {word: value for word, value in asked.items() if word not in ("user", "groups")}


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_can_is_answered_as_by_hand_through_snapshot_and_tables(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        made, held = random_cluster(seed)
        for asked in made.requests:
            answer = held.can(asked["user"], asked["groups"], **request(asked))
            assert answer == by_hand.allowed(made.objects, asked), (seed, asked)
            answers.add(answer)
    assert answers == {True, False}


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_the_escalation_test_is_answered_as_by_hand_through_snapshot_and_tables(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        made, held = random_cluster(seed)
        for asked in made.writes:
            who, place = (asked["user"], asked["groups"]), asked["namespace"]
            if "roleRef" in asked:
                ref = RoleRef(asked["roleRef"]["kind"], asked["roleRef"]["name"])
                answer = held.may_bind(*who, ref, place)
            else:
                ref = RoleRef(asked["kind"], asked["name"])
                more = {"verb": asked["verb"], "aggregates": asked["aggregates"]}
                answer = held.may_write_role(*who, ref, asked["rules"], place, **more)
            assert answer == by_hand.may_write(made.objects, asked), (seed, asked)
            answers.add(answer)
    assert answers == {True, False}


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_who_can_names_exactly_those_who_can(seeds: range) -> None:
    some = 0
    for seed in seeds:
        made, held = random_cluster(seed)
        for asked in made.requests[:15]:
            found = rows_of(held.who_can(**request(asked)))
            users = {row["subject"] for row in found if row["subject_kind"] == "User"}
            users |= {
                "system:serviceaccount:" + row["subject"].replace("/", ":")
                for row in found
                if row["subject_kind"] == "ServiceAccount"
            }
            groups = {row["subject"] for row in found if row["subject_kind"] == "Group"}
            listed = asked["user"] in users or bool(groups & set(asked["groups"]))
            assert listed == held.can(asked["user"], asked["groups"], **request(asked)), (seed, asked)
            some += listed
    assert some > 20


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_why_says_allowed_exactly_when_can_does_and_names_rules_that_are_held(seeds: range) -> None:
    for seed in seeds:
        made, held = random_cluster(seed)
        for asked in made.requests[:15]:
            why = rows_of(held.why(f"User//{asked['user']}", groups=asked["groups"], **request(asked)))
            allowed = held.can(asked["user"], asked["groups"], **request(asked))
            assert {row["answer"] for row in why} == {"allowed" if allowed else "not allowed"}, (seed, asked)
            assert all(bool(row["missing"]) != allowed for row in why), (seed, asked)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_without_a_role_binding_nobody_holds_more(seed: int, draw: random.Random) -> None:
    made = world(seed)
    bindings = [each for each in made.objects if each["kind"].endswith("Binding")]
    less = [each for each in made.objects if each is not draw.choice(bindings)]
    before, after = permissions_of(made.objects), permissions_of(less)
    assert after.permissions_of_all().keys() <= before.permissions_of_all().keys()
    assert set(before.diff(after)["change"]) <= {"lost"}
    assert set(after.diff(before)["change"]) <= {"gained"}


def test_who_can_gives_binding_rule_and_scope() -> None:
    found = permissions_of(CLINIC).who_can("get", "", "secrets", namespace="ehr", name="db")
    assert subjects(found) == {
        "Group system:masters",
        "Group ops",
        "ServiceAccount ehr/api",
        "User ann",
        "Group system:serviceaccounts:ehr",
    }
    one = found.set_index("subject").loc["ehr/api"]
    assert (one["binding"], one["role"], one["rule"]) == ("RoleBinding/ehr/here", "ClusterRole//reader", 0)
    assert (one["scope"], one["basis"]) == ("ehr", "RBAC")


def test_what_can_lists_what_is_held_by_groups_too() -> None:
    found = permissions_of(CLINIC).what_can(API)
    held = {(row["verb"], row["resource"], row["resource_name"], row["url"], row["through"]) for row in rows_of(found)}
    assert held == {
        ("get", "secrets", "", "", ""),
        ("list", "secrets", "", "", ""),
        ("get", "secrets", "db", "", "system:serviceaccounts:ehr"),
        ("get", "", "", "/healthz*", "system:authenticated"),
    }


def test_a_path_in_a_role_binding_of_a_namespace_is_not_listed() -> None:
    objects = [*CLINIC, binding("local", "ClusterRole/health", "User/eve", namespace="ehr")]
    held = permissions_of(objects)
    assert held.what_can("eve", groups=()).empty
    assert not held.can("eve", [], "get", path="/healthz")


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        ({"verb": "delete", "resource": "secrets", "namespace": "ehr", "name": "x"}, "verb delete"),
        ({"verb": "get", "resource": "configmaps", "namespace": "ehr"}, "resource configmaps"),
        ({"verb": "get", "group": "apps", "resource": "secrets", "namespace": "ehr"}, "API group apps"),
        (
            {"verb": "get", "resource": "secrets", "namespace": "lab"},
            "a role binding for namespace lab: this one is for namespace ehr",
        ),
        (
            {"verb": "list", "resource": "secrets"},
            "a role binding for the cluster: this one is for namespace ehr",
        ),
    ],
)
def test_the_nearest_rule_says_what_is_missing(asked: Asked, missing: str) -> None:
    why = permissions_of(CLINIC).why(API, **asked)
    assert set(why["answer"]) == {"not allowed"}
    assert missing in set(why["missing"])


def test_a_role_that_is_not_there_is_the_missing_half() -> None:
    held = permissions_of([binding("early", "ClusterRole/later", "User/bo")])
    why = rows_of(held.why("bo", "get", "", "pods", namespace="ehr", groups=()))
    assert [(row["missing"], row["binding"]) for row in why] == [
        ("role ClusterRole//later does not exist", "ClusterRoleBinding//early")
    ]


def test_nobody_is_named_where_no_role_binding_names_the_subject() -> None:
    why = permissions_of([]).why("bo", "get", "", "pods")
    assert list(why["missing"]) == ["no role binding names the subject"]


@pytest.mark.parametrize("kind", ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"])
def test_a_no_is_not_proved_where_a_kind_was_refused(kind: str) -> None:
    held = permissions_of(CLINIC, {("rbac.authorization.k8s.io", kind, ""): "refused"})
    assert not held.complete
    assert "* *" in subjects(held.who_can("get", "", "secrets", namespace="ehr"))
    why = held.why(API, "delete", "", "secrets", namespace="ehr")
    assert set(why["answer"]) == {"unknown"}
    assert any("refused" in missing for missing in why["missing"])


def test_what_is_refused_in_one_namespace_leaves_the_answers_of_others() -> None:
    held = permissions_of(CLINIC, {("rbac.authorization.k8s.io", "RoleBinding", "lab"): "refused"})
    assert held.gaps("ehr") == []
    assert held.gaps("") == []
    assert held.gaps("lab")
    assert not held.complete


def test_masters_may_everything_whatever_the_role_bindings_say() -> None:
    held = permissions_of([])
    assert held.can("x", ["system:masters"], "delete", "", "nodes", name="n")
    assert held.may_bind("x", ["system:masters"], "ClusterRole//missing")
    assert list(held.what_can("Group//system:masters")["basis"]) == ["built-in", "built-in"]


def test_groups_are_taken_as_given() -> None:
    held = permissions_of(CLINIC)
    user = "system:serviceaccount:ehr:api"
    asked = {"verb": "get", "path": "/healthz"}
    assert not held.can(user, [], **asked)
    assert held.can(user, built_in_groups(user), **asked)


def test_a_subresource_in_the_resource_is_refused() -> None:
    with pytest.raises(InputError, match="give resource 'pods' and subresource 'log'"):
        permissions_of([]).can("x", [], "get", "", "pods/log")


def test_a_role_of_another_namespace_cannot_be_bound() -> None:
    with pytest.raises(InputError, match="not in namespace 'lab'"):
        permissions_of(CLINIC).may_bind("x", [], "Role/ehr/one", "lab")


def api_server(*command: str) -> dict[str, Any]:
    labels = {"component": "kube-apiserver", "tier": "control-plane"}
    container = {"name": "kube-apiserver", "image": "registry.k8s.io/kube-apiserver:v1.34.2", "command": list(command)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kube-apiserver-a", "namespace": "kube-system", "labels": labels},
        "spec": {"containers": [container]},
    }


def node(label: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {label: "x"}}}


ALLOW_ALL = "authorizer AlwaysAllow of the API server may allow more"
NO_RBAC = "the API server does not ask RBAC: role bindings give nothing"


@pytest.mark.parametrize(
    ("objects", "version", "gaps"),
    [
        ([api_server("kube-apiserver", "--authorization-mode=Node,RBAC")], "v1.34.2", []),
        (
            [api_server("kube-apiserver", "--authorization-mode", "Node,RBAC,Webhook")],
            "v1.34.2",
            ["authorizer Webhook of the API server may allow more"],
        ),
        ([api_server("kube-apiserver")], "v1.34.2", [ALLOW_ALL, NO_RBAC]),
        (
            [api_server("kube-apiserver", "--authorization-config=/etc/k.yaml")],
            "v1.34.2",
            ["an authorizer configured by --authorization-config of the API server may allow more"],
        ),
        (
            [api_server("sh", "-c", "exec kube-apiserver --authorization-mode=RBAC")],
            "v1.34.2",
            ["the authorizers of Pod/kube-system/kube-apiserver-a cannot be seen"],
        ),
        ([], "v1.31.4-eks-2d5f260", ["access entries and policies of the provider (EKS) may allow more"]),
        ([], "v1.31.4-gke.1183000", ["access entries and policies of the provider (GKE) may allow more"]),
        (
            [node("kubernetes.azure.com/cluster")],
            "v1.34.2",
            ["access entries and policies of the provider (AKS) may allow more"],
        ),
        ([node("kubernetes.io/os")], "v1.34.2", []),
    ],
)
def test_other_authorizers_are_named_and_leave_a_no_open(
    objects: list[dict[str, Any]], version: str, gaps: list[str]
) -> None:
    held: Permissions = permissions_of(objects, version=version)
    assert held.gaps("") == gaps
    assert set(held.why("bo", "get", "", "pods")["answer"]) == {"unknown" if gaps else "not allowed"}


def test_aggregated_roles_of_manifests_are_composed() -> None:
    part = role("part", READ)
    part["metadata"]["labels"] = {"to": "whole"}
    whole = role("whole") | {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}}
    objects = [part, whole, binding("b", "ClusterRole/whole", "User/ann")]
    asked = {"verb": "get", "resource": "secrets", "namespace": "ehr"}
    assert permissions_of(objects, layout="manifests").can("ann", [], **asked)
    assert not permissions_of(objects, layout="live").can("ann", [], **asked)


def test_an_empty_resource_is_one_that_only_a_star_gives() -> None:
    objects = [
        role("all", rule("get", "*")),
        role("pods", rule("get", "pods")),
        binding("a", "ClusterRole/all", "User/ann"),
        binding("b", "ClusterRole/pods", "User/bob"),
    ]
    held = permissions_of(objects)
    assert held.can("ann", [], "get", resource="", namespace="ehr")
    assert not held.can("bob", [], "get", resource="", namespace="ehr")
    assert not held.can("ann", [], "get", path="")
    with pytest.raises(InputError, match="neither a resource nor a path"):
        held.can("ann", [], "get")


def test_nothing_in_a_list_of_a_manifest_is_an_empty_text() -> None:
    core = {"verbs": ["get"], "apiGroups": [None], "resources": ["secrets"]}
    objects = [role("core", core), binding("a", "ClusterRole/core", "User/ann")]
    assert permissions_of(objects, layout="manifests").can("ann", [], "get", resource="secrets", namespace="ehr")
