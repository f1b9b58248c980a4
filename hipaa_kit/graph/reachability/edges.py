"""Flows as tables: every pair of classes, workloads or pods that may connect, with the ports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.explain import reasons_of
from hipaa_kit.graph.reachability.places import Places
from hipaa_kit.graph.reachability.sides import Numbers, Side
from hipaa_kit.kube.network.decision import Planes
from hipaa_kit.kube.network.ports import PortRange
from hipaa_kit.kube.network.rules import DIRECTIONS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.reachability import FLOWS

Level = Literal["workload", "pod", "class"]
TILE = 256
WIDE = 1 << 32
"""More than there are decisions."""
FAMILIES = {0: "", 4: "IPv4", 6: "IPv6"}


class Entities(NamedTuple):
    """What the rows of a level are about, and how many pods of every class each stands for.

    `start` gives for every class where its entities begin in `entity` and `pods`.
    """

    names: list[str]
    start: npt.NDArray[np.int64]
    entity: Numbers
    pods: npt.NDArray[np.int64]


@dataclass
class Pairs:
    """Pairs of entities with the flow between them, the reason why it is not known, and the pods it counts."""

    source: Numbers
    destination: Numbers
    flow: Numbers
    reason: Numbers
    count: npt.NDArray[np.int64]


class Edges:
    """Makes tables of flows from the engine."""

    def __init__(self, engine: Engine, places: Places) -> None:
        self.engine, self.places = engine, places
        self.classes = engine.classes
        self.reasons: dict[str, int] = {"": 0}
        self._wordings: dict[tuple[str, ...], int] = {}
        self._worded_of: dict[str, dict[int, int]] = {direction: {} for direction in DIRECTIONS}
        self._nodes_of: dict[int, frozenset[str]] = {}
        self._ranges_of: dict[int, list[tuple[int, int, int, int, int]]] = {}

    def entities(self, level: Level) -> Entities:
        """Return what the rows of a level are about, sorted by name."""
        if level == "class":
            labels = [self.class_name(number) for number in range(self.classes.size)]
            members = [[(label, max(self._size(number), 1))] for number, label in enumerate(labels)]
        else:
            members = [self._members(number, level) for number in range(self.classes.size)]
        names = sorted({name for each in members for name, _ in each})
        number_of = {name: at for at, name in enumerate(names)}
        start = np.cumsum([0, *(len(each) for each in members)])
        entity = np.array([number_of[name] for each in members for name, _ in each], dtype=np.int32)
        return Entities(
            names, start, entity, np.array([count for each in members for _, count in each], dtype=np.int64)
        )

    def class_name(self, number: int) -> str:
        """Return the name of a class: `Class/namespace/number` for pods."""
        if number < self.classes.pods:
            return f"Class/{self.classes.keys[number][0]}/{number:06d}"
        return self.places.label(number)

    def _size(self, number: int) -> int:
        return len(self.classes.members[number]) if number < self.classes.pods else 1

    def _members(self, number: int, level: Level) -> list[tuple[str, int]]:
        if number >= self.classes.pods:
            return [(self.places.label(number), 1)]
        pods = [self.places.pods[at] for at in self.classes.members[number]]
        if level == "pod":
            return [(pod.object, 1) for pod in pods]
        found: dict[str, int] = defaultdict(int)
        for pod in pods:
            found[pod.workload or pod.object] += 1
        return list(found.items())

    def numbers(self, names: Iterable[str] | None, nodes: bool) -> npt.NDArray[np.int64]:
        """Return the classes that some names stand for, or all."""
        if names is not None:
            return np.unique([place.number for name in names for place in self.places.find(name)]).astype(np.int64)
        every = np.arange(self.classes.size)
        inside = (every >= self.classes.pods) & (every < self.classes.pods + self.classes.nodes)
        return every if nodes else every[~inside]

    def pairs(
        self,
        level: Level,
        sources: npt.NDArray[np.int64],
        destinations: npt.NDArray[np.int64],
        denied: bool,
        limit: int,
    ) -> tuple[Entities, Pairs]:
        """Return all pairs of a level between some classes.

        Raises
        ------
        InputError
            There would be more rows than the limit.
        """
        entities = self.entities(level)
        found: list[Pairs] = []
        rows = 0
        for at in range(0, len(sources), TILE):
            for pairs in self._tile(entities, sources[at : at + TILE], destinations, denied):
                rows += len(pairs.source)
                found.append(pairs)
            if rows > 4 * limit:
                raise _too_many(rows, limit)
        return entities, _summed(found)

    def _tile(
        self, entities: Entities, sources: npt.NDArray[np.int64], destinations: npt.NDArray[np.int64], denied: bool
    ) -> Iterator[Pairs]:
        outs = self.engine.values("egress", sources, destinations)
        into = self.engine.values("ingress", destinations, sources).T
        flows = self.engine.common_families(self.engine.combined(outs, into), sources, destinations)
        open_ = np.array([denied or planes.possible != 0 for planes in self.engine.flows.planes])
        governed = (sources[:, None] < self.classes.pods) | (destinations[None, :] < self.classes.pods)
        shown = open_[flows] & governed
        # What shares a node with a pod may connect to it although the policies deny it to all others.
        hosts = self._on_hosts()
        inside = (sources[:, None] < self.engine.first_cell) & (destinations[None, :] < self.engine.first_cell)
        near = (hosts[sources][:, None] | hosts[destinations][None, :]) & inside & governed
        rows, columns = np.nonzero(shown | near)
        source, destination = sources[rows], destinations[columns]
        flow = flows[rows, columns]
        reason = self._reasons(source, destination, outs[rows, columns], into[rows, columns], flow)
        kept = shown[rows, columns]
        yield _expanded(entities, source[kept], destination[kept], flow[kept], reason[kept])
        at = near[rows, columns]
        yield self._local(entities, source[at], destination[at], flow[at], reason[at])

    def _reasons(
        self,
        source: npt.NDArray[np.int64],
        destination: npt.NDArray[np.int64],
        out: npt.NDArray[np.int64],
        into: npt.NDArray[np.int64],
        flow: Numbers,
    ) -> Numbers:
        """Return the number of the reason why each flow is not known; 0 where it is."""
        found = np.zeros(len(flow), dtype=np.int32)
        unknown = np.array([planes.sure != planes.possible for planes in self.engine.flows.planes])
        where = np.flatnonzero(unknown[flow])
        if not len(where):
            return found
        codes = [
            self._worded(side, own[where], value[where])
            for side, own, value in ((self.engine.egress, source, out), (self.engine.ingress, destination, into))
        ]
        pairs, back = np.unique(codes[0] * len(self._wordings) + codes[1], return_inverse=True)
        wordings = list(self._wordings)
        both = (divmod(each, len(wordings)) for each in pairs.tolist())
        # Of both sides, each word once.
        words = ("; ".join(dict.fromkeys((*wordings[egress], *wordings[ingress]))) for egress, ingress in both)
        found[where] = np.array([self._number(each) for each in words], dtype=np.int32)[back]
        return found

    def reason(self, source: int, destination: int, flow: int) -> int:
        """Return the number of the reason why the flow between two classes is not known; 0 where it is."""
        planes = self.engine.flows.planes[flow]
        if planes.sure == planes.possible:
            return 0
        ends = np.array([source], dtype=np.int64), np.array([destination], dtype=np.int64)
        return int(self.reasons_between(*ends, np.array([flow], dtype=np.int32))[0])

    def reasons_between(
        self, source: npt.NDArray[np.int64], destination: npt.NDArray[np.int64], flow: Numbers
    ) -> Numbers:
        """Return for each pair of classes the number of the reason why the flow between them is not known."""
        out = self.engine.each_value("egress", source, destination)
        into = self.engine.each_value("ingress", destination, source)
        return self._reasons(source, destination, out, into, flow)

    def flow_ranges(self, flow: int) -> list[tuple[int, int, int, int, int]]:
        """Return the ranges of ports of a flow that may pass, or perhaps may, as numbers."""
        if flow not in self._ranges_of:
            self._ranges_of[flow] = list(self._ranges(self.engine.flows.planes[flow]))
        return self._ranges_of[flow]

    def _signatures(self, direction: Literal["egress", "ingress"], own: npt.NDArray[np.int64]) -> Numbers:
        of_class = self.engine.side(direction).of_class
        found = np.full(len(own), -1, dtype=np.int32)
        inside = own < self.classes.pods
        found[inside] = of_class[own[inside]]
        return found

    def _worded(self, side: Side, own: npt.NDArray[np.int64], value: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the number of the words in which one side says why its decision on each flow is not known."""
        numbers = self._signatures(side.direction, own).astype(np.int64)
        told, back = np.unique(numbers * WIDE + value, return_inverse=True)
        known = self._worded_of[side.direction]
        for each in told.tolist():
            if each not in known:
                known[each] = self._wordings.setdefault(self._words(side, *divmod(each, WIDE)), len(self._wordings))
        return np.array([known[each] for each in told.tolist()], dtype=np.int64)[back]

    def _number(self, reason: str) -> int:
        return self.reasons.setdefault(reason, len(self.reasons))

    def _words(self, side: Side, number: int, value: int) -> tuple[str, ...]:
        """Return why a signature's decision is not known, each reason once and in order."""
        planes = self.engine.palette.planes[value]
        doubtful = number >= 0 and planes.sure != planes.possible
        return tuple(dict.fromkeys(reasons_of(side, number, side.state_of(number, value)))) if doubtful else ()

    def _local(
        self,
        entities: Entities,
        source: npt.NDArray[np.int64],
        destination: npt.NDArray[np.int64],
        flow: Numbers,
        reason: Numbers,
    ) -> Pairs:
        """Return what changes for pairs on one node, where one of them is the node or on its network."""
        found: dict[tuple[int, int, int, int], int] = defaultdict(int)
        for at in range(len(source)):
            if self._nodes(int(source[at])).isdisjoint(self._nodes(int(destination[at]))):
                continue
            number, why = int(flow[at]), int(reason[at])
            after, after_why = self.node_local(number, why, int(source[at]), int(destination[at]))
            if after == number:
                continue
            one, other = self._by_node(entities, int(source[at])), self._by_node(entities, int(destination[at]))
            for node, held in one.items():
                for left, many in held.items():
                    for right, more in other.get(node, {}).items():
                        count = many * more - (many if left == right and source[at] == destination[at] else 0)
                        found[left, right, number, why] -= count
                        found[left, right, after, after_why] += count
        keys = np.array(list(found), dtype=np.int32).reshape(-1, 4)
        return Pairs(keys[:, 0], keys[:, 1], keys[:, 2], keys[:, 3], np.fromiter(found.values(), np.int64, len(found)))

    def _nodes(self, number: int) -> frozenset[str]:
        """Return the nodes on which a class is."""
        if number not in self._nodes_of:
            inside = number < self.classes.pods
            held = [self.places.pods[at].node for at in self.classes.members[number]] if inside else []
            held += [] if inside else [node.name for node in self.classes.node_members[number - self.classes.pods]]
            self._nodes_of[number] = frozenset(held) - {""}
        return self._nodes_of[number]

    def _on_hosts(self) -> npt.NDArray[np.bool_]:
        nodes = np.arange(self.classes.pods, self.classes.size) < self.classes.pods + self.classes.nodes
        return np.append(self.classes.host, nodes)

    def node_local(self, flow: int, reason: int, source: int, destination: int) -> tuple[int, int]:
        """Return flow and reason between a pod and what shares its node's address."""
        after = self.engine.between(source, destination, local=True)
        if after == self.engine.flows.planes[flow]:
            return flow, reason
        if after.sure == after.possible:
            return self.engine.flows.number(after), 0
        return self.engine.flows.number(after), self._number("what goes between a pod and its own node is not known")

    def _by_node(self, entities: Entities, number: int) -> dict[str, dict[int, int]]:
        """Return the entities of a class on every node, with how many pods of theirs are there."""
        found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        held = range(entities.start[number], entities.start[number + 1])
        if number >= self.classes.pods:
            for node in self.classes.node_members[number - self.classes.pods]:
                found[node.name][int(entities.entity[held[0]])] += 1
            return found
        of_name = {entities.names[entities.entity[at]]: int(entities.entity[at]) for at in held}
        for at in self.classes.members[number]:
            pod = self.places.pods[at]
            entity = next((of_name[name] for name in (pod.object, pod.workload) if name in of_name), None)
            if pod.node:
                found[pod.node][int(entities.entity[held[0]]) if entity is None else entity] += 1
        return found

    def frame(
        self,
        level: Level,
        sources: npt.NDArray[np.int64],
        destinations: npt.NDArray[np.int64],
        *,
        denied: bool,
        limit: int,
    ) -> pd.DataFrame:
        """Return table `flows` of a level between some classes."""
        entities, pairs = self.pairs(level, sources, destinations, denied, limit)
        start, rows = self._port_rows(pairs.flow, denied)
        many = start[pairs.flow + 1] - start[pairs.flow]
        total = int(many.sum())
        if total > limit:
            raise _too_many(total, limit)
        at = np.repeat(np.arange(len(many)), many)
        row = np.arange(total) - np.repeat(np.cumsum(many) - many, many) + np.repeat(start[pairs.flow], many)
        reason = np.where(rows.unknown[row], pairs.reason[at], 0)
        columns = (pairs.source[at], pairs.destination[at], rows.protocol[row], rows.first[row], rows.last[row])
        keys: tuple[Numbers, ...] = (*columns, rows.family[row], rows.verdict[row], reason)
        keys, count = grouped(keys, pairs.count[at])
        return self._table(entities, keys, count)

    def walk(
        self,
        sources: npt.NDArray[np.int64],
        destinations: npt.NDArray[np.int64],
        only: set[int] | None,
        to: set[int] | None,
    ) -> Iterator[tuple[str, str, str, str]]:
        """Yield every pair of pods that may connect, with verdict and ports; never two pods that are one."""
        entities = self.entities("pod")
        names = {pod.object: at for at, pod in enumerate(self.places.pods)}
        inside = [names.get(name, -1) for name in entities.names]
        words: dict[int, list[tuple[str, str]]] = {}
        for at in range(0, len(sources), 16):
            pairs = _summed(list(self._tile(entities, sources[at : at + 16], destinations, False)))
            for left, right, flow in zip(
                *(each.tolist() for each in (pairs.source, pairs.destination, pairs.flow)), strict=True
            ):
                if (only is None or inside[left] in only) and (to is None or inside[right] in to):
                    if flow not in words:
                        words[flow] = self.words(self.engine.flows.planes[flow])
                    for verdict, ports in words[flow]:
                        yield entities.names[left], entities.names[right], verdict, ports

    def words(self, planes: Planes) -> list[tuple[str, str]]:
        """Return a flow as verdict and ports in words, for what is allowed and what is not known."""
        found: dict[str, list[str]] = defaultdict(list)
        for protocol, first, last, family, verdict in self._ranges(planes):
            told = str(PortRange(SORTED[protocol], first, last))
            found[VERDICTS[verdict]].append(f"{told} {list(FAMILIES.values())[family]}".strip())
        return [(verdict, ", ".join(ports)) for verdict, ports in found.items()]

    def _port_rows(self, flows: Numbers, denied: bool) -> tuple[npt.NDArray[np.int64], PortRows]:
        """Return the ranges of ports of every flow in use, and where they begin."""
        used = set(np.unique(flows).tolist())
        many, rows = [0], []
        for number, planes in enumerate(self.engine.flows.planes):
            found = list(self._ranges(planes, denied)) if number in used else []
            rows += found
            many.append(len(found))
        table = np.array(rows, dtype=np.int32).reshape(-1, 5)
        return np.cumsum(many), PortRows(
            table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 4] == VERDICTS.index("unknown")
        )

    def _ranges(self, planes: Planes, denied: bool = False) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield the ranges of a flow as numbers; families stand apart only where they differ."""
        atoms = self.engine.atoms
        bits = {"allowed": planes.sure, "unknown": planes.possible & ~planes.sure}
        if denied:
            bits["denied"] = atoms.everything & ~planes.possible
        for verdict, held in bits.items():
            parts = [held >> atoms.size * at & atoms.one_family for at in range(atoms.families)]
            alike = len(set(parts)) == 1
            cases = [(0, parts[0])] if alike else list(zip(self.classes.families, parts, strict=True))
            for family, part in cases:
                for protocol, first, last in atoms.ranges(part):
                    yield SORTED.index(protocol), first, last, list(FAMILIES).index(family), VERDICTS.index(verdict)

    def _table(self, entities: Entities, keys: tuple[Numbers, ...], count: npt.NDArray[np.int64]) -> pd.DataFrame:
        names = np.array(entities.names, dtype=object)
        spaces = np.array([namespace_of(name) for name in entities.names], dtype=object)
        source, destination, protocol, first, last, family, verdict, reason = keys
        enforcement = np.array([self.engine.facts.options.enforcement], dtype=object)
        held: dict[str, Any] = {
            "source": names[source],
            "source_namespace": spaces[source],
            "destination": names[destination],
            "destination_namespace": spaces[destination],
            "protocol": np.array(SORTED, dtype=object)[protocol],
            "port_from": first,
            "port_to": last,
            "family": np.array(list(FAMILIES.values()), dtype=object)[family],
            "verdict": np.array(VERDICTS, dtype=object)[verdict],
            "reason": np.array(list(self.reasons), dtype=object)[reason],
            "enforcement": np.repeat(enforcement, len(source)),
            "pod_pairs": count,
        }
        frame = pd.DataFrame({c.name: pd.Series(held[c.name], dtype=c.type) for c in FLOWS.columns})
        return frame.sort_values(list(FLOWS.key), kind="stable", ignore_index=True) if len(self.reasons) > 1 else frame


SORTED = ("SCTP", "TCP", "UDP")
VERDICTS = ("allowed", "denied", "unknown")


class PortRows(NamedTuple):
    """Ranges of ports of all flows, one after the other, as numbers."""

    protocol: Numbers
    first: Numbers
    last: Numbers
    family: Numbers
    verdict: Numbers
    unknown: npt.NDArray[np.bool_]


def namespace_of(name: str) -> str:
    """Return the namespace of an end of a flow; none for what lies outside."""
    kind, namespace, rest = parse_object_id(name)
    return namespace if kind and rest and kind[0].isupper() else ""


def _expanded(
    entities: Entities,
    source: npt.NDArray[np.int64],
    destination: npt.NDArray[np.int64],
    flow: Numbers,
    reason: Numbers,
) -> Pairs:
    """Return pairs of entities for pairs of classes; a pod is never a pair with itself."""
    left, at = _spread(entities, source)
    source, destination, flow, reason = source[at], destination[at], flow[at], reason[at]
    right, again = _spread(entities, destination)
    left, source, flow, reason = left[again], source[again], flow[again], reason[again]
    same = (source == destination[again]) & (entities.entity[left] == entities.entity[right])
    own = np.where(same & (source < len(entities.start) - 1), entities.pods[left], 0)
    count = entities.pods[left] * entities.pods[right] - own
    return Pairs(entities.entity[left], entities.entity[right], flow, reason, count)


def _spread(entities: Entities, numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the entities of every class in turn, and which class each comes from."""
    many = entities.start[numbers + 1] - entities.start[numbers]
    at = np.repeat(np.arange(len(numbers)), many)
    inside = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    return entities.start[numbers][at] + inside, at


def _summed(found: list[Pairs]) -> Pairs:
    """Return all pairs, each once, with its pods; those that stand for no pod are left out."""
    if not found:
        empty = np.zeros(0, dtype=np.int32)
        return Pairs(empty, empty, empty, empty, empty.astype(np.int64))
    keys = tuple(
        np.concatenate([getattr(p, name) for p in found]) for name in ("source", "destination", "flow", "reason")
    )
    keys, count = grouped(keys, np.concatenate([pairs.count for pairs in found]))
    kept = count > 0
    source, destination, flow, reason = (key[kept] for key in keys)
    return Pairs(source, destination, flow, reason, count[kept])


def grouped(
    keys: tuple[npt.NDArray[Any], ...], count: npt.NDArray[np.int64]
) -> tuple[tuple[npt.NDArray[Any], ...], npt.NDArray[np.int64]]:
    """Return the distinct keys in order, with the sum of their counts."""
    order = np.lexsort(keys[::-1])
    keys = tuple(key[order] for key in keys)
    if not len(order):
        return keys, count
    new = np.zeros(len(order), dtype=bool)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    starts = np.flatnonzero(new)
    return tuple(key[starts] for key in keys), np.add.reduceat(count[order], starts)


def _too_many(rows: int, limit: int) -> InputError:
    return InputError(
        f"there are more than {rows:,} flows, and the limit is {limit:,}".replace(",", " "),
        "",
        "ask for fewer sources or destinations, another level, or a higher limit",
    )
