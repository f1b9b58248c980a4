"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy.

What they allow adds to what NetworkPolicy allows; what they deny wins over both. A section with rules isolates its
direction, unless `enableDefaultDeny` says no. A rule without peers and ports allows nothing.

Source: https://docs.cilium.io/en/stable/security/policy/, https://docs.cilium.io/en/stable/security/policy/language/,
https://docs.cilium.io/en/stable/security/policy/deny/, and `pkg/policy/api` and `pkg/k8s/apis/cilium.io/utils` for
how selectors are bound to a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal

from hipaa_kit.errors import InputError
from hipaa_kit.kube.network.addresses import EVERYWHERE, AddressSet
from hipaa_kit.kube.network.network_policy import address_block, cidr, joined_ports
from hipaa_kit.kube.network.ports import EVERY_PORT, FIRST, LAST, PROTOCOLS, NamedPort, PortRange, Ports
from hipaa_kit.kube.network.reading import NotModelledError, PolicyError, listing, mapping, maps, word, words
from hipaa_kit.kube.network.rules import (
    EVERYONE,
    NAMESPACE_NAMES,
    NETWORK,
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
)
from hipaa_kit.kube.selectors import Requirement, Selector, label_selector

POD_NAMESPACE: Final = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."
ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
"""Label that Cilium gives every pod: its service account."""

DENIALS_FIRST: Final = (0.0,)
ALLOWS: Final = (1_000.0,)

_SPEC: Final = frozenset(
    "description endpointSelector nodeSelector ingress egress ingressDeny egressDeny enableDefaultDeny labels "
    "log".split()
)
_ENDS: Final[dict[Direction, str]] = {"ingress": "from", "egress": "to"}
_PEERS: Final = ("Endpoints", "CIDR", "CIDRSet", "Entities", "FQDNs", "Services", "Groups", "Nodes", "Requires")
_OTHER: Final = frozenset(["toPorts", "icmps", "authentication"])
_NOBODY_SEEN: Final = ("none", "ingress", "health", "init", "unmanaged")
"""Entities that are neither pods, nodes nor addresses outside."""
_RESERVED: Final = "reserved:"
_RESERVED_ENTITIES: Final = ("host", "remote-node", "kube-apiserver", *_NOBODY_SEEN)
"""Entities that are one reserved label and no more."""


@dataclass(frozen=True)
class _Owner:
    name: str
    namespace: str
    groups: Mapping[str, AddressSet]


def read_cilium_policy(
    object: str,  # noqa: A002
    namespace: str,
    content: Mapping[str, Any],
    groups: Mapping[str, AddressSet],
) -> Read:
    """Return what a policy of Cilium says.

    Parameters
    ----------
    object, namespace
        The object by name; a clusterwide one has no namespace.
    content
        The object.
    groups
        Addresses of every CiliumCIDRGroup.

    Returns
    -------
    Read
        For each of its specifications up to two policies, of denials and of what it allows; a doubt where a field
        is not modelled.
    """
    owner = _Owner(object, namespace, groups)
    policies: list[Policy] = []
    doubts: list[Doubt] = []
    problem = ""
    single = [content["spec"]] if isinstance(content.get("spec"), Mapping) else []
    more = content.get("specs")
    for spec in [*single, *(each for each in (more if isinstance(more, list) else []) if isinstance(each, Mapping))]:
        try:
            # All of a specification is read before any of it counts.
            read, required = list(_policies(owner, spec)), list(_required(owner, spec))
            policies += read
            doubts += required
        except InputError as error:
            unmodelled = isinstance(error, NotModelledError)
            what = "dialect not modelled" if unmodelled else "is not one that Cilium would accept"
            problem = problem or error.line()
            reason = f"{object}: {what}: {error.line()}"
            subject = (_subject_or_all(owner, spec),)
            doubts.append(Doubt(object, reason, subject, _directions(spec), "unites", NETWORK))
    if not policies and not doubts:
        problem = "has no specification"
    return Read(tuple(policies), tuple(doubts), problem)


def _required(owner: _Owner, spec: Mapping[str, Any]) -> Iterable[Doubt]:
    """Yield the doubts of `fromRequires` and `toRequires`: they take away, and only before Cilium 1.19.

    They narrow what every policy allows the pod, those of a denial what every policy denies it.

    Source: https://github.com/cilium/cilium/blob/v1.16.0/pkg/policy/rules.go
    """
    effects: tuple[tuple[str, Literal["gate", "narrows"]], ...] = (("", "gate"), ("Deny", "narrows"))
    for (direction, end), (suffix, effect) in product(_ENDS.items(), effects):
        rules = listing(spec.get(f"{direction}{suffix}"), direction)
        if any(isinstance(rule, Mapping) and rule.get(f"{end}Requires") for rule in rules):
            reason = f"{owner.name}: dialect not modelled: field {end}Requires of {direction}{suffix}"
            yield Doubt(owner.name, reason, (_subject(owner, spec),), frozenset([direction]), effect, NETWORK)


def _directions(spec: Mapping[str, Any]) -> frozenset[Direction]:
    """Return the directions of a policy that is not otherwise read; both where it has none."""
    found = frozenset(each for each in _ENDS if spec.get(each) or spec.get(f"{each}Deny"))
    return found or frozenset(_ENDS)


def _subject_or_all(owner: _Owner, spec: Mapping[str, Any]) -> Pods:
    try:
        return _subject(owner, spec)
    except InputError:
        return Pods(owner.namespace, host_network="never")


def _subject(owner: _Owner, spec: Mapping[str, Any]) -> Pods:
    found = _endpoints(owner, spec.get("endpointSelector"), f"{owner.name} endpointSelector")
    if not owner.namespace:
        return found
    return Pods(owner.namespace, pods=found.pods, host_network="never")


def _policies(owner: _Owner, spec: Mapping[str, Any]) -> Iterable[Policy]:
    if strange := sorted(str(key) for key in spec if key not in _SPEC):
        raise NotModelledError(f"field {strange[0]} is not modelled", owner.name)
    if spec.get("nodeSelector") is not None:
        if spec.get("endpointSelector") is not None:
            raise PolicyError("endpointSelector and nodeSelector stand together", owner.name)
        return
    if spec.get("endpointSelector") is None:
        raise PolicyError("has no endpointSelector", owner.name)
    subject = (_subject(owner, spec),)
    switch = mapping(spec.get("enableDefaultDeny"), f"{owner.name} enableDefaultDeny")
    isolates = frozenset(
        direction
        for direction in _ENDS
        if switch.get(direction, bool(spec.get(direction) or spec.get(f"{direction}Deny"))) is not False
    )
    for suffix, action, order in (("Deny", "deny", DENIALS_FIRST), ("", "allow", ALLOWS)):
        rules: dict[Direction, tuple[Rule, ...]] = {}
        for direction in _ENDS:
            section = f"{direction}{suffix}"
            found = maps(spec.get(section), f"{owner.name} {section}")
            rules[direction] = tuple(
                _rule(owner, direction, index, rule, action, f"{owner.name} {section}[{index}]")  # type: ignore[arg-type]
                for index, rule in enumerate(found)
            )
        yield Policy(owner.name, subject, NETWORK, order, rules, isolates, "cilium", f"{owner.name}{suffix}")


def _rule(owner: _Owner, direction: Direction, index: int, rule: Mapping[str, Any], action: Action, where: str) -> Rule:
    end = _ENDS[direction]
    given = [field for field in _PEERS if rule.get(f"{end}{field}") is not None and field != "Requires"]
    known = {f"{end}{field}" for field in _PEERS} | _OTHER
    if strange := sorted(str(key) for key, value in rule.items() if key not in known and value is not None):
        raise NotModelledError(f"field {strange[0]} is not modelled", where)
    named = [field for field in given if rule[f"{end}{field}"]]
    if len(named) > 1 and set(named) != {"CIDR", "CIDRSet"}:
        raise PolicyError(f"{end}{named[0]} and {end}{named[1]} stand in one rule", where)
    note = f"{direction}Deny" if action == "deny" else ""
    if not given and not rule.get("toPorts"):
        return Rule(index, action, peers=(), note=note)
    doubts: list[str] = []
    if "Services" in given:
        doubts.append("it names peers by their Service")
    peers = tuple(
        peer for field in given for peer in _peer(owner, field, rule[f"{end}{field}"], f"{where}.{end}{field}")
    )
    ports = _ports(rule, where, doubts, action)
    if mapping(rule.get("authentication"), where).get("mode") not in (None, "", "disabled"):
        doubts.append("it asks for mutual authentication")
    return Rule(index, action, peers if given else EVERYONE, ports, "; ".join(doubts), note)


def _peer(owner: _Owner, field: str, value: Any, where: str) -> Iterable[Peer]:
    if field == "Endpoints":
        return [peer for each in maps(value, where) for peer in _endpoint_peers(owner, each, where)]
    if field == "CIDR":
        return [_outside(AddressSet((cidr(_with_length(each), where),))) for each in words(value, where)]
    if field == "CIDRSet":
        return [_outside(_cidr_set(owner, each, where)) for each in maps(value, where)]
    if field == "Entities":
        return [peer for each in words(value, where) for peer in _entity(each, where)]
    if field == "FQDNs":
        names = [word(each.get("matchName") or each.get("matchPattern"), where) for each in maps(value, where)]
        return [Outside(f"addresses of {name}") for name in names]
    if field == "Groups":
        return [Outside("addresses that a cloud provider names")]
    if field == "Nodes":
        return [Nodes(_plain(each, where)) for each in maps(value, where)]
    return EVERYONE if listing(value, where) else ()


def _endpoint_peers(owner: _Owner, value: Mapping[str, Any], where: str) -> Iterable[Peer]:
    """Return the peers of one endpoint selector.

    One reserved label alone is the entity of that name, wherever it is. `reserved:world` is not among them: a cluster
    with both address families gives addresses outside a label by family instead.

    Source: https://github.com/cilium/cilium/blob/main/pkg/k8s/apis/cilium.io/utils/utils.go
    """
    found = label_selector(value, where=where).requirements
    reserved = [each for each in found if each.key.startswith(_RESERVED)]
    if not reserved:
        return (_endpoints(owner, value, where),)
    name = reserved[0].key.removeprefix(_RESERVED)
    alone = len(found) == 1 and (reserved[0].operator == "Exists" or reserved[0].values == {""})
    if alone and reserved[0].operator in ("Exists", "In") and name in _RESERVED_ENTITIES:
        return _entity(name, where)
    return (Outside(f"peers with the label {reserved[0].key}", everything=True),)


def _with_length(text: str) -> str:
    return text if "/" in text else f"{text}/{128 if ':' in text else 32}"


def _outside(addresses: AddressSet) -> Addresses:
    """Return addresses as Cilium meets them: pods and nodes go by identity, never by address."""
    return Addresses(addresses, pods="never", nodes=False)


def _cidr_set(owner: _Owner, entry: Mapping[str, Any], where: str) -> AddressSet:
    if entry.get("cidrGroupSelector") is not None:
        raise NotModelledError("field cidrGroupSelector is not modelled", where)
    reference = word(entry.get("cidrGroupRef"), where)
    if not reference:
        return address_block(entry, where)
    if reference not in owner.groups:
        raise NotModelledError(f"CiliumCIDRGroup {reference} was not read", where)
    without = tuple(cidr(each, where) for each in words(entry.get("except"), where))
    return AddressSet(owner.groups[reference].blocks, without)


def _entity(name: str, where: str) -> Iterable[Peer]:
    if name == "all":
        return EVERYONE
    if name == "world":
        return (Outside(),)
    if name in ("world-ipv4", "world-ipv6"):
        return (_outside(AddressSet((EVERYWHERE[name == "world-ipv6"],))),)
    if name == "cluster":
        return (Pods(host_network="never"), Nodes())
    if name in ("host", "remote-node"):
        return (Nodes(own=name == "host"),)
    if name == "kube-apiserver":
        return (Outside("addresses of the API server", nodes=True, hosts=True),)
    if name in _NOBODY_SEEN:
        return ()
    raise PolicyError(f"entity {name!r} is not known", where)


def _plain(value: Any, where: str) -> Selector:
    """Return a label selector with the sources of labels left out: `k8s:app` is `app`."""
    found = label_selector(mapping(value, where), where=where)
    return Selector(
        tuple(Requirement(_key(each.key, where), each.operator, each.values) for each in found.requirements)
    )


def _key(key: str, where: str) -> str:
    source, colon, rest = key.partition(":")
    if not colon or source in ("k8s", "any"):
        return rest if colon else key
    raise NotModelledError(f"labels of source {source} are not modelled", where)


def _endpoints(owner: _Owner, value: Any, where: str) -> Pods:
    """Return the pods that an endpoint selector names.

    One that says nothing of namespaces is bound to the policy's own; in a clusterwide policy it means all pods.
    """
    pods, spaces = [], []
    for each in _plain(value, where).requirements:
        if each.key == POD_NAMESPACE:
            spaces.append(Requirement(NAMESPACE_NAMES[0], each.operator, each.values))
        elif each.key.startswith(NAMESPACE_LABELS):
            spaces.append(Requirement(each.key.removeprefix(NAMESPACE_LABELS), each.operator, each.values))
        elif each.key.startswith("io.cilium.k8s.") and each.key != ACCOUNT:
            raise NotModelledError(f"label {each.key} is not modelled", where)
        else:
            pods.append(each)
    own = owner.namespace if not spaces else ""
    return Pods(own, Selector(tuple(spaces)), Selector(tuple(pods)), host_network="never")


def _ports(rule: Mapping[str, Any], where: str, doubts: list[str], action: Action) -> Ports:
    """Return the ports of a rule; ICMP alone leaves none, and rules about requests leave a doubt."""
    entries = maps(rule.get("toPorts"), f"{where}.toPorts")
    if not entries:
        return Ports() if rule.get("icmps") else EVERY_PORT
    found = []
    for at, entry in enumerate(entries):
        ports = maps(entry.get("ports"), f"{where}.toPorts[{at}].ports")
        found.append(joined_ports(_port(port, f"{where}.toPorts[{at}]") for port in ports) if ports else EVERY_PORT)
        if action == "allow" and _narrows(mapping(entry.get("rules"), where)):
            doubts.append("it narrows what may be asked on the connection")
        if entry.get("serverNames") or entry.get("listener"):
            doubts.append("it names servers or a listener")
    return joined_ports(found)


def _narrows(rules: Mapping[str, Any]) -> bool:
    """Tell whether rules about requests narrow anything: DNS names of any pattern do not."""
    asked = {key: value for key, value in rules.items() if value}
    return bool(asked) and asked != {"dns": [{"matchPattern": "*"}]}


def _port(port: Mapping[str, Any], where: str) -> Ports:
    protocol = word(port.get("protocol"), where, "ANY").upper() or "ANY"
    protocols = PROTOCOLS if protocol == "ANY" else tuple(each for each in PROTOCOLS if each == protocol)
    if not protocols and not protocol.startswith(("ICMP", "VRRP", "IGMP")):
        raise PolicyError(f"protocol {protocol!r} is not known", where)
    given = port.get("port")
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else word(given, where)
    if not text.isdecimal():
        return Ports(names=tuple(NamedPort(text, each) for each in protocols))
    first = int(text)
    last = port.get("endPort") or first
    if not isinstance(last, int) or not 0 <= first <= last <= LAST:
        raise PolicyError(f"{text} is not a range of ports", where)
    if first == 0:
        return Ports(tuple(PortRange(each) for each in protocols))
    return Ports(tuple(PortRange(each, max(first, FIRST), last) for each in protocols))
