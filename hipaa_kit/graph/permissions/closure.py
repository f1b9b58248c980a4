"""Where the ways to become more lead, one after another: what can be reached, by which cheapest path, from whom.

Whatever names many objects is a hub: `Secret/ehr/*` stands for all Secrets of a namespace and leads to each that is
looked for; no subject is ever joined to every object.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.permissions.asking import principal_of
from hipaa_kit.graph.permissions.edge import Edge, Right
from hipaa_kit.graph.permissions.escalations import Escalations
from hipaa_kit.graph.permissions.escape import ESCAPE
from hipaa_kit.graph.permissions.loading import binding_id
from hipaa_kit.graph.permissions.reviews import subject_text
from hipaa_kit.graph.permissions.technique import ANYWHERE, CERTAIN
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import FULL_AUTHORITY, Binding, Principal, RoleId, RoleRef, covers
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.tables.permissions import CONFIDENCES, ESCALATION_PATHS, ESCALATION_REACH

ANYTHING: Final = "Cluster//*"
IN_NAMESPACE: Final = ("ServiceAccount", "Pod", "Secret", "PersistentVolumeClaim")
TOKEN_OF: Final = "TOKEN_OF"
"""Step from a Secret to the service account whose token it keeps."""
WITH_ROLES: Final = "WithRoles"
"""Kind of the node that stands for a subject with all roles that it may bind."""
EPHI_KINDS: Final = frozenset({"Pod", "Secret", "PersistentVolumeClaim"})


class Step(NamedTuple):
    """One step from a source to a target.

    `expected` says of a way why every cluster has it; `rules` give its rights, as `role#position`; `needs` and `stops`
    say what it needs besides, and what in this cluster narrows it; `rights` what of which roles it needs.
    """

    source: str
    target: str
    technique: str
    bindings: tuple[str, ...] = ()
    confidence: str = CERTAIN
    cost: int = 0
    expected: str | None = None
    rules: tuple[str, ...] = ()
    needs: str = ""
    stops: str = ""
    rights: tuple[Right, ...] = ()


Tree = Mapping[str, tuple[int, Step | None]]
"""What was reached, at which cost, by which last step."""


class Closure(Escalations):
    """What subjects could reach in the end."""

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step: the open ways, and the structure that leads on from what they reach."""
        return tuple(dict.fromkeys(self._steps()))

    @cached_property
    def _onward(self) -> dict[str, list[Step]]:
        found: dict[str, list[Step]] = defaultdict(list)
        for step in self.steps:
            found[step.source].append(step)
        return dict(found)

    @cached_property
    def _backward(self) -> dict[str, list[Step]]:
        found: dict[str, list[Step]] = defaultdict(list)
        for step in self.steps:
            found[step.target].append(step)
        return dict(found)

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(subject_text(who) for who in self.subjects)

    def closure(self, *subjects: str) -> pd.DataFrame:
        """Return table `escalation_reach`: everything that subjects could reach in the end, each by its cheapest path.

        Parameters
        ----------
        subjects
            As for `requester`, or what someone holds otherwise: `Pod/namespace/name`, `Node//name`.
        """
        rows = []
        for subject in dict.fromkeys(self._node(each) for each in subjects):
            tree = _cheapest([subject], self._onward, forward=True)
            rows += [self._reach(subject, target, _path(tree, target)) for target in tree if target != subject]
        return ESCALATION_REACH.frame(rows)

    def who_reaches(self, *targets: str) -> pd.DataFrame:
        """Return table `escalation_reach`: every subject that could reach one of some targets, by its cheapest path.

        Parameters
        ----------
        targets
            `Kind/namespace/name`: a ServiceAccount, Pod, Secret, PersistentVolumeClaim, Node, User or Group, or
            `Cluster//*` for everything.
        """
        onward = dict(self._backward)
        for target in targets:
            hubs = [Step(hub, target, "holds") for hub in _hubs(target)]
            onward[target] = [*onward.get(target, ()), *hubs]
        tree = _cheapest(targets, onward, forward=False)
        rows = []
        for source in tree.keys() & self._named - set(targets):
            path = _path(tree, source, forward=False)
            rows.append(self._reach(source, path[-1].target, path))
        return ESCALATION_REACH.frame(rows)

    def who_reaches_ephi(self) -> pd.DataFrame:
        """Return table `escalation_reach`: every subject that could reach a pod, Secret or claim with ePHI."""
        ephi = self.tables["ephi_objects"]
        return self.who_reaches(*ephi[ephi["kind"].isin(EPHI_KINDS)]["object"])

    def path(self, subject: str, target: str) -> pd.DataFrame:
        """Return table `escalation_paths`: the steps of the cheapest path from a subject to a target.

        Parameters
        ----------
        subject
            As for `requester`.
        target
            As for `who_reaches`.

        Returns
        -------
        pandas.DataFrame
            Empty where no path shows; that proves none only where `gaps()` is empty.
        """
        source = self._node(subject)
        onward = dict(self._onward)
        for hub in _hubs(target):
            onward[hub] = [*onward.get(hub, ()), Step(hub, target, "holds")]
        tree = _cheapest([source], onward, forward=True)
        if target not in tree:
            return ESCALATION_PATHS.frame()
        rows, cost = [], 0
        for place, step in enumerate(_path(tree, target), start=1):
            cost += step.cost
            rows.append(
                {
                    "target": target,
                    "step": place,
                    "source": step.source,
                    "technique": step.technique,
                    "reaches": step.target,
                    "bindings": " ".join(step.bindings),
                    "confidence": step.confidence,
                    "cost": cost,
                }
            )
        return ESCALATION_PATHS.frame(rows)

    def _node(self, subject: str) -> str:
        """Return a subject by its full name, or an object that leads somewhere, such as a pod, as it is."""
        return subject if subject in self._onward else subject_text(principal_of(subject))

    def _reach(self, source: str, target: str, path: list[Step]) -> dict[str, object]:
        weakest = max((CONFIDENCES.index(step.confidence) for step in path), default=0)
        return {
            "source": source,
            "target": target,
            "steps": len(path),
            "cost": sum(step.cost for step in path),
            "confidence": CONFIDENCES[weakest],
            "expected_because": next((step.expected for step in path if step.expected is not None), ""),
        }

    def _steps(self) -> Iterator[Step]:
        names = {who: subject_text(who) for who in {edge.who for edge in self.edges}}
        taken = [step for edge in self.edges for step in self._of_edge(edge, names[edge.who])]
        binding: dict[Principal, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            if parse_object_id(edge.target)[0] in ("Role", "ClusterRole"):
                binding[edge.who].append(edge)
        taken += [step for who, edges in binding.items() for step in self._with_roles(who, edges)]
        taken += list(self._out_of_namespaces({step.target for step in taken}))
        yield from taken
        structure = [*self._memberships(), *self._running(), *self._kept_tokens(), *_fixed()]
        yield from structure
        known = {node for step in (*taken, *structure) for node in (step.source, step.target)}
        for node in sorted(known):
            yield from (Step(hub, node, "holds") for hub in _hubs(node) if hub in known)
            yield from _inside(node)

    def _of_edge(self, edge: Edge, source: str) -> Iterator[Step]:
        """Yield where an edge leads, unless it is to a role by its name: see `_with_roles`."""
        kind, _, name = parse_object_id(edge.target)
        target = edge.target
        if kind == "ClusterRole" and name == "*":
            target = _everything_in(edge.held_in)
        elif kind in ("Role", "ClusterRole"):
            return
        bindings = tuple(dict.fromkeys(binding_id(held.binding) for held in edge.proof))
        technique = edge.technique
        yield Step(
            source,
            target,
            technique.name,
            bindings,
            self._confidence(technique),
            technique.cost,
            self.expected_because(edge),
            edge.rules,
            edge.needs,
            "; ".join(self._mitigations(edge)),
            edge.rights,
        )

    def _with_roles(self, who: Principal, edges: list[Edge]) -> Iterator[Step]:
        """Yield where a subject leads with all roles that it may bind, by what it then holds together."""
        circle = self.circle(who)
        source = subject_text(who)
        node = f"{WITH_ROLES}//{source}"
        stand_in = Principal(WITH_ROLES, source)
        bound: dict[Binding, None] = {}
        found = edges
        while new := [binding for edge in found for binding in self._bindable(edge) if binding not in bound]:
            bound.update(dict.fromkeys(new))
            self.effective.assume(stand_in, bound)
            found = list(self.finder.of(stand_in, [stand_in, *circle]))
        if not bound:
            return
        by = [edge for edge in edges if any(True for _ in self._bindable(edge))]
        bindings = tuple(dict.fromkeys(binding_id(held.binding) for edge in by for held in edge.proof))
        rights = tuple(dict.fromkeys(right for edge in by for right in edge.rights))
        cost = min(edge.technique.cost for edge in by)
        yield Step(source, node, "binds roles", bindings, cost=cost, expected="", rights=rights)
        for edge in found:
            yield from self._of_edge(edge, node)
        for binding in self.effective.assumed(stand_in):
            if covers(self.policy.roles.get(binding.role or RoleId("", ""), ()), FULL_AUTHORITY[:1]):
                yield Step(node, _everything_in(binding.namespace), "gives everything", (binding_id(binding),))

    def _out_of_namespaces(self, reached: Iterable[str]) -> Iterator[Step]:
        """Yield where all rights in a namespace lead out of it, as to nodes by a privileged pod."""
        for hub in sorted(reached):
            kind, namespace, name = parse_object_id(hub)
            if (kind, name) == ("Namespace", "*"):
                inside = {f"{each}/{namespace}/*" for each in IN_NAMESPACE}
                edges = self.finder.with_everything(namespace)
                yield from (step for edge in edges if edge.target not in inside for step in self._of_edge(edge, hub))

    def _bindable(self, edge: Edge) -> Iterator[Binding]:
        """Yield the role bindings that an edge lets its subject make or join, where they are to roles by name."""
        kind, namespace, name = parse_object_id(edge.target)
        if kind == "ClusterRole" and name != "*":
            yield _own_binding(edge.held_in, kind, name)
        elif kind == "Role":
            for role in self.policy.roles:
                if role.namespace and namespace in (role.namespace, ANYWHERE) and name in (role.name, "*"):
                    yield _own_binding(role.namespace, kind, role.name)

    def _memberships(self) -> Iterator[Step]:
        holding = {edge.who for edge in self.edges if edge.who.kind == USER_GROUP}
        for who in self.subjects if holding else ():
            for group in self.circle(who)[1:]:
                if group in holding:
                    yield Step(subject_text(who), subject_text(group), "member of")

    def _running(self) -> Iterator[Step]:
        pods = self.tables["pods"]
        live = pods[pods["live"] & (pods["service_account"] != "")]
        for pod, account, node in zip(live["object"], live["service_account"], live["node"], strict=True):
            yield Step(pod, account, "runs as", cost=1)
            if node:
                yield Step(f"Node//{node}", pod, "runs", cost=1)
        for pod, (node, ways) in self.known.escapes.items():
            yield Step(pod, f"Node//{node or '*'}", ESCAPE.name, (), ways[0].confidence, ESCAPE.cost)

    def _kept_tokens(self) -> Iterator[Step]:
        held = self.tables["account_secrets"]
        for account, secret in held[held["token"]][["account", "secret"]].itertuples(index=False):
            yield Step(secret, account, TOKEN_OF, cost=1)


def _everything_in(place: str) -> str:
    return f"Namespace/{place}/*" if place else ANYTHING


def _own_binding(place: str, kind: str, name: str) -> Binding:
    """Return a role binding that a subject could make for itself."""
    return Binding(f"(could be made: {name})", place, RoleRef(kind, name))


def _fixed() -> Iterator[Step]:
    """Yield what leads on in every cluster."""
    for kind in IN_NAMESPACE:
        yield Step(ANYTHING, f"{kind}/*/*", "holds")
    for wide in ("Node//*", "User//*", "Group//*", "Namespace/*/*"):
        yield Step(ANYTHING, wide, "holds")
    yield Step("User//*", ANYTHING, "one of them is an administrator", cost=1)
    yield Step("Group//*", ANYTHING, "one of them is system:masters", cost=1)
    yield Step("Group//system:masters", ANYTHING, "may do everything")
    yield Step("Node//*", "Pod/*/*", "runs", cost=1)
    yield Step("Workload/*/*", "Pod/*/*", "starts", cost=1)


def _inside(node: str) -> Iterator[Step]:
    kind, namespace, name = parse_object_id(node)
    if kind == "Namespace" and name == "*":
        yield from (Step(node, f"{inner}/{namespace}/*", "holds") for inner in IN_NAMESPACE)


def _hubs(node: str) -> list[str]:
    """Return the hubs that stand for an object, or for a smaller hub."""
    kind, namespace, name = parse_object_id(node)
    wide = dict.fromkeys((f"{kind}/{namespace}/*", f"{kind}/*/{name}" if namespace else node, f"{kind}/*/*"))
    return [hub for hub in wide if hub != node and (namespace or hub == f"{kind}//*")]


def _cheapest(
    starts: Iterable[str], onward: Mapping[str, list[Step]], *, forward: bool
) -> dict[str, tuple[int, Step | None]]:
    """Return everything reached from the starts with its least cost, each new one adding what it leads to."""
    found: dict[str, tuple[int, Step | None]] = {}
    waiting: list[tuple[int, int, str, Step | None]] = [(0, 0, start, None) for start in dict.fromkeys(starts)]
    heapq.heapify(waiting)
    while waiting:
        cost, length, node, by = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = (cost, by)
        for step in onward.get(node, ()):
            after = step.target if forward else step.source
            if after not in found:
                heapq.heappush(waiting, (cost + step.cost, length + 1, after, step))
    return found


def _path(tree: Tree, end: str, *, forward: bool = True) -> list[Step]:
    """Return the steps to what was reached, in the order in which they are taken."""
    path: list[Step] = []
    while (step := tree[end][1]) is not None:
        path.append(step)
        end = step.source if forward else step.target
    return path[::-1] if forward else path
