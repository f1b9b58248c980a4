"""Flows of some workloads with all others, in which others that are alike may stand in one row.

In an open cluster every workload may connect to every other, and pairs of workloads are more than anybody reads or
any table holds. What cannot be told apart by its flows, nor by anything else that matters to whoever asks, is one
party then: the row names its first workload and says how many more are alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.graph.reachability.answers import Reachability
from hipaa_kit.graph.reachability.edges import FAMILIES, SORTED, VERDICTS, Edges, grouped, namespace_of
from hipaa_kit.graph.reachability.sides import Numbers

DETAIL = 50_000
"""Pairs of ends that have a row each; where there are more, those that are alike stand together."""

TILE = 256

Counts: TypeAlias = "Counter[tuple[int, int]]"
"""Pairs of pods by the number of the flow between them and of the reason why it is not known."""

Apart: TypeAlias = Callable[[str], Hashable]


@dataclass
class Party:
    """Ends that are alike: workloads, or addresses outside.

    `pods` counts them by the kind of their classes, `example` has a class of each kind; `node` where what shares a
    node with them matters.
    """

    apart: Hashable
    names: list[str] = field(default_factory=list)
    pods: Counter[int] = field(default_factory=Counter)
    example: dict[int, int] = field(default_factory=dict)
    node: bool = False


class Alike:
    """Flows of some workloads with everything else.

    Parameters
    ----------
    reach
        Who may open a connection to whom.
    workloads
        Workloads with pods, whose flows are asked for.
    apart
        What tells ends apart beside their flows, by the name of a workload or of addresses.
    detail
        Pairs of ends up to which each has rows of its own.
    shared_nodes
        Whether a flow is told that policies deny to all others, and that only sharing a node may open to pods on the
        network of that node. A node reaches its own pods whatever anybody writes: such rows say the same of every
        workload. Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """

    def __init__(
        self,
        reach: Reachability,
        workloads: Sequence[str],
        apart: Apart,
        detail: int = DETAIL,
        *,
        shared_nodes: bool = True,
    ) -> None:
        self.engine, self.classes = reach.engine, reach.engine.classes
        self.shared_nodes = shared_nodes
        self.edges = Edges(reach.engine, reach.places)
        self.pods = reach.facts.pods
        self.workloads = sorted(workloads)
        self.inside = frozenset(workloads)
        self.held = self._held()
        self._nodes_of: dict[tuple[str, int], dict[str, int]] = {}
        own = sorted({number for name in self.workloads for number in self.held[name]})
        self.row = {number: at for at, number in enumerate(own)}
        every = np.arange(self.classes.size)
        self.columns = every[(every < self.classes.pods) | (every >= self.engine.first_cell)]
        self.column = {int(number): at for at, number in enumerate(self.columns)}
        self.flows = self._flows(np.array(own, dtype=np.int64))
        self.may = np.array([planes.possible != 0 for planes in self.engine.flows.planes], dtype=bool)
        self.together = self._pairs() > detail
        self.kind_of, self.first_of = self._kinds()
        self.parties = self._parties(apart)
        self.by_kind: dict[int, list[int]] = defaultdict(list)
        for at, party in enumerate(self.parties):
            for kind in party.pods:
                self.by_kind[kind].append(at)
        self.on_nodes = [at for at, party in enumerate(self.parties) if party.node]

    def _held(self) -> dict[str, dict[int, list[int]]]:
        """Return the pods of every workload, by class."""
        found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for at, (pod, number) in enumerate(zip(self.pods, self.classes.of_pod.tolist(), strict=True)):
            found[pod.workload or pod.object][number].append(at)
        return found

    def _flows(self, own: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """Return the flow from every own class to every class, and from every class to it."""
        out = np.zeros((len(own), len(self.columns)), dtype=np.int32)
        into = np.zeros_like(out)
        for at in range(0, len(own), TILE):
            out[at : at + TILE] = self.engine.tile(own[at : at + TILE], self.columns)
        for at in range(0, len(self.columns), TILE):
            into[:, at : at + TILE] = self.engine.tile(self.columns[at : at + TILE], own).T
        return out, into

    def _pairs(self) -> int:
        """Return how many pairs of ends may connect; those that only share a node are left out."""
        mine, all_ = np.zeros(len(self.row)), np.zeros(len(self.columns))
        all_[self.classes.pods :] = 1
        for name, held in self.held.items():
            for number in held:
                all_[self.column[number]] += 1
                if name in self.inside:
                    mine[self.row[number]] += 1
        return int(sum((mine @ self.may[flows] @ all_) for flows in self.flows))

    def _kinds(self) -> tuple[Numbers, npt.NDArray[Any]]:
        """Return the kind of every column, and the first of each: those of one kind have the same flows."""
        table = np.ascontiguousarray(np.vstack(self.flows).T)
        if not table.size:
            return np.zeros(len(self.columns), dtype=np.int32), np.zeros(1, dtype=np.int64)
        rows = table.view(np.dtype((np.void, table.shape[1] * table.itemsize))).ravel()
        _, first, kinds = np.unique(rows, return_index=True, return_inverse=True)
        return kinds.astype(np.int32), first

    def _parties(self, apart: Apart) -> list[Party]:
        found: dict[Hashable, Party] = {}
        ends = [(name, {number: len(pods) for number, pods in held.items()}) for name, held in self.held.items()]
        ends += [(self.edges.class_name(number), {number: 1}) for number in self.columns[self.classes.pods :].tolist()]
        for name, held in sorted(ends):
            kinds = {number: int(self.kind_of[self.column[number]]) for number in held}
            pods: Counter[int] = Counter()
            for number, many in held.items():
                pods[kinds[number]] += many
            node = any(number < self.classes.pods and self.classes.host[number] for number in held)
            told: Hashable = (apart(name), name in self.inside) if self.together else name
            party = found.setdefault((told, frozenset(pods), name if node else ""), Party(told, node=node))
            party.names.append(name)
            party.pods.update(pods)
            party.example = {**{kind: number for number, kind in kinds.items()}, **party.example}
        return list(found.values())

    def frame(self) -> pd.DataFrame:
        """Return the rows of `flows`, sorted, each with how many more ends are alike.

        Every pair of ends stands once; between two of the workloads it stands with the one that answers.
        """
        pairs = _Pairs()
        for name in self.workloads:
            pairs.take((name, 0), (name, 0), self._between(name, name, leaves=True))
            for leaves in (True, False):
                self._take_plain(pairs, name, leaves)
                for others, counts in self._met(name, leaves):
                    ends = ((name, 0), (others[0], len(others) - 1))
                    pairs.take(*(ends if leaves else ends[::-1]), counts)
        return self._table(pairs)

    @cached_property
    def _plain(self) -> _Plain:
        """Ends that have rows of their own, and of which it does not matter on which node they are."""
        parties = [] if self.together else [each for each in self.parties if not self._on_its_own(each)]
        held = [(at, kind, many) for at, party in enumerate(parties) for kind, many in party.pods.items()]
        peers = np.array([parties[at].example[kind] for at, kind, _ in held], dtype=np.int64)
        return _Plain(
            np.array([party.names[0] for party in parties], dtype=object),
            np.array([party.names[0] in self.inside for party in parties], dtype=bool),
            np.array([at for at, _, _ in held], dtype=np.int64),
            peers,
            np.array([self.column[each] for each in peers.tolist()], dtype=np.int64),
            np.array([many for _, _, many in held], dtype=np.int64),
        )

    def _on_its_own(self, party: Party) -> bool:
        """Tell whether a party has pods on the network of a node: they are looked at one by one."""
        return party.node and party.names[0] in self.held

    def _take_plain(self, pairs: _Pairs, name: str, leaves: bool) -> None:
        """Take the flows between a workload and all plain ends, where it is not on the network of a node itself."""
        plain, own = self._plain, self.held[name]
        if self._on_host(own):
            return
        wanted = (plain.names != name) & ~(leaves & plain.inside)
        chosen = wanted[plain.party]
        party, peers, columns, many = (each[chosen] for each in (plain.party, plain.peers, plain.columns, plain.pods))
        for number, held in own.items():
            flows = self.flows[0 if leaves else 1][self.row[number], columns]
            open_ = self.may[flows]
            here, there = np.full(int(open_.sum()), number), peers[open_]
            one, other = (here, there) if leaves else (there, here)
            reasons = self.edges.reasons_between(one, other, flows[open_])
            mine, others = np.full(len(here), name, dtype=object), plain.names[party[open_]]
            ends = (mine, others) if leaves else (others, mine)
            pairs.take_all(*ends, flows[open_], reasons, len(held) * many[open_])

    def _on_host(self, own: Mapping[int, list[int]]) -> bool:
        return any(self.classes.host[number] for number in own)

    def _met(self, name: str, leaves: bool) -> Iterator[tuple[list[str], Counts]]:
        """Yield the ends that a workload may connect to, or that may connect to it, with the flows; no plain ones."""
        own = self.held[name]
        host = self._on_host(own)
        found: dict[Hashable, tuple[list[str], Counts]] = {}
        near = self._near(own, leaves) if self.together else self.on_nodes
        for at in range(len(self.parties)) if host else near:
            party = self.parties[at]
            others = [each for each in party.names if each != name and not (leaves and each in self.inside)]
            alone = (host or party.node) and party.names[0] in self.held
            for members in [[each] for each in others] if alone else [others] if others else []:
                counts = self._between(name, members[0], leaves) if alone else self._counts(name, own, party, leaves)
                if counts:
                    key = (party.apart, frozenset(counts)) if self.together else members[0]
                    joined = found.setdefault(key, ([], Counter()))
                    joined[0].extend(members)
                    joined[1].update(counts)
        yield from found.values()

    def _near(self, own: Mapping[int, list[int]], leaves: bool) -> list[int]:
        """Return the parties of which one class may connect, and those that nodes may join to it."""
        flows = self.flows[0 if leaves else 1][[self.row[number] for number in own]][:, self.first_of]
        kinds = np.flatnonzero(self.may[flows].any(axis=0)).tolist()
        return sorted({*self.on_nodes, *(at for kind in kinds for at in self.by_kind.get(kind, ()))})

    def _counts(self, name: str, own: Mapping[int, list[int]], party: Party, leaves: bool) -> Counts:
        """Return the flows of a workload with a party, itself left out, where no node matters."""
        pods = Counter(party.pods)
        if name in party.names:
            for number, held in own.items():
                pods[int(self.kind_of[self.column[number]])] -= len(held)
        found: Counts = Counter()
        for number, held in own.items():
            for kind, many in pods.items():
                peer = party.example[kind]
                flow = int(self.flows[0 if leaves else 1][self.row[number], self.column[peer]])
                if many > 0 and self.may[flow]:
                    reason = self.edges.reason(*((number, peer) if leaves else (peer, number)), flow)
                    found[flow, reason] += len(held) * many
        return found

    def _between(self, name: str, other: str, leaves: bool) -> Counts:
        """Return the flows of a workload with one other, or with itself, pod by pod where they share a node."""
        found: Counts = Counter()
        for number, held in self.held[name].items():
            for peer, pods in self.held[other].items():
                flow = int(self.flows[0 if leaves else 1][self.row[number], self.column[peer]])
                ends = (number, peer) if leaves else (peer, number)
                same = name == other and number == peer
                pairs = len(held) * len(pods) - (len(held) if same else 0)
                host = self.classes.host[number] or self.classes.host[peer]
                # Most pairs of classes share no node: what they would be to each other there is not asked.
                if host and (near := self._sharing((name, number), (other, peer), same)):
                    reason = self.edges.reason(*ends, flow)
                    after, why = self.edges.node_local(flow, reason, *ends)
                    near = near if after != flow else 0
                    told = self.shared_nodes or self.may[flow]
                    if near and told and self.engine.flows.planes[after].possible:
                        found[after, why] += near
                    pairs -= near
                if pairs > 0 and self.may[flow]:
                    found[flow, self.edges.reason(*ends, flow)] += pairs
        return found

    def _sharing(self, one: tuple[str, int], other: tuple[str, int], same: bool) -> int:
        """Return how many pairs of pods of two workloads, each by the class of its pods, share a node."""
        left, right = self._nodes(*one), self._nodes(*other)
        less, more = (left, right) if len(left) < len(right) else (right, left)
        found = sum(many * more.get(node, 0) for node, many in less.items())
        return found - (sum(left.values()) if same else 0)

    def _nodes(self, name: str, number: int) -> dict[str, int]:
        """Return how many pods of a class a workload has on each node."""
        if (name, number) not in self._nodes_of:
            nodes = [self.pods[at].node for at in self.held[name][number]]
            self._nodes_of[name, number] = dict(Counter(node for node in nodes if node))
        return self._nodes_of[name, number]

    def _table(self, pairs: _Pairs) -> pd.DataFrame:
        """Return the rows of pairs of ends: one for each range of ports of their flows."""
        names = sorted({*self.held, *(name for name, _ in pairs.ends()), *self._plain.names})
        number = {name: at for at, name in enumerate(names)}
        ends, (flow, reason, many) = (held := pairs.columns(number))[:4], held[4:]
        ranges = [self.edges.flow_ranges(each) for each in range(len(self.engine.flows.planes))]
        count = np.array([len(each) for each in ranges], dtype=np.int64)
        start = np.cumsum(count) - count
        table = np.array([row for each in ranges for row in each], dtype=np.int64).reshape(-1, 5)
        at = np.repeat(np.arange(len(flow)), count[flow])
        inside = np.arange(len(at)) - np.repeat(np.cumsum(count[flow]) - count[flow], count[flow])
        row = table[start[flow][at] + inside]
        why = np.where(row[:, 4] == VERDICTS.index("unknown"), reason[at], 0)
        keys = (ends[0][at], ends[1][at], *row.T, why, ends[2][at], ends[3][at])
        (source, destination, protocol, first, last, family, verdict, told, more, others), pods = grouped(
            keys, many[at]
        )
        texts = np.array(names, dtype=object)
        spaces = np.array([namespace_of(name) for name in names], dtype=object)
        return pd.DataFrame(
            {
                "source": texts[source],
                "source_namespace": spaces[source],
                "destination": texts[destination],
                "destination_namespace": spaces[destination],
                "protocol": np.array(SORTED, dtype=object)[protocol],
                "port_from": first,
                "port_to": last,
                "family": np.array(list(FAMILIES.values()), dtype=object)[family],
                "verdict": np.array(VERDICTS, dtype=object)[verdict],
                "reason": np.array(list(self.edges.reasons), dtype=object)[told],
                "enforcement": np.full(len(told), self.engine.facts.options.enforcement, dtype=object),
                "pod_pairs": pods,
                "source_others": more,
                "destination_others": others,
            }
        )


@dataclass(frozen=True)
class _Plain:
    """Ends by name, and for each kind of their pods the place of the end, a class, its column, and how many."""

    names: npt.NDArray[Any]
    inside: npt.NDArray[np.bool_]
    party: npt.NDArray[np.int64]
    peers: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    pods: npt.NDArray[np.int64]


class _Pairs:
    """Pairs of ends, with the flow between them, the reason why it is not known, and the pairs of pods."""

    def __init__(self) -> None:
        self._single: list[tuple[str, str, int, int, int, int, int]] = []
        self._many: list[tuple[npt.NDArray[Any], ...]] = []

    def take(self, source: tuple[str, int], destination: tuple[str, int], counts: Counts) -> None:
        """Take the flows of one pair; each end with how many more are alike."""
        for (flow, reason), many in counts.items():
            self._single.append((source[0], destination[0], source[1], destination[1], flow, reason, many))

    def take_all(self, *columns: npt.NDArray[Any]) -> None:
        """Take flows of pairs that stand for themselves: sources, destinations, flows, reasons, pairs of pods."""
        self._many.append(columns)

    def ends(self) -> Iterator[tuple[str, int]]:
        """Yield the ends of pairs that were taken one by one, with how many more are alike."""
        for source, destination, more, others, *_ in self._single:
            yield source, more
            yield destination, others

    def columns(self, number: Mapping[str, int]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return source, destination, how many more each is, flow, reason and pairs of pods, with ends as numbers."""
        rows = [(number[one], number[other], *rest) for one, other, *rest in self._single]
        found = [np.array(rows, dtype=np.int64).reshape(-1, 7)]
        for sources, destinations, *rest in self._many:
            ends = [np.array([number[name] for name in names], dtype=np.int64) for names in (sources, destinations)]
            none = np.zeros(len(sources), dtype=np.int64)
            found.append(np.column_stack([*ends, none, none, *rest]))
        return tuple(np.concatenate(found).T)
