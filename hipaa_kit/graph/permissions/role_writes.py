"""The ways to become more that depend on which roles and role bindings there are: joining one, rewriting a role.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping.
The API server's test is `kube.rbac.escalation`; each order of requests that is used here is held against a real
server in `tests/live/test_role_writes_oracle.py`.

A role that a subject may both write and `escalate` needs no right to `bind`: it can be emptied first, and nobody is
refused a role binding to a role that gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from hipaa_kit.graph.permissions.actions import EVERY, Names, Rights, both
from hipaa_kit.graph.permissions.book import Book
from hipaa_kit.graph.permissions.edge import Edge, holdings
from hipaa_kit.graph.permissions.effective import Effective, Mask
from hipaa_kit.graph.permissions.loading import binding_id, role_id
from hipaa_kit.graph.permissions.technique import ANYWHERE, also, want
from hipaa_kit.graph.permissions.techniques import ESCALATE, JOIN
from hipaa_kit.kube.rbac import Binding, Principal, RoleId
from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, ROLE
from hipaa_kit.kube.rbac.rules import GROUP

CLUSTER: Final = "Cluster//*"


@dataclass(frozen=True)
class Kind:
    """What is asked of one kind of role."""

    kind: str
    write: Mask
    escalate: Mask
    make: Mask
    bind: Mask


class Place(NamedTuple):
    """Where a role would be held (`""` the cluster, `*` any namespace), and the rights of a subject there."""

    name: str
    here: Rights
    cluster: Rights

    @property
    def scope(self) -> str:
        """Where the rights are held."""
        return "" if self.name == ANYWHERE else self.name

    @property
    def reached(self) -> str:
        """What whoever may do everything there has."""
        return f"Namespace/{self.name}/*" if self.name else CLUSTER


class Way(NamedTuple):
    """How a role comes to be held: by which rights for which names, in words."""

    proof: tuple[tuple[Mask, str], ...]
    note: str


class RoleWrites:
    """Finds these edges in one cluster."""

    def __init__(self, book: Book, effective: Effective) -> None:
        self.book = book
        self.effective = effective
        mask = effective.mask
        self.kinds = {
            kind: Kind(
                kind,
                mask(want(f"update,patch {plural}.{GROUP}")),
                mask(want(f"escalate {plural}.{GROUP}")),
                mask(also(f"create {plural}.{GROUP}")),
                mask(want(f"bind {plural}.{GROUP}")),
            )
            for kind, plural in ((ROLE, "roles"), (CLUSTER_ROLE, "clusterroles"))
        }
        self._make_binding = {
            wide: mask(also(f"create {'cluster' if wide else ''}rolebindings.{GROUP}")) for wide in (True, False)
        }
        self._change_binding = {
            wide: mask(want(f"update,patch {'cluster' if wide else ''}rolebindings.{GROUP}")) for wide in (True, False)
        }
        self._special = 0
        for kind in self.kinds.values():
            self._special |= kind.escalate.bits | kind.bind.bits
        self._touched: dict[Principal, int] = {}
        self._names: dict[str, set[str]] = {}
        self._alone: dict[Principal, frozenset[tuple[str, str, str]]] = {}

    def edges(self, who: Principal, circle: list[Principal]) -> Iterator[Edge]:
        """Yield the edges of one subject, by what it and its groups hold together and no group holds alone."""
        touched = 0
        for each in circle:
            touched |= self._touches(each)
        if touched & self._special:
            alone = {found for group in circle if group != who for found in self._by_group(group)}
            if not any(target == CLUSTER for _, target, _ in alone):
                yield from (edge for edge in self._of(who, circle) if _key(edge) not in alone)

    def _by_group(self, group: Principal) -> frozenset[tuple[str, str, str]]:
        if group not in self._alone:
            found: Iterable[Edge] = self._of(group, [group]) if self._touches(group) & self._special else ()
            self._alone[group] = frozenset(_key(edge) for edge in found)
        return self._alone[group]

    def _of(self, who: Principal, circle: list[Principal]) -> Iterator[Edge]:
        places = self._places(circle)
        for kind in self.kinds.values():
            yield from self._rewrites(who, circle, kind, places)
        yield from self._joins(who, circle, places)

    def _touches(self, who: Principal) -> int:
        if who not in self._touched:
            found = 0
            for rights in self.effective.own.get(who, {}).values():
                found |= rights.touched
            self._touched[who] = found
        return self._touched[who]

    def _places(self, circle: list[Principal]) -> list[Place]:
        """Return where a subject could hold a role by what it holds, the widest first."""
        effective, book = self.effective, self.book
        cluster, anywhere = effective.rights(circle, ""), effective.rights(circle, ANYWHERE)
        found = {binding.namespace for who in circle for binding in book.principals.get(who, ())}
        found |= {scope for who in circle for scope in effective.own.get(who, {})}
        if anywhere.touched & self._change_binding[False].bits:
            found |= set(book.by_place)
        if anywhere.touched & self.kinds[ROLE].escalate.bits:
            found |= {role.namespace for role in book.policy.roles}
        named = [Place(each, effective.rights(circle, each), cluster) for each in sorted(found - {"", ANYWHERE})]
        return [Place("", cluster, cluster), Place(ANYWHERE, anywhere, cluster), *named]

    def _held(self, mask: Mask, place: Place) -> Names:
        return self.effective.clause_names(mask, place.here, place.cluster, place.scope)

    def _exist(self, kind: str, place: Place) -> frozenset[str]:
        """Return the names of the roles of a kind that can be bound in a place; no Role is in every namespace."""
        where = "" if kind == CLUSTER_ROLE else place.name
        if not self._names:
            for role in self.book.policy.roles:
                self._names.setdefault(role.namespace, set()).add(role.name)
        return frozenset(self._names.get(where, ()))

    def _rewrites(self, who: Principal, circle: list[Principal], kind: Kind, places: list[Place]) -> Iterator[Edge]:
        """Yield where a subject could give itself everything by a role that it may write beyond what it holds."""
        technique = ESCALATE[kind.kind]
        for place in places:
            if not place.name and kind.kind == ROLE:
                continue
            way = self._rewrite(circle, kind, place)
            if way:
                given = self.effective.given(circle, place.name)
                needs = self.effective.needs
                proof = tuple(each for mask, name in way.proof for each in needs(mask, given, place.scope, name))
                yield Edge(who, technique, place.scope, place.reached, holdings(proof), way.note, needed=proof)
                if place.name in ("", ANYWHERE):
                    return

    def _rewrite(self, circle: list[Principal], kind: Kind, place: Place) -> Way | None:
        escalated = self._held(kind.escalate, place)
        if escalated is not EVERY and not escalated:
            return None
        makeable = self.effective.made_names(kind.make, place.here, place.cluster)
        exist = self._exist(kind.kind, place)
        written = both(self._held(kind.write, place), escalated)
        usable = _some(written, exist, makeable)
        change, make = self._change_binding[not place.name], self._make_binding[not place.name]

        def rights(role: str) -> tuple[tuple[Mask, str], ...]:
            missing = () if (exist if role == "*" else role in exist) else ((kind.make, ""),)
            return (*missing, (kind.write, role), (kind.escalate, role))

        if usable is EVERY or usable:
            for binding in self._own(circle, place, kind):
                if _in(binding.ref.name, usable):
                    return Way(rights(binding.ref.name), f"has the role by {binding_id(binding)}")
            if self._makes_bindings(place):
                role = _one(usable)
                return Way((*rights(role), (make, "")), "may bind the role while it is empty")
            for binding in self._changeable(place, kind):
                if _in(role := binding.ref.name, usable):
                    note = f"may join {binding_id(binding)}, while the role is empty"
                    return Way((*rights(role), (change, binding.name)), note)
        if escalated is EVERY and (makeable is EVERY or makeable):
            return self._new(circle, kind, place, exist, makeable)
        return None

    def _new(
        self, circle: list[Principal], kind: Kind, place: Place, exist: frozenset[str], makeable: Names
    ) -> Way | None:
        """Return how a new role, made with whatever rules, comes to be held."""
        rights = ((kind.make, ""), (kind.escalate, "*"))
        for binding in self._own(circle, place, kind):
            if binding.ref.name not in exist and _in(binding.ref.name, makeable):
                return Way(rights, f"may make the role that {binding_id(binding)} lacks")
        bindable = both(self._held(kind.bind, place), makeable)
        if bindable is not EVERY and not bindable - exist:
            return None
        if self._makes_bindings(place):
            role = _one(bindable if bindable is EVERY else bindable - exist)
            binds = ((kind.bind, role), (self._make_binding[not place.name], ""))
            return Way((*rights, *binds), "may make a role and bind it")
        for binding in self._changeable(place, kind):
            if (role := binding.ref.name) not in exist and _in(role, bindable):
                joins = ((kind.bind, role), (self._change_binding[not place.name], binding.name))
                return Way((*rights, *joins), f"may make the role that {binding_id(binding)} lacks")
        return None

    def _makes_bindings(self, place: Place) -> bool:
        found = self._held(self._make_binding[not place.name], place)
        return found is EVERY or bool(found)

    def _own(self, circle: list[Principal], place: Place, kind: Kind) -> Iterator[Binding]:
        """Yield the role bindings in a place that name the subject and a role of a kind."""
        for who in circle:
            for binding in self.book.placed.get((who, place.name), ()):
                if binding.ref.kind == kind.kind:
                    yield binding

    def _changeable(self, place: Place, kind: Kind) -> Iterator[Binding]:
        """Yield the role bindings in a place to a role of a kind that may be changed."""
        names = self._held(self._change_binding[not place.name], place)
        if names is EVERY or names:
            for binding in self.book.by_place.get(place.name, ()):
                if binding.ref.kind == kind.kind and _in(binding.name, names):
                    yield binding

    def _joins(self, who: Principal, circle: list[Principal], places: list[Place]) -> Iterator[Edge]:
        """Yield the roles of role bindings to which a subject could add itself, by `bind` on that role.

        A role binding never changes its role. Where a subject could make role bindings, it needs none that is there.
        """
        for place in places:
            if self._makes_bindings(place):
                continue
            found: dict[RoleId, Edge] = {}
            for kind in self.kinds.values():
                bindable = self._held(kind.bind, place)
                if bindable is not EVERY and not bindable:
                    continue
                for binding in self._changeable(place, kind):
                    role = binding.role
                    if role is None or role in found or role not in self.book.policy.roles:
                        continue
                    if _in(role.name, bindable):
                        found[role] = self._join(who, circle, place, kind, binding, role)
            yield from found.values()

    def _join(
        self, who: Principal, circle: list[Principal], place: Place, kind: Kind, binding: Binding, role: RoleId
    ) -> Edge:
        given = self.effective.given(circle, place.name)
        writer = self.effective.needs(self._change_binding[not place.name], given, place.scope, binding.name)
        binder = self.effective.needs(kind.bind, given, place.scope, role.name)
        proof, note = (*writer, *binder), f"joins {binding_id(binding)}"
        return Edge(who, JOIN, place.scope, role_id(role), holdings(proof), note, place.name, proof)


def _key(edge: Edge) -> tuple[str, str, str]:
    return edge.technique.name, edge.target, edge.held_in


def _in(name: str, names: Names) -> bool:
    return names is EVERY or name in names


def _one(names: Names) -> str:
    return "*" if names is EVERY else min(names)


def _some(names: Names, exist: frozenset[str], makeable: Names) -> Names:
    """Return those of some names that are there or can be made."""
    if makeable is EVERY:
        return names
    return both(names, exist | makeable)
