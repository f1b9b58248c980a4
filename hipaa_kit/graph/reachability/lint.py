"""What is wrong with policies: what has no effect, means something else than it seems, or is too wide."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.facts import Facts, PodFact
from hipaa_kit.graph.reachability.selection import selecting
from hipaa_kit.graph.reachability.sides import Side
from hipaa_kit.kube.network.addresses import EVERYWHERE
from hipaa_kit.kube.network.rules import (
    ANY,
    DIRECTIONS,
    EVERYONE,
    Addresses,
    Direction,
    Everyone,
    Nodes,
    Pods,
    Policy,
    Rule,
)
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.selectors import Selector
from hipaa_kit.tables.reachability import NETWORK_LINT

NONE = -1
"""Number of no rule."""

DNS_LABELS = {"k8s-app": ("kube-dns", "coredns"), "dns.operator.openshift.io/daemonset-dns": ("default",)}
"""Labels of the pods that answer for names in a cluster."""


LISTED = ("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
"""Kinds whose rules have their peers in one list, `from` or `to`; those of other kinds have several, or none."""


class Defect(NamedTuple):
    """One defect, before its object is named."""

    defect: str
    path: str
    detail: str
    severity: str = "warning"
    sure: bool = True


def lint(facts: Facts, engine: Engine, seen: Callable[[str], bool] = lambda _: True) -> pd.DataFrame:
    """Return table `network_lint`: one row per defect of one policy.

    Parameters
    ----------
    facts, engine
        The cluster.
    seen
        Whether all pods and policies of a namespace were seen, "" for all of the cluster. Without them what matches
        nothing may match something that was not seen.
    """
    linter = _Linter(facts, engine, seen)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for name, defect in linter.found():
        row = {"object": name, "namespace": parse_object_id(name)[1], **defect._asdict()}
        rows.setdefault((name, defect.defect, defect.path), row)
    return NETWORK_LINT.frame(rows.values())


class _Linter:
    def __init__(self, facts: Facts, engine: Engine, seen: Callable[[str], bool]) -> None:
        self.facts, self.engine, self.seen = facts, engine, seen
        self.values: dict[str, set[str]] = defaultdict(set)
        self.names = {port.name for pod in facts.pods for port in pod.ports}
        for pod in facts.pods:
            for key, value in pod.labels.items():
                self.values[key].add(value)

    def found(self) -> Iterator[tuple[str, Defect]]:
        for name, problem in self.facts.problems.items():
            yield name, Defect("refused", "spec", problem, "error")
        for doubt in self.facts.doubts:
            if "dialect not modelled" in doubt.reason:
                yield doubt.source, Defect("not_modelled", "spec", doubt.reason)
        yield from self._subjects()
        for policy, rule, direction in _rules(self.facts.policies):
            path = f"spec.{direction}[{rule.index}]"
            found = (
                *self._peers(policy, rule, direction, path),
                *self._ports(rule, path),
                *_breadth(rule, direction, path),
            )
            yield from ((policy.object, defect) for defect in found)
        yield from self._without_effect()
        yield from self._ties()
        yield from self._names_blocked()
        if self.facts.policies and self.facts.options.enforcement == "not_enforced":
            for policy in self.facts.policies:
                yield policy.object, Defect("not_enforced", "", "no network plugin enforces policy", "error")

    def _subjects(self) -> Iterator[tuple[str, Defect]]:
        """Yield policies that select no pod, with the nearest label that there is."""
        selected: dict[str, int] = defaultdict(int)
        for direction in DIRECTIONS:
            for policy, pods in selecting(self.engine.side(direction)):
                selected[policy.object] += pods
        for policy in self.facts.policies:
            if selected[policy.object] or not any(policy.touches(direction) for direction in DIRECTIONS):
                continue
            for term in policy.subject:
                if term.namespace and self.facts.namespaces.get(term.namespace, "") == "":
                    detail = f"namespace {term.namespace} is not among those that were read"
                    yield policy.object, Defect("unknown_namespace", "metadata.namespace", detail, sure=self.seen(""))
                if term.pods != ANY:
                    sure = self.seen(term.namespace)
                    yield policy.object, Defect("selects_nothing", "spec.podSelector", self._nearest(term), sure=sure)

    def _nearest(self, term: Pods) -> str:
        detail = f"selects no pod: {term}"
        for requirement in term.pods.requirements if isinstance(term.pods, Selector) else ():
            if requirement.key not in self.values:
                near = difflib.get_close_matches(requirement.key, sorted(self.values), 1, 0.8)
                return f"{detail}; no pod has the label {requirement.key}" + (
                    f", did you mean {near[0]}" if near else ""
                )
            for value in sorted(requirement.values - self.values[requirement.key]):
                near = difflib.get_close_matches(value, sorted(self.values[requirement.key]), 1, 0.8)
                if near:
                    return f"{detail}; no pod has {requirement.key}={value}, did you mean {near[0]}"
        return detail

    def _peers(self, policy: Policy, rule: Rule, direction: Direction, path: str) -> Iterator[Defect]:
        listed = parse_object_id(policy.object)[0] in LISTED
        for at, peer in enumerate(rule.peers):
            where = f"{path}.{'from' if direction == 'ingress' else 'to'}[{at}]" if listed else path
            if isinstance(peer, Pods):
                found = self.engine.matcher.pods(peer)
                empty = not len(found.certain) and not len(found.perhaps)
                if empty and (peer.pods != ANY or peer.namespaces != ANY):
                    detail = self._nearest(peer).replace("selects", "matches", 1)
                    yield Defect("peer_matches_nothing", where, detail, sure=self.seen(peer.namespace))
                elif len(found.perhaps) and not len(found.certain):
                    yield Defect("peer_not_known", where, f"labels that would decide are not known: {peer}", "info")
            elif isinstance(peer, Addresses):
                yield from self._addresses(peer, where)
        if not rule.peers and rule.note:
            yield Defect("fails_closed", path, rule.note, "error")

    def _addresses(self, peer: Addresses, where: str) -> Iterator[Defect]:
        blocks = peer.addresses.blocks
        inside = [each for each in peer.addresses.without if any(block.holds(each) for block in blocks)]
        for pod in self._addressed(peer):
            if peer.pods == "option":
                yield Defect(
                    "block_meets_pods", where, f"{peer} holds the address of {pod.object}: use a selector", "info"
                )
            break
        for each in inside:
            if any(other != each and other.holds(each) for other in inside):
                yield Defect("exception_without_effect", where, f"except {each} lies in another exception", "info")

    def _addressed(self, peer: Addresses) -> Iterator[PodFact]:
        for pod in self.facts.pods:
            if any(peer.addresses.contains(block) for block in pod.addresses) and not any(
                block in peer.addresses.blocks for block in EVERYWHERE
            ):
                yield pod

    def _ports(self, rule: Rule, path: str) -> Iterator[Defect]:
        for name in rule.ports.names:
            if name.name not in self.names:
                detail = f"no container gives a port the name {name.name}"
                yield Defect("port_name_unknown", f"{path}.ports", detail, sure=self.seen(""))

    def _without_effect(self) -> Iterator[tuple[str, Defect]]:
        """Yield rules without which every decision stays as it is: redundant, or shadowed by one before them."""
        for direction in DIRECTIONS:
            side = self.engine.side(direction)
            effective = _effective(side)
            used = {
                rule for each in side.signatures for policy, _ in each.policies for rule in side.rule_numbers[policy]
            }
            for rule in sorted(used - effective):
                held = side.rules[rule]
                if held.rule.peers:
                    defect = "rule_redundant" if held.rule.action == "allow" else "rule_shadowed"
                    detail = "every decision stays as it is without this rule"
                    path = f"spec.{direction}[{held.rule.index}]"
                    yield held.policy.object, Defect(defect, path, detail, "info", self.seen(""))

    def _ties(self) -> Iterator[tuple[str, Defect]]:
        groups: dict[tuple[Any, ...], list[Policy]] = defaultdict(list)
        for policy in self.facts.policies:
            if policy.stage.ties:
                groups[policy.stage, policy.family, policy.order].append(policy)
        for (stage, _, order), policies in groups.items():
            names = sorted(policy.object for policy in policies)
            if len(names) > 1:
                detail = f"{', '.join(names)} have priority {order[0]:g} in tier {stage.name}: the order is not defined"
                yield names[0], Defect("equal_priority", "spec.priority", detail)

    def _names_blocked(self) -> Iterator[tuple[str, Defect]]:
        """Yield pods whose egress is isolated and who cannot ask for names, over UDP or TCP."""
        servers = [
            at
            for at, pod in enumerate(self.facts.pods)
            if any(pod.labels.get(key) in values for key, values in DNS_LABELS.items())
        ]
        if not servers:
            return
        side = self.engine.egress
        seen: dict[int, list[str]] = {}
        for at, pod in enumerate(self.facts.pods):
            number = int(side.of_class[self.engine.classes.of_pod[at]])
            if number not in seen:
                seen[number] = self._blocked(side, number, servers)
            for defect in seen[number]:
                detail = f"{pod.object} and its like cannot ask the cluster's name servers over {defect}"
                isolating = [policy.object for policy, _ in side.policies(number) if "egress" in policy.isolates]
                if isolating:
                    path = f"egress {defect} {pod.workload}"
                    yield isolating[0], Defect("names_blocked", path, detail, sure=self.seen(""))

    def _blocked(self, side: Side, number: int, servers: list[int]) -> list[str]:
        """Return the protocols over which no name server can be reached, on the port it listens on."""
        found = []
        for protocol in ("UDP", "TCP"):
            reached = False
            for server in servers:
                pod = self.facts.pods[server]
                ports = {port.number for port in pod.ports if port.protocol == protocol and "dns" in port.name} or {53}
                planes, _ = side.planes(number, int(self.engine.classes.of_pod[server]))
                reached = reached or any(planes.possible & self.engine.atoms.bit(protocol, port) for port in ports)
            if not reached:
                found.append(protocol)
        return found


def _breadth(rule: Rule, direction: Direction, path: str) -> Iterator[Defect]:
    """Yield what a rule that allows leaves open."""
    if rule.action != "allow" or rule.note:
        return
    if rule.peers == EVERYONE and rule.ports.every:
        yield Defect("allows_everything", path, f"allows every peer on every port: {direction} is open")
        return
    for peer in rule.peers:
        if isinstance(peer, Everyone):
            yield Defect("allows_every_peer", path, f"allows every peer on {rule.ports}", "info")
        elif isinstance(peer, Pods) and not peer.namespace and peer.namespaces == ANY and peer.pods == ANY:
            yield Defect("allows_every_namespace", path, f"allows all pods of all namespaces on {rule.ports}")
        elif isinstance(peer, Addresses) and any(block in EVERYWHERE for block in peer.addresses.blocks):
            yield Defect("allows_every_address", path, f"allows {peer} on {rule.ports}")


def _rules(policies: Iterable[Policy]) -> Iterator[tuple[Policy, Rule, Direction]]:
    for policy in policies:
        for direction, rules in policy.rules.items():
            for rule in rules:
                yield policy, rule, direction


def _effective(side: Side) -> set[int]:
    """Return the numbers of the rules without which some decision would be another.

    A decision rests on which rules match and how, so that one class of each such state stands for all. A rule about
    the pod's own node has its effect between the two, and in no state.
    """
    found = {each.number for each in side.rules if any(isinstance(p, Nodes) and p.own for p in each.rule.peers)}
    for number in range(len(side.signatures)):
        own = {rule for policy, _ in side.signatures[number].policies for rule in side.rule_numbers[policy]}
        if own <= found:
            continue
        if side.doubts(number):
            # What is not known may hide what the rule does: decisions that stay unknown show nothing.
            found |= own
            continue
        for state in side.states(number):
            there = side.without(number, state, NONE)
            matching = {rule for rule, _ in state[1:]} - found
            found |= {rule for rule in matching if side.without(number, state, rule) != there}
    return found
