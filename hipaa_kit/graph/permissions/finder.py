"""Which ways to become more are open to a subject, evaluated on everything it holds together, with proof."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from hipaa_kit.graph.permissions.actions import EVERY, NONE, Names, Rights
from hipaa_kit.graph.permissions.book import Holding
from hipaa_kit.graph.permissions.edge import Edge, Need, holdings
from hipaa_kit.graph.permissions.effective import NOTHING, Effective, Given
from hipaa_kit.graph.permissions.loading import Surroundings
from hipaa_kit.graph.permissions.reviews import Reviews
from hipaa_kit.graph.permissions.role_writes import RoleWrites
from hipaa_kit.graph.permissions.technique import ANYWHERE, Technique
from hipaa_kit.kube.pod_security import PRIVILEGED
from hipaa_kit.kube.rbac import FULL_AUTHORITY, Principal, covers

EVERYTHING = Technique(0, "EVERYTHING", "", (), cost=0)
Circle = list[Principal]


class Opening(NamedTuple):
    """A technique that is open in a scope, for the targets of some names."""

    technique: Technique
    at: str
    names: Names


class Finder:
    """Finds the edges of one cluster."""

    def __init__(self, held: Reviews, effective: Effective, around: Surroundings) -> None:
        self.held = held
        self.effective = effective
        self.around = around
        self._alone: dict[tuple[Principal, Technique, str], Names] = {}
        self._together: dict[tuple[tuple[Principal, ...], str], list[Opening]] = {}

    @cached_property
    def _roles(self) -> RoleWrites:
        return RoleWrites(self.held.book, self.effective)

    def edges(self) -> Iterator[Edge]:
        """Yield every way that is open to a subject by what it holds itself, or together with its groups.

        What a group alone opens is an edge of the group, not of each of its members.
        """
        for who in sorted(self.held.subjects):
            circle = self.held.circle(who)
            if who in self.held.book.principals or sum(each in self.effective.own for each in circle) > 1:
                yield from self.of(who, circle)

    def of(self, who: Principal, circle: Circle) -> Iterator[Edge]:
        """Yield the ways that are open to one subject and not to one of its groups alone.

        Parameters
        ----------
        circle
            The subject, and its groups.
        """
        effective = self.effective
        cluster = effective.rights(circle, "")
        if cluster.open == effective.catalogue.all and (proof := self._everything(circle)):
            if proof.principal == who:
                yield Edge(who, EVERYTHING, "", "Cluster//*", (proof,), needed=(Need(proof),))
            return
        for scope in self._scopes(who, circle):
            given: dict[str, list[Given]] = {}
            for opening in self._openings(who, circle, scope, cluster):
                if opening.at not in given:
                    given[opening.at] = effective.given(circle, opening.at)
                yield from self._targets(who, opening, given[opening.at])
        yield from self._roles.edges(who, circle)

    def with_everything(self, namespace: str) -> Iterator[Edge]:
        """Yield the ways that are open to whoever has all rights in a namespace, or in any, however it got them.

        Rights on the cluster are not among them: role bindings in namespaces give none.
        """
        who = Principal("Namespace", namespace)
        everything = self.effective.catalogue.rights(FULL_AUTHORITY[0])
        for technique in self.effective.techniques:
            at = technique.only_in or namespace
            if technique.bound or technique.cluster or namespace not in (at, ANYWHERE):
                continue
            names = self.effective.names(technique, everything, NOTHING, at)
            if (names is EVERY or names) and self._pod_security(technique, at):
                yield Edge(who, technique, at, technique.target.format(ns=at, name="*"), ())

    def _everything(self, circle: Circle) -> Holding | None:
        """Return the rule by which a subject may do everything on every resource: then it cannot become more."""
        given = self.effective.given(circle, "")
        return next((each.held for each in given if covers([each.held.rule], FULL_AUTHORITY[:1])), None)

    def _scopes(self, who: Principal, circle: Circle) -> list[str]:
        """Return where a subject may hold more than one of its groups does alone, the cluster first."""
        own = self.effective.own.get(who, {})
        groups = [each for each in circle if each != who and each in self.effective.own]
        wide = bool(own.get("") or own.get(ANYWHERE))
        found = {"", *self.effective.scopes([who])}
        if wide or len(groups) > 1:
            found.update(self.effective.scopes(groups))
        return sorted(found)

    def _openings(self, who: Principal, circle: Circle, scope: str, cluster: Rights) -> list[Opening]:
        own = self.effective.own.get(who, {})
        if own.get("") or own.get(ANYWHERE) or own.get(scope):
            return list(self._opened(who, circle, scope, cluster))
        # Without anything of one's own there, all members of the same groups have the same.
        key = (tuple(each for each in circle if each != who), scope)
        if key not in self._together:
            self._together[key] = list(self._opened(who, circle, scope, cluster))
        return self._together[key]

    def _opened(self, who: Principal, circle: Circle, scope: str, cluster: Rights) -> Iterator[Opening]:
        effective = self.effective
        here = effective.rights(circle, scope) if scope else cluster
        groups = [each for each in circle if each != who and each in effective.own]
        for technique in effective.touching(here):
            only = technique.only_in
            if technique.bound or ((only or technique.cluster) and scope not in ("", ANYWHERE, only)):
                continue
            if only and scope != only and only in set(effective.scopes(circle)):
                continue  # its own scope comes, too
            at = only or scope
            names = effective.names(technique, here, cluster, at)
            if scope and not only and cluster != NOTHING:
                names = _less(names, effective.names(technique, cluster, cluster, ""))
            for group in groups:
                if names is EVERY or names:
                    names = _less(names, self._by_group(group, technique, at))
            if (names is EVERY or names) and self._pod_security(technique, at):
                yield Opening(technique, at, names)

    def _by_group(self, group: Principal, technique: Technique, scope: str) -> Names:
        key = (group, technique, scope)
        if key not in self._alone:
            cluster = self.effective.rights([group], "")
            here = self.effective.rights([group], scope)
            self._alone[key] = self.effective.names(technique, here, cluster, scope)
        return self._alone[key]

    def _targets(self, who: Principal, opening: Opening, given: list[Given]) -> Iterator[Edge]:
        technique, scope, names = opening
        for name in ["*"] if names is EVERY else sorted(names):
            target = technique.target.format(ns=scope or ANYWHERE, name=name or "*")
            needed = self.effective.proof(technique, given, scope, name)
            yield Edge(who, technique, scope, target, holdings(needed), needed=needed)

    def _pod_security(self, technique: Technique, scope: str) -> bool:
        """Tell whether the level of the namespace, or of some namespace, is one in which the technique works."""
        if not technique.pod_security:
            return True
        levels, everywhere = self.around.levels, self.around.all_namespaces
        scope = "" if scope == ANYWHERE else scope
        if scope and scope not in levels:
            return technique.pod_security == "open"
        asked = [levels[scope]] if scope else list(levels.values())
        if technique.pod_security == "closed":
            return any(level != PRIVILEGED for level in asked)
        return any(level == PRIVILEGED for level in asked) or not (scope or (levels and everywhere))


def _less(names: Names, held: Names) -> Names:
    """Return names without those that are held otherwise."""
    if held is EVERY:
        return NONE
    return names if names is EVERY or not held else names - held
