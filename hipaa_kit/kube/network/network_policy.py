"""NetworkPolicy of `networking.k8s.io`.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/, the types of
`k8s.io/api/networking/v1` and what `pkg/apis/networking/validation` of Kubernetes refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube.network.addresses import AddressSet, Block, is_cidr, parse_cidr
from hipaa_kit.kube.network.ports import EVERY_PORT, FIRST, LAST, PROTOCOLS, NamedPort, PortRange, Ports
from hipaa_kit.kube.network.reading import PolicyError, mapping, maps, selector, whole, word, words
from hipaa_kit.kube.network.rules import (
    ANY,
    DIRECTIONS,
    EVERYONE,
    NETWORK,
    Addresses,
    Direction,
    Doubt,
    Peer,
    Pods,
    Policy,
    Read,
    Rule,
)

ORDER = (1_000.0,)
"""Order at which Calico puts NetworkPolicies among its own; elsewhere it has no meaning."""

_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_PEERS: dict[Direction, str] = {"ingress": "from", "egress": "to"}
_TYPES: dict[str, Direction] = {"Ingress": "ingress", "Egress": "egress"}


def read_network_policy(object: str, namespace: str, content: Mapping[str, Any]) -> Read:  # noqa: A002
    """Return what a NetworkPolicy says.

    Parameters
    ----------
    object, namespace
        `NetworkPolicy/namespace/name`, and the namespace it acts in.
    content
        The object.

    Returns
    -------
    Read
        One policy; or a doubt about the pods it seems to select, where the API would refuse the object.
    """
    spec: Mapping[str, Any] = {}
    try:
        spec = mapping(content.get("spec"), f"{object} spec")
        return Read(policies=(_policy(object, namespace, spec),))
    except InputError as error:
        return _refused(object, namespace, spec, error)


def _refused(name: str, namespace: str, spec: Mapping[str, Any], error: InputError) -> Read:
    try:
        selected = selector(spec.get("podSelector"), name)
    except InputError:
        selected = ANY
    reason = f"{name} is not one that the API would accept: {error.line()}"
    doubt = Doubt(name, reason, (Pods(namespace, pods=selected),), _directions(spec), "adds", NETWORK)
    return Read(doubts=(doubt,), problem=error.line())


def _directions(spec: Mapping[str, Any]) -> frozenset[Direction]:
    """Return the directions of a policy that is not otherwise read; both where even these cannot be."""
    types, egress = spec.get("policyTypes") or [], spec.get("egress") or []
    known = isinstance(types, list) and all(isinstance(each, str) and each in _TYPES for each in types)
    if not known or not isinstance(egress, list):
        return frozenset(DIRECTIONS)
    if types:
        return frozenset(_TYPES[each] for each in types)
    return frozenset(DIRECTIONS) if egress else frozenset(["ingress"])


def _policy(name: str, namespace: str, spec: Mapping[str, Any]) -> Policy:
    written: dict[Direction, list[Mapping[str, Any]]] = {
        direction: maps(spec.get(direction), f"{name} spec.{direction}") for direction in _PEERS
    }
    types = words(spec.get("policyTypes"), f"{name} spec.policyTypes")
    if strange := [each for each in types if each not in _TYPES]:
        raise PolicyError(f"policy type {strange[0]!r} is not Ingress or Egress", f"{name} spec.policyTypes")
    implied: set[Direction] = {"ingress", "egress"} if written["egress"] else {"ingress"}
    isolates = {_TYPES[each] for each in types} or implied
    rules: dict[Direction, tuple[Rule, ...]] = {
        direction: tuple(
            _rule(direction, index, rule, namespace, f"{name} spec.{direction}[{index}]")
            for index, rule in enumerate(found)
        )
        for direction, found in written.items()
    }
    return Policy(
        object=name,
        subject=(Pods(namespace, pods=selector(spec.get("podSelector"), f"{name} spec.podSelector")),),
        stage=NETWORK,
        order=ORDER,
        rules={direction: found for direction, found in rules.items() if direction in isolates},
        isolates=frozenset(isolates),
        family="NetworkPolicy",
        tie=f"knp.default.{name.rpartition('/')[2]}",
    )


def _rule(direction: Direction, index: int, rule: Mapping[str, Any], namespace: str, where: str) -> Rule:
    key = _PEERS[direction]
    peers = tuple(
        _peer(peer, namespace, f"{where}.{key}[{at}]") for at, peer in enumerate(maps(rule.get(key), f"{where}.{key}"))
    )
    found = maps(rule.get("ports"), f"{where}.ports")
    ports = joined_ports(_port(port, f"{where}.ports[{at}]") for at, port in enumerate(found)) if found else EVERY_PORT
    return Rule(index, "allow", peers or EVERYONE, ports)


def _peer(peer: Mapping[str, Any], namespace: str, where: str) -> Peer:
    block, pods, namespaces = (peer.get(field) for field in ("ipBlock", "podSelector", "namespaceSelector"))
    if block is not None:
        if pods is not None or namespaces is not None:
            raise PolicyError("ipBlock stands beside another field", where)
        return Addresses(address_block(mapping(block, f"{where}.ipBlock"), f"{where}.ipBlock"))
    if pods is None and namespaces is None:
        raise PolicyError("a peer names nothing", where)
    selected = selector(pods, f"{where}.podSelector")
    if namespaces is None:
        return Pods(namespace, pods=selected)
    return Pods(namespaces=selector(namespaces, f"{where}.namespaceSelector"), pods=selected)


def address_block(block: Mapping[str, Any], where: str) -> AddressSet:
    """Return the addresses of an `ipBlock`: those of `cidr` without those of any `except`."""
    outer = cidr(block.get("cidr"), where)
    without = tuple(cidr(each, f"{where}.except") for each in words(block.get("except"), f"{where}.except"))
    for inner in without:
        if not outer.holds(inner) or inner == outer:
            raise PolicyError(f"except {inner} does not lie strictly within {outer}", where)
    return AddressSet((outer,), without)


def cidr(value: Any, where: str) -> Block:
    """Return the block of a CIDR."""
    text = word(value, where)
    block = parse_cidr(text) if is_cidr(text) else None
    if block is None:
        raise PolicyError(f"{text!r} is not a CIDR", where)
    return block


def _port(port: Mapping[str, Any], where: str) -> Ports:
    protocol = word(port.get("protocol"), where, "TCP")
    if protocol not in PROTOCOLS:
        raise PolicyError(f"protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}", where)
    number, end = port.get("port"), port.get("endPort")
    if end is not None and (number is None or isinstance(number, str)):
        raise PolicyError("endPort stands without a number in port", where)
    if number is None:
        return Ports((PortRange(protocol),))
    if isinstance(number, str):
        return Ports(names=(NamedPort(port_name(number, where), protocol),))
    first = whole(number, f"{where}.port", FIRST, LAST)
    last = first if end is None else whole(end, f"{where}.endPort", first, LAST)
    return Ports((PortRange(protocol, first, last),))


def port_name(text: str, where: str) -> str:
    """Return a name that a container may give a port.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ports, IANA_SVC_NAME
    """
    if not _PORT_NAME.fullmatch(text):
        raise PolicyError(f"{text!r} is not the name of a port", where)
    return text


def joined_ports(found: Iterable[Ports]) -> Ports:
    """Return the ports of several entries of which one must match."""
    held = list(found)
    return Ports(
        tuple(dict.fromkeys(each for ports in held for each in ports.ranges)),
        tuple(dict.fromkeys(each for ports in held for each in ports.names)),
    )
