"""No one may give by a role or role binding what they do not hold, save by a special right."""

import pytest

from hipaa_kit.kube.rbac import (
    FULL_AUTHORITY,
    Binding,
    Policy,
    Requester,
    RoleId,
    RoleRef,
    Rule,
    Subject,
    may_bind,
    may_write_role,
)

RBAC = "rbac.authorization.k8s.io"
ANN = Requester("ann")
MASTER = Requester("ann", frozenset({"system:masters"}))
GET_PODS = Rule(("get",), ("",), ("pods",))
GET_SECRETS = Rule(("get",), ("",), ("secrets",))
GET_HEALTH = Rule(("get",), urls=("/healthz",))
ROLES = {
    RoleId("", "pods"): (GET_PODS,),
    RoleId("east", "pods"): (GET_PODS,),
    RoleId("east", "secrets"): (GET_SECRETS,),
    RoleId("", "health"): (GET_PODS, GET_HEALTH),
    RoleId("", "nothing"): (),
}


def special(verb: str, resource: str, *names: str, group: str = RBAC) -> Rule:
    return Rule((verb,), (group,), (resource,), names)


def holding(*rules: Rule, namespace: str = "") -> Policy:
    """Return a cluster where ann holds rules in a namespace, or everywhere."""
    mine = Binding("mine", namespace, RoleRef("ClusterRole", "mine"), (Subject("User", "ann"),))
    return Policy(ROLES | {RoleId("", "mine"): rules}, (mine,))


@pytest.mark.parametrize(
    ("policy", "ref", "namespace", "by"),
    [
        # nothing held
        (holding(), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(), RoleRef("Role", "pods"), "east", ""),
        (holding(), RoleRef("ClusterRole", "nothing"), "", "holds all of it"),
        # all of it held, where the role binding is
        (holding(GET_PODS), RoleRef("ClusterRole", "pods"), "", "holds all of it"),
        (holding(GET_PODS), RoleRef("ClusterRole", "pods"), "east", "holds all of it"),
        (holding(GET_PODS), RoleRef("Role", "pods"), "east", "holds all of it"),
        (holding(GET_PODS), RoleRef("Role", "secrets"), "east", ""),
        (holding(GET_PODS, namespace="east"), RoleRef("ClusterRole", "pods"), "east", "holds all of it"),
        (holding(GET_PODS, namespace="east"), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(GET_PODS, namespace="east"), RoleRef("ClusterRole", "pods"), "west", ""),
        # URLs of a ClusterRole must be held too, even where they will have no effect; in a namespace they count as held
        (holding(GET_PODS), RoleRef("ClusterRole", "health"), "east", ""),
        (holding(GET_PODS, GET_HEALTH), RoleRef("ClusterRole", "health"), "east", "holds all of it"),
        (holding(GET_PODS, GET_HEALTH, namespace="east"), RoleRef("ClusterRole", "health"), "east", "holds all of it"),
        # bind, on the role that is bound, in the namespace of the role binding
        (holding(special("bind", "clusterroles")), RoleRef("ClusterRole", "pods"), "", "bind"),
        (holding(special("bind", "clusterroles")), RoleRef("ClusterRole", "pods"), "east", "bind"),
        (holding(special("bind", "clusterroles")), RoleRef("Role", "pods"), "east", ""),
        (holding(special("bind", "roles")), RoleRef("Role", "pods"), "east", "bind"),
        (holding(special("bind", "roles")), RoleRef("ClusterRole", "pods"), "east", ""),
        (holding(special("bind", "clusterroles"), namespace="east"), RoleRef("ClusterRole", "pods"), "east", "bind"),
        (holding(special("bind", "clusterroles"), namespace="east"), RoleRef("ClusterRole", "pods"), "west", ""),
        (holding(special("bind", "clusterroles"), namespace="east"), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(special("bind", "clusterroles", "pods")), RoleRef("ClusterRole", "pods"), "", "bind"),
        (holding(special("bind", "clusterroles", "health")), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(special("bind", "clusterroles", "*")), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(special("*", "clusterroles")), RoleRef("ClusterRole", "pods"), "", "bind"),
        (holding(special("bind", "clusterroles", group="")), RoleRef("ClusterRole", "pods"), "", ""),
        # on role bindings the verb means nothing, and escalate is no bind
        (holding(special("bind", "clusterrolebindings")), RoleRef("ClusterRole", "pods"), "", ""),
        (holding(special("bind", "rolebindings")), RoleRef("Role", "pods"), "east", ""),
        (holding(special("escalate", "clusterroles")), RoleRef("ClusterRole", "pods"), "", ""),
        # a role that is not there: only bind helps
        (holding(*FULL_AUTHORITY), RoleRef("ClusterRole", "missing"), "", "bind"),
        (holding(GET_PODS), RoleRef("ClusterRole", "missing"), "", ""),
        (holding(special("bind", "clusterroles")), RoleRef("ClusterRole", "missing"), "", "bind"),
        # no such role binding can be
        (holding(*FULL_AUTHORITY), RoleRef("Role", "pods"), "", ""),
        (holding(*FULL_AUTHORITY), RoleRef("Group", "pods"), "east", ""),
    ],
)
def test_a_role_binding_passes_by(policy: Policy, ref: RoleRef, namespace: str, by: str) -> None:
    answer = may_bind(policy, ANN, ref, namespace)
    assert (answer.by, answer.allowed) == (by, bool(by))
    assert not may_bind(policy, Requester("bob"), ref, namespace).by or ref.name == "nothing"


UPDATE, CREATE = "update", "create"


@pytest.mark.parametrize(
    ("policy", "role", "namespace", "rules", "verb", "by"),
    [
        (holding(), RoleRef("Role", "r"), "east", (), UPDATE, "holds all of it"),
        (holding(), RoleRef("Role", "r"), "east", (GET_PODS,), UPDATE, ""),
        (holding(GET_PODS), RoleRef("Role", "r"), "east", (GET_PODS,), CREATE, "holds all of it"),
        (holding(GET_PODS), RoleRef("ClusterRole", "r"), "", (GET_PODS,), CREATE, "holds all of it"),
        (holding(GET_PODS, namespace="east"), RoleRef("Role", "r"), "east", (GET_PODS,), CREATE, "holds all of it"),
        (holding(GET_PODS, namespace="east"), RoleRef("Role", "r"), "west", (GET_PODS,), CREATE, ""),
        (holding(GET_PODS, namespace="east"), RoleRef("ClusterRole", "r"), "", (GET_PODS,), CREATE, ""),
        (holding(GET_PODS), RoleRef("Role", "r"), "east", (GET_PODS, GET_SECRETS), UPDATE, ""),
        # escalate, on the role that is written
        (holding(special("escalate", "roles")), RoleRef("Role", "r"), "east", (GET_PODS,), UPDATE, "escalate"),
        (holding(special("escalate", "roles")), RoleRef("Role", "r"), "east", (GET_PODS,), CREATE, "escalate"),
        (holding(special("escalate", "roles")), RoleRef("ClusterRole", "r"), "", (GET_PODS,), UPDATE, ""),
        (holding(special("escalate", "clusterroles")), RoleRef("Role", "r"), "east", (GET_PODS,), UPDATE, ""),
        (
            holding(special("escalate", "clusterroles")),
            RoleRef("ClusterRole", "r"),
            "",
            (GET_PODS,),
            CREATE,
            "escalate",
        ),
        (
            holding(special("escalate", "roles"), namespace="east"),
            RoleRef("Role", "r"),
            "east",
            (GET_PODS,),
            UPDATE,
            "escalate",
        ),
        (
            holding(special("escalate", "roles"), namespace="east"),
            RoleRef("Role", "r"),
            "west",
            (GET_PODS,),
            UPDATE,
            "",
        ),
        # a right to one role by name does not help to make it by a POST, which names none
        (holding(special("escalate", "roles", "r")), RoleRef("Role", "r"), "east", (GET_PODS,), UPDATE, "escalate"),
        (holding(special("escalate", "roles", "r")), RoleRef("Role", "r"), "east", (GET_PODS,), "patch", "escalate"),
        (holding(special("escalate", "roles", "r")), RoleRef("Role", "r"), "east", (GET_PODS,), CREATE, ""),
        (holding(special("escalate", "roles", "r")), RoleRef("Role", "s"), "east", (GET_PODS,), UPDATE, ""),
        (holding(special("bind", "roles")), RoleRef("Role", "r"), "east", (GET_PODS,), UPDATE, ""),
        # no such role can be
        (holding(*FULL_AUTHORITY), RoleRef("Role", "r"), "", (GET_PODS,), UPDATE, ""),
        (holding(*FULL_AUTHORITY), RoleRef("ClusterRole", "r"), "east", (GET_PODS,), UPDATE, ""),
        (holding(*FULL_AUTHORITY), RoleRef("Group", "r"), "east", (GET_PODS,), UPDATE, ""),
    ],
)
def test_a_role_passes_by(
    policy: Policy, role: RoleRef, namespace: str, rules: tuple[Rule, ...], verb: str, by: str
) -> None:
    answer = may_write_role(policy, ANN, role, namespace, rules, verb=verb)
    assert (answer.by, answer.allowed) == (by, bool(by))


def test_masters_skip_the_test() -> None:
    nothing = Policy({}, ())
    role = RoleRef("ClusterRole", "r")
    assert may_bind(nothing, MASTER, role, "").by == "system:masters"
    assert may_write_role(nothing, MASTER, role, "", FULL_AUTHORITY, aggregates=True).by == "system:masters"


@pytest.mark.parametrize(
    ("held", "by"),
    [
        ((GET_PODS,), ""),
        ((FULL_AUTHORITY[1], GET_PODS), ""),
        # `*` on every resource holds `escalate`, which is enough
        ((FULL_AUTHORITY[0],), "escalate"),
        (FULL_AUTHORITY, "escalate"),
        ((Rule(("escalate",), (RBAC,), ("clusterroles",)),), "escalate"),
        ((*FULL_AUTHORITY[1:], Rule(("*",), ("*",), ("*",), ("one",))), ""),
        # everything but through `escalate` cannot be had: a rule for it would have to name each verb
        ((*FULL_AUTHORITY[1:], Rule(("get", "create", "update"), ("*",), ("*",))), ""),
    ],
)
def test_aggregation_takes_the_right_to_everything(held: tuple[Rule, ...], by: str) -> None:
    policy, role = holding(*held), RoleRef("ClusterRole", "r")
    answer = may_write_role(policy, ANN, role, "", (), verb="create", aggregates=True)
    assert answer.by == by


def test_what_is_missing_is_named() -> None:
    answer = may_bind(holding(GET_PODS), ANN, RoleRef("ClusterRole", "health"), "")
    assert answer.missing == (GET_HEALTH,)
    assert answer.role_exists
    answer = may_write_role(holding(GET_PODS), ANN, RoleRef("Role", "r"), "east", (GET_PODS, GET_SECRETS))
    assert answer.missing == (GET_SECRETS,)


def test_a_role_binding_to_a_missing_role_says_so() -> None:
    assert not may_bind(holding(), ANN, RoleRef("ClusterRole", "missing"), "").role_exists
    answer = may_bind(holding(special("bind", "clusterroles")), ANN, RoleRef("ClusterRole", "missing"), "")
    assert (answer.allowed, answer.role_exists) == (True, False)


def test_the_halves_may_come_from_different_role_bindings() -> None:
    rights = Binding("right", "", RoleRef("ClusterRole", "right"), (Subject("Group", "nurses"),))
    mine = Binding("mine", "east", RoleRef("Role", "pods"), (Subject("User", "ann"),))
    policy = Policy(ROLES | {RoleId("", "right"): (GET_SECRETS,)}, (rights, mine))
    nurse = Requester("ann", frozenset({"nurses"}))
    both = (GET_PODS, GET_SECRETS)
    assert may_write_role(policy, nurse, RoleRef("Role", "r"), "east", both).by == "holds all of it"
    assert not may_write_role(policy, ANN, RoleRef("Role", "r"), "east", both).allowed
    assert not may_write_role(policy, nurse, RoleRef("Role", "r"), "west", both).allowed
