"""AdminNetworkPolicy, BaselineAdminNetworkPolicy (v1alpha1) and ClusterNetworkPolicy (v1alpha2).

Sources: https://network-policy-api.sigs.k8s.io/api-overview/, https://network-policy-api.sigs.k8s.io/reference/spec/,
https://network-policy-api.sigs.k8s.io/npeps/npep-187-ports-and-protocols/,
https://network-policy-api.sigs.k8s.io/npeps/npep-285-combine-crds/ and the comments of
https://github.com/kubernetes-sigs/network-policy-api/blob/main/apis/v1alpha2/clusternetworkpolicy_types.go and
https://github.com/kubernetes-sigs/network-policy-api/blob/v0.1.7/apis/v1alpha1/adminnetworkpolicy_types.go.
"""

from __future__ import annotations

from itertools import groupby

from tests.support.network_oracle.logic import Tri, all3, any3
from tests.support.network_oracle.model import (
    PROTOCOLS,
    End,
    Flow,
    InvalidError,
    Labels,
    Object,
    check_selector,
    container_ports,
    in_network,
    name,
    named_port,
    namespace_labels,
    parse_address,
    parse_block,
    policies,
    selects,
)

GROUP = "policy.networking.k8s.io"
PEERS = {"ingress": "from", "egress": "to"}
KNOWN_PEERS = {
    "ingress": {"namespaces", "pods"},
    "egress": {"namespaces", "pods", "networks", "nodes", "domainNames"},
}
ADDRESS_PEERS = {"networks", "nodes", "domainNames"}
ACTIONS = {
    "AdminNetworkPolicy": {"Allow": "allow", "Deny": "deny", "Pass": "pass"},
    "BaselineAdminNetworkPolicy": {"Allow": "allow", "Deny": "deny"},
    "ClusterNetworkPolicy": {"Accept": "allow", "Deny": "deny", "Pass": "pass"},
}
RELATIVE = {"sameLabels", "notSameLabels"}
UNSURE = {"allow", "deny", "pass", "none"}
"""What an object that the API server refuses may come to, or not, when it is corrected."""


def decide(cluster: Object, flow: Flow, direction: str, tier: str) -> set[str]:
    """Return what a tier may say: of `allow`, `deny`, `pass`, and `none` when no rule of the tier matches.

    The kinds of v1alpha1 and of v1alpha2 have no order among each other: where both match, either may be applied.
    """
    first = _first_match(cluster, flow, direction, _of_kind(cluster, "ClusterNetworkPolicy", tier))
    older = "AdminNetworkPolicy" if tier == "Admin" else "BaselineAdminNetworkPolicy"
    return either([first, _first_match(cluster, flow, direction, _of_kind(cluster, older, tier))])


def _of_kind(cluster: Object, kind: str, tier: str) -> list[Object]:
    held = policies(cluster, GROUP, kind)
    return [each for each in held if kind != "ClusterNetworkPolicy" or _tier(each) == tier]


def _tier(policy: Object) -> str:
    return "Baseline" if policy["spec"].get("tier") == "Baseline" else "Admin"


def _priority(policy: Object) -> int:
    """Return the precedence: lower first. The baseline policy of v1alpha1 has none, nor has one refused for it."""
    priority = policy["spec"].get("priority")
    return priority if isinstance(priority, int) and 0 <= priority <= 1000 else -1


def _place(policy: Object) -> int:
    """Return where an object stands: one that the API refuses may be there with another priority, before all."""
    return _priority(policy) if valid(policy) else -1


def _first_match(cluster: Object, flow: Flow, direction: str, held: list[Object]) -> set[str]:
    said = {"none"}
    for _, equals in groupby(sorted(held, key=_place), key=_place):
        here = either([_policy(cluster, each, flow, direction) for each in equals])
        said = (said - {"none"}) | here
        if "none" not in here:
            break
    return said


def either(alternatives: list[set[str]]) -> set[str]:
    """Return what may come out where any of the matching policies may be applied, whichever it is."""
    said = set().union(*alternatives) - {"none"}
    return said | ({"none"} if all("none" in each for each in alternatives) else set())


def _policy(cluster: Object, policy: Object, flow: Flow, direction: str) -> set[str]:
    """Return what the first matching rule of one object may say."""
    if not policy["spec"].get(direction):
        return {"none"}
    subject = _subject(cluster, policy, flow.subject(direction))
    if subject is False:
        return {"none"}
    if not valid(policy):
        return set(UNSURE)
    said: set[str] = set() if subject else {"none"}
    for rule in policy["spec"][direction]:
        matched = _rule(cluster, rule, flow, direction)
        if matched is not False:
            said.add("deny" if _fails_closed(rule, direction) else ACTIONS[policy["kind"]][rule["action"]])
        if matched is True:
            return said
    return said | {"none"}


def _subject(cluster: Object, policy: Object, end: End) -> Tri:
    """Tell whether an object applies to a pod. Pods on the host network are in no subject."""
    subject = policy["spec"].get("subject") or {}
    if end.pod is None or end.host_network:
        return False
    try:
        _check_one(subject, {"namespaces", "pods"})
        _check_pods(subject)
    except InvalidError:
        return None
    return _namespaces_or_pods(cluster, subject, end)


def _namespaces_or_pods(cluster: Object, peer: Object, end: End) -> Tri:
    if end.pod is None or end.host_network:
        return False
    if peer.get("namespaces") is not None:
        return _namespaces(cluster, peer["namespaces"], end)
    pods = peer["pods"]
    inside = _namespaces(cluster, pods.get("namespaceSelector", pods.get("namespaces")), end)
    return all3((inside, selects(pods.get("podSelector"), end.labels)))


def _namespaces(cluster: Object, term: Object | None, end: End) -> Tri:
    """Tell whether an end's namespace is meant, also in the words of the first releases of v1alpha1.

    Those wrapped the selector, and could ask for the labels of the subject's namespace: `sameLabels`, `notSameLabels`.
    What became of that is not known: it was enforced by those who knew it, and a later server drops it.
    https://github.com/kubernetes-sigs/network-policy-api/blob/v0.1.1/apis/v1alpha1/shared_types.go
    """
    if RELATIVE & set(term or {}):
        return None
    return selects(_unwrapped(term), namespace_labels(cluster, end.namespace))


def _unwrapped(term: Object | None) -> Object | None:
    return (term or {}).get("namespaceSelector", term)


def _rule(cluster: Object, rule: Object, flow: Flow, direction: str) -> Tri:
    if _unknown_peer(rule, direction) or _unknown_port(rule):
        return _fails_closed(rule, direction)  # all traffic for deny and pass, none for allow
    peers = any3(_peer(cluster, each, flow.peer(direction), flow.family) for each in rule[PEERS[direction]])
    return all3((peers, _ports(rule, flow)))


def _fails_closed(rule: Object, direction: str) -> bool:
    """Tell whether a rule with a part that this version does not know becomes "deny all"."""
    return (_unknown_peer(rule, direction) or _unknown_port(rule)) and rule["action"] in ("Deny", "Pass")


def _unknown_peer(rule: Object, direction: str) -> bool:
    return any(not KNOWN_PEERS[direction] & _given(peer) for peer in rule[PEERS[direction]])


def _given(part: Object | None) -> set[str]:
    """Return the fields of a part that say something."""
    return {key for key, value in (part or {}).items() if value is not None}


def _unknown_port(rule: Object) -> bool:
    """Tell whether an entry has no known field.

    What to do then is written for peers only; ports are taken the same way, which is the intent of NPEP-187.
    """
    known_ports, known = {"portNumber", "portRange", "namedPort"}, {"tcp", "udp", "sctp", "destinationNamedPort"}
    ports = any(not known_ports & set(each or {}) for each in rule.get("ports") or ())
    return ports or any(not known & set(each or {}) for each in rule.get("protocols") or ())


def _peer(cluster: Object, peer: Object, end: End, family: int | None) -> Tri:
    address = end.address(family)
    if "networks" in peer:
        return any3(in_network(address, each) for each in peer["networks"])  # pods are tested too
    if "nodes" in peer:
        return _nodes(cluster, peer["nodes"], end, family)
    if "domainNames" in peer:
        return _domain(peer["domainNames"], end)
    return _namespaces_or_pods(cluster, peer, end)


def _domain(names: list[str], end: End) -> Tri:
    """Return what is known of a domain name: nothing of addresses outside; of pods, that only names of the cluster fit.

    Names of pods and of headless services do select pods. A pod on the host network has its node's address, which any
    name may stand for.
    https://network-policy-api.sigs.k8s.io/npeps/npep-133-fqdn-egress-selector/
    """
    of_cluster = any(each.rstrip(".").endswith("cluster.local") for each in names)
    return None if end.pod is None or end.host_network or of_cluster else False


def _nodes(cluster: Object, selector: Object, end: End, family: int | None) -> Tri:
    """Tell whether an end has an address of a selected node; on the host network a pod has those of its own."""
    if end.pod is not None and not end.host_network:
        return False
    address = end.address(family)
    waiting = end.pod is not None and not end.addresses and any(name(each) == end.node for each in cluster["nodes"])
    found: list[Tri] = []
    for node in cluster["nodes"]:
        if selects(selector, Labels(node["metadata"].get("labels") or {})):
            if waiting:  # its address will be one of its node's, also before its status says so
                found.append(name(node) == end.node)
                continue
            texts = [each["address"] for each in node.get("status", {}).get("addresses") or () if _is_ip(each)]
            found += [None if address is None else parse_address(each) == address for each in texts]
    return any3(found)


def _is_ip(address: Object) -> bool:
    return address["type"] in ("InternalIP", "ExternalIP")


def _ports(rule: Object, flow: Flow) -> Tri:
    if not rule.get("ports") and not rule.get("protocols"):
        return True
    older = [_port(each, flow) for each in rule.get("ports") or ()]
    return any3([*older, *(_protocol(each, flow) for each in rule.get("protocols") or ())])


def _port(each: Object, flow: Flow) -> Tri:
    if "namedPort" in each:
        return _any_protocol(each["namedPort"], flow)
    part = each.get("portNumber") or each["portRange"]
    if (part.get("protocol") or "TCP") != flow.protocol:
        return False
    return bool(part.get("port", part.get("start")) <= flow.port <= part.get("port", part.get("end")))


def _protocol(each: Object, flow: Flow) -> Tri:
    if "destinationNamedPort" in each:
        return _any_protocol(each["destinationNamedPort"], flow)
    ((protocol, part),) = each.items()
    if protocol.upper() != flow.protocol:
        return False
    port = (part or {}).get("destinationPort")
    if port is None:
        return True
    span = port.get("range") or {"start": port["number"], "end": port["number"]}
    return bool(span["start"] <= flow.port <= span["end"])


def _any_protocol(port_name: str, flow: Flow) -> Tri:
    """Tell whether a name stands for the port, in whatever protocol the pod declares it."""
    declared = {
        each.get("protocol", "TCP")
        for each in container_ports(flow.destination.pod or {})
        if each.get("name") == port_name
    }
    if flow.protocol not in declared:
        return False
    return named_port(flow.destination, port_name, flow.port, flow.protocol)


# --- what the API server refuses -------------------------------------------------------------------------------------


def valid(policy: Object) -> bool:
    """Tell whether the schema and the rules of the custom resource accept the object."""
    spec = policy["spec"]
    try:
        _check_one(spec.get("subject") or {}, {"namespaces", "pods"})
        _check_pods(spec["subject"])
        if policy["kind"] == "BaselineAdminNetworkPolicy":
            if name(policy) != "default":
                raise InvalidError("the baseline policy is named default")
        elif _priority(policy) < 0:
            raise InvalidError(f"priority {spec.get('priority')!r}")
        if policy["kind"] == "ClusterNetworkPolicy" and spec.get("tier") not in ("Admin", "Baseline"):
            raise InvalidError(f"tier {spec.get('tier')!r}")
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                _check_rule(policy["kind"], rule, direction)
    except (InvalidError, ValueError):
        return False
    return True


def _check_one(part: Object, known: set[str]) -> None:
    if len(part) != 1 or not set(part) & known:
        raise InvalidError(f"one of {sorted(known)}: {part!r}")


def _check_pods(part: Object) -> None:
    if "namespaces" in part:
        check_selector(_plain(part["namespaces"]))
    if "pods" in part:
        check_selector(_plain(part["pods"].get("namespaceSelector", part["pods"].get("namespaces"))))
        check_selector(part["pods"].get("podSelector"))


def _plain(term: Object | None) -> Object | None:
    return None if RELATIVE & set(term or {}) else _unwrapped(term)


def _check_rule(kind: str, rule: Object, direction: str) -> None:
    if rule.get("action") not in ACTIONS[kind] or not rule.get(PEERS[direction]):
        raise InvalidError(f"rule {rule!r}")
    if "protocols" in rule and not rule["protocols"]:
        raise InvalidError("empty protocols")  # v1alpha1 asks for no entry
    for peer in rule[PEERS[direction]]:
        if len(peer or {}) > 1:
            raise InvalidError(f"peer {peer!r}")
        _check_pods(peer or {})
        check_selector((peer or {}).get("nodes"))
        for each in (peer or {}).get("networks") or ():
            parse_block(each)
    given = set().union(*(set(peer or {}) for peer in rule[PEERS[direction]]))
    names_ports = any("namedPort" in each for each in rule.get("ports") or ()) or any(
        "destinationNamedPort" in each for each in rule.get("protocols") or ()
    )
    if direction == "egress" and given & ADDRESS_PEERS and names_ports:
        raise InvalidError("named ports and peers that are no pods")
    if "domainNames" in given & KNOWN_PEERS[direction] and rule["action"] not in ("Allow", "Accept"):
        raise InvalidError("domain names in a rule that does not allow")
    for each in rule.get("ports") or ():
        _check_port(each or {})
    for each in rule.get("protocols") or ():
        _check_protocol(each or {})


def _check_port(each: Object) -> None:
    if len(each) > 1:
        raise InvalidError(f"port {each!r}")
    if "portNumber" in each:
        _check_numbers(each["portNumber"].get("protocol"), each["portNumber"].get("port"))
    if "portRange" in each:
        start, end = each["portRange"].get("start"), each["portRange"].get("end")
        # "must be greater" is said of the end, and not enforced: a range of one port is stored, both ends included.
        _check_numbers(each["portRange"].get("protocol"), start, *([end] if end != start else []))


def _check_protocol(each: Object) -> None:
    if len(each) > 1:
        raise InvalidError(f"protocol {each!r}")
    for key in {"tcp", "udp", "sctp"} & set(each):
        port = (each[key] or {}).get("destinationPort")
        if port is not None:
            _check_one(port, {"number", "range"})
            span = port.get("range")
            _check_numbers("TCP", *((span.get("start"), span.get("end")) if span else (port["number"],)))


def _check_numbers(protocol: str | None, *numbers: int | None) -> None:
    if (protocol or "TCP") not in PROTOCOLS:
        raise InvalidError(f"protocol {protocol}")
    if not all(isinstance(each, int) and 1 <= each <= 65535 for each in numbers):
        raise InvalidError(f"ports {numbers}")
    if len(numbers) == 2 and not numbers[0] < numbers[1]:  # type: ignore[operator]
        raise InvalidError(f"range {numbers}")
