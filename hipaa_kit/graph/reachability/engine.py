"""Who may open a connection to whom, for every pair of classes at once.

The policies that select a pod are its signature for a direction. For every signature there is one row: what it
decides of each class as a peer. A row is made by walking through the rules once: rules that match the same
classes lead them to the same state, so that what the policies decide is worked out once per state and not per
class. Decisions are numbered, and a flow is the decision that stands for both sides, looked up by their numbers.

Cost grows with signatures times classes; pods are only counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.reachability.classes import Classes, Uses
from hipaa_kit.graph.reachability.facts import Facts
from hipaa_kit.graph.reachability.matching import Matcher
from hipaa_kit.graph.reachability.sides import Numbers, Side, family_bits
from hipaa_kit.kube.network.decision import Match, Planes
from hipaa_kit.kube.network.ports import Atoms, ContainerPort, Ports
from hipaa_kit.kube.network.rules import DIRECTIONS, Direction, Rule


class Palette:
    """Decisions by number; the first is "everything is allowed"."""

    def __init__(self, every: int) -> None:
        self.planes = [Planes(every, every), Planes(0, 0)]
        self._number = {each: at for at, each in enumerate(self.planes)}

    def number(self, planes: Planes) -> int:
        """Return the number of a decision."""
        found = self._number.get(planes)
        if found is None:
            found = self._number[planes] = len(self.planes)
            self.planes.append(planes)
        return found

    def refined(self, atoms: Atoms, coarser: Atoms) -> Palette:
        """Return the same decisions, by the same numbers, where more ports are told apart."""
        found = Palette(atoms.everything)
        for planes in self.planes:
            found.number(Planes(*(atoms.refined(coarser, bits) for bits in planes)))
        return found

    def __len__(self) -> int:
        """Return how many decisions there are."""
        return len(self.planes)


class Engine:
    """Flows between the classes of one cluster.

    Parameters
    ----------
    facts
        What is known of the cluster.
    before
        Flows of the same cluster under other policies. Where all policies look at the same of pods, and at these ports
        and perhaps more, classes and decisions are the same ones, and what is decided by policies that stand is not
        decided again.
    """

    def __init__(self, facts: Facts, before: Engine | None = None) -> None:
        self.facts = facts
        uses = Uses.of(facts)
        if before is not None and not before._divides(facts, uses):
            before = None
        self.classes: Classes = before.classes if before else Classes(facts, uses)
        self.atoms: Atoms = before.atoms if before else self.classes.atoms()
        self.matcher: Matcher = before.matcher if before else Matcher(self.classes)
        self.palette: Palette = before.palette if before else Palette(self.atoms.everything)
        self.flows: Palette = before.flows if before else Palette(self.atoms.everything)
        self._pairs: dict[int, int] = before._pairs if before else {}
        if before is not None and self.classes.uses.ranges != uses.ranges:
            self.classes = before.classes.with_ranges(uses)
            self.atoms = self.classes.atoms()
            self.palette, self.flows = (each.refined(self.atoms, before.atoms) for each in (self.palette, self.flows))
            self._pairs = dict(before._pairs)
        self.every = self.atoms.everything
        self.ingress, self.egress = (
            Side(direction, self, before.side(direction) if before else None) for direction in DIRECTIONS
        )
        self.first_cell = self.classes.pods + self.classes.nodes

    def _divides(self, facts: Facts, uses: Uses) -> bool:
        """Tell whether classes of other facts are divided as those here, and ports as here or further."""
        held, own = self.classes.facts, self.classes.uses
        same = all(getattr(held, name) is getattr(facts, name) for name in ("pods", "nodes", "namespaces", "accounts"))
        ports = own.ranges <= uses.ranges
        return same and ports and held.options == facts.options and replace(uses, ranges=own.ranges) == own

    def side(self, direction: Direction) -> Side:
        """Return one direction."""
        return self.ingress if direction == "ingress" else self.egress

    def resolve(self, rule: Rule, names: int) -> Match:
        """Return the ports of a rule at a destination whose containers name ports.

        A name counts where the protocol is the same. One name for several numbers of one protocol is not
        defined: the rule perhaps matches each of them.
        """
        held = self._resolve(rule.ports, names)
        if rule.ports.without is None:
            return held
        cut = self._resolve(rule.ports.without, names)
        certain = held.certain & ~(cut.certain | cut.perhaps)
        return Match(certain, (held.certain | held.perhaps) & ~cut.certain & ~certain)

    def _resolve(self, ports: Ports, names: int) -> Match:
        certain, perhaps = self.atoms.bits(ports.ranges), 0
        declared = self.classes.names[names]
        for name in ports.names:
            numbers: dict[str, list[ContainerPort]] = defaultdict(list)
            for port in declared:
                if port.name == name.name and name.protocol in ("", port.protocol):
                    numbers[port.protocol].append(port)
            for found in numbers.values():
                bits = 0
                for port in found:
                    bits |= self.atoms.bit(port.protocol, port.number)
                if len({port.number for port in found}) == 1:
                    certain |= bits
                else:
                    perhaps |= bits
        return Match(certain, perhaps & ~certain)

    def signature(self, direction: Direction, number: int) -> int | None:
        """Return the signature of a class; None for nodes and the outside, which no policy selects."""
        return int(self.side(direction).of_class[number]) if number < self.classes.pods else None

    def tile(self, sources: npt.NDArray[Any], destinations: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the number of the flow between every source and every destination, by class."""
        out = self.values("egress", sources, destinations)
        into = self.values("ingress", destinations, sources).T
        return self.common_families(self.combined(out, into), sources, destinations)

    def values(self, direction: Direction, own: npt.NDArray[Any], peers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the number of the decision of each of some classes about each of their peers."""
        side = self.side(direction)
        inside = own < self.classes.pods
        values = np.zeros((len(own), len(peers)), dtype=np.int64)
        if inside.any():
            numbers = side.of_class[own[inside]]
            needed, back = np.unique(numbers, return_inverse=True)
            rows = side.rows(needed)
            values[inside] = rows[needed][:, peers][back]
        return values

    def each_value(
        self, direction: Direction, own: npt.NDArray[np.int64], peers: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the number of the decision of each of some classes about the peer in the same place."""
        side, inside = self.side(direction), own < self.classes.pods
        values = np.zeros(len(own), dtype=np.int64)
        numbers = side.of_class[own[inside]]
        values[inside] = side.rows(numbers)[numbers, peers[inside]]
        return values

    def combined(self, out: npt.NDArray[np.int64], into: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the number of the flow for every pair of decisions."""
        width = len(self.palette)
        pairs = out * width + into
        flat = pairs.ravel()
        if width * width <= 1 << 24:
            distinct = np.flatnonzero(np.bincount(flat, minlength=1))
            table = np.zeros(width * width, dtype=np.int32)
        else:
            distinct, flat = np.unique(flat, return_inverse=True)
            table = np.zeros(len(distinct), dtype=np.int32)
        for at, pair in enumerate(distinct.tolist()):
            place = pair if len(table) == width * width else at
            table[place] = self.flow(*divmod(pair, width))
        found: Numbers = table[flat].reshape(pairs.shape)
        return found

    def flow(self, out: int, into: int) -> int:
        """Return the number of the flow that two decisions make."""
        found = self._pairs.get(out << 32 | into)
        if found is None:
            planes = self.palette.planes
            found = self._pairs[out << 32 | into] = self.flows.number(planes[out] & planes[into])
        return found

    def between(self, source: int, destination: int, local: bool = False) -> Planes:
        """Return the flow between two classes.

        Parameters
        ----------
        source, destination
            Numbers of the classes.
        local
            They share a node, and one is the node itself or on its network: policies of the network give way, a
            mesh's do not. A pod on the node's network is the node only where the option says so.
        """
        every, options = self.shared(source, destination), self.facts.options
        node = local and max(source, destination) >= self.classes.pods
        past = local and options.node_local == "allowed" and (node or options.host_network == "plugin_typical")
        found, behind = Planes(every, every), Planes(every, every)
        sides: tuple[tuple[Direction, int, int], ...] = (
            ("egress", source, destination),
            ("ingress", destination, source),
        )
        for direction, own, peer in sides:
            number = self.signature(direction, own)
            if number is not None:
                if not past:
                    found &= self.side(direction).planes(number, peer, local)[0]
                behind &= self.side(direction).gate(number, peer) if local else behind
        if not local:
            return self._in_some_family(found) if self._no_address(source, destination) else found
        if past:
            return behind
        return Planes(found.sure & behind.sure, behind.possible)

    def common_families(self, flows: Numbers, sources: npt.NDArray[Any], destinations: npt.NDArray[Any]) -> Numbers:
        """Return flows without the address families that the two ends do not share.

        An address outside has one family; whether a pod has an address of it is not for policies to say.
        """
        if self.atoms.families == 1:
            return flows
        left, right = self.classes.families_of[sources][:, None], self.classes.families_of[destinations][None, :]
        outside = np.where(right_outside := (destinations >= self.first_cell)[None, :], right, left)
        either = (sources >= self.first_cell)[:, None] | right_outside
        families = np.where(either, outside, left & right)
        open_ = self.classes.unaddressed
        families = np.where(open_[sources][:, None] & open_[destinations][None, :], 0, families)
        code = flows * 4 + families
        distinct, back = np.unique(code, return_inverse=True)
        found = []
        for each in distinct.tolist():
            bits, planes = family_bits(self, each % 4), self.flows.planes[each // 4]
            shared = Planes(planes.sure & bits, planes.possible & bits) if each % 4 else self._in_some_family(planes)
            found.append(self.flows.number(shared))
        return np.array(found, dtype=np.int32)[back].reshape(flows.shape)

    def _no_address(self, source: int, destination: int) -> bool:
        """Tell whether of neither end an address is known, so that nothing says in which family they will meet."""
        open_ = self.classes.unaddressed
        return self.atoms.families > 1 and bool(open_[source] and open_[destination])

    def _in_some_family(self, planes: Planes) -> Planes:
        """Return what is allowed whichever family it will be, and what is in one of them."""
        atoms = self.atoms
        sure, possible = atoms.one_family, 0
        for at in range(atoms.families):
            sure &= planes.sure >> atoms.size * at
            possible |= planes.possible >> atoms.size * at & atoms.one_family
        spread = sum(1 << atoms.size * at for at in range(atoms.families))
        return Planes(sure * spread, possible * spread)

    def shared(self, source: int, destination: int) -> int:
        """Return the bits of the address families that two classes share."""
        if self.atoms.families == 1:
            return self.every
        families = self.classes.families_of
        for end in (source, destination):
            if end >= self.first_cell:
                return family_bits(self, int(families[end]))
        return family_bits(self, int(families[source] & families[destination]))
