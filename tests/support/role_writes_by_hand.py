"""What a subject could give itself by writing roles and role bindings: request by request, on random clusters.

Every write is put to the API server's two questions, on the cluster as the writes before it left it. Nothing here is
shared with the engine but the matcher and the escalation test, which real servers have confirmed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hipaa_kit.kube.rbac import (
    FULL_AUTHORITY,
    Binding,
    Policy,
    Request,
    Requester,
    RoleId,
    RoleRef,
    may_bind,
    may_write_role,
)
from hipaa_kit.kube.rbac.bindings import applies
from hipaa_kit.kube.rbac.rules import GROUP
from tests.support.permissions import account, binding, role

NAMES = ("one", "two", "three")
PLACES = ("east", "west")
NEW = "unheard-of"
KINDS = ("Role", "ClusterRole")
ALL = FULL_AUTHORITY[:1]


def writers(seed: int) -> list[dict[str, Any]]:
    """Return a random cluster that is rich in rights to write roles and role bindings."""
    draw = random.Random(seed)
    made = [account(place, "runner") for place in PLACES]
    for place in ("", *PLACES):
        names = draw.sample(NAMES, draw.randint(0, 2))
        made += [role(name, *(_rule(draw) for _ in range(draw.randint(0, 2))), namespace=place) for name in names]
    for number in range(draw.randint(2, 7)):
        place = draw.choice(("", *PLACES))
        power = f"power-{number}"
        rules = [_rule(draw) for _ in range(draw.randint(1, 3))]
        who = draw.choice(("User/ann", "User/bob", "Group/system:authenticated", "ServiceAccount/east/runner"))
        made += [role(power, *rules), binding(f"p{number}", f"ClusterRole/{power}", who, namespace=place)]
    for number in range(draw.randint(0, 3)):
        place = draw.choice(("", *PLACES))
        kind = draw.choice(KINDS) if place else "ClusterRole"
        who = draw.choice(("User/ann", "User/bob", "User/someone"))
        made.append(binding(f"b{number}", f"{kind}/{draw.choice(NAMES)}", who, namespace=place))
    return made


def _rule(draw: random.Random) -> dict[str, Any]:
    verbs = draw.sample(("create", "update", "patch", "escalate", "bind", "get"), draw.randint(1, 4))
    words = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    resources = draw.sample(words, draw.randint(1, 3))
    made: dict[str, Any] = {"verbs": verbs, "apiGroups": [GROUP], "resources": resources}
    if draw.random() < 0.4:
        made["resourceNames"] = draw.sample((*NAMES, "b0", "b1", "p0"), draw.randint(1, 2))
    return made


def may_change(policy: Policy, who: Requester, resource: str, place: str, name: str) -> bool:
    """Tell whether a subject may change an object of RBAC that is there."""
    return any(policy.can(who, Request(verb, GROUP, resource, "", place, name)) for verb in ("update", "patch"))


def may_make(policy: Policy, who: Requester, resource: str, place: str, name: str) -> bool:
    """Tell whether a subject may make an object of RBAC under a name, by a POST or otherwise."""
    posted = policy.can(who, Request("create", GROUP, resource, "", place, ""))
    named = policy.can(who, Request("create", GROUP, resource, "", place, name))
    return posted or (named and may_change(policy, who, resource, place, name))


def with_rules(policy: Policy, role_id: RoleId, rules: tuple[Any, ...]) -> Policy:
    """Return a cluster in which a role has these rules."""
    return replace(policy, roles={**policy.roles, role_id: rules})


def may_fill(policy: Policy, who: Requester, kind: str, place: str, name: str, rules: tuple[Any, ...]) -> bool:
    """Tell whether a subject may give a role these rules, making it where it is not there."""
    where = place if kind == "Role" else ""
    resource, ref = f"{kind.lower()}s", RoleRef(kind, name)
    passes = may_write_role(policy, who, ref, where, rules, verb="update").allowed
    if RoleId(where, name) in policy.roles:
        return passes and may_change(policy, who, resource, where, name)
    posted = policy.can(who, Request("create", GROUP, resource, "", where, ""))
    if posted and may_write_role(policy, who, ref, where, rules, verb="create").allowed:
        return True
    named = policy.can(who, Request("create", GROUP, resource, "", where, name))
    return passes and named and may_change(policy, who, resource, where, name)


def words(policy: Policy) -> set[str]:
    """Return every name that a role has, a role binding has or refers to, or a rule lists."""
    found = {role.name for role in policy.roles} | {each.name for each in policy.bindings}
    found |= {each.ref.name for each in policy.bindings}
    return found | {name for rules in policy.roles.values() for rule in rules for name in rule.names}


def holds(policy: Policy, who: Requester, kind: str, place: str, name: str) -> bool:
    """Tell whether a role binding in a place gives a subject a role."""
    return any(applies(subject, who, place) for each in _to(policy, kind, place, name) for subject in each.subjects)


def may_give(policy: Policy, who: Requester, kind: str, place: str, name: str) -> bool:
    """Tell whether a subject may make, or join, a role binding in a place to a role.

    A name that is taken counts as free: what has it may go.
    """
    if not may_bind(policy, who, RoleRef(kind, name), place).allowed:
        return False
    resource = "rolebindings" if place else "clusterrolebindings"
    return any(may_make(policy, who, resource, place, new) for new in (NEW, *words(policy))) or any(
        may_change(policy, who, resource, place, each.name) for each in _to(policy, kind, place, name)
    )


def _to(policy: Policy, kind: str, place: str, name: str) -> list[Binding]:
    return [each for each in policy.bindings if each.namespace == place and each.ref == RoleRef(kind, name)]


def states(policy: Policy, who: Requester, kind: str, place: str, name: str) -> Iterator[Policy]:
    """Yield the cluster as it is, and as it is once the subject has emptied or filled a role."""
    yield policy
    role_id = RoleId(place if kind == "Role" else "", name)
    for rules in ((), ALL):
        if may_fill(policy, who, kind, place, name, rules):
            yield with_rules(policy, role_id, rules)


def takes_all(policy: Policy, who: Requester, kind: str, place: str) -> bool:
    """Tell whether a subject could give itself everything in a place (`""` the cluster) by a role of a kind."""
    for name in (NEW, *words(policy)):
        for state in states(policy, who, kind, place, name):
            role_id = RoleId(place if kind == "Role" else "", name)
            filled = state.roles.get(role_id) == ALL or may_fill(state, who, kind, place, name, ALL)
            if filled and (holds(state, who, kind, place, name) or may_give(state, who, kind, place, name)):
                return True
    return False


def bindable(policy: Policy, who: Requester, kind: str, place: str, name: str) -> bool:
    """Tell whether a subject could have a role that is there in a place, by its right to bind it."""
    return may_bind(policy, who, RoleRef(kind, name), place).by == "bind" and may_give(policy, who, kind, place, name)
