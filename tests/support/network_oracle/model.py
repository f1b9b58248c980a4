"""The cluster as plain dictionaries, and the two ends of a connection.

A cluster is a dictionary of lists of raw Kubernetes objects::

    {"namespaces": [], "nodes": [], "serviceaccounts": [], "pods": [], "policies": []}

`policies` holds every policy kind, and the objects that policies refer to: Calico `Tier`, `GlobalNetworkSet` and
`NetworkSet`. An end of a connection is a pod, written `namespace/name`, or an IP address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.support.network_oracle.logic import Tri, all3, join

Object = dict[str, Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAME_LABEL = "kubernetes.io/metadata.name"
PROTOCOLS = ("TCP", "UDP", "SCTP")
LISTS = ("namespaces", "nodes", "serviceaccounts", "pods", "policies")


class InvalidError(Exception):
    """The API server would refuse the object."""


@dataclass(frozen=True)
class Options:
    """What no specification defines.

    Parameters
    ----------
    cidr_matches_pods
        Whether `ipBlock` of a NetworkPolicy matches addresses of pods: `always`, `never`, `unknown`.
    host_network
        `plugin_typical` takes a pod on the host network for its node; `unknown` allows for that and for a plugin
        that can tell it from the node.
    node_local
        Traffic between a pod and the node it runs on: `allowed` or `unknown`.
    istio_root, trust_domain, cilium_cluster
        Names that the objects do not say.
    """

    cidr_matches_pods: str = "unknown"
    host_network: str = "unknown"
    node_local: str = "allowed"
    istio_root: str = "istio-system"
    trust_domain: str = "cluster.local"
    cilium_cluster: str = "default"


@dataclass(frozen=True)
class Labels:
    """Labels of an object; `complete` is false where the object itself was not seen."""

    values: dict[str, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, or an address outside all pods (which may be a node's)."""

    pod: Object | None = None
    addresses: tuple[Address, ...] = ()
    node: str = ""

    @property
    def namespace(self) -> str:
        """Return the pod's namespace."""
        return str(self.pod["metadata"]["namespace"]) if self.pod else ""

    @property
    def labels(self) -> Labels:
        """Return the pod's labels."""
        return Labels(dict((self.pod or {}).get("metadata", {}).get("labels") or {}))

    @property
    def host_network(self) -> bool:
        """Tell whether the pod uses the network of its node."""
        return bool(self.pod and self.pod.get("spec", {}).get("hostNetwork"))

    @property
    def service_account(self) -> str:
        """Return the name of the pod's service account."""
        return str((self.pod or {}).get("spec", {}).get("serviceAccountName") or "default")

    def address(self, family: int | None) -> Address | None:
        """Return the address of a family, or nothing when it is not known."""
        return next((each for each in self.addresses if each.version == family), None)


@dataclass(frozen=True)
class Flow:
    """A connection to judge, in one address family."""

    source: End
    destination: End
    port: int
    protocol: str
    family: int | None

    def subject(self, direction: str) -> End:
        """Return the end whose policies are asked."""
        return self.destination if direction == "ingress" else self.source

    def peer(self, direction: str) -> End:
        """Return the other end."""
        return self.source if direction == "ingress" else self.destination


def name(obj: Object) -> str:
    """Return an object's name."""
    return str(obj["metadata"]["name"])


def group(obj: Object) -> str:
    """Return the API group of an object."""
    return str(obj["apiVersion"]).rpartition("/")[0]


def policies(cluster: Object, api_group: str, *kinds: str) -> list[Object]:
    """Return the policies of an API group; kinds of different groups share names."""
    return [each for each in cluster["policies"] if group(each) == api_group and each["kind"] in kinds]


def namespace_labels(cluster: Object, namespace: str) -> Labels:
    """Return the labels of a namespace.

    The API server labels every namespace with its name. A namespace that is not among the objects has labels that
    nobody knows.
    https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#automatic-labelling
    """
    for each in cluster["namespaces"]:
        if name(each) == namespace:
            return Labels({**(each["metadata"].get("labels") or {}), NAME_LABEL: namespace})
    return Labels({NAME_LABEL: namespace}, complete=False)


def terminated(pod: Object) -> bool:
    """Tell whether a pod has ended: it has no network any more, and its address may belong to another."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def pod_addresses(pod: Object) -> tuple[Address, ...]:
    """Return the addresses of a pod."""
    status = pod.get("status", {})
    texts = [each["ip"] for each in status.get("podIPs") or ()] or [status.get("podIP")]
    return tuple(parse_address(each) for each in texts if each)


def node_of_address(cluster: Object, address: Address) -> str:
    """Return the name of the node that has an address."""
    for node in cluster["nodes"]:
        for each in node.get("status", {}).get("addresses") or ():
            if each["type"] in ("InternalIP", "ExternalIP") and parse_address(each["address"]) == address:
                return name(node)
    return ""


def find_end(cluster: Object, text: str) -> End:
    """Return the end that a text names."""
    if "/" in text:
        namespace, _, pod_name = text.partition("/")
        for pod in cluster["pods"]:
            if (pod["metadata"]["namespace"], name(pod)) == (namespace, pod_name):
                return End(pod, pod_addresses(pod), str(pod.get("spec", {}).get("nodeName") or ""))
        raise KeyError(f"no pod {text}")
    address = ipaddress.ip_address(text)
    return End(None, (address,), node_of_address(cluster, address))


# --- selectors of Kubernetes -----------------------------------------------------------------------------------------


def check_selector(selector: Object | None) -> None:
    """Refuse a label selector that the API server refuses."""
    if not isinstance(selector or {}, dict) or set(selector or {}) - {"matchLabels", "matchExpressions"}:
        raise InvalidError(f"label selector {selector!r}")
    for each in (selector or {}).get("matchExpressions") or ():
        operator, values = each.get("operator"), each.get("values") or []
        if not each.get("key") or operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            raise InvalidError(f"expression {each!r}")
        if (operator in ("In", "NotIn")) != bool(values):
            raise InvalidError(f"values of {each!r}")


def _expression(each: Object, labels: Labels) -> Tri:
    key = each["key"]
    if key not in labels.values and not labels.complete:
        return None
    value = labels.values.get(key)
    return {
        "In": value is not None and value in (each.get("values") or []),
        "NotIn": value is None or value not in (each.get("values") or []),
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[each["operator"]]


def selects(selector: Object | None, labels: Labels) -> Tri:
    """Tell whether a label selector matches; an empty one matches everything.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    wanted = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in ((selector or {}).get("matchLabels") or {}).items()
    ]
    return all3(_expression(each, labels) for each in [*wanted, *((selector or {}).get("matchExpressions") or ())])


# --- addresses and ports ---------------------------------------------------------------------------------------------


@cache
def parse_address(text: str) -> Address:
    """Return an address."""
    return ipaddress.ip_address(text)


@cache
def parse_block(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a block of addresses; host bits are masked."""
    return ipaddress.ip_network(text, strict=False)


def in_network(address: Address | None, cidr: str) -> Tri:
    """Tell whether an address lies in a block; a block of the other family never holds it. Host bits are masked."""
    if address is None:
        return None
    network = parse_block(cidr)
    return network.version == address.version and address in network


def container_ports(pod: Object) -> Iterator[Object]:
    """Yield the ports of containers and of sidecars; other init containers have ended when the pod serves.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    spec = pod.get("spec", {})
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    for container in [*sidecars, *(spec.get("containers") or ())]:
        yield from container.get("ports") or ()


def named_port(end: End, port_name: str, port: int, protocol: str) -> Tri:
    """Tell whether a name stands for this port and protocol on this very pod.

    Two ports of one name and protocol in one pod: which is meant, no specification says.
    """
    if end.pod is None:
        return False
    numbers = {
        each["containerPort"]
        for each in container_ports(end.pod)
        if each.get("name") == port_name and each.get("protocol", "TCP") == protocol
    }
    if port not in numbers:
        return False
    return True if len(numbers) == 1 else None


def as_pod_or_node(pod_reading: Tri, node_reading: Tri, end: End, options: Options) -> Tri:
    """Return how a plugin reads a pod: one on the host network may pass for its node.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """
    if not end.host_network:
        return pod_reading
    return node_reading if options.host_network == "plugin_typical" else join(pod_reading, node_reading)
