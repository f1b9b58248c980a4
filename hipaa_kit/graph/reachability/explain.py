"""Why a connection is allowed, denied or not known: the deciding rule on both sides, and what would change it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.places import Place, Places
from hipaa_kit.graph.reachability.sides import NumberedRule, Side, State
from hipaa_kit.kube.network.decision import Match, StagePlan, rules_in_order
from hipaa_kit.kube.network.rules import Addresses, Combined, Direction, Outside, Pods
from hipaa_kit.tables.reachability import FLOW_STEPS


@dataclass(frozen=True)
class Asked:
    """One rule that has a say, and how."""

    stage: str
    policy: str
    rule: int | None
    action: str
    matches: str
    decides: bool
    detail: str


@dataclass(frozen=True)
class Decision:
    """What one side decides of a connection, and on what it rests.

    Parameters
    ----------
    direction
        `egress` of the source, or `ingress` of the destination.
    verdict
        What this side says.
    because
        `rule`, `no_rule` (selected, and no rule matches), `default` (no policy decides), `doubt`,
        `outside` (no policy governs this end), `self`, `node`, `family`, `not_enforced`.
    policies
        Policies that select the pod; those that only perhaps do end in `?`.
    steps
        Rules that match, in order, and what ends the decision.
    reason
        One sentence.
    change
        What would have to change for another verdict.
    """

    direction: Direction
    verdict: str
    because: str
    policies: tuple[str, ...]
    steps: tuple[Asked, ...]
    reason: str
    change: str


@dataclass(frozen=True)
class Explanation:
    """Why a connection is allowed, denied or not known."""

    source: str
    destination: str
    protocol: str
    port: int
    verdict: str
    enforcement: str
    sides: tuple[Decision, ...]

    def table(self) -> pd.DataFrame:
        """Return table `flow_steps`: one row per rule or default that has a say."""
        return FLOW_STEPS.frame(
            {"direction": side.direction, "step": at, **vars(step)}
            for side in self.sides
            for at, step in enumerate(side.steps)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values, for JSON."""
        return {
            **{name: value for name, value in vars(self).items() if name != "sides"},
            "sides": [
                {**vars(side), "policies": list(side.policies), "steps": [vars(step) for step in side.steps]}
                for side in self.sides
            ],
        }

    def __str__(self) -> str:
        """Return the explanation in sentences."""
        lines = [f"{self.source} to {self.destination} on {self.protocol} {self.port}: {self.verdict}"]
        lines += [f"  {side.direction}: {side.verdict}, {side.reason}" for side in self.sides]
        changes = [side for side in self.sides if side.change and side.verdict == self.verdict]
        lines += [f"  for another verdict at {side.direction}: {side.change}" for side in changes]
        return "\n".join([*lines, f"  enforcement: {self.enforcement}"])


class Explainer:
    """Explains what one side of a connection decides."""

    def __init__(self, engine: Engine, places: Places) -> None:
        self.engine, self.places = engine, places

    def side(self, direction: Direction, own: Place, peer: Place, bit: int) -> Decision:
        """Return what the policies of one end decide of the other on some ports.

        Parameters
        ----------
        direction
            Side asked.
        own, peer
            The end whose policies are asked, and the other.
        bit
            The port, as bits of the engine's atoms.
        """
        number = self.engine.signature(direction, own.number)
        name = self.places.name(own)
        if number is None:
            reason = f"no policy governs {name}"
            return Decision(direction, "allowed", "outside", (), (_end("", "allow", reason),), reason, "")
        side = self.engine.side(direction)
        planes, state = side.planes(number, peer.number)
        verdict = "allowed" if planes.sure & bit else "unknown" if planes.possible & bit else "denied"
        matches = side.matches(number, state)
        policies = tuple(f"{policy.object}{'' if sure else '?'}" for policy, sure in side.policies(number))
        walk = _Walk(side, number, matches, bit)
        because, reason = walk.why(verdict, state)
        change = self._change(direction, verdict, because, walk, peer)
        return Decision(direction, verdict, because, policies, tuple(walk.steps), reason, change)

    def _change(self, direction: Direction, verdict: str, because: str, walk: _Walk, peer: Place) -> str:
        peers = "from" if direction == "ingress" else "to"
        other = self.places.name(peer)
        if verdict == "unknown":
            return "see to it that the reason above can be settled"
        if verdict == "denied" and because == "rule":
            return f"take {other} out of {walk.decisive['deny']}, or allow it in a rule that stands before"
        if verdict == "denied":
            isolating = ", ".join(walk.isolating) or "the policies"
            return f"add a rule {peers} {other} to one of {isolating}, or a policy with such a rule"
        if because == "rule":
            return f"take {other} out of {', '.join(walk.allowing)}"
        return f"add a policy that selects the pod for {direction} and has no rule {peers} {other}"


class _Walk:
    """Asks the rules of one side in order, and keeps those that match."""

    def __init__(self, side: Side, number: int, matches: dict[int, Match], bit: int) -> None:
        self.side, self.number = side, number
        self.matches, self.bit = matches, bit
        self.steps: list[Asked] = []
        self.allowing: list[str] = []
        self.isolating: list[str] = []
        self.decisive = {"allow": "", "deny": ""}
        self.ended = ""
        for chain in side.plan(number).chains:
            for stage in chain:
                steps = rules_in_order(stage)
                if self._stage(stage, [step.rule for step in steps], {step.rule: step.certain for step in steps}):
                    break

    def _stage(self, stage: StagePlan, rules: list[int], sure: dict[int, bool]) -> bool:
        """Ask the rules of a stage; tell whether it decides, as far as rules can."""
        decided = False
        for rule in rules:
            match = self.matches.get(rule)
            if match is None or not (match.certain | match.perhaps) & self.bit:
                continue
            held = self.side.rules[rule]
            certain = bool(match.certain & self.bit) and sure[rule]
            decides = certain and not decided
            self.steps.append(_asked(stage, held, "yes" if certain else "perhaps", decides))
            if held.rule.action == "allow" and (certain or not decided):
                self.allowing.append(_named(held))
            if decides and held.rule.action == "pass":
                return False
            if decides:
                self.decisive[held.rule.action], decided = _named(held), True
            if decided and not stage.union:
                return True
        if decided:
            return True
        policies = [policy.object for policy, _ in self.side.policies(self.number) if policy.stage == stage.stage]
        if stage.ends != "next":
            self.isolating = policies
            self.ended = f"selected by {', '.join(policies)}, and no rule matches"
            self.steps.append(_end(stage.stage.name, "deny", self.ended, "yes" if stage.ends == "deny" else "perhaps"))
        return stage.ends == "deny"

    def why(self, verdict: str, state: State) -> tuple[str, str]:
        """Return on what the verdict rests, as a word and as a sentence."""
        if verdict == "unknown":
            reasons = list(dict.fromkeys(reasons_of(self.side, self.number, state)))
            return "doubt", "; ".join(reasons) or "a rule may or may not match"
        if verdict == "denied" and self.ended:
            return "no_rule", self.ended
        decisive = self.decisive["deny" if verdict == "denied" else "allow"]
        if decisive:
            return "rule", f"by {decisive}"
        self.steps.append(_end("", "allow", "no policy decides: the default is to allow"))
        return "default", "no policy decides: the default is to allow"


def _named(held: NumberedRule) -> str:
    return f"rule {held.rule.index} of {held.policy.object}"


def _asked(stage: StagePlan, held: NumberedRule, matches: str, decides: bool) -> Asked:
    rule = held.rule
    detail = f"{rule}; {rule.note}" if rule.note else str(rule)
    return Asked(stage.stage.name, held.policy.object, rule.index, rule.action, matches, decides, detail)


def _end(stage: str, action: str, detail: str, matches: str = "yes") -> Asked:
    return Asked(stage, "", None, action, matches, matches == "yes", detail)


def reasons_of(side: Side, number: int, state: State) -> Iterator[str]:
    """Yield why a signature's decision is not known, for a class in a state."""
    yield from (doubt.reason for doubt in side.doubts(number))
    for policy, sure in side.policies(number):
        if not sure:
            yield f"it is not known whether {policy.object} selects the pod: {_why_selected(policy.subject)}"
    tied: dict[tuple[str, float], set[str]] = defaultdict(set)
    for rule, kind in state[1:]:
        held = side.rules[rule]
        if held.rule.doubt:
            yield f"{_named(held)}: {held.rule.doubt}"
        elif kind.perhaps:
            yield f"{_named(held)}: {_why_matched(held.rule.peers)}"
        elif held.rule.ports.every_name and side.ports(rule, _names(side, number, state)).perhaps:
            yield f"{_named(held)}: the name of a container's port stands for several numbers"
        if held.policy.stage.ties:
            tied[held.policy.stage.name, held.policy.order[0]].add(held.policy.object)
    for (stage, priority), policies in sorted(tied.items()):
        if len(policies) > 1:
            yield f"{', '.join(sorted(policies))} have the same priority {priority:g} in tier {stage}"
    if len({policy.family for policy, _ in side.policies(number) if policy.stage.ties}) > 1:
        yield "the order between AdminNetworkPolicy and ClusterNetworkPolicy is not defined"


def _names(side: Side, number: int, state: State) -> int:
    return side.signatures[number].names if side.direction == "ingress" else int(state[0])


def _why_selected(subject: Iterable[Pods]) -> str:
    terms = list(subject)
    if any(term.meshed for term in terms):
        return "whether a mesh's proxy stands before the pod cannot be seen"
    if all(term.namespace for term in terms):
        return "what policies make of pods on the host's network is not defined"
    return "labels of its namespace are not known, or it is on the host's network"


def _why_matched(peers: Iterable[Any]) -> str:
    reasons = []
    for peer in peers:
        if isinstance(peer, Combined):
            reasons.append(
                _why_matched([each for part in (*peer.all_of, peer.none_of, peer.doubtful) for each in part])
            )
        elif isinstance(peer, Addresses):
            reasons.append(f"it is not known whether {peer} meets this peer by its address")
        elif isinstance(peer, Outside) and peer.doubt:
            reasons.append(f"{peer.doubt} are not known")
        elif isinstance(peer, Pods):
            reasons.append(
                "labels of the peer's namespace, or what a peer on the host's network counts as, are not known"
            )
    return "; ".join(dict.fromkeys(reasons))
