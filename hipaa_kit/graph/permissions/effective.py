"""Effective rights: what every subject holds of the catalogue, in each scope, with all its groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from hipaa_kit.graph.permissions.actions import EVERY, NONE, Catalogue, Names, Rights, actions, both, union
from hipaa_kit.graph.permissions.book import Book, Holding, named
from hipaa_kit.graph.permissions.technique import Clause, Technique
from hipaa_kit.kube.rbac import Principal, RoleId


@dataclass(frozen=True)
class Mask:
    """A clause as bits."""

    bits: int
    clause: Clause


class Effective:
    """Rights of all subjects over the actions that some techniques ask for.

    `techniques` are evaluated; the actions of those `apart` are only part of the catalogue.

    A group is a hub: what it holds is kept once, and joined to a member's own when that member is looked at.
    """

    def __init__(self, book: Book, techniques: Iterable[Technique], apart: Iterable[Technique] = ()) -> None:
        self.book = book
        self.techniques = list(techniques)
        every = [*self.techniques, *apart]
        texts = [text for each in every for way in each.ways for clause in way for text in clause.actions]
        self.catalogue = Catalogue(action for text in texts for action in actions(text))
        self._ways = {
            each.name: [[Mask(sum(self._bits(clause)), clause) for clause in way] for way in each.ways]
            for each in every
        }

    def _bits(self, clause: Clause) -> set[int]:
        return {self.catalogue.bits[action] for text in clause.actions for action in actions(text)}

    @cached_property
    def own(self) -> dict[Principal, dict[str, Rights]]:
        """Rights by subject and scope, by the role bindings that name the subject itself."""
        roles: dict[RoleId, Rights] = {role: self.catalogue.of(rules) for role, rules in self.book.policy.roles.items()}
        found: dict[Principal, dict[str, Rights]] = {}
        for binding in self.book.policy.bindings:
            role = binding.role
            rights = roles.get(role) if role else None
            if rights is None or rights == NOTHING:
                continue
            for who in named(binding):
                scopes = found.setdefault(who, {})
                held = scopes.get(binding.namespace)
                scopes[binding.namespace] = held.joined(rights) if held else rights
        return found

    def rights(self, circle: Iterable[Principal], scope: str) -> Rights:
        """Return what a subject and its groups hold together in a namespace, or on the cluster (`""`)."""
        held = Rights()
        for who in circle:
            scopes = self.own.get(who)
            if scopes:
                held = held.joined(scopes.get("", NOTHING))
                if scope:
                    held = held.joined(scopes.get(scope, NOTHING))
        return held

    def names(self, technique: Technique, here: Rights, cluster: Rights, scope: str) -> Names:
        """Return the names of the targets for which a technique is open to whoever holds these rights.

        Parameters
        ----------
        here, cluster
            Rights in the scope (those for the cluster among them), and those for the cluster alone.
        """
        found: Names = NONE
        for way in self._ways[technique.name]:
            found = union(found, self._way(way, here, cluster, scope))
        return found

    def _way(self, way: list[Mask], here: Rights, cluster: Rights, scope: str) -> Names:
        held: Names = EVERY
        for mask in way:
            names = self.clause_names(mask, here, cluster, scope)
            if names is not EVERY and not names:
                return NONE
            if mask.clause.target:
                held = both(held, names)
        return held

    def clause_names(self, mask: Mask, here: Rights, cluster: Rights, scope: str) -> Names:
        """Return the names for which one clause holds."""
        bits, catalogue = mask.bits, self.catalogue
        names = here.names(bits & ~catalogue.cluster & ~catalogue.namespaces)
        names = union(names, cluster.names(bits & catalogue.cluster))
        if bits & catalogue.namespaces:
            places = here.names(bits & catalogue.namespaces)
            if places is EVERY or scope in places:
                names = EVERY
        return names if mask.clause.names is None else both(names, mask.clause.names)

    def could(self, technique: Technique, rights: Rights) -> bool:
        """Tell, quickly, whether rights touch every clause of a technique."""
        return any(all(rights.touches(mask.bits) for mask in way) for way in self._ways[technique.name])

    def proof(self, technique: Technique, circle: list[Principal], scope: str, name: str) -> list[Holding]:
        """Return, clause by clause, one rule that gives it: the role bindings and rules by which a technique is open.

        Parameters
        ----------
        name
            Of the target; `*` for every one.
        """
        held = list(self.book.holdings(circle, {"", scope}))
        for way in self._ways[technique.name]:
            found = [self._giver(mask, held, scope, name) for mask in way]
            if all(found):
                return list(dict.fromkeys(each for each in found if each))
        return []

    def _giver(self, mask: Mask, held: list[Holding], scope: str, name: str) -> Holding | None:
        for each in held:
            rights = self.catalogue.rights(each.rule)
            cluster = NOTHING if each.binding.namespace else rights
            names = self.clause_names(mask, rights, cluster, scope)
            if names is EVERY or (names and (not mask.clause.target or name in names)):
                return each
        return None

    def scopes(self, circle: Iterable[Principal]) -> Iterator[str]:
        """Yield where a subject or one of its groups holds anything, and the namespaces that rules name."""
        for who in circle:
            for scope, rights in self.own.get(who, {}).items():
                yield scope
                for names, bits in rights.named:
                    if bits & self.catalogue.namespaces:
                        yield from names


NOTHING = Rights()
