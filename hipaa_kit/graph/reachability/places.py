"""The ends of a connection as people name them: pods, workloads, nodes, namespaces, addresses, the internet."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

from hipaa_kit.errors import InputError
from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.kube.network.addresses import Block, is_cidr, parse_address, parse_cidr
from hipaa_kit.kube.owners import parse_object_id

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
        self._by_name: dict[str, tuple[dict[str, int], dict[str, list[int]]]] = {}

    def _named(self, name: str) -> list[int]:
        """Return the positions of the pods that a name stands for; of names, only its namespace's are indexed.

        Whoever asks for one pair of a hundred thousand pods does not wait for an index of all.
        """
        kind, namespace, rest = parse_object_id(name)
        if kind == "Namespace" and not namespace:
            return self._inside(rest)
        if namespace not in self._by_name:
            self._by_name[namespace] = self._index(namespace)
        alone, more = self._by_name[namespace]
        return sorted([*([alone[name]] if name in alone else ()), *more.get(name, ())])

    def _index(self, namespace: str) -> tuple[dict[str, int], dict[str, list[int]]]:
        """Return the pods of a namespace by their own names, and by others that they go by.

        Own names have no lists: so many of them would set the collector of garbage to work on everything else.
        """
        alone: dict[str, int] = {}
        more: dict[str, list[int]] = defaultdict(list)
        for at in self._inside(namespace):
            name, workload = self.pods[at].object, self.pods[at].workload
            if name in alone:
                more[name].append(at)
            else:
                alone[name] = at
            if workload and workload != name:
                more[workload].append(at)
        return alone, more

    def _inside(self, namespace: str) -> list[int]:
        """Return the positions of the pods of a namespace, in order."""
        numbers = self.classes.inside.get(namespace, ())
        return sorted(at for number in numbers for at in self.classes.members[number])

    @cached_property
    def _pod_at(self) -> dict[Block, int]:
        """Positions of pods by address; the last of several that say they have the same."""
        return {block: at for at, pod in enumerate(self.pods) if not pod.host_network for block in pod.addresses}

    @cached_property
    def _node_at(self) -> dict[Block, str]:
        return {block: node.name for node in self.engine.facts.nodes for block in node.addresses}

    def _at(self, block: Block) -> Place:
        """Return the pod, else the node, else the cell of the outside world that has an address."""
        if block in self._pod_at:
            return self.pod(self._pod_at[block])
        if block in self._node_at:
            return self.node(self._node_at[block])
        return self.cell(self.classes.cells.of(block)[0])

    def pod(self, at: int) -> Place:
        """Return a pod by its position."""
        return Place(int(self.classes.of_pod[at]), at, self.pods[at].node)

    def node(self, name: str) -> Place:
        """Return a node by name."""
        return Place(self.classes.pods + self.classes.of_node[name], None, name)

    def ended(self, name: str) -> bool:
        """Tell whether a name is that of a pod that has ended."""
        return name in self.engine.facts.ended and not self._named(name)

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
        if found := self.known(name):
            return found
        if name == INTERNET:
            return [self.cell(at) for at, cell in enumerate(self.classes.cells) if cell.public]
        if name.startswith("Node//") and name.removeprefix("Node//") in self.classes.of_node:
            return [self.node(name.removeprefix("Node//"))]
        if block := parse_address(name):
            return [self._at(block)]
        if is_cidr(name) and (block := parse_cidr(name)):
            return [self.cell(at) for at in self.classes.cells.of(block)]
        known = "Kind/namespace/name of a pod or workload, Node//name, Namespace//name, an address, a CIDR or internet"
        raise InputError(f"nothing in the snapshot is called {name!r}", "", f"give {known}")

    def known(self, name: str) -> list[Place]:
        """Return the pods that a name stands for; none where it is that of nothing, or of addresses."""
        return [self.pod(at) for at in self._named(name)]

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
