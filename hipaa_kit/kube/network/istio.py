"""Istio's AuthorizationPolicy and PeerAuthentication: a further gate before pods of the mesh.

The proxy at the destination asks DENY before ALLOW; without a policy that allows everything passes, with one only
what it allows. It sees TCP alone, and knows who calls only over mutual TLS, between two pods of the mesh.

Source: https://istio.io/latest/docs/reference/config/security/authorization-policy/,
https://istio.io/latest/docs/reference/config/security/peer_authentication/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube.network.addresses import AddressSet, parse_cidr
from hipaa_kit.kube.network.calico_selectors import Compared
from hipaa_kit.kube.network.ports import FIRST, LAST, PortRange, Ports, other_ports
from hipaa_kit.kube.network.reading import NotModelledError, PolicyError, mapping, maps, word, words
from hipaa_kit.kube.network.rules import (
    EVERYONE,
    MESH,
    NAMESPACE_NAMES,
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
)
from hipaa_kit.kube.selectors import label_selector

ROOT: Final = "istio-system"
"""Namespace whose policies hold in the whole mesh, where the mesh's configuration says nothing else."""

INGRESS: Final[frozenset[Direction]] = frozenset(["ingress"])
ANYBODY: Final = Pods(meshed=True, host_network="never")
"""Whoever can show who they are."""

STRANGERS: Final = Outside("identities of callers outside the cluster, or on its nodes", nodes=True)

TCP: Final = Ports((PortRange("TCP"),))
NOT_TCP: Final = Ports((PortRange("UDP"), PortRange("SCTP")))
ORDER: Final = {"strict": (0.0,), "CUSTOM": (1.0,), "DENY": (2.0,), "ALLOW": (3.0,)}
DRY_RUN: Final = "istio.io/dry-run"

_SPEC: Final = frozenset(["action", "provider", "rules", "selector", "targetRef", "targetRefs"])
_SOURCE: Final = frozenset(
    "principals notPrincipals namespaces notNamespaces ipBlocks notIpBlocks serviceAccounts notServiceAccounts".split()
)
_IDENTITY: Final = ("principals", "namespaces", "serviceAccounts")
_REQUEST: Final = frozenset("requestPrincipals notRequestPrincipals remoteIpBlocks notRemoteIpBlocks".split())
_OPERATION: Final = frozenset("hosts notHosts methods notMethods paths notPaths".split())


def read_authorization_policy(
    object: str,  # noqa: A002
    namespace: str,
    content: Mapping[str, Any],
    *,
    mutual: bool,
) -> Read:
    """Return what an AuthorizationPolicy says.

    Parameters
    ----------
    object, namespace
        The object by name, and its namespace; that of the mesh's root holds everywhere.
    content
        The object.
    mutual
        Two pods of the mesh always speak mutual TLS; without that it is not known who calls.

    Returns
    -------
    Read
        One policy; a doubt that can only take away where it is CUSTOM or a field is not modelled.
    """
    subject = Pods("" if namespace == ROOT else namespace, host_network="never", meshed=True)
    try:
        spec = mapping(content.get("spec"), f"{object} spec")
        if strange := sorted(str(key) for key in spec if key not in _SPEC):
            raise NotModelledError(f"field {strange[0]} is not modelled", object)
        if spec.get("targetRef") or spec.get("targetRefs"):
            raise NotModelledError("a policy of a gateway or waypoint is not modelled", object)
        chosen = mapping(spec.get("selector"), f"{object} spec.selector")
        labels = label_selector({"matchLabels": chosen.get("matchLabels") or {}}, where=object)
        subject = Pods(subject.namespace, pods=labels, host_network="never", meshed=True)
        action = word(spec.get("action"), f"{object} spec.action") or "ALLOW"
        notes = mapping(mapping(content.get("metadata"), object).get("annotations"), object)
        if action == "AUDIT" or str(notes.get(DRY_RUN)).lower() == "true":
            return Read()
        if action not in ORDER or action == "strict":
            raise PolicyError(f"action {action!r} is not ALLOW, DENY, AUDIT or CUSTOM", object)
        return Read(policies=(_policy(object, subject, action, spec, mutual),))
    except InputError as error:
        reason = f"{object}: dialect not modelled: {error.line()}"
        return Read(doubts=(Doubt(object, reason, (subject,), INGRESS, "gate"),), problem=error.line())


def _policy(name: str, subject: Pods, action: str, spec: Mapping[str, Any], mutual: bool) -> Policy:
    effect: Any = "allow" if action == "ALLOW" else "deny"
    custom = ["a program outside decides"] if action == "CUSTOM" else []
    rules = [
        Rule(index, effect, peers, ports, "; ".join([*custom, *doubts]))
        for index, rule in enumerate(maps(spec.get("rules"), f"{name} spec.rules"))
        for peers, ports, doubts in _alternatives(rule, mutual, f"{name} spec.rules[{index}]")
    ]
    if action == "ALLOW":
        rules.append(Rule(len(rules), "allow", EVERYONE, NOT_TCP, note="the proxy sees TCP alone"))
    isolates = INGRESS if action == "ALLOW" else frozenset[Direction]()
    return Policy(name, (subject,), MESH, ORDER[action], {"ingress": tuple(rules)}, isolates, "istio")


def _alternatives(
    rule: Mapping[str, Any], mutual: bool, where: str
) -> Iterator[tuple[tuple[Peer, ...], Ports, list[str]]]:
    """Yield every pair of a source and an operation of a rule, with what is not decided of it."""
    if strange := sorted(str(key) for key in rule if key not in ("from", "to", "when")):
        raise NotModelledError(f"field {strange[0]} is not modelled", where)
    # Conditions hold what users fill in: neither their keys nor their values reach a snapshot.
    conditions = ["it has conditions on the request"] if rule.get("when") else []
    sources = [mapping(each.get("source"), where) for each in maps(rule.get("from"), where)] or [{}]
    operations = [mapping(each.get("operation"), where) for each in maps(rule.get("to"), where)] or [{}]
    for source in sources:
        peers, about = _source(source, mutual, where)
        for operation in operations:
            ports, more = _operation(operation, where)
            yield peers, ports, [*conditions, *about, *more]


def _source(source: Mapping[str, Any], mutual: bool, where: str) -> tuple[tuple[Peer, ...], list[str]]:
    """Return the peers of a source: all of its fields must hold."""
    if strange := sorted(str(key) for key in source if key not in _SOURCE | _REQUEST):
        raise NotModelledError(f"field {strange[0]} is not modelled", where)
    every: list[tuple[SimplePeer, ...]] = []
    without: list[SimplePeer] = []
    doubts = ["it asks who a request is for"] if any(source.get(key) for key in _REQUEST) else []
    for key in _IDENTITY:
        for name, wanted in ((key, True), (f"not{key[0].upper()}{key[1:]}", False)):
            held = words(source.get(name), f"{where}.{name}")
            if held and not mutual:
                doubts.append("it is not known that callers show who they are")
            named: list[SimplePeer] = [_identity(key, each) for each in held]
            if held and wanted:
                every.append((*named, STRANGERS))
            elif held:
                without += [*named, STRANGERS]
    for name, wanted in (("ipBlocks", True), ("notIpBlocks", False)):
        if held := words(source.get(name), f"{where}.{name}"):
            blocks = [parse_cidr(each) for each in held]
            addresses = Addresses(AddressSet(tuple(block for block in blocks if block)), pods="always")
            if None in blocks:
                raise PolicyError("an address is not one", f"{where}.{name}")
            if wanted:
                every.append((addresses,))
            else:
                without.append(addresses)
    if not every and not without:
        return EVERYONE, doubts
    if len(every) == 1 and not without:
        return every[0], doubts
    return (Combined(tuple(every), tuple(without)),), doubts


def _identity(key: str, text: str) -> Pods:
    """Return the pods of a principal, a namespace or an account; `*` at an end stands for anything."""
    if key == "principals":
        return Pods(principals=(text,), meshed=True, host_network="never")
    if key == "serviceAccounts":
        namespace, _, account = text.rpartition("/")
        return Pods(namespace, account_names=frozenset([account]), meshed=True, host_network="never")
    if "*" not in text:
        return Pods(text, meshed=True, host_network="never")
    if text == "*":
        return ANYBODY
    operator = "ends with" if text.startswith("*") else "starts with"
    named = Compared(NAMESPACE_NAMES[0], operator, frozenset([text.strip("*")]))
    return Pods(namespaces=named, meshed=True, host_network="never")


def _operation(operation: Mapping[str, Any], where: str) -> tuple[Ports, list[str]]:
    if strange := sorted(str(key) for key in operation if key not in _OPERATION | {"ports", "notPorts"}):
        raise NotModelledError(f"field {strange[0]} is not modelled", where)
    doubts = ["it speaks of requests"] if any(operation.get(key) for key in _OPERATION) else []
    given, without = _numbers(operation.get("ports"), where), _numbers(operation.get("notPorts"), where)
    ranges = tuple(PortRange("TCP", each, each) for each in given) or TCP.ranges
    if without:
        cut = other_ports([PortRange("TCP", each, each) for each in without], ["TCP"])
        ranges = tuple(each for each in ranges if each.first not in without) if given else cut
    return Ports(ranges), doubts


def _numbers(value: Any, where: str) -> list[int]:
    found = words(value, where)
    if not all(each.isdecimal() and FIRST <= int(each) <= LAST for each in found):
        raise PolicyError("a port is not a number", where)
    return [int(each) for each in found]


def read_peer_authentications(objects: Iterable[tuple[str, str, Mapping[str, Any]]]) -> tuple[Read, bool]:
    """Return what all PeerAuthentications say together, and whether pods of the mesh always speak mutual TLS.

    Parameters
    ----------
    objects
        Name, namespace and content of each.

    Notes
    -----
    STRICT turns away whoever does not speak mutual TLS. A narrower one overrules a wider one; where modes differ,
    those that are strict are doubts that can only take away.
    """
    held = []
    for name, namespace, content in objects:
        spec = mapping(content.get("spec"), name)
        mode = word(mapping(spec.get("mtls"), name).get("mode"), name) or "UNSET"
        chosen = mapping(spec.get("selector"), name).get("matchLabels") or {}
        space = "" if namespace == ROOT and not chosen else namespace
        subject = Pods(
            space, pods=label_selector({"matchLabels": chosen}, where=name), host_network="never", meshed=True
        )
        held.append((name, subject, "PORTS" if spec.get("portLevelMtls") else mode))
    modes = {mode for _, _, mode in held}
    if modes <= {"STRICT"}:
        policies = [_strict(name, subject) for name, subject, _ in held]
        return Read(policies=tuple(policies)), True
    doubts = [
        Doubt(name, f"{name}: dialect not modelled: modes of PeerAuthentication differ", (subject,), INGRESS, "gate")
        for name, subject, mode in held
        if mode in ("STRICT", "PORTS")
    ]
    return Read(doubts=tuple(doubts)), not modes & {"DISABLE", "PORTS"}


def _strict(name: str, subject: Pods) -> Policy:
    everyone_else: tuple[Peer, ...] = (Combined((), (ANYBODY,)),)
    rule = Rule(0, "deny", everyone_else, TCP, note="STRICT: only mutual TLS")
    return Policy(name, (subject,), MESH, ORDER["strict"], {"ingress": (rule,)}, family="istio")
