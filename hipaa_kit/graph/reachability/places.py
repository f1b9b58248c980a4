"""The ends of a connection as people name them: pods, workloads, nodes, namespaces, addresses, the internet."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

from hipaa_kit.errors import InputError
from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.kube.network.addresses import Block, is_cidr, parse_address, parse_cidr

INTERNET = "internet"


class Place(NamedTuple):
    """One end of a connection: its class, and the pod or node where it is one."""

    number: int
    pod: int | None = None
    node: str = ""

    @property
    def same_everywhere(self) -> bool:
        """Tell whether it is an address outside, with nothing of its own."""
        return self.pod is None and not self.node


class Places:
    """Finds the ends of connections by name."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.classes = engine.classes
        self.pods = engine.facts.pods

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for at, pod in enumerate(self.pods):
            found[pod.object].append(at)
            if pod.workload and pod.workload != pod.object:
                found[pod.workload].append(at)
            found[f"Namespace//{pod.namespace}"].append(at)
        return found

    @cached_property
    def _by_address(self) -> dict[Block, Place]:
        found = {block: self.node(node.name) for node in self.engine.facts.nodes for block in node.addresses}
        found |= {
            block: self.pod(at) for at, pod in enumerate(self.pods) if not pod.host_network for block in pod.addresses
        }
        return found

    def pod(self, at: int) -> Place:
        """Return a pod by its position."""
        return Place(int(self.classes.of_pod[at]), at, self.pods[at].node)

    def node(self, name: str) -> Place:
        """Return a node by name."""
        return Place(self.classes.pods + self.classes.of_node[name], None, name)

    def ended(self, name: str) -> bool:
        """Tell whether a name is that of a pod that has ended."""
        return name in self.engine.facts.ended and name not in self._by_name

    def find(self, name: str) -> list[Place]:
        """Return the ends that a name stands for.

        Parameters
        ----------
        name
            `Pod/namespace/name`, any workload, `Node//name`, `Namespace//name`, an address, a CIDR, or `internet`.

        Raises
        ------
        InputError
            Nothing has that name.
        """
        if found := self._by_name.get(name):
            return [self.pod(at) for at in found]
        if name == INTERNET:
            return [self.cell(at) for at, cell in enumerate(self.classes.cells) if cell.public]
        if name.startswith("Node//") and name.removeprefix("Node//") in self.classes.of_node:
            return [self.node(name.removeprefix("Node//"))]
        if block := parse_address(name):
            return [self._by_address.get(block) or self.cell(self.classes.cells.of(block)[0])]
        if is_cidr(name) and (block := parse_cidr(name)):
            return [self.cell(at) for at in self.classes.cells.of(block)]
        known = "Kind/namespace/name of a pod or workload, Node//name, Namespace//name, an address, a CIDR or internet"
        raise InputError(f"nothing in the snapshot is called {name!r}", "", f"give {known}")

    def known(self, name: str) -> list[Place]:
        """Return the pods that a name stands for; none where it is that of nothing, or of addresses."""
        return [self.pod(at) for at in self._by_name.get(name, [])]

    def cell(self, at: int) -> Place:
        """Return a cell of the outside world."""
        return Place(self.classes.pods + self.classes.nodes + at)

    def block(self, place: Place) -> str:
        """Return the block of a cell of the outside world, as it is written."""
        return str(self.classes.cells[place.number - self.engine.first_cell].block)

    def name(self, place: Place) -> str:
        """Return the name of an end."""
        if place.pod is not None:
            return self.pods[place.pod].object
        return f"Node//{place.node}" if place.node else self.label(place.number)

    def label(self, number: int) -> str:
        """Return the name of a class: its first pod, its first node, or its addresses."""
        if number < self.classes.pods:
            return self.pods[self.classes.members[number][0]].object
        if number < self.classes.pods + self.classes.nodes:
            return f"Node//{self.classes.node_members[number - self.classes.pods][0].name}"
        return str(self.classes.cells[number - self.classes.pods - self.classes.nodes])

    def host(self, place: Place) -> bool:
        """Tell whether an end is a node, or a pod on a node's network."""
        if place.pod is not None:
            return self.pods[place.pod].host_network
        return bool(place.node)
