"""Pods that no policy can tell apart are one class; nodes and the outside world are classes beside them.

The key of a class holds what any policy looks at and nothing else: the namespace, the labels under keys that a
selector names (a value that no selector names is as good as any other such value), the numbers behind port
names that a rule uses, and where a rule needs it the address, the service account and the mesh.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.reachability.facts import Facts, NodeFact, PodFact
from hipaa_kit.kube.network.addresses import Block, Cells
from hipaa_kit.kube.network.ports import Atoms, ContainerPort, PortRange
from hipaa_kit.kube.network.rules import (
    EVERYONE,
    Addresses,
    Combined,
    Condition,
    Nodes,
    Peer,
    Pods,
    Policy,
    Rule,
    SimplePeer,
)

Index = npt.NDArray[np.int32]
OTHER = "\x00"
"""Stands for every value of a label that no selector names."""


class Keys:
    """Label keys that some conditions look at, with the values they tell apart."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        self._values: dict[str, set[str] | None] = {}
        for condition in dict.fromkeys(conditions):
            for key, values in condition.mentions():
                known = self._values.setdefault(key, set())
                if values is None:
                    self._values[key] = None
                elif known is not None:
                    known |= values

    def __eq__(self, other: object) -> bool:
        """Tell whether other conditions look at the same keys, and tell the same values apart."""
        return isinstance(other, Keys) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def project(self, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Return what the conditions can see of labels."""
        values = self._values
        if len(labels) <= len(values):
            seen = [(key, value) for key, value in labels.items() if key in values]
        else:
            seen = [(key, labels[key]) for key in values if key in labels]
        return tuple(sorted((key, value if self._names(key, value) else OTHER) for key, value in seen))

    def _names(self, key: str, value: str) -> bool:
        known = self._values[key]
        return known is None or value in known


@dataclass(frozen=True)
class Uses:
    """What the policies of a cluster look at."""

    pod_keys: Keys
    node_keys: Keys
    names: frozenset[str]
    blocks: frozenset[Block]
    ranges: frozenset[PortRange]
    nodes: bool
    accounts: bool
    mesh: bool
    pod_addresses: bool
    families: bool

    @classmethod
    def of(cls, facts: Facts) -> Uses:
        """Collect it."""
        peers = [
            simple
            for _, rule in each_rule(facts.policies)
            for peer in (*rule.peers, *rule.own)
            for simple in _simple(peer)
        ]
        terms = [peer for peer in peers if isinstance(peer, Pods)]
        terms += [term for policy in facts.policies for term in policy.subject]
        terms += [term for doubt in facts.doubts for term in doubt.subject]
        addresses = [peer for peer in peers if isinstance(peer, Addresses)]
        ports = {rule.ports for _, rule in each_rule(facts.policies)}
        asks_pods = facts.options.cidr_matches_pods != "never"
        return cls(
            Keys(term.pods for term in terms),
            Keys(peer.labels for peer in peers if isinstance(peer, Nodes)),
            frozenset(name.name for each in ports for name in each.every_name),
            facts.cuts.union(*((*each.addresses.blocks, *each.addresses.without) for each in addresses)),
            frozenset(
                found for each in ports for found in (*each.ranges, *(each.without.ranges if each.without else ()))
            ),
            any(isinstance(peer, Nodes) for peer in peers),
            any(term.accounts is not None or term.account_names or term.principals for term in terms),
            any(term.meshed for term in terms),
            any(peer.pods == "always" or (peer.pods == "option" and asks_pods) for peer in addresses),
            any(peer.version for peer in addresses)
            or any(rule.own != EVERYONE for _, rule in each_rule(facts.policies)),
        )


def _simple(peer: Peer) -> Iterator[SimplePeer]:
    """Yield the peers that a combined one is made of, or the peer itself."""
    if isinstance(peer, Combined):
        for each in peer.all_of:
            yield from each
        yield from (*peer.none_of, *peer.doubtful)
    else:
        yield peer


def each_rule(policies: Iterable[Policy]) -> Iterator[tuple[Policy, Rule]]:
    """Yield every rule of some policies."""
    for policy in policies:
        for rules in policy.rules.values():
            for rule in rules:
                yield policy, rule


Key = tuple[Any, ...]


class Classes:
    """Classes of pods, then of nodes, then cells of the outside world, numbered in that order."""

    def __init__(self, facts: Facts, uses: Uses) -> None:
        self.facts, self.uses = facts, uses
        dual = uses.families or any(len({block.family for block in pod.addresses}) > 1 for pod in facts.pods)
        self.families = (4, 6) if dual else (0,)
        self.cells = Cells(uses.blocks)
        self._cell_of: dict[Block, int] = {}
        self.keys: list[Key] = []
        self.members: list[list[int]] = []
        self.node_members: list[list[NodeFact]] = []
        self.of_node = self._group_nodes(facts.nodes)
        self.of_pod = self._group(facts.pods)
        self.pods = len(self.keys)
        self.nodes = len(self.node_members)
        self.size = self.pods + self.nodes + len(self.cells)
        self._index()

    def _group(self, pods: Iterable[PodFact]) -> Index:
        found: dict[Key, int] = {}
        of_pod = []
        for at, pod in enumerate(pods):
            key = self._key(pod)
            number = found.get(key)
            if number is None:
                number = found[key] = len(self.members)
                self.keys.append(key)
                self.members.append([])
            self.members[number].append(at)
            of_pod.append(number)
        return np.array(of_pod, dtype=np.int32)

    def _key(self, pod: PodFact) -> Key:
        uses = self.uses
        names = tuple(sorted({port for port in pod.ports if port.name in uses.names})) if pod.ports else ()
        return (
            pod.namespace,
            pod.host_network,
            uses.pod_keys.project(pod.labels),
            names,
            pod.account if uses.accounts else "",
            pod.mesh if uses.mesh else "",
            self._addresses(pod) if uses.pod_addresses or pod.host_network else (),
            tuple(sorted({block.family for block in pod.addresses})) if len(self.families) > 1 else (),
            self.of_node.get(pod.node, -1) if uses.nodes and pod.host_network else -1,
        )

    def _addresses(self, pod: PodFact) -> tuple[int, ...]:
        return tuple(sorted(self.cell(block) for block in pod.addresses))

    def cell(self, block: Block) -> int:
        """Return the cell in which an address lies."""
        found = self._cell_of.get(block)
        if found is None:
            found = self._cell_of[block] = self.cells.of(block)[0]
        return found

    def _group_nodes(self, nodes: Iterable[NodeFact]) -> dict[str, int]:
        found: dict[Key, int] = {}
        of_node: dict[str, int] = {}
        for node in nodes:
            cells = tuple(sorted(self.cell(block) for block in node.addresses)) if self.uses.blocks else ()
            families = tuple(sorted({block.family for block in node.addresses})) if len(self.families) > 1 else ()
            key = (self.uses.node_keys.project(node.labels), cells, families)
            if key not in found:
                found[key] = len(self.node_members)
                self.node_members.append([])
            self.node_members[found[key]].append(node)
            of_node[node.name] = found[key]
        return of_node

    def _index(self) -> None:
        """Index the classes by namespace, by set of labels, and by names of ports."""
        spaces = sorted({key[0] for key in self.keys})
        self.namespaces = spaces
        number = {name: at for at, name in enumerate(spaces)}
        self.namespace_of = np.array([number[key[0]] for key in self.keys], dtype=np.int32)
        self.host = np.array([key[1] for key in self.keys], dtype=bool)
        label_sets: dict[Key, int] = {}
        self.labels_of = np.array([label_sets.setdefault(k[2], len(label_sets)) for k in self.keys], dtype=np.int32)
        self.label_sets = [dict(each) for each in label_sets]
        names: dict[tuple[ContainerPort, ...], int] = {(): 0}
        names_of = [names.setdefault(key[3], len(names)) for key in self.keys]
        self.names_of = np.array(names_of + [0] * (self.size - self.pods), dtype=np.int32)
        self.names = list(names)
        self.inside: dict[str, Index] = _grouped(key[0] for key in self.keys)
        self.by_address: dict[tuple[bool, tuple[int, ...]], Index] = _grouped((key[1], key[6]) for key in self.keys)
        self.counts = np.array([len(each) for each in self.members], dtype=np.int64)
        self.families_of = self._families()
        no_address = [not key[7] for key in self.keys] + [not nodes[0].addresses for nodes in self.node_members]
        self.unaddressed = np.array([*no_address, *(False for _ in self.cells)], dtype=bool)

    def _families(self) -> npt.NDArray[np.int8]:
        """Return the families in which each class has an address, as bits; both where no address is known."""
        if len(self.families) == 1:
            return np.ones(self.size, dtype=np.int8)
        bit = {4: 1, 6: 2}
        found = [sum(bit[each] for each in key[7]) or 3 for key in self.keys]
        found += [sum({bit[block.family] for block in nodes[0].addresses}) or 3 for nodes in self.node_members]
        found += [bit[cell.block.family] for cell in self.cells]
        return np.array(found, dtype=np.int8)

    def with_ranges(self, uses: Uses) -> Classes:
        """Return the same classes under policies that look at the same of pods, and at other ranges of ports."""
        found = copy.copy(self)
        found.uses = uses
        return found

    def atoms(self) -> Atoms:
        """Return the ports that anything can tell apart: numbers in rules, and those behind names in use."""
        numbers = {PortRange(port.protocol, port.number, port.number) for each in self.names for port in each}
        return Atoms([*self.uses.ranges, *sorted(numbers)], len(self.families))


def _grouped(keys: Iterable[Any]) -> dict[Any, Index]:
    """Return the positions of equal keys, by key."""
    found: dict[Any, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        found[key].append(at)
    return {key: np.array(each, dtype=np.int32) for key, each in found.items()}
