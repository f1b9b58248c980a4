"""NetworkPolicy of `networking.k8s.io/v1`.

Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from __future__ import annotations

from typing import Any

from tests.support.network_oracle.logic import Tri, all3, any3
from tests.support.network_oracle.model import (
    PROTOCOLS,
    End,
    Flow,
    InvalidError,
    Object,
    Options,
    as_pod_or_node,
    check_selector,
    in_network,
    named_port,
    namespace_labels,
    parse_block,
    policies,
    selects,
)

PEERS = {"ingress": "from", "egress": "to"}


def decide(cluster: Object, flow: Flow, direction: str, options: Options) -> set[Any]:
    """Return what the policies that select the subject may say.

    Returns
    -------
    set of `True` (allowed), `False` (denied) and `"next"` (not isolated: the next tier is asked)
    """
    certain: list[Tri] = []
    doubtful: list[Tri] = []
    for policy, chosen in selecting(cluster, flow.subject(direction), direction, options):
        (certain if chosen else doubtful).append(allows(cluster, policy, flow, direction, options))
    if certain:
        allowed = any3(certain)
        if allowed is False and any(each is not False for each in doubtful):
            allowed = None  # a policy that may select the pod may add to what is allowed
        return {True, False} if allowed is None else {allowed}
    said: set[Any] = {"next"}
    for each in doubtful:
        said |= {True, False} if each is None else {each}
    return said


def selecting(cluster: Object, subject: End, direction: str, options: Options) -> list[tuple[Object, Tri]]:
    """Return the policies that isolate a pod in a direction, or may do so, each with what is known."""
    found: list[tuple[Object, Tri]] = []
    if subject.pod is None:
        return []
    for policy in policies(cluster, "networking.k8s.io", "NetworkPolicy"):
        if policy["metadata"]["namespace"] != subject.namespace or direction not in directions(policy):
            continue
        try:
            check_selector((policy.get("spec") or {}).get("podSelector"))
            chosen = selects((policy.get("spec") or {}).get("podSelector"), subject.labels)
        except InvalidError:
            chosen = None
        chosen = as_pod_or_node(chosen, False, subject, options)
        if chosen is not False:
            found.append((policy, chosen if valid(policy) else None))
    return found


def directions(policy: Object) -> list[str]:
    """Return the directions a policy isolates.

    Without types, `Ingress` always, and `Egress` when there is an egress rule.
    """
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes") or []
    if any(each not in ("Ingress", "Egress") for each in types):
        return ["ingress", "egress"]
    return [each.lower() for each in types] or (["ingress", "egress"] if spec.get("egress") else ["ingress"])


def allows(cluster: Object, policy: Object, flow: Flow, direction: str, options: Options) -> Tri:
    """Tell whether a rule of the policy matches: peer and port, items of a list are alternatives."""
    if not valid(policy):
        return None
    return any3(
        all3(
            (
                _peers(cluster, policy, (rule or {}).get(PEERS[direction]), flow, direction, options),
                _ports((rule or {}).get("ports"), flow),
            )
        )
        for rule in (policy.get("spec") or {}).get(direction) or ()
    )


def _peers(
    cluster: Object, policy: Object, peers: list[Object] | None, flow: Flow, direction: str, options: Options
) -> Tri:
    """Tell whether any peer matches. A pod on the host network is a pod to all of them, or its node to all of them."""
    if not peers:
        return True
    end = flow.peer(direction)
    readings = [_peer(cluster, policy, peer, end, flow.family, options) for peer in peers]
    return as_pod_or_node(any3(pod for pod, _ in readings), any3(node for _, node in readings), end, options)


def _peer(
    cluster: Object, policy: Object, peer: Object, end: End, family: int | None, options: Options
) -> tuple[Tri, Tri]:
    """Tell whether a peer matches an end that counts as what it is, and one that counts as its node."""
    if peer.get("ipBlock") is not None:
        return _block(peer["ipBlock"], end, family, options)
    if end.pod is None:
        return False, False
    if peer.get("namespaceSelector") is None:
        place: Tri = end.namespace == policy["metadata"]["namespace"]
    else:
        place = selects(peer["namespaceSelector"], namespace_labels(cluster, end.namespace))
    return all3((place, selects(peer.get("podSelector"), end.labels))), False


def _block(block: Object, end: End, family: int | None, options: Options) -> tuple[Tri, Tri]:
    """Tell whether a block holds an end; whether it may hold a pod is an option."""
    address = end.address(family)
    outside = any3(in_network(address, each) for each in block.get("except") or ())
    inside = all3((in_network(address, block["cidr"]), None if outside is None else not outside))
    if end.pod is None:
        return inside, inside
    as_pod: dict[str, Tri] = {"always": inside, "never": False, "unknown": False if inside is False else None}
    return as_pod[options.cidr_matches_pods], inside


def _ports(ports: list[Object] | None, flow: Flow) -> Tri:
    if not ports:
        return True
    return any3(_port(each or {}, flow) for each in ports)


def _port(each: Object, flow: Flow) -> Tri:
    protocol, port = each.get("protocol") or "TCP", each.get("port")
    if protocol != flow.protocol:
        return False
    if port is None:
        return True
    if isinstance(port, str):
        return named_port(flow.destination, port, flow.port, flow.protocol)
    return bool(port <= flow.port <= (each.get("endPort") or port))


# --- what the API server refuses -------------------------------------------------------------------------------------


def valid(policy: Object) -> bool:
    """Tell whether the API server accepts the policy.

    https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/validation/validation.go
    """
    try:
        _check(policy.get("spec") or {})
    except (InvalidError, ValueError):
        return False
    return True


def _check(spec: Object) -> None:
    check_selector(spec.get("podSelector"))
    types = spec.get("policyTypes") or []
    if any(each not in ("Ingress", "Egress") for each in types) or len(types) > 2:
        raise InvalidError(f"policyTypes {types}")
    for direction, peers in PEERS.items():
        for rule in spec.get(direction) or ():
            for peer in (rule or {}).get(peers) or ():
                _check_peer(peer or {})
            for port in (rule or {}).get("ports") or ():
                _check_port(port or {})


def _check_peer(peer: Object) -> None:
    given = {key for key, value in peer.items() if value is not None}
    if not given or ("ipBlock" in given and len(given) > 1) or given - {"podSelector", "namespaceSelector", "ipBlock"}:
        raise InvalidError(f"peer {peer!r}")
    check_selector(peer.get("podSelector"))
    check_selector(peer.get("namespaceSelector"))
    if "ipBlock" in given:
        whole = parse_block(peer["ipBlock"]["cidr"])
        for each in peer["ipBlock"].get("except") or ():
            part = parse_block(each)
            if part.version != whole.version or not part.subnet_of(whole) or part == whole:  # type: ignore[arg-type]
                raise InvalidError(f"except {each} is not a part of {whole}")


def _check_port(each: Object) -> None:
    port, end = each.get("port"), each.get("endPort")
    if (each.get("protocol") or "TCP") not in PROTOCOLS:
        raise InvalidError(f"protocol {each!r}")
    if isinstance(port, int) and not 1 <= port <= 65535:
        raise InvalidError(f"port {port}")
    if end is not None and (not isinstance(port, int) or not port <= end <= 65535):
        raise InvalidError(f"endPort of {each!r}")
