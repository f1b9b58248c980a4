"""Who may open a connection to whom, for every pair of classes at once.

The policies that select a pod are its signature for a direction. For every signature there is one row: what it
decides of each class as a peer. A row is made by walking through the rules once: rules that match the same
classes lead them to the same state, so that what the policies decide is worked out once per state and not per
class. Decisions are numbered, and a flow is the decision that stands for both sides, looked up by their numbers.

Cost grows with signatures times classes; pods are only counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.reachability.classes import Classes, Uses
from hipaa_kit.graph.reachability.facts import Facts
from hipaa_kit.graph.reachability.matching import Kind, Matched, Matcher
from hipaa_kit.kube.network.decision import Chosen, Match, Plan, Planes, decide, gate, plan
from hipaa_kit.kube.network.ports import ContainerPort, Ports
from hipaa_kit.kube.network.rules import DIRECTIONS, EVERYONE, Direction, Doubt, Nodes, Policy, Rule

Numbers: TypeAlias = npt.NDArray[np.int32]
State: TypeAlias = tuple[Any, ...]
"""Rules that match a class, with how they do, after the number of its set of port names."""

SHARED = 16
"""A rule that so many signatures have is walked through once for all of them."""


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

    def __len__(self) -> int:
        """Return how many decisions there are."""
        return len(self.planes)


@dataclass(frozen=True)
class Signature:
    """What selects a pod for one direction: policies and doubts, surely or perhaps, and its port names.

    `own` says of rules that speak of a part of their policy's pods how they speak of this one.
    """

    policies: tuple[tuple[int, bool], ...]
    doubts: tuple[int, ...]
    names: int
    own: tuple[tuple[int, Kind], ...] = ()


@dataclass
class NumberedRule:
    """A rule with its policy and number."""

    number: int
    policy: Policy
    rule: Rule
    by_names: dict[int, Match] = field(default_factory=dict)


class Side:
    """One direction: signatures of the classes, and a row of decisions for each that is asked for."""

    def __init__(self, direction: Direction, engine: Engine) -> None:
        self.direction = direction
        self.engine = engine
        self.rules: list[NumberedRule] = []
        self.rule_numbers: list[tuple[int, ...]] = []
        for policy in engine.facts.policies:
            start = len(self.rules)
            held = policy.rules.get(direction, ())
            self.rules += [NumberedRule(start + at, policy, rule) for at, rule in enumerate(held)]
            self.rule_numbers.append(tuple(range(start, len(self.rules))))
        self.signatures: list[Signature] = []
        self.of_class = self._select()
        self._everyone = Kind(engine.matcher.both, 0)
        self._plans: dict[int, Plan] = {}
        self._shared = self._shared_rules()
        self._prefix: dict[tuple[int, ...], tuple[Numbers, list[State]]] = {}
        size = engine.classes.size
        self._rows: npt.NDArray[np.uint16] | npt.NDArray[np.uint32] = np.empty((len(self.signatures), size), np.uint16)
        self._done = np.zeros(len(self.signatures), dtype=bool)
        self._state_of: dict[tuple[int, int], State] = {}

    def _select(self) -> Numbers:
        """Return the signature of every class of pods; classes of equal signature share it."""
        classes, matcher = self.engine.classes, self.engine.matcher
        chosen: list[list[tuple[int, bool]]] = [[] for _ in range(classes.pods)]
        for number, policy in enumerate(self.engine.facts.policies):
            if not policy.touches(self.direction):
                continue
            for kind, index in _joined(matcher, policy.subject):
                for each in index.tolist():
                    chosen[each].append((number, kind))
        doubted: list[list[int]] = [[] for _ in range(classes.pods)]
        for number, doubt in enumerate(self.engine.facts.doubts):
            if self.direction in doubt.directions:
                for _, index in _joined(matcher, doubt.subject):
                    for each in index.tolist():
                        doubted[each].append(number)
        uses_names = {
            n for n, rules in enumerate(self.rule_numbers) if any(self.rules[r].rule.ports.every_name for r in rules)
        }
        narrowed = {
            n for n, rules in enumerate(self.rule_numbers) if any(self.rules[r].rule.own != EVERYONE for r in rules)
        }
        known: dict[Signature, int] = {}
        of_class = np.empty(classes.pods, dtype=np.int32)
        for each in range(classes.pods):
            named = self.direction == "ingress" and any(n in uses_names for n, _ in chosen[each])
            names = int(classes.names_of[each]) if named else 0
            own = [self._own(rule, each) for n, _ in chosen[each] if n in narrowed for rule in self.rule_numbers[n]]
            signature = Signature(tuple(chosen[each]), tuple(doubted[each]), names, tuple(own))
            of_class[each] = known.setdefault(signature, len(known))
        self.signatures = list(known)
        return of_class

    def _own(self, rule: int, number: int) -> tuple[int, Kind]:
        """Return a rule and how it speaks of a class of its policy's pods."""
        for kind, index in self.engine.matcher.peers(self.rules[rule].rule.own):
            if number in index:
                return rule, kind
        return rule, Kind(0, 0)

    def _shared_rules(self) -> frozenset[int]:
        count = Counter(rule for each in self.signatures for rule in self._numbers(each))
        return frozenset(rule for rule, times in count.items() if times >= SHARED)

    def _numbers(self, signature: Signature) -> list[int]:
        return [rule for policy, _ in signature.policies for rule in self.rule_numbers[policy]]

    def plan(self, number: int) -> Plan:
        """Return the order in which the rules of a signature are asked."""
        if number not in self._plans:
            signature, facts = self.signatures[number], self.engine.facts
            chosen = [Chosen(facts.policies[n], sure, self.rule_numbers[n]) for n, sure in signature.policies]
            self._plans[number] = plan(self.direction, chosen, [facts.doubts[n] for n in signature.doubts])
        return self._plans[number]

    def doubts(self, number: int) -> list[Doubt]:
        """Return the doubts that lie over a signature."""
        return [self.engine.facts.doubts[n] for n in self.signatures[number].doubts]

    def policies(self, number: int) -> list[tuple[Policy, bool]]:
        """Return the policies of a signature, with whether they surely select."""
        return [(self.engine.facts.policies[n], sure) for n, sure in self.signatures[number].policies]

    def matched(self, rule: int) -> Matched:
        """Return the classes that a rule's peers match."""
        return self.engine.matcher.peers(self.rules[rule].rule.peers)

    def ports(self, rule: int, names: int) -> Match:
        """Return the ports of a rule at a destination with a set of port names."""
        held = self.rules[rule]
        if not held.rule.ports.every_name:
            names = 0
        found = held.by_names.get(names)
        if found is None:
            found = held.by_names[names] = self.engine.resolve(held.rule, names)
        return found

    def rows(self, numbers: Sequence[int] | npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return the table of rows, in which those of some signatures, or of all, are filled."""
        wanted = np.arange(len(self.signatures)) if numbers is None else np.unique(np.asarray(numbers, dtype=np.int64))
        for number in wanted[~self._done[wanted]].tolist():
            row = self._row(number)
            if self._rows.dtype == np.uint16 and len(self.engine.palette) > 2**16:
                self._rows = self._rows.astype(np.uint32)
            self._rows[number] = row
            self._done[number] = True
        return self._rows

    def _row(self, number: int) -> npt.NDArray[Any]:
        state, whole = self._states(number)
        values = np.zeros(max(whole, default=0) + 1, dtype=np.int64)
        for each, rules in whole.items():
            values[each] = found = self._value(number, rules)
            self._state_of.setdefault((number, found), rules)
        return values[state]

    def states(self, number: int) -> list[State]:
        """Return every state in which a signature decides of some class: the rules that match it, and how."""
        return list(self._states(number)[1].values())

    def _states(self, number: int) -> tuple[Numbers, dict[int, State]]:
        """Return the number of the state of every class, and the states that there are."""
        signature = self.signatures[number]
        rules = self._numbers(signature)
        named = self.direction == "egress" and any(self.rules[rule].rule.ports.every_name for rule in rules)
        always = tuple((rule, self._everyone) for rule in rules if self.rules[rule].rule.peers == EVERYONE)
        rules = [rule for rule in rules if self.rules[rule].rule.peers != EVERYONE]
        common = tuple(rule for rule in rules if rule in self._shared)
        state, states = self._start(common, named)
        own = [rule for rule in rules if rule not in self._shared]
        if own:
            state, states = state.copy(), list(states)
            self._walk(own, state, states)
        present = np.flatnonzero(np.bincount(state, minlength=len(states)))
        return state, {each: (*states[each], *always) for each in present.tolist()}

    def _start(self, common: tuple[int, ...], named: bool) -> tuple[Numbers, list[State]]:
        """Return the states of all classes after the rules that many signatures share."""
        classes = self.engine.classes
        key = (*common, -1) if named else common
        if key not in self._prefix:
            if named:
                state = classes.names_of.copy()
                states: list[State] = [(at,) for at in range(len(classes.names))]
            else:
                state, states = np.zeros(classes.size, dtype=np.int32), [(0,)]
            self._walk(common, state, states)
            self._prefix[key] = state, states
        return self._prefix[key]

    def _walk(self, rules: Sequence[int], state: Numbers, states: list[State]) -> None:
        """Lead every class that a rule matches from its state to the next."""
        for rule in rules:
            for kind, index in self.matched(rule):
                now = state[index]
                present = np.flatnonzero(np.bincount(now, minlength=len(states)))
                after = np.zeros(len(states), dtype=np.int32)
                for each in present.tolist():
                    after[each] = len(states)
                    states.append((*states[each], (rule, kind)))
                state[index] = after[now]

    def _value(self, number: int, state: State) -> int:
        return self.engine.palette.number(decide(self.plan(number), self.matches(number, state), self.engine.every))

    def matches(self, number: int, state: State) -> dict[int, Match]:
        """Return the ports on which each rule of a signature matches, for a class in a state."""
        signature = self.signatures[number]
        names = signature.names if self.direction == "ingress" else state[0]
        if not signature.own:
            return {rule: self._match(rule, kind, names) for rule, kind in state[1:]}
        own, both = dict(signature.own), self._everyone
        return {rule: self._match(rule, _narrowed(kind, own.get(rule, both)), names) for rule, kind in state[1:]}

    def _match(self, rule: int, kind: Kind, names: int) -> Match:
        ports, atoms = self.ports(rule, names), self.engine.atoms
        if atoms.families == 1:
            surely, at_all = (-1 if kind.certain else 0), (-1 if kind.certain or kind.perhaps else 0)
        else:
            surely = _family_bits(self.engine, kind.certain)
            at_all = _family_bits(self.engine, kind.certain | kind.perhaps)
        certain = 0 if self.rules[rule].rule.doubt else ports.certain & surely
        return Match(certain, (ports.certain | ports.perhaps) & at_all & ~certain)

    def state(self, number: int, peer: int, local: bool = False) -> State:
        """Return which rules of a signature match one class, and how; `local` where it is the pod's own node."""
        signature = self.signatures[number]
        rules = self._numbers(signature)
        named = any(self.rules[rule].rule.ports.every_name for rule in rules)
        found: list[Any] = [int(self.engine.classes.names_of[peer]) if self.direction == "egress" and named else 0]
        for rule in rules:
            peers = self.rules[rule].rule.peers
            if local and any(isinstance(each, Nodes) and each.own for each in peers):
                found.append((rule, self._everyone))
                continue
            if local:
                peers = tuple(each for each in peers if not isinstance(each, Nodes) or each.own is None)
            for kind, index in self.engine.matcher.peers(peers):
                at = int(np.searchsorted(index, peer))
                if at < len(index) and index[at] == peer:
                    found.append((rule, kind))
        return tuple(found)

    def planes(self, number: int, peer: int, local: bool = False) -> tuple[Planes, State]:
        """Return what a signature decides of one class, without its row, and the state it rests on."""
        state = self.state(number, peer, local)
        matches = self.matches(number, state)
        return decide(self.plan(number), matches, self.engine.every), state

    def without(self, number: int, state: State, rule: int) -> Planes:
        """Return what a signature would decide in a state if one of its rules were not there."""
        matches = self.matches(number, state)
        matches.pop(rule, None)
        return decide(self.plan(number), matches, self.engine.every)

    def gate(self, number: int, peer: int) -> Planes:
        """Return what the mesh alone leaves of a signature's connections with one class."""
        matches = self.matches(number, self.state(number, peer))
        return gate(self.plan(number), matches, self.engine.every)

    def state_of(self, number: int, value: int) -> State:
        """Return one state in which a signature comes to a decision."""
        return self._state_of[number, value]


def _narrowed(kind: Kind, own: Kind) -> Kind:
    """Return how a rule matches a peer, narrowed by how it speaks of the pod itself."""
    certain = kind.certain & own.certain
    return Kind(certain, (kind.certain | kind.perhaps) & (own.certain | own.perhaps) & ~certain)


def _family_bits(engine: Engine, families: int) -> int:
    return sum(engine.atoms.family(at) for at in range(engine.atoms.families) if families >> at & 1)


def _joined(matcher: Matcher, subject: Sequence[Any]) -> Iterator[tuple[bool, Numbers]]:
    """Yield the classes that a subject surely selects, with True, and those it perhaps selects."""
    if len(subject) == 1:
        found = matcher.pods(subject[0])
        yield True, found.certain
        yield False, found.perhaps
        return
    parts = [matcher.pods(term) for term in subject]
    certain = np.unique(np.concatenate([part.certain for part in parts])) if parts else np.zeros(0, np.int32)
    perhaps = np.unique(np.concatenate([part.perhaps for part in parts])) if parts else np.zeros(0, np.int32)
    yield True, certain
    yield False, np.setdiff1d(perhaps, certain)


class Engine:
    """Flows between the classes of one cluster."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        uses = Uses.of(facts)
        self.classes = Classes(facts, uses)
        self.atoms = self.classes.atoms()
        self.every = self.atoms.everything
        self.palette = Palette(self.every)
        self.flows = Palette(self.every)
        self.matcher = Matcher(self.classes)
        self.ingress, self.egress = (Side(direction, self) for direction in DIRECTIONS)
        self._pairs: dict[int, int] = {}
        self.first_cell = self.classes.pods + self.classes.nodes

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
        every = self.shared(source, destination)
        found, behind = Planes(every, every), Planes(every, every)
        sides: tuple[tuple[Direction, int, int], ...] = (
            ("egress", source, destination),
            ("ingress", destination, source),
        )
        for direction, own, peer in sides:
            number = self.signature(direction, own)
            if number is not None:
                found &= self.side(direction).planes(number, peer, local)[0]
                behind &= self.side(direction).gate(number, peer) if local else behind
        if not local:
            return self._in_some_family(found) if self._no_address(source, destination) else found
        options = self.facts.options
        node = max(source, destination) >= self.classes.pods
        if options.node_local == "allowed" and (node or options.host_network == "plugin_typical"):
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
            bits, planes = _family_bits(self, each % 4), self.flows.planes[each // 4]
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
                return _family_bits(self, int(families[end]))
        return _family_bits(self, int(families[source] & families[destination]))
