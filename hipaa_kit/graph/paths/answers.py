"""The questions that can be asked of the merged graph: paths to ePHI, exposure, blast radius, who touches what."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator
from functools import cached_property
from typing import Any, Final

import networkx as nx
import numpy as np
import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.paths.differences import Network
from hipaa_kit.graph.paths.model import CAN_REACH, HIDDEN, INTERNET, Builder, Flags, Graph, numbers
from hipaa_kit.graph.paths.network import PORTS, add_entries, add_listeners, add_network
from hipaa_kit.graph.paths.objects import AROUND, COPIES, OBJECT_TABLES, Objects, data_of
from hipaa_kit.graph.paths.rights import add_hubs, add_rights
from hipaa_kit.graph.paths.search import PathsFrom, Tree, independent
from hipaa_kit.graph.paths.touches import touches
from hipaa_kit.graph.paths.words import Hop, Teller, is_hub, worst
from hipaa_kit.graph.permissions import RBAC_TABLES, Permissions
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.inventory.registry import kinds_behind
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.paths import PATH_EDGES, PATH_EXPOSURE, PATH_HOPS, PATH_NODES, PATH_REACH, PATH_TOUCHES
from hipaa_kit.vocabulary import CRITICALITIES

BESIDE: Final = ("containers", "expected_flows", "exposures", "isolation")
"""Tables of which the network, identities and their use make their part of the graph."""
PATH_TABLES: Final = tuple(sorted({*OBJECT_TABLES, *BESIDE, *RBAC_TABLES} - {"labels"}))
"""Tables on which every answer rests; of labels only those of Namespaces count, whose kind stands behind others."""

ANY_POD: Final = "pod"
ANY_SUBJECT: Final = "subject"
FROM_INTERNET: Final = "internet"
SOURCES: Final = (FROM_INTERNET, ANY_POD, ANY_SUBJECT)
SUBJECTS: Final = ("User", "Group", "ServiceAccount")
EVERYTHING: Final = frozenset({"EVERYTHING", "MAY_DO_EVERYTHING"})
"""Edges of who may do everything already."""
COUNTED: Final = 8
"""Independent paths that are counted at most."""
LOOKED_AT: Final = 400
"""Nodes of a graph that somebody can still look at."""
TRIED: Final = 64
"""Paths that are looked at for each one that is asked for, where many read alike."""


class Paths:
    """How ePHI can be reached, over network, rights, identities, volumes and copies together.

    Parameters
    ----------
    tables
        Tables of the inventory: see `PATH_TABLES`.
    permissions, reachability
        Of the same snapshot.
    before
        Paths of the same cluster under other policies of the network: what objects make of the graph is the same where
        the tables are.

    Notes
    -----
    A hop says that whoever holds its source can come to hold, or reach, its target. That a path is not shown proves
    that there is none only where `gaps()` is empty. Hops of which the objects do not say whether they are open are left
    out unless `unknown` is asked for.
    """

    def __init__(
        self, tables: TableSet, permissions: Permissions, reachability: Reachability, before: Paths | None = None
    ) -> None:
        self.tables, self.permissions, self.reachability = tables, permissions, reachability
        self.objects = Objects(tables, reachability.facts.pods, reachability.snapshot)
        self._networks: dict[bool, Network] = {}
        self._before = before if before and reachability.facts.pods is before.reachability.facts.pods else None

    @cached_property
    def graph(self) -> Graph:
        """The merged graph."""
        builder = self._beside_policies.copy()
        add_network(builder, self.reachability)
        entries, declared = self.tables["exposures"], self.tables["expected_flows"]
        add_entries(builder, entries, declared, self.objects.owner, self.objects.ephi)
        return builder.graph()

    @cached_property
    def _beside_policies(self) -> Builder:
        """What objects and rights make of the graph, whatever policies of the network say."""
        before, self._before = self._before, None
        if before is not None and before.permissions is self.permissions and self._objects_alike(before):
            return before._beside_policies
        builder = Builder()
        builder.node(INTERNET)
        self.objects.add(builder)
        add_listeners(builder, self.reachability)
        add_rights(builder, self.permissions, frozenset(self.objects.controllers))
        self.objects.leads(builder)
        add_hubs(builder)
        return builder

    def _objects_alike(self, before: Paths) -> bool:
        return all(self.tables[name] is before.tables[name] for name in OBJECT_TABLES)

    @cached_property
    def hubs(self) -> Flags:
        """Which nodes stand for many."""
        return np.array([is_hub(name) for name in self.graph.names], dtype=bool)

    @cached_property
    def teller(self) -> Teller:
        """Tells paths in words."""
        return Teller(self.graph, self.reachability)

    def network(self, unknown: bool) -> Network:
        """Return who uses which hub of the network, with or without what is not known to be open."""
        if unknown not in self._networks:
            self._networks[unknown] = Network(self.graph, self.graph.view(unknown))
        return self._networks[unknown]

    def gaps(self) -> list[str]:
        """Return, in words, what was not seen and could hide a path."""
        coverage = self.permissions.known.coverage
        behind = dict.fromkeys(kind for table in PATH_TABLES for kind in kinds_behind(table))
        unseen = [f"not seen: {gap.line()}" for kind in sorted(behind) for gap in coverage.gaps(kind)]
        return list(dict.fromkeys([*self.permissions.gaps(), *unseen]))

    @cached_property
    def targets(self) -> dict[str, str]:
        """Where paths to ePHI end, and how much depends on each: what holds ePHI by the scope, and copies of it."""
        held = self.objects.ephi
        owner = self.objects.owner
        found = {name: worth for name, worth in held.items() if parse_object_id(name)[0] not in AROUND}
        found |= {data_of(pod): worth for pod, worth in held.items() if owner.get(pod) == pod}
        for name in self.graph.names:
            kind, namespace, rest = parse_object_id(name)
            if kind not in COPIES or rest == "*" or namespace == "*":
                continue
            if kind == "LogStream":
                found[name] = held.get(f"{rest.partition('/')[0]}/{namespace}/{rest.partition('/')[2]}", "standard")
            elif kind == "VolumeSnapshot":
                found[name] = self._of_snapshot.get(name, "standard")
            else:
                found[name] = min(held.values(), key=CRITICALITIES.index, default="standard")
        return {name: worth for name, worth in found.items() if name in self.graph.number}

    @cached_property
    def _of_snapshot(self) -> dict[str, str]:
        held = self.tables["volume_snapshots"]
        return {
            name: self.objects.ephi[claim]
            for name, claim in held[["object", "claim"]].itertuples(index=False)
            if claim in self.objects.ephi
        }

    def nodes(self) -> pd.DataFrame:
        """Return table `path_nodes`: one row per node of the merged graph."""
        held = self.objects.ephi | self.targets
        return PATH_NODES.frame(
            {
                "node": name,
                "kind": name.partition("/")[0],
                "namespace": parse_object_id(name)[1],
                "criticality": held.get(name, ""),
                "ephi": name in held,
                "target": name in self.targets,
                "hub": is_hub(name),
            }
            for name in self.graph.names
        )

    def edges(self, unknown: bool = False) -> pd.DataFrame:
        """Return table `path_edges`: one row per edge of the merged graph, hubs and all.

        Parameters
        ----------
        unknown
            Also those of which it is not known whether they are open.
        """
        graph = self.graph
        told = [self.teller.told(why, "", "") for why in graph.whys]
        rows = []
        for edge in graph.view(unknown).forward.tolist():
            number = int(graph.why[edge])
            why, (proof, objects) = graph.whys[number], told[number]
            rows.append(
                {
                    "source": graph.names[graph.source[edge]],
                    "edge": why.edge,
                    "target": graph.names[graph.target[edge]],
                    "proof": proof,
                    "objects": " ".join(objects),
                    "precondition": why.precondition,
                    "mitigation": why.mitigation,
                    "confidence": why.confidence,
                    "cost": why.cost,
                }
            )
        return PATH_EDGES.frame(rows)

    def to_ephi(
        self, source: str | None = None, target: str | None = None, k: int = 3, unknown: bool = False
    ) -> pd.DataFrame:
        """Return table `path_hops`: the cheapest paths to ePHI, hop by hop, the cheapest path first.

        Parameters
        ----------
        source
            Where paths begin: `Kind/namespace/name` of a pod, node, subject or Secret; `internet`, as by default; `pod`
            for any pod outside the ePHI scope; `subject` for any subject that is neither born with the cluster nor an
            administrator.
        target
            Where they end; by default everything that holds ePHI.
        k
            Paths for each target at most. Replicas of a workload stand for one another beyond the first.
        unknown
            Also over hops of which it is not known whether they are open.

        Raises
        ------
        InputError
            Source or target is not in the graph, or `k` is not positive.
        """
        ranked = enumerate(self.found(source, target, k, unknown), start=1)
        return PATH_HOPS.frame(row for rank, (hops, end) in ranked for row in self._rows(rank, hops, end))

    def found(
        self, source: str | None = None, target: str | None = None, k: int = 3, unknown: bool = False
    ) -> list[tuple[list[Hop], str]]:
        """Return the paths that `to_ephi` tells, hop by hop, each with what it ends at."""
        if k < 1:
            raise InputError(f"{k} is no number of paths", "", "ask for one or more")
        found = []
        begun = self.paths_from(self.starts(source), unknown)
        for end in [self._named(target)] if target else sorted(self.targets):
            found += [(hops, end) for hops in self.cheapest(begun, end, k)]
        found.sort(key=lambda each: self._rank(each[0], self.targets.get(each[1], "")))
        return found

    def _rows(self, rank: int, hops: list[Hop], end: str) -> Iterator[dict[str, Any]]:
        whole, sure, cost = sum(hop.cost for hop in hops), worst(hop.confidence for hop in hops), 0
        for place, hop in enumerate(hops, start=1):
            cost += hop.cost
            yield {
                "rank": rank,
                "hop": place,
                "start": hops[0].source,
                "end": end,
                "criticality": self.targets.get(end, self.objects.ephi.get(end, "")),
                **hop.row(),
                "cost": cost,
                "path_cost": whole,
                "path_confidence": sure,
            }

    def _rank(self, hops: list[Hop], criticality: str) -> tuple[Any, ...]:
        """Return what a path is ranked by: effort, then what is declared comes after what nobody meant."""
        worth = CRITICALITIES.index(criticality) if criticality in CRITICALITIES else len(CRITICALITIES)
        meant = sum(hop.edge == CAN_REACH and self._declared(hop) for hop in hops)
        steps = tuple((hop.source, hop.edge, hop.target) for hop in hops)
        return sum(hop.cost for hop in hops), meant, worth, len(hops), steps

    @cached_property
    def _flows(self) -> frozenset[tuple[str, str]]:
        held = self.tables["expected_flows"]
        return frozenset(zip(held["source"], held["destination"], strict=True))

    def _declared(self, hop: Hop) -> bool:
        """Tell whether a flow between the workloads of two pods is declared as one of the application."""
        owner = self.objects.owner
        ends = []
        for node in (hop.source, hop.target):
            _, namespace, name = parse_object_id(node)
            ends.append({owner.get(f"Pod/{namespace}/{name}", node), f"Namespace//{namespace}"})
        return any((one, other) in self._flows for one in ends[0] for other in ends[1])

    def _named(self, name: str) -> str:
        """Return a node by its name; raise where the graph has none of it."""
        node = INTERNET if name == FROM_INTERNET else name
        if node not in self.graph.number:
            known = "Kind/namespace/name of a pod, node, subject, Secret or of what holds ePHI, or internet"
            raise InputError(f"no path could begin or end at {name!r}: nothing is known of it", "", f"give {known}")
        return node

    def starts(self, source: str | None) -> list[str]:
        """Return the nodes at which paths of a source begin."""
        if source == ANY_POD:
            return self._outside
        if source == ANY_SUBJECT:
            return self._subjects
        return [self._named(source or FROM_INTERNET)]

    @cached_property
    def _outside(self) -> list[str]:
        """Pods outside the ePHI scope."""
        owner, ephi = self.objects.owner, self.objects.ephi
        pods = [pod.object for pod in self.reachability.facts.pods]
        return [pod for pod in pods if pod not in ephi and owner[pod] not in ephi]

    @cached_property
    def _subjects(self) -> list[str]:
        """Subjects that hold something that somebody decided on, but not everything: no path is needed for that."""
        graph = self.graph
        found = []
        for name in graph.names:
            if parse_object_id(name)[0] in SUBJECTS and not is_hub(name):
                whys = [graph.reason(edge) for edge in graph.whole.out_of(graph.number[name])]
                decided = any(not why.expected and why.edge not in ("MEMBER_OF", *HIDDEN) for why in whys)
                if decided and not any(why.edge in EVERYTHING for why in whys):
                    found.append(name)
        return found

    @cached_property
    def keys(self) -> list[Hashable]:
        """What each node is taken for where paths are compared: a pod for any of its workload, hubs for one another."""
        owner = self.objects.owner
        found: list[Hashable] = []
        for name in self.graph.names:
            kind, _, rest = name.partition("/")
            pod = name if kind == "Pod" else f"Pod/{rest}" if kind in (PORTS, "SignIn") else ""
            found.append((kind, owner[pod]) if pod in owner else name)
        return found

    def alike(self, node: str) -> Hashable:
        """Return what a node is taken for where paths are compared."""
        return self.keys[self.graph.number[node]]

    def node_of(self, pod: str) -> str:
        """Return the node on which a pod, or what listens there, runs; none where it is not known, or is none."""
        return self._placed.get(f"Pod/{pod.partition('/')[2]}", "")

    @cached_property
    def _placed(self) -> dict[str, str]:
        return {pod.object: pod.node for pod in self.reachability.facts.pods}

    def paths_from(self, starts: list[str], unknown: bool) -> PathsFrom:
        """Return the paths that begin at some nodes."""
        return PathsFrom(self.graph.view(unknown), numbers(self.graph, starts), self.keys.__getitem__)

    def cheapest(self, begun: PathsFrom, end: str, k: int) -> list[list[Hop]]:
        """Return the cheapest of some paths to one node, hop by hop; no two that read alike."""
        found: list[list[Hop]] = []
        seen: set[Hashable] = set()
        for path in itertools.islice(begun.to(self.graph.number[end]), TRIED * k):
            hops = self.teller.hops(path)
            key = tuple((hop.edge, self.keys[self.graph.number[hop.target]]) for hop in hops)
            start = self.keys[self.graph.number[hops[0].source]]
            if (start, key) not in seen:
                seen.add((start, key))
                found.append(hops)
            if len(found) == k:
                break
        return found

    def exposure(self, unknown: bool = False) -> pd.DataFrame:
        """Return table `path_exposure`: how open each thing with ePHI is to the internet, any pod, and any subject.

        Parameters
        ----------
        unknown
            Also by hops of which it is not known whether they are open.
        """
        graph = self.graph
        free = np.array([why.edge in HIDDEN or why.cost == 0 for why in graph.whys], dtype=bool)[graph.why]
        complete = not self.gaps()
        begun = {source: self.paths_from(self.starts(source), unknown) for source in SOURCES}
        rows = [
            {
                "object": end,
                "criticality": worth,
                "source": source,
                "complete": complete,
                **self._exposed(paths, end, free),
            }
            for end, worth in self.targets.items()
            for source, paths in begun.items()
        ]
        return PATH_EXPOSURE.frame(rows)

    def _exposed(self, begun: PathsFrom, end: str, free: Flags) -> dict[str, Any]:
        best = self.cheapest(begun, end, 1)
        if not best:
            return {"paths": 0}
        target = self.graph.number[end]
        count = independent(begun.view, begun.starts[begun.starts != target], target, COUNTED, free)
        hops = best[0]
        return {
            "paths": count,
            "more": count == COUNTED,
            "cost": sum(hop.cost for hop in hops),
            "hops": len(hops),
            "confidence": worst(hop.confidence for hop in hops),
            "start": hops[0].source,
            "path": self.teller.line(hops),
        }

    def blast_radius(self, source: str, unknown: bool = False) -> pd.DataFrame:
        """Return table `path_reach`: everything that whoever holds one thing holds or reaches in the end.

        Parameters
        ----------
        source
            As for `to_ephi`, one thing.
        unknown
            Also by hops of which it is not known whether they are open.
        """
        graph, start = self.graph, self._named(source)
        tree = Tree(graph.view(unknown), numbers(graph, [start]))
        held = self.objects.ephi | self.targets
        rows = []
        for node in np.flatnonzero(tree.by >= 0).tolist():
            name = graph.names[node]
            if is_hub(name):
                continue
            hops = self.teller.hops(tree.path(node))
            rows.append(
                {
                    "source": start,
                    "target": name,
                    "kind": name.partition("/")[0],
                    "criticality": held.get(name, ""),
                    "ephi": name in self.targets,
                    "cost": sum(hop.cost for hop in hops),
                    "hops": len(hops),
                    "confidence": worst(hop.confidence for hop in hops),
                    "path": self.teller.line(hops),
                }
            )
        return PATH_REACH.frame(rows)

    def who_touches(self, steps: int = 2) -> pd.DataFrame:
        """Return table `path_touches`: who and what can read, change, destroy or copy each thing with ePHI.

        Parameters
        ----------
        steps
            Hops at most by which somebody reads or copies, membership of a group apart; nothing is broken into.

        Notes
        -----
        What every cluster is born with is left out, and members of `system:masters` may do all of it.
        """
        return PATH_TOUCHES.frame(touches(self, steps))

    def to_networkx(
        self, source: str | None = None, target: str | None = None, k: int = 3, *, unknown: bool = False
    ) -> nx.MultiDiGraph[str]:
        """Return the paths that `to_ephi` has as a graph: an edge per hop, each hop once.

        Parameters
        ----------
        source, target, k, unknown
            As of `to_ephi`.

        Raises
        ------
        InputError
            It would have more nodes than somebody can look at.
        """
        hops = self.to_ephi(source, target, k, unknown)
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        held = self.objects.ephi | self.targets
        for row in rows_of(hops):
            for node in (row["source"], row["target"]):
                kind, namespace, _ = parse_object_id(node)
                graph.add_node(node, kind=kind, namespace=namespace, ephi=node in held, criticality=held.get(node, ""))
            about = {
                name: row[name] for name in ("edge", "proof", "objects", "precondition", "mitigation", "confidence")
            }
            graph.add_edge(row["source"], row["target"], key=f"{row['edge']} {row['objects']}", **about)
        if len(graph) > LOOKED_AT:
            raise InputError(
                f"the graph would have {len(graph)} nodes, and the limit is {LOOKED_AT}",
                "",
                "ask for one target, or fewer paths",
            )
        return graph


def paths_of(tables: TableSet, permissions: Permissions, reachability: Reachability) -> Paths:
    """Return the paths of a snapshot."""
    return Paths(tables, permissions, reachability)
