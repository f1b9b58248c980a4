"""Policies of the cluster's administrators: kinds of `policy.networking.k8s.io`.

AdminNetworkPolicy and BaselineAdminNetworkPolicy are `v1alpha1`; ClusterNetworkPolicy, `v1alpha2` and after,
has both tiers. Hosts' own network is never in a subject and never a peer by selector.

Source: https://network-policy-api.sigs.k8s.io/api-overview/, the types of
`sigs.k8s.io/network-policy-api/apis/v1alpha1` and `apis/v1alpha2`, and
https://network-policy-api.sigs.k8s.io/npeps/npep-187/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from hipaa_kit.errors import InputError
from hipaa_kit.kube.network.addresses import AddressSet
from hipaa_kit.kube.network.network_policy import cidr, joined_ports
from hipaa_kit.kube.network.ports import EVERY_PORT, FIRST, LAST, PROTOCOLS, NamedPort, PortRange, Ports
from hipaa_kit.kube.network.reading import PolicyError, listing, mapping, maps, selector, whole, word, words
from hipaa_kit.kube.network.rules import (
    ADMIN,
    BASELINE,
    EVERYONE,
    Action,
    Addresses,
    Direction,
    Doubt,
    Nodes,
    Outside,
    Peer,
    Pods,
    Policy,
    Read,
    Rule,
    Stage,
)
from hipaa_kit.kube.selectors import Selector

T = TypeVar("T")

_PEERS: dict[Direction, str] = {"ingress": "from", "egress": "to"}
_ACTIONS: dict[str, dict[str, Action]] = {
    "AdminNetworkPolicy": {"Allow": "allow", "Deny": "deny", "Pass": "pass"},
    "BaselineAdminNetworkPolicy": {"Allow": "allow", "Deny": "deny"},
    "ClusterNetworkPolicy": {"Accept": "allow", "Deny": "deny", "Pass": "pass"},
}
_FIELDS: dict[Direction, tuple[str, ...]] = {
    "ingress": ("namespaces", "pods"),
    "egress": ("namespaces", "pods", "nodes", "networks", "domainNames"),
}


SAME_LABELS = "which namespaces have the same labels as the pod's own is told by a release that is no longer served"


class UnknownFieldError(PolicyError):
    """A peer or protocol has no field that is known: the object is newer than what reads it."""


def read_admin_policy(kind: str, object: str, content: Mapping[str, Any]) -> Read:  # noqa: A002
    """Return what an AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy says.

    Parameters
    ----------
    kind
        One of those three.
    object, content
        The object by name, and itself.

    Returns
    -------
    Read
        One policy; or a doubt about the pods it seems to select, where the API would refuse the object.
    """
    spec: Mapping[str, Any] = {}
    try:
        spec = mapping(content.get("spec"), f"{object} spec")
        return Read(policies=(_policy(kind, object, spec),))
    except InputError as error:
        reason = f"{object} is not one that the API would accept: {error.line()}"
        directions = frozenset(direction for direction in _PEERS if spec.get(direction) or not spec)
        doubt = Doubt(object, reason, _subject_or_all(spec), directions, stage=_stage(kind, spec))
        return Read(doubts=(doubt,), problem=error.line())


def _subject_or_all(spec: Mapping[str, Any]) -> tuple[Pods, ...]:
    try:
        return (_pods(mapping(spec.get("subject"), ""), ""),)
    except InputError:
        return (Pods(host_network="never"),)


def _stage(kind: str, spec: Mapping[str, Any]) -> Stage:
    baseline = kind == "BaselineAdminNetworkPolicy" or spec.get("tier") == "Baseline"
    return BASELINE if baseline else ADMIN


def _policy(kind: str, name: str, spec: Mapping[str, Any]) -> Policy:
    if kind == "ClusterNetworkPolicy" and spec.get("tier") not in ("Admin", "Baseline"):
        raise PolicyError("tier is not Admin or Baseline", f"{name} spec.tier")
    if kind == "BaselineAdminNetworkPolicy":
        if not name.endswith("/default"):
            raise PolicyError("the one that counts must be named default", name)
        priority = 0
    else:
        priority = whole(spec.get("priority"), f"{name} spec.priority", 0, 1000)
    rules: dict[Direction, tuple[Rule, ...]] = {
        direction: tuple(
            _rule(kind, direction, index, rule, f"{name} spec.{direction}[{index}]")
            for index, rule in enumerate(maps(spec.get(direction), f"{name} spec.{direction}"))
        )
        for direction in _PEERS
    }
    return Policy(
        object=name,
        subject=(_pods(mapping(spec.get("subject"), f"{name} spec.subject"), f"{name} spec.subject"),),
        stage=_stage(kind, spec),
        order=(float(priority),),
        rules={direction: found for direction, found in rules.items() if found},
        family="v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1",
    )


def _pods(term: Mapping[str, Any], where: str) -> Pods:
    """Return the pods that `namespaces` or `pods` selects; a term with neither is of a newer version."""
    namespaces, pods = term.get("namespaces"), term.get("pods")
    if (namespaces is None) == (pods is None):
        problem = "has no field that is known" if namespaces is None else "has more than one field"
        raise UnknownFieldError(problem, where)
    if namespaces is not None:
        return Pods(namespaces=_namespaces(namespaces, where), host_network="never")
    both = mapping(pods, f"{where}.pods")
    inner = both.get("namespaceSelector", both.get("namespaces"))
    return Pods(
        namespaces=_namespaces(inner, f"{where}.pods"),
        pods=selector(both.get("podSelector"), f"{where}.pods.podSelector"),
        host_network="never",
    )


def _namespaces(value: Any, where: str) -> Selector:
    """Return a selector of namespaces, also in the shape that the first releases of `v1alpha1` had."""
    found = mapping(value, where)
    if _same_labels(found):
        raise UnknownFieldError("sameLabels is of a release that is no longer served", where)
    return selector(found.get("namespaceSelector", found), f"{where}.namespaces")


def _same_labels(term: Mapping[str, Any]) -> bool:
    """Tell whether a term asks for the labels of the subject's namespace, as the first releases of `v1alpha1` could.

    What is stored with it is enforced by whoever knew it; a later server drops it, and what is left is every namespace.
    Source: https://github.com/kubernetes-sigs/network-policy-api/blob/v0.1.1/apis/v1alpha1/shared_types.go
    """
    return "sameLabels" in term or "notSameLabels" in term


def _rule(kind: str, direction: Direction, index: int, rule: Mapping[str, Any], where: str) -> Rule:
    written = word(rule.get("action"), f"{where}.action")
    action = _ACTIONS[kind].get(written)
    if action is None:
        raise PolicyError(f"action {written!r} is not one of {', '.join(_ACTIONS[kind])}", f"{where}.action")
    key = _PEERS[direction]
    found = maps(rule.get(key), f"{where}.{key}")
    if not found:
        raise PolicyError(f"{key} names nobody", where)
    named = any(each.get("namedPort") or each.get("destinationNamedPort") for each in _entries(rule))
    if named and any(each.get(field) is not None for each in found for field in ("networks", "nodes", "domainNames")):
        raise PolicyError("a named port stands with peers that have no names", where)
    # All of a rule is read before any of it fails closed: what the API refuses is not there at all.
    peers, newer = _each(found, lambda at, each: _peer(direction, each, action, f"{where}.{key}[{at}]"))
    ports, newer_ports = _rule_ports(kind, rule, where)
    if error := newer or newer_ports:
        return _closed(index, action, error)
    doubt = SAME_LABELS if any(_is_relative(each) for each in found) else ""
    return Rule(index, action, tuple(peer for each in peers for peer in each), ports, doubt=doubt)


def _each(
    entries: Sequence[Mapping[str, Any]], read: Callable[[int, Mapping[str, Any]], T]
) -> tuple[list[T], UnknownFieldError | None]:
    """Return what every entry is read into, and the first error of one of which no field is known.

    Raises
    ------
    PolicyError
        The API would refuse an entry.
    """
    made: list[T] = []
    newer: UnknownFieldError | None = None
    for at, entry in enumerate(entries):
        try:
            made.append(read(at, entry))
        except UnknownFieldError as error:
            newer = newer or error
    return made, newer


def _rule_ports(kind: str, rule: Mapping[str, Any], where: str) -> tuple[Ports, UnknownFieldError | None]:
    """Return the ports of a rule of either version; none written restrict nothing."""
    key, read = ("protocols", _protocol) if _newer(kind, rule, where) else ("ports", _port)
    if rule.get(key) is None:
        return EVERY_PORT, None
    found = maps(rule[key], f"{where}.{key}")
    if not found and key == "protocols":
        raise PolicyError("protocols has no entry", where)
    ports, newer = _each(found, lambda at, each: read(each, f"{where}.{key}[{at}]"))
    return (joined_ports(ports) if found else EVERY_PORT), newer


def _newer(kind: str, rule: Mapping[str, Any], where: str) -> bool:
    """Tell whether a rule names its ports the way of `protocols`.

    The first revisions of `v1alpha2` still had the `ports` of `v1alpha1`. A server that does not know the field drops
    it, so where an object holds it, its server knows it.
    """
    if kind == "ClusterNetworkPolicy" and rule.get("ports") is not None:
        if rule.get("protocols") is not None:
            raise PolicyError("ports and protocols stand in one rule", where)
        return False
    return kind == "ClusterNetworkPolicy"


def _entries(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries about ports of a rule of either version, as far as they are maps."""
    held = [*listing(rule.get("ports"), ""), *listing(rule.get("protocols"), "")]
    return [each for each in held if isinstance(each, Mapping)]


def _closed(index: int, action: Action, error: InputError) -> Rule:
    """Return a rule that nobody can read, closed: what would allow matches nothing, the rest denies everything."""
    note = f"fails closed: {error.line()}"
    if action == "allow":
        return Rule(index, "allow", peers=(), note=note)
    return Rule(index, "deny", EVERYONE, EVERY_PORT, note=note)


def _peer(direction: Direction, peer: Mapping[str, Any], action: Action, where: str) -> Iterable[Peer]:
    given = [field for field in _FIELDS[direction] if peer.get(field) is not None]
    if len(given) != 1:
        problem = "has more than one field" if given else "has no field that is known"
        raise (PolicyError if given else UnknownFieldError)(problem, where)
    field = given[0]
    if _is_relative(peer):
        own = mapping(peer.get("pods"), f"{where}.pods")
        return (Pods(pods=selector(own.get("podSelector"), f"{where}.pods.podSelector"), host_network="never"),)
    if field in ("namespaces", "pods"):
        return (_pods(peer, where),)
    if field == "nodes":
        return (Nodes(selector(peer["nodes"], f"{where}.nodes")),)
    if field == "networks":
        blocks = tuple(cidr(each, f"{where}.networks") for each in words(peer["networks"], f"{where}.networks"))
        return (Addresses(AddressSet(blocks), pods="always"),)
    if action != "allow":
        raise PolicyError("domainNames can only be allowed", where)
    return tuple(_domain(name) for name in words(peer["domainNames"], f"{where}.domainNames"))


def _is_relative(peer: Mapping[str, Any]) -> bool:
    """Tell whether a peer's namespaces are told by those of the subject."""
    inner = peer.get("namespaces")
    if inner is None:
        pods = peer.get("pods")
        inner = pods.get("namespaces") if isinstance(pods, Mapping) else None
    return isinstance(inner, Mapping) and _same_labels(inner)


def _domain(name: str) -> Peer:
    """Return what a domain name may stand for: addresses outside, and pods where the name is the cluster's own."""
    return Outside(
        f"addresses of {name}", nodes=True, hosts=True, everything=name.rstrip(".").endswith(".cluster.local")
    )


def _port(port: Mapping[str, Any], where: str) -> Ports:
    given = [field for field in ("portNumber", "portRange", "namedPort") if port.get(field) is not None]
    if len(given) != 1:
        problem = "has more than one field" if given else "has no field that is known"
        raise (PolicyError if given else UnknownFieldError)(problem, where)
    if given == ["namedPort"]:
        return Ports(names=(NamedPort(word(port["namedPort"], where), ""),))
    inner = mapping(port[given[0]], where)
    protocol = word(inner.get("protocol"), where, "TCP")
    if protocol not in PROTOCOLS:
        raise PolicyError(f"protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}", where)
    if given == ["portNumber"]:
        number = whole(inner.get("port"), where, FIRST, LAST)
        return Ports((PortRange(protocol, number, number),))
    return Ports((_range(protocol, inner, where),))


def _range(protocol: str, inner: Mapping[str, Any], where: str) -> PortRange:
    """Return a range of ports, both ends included.

    `v1alpha1` says that the end must be greater and does not hold anyone to it: what it stores is a range of one port.
    """
    first = whole(inner.get("start"), f"{where}.start", FIRST, LAST)
    return PortRange(protocol, first, whole(inner.get("end"), f"{where}.end", first, LAST))


def _protocol(entry: Mapping[str, Any], where: str) -> Ports:
    given = [field for field in ("tcp", "udp", "sctp", "destinationNamedPort") if entry.get(field) is not None]
    if len(given) != 1:
        problem = "has more than one field" if given else "has no field that is known"
        raise (PolicyError if given else UnknownFieldError)(problem, where)
    if given == ["destinationNamedPort"]:
        return Ports(names=(NamedPort(word(entry["destinationNamedPort"], where), ""),))
    protocol = given[0].upper()
    about = mapping(entry[given[0]], where)
    if not about:
        return Ports((PortRange(protocol),))
    port = mapping(about.get("destinationPort"), where)
    number, span = port.get("number"), port.get("range")
    if (number is None) == (span is None):
        raise UnknownFieldError("has no destination port that is known", where)
    if number is not None:
        first = whole(number, where, FIRST, LAST)
        return Ports((PortRange(protocol, first, first),))
    both = mapping(span, where)
    if both.get("start") == both.get("end"):
        raise PolicyError("the end of a range is not greater than its start", where)
    return Ports((_range(protocol, both, where),))
