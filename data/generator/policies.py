"""Who may connect to whom: policies written from the flows that the hospital declares, and what else must pass."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hospital import EXPECTED_FLOWS, NAME_SERVER
from model import APP, Declaration, Policy
from offices import FLOWS as OFFICE_FLOWS
from offices import NAMESPACES as OFFICES

Spec = dict[str, Any]

SHUT = ("ehr", "imaging", "integration", "portal", "identity", "research", "ehr-staging", *OFFICES)
"""Namespaces in which nothing passes that is not written down."""

# Replicas of one workload that speak to each other: workload, ports.
REPLICATION = (
    ("StatefulSet/ehr/ehr-db", (5432,)),
    ("StatefulSet/ehr/ehr-redis", (6379,)),
    ("StatefulSet/imaging/pacs-db", (5432,)),
    ("StatefulSet/integration/mirth-db", (5432,)),
    ("StatefulSet/integration/rabbitmq", (4369, 25672)),
)


def policies() -> list[Declaration]:
    """Declare the policies of the hospital and of what stands around it."""
    return [
        *(Policy(name, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}) for name in SHUT),
        *(Policy(name, "allow-dns", asks_names()) for name in SHUT),
        *_from_flows(),
        Policy("ingress-nginx", "from-outside", ingress({}, [{"ipBlock": {"cidr": "0.0.0.0/0"}}], 8443)),
        *_of_monitoring(),
        Policy("monitoring", "grafana", GRAFANA, "CiliumNetworkPolicy"),
    ]


GRAFANA: Spec = {
    "endpointSelector": {"matchLabels": {APP: "grafana"}},
    "ingress": [
        {
            "fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "ingress-nginx"}}],
            "toPorts": [{"ports": [{"port": "3000", "protocol": "TCP"}]}],
        }
    ],
}


def _of_monitoring() -> list[Declaration]:
    """Declare who may connect to what watches: Prometheus to all of it, and to Prometheus nobody but who shows it.

    Prometheus reaches every workload that it scrapes: who reaches it would come near to all of them.
    """
    prometheus, alertmanager, shows = (
        {"podSelector": {"matchLabels": {APP: name}}}
        for name in ("prometheus-clinic", "alertmanager-clinic", "grafana")
    )
    return [
        Policy("monitoring", "within", ingress({}, [prometheus])),
        Policy("monitoring", "prometheus", ingress(prometheus["podSelector"], [shows], 9090)),
        Policy("monitoring", "alertmanager", ingress(alertmanager["podSelector"], [alertmanager], 9094)),
    ]


def asks_names() -> Spec:
    """Return the policy that lets pods ask the name server of the cluster."""
    ports = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [peer(NAME_SERVER)], "ports": ports}],
    }


def ingress(selector: Spec, peers: list[Spec], *ports: int) -> Spec:
    """Return a policy that lets some peers in."""
    return {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [rule("from", peers, ports)]}


def rule(end: str, peers: list[Spec], ports: tuple[int, ...]) -> Spec:
    """Return one rule; without ports every port is meant."""
    opened = [{"port": port, "protocol": "TCP"} for port in ports]
    return {end: peers} | ({"ports": opened} if opened else {})


def peer(end: str) -> Spec:
    """Return a peer for one end of a flow: a workload, or addresses outside."""
    if end.count("/") < 2:
        return {"ipBlock": {"cidr": end}}
    kind, namespace, name = end.split("/")
    name = f"prometheus-{name}" if kind == "Prometheus" else name
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": {APP: name}},
    }


def _from_flows() -> list[Declaration]:
    """Write one policy per workload: the flows that it opens, and those that it answers."""
    within = [(name, name, port) for name, ports in REPLICATION for port in ports]
    rules: dict[tuple[str, str], dict[str, dict[str, list[int]]]] = defaultdict(lambda: {"from": {}, "to": {}})
    for source, target, port in (*EXPECTED_FLOWS, *OFFICE_FLOWS, *within):
        for own, end, other in ((target, "from", source), (source, "to", target)):
            namespace = own.split("/")[1]
            if own.count("/") == 2 and namespace in SHUT:
                rules[namespace, own.split("/")[2]][end].setdefault(other, []).append(port)
    return [Policy(namespace, name, _spec(name, held)) for (namespace, name), held in rules.items()]


def _spec(name: str, held: dict[str, dict[str, list[int]]]) -> Spec:
    spec: Spec = {"podSelector": {"matchLabels": {APP: name}}, "policyTypes": []}
    for end, direction in (("from", "ingress"), ("to", "egress")):
        if held[end]:
            spec["policyTypes"].append(direction.capitalize())
            spec[direction] = [rule(end, [peer(other)], tuple(ports)) for other, ports in held[end].items()]
    return spec
