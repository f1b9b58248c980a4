"""The questions that can be asked of a cluster's network, and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

import networkx as nx
import numpy as np
import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.reachability.changes import changes
from hipaa_kit.graph.reachability.edges import Edges, Level
from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.explain import Decision, Explainer, Explanation
from hipaa_kit.graph.reachability.exposure import exposures
from hipaa_kit.graph.reachability.facts import Facts
from hipaa_kit.graph.reachability.lint import lint
from hipaa_kit.graph.reachability.places import Place, Places
from hipaa_kit.graph.reachability.reading import only_policies_differ, read_facts, with_policies_of
from hipaa_kit.graph.reachability.selection import isolation, namespace_isolation
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.decision import Planes
from hipaa_kit.kube.network.ports import FIRST, LAST, PROTOCOLS
from hipaa_kit.kube.network.rules import MESH, Direction
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.reachability import REACHABILITY_OPTIONS

Verdict = Literal["allowed", "denied", "unknown"]
ROWS = 2_000_000
"""Rows of flows that one question may give, unless it says otherwise."""

LOOKED_AT = 20_000
"""Edges of a graph that somebody can still look at, or lay out."""


class Reachability:
    """Who may open a connection to whom, by which rule, and what is not known.

    A flow is a connection that the policies let its source open; replies belong to it. It says nothing of what
    was observed. Every pod is judged by its own labels and ports; equal pods are judged once.

    Parameters
    ----------
    facts
        Pods, namespaces, nodes, policies and options of one cluster.
    snapshot
        Where they come from; without it only what policies say can be asked, not how the outside gets in.
    before
        Reachability of the same cluster under other policies, of which what stands is taken over.

    Notes
    -----
    Where it is known that no network plugin enforces policy, every connection is allowed, whatever the policies
    say; where that is not known, the answers are what the policies intend. `enforcement` stands on every row.

    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/,
    https://network-policy-api.sigs.k8s.io/api-overview/
    """

    def __init__(self, facts: Facts, snapshot: Snapshot | None = None, before: Reachability | None = None) -> None:
        self.facts, self.snapshot = facts, snapshot
        self.options_in_force = facts.options
        self.enforced = facts.options.enforcement != "not_enforced"
        held = facts if self.enforced else _without_plugin(facts)
        self.engine: Engine = Engine(held, before.engine if before else None)
        self.places = Places(self.engine)

    @classmethod
    def of(cls, snapshot: Snapshot, **options: str) -> Reachability:
        """Return the reachability of a snapshot.

        Parameters
        ----------
        snapshot
            What was read of the cluster.
        **options
            `cidr_matches_pods`, `host_network`, `node_local` or `enforcement`, where the site knows better than
            what the detected network plugin says.
        """
        return cls(read_facts(snapshot, **options), snapshot)

    def options(self) -> pd.DataFrame:
        """Return table `reachability_options`: one row per matter that the rules leave open."""
        held = self.options_in_force
        return REACHABILITY_OPTIONS.frame(
            {"option": name, "value": getattr(held, name), "basis": held.basis.get(name, "default")}
            for name in ("cidr_matches_pods", "host_network", "node_local", "enforcement")
        )

    def allowed(self, source: str, destination: str, protocol: str = "TCP", port: int = 443) -> Verdict:
        """Return whether a source may open a connection to a destination.

        Parameters
        ----------
        source, destination
            `Pod/namespace/name`, `Kind/namespace/name` of a workload, `Node//name`, `Namespace//name`, an address,
            a CIDR, or `internet`.
        protocol
            TCP, UDP or SCTP.
        port
            Port of the destination pod, not of a Service.

        Returns
        -------
        "allowed", "denied" or "unknown"
            Where an end stands for several, `allowed` if any of them may, else `unknown` if any perhaps may.

        Raises
        ------
        InputError
            An end is not in the snapshot, or the port is none.
        """
        return self._worst(source, destination, protocol, port)[0]

    def _worst(
        self, source: str, destination: str, protocol: str, port: int
    ) -> tuple[Verdict, tuple[Place, Place] | None]:
        bit = self._bit(protocol, port)
        if self.places.ended(source) or self.places.ended(destination):
            return "denied", None
        found: tuple[Verdict, tuple[Place, Place] | None] = ("denied", None)
        seen: set[tuple[Any, ...]] = set()
        sources, destinations = self.places.find(source), self.places.find(destination)
        ends = self._distinct(destinations, sources)
        for one in self._distinct(sources, destinations):
            for other in ends:
                key = self._key(one, other)
                if key in seen:
                    continue
                seen.add(key)
                verdict = self._verdict(self.planes(one, other), bit)
                if verdict == "allowed":
                    return verdict, (one, other)
                if verdict == "unknown" or found[1] is None:
                    found = (verdict, (one, other)) if found[0] == "denied" else found
        return found

    def _distinct(self, ends: list[Place], others: list[Place]) -> list[Place]:
        """Return the first of all ends that nothing tells apart towards some others: equal pods are asked once.

        A pod is itself alone where it is met on both sides; its node counts where it may be shared with a node, or
        with a pod on a node's network.
        """
        met = {other.pod for other in others if other.pod is not None}
        nodes = {other.node for other in others}
        hosts = {other.node for other in others if self.places.host(other)}
        first: dict[tuple[Any, ...], Place] = {}
        for end in ends:
            local = end.node in (nodes if self.places.host(end) else hosts)
            first.setdefault((end.number, end.pod if end.pod in met else None, end.node if local else ""), end)
        return list(first.values())

    def _key(self, one: Place, other: Place) -> tuple[Any, ...]:
        """Return what decides between two ends, so that many equal ends are asked once."""
        return one.number, other.number, one.pod is not None and one.pod == other.pod, self._local(one, other)

    def planes(self, one: Place, other: Place) -> Planes:
        """Return what may pass from one place to another."""
        if one.pod is not None and one.pod == other.pod:
            every = self.engine.shared(one.number, other.number)
            return Planes(every, every)
        return self.engine.between(one.number, other.number, self._local(one, other))

    def _local(self, one: Place, other: Place) -> bool:
        """Tell whether two ends share a node, and one is the node or on its network."""
        return one.node == other.node != "" and (self.places.host(one) or self.places.host(other))

    def _verdict(self, planes: Planes, bit: int) -> Verdict:
        if planes.sure & bit:
            return "allowed"
        return "unknown" if planes.possible & bit else "denied"

    def _bit(self, protocol: str, port: int) -> int:
        if protocol not in PROTOCOLS:
            raise InputError(f"{protocol!r} is not one of {', '.join(PROTOCOLS)}", "", "others no policy governs")
        if not isinstance(port, int) or not FIRST <= port <= LAST:
            raise InputError(f"{port!r} is not a port", "", f"give a number from {FIRST} to {LAST}")
        return self.engine.atoms.bit(protocol, port)

    def explain(self, source: str, destination: str, protocol: str = "TCP", port: int = 443) -> Explanation:
        """Return why a connection is allowed, denied or not known.

        Parameters
        ----------
        source, destination, protocol, port
            As of `allowed`. Where an end stands for several, the pair that decides is explained.

        Returns
        -------
        Explanation
            Both sides with the deciding rule, the policies that select each pod, and what would have to change;
            as text, as table `flow_steps`, or as plain values.
        """
        verdict, pair = self._worst(source, destination, protocol, port)
        if pair is None:
            ended = source if self.places.ended(source) else destination
            ended_sides = (_fixed("egress", "denied", "self", f"{ended} has ended: it has no network"),)
            return Explanation(
                source, destination, protocol, port, "denied", self.options_in_force.enforcement, ended_sides
            )
        one, other = pair
        names = self.places.name(one), self.places.name(other)
        sides = tuple(self._explained(one, other, self._in_one_family(one, other, self._bit(protocol, port), verdict)))
        if verdict == "unknown" and all(side.verdict != "unknown" for side in sides):
            # In each family the policies decide, and not alike.
            reason = "neither end has an address yet: in which address family they will meet is not known"
            sides = (_fixed("egress", "unknown", "family", reason),)
        return Explanation(*names, protocol, port, verdict, self.options_in_force.enforcement, sides)

    def _in_one_family(self, one: Place, other: Place, bit: int, verdict: Verdict) -> int:
        """Return a port in one address family that both ends have, and in which the verdict is the one given.

        The two sides decide together in each family by itself; none where the ends have no family in common.
        """
        planes, shared = self.planes(one, other), bit & self.engine.shared(one.number, other.number)
        each_family = (shared & self.engine.atoms.family(at) for at in range(self.engine.atoms.families))
        return next((each for each in each_family if each and self._verdict(planes, each) == verdict), 0)

    def _explained(self, one: Place, other: Place, bit: int) -> Iterator[Decision]:
        if one.pod is not None and one.pod == other.pod:
            yield _fixed("egress", "allowed", "self", "a pod always reaches itself, whatever the policies say")
            return
        if not bit:
            yield _fixed("egress", "denied", "family", "the two ends have no address family in common")
            return
        explainer = Explainer(self.engine, self.places)
        for direction, own, peer in _sides(one, other):
            if not self.enforced:
                reason = f"no network plugin enforces policy: {self.options_in_force.basis.get('enforcement', '')}"
                yield _fixed(direction, "allowed", "not_enforced", reason)
            yield explainer.side(direction, own, peer, bit)
        if self._local(one, other):
            verdict = self._verdict(self.planes(one, other), bit)
            yield _fixed("ingress", verdict, "node", "what a pod exchanges with its own node is not governed by policy")

    def edges(
        self,
        level: Level = "workload",
        *,
        source: Iterable[str] | str | None = None,
        destination: Iterable[str] | str | None = None,
        denied: bool = False,
        nodes: bool = False,
        limit: int = ROWS,
    ) -> pd.DataFrame:
        """Return table `flows`: one row per source, destination and range of ports that may pass, or perhaps may.

        Parameters
        ----------
        level
            Whether ends are workloads, pods or classes of equal pods. What differs between pods of two workloads
            has a row each, with the pairs of pods it stands for.
        source, destination
            Only from or to these, as of `allowed`; at the level of workloads all pods of a class count.
        denied
            Rows for what is denied, too.
        nodes
            Rows for nodes, too.
        limit
            Rows at most.

        Raises
        ------
        InputError
            There would be more rows than the limit.
        """
        edges = Edges(self.engine, self.places)
        sources = edges.numbers(_several(source), nodes)
        frame = edges.frame(level, sources, edges.numbers(_several(destination), nodes), denied=denied, limit=limit)
        for column, given in (("source", _several(source)), ("destination", _several(destination))):
            if given is not None and level != "class":
                frame = frame[frame[column].isin(self._named(given, level))].reset_index(drop=True)
        return frame

    def _named(self, given: Iterable[str], level: Level) -> set[str]:
        """Return the names under which some ends stand in the rows of a level."""
        places = [place for name in given for place in self.places.find(name)]
        pods = [self.facts.pods[place.pod] for place in places if place.pod is not None]
        names = {pod.object if level == "pod" else pod.workload or pod.object for pod in pods}
        return names | {self.places.label(place.number) for place in places if place.pod is None}

    def classes(self) -> pd.Series:
        """Return the class of every pod, by pod: `Class/namespace/number` as in the rows of level `class`."""
        edges = Edges(self.engine, self.places)
        held = [edges.class_name(int(number)) for number in self.engine.classes.of_pod]
        return pd.Series(held, index=[pod.object for pod in self.facts.pods], dtype="str", name="class")

    def expand(
        self, source: Iterable[str] | str | None = None, destination: Iterable[str] | str | None = None
    ) -> Iterator[tuple[str, str, str, str]]:
        """Yield (source, destination, verdict, ports) for every pair of pods that may connect, or perhaps may.

        Parameters
        ----------
        source, destination
            Only from or to these; by default all pods. Pairs come one by one, and are never held together.
        """
        edges = Edges(self.engine, self.places)
        every = np.arange(self.engine.classes.pods)
        sources = edges.numbers(_several(source), False) if source is not None else every
        destinations = edges.numbers(_several(destination), False) if destination is not None else every
        from_, to = self._positions(source), self._positions(destination)
        yield from edges.walk(sources, destinations, from_, to)

    def _positions(self, given: Iterable[str] | str | None) -> set[int] | None:
        names = _several(given)
        if names is None:
            return None
        return {place.pod for name in names for place in self.places.find(name) if place.pod is not None}

    def coverage(self) -> pd.DataFrame:
        """Return table `isolation`: one row per pod and direction, with the policies that select it."""
        return isolation(self.facts, self.engine, self.enforced)

    def namespaces(self) -> pd.DataFrame:
        """Return table `namespace_isolation`: one row per namespace, also those without pods."""
        return namespace_isolation(self.facts)

    def exposure(self, tables: TableSet | None = None) -> pd.DataFrame:
        """Return table `exposures`: one row per way from outside into one port of one pod.

        Parameters
        ----------
        tables
            Tables of the inventory of the same snapshot, where they were made already.

        Raises
        ------
        InputError
            The reachability was not made from a snapshot, which has the Services and routes.
        """
        if self.snapshot is None:
            raise InputError("there is no snapshot", "", "make it with Reachability.of(snapshot)")
        return exposures(self, self.snapshot, tables or Inventory(self.snapshot))

    def lint(self) -> pd.DataFrame:
        """Return table `network_lint`: one row per defect of one policy, or of how policies stand together."""
        return lint(self.facts, self.engine, self._seen)

    def _seen(self, namespace: str) -> bool:
        """Tell whether all pods, namespaces and policies were seen, of one namespace or of all."""
        if self.snapshot is None:
            return True
        of_all = (kinds.NAMESPACE,) if not namespace else ()
        answers = [
            self.snapshot.coverage.answer(kind, namespace) for kind in (kinds.POD, kinds.NETWORK_POLICY, *of_all)
        ]
        return all(answer.complete for answer in answers)

    def diff(self, other: Reachability, *, limit: int = ROWS) -> pd.DataFrame:
        """Return table `flow_changes`: what has changed between this and a later state of the cluster.

        Parameters
        ----------
        other
            The later state.
        limit
            Flows of each state at most.

        Returns
        -------
        pandas.DataFrame
            One row per pair of workloads and range of ports on which the verdict is another. An end that was not
            there, or is not there any more, has no verdict.
        """
        return changes(self, other, limit)

    def to_networkx(self, level: Level = "workload", *, limit: int = LOOKED_AT, **only: Any) -> nx.MultiDiGraph[str]:
        """Return the flows as a graph: an edge per source, destination and range of ports.

        Parameters
        ----------
        level, **only
            As of `edges`.
        limit
            Edges at most: a larger graph nobody can look at.

        Raises
        ------
        InputError
            There would be more edges; names how many.
        """
        frame = self.edges(level, limit=max(limit * 50, ROWS), **only)
        if len(frame) > limit:
            raise InputError(
                f"a graph of level {level!r} would have {len(frame)} edges, and the limit is {limit}",
                "",
                "ask for fewer sources or destinations, or raise the limit",
            )
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for row in rows_of(frame):
            graph.add_node(row["source"], namespace=row["source_namespace"])
            graph.add_node(row["destination"], namespace=row["destination_namespace"])
            key = (row["protocol"], row["port_from"], row["port_to"], row["family"], row["verdict"], row["reason"])
            graph.add_edge(row["source"], row["destination"], key=key, **row)
        return graph


def _sides(one: Place, other: Place) -> tuple[tuple[Direction, Place, Place], tuple[Direction, Place, Place]]:
    return ("egress", one, other), ("ingress", other, one)


def _several(given: Iterable[str] | str | None) -> list[str] | None:
    if given is None:
        return None
    return [given] if isinstance(given, str) else list(given)


def _fixed(direction: Direction, verdict: str, because: str, reason: str) -> Decision:
    return Decision(direction, verdict, because, (), (), reason, "")


def _without_plugin(facts: Facts) -> Facts:
    """Return facts in which only what a mesh enforces by itself is left of the policies."""
    policies = [policy for policy in facts.policies if policy.stage.chain == MESH.chain]
    return replace(facts, policies=policies, doubts=[doubt for doubt in facts.doubts if doubt.effect == "gate"])


_LAST: list[tuple[Snapshot, Reachability]] = []
KEPT = 2
"""Snapshots whose reachability is kept: one, and what it is compared with."""


def reachability_of(snapshot: Snapshot) -> Reachability:
    """Return the reachability of a snapshot, made once for all tables that are built of it.

    What one that was made before says of the same pods, namespaces and nodes is not read again.
    """
    for held, made in _LAST:
        if held is snapshot:
            return made
    before = next(((held, made) for held, made in _LAST if only_policies_differ(held, snapshot)), None)
    if before is None:
        found = Reachability.of(snapshot)
    else:
        held, made = before
        found = Reachability(with_policies_of(made.facts, snapshot, held), snapshot, made)
    _LAST[:] = [(snapshot, found), *_LAST[: KEPT - 1]]
    return found
