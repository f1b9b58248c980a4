"""Calico's NetworkPolicy and GlobalNetworkPolicy, of both API groups.

Policies stand in tiers; Kubernetes' own stand in the tier `default` at order 1000. A pod that a policy of a tier
selects ends in the tier's default action where no rule of the tier matches.

Source: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy,
https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy,
https://docs.tigera.io/calico/latest/reference/resources/tier,
https://docs.tigera.io/calico/latest/reference/resources/networkset
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube.network.addresses import EVERYWHERE, AddressSet, Block, parse_cidr
from hipaa_kit.kube.network.calico_selectors import ALL, GLOBAL_KEY, Expression, parse_expression
from hipaa_kit.kube.network.ports import FIRST, LAST, PROTOCOLS, NamedPort, PortRange, Ports
from hipaa_kit.kube.network.reading import NotModelledError, PolicyError, listing, mapping, maps, word, words
from hipaa_kit.kube.network.rules import (
    ADMIN,
    BASELINE,
    DIRECTIONS,
    EVERYONE,
    NAMESPACE_NAMES,
    NETWORK,
    Action,
    Addresses,
    Combined,
    Direction,
    Doubt,
    Outside,
    Peer,
    Pods,
    Policy,
    Read,
    Rule,
    SimplePeer,
    Stage,
)
from hipaa_kit.kube.selectors import Selector

NUMBERS: Final = {6: "TCP", 17: "UDP", 132: "SCTP"}
_ACTIONS: Final[Mapping[str, Action]] = {"allow": "allow", "deny": "deny", "pass": "pass", "next-tier": "pass"}
_SPEC: Final = frozenset(
    "order tier ingress egress types selector serviceAccountSelector namespaceSelector performanceHints doNotTrack "
    "preDNAT applyOnForward".split()
)
_RULE: Final = frozenset("action protocol notProtocol icmp notICMP ipVersion source destination http metadata".split())
_ENTITY: Final = frozenset(
    "nets notNets selector notSelector namespaceSelector ports notPorts serviceAccounts services domains".split()
)
_PORT_SPAN: Final = re.compile(r"(\d{1,5}):(\d{1,5})")


@dataclass(frozen=True)
class Tier:
    """A tier: its order, and whether a pod that it selects goes on where no rule matches."""

    order: float
    passes: bool = False


@dataclass(frozen=True)
class NetworkSet:
    """Addresses with labels, in a namespace or, with "", in the whole cluster."""

    namespace: str
    labels: Mapping[str, str]
    addresses: AddressSet
    domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What Calico's policies refer to."""

    tiers: Mapping[str, Tier]
    sets: Sequence[NetworkSet] = ()
    namespaces: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)


KNOWN_TIERS: Final = {
    "default": Tier(NETWORK.order),
    "adminnetworkpolicy": Tier(ADMIN.order, passes=True),
    "kube-admin": Tier(ADMIN.order, passes=True),
    "baselineadminnetworkpolicy": Tier(BASELINE.order, passes=True),
    "kube-baseline": Tier(BASELINE.order, passes=True),
}


def read_tier(content: Mapping[str, Any]) -> Tier:
    """Return what a Tier says; one without an order stands after all that have one."""
    spec = mapping(content.get("spec"), "spec")
    order = spec.get("order")
    return Tier(_order(order, "spec.order"), word(spec.get("defaultAction"), "spec.defaultAction").lower() == "pass")


def read_network_set(namespace: str, labels: Mapping[str, str], content: Mapping[str, Any]) -> NetworkSet:
    """Return what a NetworkSet or GlobalNetworkSet says; Calico labels one of a namespace with its name.

    Source: https://github.com/projectcalico/calico/tree/master/libcalico-go/lib/backend/syncersv1/updateprocessors
    """
    added = {"projectcalico.org/namespace": namespace} if namespace else {}
    spec = mapping(content.get("spec"), "spec")
    domains = words(spec.get("allowedEgressDomains"), "spec.allowedEgressDomains")
    return NetworkSet(namespace, {**labels, **added}, AddressSet(_nets(spec.get("nets"), "spec.nets")), tuple(domains))


def read_calico_policy(
    object: str,  # noqa: A002
    namespace: str,
    content: Mapping[str, Any],
    around: Surroundings,
) -> Read:
    """Return what a NetworkPolicy or GlobalNetworkPolicy of Calico says.

    Parameters
    ----------
    object, namespace
        The object by name; a GlobalNetworkPolicy has no namespace.
    content
        The object.
    around
        Tiers and network sets of the cluster.

    Returns
    -------
    Read
        One policy, or none for a policy of host endpoints alone; a doubt where a field is not modelled.
    """
    spec: Mapping[str, Any] = {}
    try:
        spec = mapping(content.get("spec"), f"{object} spec")
        if spec.get("doNotTrack") or spec.get("preDNAT"):
            return Read()
        return Read(policies=(_Reader(object, namespace, around).policy(spec),))
    except NotModelledError as error:
        reason = f"{object}: dialect not modelled: {error.line()}"
        doubt = Doubt(
            object,
            reason,
            (_subject(namespace, spec, lenient=True),),
            _directions_of(spec),
            stage=_stage_of(spec, around),
        )
        return Read(doubts=(doubt,), problem=error.line())
    except InputError as error:
        reason = f"{object} is not one that Calico would accept: {error.line()}"
        doubt = Doubt(
            object,
            reason,
            (_subject(namespace, spec, lenient=True),),
            _directions_of(spec),
            stage=_stage_of(spec, around),
        )
        return Read(doubts=(doubt,), problem=error.line())


def _stage_of(spec: Mapping[str, Any], around: Surroundings) -> Stage | None:
    """Return the stage of a policy that is not otherwise read; None, before all, where its tier is not known."""
    name = str(spec.get("tier") or "default")
    tier = around.tiers.get(name, KNOWN_TIERS.get(name))
    return _stage(name, tier) if tier else None


def _directions_of(spec: Mapping[str, Any]) -> frozenset[Direction]:
    """Return the directions of a policy that is not otherwise read; both where even these cannot be."""
    types = spec.get("types") or []
    if isinstance(types, list) and types:
        known = frozenset(each for each in DIRECTIONS if each.capitalize() in types)
        return known or frozenset(DIRECTIONS)
    if not spec.get("egress"):
        return frozenset(["ingress"])
    return frozenset(DIRECTIONS) if spec.get("ingress") else frozenset(["egress"])


def _subject(namespace: str, spec: Mapping[str, Any], *, lenient: bool = False) -> Pods:
    try:
        accounts = word(spec.get("serviceAccountSelector"), "serviceAccountSelector")
        spaces = word(spec.get("namespaceSelector"), "namespaceSelector") if not namespace else ""
        return Pods(
            namespace=namespace,
            namespaces=_condition(parse_expression(spaces)),
            pods=_condition(parse_expression(word(spec.get("selector"), "selector"))),
            accounts=_condition(parse_expression(accounts)) if accounts else None,
            host_network="never",
        )
    except InputError:
        if not lenient:
            raise
        return Pods(namespace=namespace, host_network="never")


def _condition(expression: Expression) -> Any:
    """Return an expression as a condition; everything is the same as an empty label selector."""
    return Selector() if expression == ALL else expression


def _order(value: Any, where: str) -> float:
    if value is None:
        return math.inf
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise PolicyError("is not a number", where)
    return float(value)


def _nets(value: Any, where: str) -> tuple[Block, ...]:
    found = []
    for text in words(value, where):
        block = parse_cidr(text)
        if block is None:
            raise PolicyError(f"{text!r} is not a CIDR", where)
        found.append(block)
    return tuple(found)


def _only(held: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if strange := sorted(
        str(key) for key, value in held.items() if key not in known and value not in (None, "", [], {})
    ):
        raise NotModelledError(f"field {strange[0]} is not modelled", where)


class _Reader:
    def __init__(self, name: str, namespace: str, around: Surroundings) -> None:
        self.name, self.namespace, self.around = name, namespace, around

    def policy(self, spec: Mapping[str, Any]) -> Policy:
        _only(spec, _SPEC, f"{self.name} spec")
        tier_name = word(spec.get("tier"), f"{self.name} spec.tier") or "default"
        tier = self.around.tiers.get(tier_name, KNOWN_TIERS.get(tier_name))
        if tier is None:
            raise NotModelledError(f"tier {tier_name!r} was not read", f"{self.name} spec.tier")
        written: dict[Direction, list[Mapping[str, Any]]] = {
            "ingress": maps(spec.get("ingress"), f"{self.name} spec.ingress"),
            "egress": maps(spec.get("egress"), f"{self.name} spec.egress"),
        }
        directions = self._directions(spec, written)
        read: dict[Direction, tuple[Rule, ...]] = {
            direction: tuple(
                rule
                for index, each in enumerate(written[direction])
                if (rule := self._rule(direction, index, each)) is not None
            )
            for direction in written
        }
        rules = {direction: found for direction, found in read.items() if direction in directions}
        return Policy(
            object=self.name,
            subject=(_subject(self.namespace, spec),),
            stage=_stage(tier_name, tier),
            order=(_order(spec.get("order"), f"{self.name} spec.order"),),
            rules=rules,
            isolates=frozenset() if tier.passes else directions,
            family="calico",
            tie=self._tie(tier_name),
        )

    def _tie(self, tier: str) -> str:
        own = self.name.rpartition("/")[2]
        return own if own.startswith(f"{tier}.") else f"{tier}.{own}"

    def _directions(self, spec: Mapping[str, Any], written: Mapping[Direction, Sequence[Any]]) -> frozenset[Direction]:
        types = words(spec.get("types"), f"{self.name} spec.types")
        if strange := [each for each in types if each not in ("Ingress", "Egress")]:
            raise PolicyError(f"type {strange[0]!r} is not Ingress or Egress", f"{self.name} spec.types")
        if types:
            both: tuple[Direction, Direction] = ("ingress", "egress")
            return frozenset(each for each in both if each.capitalize() in types)
        if not written["egress"]:
            return frozenset(["ingress"])
        return frozenset(["ingress", "egress"]) if written["ingress"] else frozenset(["egress"])

    def _rule(self, direction: Direction, index: int, rule: Mapping[str, Any]) -> Rule | None:
        """Return one rule; None for one that only logs, or speaks of protocols that have no ports."""
        where = f"{self.name} spec.{direction}[{index}]"
        _only(rule, _RULE, where)
        written = word(rule.get("action"), f"{where}.action")
        if written.lower() == "log":
            return None
        action = _ACTIONS.get(written.lower())
        if action is None:
            raise PolicyError(f"action {written!r} is not Allow, Deny, Pass or Log", where)
        source = mapping(rule.get("source"), f"{where}.source")
        destination = mapping(rule.get("destination"), f"{where}.destination")
        _only(source, _ENTITY, f"{where}.source")
        _only(destination, _ENTITY, f"{where}.destination")
        peer, own = (source, destination) if direction == "ingress" else (destination, source)
        ports = self._ports(rule, destination, where)
        if ports is None:
            return None
        doubts = _doubts(rule, source)
        if own.get("services"):
            doubts.append("it names its own side by a Service")
        if peer.get("services"):
            doubts.append("it names peers by their Service")
        key = "source" if direction == "ingress" else "destination"
        side = "destination" if direction == "ingress" else "source"
        narrowed = self._peers(own, {}, f"{where}.{side}")
        return Rule(index, action, self._peers(peer, rule, f"{where}.{key}"), ports, "; ".join(doubts), own=narrowed)

    def _ports(self, rule: Mapping[str, Any], destination: Mapping[str, Any], where: str) -> Ports | None:
        """Return the ports of a rule; None where it speaks of no protocol that has ports."""
        protocols = list(PROTOCOLS)
        if rule.get("protocol") is not None:
            named = _protocol(rule["protocol"])
            if named not in PROTOCOLS:
                return None
            protocols = [named]
        if rule.get("notProtocol") is not None:
            protocols = [each for each in protocols if each != _protocol(rule["notProtocol"])]
        if rule.get("icmp") or rule.get("notICMP"):
            return None
        given = listing(destination.get("ports"), f"{where}.destination.ports")
        without = listing(destination.get("notPorts"), f"{where}.destination.notPorts")
        if (given or without) and rule.get("protocol") is None:
            raise PolicyError("ports stand without a protocol", where)
        found = _port_list(given, protocols, where) if given else Ports(tuple(PortRange(each) for each in protocols))
        if without:
            return Ports(found.ranges, found.names, _port_list(without, protocols, where))
        return found if found.ranges or found.names else None

    def _peers(self, entity: Mapping[str, Any], rule: Mapping[str, Any], where: str) -> tuple[Peer, ...]:
        """Return the peers of an entity: every field that is set must hold."""
        every: list[tuple[SimplePeer, ...]] = []
        without: list[SimplePeer] = []
        if nets := _nets(entity.get("nets"), f"{where}.nets"):
            every.append((_blocks(nets),))
        doubtful: list[SimplePeer] = []
        if nets := _nets(entity.get("notNets"), f"{where}.notNets"):
            without.append(_blocks(nets))
            unnamed = tuple(block for block in EVERYWHERE if block.family not in {each.family for each in nets})
            doubtful += [_blocks(unnamed)] if unnamed else []
        if selected := self._selected(entity, where):
            every.append(selected)
        if entity.get("notSelector"):
            without += self._named(word(entity["notSelector"], where), None, everywhere=True)
        if entity.get("domains"):
            every.append(tuple(Outside(f"addresses of {name}") for name in words(entity["domains"], where)))
        version = rule.get("ipVersion")
        if version is not None:
            if version not in (4, 6):
                raise PolicyError("ipVersion is not 4 or 6", where)
            whole = AddressSet((EVERYWHERE[0 if version == 4 else 1],))
            every.append((Addresses(whole, pods="always", version=True),))
        if not every and not without:
            return EVERYONE
        if len(every) == 1 and not without:
            return every[0]
        return (Combined(tuple(every), tuple(without), tuple(doubtful)),)

    def _selected(self, entity: Mapping[str, Any], where: str) -> tuple[SimplePeer, ...]:
        """Return what selectors of an entity name, nothing where it has none."""
        text, spaces = word(entity.get("selector"), where), word(entity.get("namespaceSelector"), where)
        accounts = mapping(entity.get("serviceAccounts"), f"{where}.serviceAccounts")
        names = words(accounts.get("names"), f"{where}.serviceAccounts.names")
        chosen = word(accounts.get("selector"), f"{where}.serviceAccounts.selector")
        scoped = bool(entity.get("notSelector")) and bool(self.namespace)
        if not (text or spaces or names or chosen or scoped):
            return ()
        found = self._named(text, spaces or None)
        if not names and not chosen:
            return found
        condition = _condition(parse_expression(chosen)) if chosen else None
        return tuple(
            Pods(each.namespace, each.namespaces, each.pods, condition, frozenset(names), "never")
            for each in found
            if isinstance(each, Pods)
        )

    def _named(self, text: str, spaces: str | None, *, everywhere: bool = False) -> tuple[SimplePeer, ...]:
        """Return the pods and network sets that a selector names.

        Without a selector of namespaces a policy of a namespace speaks of its own, a global one of all and of
        what lies in none. `global()` as such a selector speaks only of what lies in none. What is excluded is
        excluded wherever it lies.
        """
        selected = parse_expression(text)
        pods = Pods(
            namespace="" if everywhere or spaces is not None else self.namespace,
            namespaces=_condition(parse_expression(spaces or "")),
            pods=_condition(selected),
            host_network="never",
        )
        found: list[SimplePeer] = [pods]
        for each in self.around.sets:
            inside = True if everywhere else self._inside(each, spaces)
            if inside is False or not selected.matches(each.labels):
                continue
            if each.addresses.blocks:
                found.append(Addresses(each.addresses, pods="always", doubt=inside is None))
            found += [Outside(f"addresses of {name}") for name in each.domains]
        return tuple(found)

    def _inside(self, found: NetworkSet, spaces: str | None) -> bool | None:
        """Tell whether a network set lies where a selector of namespaces looks.

        One that lies in no namespace is meant by `global()`; whether it is by what a selector denies is read in
        two ways. Labels of a namespace that was not seen are not known.
        """
        if spaces is None:
            return found.namespace == self.namespace or not self.namespace
        expression = parse_expression(spaces)
        if not found.namespace:
            if expression == ALL or not expression.matches({GLOBAL_KEY: "yes"}):
                return False
            return None if expression.matches({GLOBAL_KEY: "no"}) else True
        labels = self.around.namespaces.get(found.namespace)
        named = dict.fromkeys(NAMESPACE_NAMES, found.namespace)
        return _condition(expression).judge(named) if labels is None else expression.matches({**labels, **named})


def _stage(name: str, tier: Tier) -> Stage:
    for known in (NETWORK, ADMIN, BASELINE):
        if tier.order == known.order:
            return known if known == NETWORK else Stage(tier.order, name)
    return Stage(tier.order, name)


def _blocks(blocks: tuple[Block, ...]) -> Addresses:
    return Addresses(AddressSet(blocks), pods="always")


def _protocol(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return NUMBERS.get(value, str(value))
    text = str(value)
    return NUMBERS.get(int(text), text) if text.isdecimal() else text.upper()


def _port_list(given: Iterable[Any], protocols: list[str], where: str) -> Ports:
    ranges, names = [], []
    for port in given:
        text = str(port) if isinstance(port, int) and not isinstance(port, bool) else word(port, where)
        span = _PORT_SPAN.fullmatch(text)
        if text.isdecimal() or span:
            first, last = (int(text), int(text)) if span is None else (int(span[1]), int(span[2]))
            if not FIRST - 1 <= first <= last <= LAST:
                raise PolicyError(f"{text} is not a range of ports", where)
            ranges += [PortRange(protocol, max(first, FIRST), last) for protocol in protocols if last >= FIRST]
        else:
            names += [NamedPort(text, protocol) for protocol in protocols]
    return Ports(tuple(ranges), tuple(names))


def _doubts(rule: Mapping[str, Any], source: Mapping[str, Any]) -> list[str]:
    """Return what of a rule narrows it in a way that is not decided here."""
    found = []
    if rule.get("http"):
        found.append("it speaks of HTTP requests")
    if source.get("ports") or source.get("notPorts"):
        found.append("it speaks of source ports")
    return found
