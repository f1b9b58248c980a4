"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy: layers 3 and 4, entities, deny rules, default deny.

Sources: https://docs.cilium.io/en/stable/security/policy/intro/,
https://docs.cilium.io/en/stable/security/policy/language/, https://docs.cilium.io/en/latest/security/policy/layer3/,
https://docs.cilium.io/en/latest/security/policy/layer4/, https://docs.cilium.io/en/latest/security/policy/deny/,
https://docs.cilium.io/en/latest/policy/kubernetes/ and, for lists that are given but empty,
https://github.com/cilium/cilium/pull/29608.
"""

from __future__ import annotations

from typing import Any

from tests.support.network_oracle import network_policy
from tests.support.network_oracle.logic import Tri, all3, any3, not3
from tests.support.network_oracle.model import (
    End,
    Flow,
    InvalidError,
    Labels,
    Object,
    Options,
    check_selector,
    in_network,
    named_port,
    namespace_labels,
    parse_block,
    policies,
    selects,
)

KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
NAMESPACE, NAMESPACE_LABELS = "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels."
PREFIX = {"ingress": "from", "egress": "to"}
PLACES = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Nodes", "Groups", "FQDNs", "Services")
ENTITIES = {
    "all", "world", "world-ipv4", "world-ipv6", "cluster", "host", "remote-node", "kube-apiserver", "ingress", "init",
    "health", "unmanaged", "none",
}  # fmt: skip
NARROWER = ("rules", "listener", "serverNames", "terminatingTLS", "originatingTLS")


def present(cluster: Object) -> bool:
    """Tell whether there is a policy of Cilium."""
    return bool(policies(cluster, "cilium.io", *KINDS))


def decide(cluster: Object, flow: Flow, direction: str, options: Options) -> set[Any]:
    """Return what all policies together may say: `True`, `False`, or `"next"` when nothing isolates the subject.

    Deny rules win over every allow, also of NetworkPolicies. A section of rules isolates its direction, unless the
    policy says not to. Allows of all kinds unite. Before Cilium 1.19 requirements of a deny rule narrow the deny rules
    of every policy that selects the subject.
    """
    subject = flow.subject(direction)
    denied: list[Tri] = []
    allowed: list[Tri] = []
    isolated: list[Tri] = []
    uncertain: list[Tri] = []
    narrowed = False
    for policy, rule, chosen in _selecting(cluster, subject, options):
        if not _valid(policy, rule):
            if any(rule.get(f"{direction}{deny}") for deny in ("", "Deny")):
                uncertain.append(None)
            continue
        isolated.append(all3((chosen, _isolates(rule, direction))))
        for each in rule.get(direction) or ():
            allowed.append(all3((chosen, _rule(cluster, policy, each, flow, direction, options))))
            if each.get(f"{PREFIX[direction]}Requires"):
                uncertain.append(False)
        for each in rule.get(f"{direction}Deny") or ():
            denied.append(all3((chosen, _rule(cluster, policy, each, flow, direction, options))))
            narrowed = narrowed or bool(each.get(f"{PREFIX[direction]}Requires"))
    theirs = network_policy.decide(cluster, flow, direction, options)
    refused = any3(denied)
    if refused and narrowed:
        refused = None
    return _verdict(refused, any3(allowed), any3(isolated), uncertain, theirs)


def _verdict(denied: Tri, allowed: Tri, isolated: Tri, uncertain: list[Tri], theirs: set[Any]) -> set[Any]:
    """Join what is known; a doubt may take away (`False`), or go either way (`None`).

    `theirs` is what the NetworkPolicies say: what either kind allows is allowed, what either isolates is isolated.
    """
    if denied:
        return {False}
    if allowed:
        ours: set[Any] = {True}
    else:
        ours = {"next"} if isolated is False else {False} if isolated else {False, "next"}
        ours |= {True} if allowed is None else set()
    said = {True if True in (one, two) else "next" if one == two == "next" else False for one in ours for two in theirs}
    said |= {False} if denied is None else set()
    if None in uncertain:
        return said | {True, False}
    return said | {False} if uncertain else said


def _selecting(cluster: Object, end: End, options: Options) -> list[tuple[Object, Object, Tri]]:
    """Return the rules whose selector picks a pod. Pods on the host network have the identity of their node."""
    found: list[tuple[Object, Object, Tri]] = []
    if end.pod is None:
        return []
    for policy in policies(cluster, "cilium.io", *KINDS):
        for rule in [each for each in [policy.get("spec"), *(policy.get("specs") or ())] if each]:
            if "endpointSelector" not in rule:
                chosen: Tri = None if end.host_network else False  # a policy for nodes
            elif end.host_network or not _own(policy, end):
                chosen = False
            else:
                chosen = _endpoint(cluster, rule["endpointSelector"], end, options)
            if chosen is not False:
                found.append((policy, rule, chosen))
    return found


def _own(policy: Object, end: End) -> bool:
    return bool(policy["kind"] != "CiliumNetworkPolicy" or policy["metadata"]["namespace"] == end.namespace)


def _isolates(rule: Object, direction: str) -> Tri:
    """Tell whether a policy turns default deny on. To turn it on without a rule is not described: not known."""
    section = bool(rule.get(direction)) or bool(rule.get(f"{direction}Deny"))
    wanted = (rule.get("enableDefaultDeny") or {}).get(direction)
    if wanted is None:
        return section
    return None if wanted and not section else bool(wanted)


def _rule(cluster: Object, policy: Object, rule: Object, flow: Flow, direction: str, options: Options) -> Tri:
    """Tell whether a rule matches. An empty rule selects nothing; so does one with a list that is given but empty."""
    found = {each: rule.get(f"{PREFIX[direction]}{each}") for each in PLACES}
    given = {key: value for key, value in found.items() if value is not None}
    if any(value == [] for value in given.values()):
        return False
    if not given and not rule.get("toPorts") and not rule.get("icmps"):
        return False
    places = [_place(cluster, policy, key, value, flow, direction, options) for key, value in given.items()]
    return all3([*places, _ports(rule, flow)])


def _place(
    cluster: Object, policy: Object, key: str, wanted: list[Any], flow: Flow, direction: str, options: Options
) -> Tri:
    end, subject = flow.peer(direction), flow.subject(direction)
    if key == "Endpoints":
        return any3(_peer_endpoint(cluster, policy, each or {}, flow, direction, options) for each in wanted)
    if key == "Entities":
        return any3(_entity(each, end, subject) for each in wanted)
    if key == "CIDR":
        return any3(_outside(each, [], end, flow.family) for each in wanted)
    if key == "CIDRSet":
        return any3(
            _outside(each["cidr"], each.get("except") or [], end, flow.family) if "cidr" in each else _hidden(end)
            for each in wanted
        )
    if key == "Nodes":
        return None if end.node and (end.pod is None or end.host_network) else False
    return None if key == "Services" else _hidden(end)


def _hidden(end: End) -> Tri:
    """Return what is known of a place whose addresses the policy does not say: it is outside the cluster."""
    return None if end.pod is None and not end.node else False


def _outside(cidr: str, excepted: list[str], end: End, family: int | None) -> Tri:
    """Tell whether a block holds an end. Blocks match neither managed pods nor nodes."""
    if end.pod is not None or end.node:
        return False
    address = end.address(family)
    return all3((in_network(address, cidr), not3(any3(in_network(address, each) for each in excepted))))


def _entity(entity: str, end: End, subject: End) -> Tri:
    at_node = bool(end.node) if end.pod is None else end.host_network
    world = end.pod is None and not end.node
    if entity == "all":
        return True
    if entity in ("world-ipv4", "world-ipv6"):
        return world and end.addresses[0].version == int(entity[-1])
    if entity == "kube-apiserver":
        return None if world or at_node else False
    return {
        "world": world,
        "cluster": not world,
        "host": at_node and end.node == subject.node,
        "remote-node": at_node and end.node != subject.node,
    }.get(entity, False)


def _ports(rule: Object, flow: Flow) -> Tri:
    if not rule.get("toPorts"):
        return not rule.get("icmps")
    return any3(
        all3((_port(each, flow), None if any(part.get(key) for key in NARROWER) else True))
        for part in rule["toPorts"]
        for each in part.get("ports") or ()
    )


def _port(each: Object, flow: Flow) -> Tri:
    protocol, port = (each.get("protocol") or "ANY").upper(), str(each.get("port", ""))
    if protocol not in ("ANY", flow.protocol):
        return False
    if not port.isdigit():
        return named_port(flow.destination, port, flow.port, flow.protocol)
    return port == "0" or int(port) <= flow.port <= (each.get("endPort") or int(port))


# --- selectors -------------------------------------------------------------------------------------------------------


def _bare(key: str) -> str:
    """Return a label key without the source that may stand before it."""
    for source in ("k8s:", "any:", "k8s.", "any."):
        if key.startswith(source):
            return key.removeprefix(source)
    return key


def _plain(selector: Object) -> Object:
    """Return a selector with bare keys."""
    return {
        "matchLabels": {_bare(key): value for key, value in (selector.get("matchLabels") or {}).items()},
        "matchExpressions": [{**each, "key": _bare(each["key"])} for each in selector.get("matchExpressions") or ()],
    }


def _identity(cluster: Object, end: End, options: Options) -> Labels:
    """Return the labels of a pod, and those that Cilium adds."""
    namespace = namespace_labels(cluster, end.namespace)
    added = {
        NAMESPACE: end.namespace,
        "io.cilium.k8s.policy.serviceaccount": end.service_account,
        "io.cilium.k8s.policy.cluster": options.cilium_cluster,
        **{f"{NAMESPACE_LABELS}{key}": value for key, value in namespace.values.items()},
    }
    return Labels({**end.labels.values, **added})


def _endpoint(cluster: Object, selector: Object | None, end: End, options: Options) -> Tri:
    try:
        check_selector(selector)
    except InvalidError:
        return None
    plain, labels = _plain(selector or {}), _identity(cluster, end, options)
    keys = [*plain["matchLabels"], *(each["key"] for each in plain["matchExpressions"])]
    unseen = not namespace_labels(cluster, end.namespace).complete
    hidden = {key for key in keys if unseen and key.startswith(NAMESPACE_LABELS) and key not in labels.values}
    if hidden:
        seen = {
            "matchLabels": {key: value for key, value in plain["matchLabels"].items() if key not in hidden},
            "matchExpressions": [each for each in plain["matchExpressions"] if each["key"] not in hidden],
        }
        return None if selects(seen, labels) else False
    return None if any(key.startswith("reserved:") for key in keys) else selects(plain, labels)


def _peer_endpoint(
    cluster: Object, policy: Object, selector: Object, flow: Flow, direction: str, options: Options
) -> Tri:
    """Tell whether a peer selector picks an end: in a namespaced policy, of its own namespace unless it names one."""
    end = flow.peer(direction)
    plain = _plain(selector)
    keys = [*plain["matchLabels"], *(each["key"] for each in plain["matchExpressions"])]
    if any(key.startswith("reserved:") for key in keys):
        return _reserved(plain, end, flow.subject(direction))
    if end.pod is None or end.host_network:
        return False
    elsewhere = any(key == NAMESPACE or key.startswith(NAMESPACE_LABELS) for key in keys)
    if not elsewhere and not _own(policy, end):
        return False
    return _endpoint(cluster, selector, end, options)


def _reserved(plain: Object, end: End, subject: End) -> Tri:
    """Tell whether an end has a reserved label, in whatever namespace: those alone say which entity it is.

    What has the label of the world depends on the address families of the cluster.
    https://github.com/cilium/cilium/blob/main/pkg/k8s/apis/cilium.io/utils/utils.go
    """
    expressions = [each for each in plain["matchExpressions"] if each["operator"] == "Exists"]
    named = [key for key, value in plain["matchLabels"].items() if value == ""] + [each["key"] for each in expressions]
    if len(named) != len(plain["matchLabels"]) + len(plain["matchExpressions"]) or len(named) != 1:
        return None
    entity = named[0].removeprefix("reserved:")
    if entity not in ENTITIES - {"all", "cluster", "world", "world-ipv4", "world-ipv6"}:
        return None
    return _entity(entity, end, subject)


# --- what Cilium refuses ---------------------------------------------------------------------------------------------


def _valid(policy: Object, rule: Object) -> bool:
    """Tell whether Cilium accepts a rule.

    https://github.com/cilium/cilium/blob/main/pkg/policy/api/rule_validation.go
    """
    try:
        _check(policy, rule)
    except (InvalidError, ValueError, KeyError):
        return False
    return True


def _check(policy: Object, rule: Object) -> None:
    check_selector(rule.get("endpointSelector"))
    if "nodeSelector" in rule and ("endpointSelector" in rule or policy["kind"] == "CiliumNetworkPolicy"):
        raise InvalidError("nodeSelector")
    for direction, prefix in PREFIX.items():
        for each in [*(rule.get(direction) or ()), *(rule.get(f"{direction}Deny") or ())]:
            given = [key for key in PLACES if each.get(f"{prefix}{key}")]
            if len(given) > 1:
                raise InvalidError(f"{given} in one rule")
            for selector in each.get(f"{prefix}Endpoints") or ():
                check_selector(selector)
            if set(each.get(f"{prefix}Entities") or ()) - ENTITIES:
                raise InvalidError(f"entities {each}")
            blocks = [{"cidr": cidr} for cidr in each.get(f"{prefix}CIDR") or ()]
            for block in [*blocks, *(each.get(f"{prefix}CIDRSet") or ())]:
                for cidr in [*filter(None, [block.get("cidr")]), *(block.get("except") or ())]:
                    parse_block(cidr)
            for part in each.get("toPorts") or ():
                for port in part.get("ports") or ():
                    _check_port(port)


def _check_port(port: Object) -> None:
    number = str(port["port"])
    if (port.get("protocol") or "ANY").upper() not in ("ANY", "TCP", "UDP", "SCTP"):
        raise InvalidError(f"protocol of {port}")
    if number.isdigit() and not 0 <= int(number) <= 65535:
        raise InvalidError(f"port {port}")
    if number.isdigit() and port.get("endPort") and not int(number) <= port["endPort"] <= 65535:
        raise InvalidError(f"range {port}")
