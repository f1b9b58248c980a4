"""Which ways to become more are open to whom, evaluated on everything a subject holds together, with proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from hipaa_kit.graph.permissions.actions import EVERY, NONE, Names
from hipaa_kit.graph.permissions.book import Holding, shown
from hipaa_kit.graph.permissions.effective import Effective
from hipaa_kit.graph.permissions.escape import ESCAPE
from hipaa_kit.graph.permissions.loading import Surroundings, binding_id, role_id
from hipaa_kit.graph.permissions.reviews import Reviews, subject_text
from hipaa_kit.graph.permissions.stock import is_stock
from hipaa_kit.graph.permissions.technique import CERTAIN, CONDITION, Technique
from hipaa_kit.graph.permissions.techniques import JOIN, RBAC, techniques
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.pod_security import PRIVILEGED
from hipaa_kit.kube.rbac import FULL_AUTHORITY, Binding, Principal, Request, allows, covers
from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, USER_GROUP
from hipaa_kit.tables.permissions import ESCALATIONS

BOOTSTRAPPERS = "system:bootstrappers"


@dataclass(frozen=True)
class Edge:
    """One way that is open to one subject."""

    who: Principal
    technique: Technique
    scope: str
    target: str
    proof: tuple[Holding, ...]
    note: str = ""

    @property
    def stock(self) -> bool:
        """Whether every cluster is born with it."""
        return all(is_stock(held.binding, held.principal) for held in self.proof)


class Finder:
    """Finds the edges of one cluster."""

    def __init__(self, held: Reviews, effective: Effective, around: Surroundings) -> None:
        self.held = held
        self.effective = effective
        self.around = around
        self._alone: dict[tuple[Principal, str, str], Names] = {}

    def edges(self) -> Iterator[Edge]:
        """Yield every way that is open to a subject by what it holds itself, or together with its groups.

        What a group alone opens is an edge of the group, not of each of its members.
        """
        for who in sorted(self.held.subjects):
            circle = self.held.requester(subject_text(who))
            holding = [each for each in circle if each in self.effective.own]
            if who in self.held.book.principals or len(holding) > 1:
                yield from self._of(who, circle)

    def _of(self, who: Principal, circle: list[Principal]) -> Iterator[Edge]:
        effective = self.effective
        cluster = effective.rights(circle, "")
        if cluster.open == effective.catalogue.all and (proof := self._everything(circle)):
            if proof.principal == who:
                yield Edge(who, EVERYTHING, "", "Cluster//*", (proof,))
            return
        everywhere: dict[str, Names] = {}
        for scope in sorted({"", *effective.scopes(circle)}):
            here = effective.rights(circle, scope) if scope else cluster
            for technique in effective.techniques:
                if (technique.only_in or technique.cluster) and scope not in ("", technique.only_in):
                    continue
                if not effective.could(technique, here):
                    continue
                if not scope and technique.only_in:
                    at = technique.only_in
                    if at in set(effective.scopes(circle)):
                        continue
                    names = effective.names(technique, cluster, cluster, at)
                else:
                    at = scope
                    names = effective.names(technique, here, cluster, scope)
                    if not scope:
                        everywhere[technique.name] = names
                    elif not technique.bound:
                        names = _less(names, everywhere.get(technique.name, NONE))
                # Which roles one has, or could bind, is the subject's own: rights of a group do not settle it.
                for group in () if technique.bound else circle:
                    if group != who and (names is EVERY or names):
                        names = _less(names, self._by_group(group, technique, at))
                yield from self._targets(who, circle, technique, at, names)
            yield from self._joins(who, circle, scope)

    def _everything(self, circle: list[Principal]) -> Holding | None:
        """Return the rule by which a subject may do everything on every resource: then it cannot become more."""
        held = self.held.book.holdings(circle, {""})
        return next((each for each in held if covers([each.rule], FULL_AUTHORITY[:1])), None)

    def _by_group(self, group: Principal, technique: Technique, scope: str) -> Names:
        key = (group, technique.name, scope)
        if key not in self._alone:
            cluster = self.effective.rights([group], "")
            here = self.effective.rights([group], scope)
            self._alone[key] = self.effective.names(technique, here, cluster, scope)
        return self._alone[key]

    def _targets(
        self, who: Principal, circle: list[Principal], technique: Technique, scope: str, names: Names
    ) -> Iterator[Edge]:
        if names is not EVERY and not names:
            return
        if technique.pod_security and not self._pod_security(technique, scope):
            return
        if technique.bound:
            yield from self._bound(who, circle, technique, scope, names)
            return
        for name in ["*"] if names is EVERY else sorted(names):
            place = scope or "*"
            target = technique.target.format(ns=place, name=name or "*")
            yield Edge(who, technique, scope, target, self._proof(technique, circle, scope, name))

    def _proof(self, technique: Technique, circle: list[Principal], scope: str, name: str) -> tuple[Holding, ...]:
        return tuple(self.effective.proof(technique, circle, scope, name))

    def _pod_security(self, technique: Technique, scope: str) -> bool:
        """Tell whether the level of the namespace, or of some namespace, is one in which the technique works."""
        levels, everywhere = self.around.levels, self.around.all_namespaces
        if scope and scope not in levels:
            return technique.pod_security == "open"
        asked = [levels[scope]] if scope else list(levels.values())
        if technique.pod_security == "closed":
            return any(level != PRIVILEGED for level in asked)
        return any(level == PRIVILEGED for level in asked) or not (scope or (levels and everywhere))

    def _bound(
        self, who: Principal, circle: list[Principal], technique: Technique, scope: str, names: Names
    ) -> Iterator[Edge]:
        """Yield the edges of writing a role that one has, or could bind."""
        cluster_role = technique.target.startswith("Cluster")
        proof = self._proof(technique, circle, scope, "*" if names is EVERY else min(names))
        reached: dict[str, Binding | None] = {}
        for each in circle:
            for binding in self.held.book.principals.get(each, ()):
                role = binding.role
                fits = role is not None and (role.namespace == "") == cluster_role and role in self.held.policy.roles
                if not fits or role is None or not (names is EVERY or role.name in names):
                    continue
                if cluster_role or scope in ("", role.namespace):
                    place = f"Namespace/{binding.namespace}/*" if binding.namespace else "Cluster//*"
                    reached.setdefault(place, binding)
        wide = "Cluster//*" if cluster_role else f"Namespace/{scope or '*'}/*"
        if self._can_bind(circle, "clusterroles" if cluster_role else "roles", scope, names):
            reached.setdefault(wide, None)
        if "Cluster//*" in reached:
            reached = {"Cluster//*": reached["Cluster//*"]}
        for target in sorted(reached):
            by = reached[target]
            note = f"has the role by {binding_id(by)}" if by else "may bind the role"
            yield Edge(who, technique, scope, target, proof, note)

    def _can_bind(self, circle: list[Principal], resource: str, scope: str, names: Names) -> bool:
        """Tell whether a subject may make a role binding to one of the roles."""
        rules = [each.rule for each in self.held.book.holdings(circle, {"", scope})]
        made = "clusterrolebindings" if resource == "clusterroles" else "rolebindings"
        wanted = [""] if names is EVERY else sorted(names)
        if not allows(rules, Request("create", RBAC, made, namespace=scope)):
            return False
        return any(allows(rules, Request("bind", RBAC, resource, namespace=scope, name=name)) for name in wanted)

    def _joins(self, who: Principal, circle: list[Principal], scope: str) -> Iterator[Edge]:
        """Yield the roles of role bindings to which a subject could add itself, by `bind` on that role."""
        if not self.effective.could(JOIN, self.effective.rights(circle, scope)):
            return
        holdings = list(self.held.book.holdings(circle, {"", scope}))
        found: dict[str, Edge] = {}
        for binding in self.held.policy.bindings if not scope else self.held.book.by_place.get(scope, ()):
            edge = self._join(who, holdings, binding, scope)
            if edge:
                found.setdefault(edge.target, edge)
                if edge.target.endswith("*"):
                    found = {edge.target: edge}
                    break
        yield from found.values()

    def _join(self, who: Principal, holdings: list[Holding], binding: Binding, scope: str) -> Edge | None:
        role, place = binding.role, binding.namespace
        if role is None or role not in self.held.policy.roles:
            return None
        resource = "rolebindings" if place else "clusterrolebindings"
        roles = "clusterroles" if binding.ref.kind == CLUSTER_ROLE else "roles"

        def giver(verbs: tuple[str, ...], resource: str, name: str) -> Holding | None:
            asked = [Request(verb, RBAC, resource, namespace=place, name=name) for verb in verbs]
            return next((held for held in holdings if any(allows([held.rule], each) for each in asked)), None)

        writer, binder = giver(("update", "patch"), resource, binding.name), giver(("bind",), roles, role.name)
        if not writer or not binder or (scope and scope not in (writer.binding.namespace, binder.binding.namespace)):
            return None
        # Whoever may bind any role needs no list of them.
        every = giver(("bind",), "clusterroles", "") if roles == "clusterroles" else None
        target = f"{CLUSTER_ROLE}//*" if every else role_id(role)
        proof = tuple(dict.fromkeys((writer, every or binder)))
        return Edge(who, JOIN, scope, target, proof, f"joins {binding_id(binding)}")


EVERYTHING = Technique(0, "EVERYTHING", "", (), cost=0)


def _less(names: Names, held: Names) -> Names:
    """Return names without those that are held otherwise."""
    if held is EVERY:
        return NONE
    return names if names is EVERY or not held else names - held


class Escalations(Reviews):
    """How subjects could become more than their role bindings say."""

    @cached_property
    def effective(self) -> Effective:
        """Rights of every subject over the actions of the catalogue."""
        return Effective(self.book, techniques(self.known.minor, bootstrap=self._bootstrap()), [JOIN])

    def _bootstrap(self) -> bool:
        """Tell whether bootstrap tokens may ask for a node's certificate and have it approved."""
        groups = [who for who in self.book.principals if who.kind == USER_GROUP and _bootstraps(who.name)]
        rules = [held.rule for held in self.book.holdings(groups, {""})]
        csr = ("create", "certificates.k8s.io", "certificatesigningrequests")
        return allows(rules, Request(*csr)) and allows(rules, Request(*csr, "nodeclient"))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every way that is open to a subject, with its proof."""
        return tuple(Finder(self, self.effective, self.known.around).edges())

    def escalations(self, *, stock: bool = False) -> pd.DataFrame:
        """Return table `escalations`: every way to become more that is open to a subject, with its proof.

        Parameters
        ----------
        stock
            Also what every cluster is born with: the control plane's own rights.

        Notes
        -----
        The conditions are evaluated on everything a subject holds together, itself and by its groups. Where not
        all of RBAC was read there may be more: see `gaps()`. Pods whose settings let them take their node are
        subjects of kind Pod; those of `kube-system` count as `stock`.
        """
        rows = [self._row(edge) for edge in self.edges if stock or not edge.stock]
        return ESCALATIONS.frame([*rows, *self._escapes(stock=stock)])

    def _escapes(self, *, stock: bool) -> Iterator[dict[str, Any]]:
        for pod, (node, ways) in self.known.escapes.items():
            _, namespace, name = parse_object_id(pod)
            if stock or namespace != "kube-system":
                yield {
                    "subject_kind": "Pod",
                    "subject": f"{namespace}/{name}",
                    "number": ESCAPE.number,
                    "technique": ESCAPE.name,
                    "scope": namespace,
                    "target": ESCAPE.target.format(name=node or "*"),
                    "preconditions": "; ".join(way.words for way in ways),
                    "confidence": ways[0].confidence,
                    "cost": ESCAPE.cost,
                }

    def _row(self, edge: Edge) -> dict[str, Any]:
        kind, name = shown(edge.who)
        technique = edge.technique
        return {
            "subject_kind": kind,
            "subject": name,
            "number": technique.number,
            "technique": technique.name,
            "scope": edge.scope,
            "target": edge.target,
            "bindings": " ".join(dict.fromkeys(binding_id(held.binding) for held in edge.proof)),
            "rules": " ".join(f"{role_id(held.role)}#{held.position}" for held in edge.proof),
            "preconditions": "; ".join(filter(None, (technique.precondition, edge.note))),
            "mitigations": "; ".join(self._mitigations(edge)),
            "confidence": self._confidence(technique),
            "cost": technique.cost,
        }

    def _confidence(self, technique: Technique) -> str:
        refusable = technique.admission and self.known.around.admission
        return CONDITION if technique.confidence == CERTAIN and refusable else technique.confidence

    def _mitigations(self, edge: Edge) -> Iterator[str]:
        around = self.known.around
        if edge.technique.admission:
            if level := around.levels.get(edge.scope):
                yield f"Pod Security enforces {level} in {edge.scope}"
            if around.admission:
                yield around.admission
        if edge.target.startswith("Node/"):
            yield "NodeRestriction, where on, narrows what a node's identity may change"


def _bootstraps(group: str) -> bool:
    return group == BOOTSTRAPPERS or group.startswith(f"{BOOTSTRAPPERS}:")
