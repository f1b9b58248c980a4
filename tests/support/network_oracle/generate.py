"""Random clusters: small ones in which every corner of the rules comes up.

`random_cluster(seed)` is fast and gives the same cluster for the same seed; `clusters()` is the same for hypothesis,
which then makes a failing cluster small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.support.network_oracle.model import Object, name, terminated

Kind = TypeVar("Kind")

KINDS = (
    "NetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "Calico",
    "Cilium",
    "Istio",
)
MIXES: tuple[tuple[str, ...], ...] = (
    ("NetworkPolicy",),
    ("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"),
    ("NetworkPolicy", "ClusterNetworkPolicy"),
    ("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"),
    ("Calico",),
    ("NetworkPolicy", "Calico"),
    ("NetworkPolicy", "ClusterNetworkPolicy", "Calico"),
    ("Cilium",),
    ("NetworkPolicy", "Cilium"),
    ("Istio",),
    ("NetworkPolicy", "Istio"),
)
"""Kinds that real clusters hold together, and whose standing to each other some documentation says."""
CORNERS = (
    "host_network",
    "invalid",
    "unseen_namespace",
    "no_address",
    "same_port_name",
    "dual_stack",
    "conditions",
    "requires",
)
"""What a caller may leave out while the engine does not know it yet."""

TEXTS = {"app": ("web", "db", "api"), "tier": ("front", "back"), "team": ("blue", "red"), "stage": ("prod", "test")}
PORT_NAMES = ("http", "web", "dns", "metrics")
PORTS = (53, 80, 81, 443, 8080, 8081, 9090)
PROTOCOLS = ("TCP", "TCP", "UDP", "SCTP")
CIDRS = (
    "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.1.7/24", "10.0.0.1/32",
    "172.17.0.0/16", "203.0.113.0/24", "192.168.0.0/16", "192.168.0.1/32", "::/0", "fd00::/8", "2001:db8::/32",
)  # fmt: skip
EXCEPTS = {
    "0.0.0.0/0": ("10.0.0.0/8", "203.0.113.0/24", "192.168.0.0/16"),
    "10.0.0.0/8": ("10.0.1.0/24", "10.0.0.0/16"),
    "10.0.0.0/16": ("10.0.0.0/24", "10.0.1.2/32"),
    "172.17.0.0/16": ("172.17.1.0/24",),
    "::/0": ("fd00::/8", "2001:db8::/32"),
}
OUTSIDE = ("203.0.113.7", "172.17.0.9", "172.17.1.9", "10.9.9.9", "2001:db8::7")


class Maker:
    """Draws from one source of randomness."""

    def __init__(self, random: Random, corners: Iterable[str] = CORNERS) -> None:
        self.random, self.corners, self.count = random, set(corners), 0

    def maybe(self, chance: float) -> bool:
        """Tell whether something happens."""
        return self.random.random() < chance

    def pick(self, choices: Sequence[Kind]) -> Kind:
        """Return one of the choices."""
        return choices[self.random.randrange(len(choices))]

    def some(self, make: Callable[[], Kind], least: int, most: int) -> list[Kind]:
        """Return several things."""
        return [make() for _ in range(self.random.randint(least, most))]

    def several(self, choices: Sequence[Kind], least: int, most: int) -> list[Kind]:
        """Return several different choices, in their order."""
        chosen = self.random.sample(range(len(choices)), min(len(choices), self.random.randint(least, most)))
        return [choices[each] for each in sorted(chosen)]

    def name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        self.count += 1
        return f"{stem}-{self.count}"

    def labels(self, keys: Sequence[str], chance: float = 0.7) -> dict[str, str]:
        """Return labels."""
        return {key: self.pick(TEXTS[key]) for key in keys if self.maybe(chance)}

    # --- the cluster -------------------------------------------------------------------------------------------------

    def namespace(self, number: int) -> Object:
        """Return a namespace, sometimes without any label."""
        metadata: Object = {"name": ("blue", "red", "green", "istio-system")[number]}
        labels = self.labels(("team", "stage"), 0.6)
        if labels or self.maybe(0.5):
            metadata["labels"] = labels
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}

    def node(self, number: int) -> Object:
        """Return a node."""
        addresses = [{"type": "Hostname", "address": f"n{number}"}]
        addresses.append({"type": "InternalIP", "address": f"192.168.0.{number}"})
        metadata = {"name": f"n{number}", "labels": self.labels(("stage",))}
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"addresses": addresses}}

    def port(self) -> Object:
        """Return a port of a container; the same name may stand for another number in another pod."""
        declared: Object = {"containerPort": self.pick(PORTS)}
        if self.maybe(0.8):
            declared["name"] = self.pick(PORT_NAMES)
        if self.maybe(0.5):
            declared["protocol"] = self.pick(PROTOCOLS)
        return declared

    def ports(self) -> list[Object]:
        """Return ports of which no two share name and protocol, unless that corner is asked for."""
        seen, kept = set(), []
        for each in self.some(self.port, 0, 3):
            key = (each.get("name"), each.get("protocol", "TCP"))
            if key not in seen or "same_port_name" in self.corners:
                kept.append(each)
            seen.add(key)
        return kept

    def pod(self, namespaces: Sequence[str], number: int, nodes: Sequence[str]) -> Object:
        """Return a pod."""
        spec: Object = {"containers": [{"name": "c", "image": "i", "ports": self.ports()}]}
        if self.maybe(0.1):
            init: Object = {"name": "i", "image": "i", "ports": [self.port()]}
            spec["initContainers"] = [{**init, "restartPolicy": "Always"} if self.maybe(0.5) else init]
            if "same_port_name" not in self.corners:
                spec["containers"][0]["ports"] = []
        if self.maybe(0.9):
            spec["nodeName"] = self.pick(nodes)
        if self.maybe(0.5):
            spec["serviceAccountName"] = self.pick(("web", "db"))
        address = f"10.0.{number % 2}.{number}"
        status: Object = {"phase": "Running"}
        if "host_network" in self.corners and self.maybe(0.12):
            spec |= {"hostNetwork": True, "nodeName": self.pick(nodes)}
            address = f"192.168.0.{spec['nodeName'][1:]}"
        if "no_address" not in self.corners or self.maybe(0.93):
            status |= {"podIP": address, "podIPs": [{"ip": address}]}
            if "dual_stack" in self.corners and self.maybe(0.25) and not spec.get("hostNetwork"):
                status["podIPs"].append({"ip": f"fd00::{number}"})
        else:
            status["phase"] = "Pending"
        metadata = {"name": f"p{number}", "namespace": self.pick(namespaces), "labels": self.labels(("app", "tier"))}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def ended(self, pod: Object) -> Object:
        """Return a pod that ended and whose address another has now."""
        metadata = {**pod["metadata"], "name": self.name("ended"), "labels": self.labels(("app", "tier"))}
        status = {**pod["status"], "phase": self.pick(("Succeeded", "Failed"))}
        return {**pod, "metadata": metadata, "status": status}

    # --- parts of policies -------------------------------------------------------------------------------------------

    def selector(self, keys: Sequence[str], *, named: bool = False) -> Object:
        """Return a label selector."""
        chosen: Object = {}
        if self.maybe(0.25):
            return chosen
        if named and self.maybe(0.25):
            return {"matchLabels": {"kubernetes.io/metadata.name": self.pick(("blue", "red"))}}
        if self.maybe(0.6):
            chosen["matchLabels"] = self.labels(keys, 0.5)
        if self.maybe(0.5):
            chosen["matchExpressions"] = self.some(lambda: self.expression(keys, named), 0, 2)
        return chosen

    def expression(self, keys: Sequence[str], named: bool) -> Object:
        """Return one expression of a label selector."""
        key = self.pick(keys)
        operator = self.pick(("In", "NotIn", "Exists", "DoesNotExist"))
        if named and self.maybe(0.2):
            return {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["blue"]}
        if operator in ("In", "NotIn"):
            return {"key": key, "operator": operator, "values": self.several(TEXTS[key], 1, 2)}
        return {"key": key, "operator": operator}

    def pod_selector(self) -> Object:
        """Return a selector of pods."""
        return self.selector(("app", "tier"))

    def namespace_selector(self) -> Object:
        """Return a selector of namespaces."""
        return self.selector(("team", "stage"), named=True)

    def span(self) -> tuple[int, int]:
        """Return the ends of a range of ports."""
        start = self.pick(PORTS)
        return start, min(65535, start + self.pick((0, 1, 3, 900)))

    def metadata(self, stem: str, namespaces: Sequence[str] = ()) -> Object:
        """Return the metadata of a policy."""
        found: Object = {"name": self.name(stem)}
        return found | ({"namespace": self.pick(namespaces)} if namespaces else {})


def random_cluster(seed: int, kinds: Sequence[str] = (), corners: Iterable[str] = CORNERS) -> Object:
    """Return a random cluster, the same for the same arguments.

    Parameters
    ----------
    kinds
        Of `KINDS`; without, the seed chooses one of `MIXES`.
    corners
        Of `CORNERS`.
    """
    return build_cluster(Random(seed), kinds, corners)


def clusters(kinds: Sequence[str] = (), corners: Iterable[str] = CORNERS) -> st.SearchStrategy[Object]:
    """Return a strategy of random clusters for hypothesis."""
    held = tuple(corners)
    return st.randoms(use_true_random=False).map(lambda random: build_cluster(random, kinds, held))


def build_cluster(random: Random, kinds: Sequence[str] = (), corners: Iterable[str] = CORNERS) -> Object:
    """Return a cluster drawn from a source of randomness: 2 to 4 namespaces, 3 to 8 pods, 1 to 6 policies."""
    from tests.support.network_oracle.generate_policies import MAKERS

    make = Maker(random, corners)
    kinds = kinds or make.pick(MIXES)
    namespaces = [make.namespace(number) for number in range(make.random.randint(2, 4))]
    names = [name(each) for each in namespaces]
    nodes = [make.node(number) for number in range(1, make.random.randint(2, 3) + 1)]
    pods = [
        make.pod(names, number, [name(each) for each in nodes]) for number in range(1, make.random.randint(3, 8) + 1)
    ]
    if make.maybe(0.3):
        pods.append(make.ended(make.pick(pods)))
    accounts = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": namespace, "labels": make.labels(("team",))},
        }
        for namespace in names
        for account in ("default", "web", "db")
    ]
    policies: list[Any] = []
    for kind in kinds:
        MAKERS[kind](make, names, policies)
    if "unseen_namespace" in make.corners and make.maybe(0.1):
        namespaces.pop(0)
    if "Istio" in kinds:
        for pod in pods:
            if make.maybe(0.7):
                pod["spec"]["containers"].append({"name": "istio-proxy", "image": "proxy"})
    return {
        "namespaces": namespaces,
        "nodes": nodes,
        "serviceaccounts": accounts,
        "pods": pods,
        "policies": policies,
    }


def questions(cluster: Object, seed: int, most_ports: int = 5) -> list[tuple[str, str, int, str]]:
    """Return questions to a cluster: all pairs of running pods, and pods with addresses outside and of nodes.

    Returns
    -------
    source, destination, port, protocol
    """
    make = Maker(Random(seed))
    live = [f"{each['metadata']['namespace']}/{name(each)}" for each in cluster["pods"] if not terminated(each)]
    nodes = [each["address"] for node in cluster["nodes"] for each in node["status"]["addresses"][1:]]
    others = [*make.several(OUTSIDE, 2, 3), make.pick(nodes)]
    ports = make.some(lambda: (make.pick((*PORTS, 1, 82, 8200, 65535)), make.pick(PROTOCOLS)), 1, most_ports)
    pairs = [(source, target) for source in [*live, *others] for target in [*live, *others]]
    return [
        (source, target, port, protocol)
        for source, target in pairs
        if "/" in source + target
        for port, protocol in dict.fromkeys(ports)
        if (source in live or target in live)
    ]
