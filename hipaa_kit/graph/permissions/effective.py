"""Effective rights: what every subject holds of the catalogue, in each scope, with all its groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from hipaa_kit.graph.permissions.actions import EVERY, NONE, Catalogue, Names, Rights, actions, both, union
from hipaa_kit.graph.permissions.book import Book, Holding
from hipaa_kit.graph.permissions.edge import Need
from hipaa_kit.graph.permissions.technique import ANYWHERE, Clause, Technique
from hipaa_kit.kube.rbac import Binding, Principal, RoleId, Rule


@dataclass(frozen=True, eq=False)
class Mask:
    """A clause as bits."""

    bits: int
    clause: Clause


class Given(NamedTuple):
    """A rule that gives something of the catalogue, as it is held."""

    held: Holding
    rights: Rights
    touched: int


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
        self._ways = {each: [[self.mask(clause) for clause in way] for way in each.ways] for each in every}
        self._asked = [(each, [[mask.bits for mask in way] for way in self._ways[each]]) for each in self.techniques]
        self._touched: dict[int, tuple[Technique, ...]] = {}
        self._for_any_name: dict[tuple[Mask, int, int], Names] = {}
        self._assumed: dict[tuple[Principal, str], list[Binding]] = {}

    def mask(self, clause: Clause) -> Mask:
        """Return a clause over actions of the catalogue as bits."""
        return Mask(sum({self.catalogue.bits[each] for text in clause.actions for each in actions(text)}), clause)

    @cached_property
    def _roles(self) -> dict[RoleId, tuple[tuple[int, Rule, Rights], ...]]:
        """The rules of every role that give anything, by their places."""
        catalogue = self.catalogue
        found = {}
        for role, rules in self.book.policy.roles.items():
            parts = ((place, rule, catalogue.rights(rule)) for place, rule in enumerate(rules))
            found[role] = tuple(part for part in parts if part[2] != NOTHING)
        return found

    @cached_property
    def own(self) -> dict[Principal, dict[str, Rights]]:
        """Rights by subject and scope, by the role bindings that name the subject itself."""
        whole = {role: joined(rights for _, _, rights in parts) for role, parts in self._roles.items() if parts}
        found: dict[Principal, dict[str, Rights]] = {}
        for who, bindings in self.book.principals.items():
            held: dict[str, list[Rights]] = defaultdict(list)
            for binding in bindings:
                role = binding.role
                if role and (rights := whole.get(role)):
                    held[binding.namespace].append(rights)
            if held:
                found[who] = {scope: joined(each) for scope, each in held.items()}
        return found

    def assume(self, who: Principal, bindings: Iterable[Binding]) -> None:
        """Take it that role bindings of one's own making name a subject, who is named by no others."""
        scopes: dict[str, list[Rights]] = {}
        for key in [key for key in self._assumed if key[0] == who]:
            del self._assumed[key]
        for binding in bindings:
            self._assumed.setdefault((who, binding.namespace), []).append(binding)
            role = binding.role
            if role in self._roles:
                scopes.setdefault(binding.namespace, []).extend(rights for _, _, rights in self._roles[role])
        self.own[who] = {scope: joined(held) for scope, held in scopes.items()}

    def assumed(self, who: Principal) -> list[Binding]:
        """Return the role bindings that are taken to name a subject."""
        return [each for (held, _), bindings in self._assumed.items() if held == who for each in bindings]

    def rights(self, circle: Iterable[Principal], scope: str) -> Rights:
        """Return what a subject and its groups hold together in a namespace, or on the cluster (`""`)."""
        held = NOTHING
        for who in circle:
            scopes = self.own.get(who)
            if scopes:
                for place in _places(scope):
                    held = held.joined(scopes.get(place, NOTHING))
        return held

    def beyond(self, technique: Technique, rule: Rule, reference: Iterable[Rule]) -> bool:
        """Tell whether a rule gives anything that a technique asks for and some other rules do not."""
        asked = 0
        for way in self._ways.get(technique, ()):
            for mask in way:
                asked |= mask.bits
        held = self.catalogue.rights(rule).touched & (asked or self.catalogue.all)
        return bool(held & ~self.catalogue.of(reference).touched)

    def touching(self, rights: Rights) -> tuple[Technique, ...]:
        """Return the techniques of which rights touch every clause: few, and found quickly."""
        touched = rights.touched
        found = self._touched.get(touched)
        if found is None:
            found = self._touched[touched] = tuple(each for each, ways in self._asked if _touches(touched, ways))
        return found

    def names(self, technique: Technique, here: Rights, cluster: Rights, scope: str) -> Names:
        """Return the names of the targets for which a technique is open to whoever holds these rights.

        Parameters
        ----------
        here, cluster
            Rights in the scope (those for the cluster among them), and those for the cluster alone.
        """
        found: Names = NONE
        for way in self._ways[technique]:
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
        bits = mask.bits
        for _, held in here.named + cluster.named:
            if held & bits:
                return self._clause_names(mask, here, cluster, scope)
        # No rule for some names gives any of it: then the answer is the same in every scope.
        key = (mask, here.open & bits, cluster.open & bits)
        if key not in self._for_any_name:
            self._for_any_name[key] = self._clause_names(mask, here, cluster, scope)
        return self._for_any_name[key]

    def _clause_names(self, mask: Mask, here: Rights, cluster: Rights, scope: str) -> Names:
        bits, catalogue = mask.bits, self.catalogue
        local, wide = bits & ~catalogue.cluster & ~catalogue.namespaces, bits & catalogue.cluster
        names = here.names(local & ~catalogue.made)
        if wide:
            names = union(names, cluster.names(wide & ~catalogue.made))
        if bits & catalogue.made:
            made = self.made_names(mask, here, cluster)
            # What is made under any name reaches the same.
            names = EVERY if made is EVERY or made else names
        if bits & catalogue.namespaces:
            places = here.names(bits & catalogue.namespaces)
            if places is EVERY or scope in places:
                names = EVERY
        return names if mask.clause.names is None else both(names, mask.clause.names)

    def made_names(self, mask: Mask, here: Rights, cluster: Rights) -> Names:
        """Return the names under which what a clause creates can be made."""
        wide = self.catalogue.cluster
        return union(
            self.catalogue.made_names(here, mask.bits & ~wide), self.catalogue.made_names(cluster, mask.bits & wide)
        )

    def given(self, circle: Iterable[Principal], scope: str) -> list[Given]:
        """Return every rule that gives a subject, or one of its groups, something in a scope."""
        placed, found = self.book.placed, []
        for who in circle:
            for place in _places(scope) if who in self.own else ():
                for binding in (*placed.get((who, place), ()), *self._assumed.get((who, place), ())):
                    if role := binding.role:
                        for index, rule, rights in self._roles.get(role, ()):
                            found.append(Given(Holding(who, binding, role, index, rule), rights, rights.touched))
        return found

    def proof(self, technique: Technique, given: list[Given], scope: str, name: str) -> tuple[Need, ...]:
        """Return, clause by clause, the rules that give it: the role bindings by which a technique is open.

        Parameters
        ----------
        name
            Of the target; `*` for every one.
        """
        for way in self._ways[technique]:
            found = [self.needs(mask, given, scope, name) for mask in way]
            if all(found):
                return tuple(dict.fromkeys(each for needs in found for each in needs))
        return ()

    def needs(self, mask: Mask, given: list[Given], scope: str, name: str = "*") -> tuple[Need, ...]:
        """Return the rules by which a clause holds, as `givers` gives them, each with what it is needed for."""
        clause = mask.clause
        only = name if clause.target and name != "*" else ""
        return tuple(Need(held, clause.actions, only) for held in self.givers(mask, given, scope, name))

    def givers(self, mask: Mask, given: list[Given], scope: str, name: str = "*") -> tuple[Holding, ...]:
        """Return the first rule, or the two rules, by which a clause holds; none where it does not."""
        touching = [each for each in given if each.touched & mask.bits]
        for each in touching:
            if self._gives(mask, each.rights, each.held.binding.namespace, scope, name):
                return (each.held,)
        if not mask.bits & self.catalogue.made:
            return ()
        # To make an object under a known name, the right to create and the right to change may be apart.
        for one in touching:
            for other in given:
                place = one.held.binding.namespace or other.held.binding.namespace
                if self._gives(mask, one.rights.joined(other.rights), place, scope, name):
                    return (one.held, other.held)
        return ()

    def _gives(self, mask: Mask, rights: Rights, place: str, scope: str, name: str) -> bool:
        names = self.clause_names(mask, rights, NOTHING if place else rights, scope)
        return names is EVERY or bool(names and (not mask.clause.target or name in names))

    def scopes(self, circle: Iterable[Principal]) -> Iterator[str]:
        """Yield where a subject or one of its groups holds anything, and the namespaces that rules name."""
        for who in circle:
            for scope, rights in self.own.get(who, {}).items():
                yield scope
                for names, bits in rights.named:
                    if bits & self.catalogue.namespaces:
                        yield from names


NOTHING = Rights()


def _touches(touched: int, ways: list[list[int]]) -> bool:
    """Tell whether bits touch every clause of a way."""
    for way in ways:
        for bits in way:
            if not touched & bits:
                break
        else:
            return True
    return False


def _places(scope: str) -> tuple[str, ...]:
    """Return where role bindings count for a scope: only those that are assumed are for any namespace."""
    if not scope:
        return ("",)
    return ("", ANYWHERE) if scope == ANYWHERE else ("", ANYWHERE, scope)


def joined(rights: Iterable[Rights]) -> Rights:
    """Return rights together."""
    parts = list(rights)
    if len(parts) == 1:
        return parts[0]
    together = 0
    names: dict[tuple[frozenset[str], int], None] = {}
    for each in parts:
        together |= each.open
        names.update(dict.fromkeys(each.named))
    return Rights(together, tuple(names))
