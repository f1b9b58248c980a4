"""Who is meant by a subject, and which request by a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import (
    Principal,
    Request,
    Requester,
    RoleId,
    RoleRef,
    Rule,
    built_in_groups,
    parse_rules,
    service_account_user,
)
from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, ROLE, SERVICE_ACCOUNT, USER, USER_GROUP


def principal_of(subject: str) -> Principal:
    """Return the user or group that a text means.

    Parameters
    ----------
    subject
        `User//name`, `Group//name` or `ServiceAccount/namespace/name`; any other text is a user name.
    """
    kind, namespace, name = parse_object_id(subject)
    if kind == SERVICE_ACCOUNT and namespace and name:
        return Principal(USER, service_account_user(namespace, name))
    if kind in (USER, USER_GROUP) and not namespace and name:
        return Principal(kind, name)
    return Principal(USER, subject)


def groups_of(who: Principal, declared: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the groups of a user: those that the API server gives, and those that the workforce file declares."""
    if who.kind == USER_GROUP:
        return frozenset()
    return built_in_groups(who.name) | declared.get(who.name, frozenset())


def principals_of(requester: Requester) -> list[Principal]:
    """Return a user and its groups, as role bindings name them."""
    return [Principal(USER, requester.user), *(Principal(USER_GROUP, group) for group in sorted(requester.groups))]


def request_of(
    verb: str,
    group: str = "",
    resource: str = "",
    subresource: str = "",
    namespace: str = "",
    name: str = "",
    path: str | None = None,
) -> Request:
    """Return a question to the authorizer.

    An empty resource is one that only `*` gives, where something else says that a resource is meant.

    Raises
    ------
    InputError
        A subresource stands in `resource`, or nothing says whether a resource or a path is meant.
    """
    if "/" in resource:
        head, _, tail = resource.partition("/")
        raise InputError(f"{resource!r} is not a resource", "", f"give resource {head!r} and subresource {tail!r}")
    object_given = any((group, resource, subresource, namespace, name))
    if path or (path is not None and not object_given):
        return Request(verb, path=path)
    if not object_given:
        raise InputError("neither a resource nor a path is asked for", "", "give one of them")
    return Request(verb, group, resource, subresource, namespace, name)


def role_ref(role: str | RoleRef | RoleId, namespace: str = "") -> RoleRef:
    """Return a reference to a role.

    Parameters
    ----------
    role
        `Role/namespace/name`, `ClusterRole//name`, a reference, or an id.
    namespace
        Of the role binding or role that is written: a Role of another namespace cannot be meant there.

    Raises
    ------
    InputError
        It is none of these.
    """
    if isinstance(role, RoleRef):
        return role
    if isinstance(role, RoleId):
        kind, place, name = (ROLE if role.namespace else CLUSTER_ROLE), role.namespace, role.name
    else:
        kind, place, name = parse_object_id(role)
    if kind not in (ROLE, CLUSTER_ROLE) or not name or (kind == CLUSTER_ROLE and place):
        raise InputError(f"{role!r} is not a role", "", "give Role/namespace/name or ClusterRole//name")
    if kind == ROLE and place != namespace:
        raise InputError(f"{role!r} is not in namespace {namespace!r}", "", "a Role counts in its own namespace alone")
    return RoleRef(kind, name)


def rules_of(rules: Iterable[Rule] | Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return rules, also where they are given as in a manifest."""
    held = list(rules)
    parsed = [each for each in held if isinstance(each, Rule)]
    return tuple(parsed) if len(parsed) == len(held) else parse_rules(held)
