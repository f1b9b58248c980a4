"""Role bindings count for the subjects, in the places and with the roles that the API server takes them for."""

from collections.abc import Iterable
from typing import Any

import pytest

from hipaa_kit.kube.rbac import (
    Binding,
    Policy,
    RbacError,
    Request,
    Requester,
    RoleId,
    RoleRef,
    Rule,
    Subject,
    applies,
    built_in_groups,
    parse_binding,
    parse_policy,
    service_account_of,
)

GROUP = "rbac.authorization.k8s.io"
RUNNER = "system:serviceaccount:east:runner"
GET_PODS = Rule(("get",), ("",), ("pods",))
GET_NODES = Rule(("get",), ("",), ("nodes",))
GET_HEALTH = Rule(("get",), urls=("/healthz",))
GET_NAMESPACES = Rule(("get", "list"), ("",), ("namespaces",))


def bound(ref: str, namespace: str = "", to: Iterable[Subject] = (Subject("User", "ann"),), name: str = "b") -> Binding:
    kind, _, role = ref.partition("/")
    return Binding(name, namespace, RoleRef(kind, role), tuple(to))


def ann_with(*bindings: Binding) -> Policy:
    roles = {
        RoleId("", "reader"): (GET_PODS, GET_NODES, GET_HEALTH, GET_NAMESPACES),
        RoleId("east", "reader"): (GET_PODS,),
        RoleId("", "empty"): (),
    }
    return Policy(roles, bindings)


ANN = Requester("ann")
POD_EAST = Request("get", "", "pods", "", "east", "p")
POD_WEST = Request("get", "", "pods", "", "west", "p")
PODS_EVERYWHERE = Request("get", "", "pods")
NODE = Request("get", "", "nodes", "", "", "n")
HEALTH = Request("get", path="/healthz")
NAMESPACE_EAST = Request("get", "", "namespaces", "", "east", "east")
NAMESPACES = Request("list", "", "namespaces")


@pytest.mark.parametrize(
    ("binding", "request_", "allowed"),
    [
        (bound("ClusterRole/reader"), POD_EAST, True),
        (bound("ClusterRole/reader"), PODS_EVERYWHERE, True),
        (bound("ClusterRole/reader"), NODE, True),
        (bound("ClusterRole/reader"), HEALTH, True),
        (bound("ClusterRole/reader"), NAMESPACES, True),
        # a ClusterRole in a namespace counts there, and for nothing of the cluster
        (bound("ClusterRole/reader", "east"), POD_EAST, True),
        (bound("ClusterRole/reader", "east"), POD_WEST, False),
        (bound("ClusterRole/reader", "east"), PODS_EVERYWHERE, False),
        (bound("ClusterRole/reader", "east"), NODE, False),
        (bound("ClusterRole/reader", "east"), HEALTH, False),
        # but for the Namespace object itself
        (bound("ClusterRole/reader", "east"), NAMESPACE_EAST, True),
        (bound("ClusterRole/reader", "east"), NAMESPACES, False),
        (bound("Role/reader", "east"), POD_EAST, True),
        (bound("Role/reader", "east"), POD_WEST, False),
        # a Role is looked for where the role binding is
        (bound("Role/reader", "west"), POD_WEST, False),
        (bound("Role/reader"), POD_EAST, False),
        # what is not there, or no role, gives nothing
        (bound("ClusterRole/missing"), POD_EAST, False),
        (bound("Role/missing", "east"), POD_EAST, False),
        (bound("Group/reader", "east"), POD_EAST, False),
        (bound("clusterrole/reader"), POD_EAST, False),
        (bound("ClusterRole/empty"), POD_EAST, False),
        (bound("ClusterRole/reader", to=()), POD_EAST, False),
    ],
)
def test_a_role_binding_counts_where_it_stands(binding: Binding, request_: Request, allowed: bool) -> None:
    assert ann_with(binding).can(ANN, request_) is allowed
    assert not ann_with(binding).can(Requester("bob"), request_)


def test_a_role_that_is_missing_does_not_stop_the_others() -> None:
    policy = ann_with(bound("ClusterRole/missing"), bound("Role/missing", "east"), bound("Role/reader", "east"))
    assert policy.can(ANN, POD_EAST)


@pytest.mark.parametrize(
    ("subject", "namespace", "user", "groups", "meant"),
    [
        (Subject("User", "ann"), "", "ann", (), True),
        (Subject("User", "ann"), "east", "ann", (), True),
        (Subject("User", "ann"), "", "Ann", (), False),
        (Subject("User", "ann"), "", "bob", ("ann",), False),
        (Subject("User", "*"), "", "ann", (), False),
        (Subject("User", "*"), "", "*", (), True),
        (Subject("User", RUNNER), "", RUNNER, (), True),
        (Subject("User", "ann", group="anything"), "", "ann", (), True),
        (Subject("User", "ann", namespace="west"), "east", "ann", (), True),
        (Subject("Group", "nurses"), "", "ann", ("nurses",), True),
        (Subject("Group", "nurses"), "", "nurses", (), False),
        (Subject("Group", "*"), "", "ann", ("nurses",), False),
        (Subject("Group", "*"), "", "ann", ("*",), True),
        (Subject("Group", "system:serviceaccounts:east"), "", RUNNER, ("system:serviceaccounts:east",), True),
        # groups are as given: the name alone puts no one into a group
        (Subject("Group", "system:serviceaccounts:east"), "", RUNNER, (), False),
        (Subject("ServiceAccount", "runner", "east"), "", RUNNER, (), True),
        (Subject("ServiceAccount", "runner", "east"), "west", RUNNER, (), True),
        (Subject("ServiceAccount", "runner", "west"), "east", RUNNER, (), False),
        (Subject("ServiceAccount", "runner"), "east", RUNNER, (), True),
        (Subject("ServiceAccount", "runner"), "west", RUNNER, (), False),
        (Subject("ServiceAccount", "runner"), "", RUNNER, (), False),
        (Subject("ServiceAccount", "runner", "east"), "", "runner", (), False),
        (Subject("ServiceAccount", "*", "east"), "", RUNNER, (), False),
        (Subject("ServiceAccount", "runner", "east", GROUP), "", RUNNER, (), True),
        (Subject("ServiceAccount", RUNNER, "east"), "", RUNNER, (), False),
        (Subject("user", "ann"), "", "ann", (), False),
        (Subject("Node", "ann"), "", "ann", ("ann",), False),
        (Subject("", "ann"), "", "ann", ("ann",), False),
    ],
)
def test_a_subject_is(subject: Subject, namespace: str, user: str, groups: tuple[str, ...], meant: bool) -> None:
    who = Requester(user, frozenset(groups))
    assert applies(subject, who, namespace) is meant
    binding = bound("ClusterRole/reader", namespace, (Subject("Node", "x"), subject))
    assert list(ann_with(binding).bindings_for(who, namespace)) == ([binding] if meant else [])


def test_what_someone_holds_is_what_their_name_and_all_groups_hold() -> None:
    policy = ann_with(
        bound("ClusterRole/reader", "west", [Subject("Group", "nurses")], "one"),
        bound("Role/reader", "east", name="two"),
    )
    nurse = Requester("ann", frozenset({"nurses"}))
    assert policy.rules_for(nurse, "east") == [GET_PODS]
    assert policy.rules_for(nurse, "west") == [GET_PODS, GET_NODES, GET_HEALTH, GET_NAMESPACES]
    assert policy.rules_for(nurse, "") == []


def test_grants_name_the_role_binding_its_first_subject_and_the_rule() -> None:
    subjects = [Subject("User", "bob"), Subject("Group", "nurses"), Subject("User", "ann")]
    in_east, everywhere = bound("Role/reader", "east", subjects, "e"), bound("ClusterRole/reader", "", subjects, "c")
    nurse = Requester("ann", frozenset({"nurses"}))
    found = list(ann_with(in_east, everywhere).grants(nurse, "east"))
    assert [(grant.binding.name, grant.subject, grant.role, grant.rule_index) for grant in found] == [
        ("c", 1, RoleId("", "reader"), 0),
        ("c", 1, RoleId("", "reader"), 1),
        ("c", 1, RoleId("", "reader"), 2),
        ("c", 1, RoleId("", "reader"), 3),
        ("e", 1, RoleId("east", "reader"), 0),
    ]
    assert found[-1].rule == GET_PODS


def test_masters_may_do_everything_without_a_role() -> None:
    masters = Requester("ann", frozenset({"system:masters"}))
    policy = Policy({}, ())
    assert policy.can(masters, POD_EAST)
    assert policy.can(masters, HEALTH)
    assert policy.rules_for(masters, "") == []
    assert not policy.can(Requester("system:masters"), POD_EAST)


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        ("ann", {"system:authenticated"}),
        ("system:node:n1", {"system:authenticated"}),
        ("system:anonymous", {"system:unauthenticated"}),
        (RUNNER, {"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:east"}),
        ("system:serviceaccount:east", {"system:authenticated"}),
        ("system:serviceaccount:east:", {"system:authenticated"}),
        ("system:serviceaccount::runner", {"system:authenticated"}),
        ("system:serviceaccount:east:a:b", {"system:authenticated"}),
        ("system:serviceaccount:East:runner", {"system:authenticated"}),
        ("xsystem:serviceaccount:east:runner", {"system:authenticated"}),
    ],
)
def test_the_api_server_puts_users_into_groups(user: str, groups: set[str]) -> None:
    assert built_in_groups(user) == groups


def test_the_name_of_a_service_account_says_which() -> None:
    assert service_account_of("system:serviceaccount:east:run.ner") == ("east", "run.ner")
    assert service_account_of("ann") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {
                "metadata": {"name": "b", "namespace": "east"},
                "roleRef": {"kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "User", "name": "ann"},
                    {"kind": "Group", "name": "nurses"},
                    {"kind": "ServiceAccount", "name": "runner"},
                    {"kind": "Other", "name": "x"},
                ],
            },
            Binding(
                "b",
                "east",
                RoleRef("Role", "r", GROUP),
                (
                    Subject("User", "ann", "", GROUP),
                    Subject("Group", "nurses", "", GROUP),
                    Subject("ServiceAccount", "runner", "", ""),
                    Subject("Other", "x", "", ""),
                ),
            ),
        ),
        (
            {
                "metadata": {"name": "b", "namespace": "nowhere"},
                "roleRef": {"apiGroup": "other", "kind": "ClusterRole", "name": "r"},
                "subjects": [{"kind": "User", "name": "ann", "apiGroup": "other", "namespace": "x"}],
            },
            Binding("b", "", RoleRef("ClusterRole", "r", "other"), (Subject("User", "ann", "x", "other"),)),
        ),
        ({}, Binding("", "", RoleRef("", ""))),
        ({"metadata": {"name": "b"}, "roleRef": None, "subjects": None}, Binding("b", "", RoleRef("", ""))),
    ],
)
def test_a_role_binding_is_read_with_the_defaults_of_the_api(content: dict[str, Any], expected: Binding) -> None:
    assert parse_binding(content, expected.namespace) == expected


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"metadata": []}, "B//b: metadata is not a mapping"),
        ({"roleRef": "r"}, "B//b: roleRef is not a mapping"),
        ({"roleRef": {"name": 1}}, "B//b: name is not a text"),
        ({"subjects": {}}, "B//b: subjects is not a list"),
        ({"subjects": ["ann"]}, "B//b subjects[0]: is not a mapping"),
        ({"subjects": [{}, {"name": ["ann"]}]}, "B//b subjects[1]: name is not a text"),
    ],
)
def test_a_role_binding_that_the_api_refuses_is_refused(content: dict[str, Any], line: str) -> None:
    with pytest.raises(RbacError) as refused:
        parse_binding(content, "", "B//b")
    assert str(refused.value) == line


RULES = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]


def test_a_policy_is_read_from_objects() -> None:
    binding = {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "ann"}]}
    policy = parse_policy(
        [
            {"kind": "Role", "metadata": {"name": "r", "namespace": "east"}, "rules": RULES},
            {"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": None},
            {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "east"}, **binding},
            {"kind": "Pod", "metadata": {"name": "p"}},
        ]
    )
    assert policy.roles == {RoleId("east", "r"): (GET_PODS,), RoleId("", "r"): ()}
    assert policy.can(ANN, POD_EAST)


def test_the_kind_alone_says_whether_a_namespace_counts() -> None:
    to_ann = {"subjects": [{"kind": "User", "name": "ann"}]}
    policy = parse_policy(
        [
            {"kind": "ClusterRole", "metadata": {"name": "r", "namespace": "east"}, "rules": RULES},
            {
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "b", "namespace": "east"},
                "roleRef": {"kind": "ClusterRole", "name": "r"},
                **to_ann,
            },
        ]
    )
    assert policy.roles == {RoleId("", "r"): (GET_PODS,)}
    assert policy.can(ANN, POD_WEST)


def test_a_role_that_names_no_namespace_is_none_of_the_cluster() -> None:
    objects = [
        {"kind": "Role", "metadata": {"name": "r"}, "rules": RULES},
        {
            "kind": "RoleBinding",
            "metadata": {"name": "b"},
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "runner"}],
        },
    ]
    assert parse_policy(objects).roles == {RoleId("default", "r"): (GET_PODS,)}
    policy = parse_policy(objects, "east")
    assert policy.can(Requester(RUNNER), POD_EAST)
    assert not policy.can(Requester(RUNNER), POD_WEST)


def test_a_policy_with_a_role_that_the_api_refuses_is_refused() -> None:
    with pytest.raises(RbacError, match=r"^Role/east/r: rules is not a list$"):
        parse_policy([{"kind": "Role", "metadata": {"name": "r", "namespace": "east"}, "rules": "*"}])
