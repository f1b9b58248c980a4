"""How the outside gets in, entry by entry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.network import namespace, node, pod, reach

WORLD = [
    namespace("a"),
    namespace("ingress-nginx"),
    node("n1", "192.168.0.1"),
    pod("a/web-0", ip="10.0.0.1", ports="http:8080", node="n1", app="web"),
    pod("a/web-1", ip="10.0.0.2", ports="http:8081", app="web"),
    {**pod("ingress-nginx/controller", ip="10.0.0.9", ports="https:8443"), "metadata": {"name": "controller", "namespace": "ingress-nginx", "labels": {"app.kubernetes.io/name": "ingress-nginx"}}},
]  # fmt: skip
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "a"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
FROM_CONTROLLER = {
    **DENY,
    "spec": {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]}]},
}  # fmt: skip
FROM_IPV4 = {**DENY, "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}}
FROM_OFFICE = {**DENY, "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}]}}


def service(
    kind: str = "ClusterIP", name: str = "web", space: str = "a", app: str = "web", **more: Any
) -> dict[str, Any]:
    notes = more.pop("annotations", {})
    ports = more.pop("ports", [{"port": 80, "targetPort": "http"}])
    selector = more.pop("selector", {"app": app})
    spec = {"type": kind, "selector": selector, "ports": ports, **more}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space, "annotations": notes},
        "spec": spec,
    }


UNSEEN_SLICES = {("discovery.k8s.io", "EndpointSlice", ""): "not_asked"}


def rows(
    *objects: Any, columns: tuple[str, ...] = ("pod", "port", "entry_type", "level", "verdict")
) -> list[list[Any]]:
    frame = reach(WORLD, *objects, overrides=UNSEEN_SLICES, cidr_matches_pods="never").exposure()
    return frame[list(columns)].values.tolist()


def test_a_load_balancer_leads_to_the_port_that_each_pod_gives_the_name() -> None:
    assert rows(service("LoadBalancer")) == [
        ["Pod/a/web-0", 8080, "load_balancer", "internet", "allowed"],
        ["Pod/a/web-1", 8081, "load_balancer", "internet", "allowed"],
    ]


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ({}, "internet"),
        ({"loadBalancerSourceRanges": ["203.0.113.0/24"]}, "restricted"),
        ({"loadBalancerSourceRanges": ["203.0.113.0/24", "0.0.0.0/0"]}, "internet"),
        ({"annotations": {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}}, "private"),
        ({"annotations": {"networking.gke.io/load-balancer-type": "Internal"}}, "private"),
    ],
)
def test_who_can_come_in_by_a_load_balancer(more: dict[str, Any], level: str) -> None:
    assert {row[3] for row in rows(service("LoadBalancer", **more))} == {level}


def test_a_load_balancer_opens_node_ports_too() -> None:
    ports = [{"port": 80, "targetPort": "http", "nodePort": 30080}]
    found = rows(service("LoadBalancer", ports=ports), columns=("entry_type", "entry_port", "level"))
    assert sorted(map(tuple, found)) == [("load_balancer", 80, "internet")] * 2 + [("node_port", 30080, "unknown")] * 2


@pytest.mark.parametrize(
    ("policy", "traffic", "verdict", "level"),
    [
        (DENY, "Cluster", "denied", "none"),
        (DENY, "Local", "denied", "none"),
        (FROM_OFFICE, "Local", "allowed", "restricted"),
        (FROM_IPV4, "Local", "allowed", "internet"),
        (FROM_OFFICE, "Cluster", "unknown", "unknown"),
    ],
)
def test_the_pods_own_policy_is_asked_about_what_it_sees(policy: Any, traffic: str, verdict: str, level: str) -> None:
    found = rows(service("LoadBalancer", externalTrafficPolicy=traffic), policy, columns=("verdict", "level"))
    assert {tuple(row) for row in found} == {(verdict, level)}


def test_source_ranges_that_the_policy_lets_in() -> None:
    office = service("LoadBalancer", externalTrafficPolicy="Local", loadBalancerSourceRanges=["203.0.113.0/24"])
    assert {tuple(row[3:]) for row in rows(office, FROM_OFFICE)} == {("restricted", "allowed")}


INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "namespace": "a", "annotations": {}},
    "spec": {
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["web.example"], "secretName": "cert"}],
        "rules": [{"host": "web.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}],
    },
}  # fmt: skip
CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx"},
    "spec": {"controller": "k8s.io/ingress-nginx"},
}
FRONT = service("LoadBalancer", "front", "ingress-nginx", selector={"app.kubernetes.io/name": "ingress-nginx"}, ports=[{"port": 443, "targetPort": 8443}])  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(None, ("internet", "allowed")), (FROM_CONTROLLER, ("internet", "allowed")), (DENY, ("none", "denied"))],
)
def test_an_ingress_is_as_open_as_its_controller_and_comes_from_its_pods(
    policy: Any, expected: tuple[str, str]
) -> None:
    objects = [INGRESS, CLASS, FRONT, service(), *([policy] if policy else [])]
    frame = reach(WORLD, *objects, overrides=UNSEEN_SLICES).exposure()
    found = frame[frame["entry_type"] == "ingress"]
    assert {tuple(row) for row in found[["level", "verdict"]].values.tolist()} == {expected}
    assert set(found["tls"]) == {"terminated"}
    assert set(found["tls_secret"]) == {"Secret/a/cert"}
    assert set(found["seen_as"]) == {"Pod/ingress-nginx/controller"}


def test_an_entry_that_leads_nowhere_is_a_row_without_a_pod() -> None:
    found = rows(service("LoadBalancer", app="nobody"))
    assert [(row[0], row[3]) for row in found] == [("", "none")]


GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "gw", "namespace": "a"},
    "spec": {
        "listeners": [
            {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}}
        ]
    },
}


def route(space: str = "a", accepted: str = "True", backend_space: str = "a") -> dict[str, Any]:
    parent = {"name": "gw", "namespace": "a"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r", "namespace": space},
        "spec": {
            "parentRefs": [parent],
            "rules": [{"backendRefs": [{"name": "web", "port": 80, "namespace": backend_space}]}],
        },
        "status": {"parents": [{"parentRef": parent, "conditions": [{"type": "Accepted", "status": accepted}]}]},
    }


@pytest.mark.parametrize(
    ("held", "level", "words"),
    [
        (route(), "internet", ""),
        (route(accepted="False"), "none", "has not accepted"),
        (route(space="ingress-nginx"), "none", "takes no routes of this namespace"),
    ],
)
def test_a_route_of_the_gateway_api(held: Any, level: str, words: str) -> None:
    label = {"gateway.networking.k8s.io/gateway-name": "gw"}
    carrier = {**pod("a/gw", ip="10.0.0.8"), "metadata": {"name": "gw", "namespace": "a", "labels": label}}
    front = service("LoadBalancer", "gw", selector=label, ports=[{"port": 443, "targetPort": 8443}])
    frame = reach(WORLD, GATEWAY, held, service(), carrier, front, overrides=UNSEEN_SLICES).exposure()
    frame = frame[frame["entry_type"] == "gateway"]
    assert set(frame["level"]) == {level}
    assert all(words in reason for reason in frame["reason"])
    assert set(frame["tls"]) == {"terminated"}


def test_a_host_port_is_open_on_the_node() -> None:
    host = pod("a/agent", host=True, node="n1", ports="m:9100")
    found = rows(host, columns=("pod", "entry_type", "entry_port", "level"))
    assert found == [["Pod/a/agent", "host_port", 9100, "unknown"]]


def test_an_external_address_is_an_entry() -> None:
    found = rows(service(externalIPs=["198.51.100.9"]), columns=("entry_type", "level", "host"))
    assert {tuple(row) for row in found} == {("external_ip", "internet", "198.51.100.9")}


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "128.0.0.0/1", "8.0.0.0/8"])
def test_a_policy_that_lets_in_most_of_the_internet_restricts_nobody(cidr: str) -> None:
    wide = json.loads(json.dumps(FROM_OFFICE).replace("203.0.113.0/24", cidr))
    found = rows(service("LoadBalancer", externalTrafficPolicy="Local"), wide, columns=("verdict", "level"))
    assert {tuple(row) for row in found} == {("allowed", "internet")}
