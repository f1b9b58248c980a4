"""Role rules: what one allows, and when one set of them is worth as much as another.

Source: `pkg/apis/rbac/v1/evaluation_helpers.go` and `plugin/pkg/auth/authorizer/rbac/rbac.go` of
`k8s.io/kubernetes`, `auth/rbac/validation/policy_comparator.go` of `k8s.io/component-helpers`,
https://kubernetes.io/docs/reference/access-authn-authz/rbac/.

RBAC allows or has no opinion; it never denies. All comparisons are of whole texts, upper and lower case apart.
`pods/*` and `*/*` are no wildcards, and `*` in `resourceNames` is the name `*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.errors import InputError

ALL: Final = "*"
GROUP: Final = "rbac.authorization.k8s.io"


class RbacError(InputError):
    """A role or role binding has a shape that the API refuses."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a role's `rules`; `groups` are `apiGroups`, `names` are `resourceNames`."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What the API server asks its authorizers: an action on a resource, or on a path.

    Attributes
    ----------
    verb
        `get`, `list`, `create` and so on; for a path the HTTP method in lower case.
    group, resource, subresource
        `""` is the core group; the subresource stands apart from the resource.
    namespace
        `""` for requests on the cluster, and for lists and watches over all namespaces.
    name
        `""` for requests that name no object.
    path
        Path of a request for no resource, such as `/healthz`; the fields above but the verb then count for nothing.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None


FULL_AUTHORITY: Final = (Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), urls=(ALL,)))
"""The rules that allow everything."""


def api_call(
    verb: str, group: str, resource: str, *, subresource: str = "", namespace: str = "", name: str = ""
) -> Request:
    """Return the request that the API server sees when a client calls it for an object.

    Parameters
    ----------
    verb, group, resource, subresource
        As for `Request`. `create` is a POST.
    namespace, name
        Where the object is and what it is called. For `list` and `watch`, the name that a field selector
        fixes `metadata.name` to.

    Notes
    -----
    A POST to a collection and `deletecollection` name no object; one to a subresource names the object it is
    of. A call for one Namespace is a request in that namespace, so that a role binding there counts.

    Only a POST drops the name: a PUT, or a server-side apply, that creates its object is asked for as `update`
    or `patch` and again as `create`, both times with the name.

    Source: `NewRequestInfo` of `k8s.io/apiserver/pkg/endpoints/request`, `UpdateResource` and `PatchResource`
    of `k8s.io/apiserver/pkg/endpoints/handlers`.
    """
    nameless = verb == "deletecollection" or (verb == "create" and not subresource)
    name = "" if nameless else name
    if (group, resource) == ("", "namespaces"):
        namespace = "" if verb in ("list", "watch") else name
    return Request(verb, group, resource, subresource, namespace, name)


def allows(rules: Iterable[Rule], request: Request) -> bool:
    """Tell whether one of the rules allows a request.

    The rules are those that apply where the request is made: see `Policy.rules_for`.
    """
    return any(rule_allows(rule, request) for rule in rules)


def rule_allows(rule: Rule, request: Request) -> bool:
    """Tell whether a rule allows a request.

    A rule with names allows only requests for these names: never a `create` of a new object or a
    `deletecollection`, and a `list` or `watch` only when a field selector fixes the name.
    """
    if not _lists(rule.verbs, request.verb):
        return False
    if request.path is not None:
        return any(_reaches(url, request.path) for url in rule.urls)
    return (
        _lists(rule.groups, request.group)
        and _matches_resource(rule.resources, request.resource, request.subresource)
        and (not rule.names or request.name in rule.names)
    )


def _lists(words: tuple[str, ...], word: str) -> bool:
    return ALL in words or word in words


def _matches_resource(resources: tuple[str, ...], resource: str, subresource: str) -> bool:
    if not subresource:
        return _lists(resources, resource)
    return _lists(resources, f"{resource}/{subresource}") or f"*/{subresource}" in resources


def _reaches(url: str, path: str) -> bool:
    """Tell whether a `nonResourceURLs` entry includes a path: the same, or its beginning before a trailing `*`."""
    return url == path or (url.endswith(ALL) and path.startswith(url.rstrip(ALL)))


def covers(owner_rules: Iterable[Rule], servant_rules: Iterable[Rule]) -> bool:
    """Tell whether whoever holds the owner's rules holds all that the servant's give.

    It is the API server's own test: a servant's `*` needs an owner's `*`, every verb by name is not enough.

    See `uncovered` for what is missing.
    """
    return not uncovered(owner_rules, servant_rules)


def uncovered(owner_rules: Iterable[Rule], servant_rules: Iterable[Rule]) -> list[Rule]:
    """Return what the servant's rules give and the owner's do not, broken down; empty where all is covered.

    Returns
    -------
    list of Rule
        One verb on one resource (and name) or URL each, in the order of the servant's rules, none twice.
    """
    owners = tuple(owner_rules)
    atoms = dict.fromkeys(atom for rule in servant_rules for atom in broken_down(rule))
    return [atom for atom in atoms if not any(_covers(owner, atom) for owner in owners)]


def broken_down(rule: Rule) -> Iterator[Rule]:
    """Yield the least rules that together are the same: one group, resource, verb and name, or one URL and verb.

    A rule without verbs, or without groups or resources, gives nothing and so yields nothing.
    """
    names: list[tuple[str, ...]] = [(name,) for name in rule.names] or [()]
    for group in rule.groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in names:
                    yield Rule((verb,), (group,), (resource,), name)
    for url in rule.urls:
        for verb in rule.verbs:
            yield Rule((verb,), urls=(url,))


def _covers(owner: Rule, atom: Rule) -> bool:
    """Tell whether one owner rule covers a rule that is broken down."""
    return (
        all(_lists(owner.verbs, verb) for verb in atom.verbs)
        and all(_lists(owner.groups, group) for group in atom.groups)
        and all(_covers_resource(owner.resources, resource) for resource in atom.resources)
        and all(any(_reaches(url, path) for url in owner.urls) for path in atom.urls)
        and (not owner.names or (bool(atom.names) and set(atom.names) <= set(owner.names)))
    )


def _covers_resource(resources: tuple[str, ...], resource: str) -> bool:
    _, slash, subresource = resource.partition("/")
    return _lists(resources, resource) or (bool(slash) and f"*/{subresource}" in resources)


def parse_rules(rules: Any, where: str = "") -> tuple[Rule, ...]:
    """Return `rules` of a role, as the API holds them.

    Parameters
    ----------
    rules
        The list as decoded from JSON or YAML; None is none.
    where
        Object, for the error.

    Raises
    ------
    RbacError
        They have a shape that the API refuses. What it refuses for its content (a rule without verbs, a URL in a
        Role) is kept: the authorizer would read it all the same.
    """
    return tuple(
        Rule(
            _texts(rule, "verbs", at),
            _texts(rule, "apiGroups", at),
            _texts(rule, "resources", at),
            _texts(rule, "resourceNames", at),
            _texts(rule, "nonResourceURLs", at),
        )
        for at, rule in mappings(rules, "rules", where)
    )


def _texts(rule: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    """Return a list of texts; nothing in it is `""`, as the API decodes it."""
    values = rule.get(field)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(value is None or isinstance(value, str) for value in values):
        raise RbacError(f"{field} is not a list of texts", where)
    return tuple(value or "" for value in values)


def mappings(values: Any, field: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (where it stands, mapping) of a list of objects; null is none, and a null in it an empty one."""
    if values is None:
        return
    if not isinstance(values, list):
        raise RbacError(f"{field} is not a list", where)
    for position, value in enumerate(values):
        at = f"{where} {field}[{position}]".lstrip()
        if value is not None and not isinstance(value, Mapping):
            raise RbacError("is not a mapping", at)
        yield at, value or {}
