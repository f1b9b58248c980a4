"""Pods and network policies of a cluster of any size: the same every time."""

from __future__ import annotations

import random
from typing import Any

from hipaa_kit.graph.reachability.facts import Facts, NodeFact, Options, PodFact
from hipaa_kit.kube.network.addresses import Block
from hipaa_kit.kube.network.admin_policy import read_admin_policy
from hipaa_kit.kube.network.network_policy import read_network_policy
from hipaa_kit.kube.network.ports import ContainerPort

SHAPES = {1_000: (20, 10), 10_000: (100, 10), 100_000: (500, 10)}
"""Namespaces, and applications in each, by number of pods: 200, 1,000 and 5,000 classes."""

PORTS = (80, 443, 5432, 6379, 8080, 8443, 9090, 9200)


def pods(count: int, shape: tuple[int, int]) -> list[PodFact]:
    """Return so many pods, spread over the applications of every namespace."""
    spaces, apps = shape
    made = []
    for number in range(count):
        space, app = number % spaces, number // spaces % apps
        made.append(
            PodFact(
                f"Pod/ns-{space}/pod-{number}",
                f"ns-{space}",
                {"app": f"app-{app}", "tier": f"tier-{app % 3}", "pod-template-hash": f"{number:x}"},
                workload=f"Deployment/ns-{space}/app-{app}",
                addresses=(Block(4, 0x0A000000 + number, 0x0A000000 + number),),
                ports=(ContainerPort("http", "TCP", 8080 + app % 4),),
                node=f"node-{number % 997}",
            )
        )
    return made


def network_policies(count: int, shape: tuple[int, int], seed: int = 7) -> list[dict[str, Any]]:
    """Return so many NetworkPolicies: in each namespace a default deny, then one per application in turn."""
    spaces, apps = shape
    chosen = random.Random(seed)
    made = []
    for number in range(count):
        space, turn = number % spaces, number // spaces
        spec: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        if turn:
            spec = {
                "podSelector": {"matchLabels": {"app": f"app-{turn % apps}"}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [_rule(chosen, "from", shape), _rule(chosen, "from", shape)],
                "egress": [_rule(chosen, "to", shape), {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}],
            }
        made.append({"metadata": {"name": f"policy-{number}", "namespace": f"ns-{space}"}, "spec": spec})
    return made


def _rule(chosen: random.Random, key: str, shape: tuple[int, int]) -> dict[str, Any]:
    spaces, apps = shape
    labels = {"matchLabels": {"app": f"app-{chosen.randrange(apps)}"}}
    where = {"matchLabels": {"kubernetes.io/metadata.name": f"ns-{chosen.randrange(spaces)}"}}
    peers: list[dict[str, Any]] = [
        {"podSelector": labels},
        {"namespaceSelector": where},
        {"namespaceSelector": {"matchLabels": {"team": f"team-{chosen.randrange(12)}"}}, "podSelector": labels},
        {"ipBlock": {"cidr": f"192.168.{chosen.randrange(32)}.0/24"}},
    ]
    ports: list[dict[str, Any]] = [{"port": chosen.choice(PORTS)}, {"port": "http"}]
    return {key: chosen.sample(peers, 2), "ports": chosen.sample(ports, chosen.choice((1, 2)))}


ADMIN = [
    {
        "metadata": {"name": "monitoring"},
        "spec": {
            "priority": 10,
            "subject": {"namespaces": {}},
            "ingress": [
                {
                    "action": "Allow",
                    "from": [{"namespaces": {"matchLabels": {"team": "team-0"}}}],
                    "ports": [{"portNumber": {"port": 9090}}],
                },
                {"action": "Pass", "from": [{"namespaces": {}}]},
            ],
        },
    }
]


def facts(
    count: int, policies: int, *, admin: bool = False, shape: tuple[int, int] | None = None, unseen: int = 0
) -> Facts:
    """Return the facts of a cluster with so many pods and policies; of some namespaces the labels were not seen."""
    shape = shape or SHAPES[count]
    read = [
        read_network_policy(
            f"NetworkPolicy/{each['metadata']['namespace']}/{each['metadata']['name']}",
            each["metadata"]["namespace"],
            each,
        )
        for each in network_policies(policies, shape)
    ]
    read += [
        read_admin_policy("AdminNetworkPolicy", f"AdminNetworkPolicy//{each['metadata']['name']}", each)
        for each in ADMIN
        if admin
    ]
    return Facts(
        pods=pods(count, shape),
        namespaces={
            f"ns-{space}": None if space < unseen else {"team": f"team-{space % 12}"} for space in range(shape[0])
        },
        policies=[policy for each in read for policy in each.policies],
        nodes=[NodeFact(f"node-{at}", {}) for at in range(997)],
        options=Options(cidr_matches_pods="always", host_network="plugin_typical", enforcement="enforced"),
    )
