"""One answer from all kinds of policies, the way clusters apply them.

How the kinds stand to each other, for the side of the source (egress) and of the destination (ingress) each:

- Admin tier, NetworkPolicy, Baseline tier, then allowed (https://network-policy-api.sigs.k8s.io/api-overview/).
- With policies of Calico: its tiers, in which the above have their places (`calico.decide`).
- With policies of Cilium: they and the NetworkPolicies are one set; deny wins, allows unite (`cilium.decide`). How the
  admin kinds stand to them is not defined: what either order says.
- With policies of both, one of the two is not in force: what either says.

A connection needs both sides, and the proxy of the destination where there is one (`istio.gate`).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.support.network_oracle import admin_policy, calico, cilium, istio, network_policy
from tests.support.network_oracle.logic import Tri
from tests.support.network_oracle.model import (
    End,
    Flow,
    Object,
    Options,
    find_end,
    group,
    pod_addresses,
    policies,
    terminated,
)

KNOWN_GROUPS = {
    "networking.k8s.io",
    admin_policy.GROUP,
    *calico.GROUPS,
    "cilium.io",
    "security.istio.io",
}


def evaluate(
    cluster: Object, source: str, destination: str, port: int, protocol: str, options: Options | None = None
) -> str:
    """Tell whether the policies let a source open a connection to a destination.

    Parameters
    ----------
    cluster
        Raw objects by list, see `model`.
    source, destination
        A pod as `namespace/name`, or an IP address.
    port, protocol
        Port of the destination itself, not of a service; `TCP`, `UDP` or `SCTP`.

    Returns
    -------
    `allowed`, `denied` or `unknown`. Where both ends have both families: `allowed` if one of them is.
    """
    options = options or Options()
    strangers = {group(each) for each in cluster["policies"]} - KNOWN_GROUPS
    if strangers:
        raise ValueError(f"policies of groups that are not modelled: {sorted(strangers)}")
    ends = find_end(cluster, source), find_end(cluster, destination)
    if not any(each.pod for each in ends):
        raise ValueError("policies do not rule connections between addresses outside the cluster")
    for end in ends:
        if end.pod is None and not end.node and _owners(cluster, end):
            raise ValueError(f"{end.addresses[0]} belongs to a pod: ask by its name")
    if any(each.pod and terminated(each.pod) for each in ends):
        return "denied"
    if source == destination:
        return "allowed"  # policies cannot keep a pod from itself
    verdicts = {_verdict(cluster, Flow(*ends, port, protocol, family), options) for family in _families(*ends)}
    for each in ("allowed", "unknown"):
        if each in verdicts:
            return each
    return "denied"


def _owners(cluster: Object, end: End) -> list[Object]:
    held = [each for each in cluster["pods"] if not terminated(each)]
    return [each for each in held if end.addresses[0] in pod_addresses(each)]


def _families(source: End, destination: End) -> list[int | None]:
    """Return the families a connection may use: of the address outside, else those that both pods have.

    A pod without an address yet may get one of the other's families.
    """
    for end in (source, destination):
        if end.pod is None:
            return [end.addresses[0].version]
    first, second = ({each.version for each in end.addresses} for end in (source, destination))
    found = first & second if first and second else first | second
    return [*sorted(found)] or [None]


def _verdict(cluster: Object, flow: Flow, options: Options) -> str:
    sides = [_side(cluster, flow, direction, options) for direction in ("egress", "ingress")]
    local = _node_local(flow, options)
    if local is True and options.node_local == "allowed":
        sides = []
    elif local is not False:
        sides = [each | {True} for each in sides]
    passed = istio.gate(cluster, flow, options)
    sides.append({True, False} if passed is None else {passed})
    if {False} in sides:
        return "denied"
    return "unknown" if any(False in each for each in sides) else "allowed"


def _node_local(flow: Flow, options: Options) -> Tri:
    """Tell whether the connection is between a pod and the node that it runs on, which policies leave alone.

    A pod on the host network passes for the node, for certain only where the plugin is said to be a typical one.
    """
    local: Tri = False
    for end, other in ((flow.source, flow.destination), (flow.destination, flow.source)):
        if end.pod is None or not end.node or end.node != other.node:
            continue
        if other.pod is None or (other.host_network and options.host_network == "plugin_typical"):
            return True
        if other.host_network:
            local = None
    return local


def _side(cluster: Object, flow: Flow, direction: str, options: Options) -> set[bool]:
    """Return what the policies of one side may come to."""
    if flow.subject(direction).pod is None:
        return {True}
    admin = partial(admin_policy.decide, cluster, flow, direction)
    kubernetes = partial(network_policy.decide, cluster, flow, direction, options)
    said: set[bool] = set()
    if calico.present(cluster):
        said |= calico.decide(cluster, flow, direction, kubernetes, admin)
    if cilium.present(cluster):
        middle = cilium.decide(cluster, flow, direction, options)
        said |= _fold(admin("Admin"), middle, admin("Baseline"))
        if policies(cluster, admin_policy.GROUP, *admin_policy.ACTIONS):
            said |= {each == "next" or each for each in middle}
    return said or _fold(admin("Admin"), kubernetes(), admin("Baseline"))


def _fold(first: set[str], middle: set[Any], last: set[str]) -> set[bool]:
    """Return what three tiers come to: each is asked only where the ones before it may leave the question open."""
    said = {each == "allow" for each in first & {"allow", "deny"}}
    if not first & {"pass", "none"}:
        return said
    said |= middle - {"next"}
    if "next" not in middle:
        return said
    said |= {each == "allow" for each in last & {"allow", "deny"}}
    return said | ({True} if last & {"pass", "none"} else set())
