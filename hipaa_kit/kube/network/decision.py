"""What the policies that select a pod decide together, exactly, with what is not known carried along.

Every decision is two sets of ports: `sure`, allowed however the doubts resolve, and `possible`, allowed in at
least one resolution. Allowed is what lies in both, denied what lies in neither, unknown what lies in `possible`
alone. Stages are folded from the last to the first.

Source: https://network-policy-api.sigs.k8s.io/api-overview/, and the API types of ClusterNetworkPolicy for
equal priorities: "the implementation can apply any of the matching policies to the connection".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from hipaa_kit.kube.network.rules import DIRECTIONS, MESH, NETWORK, Action, Direction, Doubt, Policy, Rule, Stage


class Planes(NamedTuple):
    """Ports that are surely and possibly allowed."""

    sure: int
    possible: int

    def __and__(self, other: Planes) -> Planes:
        """Return what both sides allow."""
        return Planes(self.sure & other.sure, self.possible & other.possible)


class Match(NamedTuple):
    """Ports on which a rule surely, and on which it only perhaps, matches a peer."""

    certain: int
    perhaps: int


NO_MATCH = Match(0, 0)


UNSEEN = -1
"""Number of a rule that was not seen, and may match anything."""

_UNSEEN = Policy(
    "NetworkPolicy/*/*",
    (),
    NETWORK,
    (1_000.0,),
    {"ingress": (Rule(0, "allow"),), "egress": (Rule(0, "allow"),)},
    frozenset(DIRECTIONS),
    "NetworkPolicy",
)


class Step(NamedTuple):
    """One rule in the order in which rules are asked."""

    rule: int
    action: Action
    certain: bool


@dataclass(frozen=True)
class Either:
    """Sequences of which any may be asked first."""

    members: tuple[Sequence_, ...]


@dataclass(frozen=True)
class Perhaps:
    """The rules of a policy of which it is not known whether it selects the pod: all of them count, or none."""

    steps: tuple[Step, ...]


Sequence_: TypeAlias = tuple["Step | Either | Perhaps", ...]


class Outcome(NamedTuple):
    """Ports on which a sequence of rules can allow, can deny, and can decide nothing."""

    allow: int
    deny: int
    fall: int


@dataclass(frozen=True)
class StagePlan:
    """One stage as it stands for one pod and direction.

    `ends` says what happens where no rule matches; `union` holds where every policy isolates and only allows,
    so that their order has no meaning: then `members` are the rules of each policy, with its certainty. `loose` are
    the rules of each policy that perhaps selects the pod and then isolates it. `narrowed` are rules that may match
    less than they seem to.
    """

    stage: Stage
    steps: Sequence_
    ends: Literal["deny", "perhaps", "next"]
    union: bool
    members: tuple[tuple[bool, tuple[Step, ...]], ...]
    loose: tuple[tuple[Step, ...], ...] = ()
    doubt: Literal["", "both", "gate", "adds", "unites"] = ""
    narrowed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Plan:
    """Every stage of one pod and direction, by chain, first to last, and what doubts lie over all of them.

    `unordered` where Cilium's policies, in the stage of NetworkPolicy, stand beside those of administrators: which
    go first is not written anywhere.
    """

    chains: tuple[tuple[StagePlan, ...], ...]
    doubt: Literal["", "both", "gate"] = ""
    unordered: bool = False


class Chosen(NamedTuple):
    """A policy that selects a pod, or perhaps does, and the numbers of its rules in the direction asked."""

    policy: Policy
    certain: bool
    rules: tuple[int, ...]


def plan(direction: Direction, chosen: Sequence[Chosen], doubts: Sequence[Doubt] = ()) -> Plan:
    """Return the order in which rules are asked for one pod and direction.

    Parameters
    ----------
    direction
        Direction of the connection, seen from the pod.
    chosen
        Policies that select it and touch the direction.
    doubts
        Doubts that lie over it.
    """
    stages: dict[Stage, list[Chosen]] = defaultdict(list)
    for each in chosen:
        stages[each.policy.stage].append(each)
    for doubt in doubts:
        if doubt.stage is not None:
            stages.setdefault(doubt.stage, [])
    if any(each.policy.family == "calico" for each in stages.get(NETWORK, [])):
        # Among Calico's policies another NetworkPolicy has its place in the order, and decides nothing before it.
        if any(doubt.effect == "adds" for doubt in doubts):
            stages[NETWORK].append(Chosen(_UNSEEN, False, (UNSEEN,)))
        doubts = [doubt for doubt in doubts if doubt.effect != "adds"]
    chains: dict[str, list[StagePlan]] = defaultdict(list)
    for stage in sorted(stages):
        inside = [doubt.effect for doubt in doubts if doubt.stage == stage]
        chains[stage.chain].append(_stage_plan(direction, stage, stages[stage], inside))
    over = {doubt.effect for doubt in doubts if doubt.stage is None}
    worst: Literal["", "both", "gate"] = "both" if over - {"gate"} else "gate" if over else ""
    unordered = any(each.policy.family == "cilium" for each in chosen)
    return Plan(tuple(tuple(found) for _, found in sorted(chains.items())), worst, unordered)


def _stage_plan(direction: Direction, stage: Stage, chosen: list[Chosen], doubts: Sequence[str]) -> StagePlan:
    isolating = [each.certain for each in chosen if direction in each.policy.isolates]
    ends: Literal["deny", "perhaps", "next"] = "deny" if any(isolating) else "perhaps" if isolating else "next"
    members = tuple((each.certain, _steps(direction, each)) for each in chosen)
    union = len(isolating) == len(chosen) and all(s.action == "allow" for _, steps in members for s in steps)
    doubt: Literal["", "both", "gate", "adds", "unites"] = ""
    if alike := set(doubts) - {"narrows"}:
        doubt = "unites" if alike <= {"adds", "gate", "unites"} else "both"
        if alike in ({"gate"}, {"adds"}):
            doubt = "gate" if alike == {"gate"} else "adds"
        if doubt == "unites" and any(each.policy.family == "calico" for each in chosen):
            doubt = "both"
    narrowed = [each for each in chosen if each.policy.family == "cilium"] if "narrows" in doubts else []
    denials = frozenset(s.rule for each in narrowed for s in _steps(direction, each) if s.action == "deny")
    loose = tuple(
        tuple(step._replace(certain=True) for step in steps)
        for each, (_, steps) in zip(chosen, members, strict=True)
        if direction in each.policy.isolates and not each.certain
    )
    return StagePlan(stage, _in_order(direction, stage, chosen), ends, union, members, loose, doubt, denials)


def _steps(direction: Direction, chosen: Chosen) -> tuple[Step, ...]:
    rules = chosen.policy.rules.get(direction, ())
    return tuple(Step(n, rule.action, chosen.certain) for n, rule in zip(chosen.rules, rules, strict=True))


def _asked(direction: Direction, chosen: Chosen) -> Sequence_:
    """Return the rules of a policy as they are asked in an order: together, where it perhaps selects the pod."""
    steps = _steps(direction, chosen)
    if chosen.certain or chosen.policy is _UNSEEN:
        return steps
    return (Perhaps(tuple(step._replace(certain=True) for step in steps)),)


def _in_order(direction: Direction, stage: Stage, chosen: list[Chosen]) -> Sequence_:
    families = {each.policy.family for each in chosen}
    if stage.ties and len(families) > 1:
        parts = [[each for each in chosen if each.policy.family == family] for family in sorted(families)]
        return (Either(tuple(_in_order(direction, stage, part) for part in parts)),)
    found: list[Step | Either | Perhaps] = []
    in_order = sorted(chosen, key=lambda each: (each.policy.order, each.policy.tie or each.policy.object))
    for _, group in groupby(in_order, key=lambda each: each.policy.order):
        held = list(group)
        mixed = families > {"calico"}
        sequences = _sequences(direction, held) if mixed else [_asked(direction, each) for each in held]
        if (stage.ties or mixed) and len(sequences) > 1:
            found.append(Either(tuple(sequences)))
        else:
            found += [step for steps in sequences for step in steps]
    return tuple(found)


def _sequences(direction: Direction, chosen: list[Chosen]) -> list[Sequence_]:
    """Return the rules of equal order, of Calico and of others: which goes first differs between versions."""
    ours = [each for each in chosen if each.policy.family == "calico"]
    others = [each for each in chosen if each.policy.family != "calico"]
    parts = [tuple(step for each in part for step in _asked(direction, each)) for part in (ours, others) if part]
    return [part for part in parts if part]


def gate(plan: Plan, matches: Mapping[int, Match], every: int) -> Planes:
    """Return what is left of a pod's connections by what is not the network's own policy: by the mesh."""
    result = Planes(every, every)
    for chain in plan.chains:
        if chain and chain[0].stage.chain == MESH.chain:
            result &= _decide_chain(chain, matches, every)
    return Planes(0, result.possible) if plan.doubt == "gate" else result


def decide(plan: Plan, matches: Mapping[int, Match], every: int) -> Planes:
    """Return what a pod's policies decide of its connections with one peer.

    Parameters
    ----------
    plan
        The order in which rules are asked.
    matches
        Ports on which each rule matches the peer, by the rule's number; one that is not there does not match.
    every
        Every port there is.
    """
    result = Planes(every, every)
    for chain in plan.chains:
        decided = _decide_chain(chain, matches, every)
        if plan.unordered and len(chain) > 1:
            other = _decide_chain(sorted(chain, key=lambda each: each.stage != NETWORK), matches, every)
            decided = Planes(decided.sure & other.sure, decided.possible | other.possible)
        result &= decided
    if plan.doubt:
        return Planes(0, every if plan.doubt == "both" else result.possible)
    return result


def _decide_chain(chain: Sequence[StagePlan], matches: Mapping[int, Match], every: int) -> Planes:
    decided = Planes(every, every)
    for stage in reversed(chain):
        decided = _decide_stage(stage, matches, decided, every)
    return decided


def _decide_stage(stage: StagePlan, matches: Mapping[int, Match], after: Planes, every: int) -> Planes:
    if narrowed := stage.narrowed & matches.keys():
        matches = {**matches, **{rule: Match(0, matches[rule].certain | matches[rule].perhaps) for rule in narrowed}}
    if stage.union:
        decided = _united(stage, matches, after, every)
        ruled = decided.sure if stage.ends == "deny" else 0
    else:
        outcome = _outcome(stage.steps, matches, after, every)
        ruled = every & ~outcome.deny & ~outcome.fall
        rest = after if stage.ends == "next" else Planes(0, 0)
        if stage.ends == "perhaps":
            # Where a policy's rules surely decide if it selects the pod, whatever falls through was not selected by it.
            unmatched = 0
            for steps in stage.loose:
                unmatched |= _outcome(steps, matches, after, every).fall
            rest = Planes(after.sure & ~unmatched, after.possible)
        sure = every & ~outcome.deny & (~outcome.fall | rest.sure)
        decided = Planes(sure, outcome.allow | (outcome.fall & rest.possible))
    if stage.doubt == "adds":
        # One more policy may isolate the pod: what rules surely allow stands, what no rule decides does not.
        return Planes(ruled, every & ~_denied(stage, matches))
    if stage.doubt == "gate":
        return Planes(0, decided.possible)
    if stage.doubt == "unites":
        return Planes(0, every & ~_denied(stage, matches))
    return Planes(0, every) if stage.doubt else decided


def _denied(stage: StagePlan, matches: Mapping[int, Match]) -> int:
    """Return what rules of a stage surely deny, in which denials go before all else."""
    found = 0
    for step in rules_in_order(stage):
        if step.action == "deny" and step.certain:
            found |= matches.get(step.rule, NO_MATCH).certain
    return found


def _united(stage: StagePlan, matches: Mapping[int, Match], after: Planes, every: int) -> Planes:
    """Return what policies allow that only allow, where a pod that one of them selects is isolated.

    A policy of which it is not known whether it selects the pod adds nothing certain to a pod that another
    one isolates. Where none surely does, what is allowed without any and by each alone is allowed surely.
    """
    sure, possible = 0, 0
    isolated = stage.ends == "deny"
    each_alone = after.sure
    for certain, steps in stage.members:
        allowed, perhaps = 0, 0
        for step in steps:
            match = Match(0, every) if step.rule == UNSEEN else matches.get(step.rule, NO_MATCH)
            allowed |= match.certain
            perhaps |= match.certain | match.perhaps
        possible |= perhaps
        if certain:
            sure |= allowed
        each_alone &= allowed
    if isolated:
        return Planes(sure, possible)
    return Planes(each_alone, possible | after.possible)


def _outcome(steps: Sequence_, matches: Mapping[int, Match], after: Planes, every: int) -> Outcome:
    """Return what a sequence can come to, asked in order."""
    allow, deny, open_ = 0, 0, every
    for step in steps:
        if isinstance(step, Either):
            one = _either(step, matches, after, every)
        elif isinstance(step, Perhaps):
            one = _outcome(step.steps, matches, after, every)._replace(fall=every)
        elif step.rule == UNSEEN:
            one = _one(step, Match(0, every), after, every)
        elif step.rule in matches:
            one = _one(step, matches[step.rule], after, every)
        else:
            continue
        allow |= open_ & one.allow
        deny |= open_ & one.deny
        open_ &= one.fall
    return Outcome(allow, deny, open_)


def _one(step: Step, match: Match, after: Planes, every: int) -> Outcome:
    certain = match.certain if step.certain else 0
    hit = match.certain | match.perhaps
    fall = every & ~certain
    if step.action == "allow":
        return Outcome(hit, 0, fall)
    if step.action == "deny":
        return Outcome(0, hit, fall)
    return Outcome(hit & after.possible, hit & ~after.sure, fall)


def _either(either: Either, matches: Mapping[int, Match], after: Planes, every: int) -> Outcome:
    allow, deny, fall = 0, 0, every
    for member in either.members:
        one = _outcome(member, matches, after, every)
        allow |= one.allow
        deny |= one.deny
        fall &= one.fall
    return Outcome(allow, deny, fall)


def rules_in_order(stage: StagePlan) -> list[Step]:
    """Return the rules of a stage in the order in which they are asked."""
    return list(_flat(stage.steps))


def _flat(steps: Sequence_) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Either):
            for member in step.members:
                yield from _flat(member)
        elif isinstance(step, Perhaps):
            yield from (each._replace(certain=False) for each in step.steps)
        else:
            yield step
