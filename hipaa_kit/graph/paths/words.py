"""Paths as people read them: hubs left out, and every hop with its proof."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

from hipaa_kit.graph.paths.model import HIDDEN, HOLDS, Graph, Why
from hipaa_kit.graph.paths.network import IN, LOCAL, OUT, PORTS, UNENFORCED
from hipaa_kit.graph.paths.search import Path
from hipaa_kit.graph.permissions.edge import Right
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.graph.reachability.edges import SORTED, Edges
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.paths import SURENESS

NETWORK_HUBS: Final = frozenset({OUT, IN, LOCAL})


class Hop(NamedTuple):
    """One hop as it is shown; `edges` are those of the graph that it is made of."""

    source: str
    edge: str
    target: str
    proof: str
    objects: tuple[str, ...]
    precondition: str
    mitigation: str
    confidence: str
    cost: int
    edges: Path
    expected: str = ""
    rights: tuple[Right, ...] = ()

    def row(self) -> dict[str, str]:
        """Return the hop as it stands in a row of a table."""
        return {
            "source": self.source,
            "edge": self.edge,
            "target": self.target,
            "proof": self.proof,
            "objects": " ".join(self.objects),
            "precondition": self.precondition,
            "mitigation": self.mitigation,
            "confidence": self.confidence,
        }


def is_hub(node: str) -> bool:
    """Tell whether a node stands for many."""
    kind, _, name = parse_object_id(node)
    return name == "*" or kind in NETWORK_HUBS or node == UNENFORCED or "/*/" in node


def worst(confidences: Iterable[str]) -> str:
    """Return the least sure of some."""
    return max(confidences, key=SURENESS.index, default=SURENESS[0])


class Teller:
    """Tells paths of one graph."""

    def __init__(self, graph: Graph, reach: Reachability) -> None:
        self.graph, self.reach = graph, reach
        self._explained: dict[tuple[str, str, int], tuple[str, tuple[str, ...]]] = {}

    @cached_property
    def _flows(self) -> Edges:
        return Edges(self.reach.engine, self.reach.places)

    def hops(self, path: Path) -> list[Hop]:
        """Return a path hop by hop, from one node that is shown to the next."""
        graph = self.graph
        found: list[Hop] = []
        run: list[int] = []
        for at, edge in enumerate(path):
            run.append(edge)
            target = graph.names[graph.target[edge]]
            last = at + 1 == len(path)
            # A hub is shown where somebody did something to get there, and does something more from there.
            does = any(graph.reason(each).edge not in HIDDEN for each in run)
            if last or not is_hub(target) or (does and self._goes_on(path[at + 1 :])):
                found.append(self._hop(tuple(run)))
                run = []
        return found

    def _goes_on(self, rest: Path) -> bool:
        """Tell whether something is done before a path comes to the next node that is shown."""
        graph = self.graph
        for edge in rest:
            if graph.reason(edge).edge not in HIDDEN:
                return True
            if not is_hub(graph.names[graph.target[edge]]):
                return False
        return False

    def _hop(self, run: Path) -> Hop:
        graph = self.graph
        source, target = graph.names[graph.source[run[0]]], graph.names[graph.target[run[-1]]]
        whys = [graph.reason(each) for each in run]
        acts = [why for why in whys if why.edge not in HIDDEN]
        told = [self.told(why, source, target) for why in acts] or [(HOLDS.lower(), ())]
        held = [why for why in whys if why.edge == HOLDS]
        words = [words for words, _ in told]
        if held and acts:
            words.append(f"{target} is one of these")
        return Hop(
            source,
            acts[0].edge if acts else HOLDS,
            target,
            "; ".join(words),
            tuple(dict.fromkeys(each for _, objects in told for each in objects)),
            "; ".join(dict.fromkeys(why.precondition for why in whys if why.precondition)),
            "; ".join(dict.fromkeys(why.mitigation for why in whys if why.mitigation)),
            worst(why.confidence for why in whys),
            sum(why.cost for why in whys),
            run,
            next((why.expected for why in whys if why.expected), ""),
            tuple(dict.fromkeys(each for why in whys for each in why.rights)),
        )

    def told(self, why: Why, source: str, target: str) -> tuple[str, tuple[str, ...]]:
        """Return the proof of an edge in words, and the objects on which it rests."""
        if why.flow < 0:
            return why.proof, why.objects
        ends = source, _pod_of(target)
        planes = self.reach.engine.flows.planes[why.flow]
        words = "; ".join(f"{verdict} on {ports}" for verdict, ports in self._flows.words(planes))
        if not ends[1] or parse_object_id(source)[0] not in ("Pod", "Node"):
            return words, ()
        key = (*ends, why.flow)
        if key not in self._explained:
            protocol, port = self._flows.flow_ranges(why.flow)[0][:2]
            sides = self.reach.explain(*ends, SORTED[protocol], port).sides
            reasons = "; ".join(f"{side.direction} {side.verdict}: {side.reason}" for side in sides)
            policies = [step.policy for side in sides for step in side.steps if step.decides and step.policy]
            self._explained[key] = f"{words}; {reasons}", tuple(dict.fromkeys(policies))
        return self._explained[key]

    def line(self, hops: list[Hop]) -> str:
        """Return a path in one line."""
        return " ".join([hops[0].source, *(f"→ {hop.edge} → {hop.target}" for hop in hops)]) if hops else ""


def _pod_of(node: str) -> str:
    """Return the pod whose ports a node stands for, or none."""
    return f"Pod/{node.removeprefix(f'{PORTS}/')}" if node.startswith(f"{PORTS}/") and "*" not in node else ""
