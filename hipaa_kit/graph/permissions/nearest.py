"""Where the answer is no: the rules that come nearest, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator

from hipaa_kit.graph.permissions.book import Book, Holding
from hipaa_kit.graph.permissions.loading import role_id
from hipaa_kit.kube.rbac import Binding, Principal, Request, RoleId, Rule, rule_allows

SHOWN = 20
"""So many of the nearest are shown at most."""


def nearest(book: Book, who: list[Principal], request: Request) -> list[tuple[Holding, str]]:
    """Return the rules that a subject holds anywhere and that lack least for a request, with what they lack.

    A role binding whose role does not exist counts as one that lacks its role.
    """
    found: list[tuple[int, Holding, str]] = []
    for held in book.holdings(who):
        missing = list(_missing(held, request))
        found.append((len(missing), held, "; ".join(missing)))
    for each in who:
        for binding in book.principals.get(each, ()):
            role = binding.role
            if role is not None and role not in book.policy.roles and binding.namespace in ("", request.namespace):
                found.append((1, _dangling(each, binding, role), f"role {role_id(role)} does not exist"))
    if not found:
        return []
    least = min(count for count, _, _ in found)
    return [(held, missing) for count, held, missing in found if count == least][:SHOWN]


def _dangling(who: Principal, binding: Binding, role: RoleId) -> Holding:
    return Holding(who, binding, role, 0, Rule())


def _missing(held: Holding, request: Request) -> Iterator[str]:
    """Yield each part of a request that a rule does not allow, in words."""
    rule, scope = held.rule, held.binding.namespace
    if request.path is not None:
        if scope:
            yield "a role binding for the cluster: paths belong to no namespace"
        if not rule_allows(Rule(("*",), urls=rule.urls), request):
            yield f"path {request.path}"
        if not rule_allows(Rule(rule.verbs, urls=("*",)), request):
            yield f"verb {request.verb}"
        return
    if scope and scope != request.namespace:
        wanted = f"namespace {request.namespace}" if request.namespace else "the cluster"
        yield f"a role binding for {wanted}: this one is for namespace {scope}"
    every = ("*",)
    if not rule_allows(Rule(rule.verbs, every, every), request):
        yield f"verb {request.verb}"
    if not rule_allows(Rule(every, rule.groups, every), request):
        yield f"API group {request.group or 'core'}"
    if not rule_allows(Rule(every, every, rule.resources), request):
        yield f"resource {'/'.join(filter(None, (request.resource, request.subresource)))}"
    if not rule_allows(Rule(every, every, every, rule.names), request):
        yield f"name {request.name}" if request.name else "every name: the rule is for some names, the request for none"
