"""One direction: the policies that select each class, and what they decide of every class as a peer.

The policies that select a pod are its signature for a direction. A row of decisions is made for each signature by
walking through its rules once: rules that match the same classes lead them to the same state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.reachability.matching import Kind, Matched, Matcher
from hipaa_kit.kube.network.decision import Chosen, Match, Plan, Planes, decide, gate, plan
from hipaa_kit.kube.network.rules import EVERYONE, MESH, Direction, Doubt, Nodes, Policy, Rule

if TYPE_CHECKING:
    from hipaa_kit.graph.reachability.engine import Engine

Numbers: TypeAlias = npt.NDArray[np.int32]
State: TypeAlias = tuple[Any, ...]
"""Rules that match a class, with how they do, after the number of its set of port names."""

SHARED: Final = 16
"""A rule that so many signatures have is walked through once for all of them."""


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

    def __init__(self, direction: Direction, engine: Engine, before: Side | None = None) -> None:
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
        if before is not None:
            self._take_over(before)

    def _take_over(self, before: Side) -> None:
        """Take the rows of signatures that were there before, made of equal classes and numbered decisions.

        A row is walked through in the order of its rules, those that many signatures share first. Only where all of
        this is the same are its states the same, of which the first one tells why a decision is not known.
        """
        place = {id(policy): at for at, policy in enumerate(before.engine.facts.policies)}
        policies = [place.get(id(policy), -1) for policy in self.engine.facts.policies]
        doubt = {each: at for at, each in enumerate(before.engine.facts.doubts)}
        doubts = [doubt.get(each, -1) for each in self.engine.facts.doubts]
        now, was = self._rule_places(policies, before)
        known = {signature: number for number, signature in enumerate(before.signatures)}
        taken: dict[int, int] = {}
        for number, each in enumerate(self.signatures):
            chosen = tuple((policies[at], sure) for at, sure in each.policies)
            own = tuple((int(was[rule]), kind) for rule, kind in each.own)
            found = known.get(Signature(chosen, tuple(doubts[at] for at in each.doubts), each.names, own))
            if found is not None and before._done[found] and self._shares_alike(each, was, before):
                taken[found] = number
        old, new = (np.fromiter(each, np.int64, len(taken)) for each in (taken.keys(), taken.values()))
        if before._rows.dtype == np.uint32:
            self._rows = self._rows.astype(np.uint32)
        self._rows[new], self._done[new] = before._rows[old], True
        for (number, value), state in before._state_of.items():
            if number in taken:
                rules = ((int(now[rule]), kind) for rule, kind in state[1:])
                self._state_of[taken[number], value] = (state[0], *rules)

    def _rule_places(self, policies: Sequence[int], before: Side) -> tuple[Numbers, Numbers]:
        """Return the number of each rule from before, and the number from before of each rule; -1 where it has none.

        `policies` has the number from before of each policy.
        """
        now, was = (np.full(len(side.rules), -1, dtype=np.int32) for side in (before, self))
        for mine, theirs in enumerate(policies):
            if theirs >= 0:
                held, old = self.rule_numbers[mine], before.rule_numbers[theirs]
                now[list(old)], was[list(held)] = held, old
        return now, was

    def _shares_alike(self, signature: Signature, was: Numbers, before: Side) -> bool:
        """Tell whether the same rules of a signature are walked through for many at once as before."""
        return all((rule in self._shared) == (int(was[rule]) in before._shared) for rule in self._numbers(signature))

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
            surely = family_bits(self.engine, kind.certain)
            at_all = family_bits(self.engine, kind.certain | kind.perhaps)
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
        if not self._meshed(number):
            return Planes(self.engine.every, self.engine.every)
        matches = self.matches(number, self.state(number, peer))
        return gate(self.plan(number), matches, self.engine.every)

    def _meshed(self, number: int) -> bool:
        """Tell whether a policy of the mesh lies over a signature, or something that may stand in the place of one."""
        stages = [policy.stage for policy, _ in self.policies(number)]
        stages += [doubt.stage for doubt in self.doubts(number) if doubt.stage is not None]
        gated = any(doubt.effect == "gate" for doubt in self.doubts(number))
        return gated or any(stage.chain == MESH.chain for stage in stages)

    def state_of(self, number: int, value: int) -> State:
        """Return one state in which a signature comes to a decision."""
        return self._state_of[number, value]


def _narrowed(kind: Kind, own: Kind) -> Kind:
    """Return how a rule matches a peer, narrowed by how it speaks of the pod itself."""
    certain = kind.certain & own.certain
    return Kind(certain, (kind.certain | kind.perhaps) & (own.certain | own.perhaps) & ~certain)


def family_bits(engine: Engine, families: int) -> int:
    """Return the bits of the ports of some address families, which are given as bits themselves."""
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
