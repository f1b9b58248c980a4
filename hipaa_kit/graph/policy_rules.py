"""Policies of every kind as tables: what each selects and was understood of it, and what each rule names.

Where no network plugin enforces policy the engine has no use for policies; here they are read all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from hipaa_kit.graph.reachability import Reachability, reachability_of
from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.reading import READS_BESIDE
from hipaa_kit.graph.reachability.tables import BEHIND
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.addresses import Block, Cell
from hipaa_kit.kube.network.rules import ANY, DIRECTIONS, EVERYONE, NETWORK, Direction, Peer, Pods, Policy, Rule
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.traffic import POLICY_OBJECTS, POLICY_RULES

WIDE = 1 / 256
"""Part of an address space that is a part of the internet and no address of anybody: a /8."""


@builds(POLICY_OBJECTS, reads=BEHIND, also=READS_BESIDE)
def policy_objects(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per object of any kind that decides who may connect to whom."""
    reach = reachability_of(snapshot)
    engine = _engine(reach)
    parts: dict[str, list[Policy]] = defaultdict(list)
    reasons: dict[str, list[str]] = defaultdict(list)
    subjects: dict[str, list[Pods]] = defaultdict(list)
    for policy in reach.facts.policies:
        parts[policy.object].append(policy)
        subjects[policy.object] += policy.subject
        reasons[policy.object] += [rule.doubt for rules in policy.rules.values() for rule in rules if rule.doubt]
    for doubt in reach.facts.doubts:
        if not doubt.source.startswith("Coverage/"):
            reasons[doubt.source].append(doubt.reason)
            subjects[doubt.source] += doubt.subject
    for name, problem in reach.facts.problems.items():
        reasons[name].append(problem)
    plain = {record.object for record in snapshot.records(kinds.NETWORK_POLICY)}
    for name in sorted({*parts, *reasons}):
        kind, namespace, _ = parse_object_id(name) if name.count("/") >= 2 else (name, "", "")
        selected = _classes(engine, subjects[name])
        yield {
            "object": name if name.count("/") >= 2 else object_id(name, "", "all"),
            "kind": kind,
            "namespace": namespace,
            "dialect": name not in plain or any(policy.stage != NETWORK for policy in parts[name]),
            "read": not reasons[name],
            "reason": "; ".join(dict.fromkeys(reasons[name])),
            "pods": int(engine.classes.counts[selected].sum()),
        }


@builds(POLICY_RULES, reads=BEHIND, also=READS_BESIDE)
def policy_rules(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per rule of every policy that was understood."""
    reach = reachability_of(snapshot)
    engine = _engine(reach)
    parts: dict[str, int] = defaultdict(int)
    known: dict[int, tuple[Policy, list[dict[str, Any]]]] = engine.matcher.derived.setdefault(__name__, {})
    for policy in reach.facts.policies:
        if id(policy) not in known:
            known[id(policy)] = policy, list(_rules(engine, policy))  # the policy is kept, so that its id stays its own
        yield from ({"policy": policy.object, "part": parts[policy.object], **row} for row in known[id(policy)][1])
        parts[policy.object] += 1


def _rules(engine: Engine, policy: Policy) -> Iterator[dict[str, Any]]:
    selected = _classes(engine, policy.subject)
    for direction in DIRECTIONS:
        for rule in policy.rules.get(direction, ()):
            yield {"direction": direction, "rule": rule.index, **_described(engine, direction, rule, selected)}


def _engine(reach: Reachability) -> Engine:
    return reach.engine if reach.enforced else Engine(reach.facts)


def _classes(engine: Engine, subject: Iterable[Pods]) -> np.ndarray[Any, Any]:
    """Return the classes of pods that any of some terms selects, or perhaps selects."""
    found = [part for term in dict.fromkeys(subject) for part in engine.matcher.pods(term)]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)


def _described(engine: Engine, direction: Direction, rule: Rule, selected: np.ndarray[Any, Any]) -> dict[str, Any]:
    every = rule.peers == EVERYONE
    matched = [index for _, index in engine.matcher.peers(rule.peers)]
    peers = np.unique(np.concatenate(matched)) if matched else np.zeros(0, dtype=np.int32)
    targets = selected if direction == "ingress" else peers[peers < engine.classes.pods]
    return {
        "action": rule.action,
        "peers": "; ".join(map(str, rule.peers)) or "nobody",
        "ports": str(rule.ports),
        "every_peer": every,
        "every_namespace": any(_everywhere(peer) for peer in rule.peers),
        "internet": not every and _internet(engine, peers),
        "widest": _widest(rule),
        "unmatched_peers": "; ".join(
            str(peer) for peer in rule.peers if isinstance(peer, Pods) and not engine.matcher.peers((peer,))
        ),
        "unmatched_ports": " ".join(_unmatched(engine, rule, targets)) if len(targets) else "",
    }


def _everywhere(peer: Peer) -> bool:
    return isinstance(peer, Pods) and not peer.namespace and (peer.namespaces, peer.pods) == (ANY, ANY) and _plain(peer)


def _plain(peer: Pods) -> bool:
    return peer.accounts is None and not peer.account_names and not peer.principals and not peer.meshed


def _internet(engine: Engine, peers: np.ndarray[Any, Any]) -> bool:
    """Tell whether the addresses among some peers are as many as no single party of the internet has."""
    size = {4: 0, 6: 0}
    for number in peers[peers >= engine.first_cell].tolist():
        cell: Cell = engine.classes.cells[number - engine.first_cell]
        if cell.public:
            size[cell.block.family] += _length(cell.block) - sum(map(_length, cell.holes))
    return size[4] >= WIDE * 2**32 or size[6] >= WIDE * 2**128


def _length(block: Block) -> int:
    return block.last - block.first + 1


def _widest(rule: Rule) -> int:
    number: dict[str, int] = defaultdict(int)
    for each in rule.ports.ranges:
        number[each.protocol] += each.last - each.first + 1
    for name in rule.ports.names:
        number[name.protocol] += 1
    return max(number.values(), default=0)


def _unmatched(engine: Engine, rule: Rule, targets: np.ndarray[Any, Any]) -> Iterator[str]:
    """Yield the names of ports that no container has among the pods that a rule leads to."""
    declared = {
        (port.name, port.protocol)
        for number in np.unique(engine.classes.names_of[targets]).tolist()
        for port in engine.classes.names[number]
    }
    for name in rule.ports.names:
        if not any(held == name.name and name.protocol in ("", protocol) for held, protocol in declared):
            yield name.name
