"""Which requests a condition on audit events can hold of, and which of them an audit policy can tell apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from hipaa_kit.kube import kinds
from hipaa_kit.kube.audit.conditions import AllOf, AnyOf, Condition, Is, Known, Not, Some, normal
from hipaa_kit.kube.audit.policy import Policy, Request
from hipaa_kit.kube.custom_kinds import CUSTOM

FIELDS: Final = frozenset(["api_group", "resource", "subresource", "verb", "namespace", "name"])
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
UNNAMED: Final = frozenset(["create", "list", "watch", "deletecollection"])
"""Verbs whose requests name no object."""

OF_MANY: Final = frozenset(["list", "watch", "deletecollection"])
"""Verbs whose requests are for no subresource."""

EVERYWHERE: Final = frozenset(["list", "watch"])
"""Verbs that may ask for the objects of all namespaces at once."""

ANY: Final = "any"
"""A name that no rule has: it stands for all that rules do not name."""

HEALTH: Final = ("/healthz", "/livez", "/readyz", "/version")
"""Paths that are answered to everybody and tell of nothing: a policy may leave them out.

One that goes on from there with `..` leads nowhere: a real server, of v1.37.2, answers it 404.
Source: ClusterRole `system:public-info-viewer` of kubernetes/kubernetes.
"""

BODY: Final = frozenset(
    "role_ref role_marks bound pod_marks claims owner service_type tls data_source namespace_mapping".split()
)
"""Fields that are taken from the body of an event."""

Shape = Mapping[str, frozenset[str]]
"""What a request has to be: the words that each field may be; a field that is not there may be anything."""


def shapes(where: Condition, places: Mapping[str, frozenset[str]]) -> list[Shape]:
    """Return what requests a condition can hold of; what it asks of anything but the request itself is passed over.

    Parameters
    ----------
    where
        The condition.
    places
        By list, the namespaces, or the names, that the site's places are in.
    """
    return _shapes(normal(where), places)


def _shapes(where: Condition, places: Mapping[str, frozenset[str]]) -> list[Shape]:
    match where:
        case AllOf(parts):
            found: list[Shape] = [{}]
            for part in parts:
                more = _shapes(part, places)
                found = _once(both for one in found for other in more if (both := _both(one, other)) is not None)
            return found
        case AnyOf(parts):
            return _once(each for part in parts for each in _shapes(part, places))
        case Is(field, words) if field in FIELDS:
            return [{field: frozenset(words)}]
        case Known(name, fields):
            return [{fields[0]: places[name]}] if places.get(name) else []
    return [{}]


def _once(found: Iterator[Shape]) -> list[Shape]:
    kept: list[Shape] = []
    for each in found:
        if each not in kept:
            kept.append(each)
    return kept


def _both(one: Shape, other: Shape) -> Shape | None:
    """Return what meets both; None where nothing does."""
    both = {**one, **{field: words & one.get(field, words) for field, words in other.items()}}
    return both if all(both.values()) else None


def requests(shape: Shape, policy: Policy, user: str, groups: tuple[str, ...]) -> Iterator[Request]:
    """Yield the requests of a shape, one for each that the rules of a policy can tell apart by what they name."""
    named = [each for rule in policy.rules for each in rule.resources]
    anything = "api_group" not in shape
    for group in sorted(shape.get("api_group", {each.group for each in named} - {"*"} | {"", ANY})):
        known = {name for each in named if each.group in ("*", group) for name in each.resources}
        plain = {name.partition("/")[0] for name in known} - {"*"}
        for resource in sorted(shape.get("resource", plain | {ANY})):
            below = shape.get("subresource", _subresources(known, resource) if anything else {""})
            for verb in sorted(shape.get("verb", VERBS)):
                for subresource in sorted({""} if anything and verb in OF_MANY else below):
                    for namespace, name in _objects(shape, policy, group, resource, verb):
                        yield Request(user, groups, verb, group, resource, subresource, namespace, name)
    if not FIELDS.intersection(shape) - {"verb"} and "get" in shape.get("verb", VERBS):
        yield from (Request(user, groups, "get", path=path) for path in sorted(_paths(policy)))


def _subresources(known: Collection[str], resource: str) -> set[str]:
    """Return none, and the subresources of a resource that rules name.

    Where a condition names its resource and no subresource, it is about the resource itself.
    """
    split = [name.partition("/") for name in known]
    return {"", *(below for above, _, below in split if above in ("*", resource) and below not in ("", "*"))}


def _paths(policy: Policy) -> set[str]:
    """Return paths that rules name, each standing for those under it, and one that stands for all others."""
    named = {path.rstrip("*") for rule in policy.rules for path in rule.paths}
    return {f"/{ANY}", *(path for path in named if path and not path.startswith(HEALTH))}


def _objects(shape: Shape, policy: Policy, group: str, resource: str, verb: str) -> Iterator[tuple[str, str]]:
    """Yield namespace and name; a request for one Namespace has its name as both."""
    names = [""] if verb in UNNAMED else _told_apart(shape.get("name"), {ANY})
    if (group, resource) == ("", "namespaces"):
        yield from ((name, name) for name in names)
        return
    ruled = {each for rule in policy.rules for each in rule.namespaces}
    places = _told_apart(shape.get("namespace"), ruled | {"default", ""}, ruled)
    namespaced = _namespaced().get((group, resource))
    for place in places:
        if namespaced is None or (bool(place) == namespaced) or (namespaced and verb in EVERYWHERE):
            yield from ((place, name) for name in names)


def _told_apart(
    fixed: frozenset[str] | None, otherwise: Collection[str], ruled: Collection[str] = frozenset()
) -> list[str]:
    """Return the words that rules name, none ("") and one that stands for all others."""
    if fixed is None:
        return sorted(otherwise)
    others = sorted(fixed - set(ruled) - {""})
    return [*sorted(fixed & {*ruled, ""}), *others[:1]]


@cache
def _namespaced() -> Mapping[tuple[str, str], bool]:
    return {(each.group, each.resource): each.namespaced for each in (*kinds.BUILT_IN, *CUSTOM)}


def without_body(where: Condition) -> Condition | None:
    """Return what a condition asks of an event without its body, where that could be any; None where nothing is asked.

    What the control plane's own identities write is taken to have an owner, as all of it has.
    """
    found = _without_body(normal(where))
    return None if isinstance(found, bool) else found


def _without_body(where: Condition) -> Condition | bool:
    match where:
        case AllOf(parts):
            found = [_without_body(part) for part in parts]
            return False if any(each is False for each in found) else _joined(AllOf, found, empty=True)
        case AnyOf(parts):
            found = [_without_body(part) for part in parts]
            return True if any(each is True for each in found) else _joined(AnyOf, found, empty=False)
        case Not(Some("owner")):
            return False
    leaf = where.part if isinstance(where, Not) else where
    return True if getattr(leaf, "field", "") in BODY else where


def _joined(kind: type[AllOf | AnyOf], found: list[Condition | bool], *, empty: bool) -> Condition | bool:
    conditions = tuple(each for each in found if not isinstance(each, bool))
    return kind(conditions) if conditions else empty
