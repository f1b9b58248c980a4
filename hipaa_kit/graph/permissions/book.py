"""Roles and role bindings as a book that is opened from either end: by who holds, and by what is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from hipaa_kit.kube.rbac import (
    Binding,
    Policy,
    Principal,
    Request,
    RoleId,
    Rule,
    principal,
    rule_allows,
    service_account_of,
)
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER


class Holding(NamedTuple):
    """A rule that a principal holds, and by what: a role binding, its role, the position of the rule in it."""

    principal: Principal
    binding: Binding
    role: RoleId
    position: int
    rule: Rule


def shown(who: Principal) -> tuple[str, str]:
    """Return kind and name of a principal for people: a service account by its own kind, as `namespace/name`."""
    account = service_account_of(who.name) if who.kind == USER else None
    return (SERVICE_ACCOUNT, "/".join(account)) if account else (who.kind, who.name)


@dataclass(frozen=True)
class Book:
    """The indexes over one policy; each is made when first needed."""

    policy: Policy

    @cached_property
    def principals(self) -> dict[Principal, list[Binding]]:
        """Role bindings by each user and group that they name."""
        found: dict[Principal, list[Binding]] = defaultdict(list)
        for binding in self.policy.bindings:
            for who in named(binding):
                found[who].append(binding)
        return dict(found)

    @cached_property
    def placed(self) -> dict[tuple[Principal, str], list[Binding]]:
        """Role bindings by (user or group that they name, their namespace)."""
        found: dict[tuple[Principal, str], list[Binding]] = defaultdict(list)
        for who, bindings in self.principals.items():
            for binding in bindings:
                found[who, binding.namespace].append(binding)
        return dict(found)

    @cached_property
    def by_role(self) -> dict[tuple[RoleId, str], list[Binding]]:
        """Role bindings by (role, their namespace)."""
        found: dict[tuple[RoleId, str], list[Binding]] = defaultdict(list)
        for binding in self.policy.bindings:
            if role := binding.role:
                found[role, binding.namespace].append(binding)
        return dict(found)

    @cached_property
    def by_place(self) -> dict[str, list[Binding]]:
        """Role bindings by their namespace."""
        found: dict[str, list[Binding]] = defaultdict(list)
        for binding in self.policy.bindings:
            found[binding.namespace].append(binding)
        return dict(found)

    @cached_property
    def _places(self) -> dict[Rule, list[tuple[RoleId, int]]]:
        """Where each distinct rule stands."""
        found: dict[Rule, list[tuple[RoleId, int]]] = defaultdict(list)
        for role, rules in self.policy.roles.items():
            for index, rule in enumerate(rules):
                found[rule].append((role, index))
        return dict(found)

    @cached_property
    def _by_word(self) -> dict[str, list[Rule]]:
        """Distinct rules by each resource that they list."""
        found: dict[str, list[Rule]] = defaultdict(list)
        for rule in self._places:
            for word in dict.fromkeys(rule.resources):
                found[word].append(rule)
        return dict(found)

    @cached_property
    def _with_urls(self) -> list[Rule]:
        return [rule for rule in self._places if rule.urls]

    def _candidates(self, request: Request) -> Iterable[Rule]:
        """Return the rules that could allow a request, judged by their resources alone."""
        if request.path is not None:
            return self._with_urls
        words = [request.resource, "*"]
        if request.subresource:
            words = [f"{request.resource}/{request.subresource}", f"*/{request.subresource}", "*"]
        return dict.fromkeys(rule for word in words for rule in self._by_word.get(word, ()))

    def holders(self, request: Request) -> Iterator[Holding]:
        """Yield everyone whom a rule allows a request, with the rule."""
        scopes = ("", request.namespace) if request.namespace and request.path is None else ("",)
        for rule in self._candidates(request):
            if rule_allows(rule, request):
                for role, index in self._places[rule]:
                    for scope in scopes:
                        for binding in self.by_role.get((role, scope), ()):
                            for who in named(binding):
                                yield Holding(who, binding, role, index, rule)

    def holdings(self, principals: Iterable[Principal], scopes: Iterable[str] | None = None) -> Iterator[Holding]:
        """Yield every rule that principals hold, in any of the scopes (namespaces, `""` for the cluster) or in all."""
        wanted = None if scopes is None else sorted(set(scopes))
        for who in principals:
            if wanted is None:
                bindings = self.principals.get(who, [])
            else:
                bindings = [binding for scope in wanted for binding in self.placed.get((who, scope), ())]
            for binding in bindings:
                if role := binding.role:
                    for index, rule in enumerate(self.policy.roles.get(role, ())):
                        yield Holding(who, binding, role, index, rule)


def named(binding: Binding) -> list[Principal]:
    """Return the users and groups that a role binding names, each once."""
    found = (principal(subject, binding.namespace) for subject in binding.subjects)
    return list(dict.fromkeys(who for who in found if who))
