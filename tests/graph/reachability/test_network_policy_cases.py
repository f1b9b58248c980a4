"""Every rule of NetworkPolicy, with a case that holds and one that does not.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import pytest

from tests.support.network import expected, namespace, node, pod, reach, verdicts

WORLD = [
    namespace("a", team="red"),
    namespace("b", team="blue"),
    namespace("c"),
    pod("a/web", ip="10.0.1.1", ports="http:8080", app="web"),
    pod("a/db", ip="10.0.1.2", ports="pg:5432 metrics:9187", app="db"),
    pod("a/other", ip="10.0.1.3", app="other"),
    pod("b/web", ip="10.0.2.1", ports="http:9090", app="web"),
    pod("b/db", ip="10.0.2.2", ports="pg:6432", app="db"),
    pod("c/web", ip="10.0.3.1", app="web"),
]


def policy(spec: str, name: str = "p", space: str = "a") -> str:
    body = "\n".join(f"  {line}" for line in spec.strip("\n").splitlines())
    head = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {space}}}\n"
    return f"{head}spec:\n{body}\n---\n"


CASES = {
    "nothing selects: everything passes": (
        "",
        "a/web a/db TCP 5432 allowed\ninternet a/db UDP 53 allowed\na/db internet TCP 443 allowed",
    ),
    "default deny ingress": (
        policy("podSelector: {}\npolicyTypes: [Ingress]"),
        "b/web a/db TCP 80 denied\na/web a/db TCP 80 denied\na/db b/web TCP 80 allowed\ninternet a/web TCP 80 denied\na/web a/web TCP 80 allowed",
    ),
    "allow all ingress": (
        policy("podSelector: {}\npolicyTypes: [Ingress]\ningress:\n- {}"),
        "b/web a/db TCP 80 allowed\ninternet a/db SCTP 7 allowed",
    ),
    "a null rule reads as an empty one": (policy("podSelector: {}\ningress: [null]"), "b/web a/db TCP 80 allowed"),
    "an empty list of rules denies": (policy("podSelector: {}\ningress: []"), "b/web a/db TCP 80 denied"),
    "default deny egress": (
        policy("podSelector: {}\npolicyTypes: [Egress]"),
        "a/db b/web TCP 80 denied\na/db internet TCP 443 denied\nb/web a/db TCP 80 allowed\na/web a/db TCP 80 denied",
    ),
    "allow all egress": (policy("podSelector: {}\npolicyTypes: [Egress]\negress: [{}]"), "a/db b/web TCP 80 allowed"),
    "default deny all": (
        policy("podSelector: {}\npolicyTypes: [Ingress, Egress]"),
        "a/db b/web TCP 80 denied\nb/web a/db TCP 80 denied\nb/web b/db TCP 80 allowed",
    ),
    "without types egress counts only where it has rules": (
        policy("podSelector: {}\negress:\n- to: [{podSelector: {matchLabels: {app: db}}}]"),
        "b/web a/db TCP 80 denied\na/web b/db TCP 80 denied\na/db internet TCP 80 denied",
    ),
    "without types an empty egress list does not isolate": (
        policy("podSelector: {}\negress: []"),
        "a/db b/web TCP 80 allowed\nb/web a/db TCP 80 denied",
    ),
    "rules of a direction that is not listed do nothing": (
        policy("podSelector: {}\npolicyTypes: [Egress]\ningress:\n- from: [{podSelector: {}}]"),
        "b/web a/db TCP 80 allowed\na/db b/web TCP 80 denied",
    ),
    "a missing pod selector selects every pod": (
        policy("policyTypes: [Ingress]"),
        "b/web a/db TCP 80 denied\nb/web a/web TCP 80 denied",
    ),
    "a null pod selector too": (policy("podSelector: null\npolicyTypes: [Ingress]"), "b/web a/other TCP 80 denied"),
    "a selector without match isolates nobody": (
        policy("podSelector: {matchLabels: {app: typo}}\npolicyTypes: [Ingress]"),
        "b/web a/db TCP 80 allowed",
    ),
    "a pod selector alone means the policy's own namespace": (
        policy("podSelector: {matchLabels: {app: db}}\ningress:\n- from: [{podSelector: {matchLabels: {app: web}}}]"),
        "a/web a/db TCP 80 allowed\nb/web a/db TCP 80 denied\na/other a/db TCP 80 denied",
    ),
    "a namespace selector alone means all of its pods": (
        policy(
            "podSelector: {matchLabels: {app: db}}\ningress:\n- from: [{namespaceSelector: {matchLabels: {team: blue}}}]"
        ),
        "b/web a/db TCP 80 allowed\nb/db a/db TCP 80 allowed\na/web a/db TCP 80 denied",
    ),
    "both in one item: pods of those namespaces": (
        policy(
            "podSelector: {matchLabels: {app: db}}\ningress:\n"
            "- from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]"
        ),
        "b/web a/db TCP 80 allowed\nb/db a/db TCP 80 denied\na/web a/db TCP 80 denied",
    ),
    "both as two items: either": (
        policy(
            "podSelector: {matchLabels: {app: db}}\ningress:\n"
            "- from: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: web}}}]"
        ),
        "b/web a/db TCP 80 allowed\nb/db a/db TCP 80 allowed\na/web a/db TCP 80 allowed\na/other a/db TCP 80 denied\nc/web a/db TCP 80 denied",
    ),
    "an empty namespace selector means every namespace, and nobody outside": (
        policy("podSelector: {}\ningress:\n- from: [{namespaceSelector: {}}]"),
        "c/web a/db TCP 80 allowed\ninternet a/db TCP 80 denied",
    ),
    "the label with the name is there although nobody wrote it": (
        policy(
            "podSelector: {}\ningress:\n"
            "- from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [b, x]}]}}]"
        ),
        "b/web a/db TCP 80 allowed\nc/web a/db TCP 80 denied",
    ),
    "NotIn holds where the key is absent": (
        policy(
            "podSelector: {}\ningress:\n- from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [blue]}]}}]"
        ),
        "c/web a/db TCP 80 allowed\na/web a/db TCP 80 allowed\nb/web a/db TCP 80 denied",
    ),
    "DoesNotExist": (
        policy(
            "podSelector: {}\ningress:\n- from: [{namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}]"
        ),
        "c/web a/db TCP 80 allowed\nb/web a/db TCP 80 denied",
    ),
    "matchLabels and matchExpressions must all hold": (
        policy(
            "podSelector:\n  matchLabels: {app: db}\n  matchExpressions: [{key: app, operator: NotIn, values: [db]}]\npolicyTypes: [Ingress]"
        ),
        "b/web a/db TCP 80 allowed",
    ),
    "a missing from means every peer": (
        policy("podSelector: {matchLabels: {app: db}}\ningress:\n- ports: [{port: 5432}]"),
        "internet a/db TCP 5432 allowed\nb/web a/db TCP 5432 allowed\nb/web a/db TCP 5433 denied",
    ),
    "an empty from too": (
        policy("podSelector: {}\ningress:\n- from: []\n  ports: [{port: 80}]"),
        "internet a/db TCP 80 allowed",
    ),
    "peer and port must both match": (
        policy(
            "podSelector: {matchLabels: {app: db}}\ningress:\n"
            "- from: [{podSelector: {matchLabels: {app: web}}}]\n  ports: [{port: 5432}]\n"
            "- from: [{namespaceSelector: {matchLabels: {team: blue}}}]\n  ports: [{port: 9187}]"
        ),
        "a/web a/db TCP 5432 allowed\na/web a/db TCP 9187 denied\nb/web a/db TCP 9187 allowed\nb/web a/db TCP 5432 denied",
    ),
    "policies are added up": (
        policy("podSelector: {}\npolicyTypes: [Ingress]", "deny")
        + policy("podSelector: {matchLabels: {app: db}}\ningress:\n- from: [{podSelector: {}}]", "inside")
        + policy(
            "podSelector: {matchLabels: {app: db}}\ningress:\n- from: [{namespaceSelector: {matchLabels: {team: blue}}}]",
            "blue",
        ),
        "a/web a/db TCP 1 allowed\nb/web a/db TCP 1 allowed\nc/web a/db TCP 1 denied\na/db a/web TCP 1 denied",
    ),
    "both sides must allow": (
        policy(
            "podSelector: {}\npolicyTypes: [Egress]\negress:\n- to: [{namespaceSelector: {}}]\n  ports: [{port: 80}]",
            "out",
        )
        + policy("podSelector: {}\ningress:\n- ports: [{port: 90}]", "in", "b"),
        "a/web b/web TCP 80 denied\na/web b/web TCP 90 denied\nc/web b/web TCP 90 allowed\na/web c/web TCP 80 allowed",
    ),
    "an answer needs no rule, a connection back does": (
        policy("podSelector: {matchLabels: {app: db}}\npolicyTypes: [Egress]"),
        "a/web a/db TCP 5432 allowed\na/db a/web TCP 5432 denied",
    ),
    "the protocol is TCP by default": (
        policy("podSelector: {}\ningress:\n- ports: [{port: 53}]"),
        "b/web a/db TCP 53 allowed\nb/web a/db UDP 53 denied",
    ),
    "a protocol without number means all its ports and no other protocol": (
        policy("podSelector: {}\ningress:\n- ports: [{protocol: UDP}]"),
        "b/web a/db UDP 1 allowed\nb/web a/db UDP 65535 allowed\nb/web a/db TCP 1 denied",
    ),
    "SCTP": (
        policy("podSelector: {}\ningress:\n- ports: [{protocol: SCTP, port: 7777}]"),
        "b/web a/db SCTP 7777 allowed\nb/web a/db TCP 7777 denied",
    ),
    "an empty list of ports restricts nothing": (
        policy("podSelector: {}\ningress:\n- ports: []"),
        "b/web a/db SCTP 9 allowed",
    ),
    "a range includes both ends": (
        policy("podSelector: {}\npolicyTypes: [Egress]\negress:\n- ports: [{port: 32000, endPort: 32768}]"),
        "a/db b/web TCP 31999 denied\na/db b/web TCP 32000 allowed\na/db b/web TCP 32768 allowed\na/db b/web TCP 32769 denied",
    ),
    "a range of one": (
        policy("podSelector: {}\ningress:\n- ports: [{port: 80, endPort: 80}]"),
        "b/web a/db TCP 80 allowed\nb/web a/db TCP 81 denied",
    ),
    "a named port on the selected pod": (
        policy("podSelector: {}\ningress:\n- ports: [{port: pg}]"),
        "b/web a/db TCP 5432 allowed\nb/web a/db TCP 6432 denied\nb/web a/web TCP 8080 denied",
    ),
    "a named port on egress belongs to the destination": (
        policy("podSelector: {}\npolicyTypes: [Egress]\negress:\n- ports: [{port: http}]"),
        "a/db b/web TCP 9090 allowed\na/db b/web TCP 8080 denied\na/db a/web TCP 8080 allowed\na/db c/web TCP 8080 denied\na/db internet TCP 8080 denied",
    ),
    "the name counts with its protocol only": (
        policy("podSelector: {}\ningress:\n- ports: [{port: pg, protocol: UDP}]"),
        "b/web a/db UDP 5432 denied",
    ),
    "a name that nobody has allows nothing, the other entry stays": (
        policy("podSelector: {}\ningress:\n- ports: [{port: nobody}, {port: 80}]"),
        "b/web a/db TCP 80 allowed\nb/web a/db TCP 5432 denied",
    ),
    "a port that no container declares is reachable": (
        policy("podSelector: {}\ningress:\n- ports: [{port: 4444}]"),
        "b/web a/db TCP 4444 allowed",
    ),
    "a block without its exceptions": (
        policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}}]"),
        "172.17.0.9 a/db TCP 80 allowed\n172.17.1.9 a/db TCP 80 denied\n172.18.0.1 a/db TCP 80 denied\ninternet a/db TCP 80 denied",
    ),
    "host bits are masked": (
        policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 172.17.3.4/16}}]"),
        "172.17.0.9 a/db TCP 80 allowed",
    ),
    "an IPv4 block is not everything": (
        policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 0.0.0.0/0}}]"),
        "1.2.3.4 a/db TCP 80 allowed\n2001:db8::1 a/db TCP 80 denied",
    ),
    "an IPv6 block": (
        policy(
            "podSelector: {}\npolicyTypes: [Egress]\negress:\n- to: [{ipBlock: {cidr: '2001:db8::/32', except: ['2001:db8:1::/48']}}]"
        ),
        "a/db 2001:db8::1 TCP 80 allowed\na/db 2001:db8:1::1 TCP 80 denied\na/db 1.2.3.4 TCP 80 denied",
    ),
    "whether a block meets pods is not defined": (
        policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.2.0/24}}]"),
        "b/web a/db TCP 80 unknown\nc/web a/db TCP 80 denied\n10.0.2.77 a/db TCP 80 allowed",
    ),
    "the example of the documentation": (
        policy(
            "podSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress, Egress]\ningress:\n"
            "- from:\n  - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}\n"
            "  - namespaceSelector: {matchLabels: {team: blue}}\n  - podSelector: {matchLabels: {app: web}}\n"
            "  ports: [{protocol: TCP, port: 6379}]\n"
            "egress:\n- to: [{ipBlock: {cidr: 10.9.0.0/24}}]\n  ports: [{protocol: TCP, port: 5978}]"
        ),
        "b/db a/db TCP 6379 allowed\na/web a/db TCP 6379 allowed\na/other a/db TCP 6379 denied\n172.17.2.1 a/db TCP 6379 allowed\n"
        "172.17.1.1 a/db TCP 6379 denied\na/web a/db TCP 6380 denied\na/db 10.9.0.3 TCP 5978 allowed\na/db 10.9.1.3 TCP 5978 denied\n"
        "a/db b/web TCP 5978 denied",
    ),
    "namespaces of several names, as the documentation selects them": (
        policy(
            "podSelector: {matchLabels: {app: db}}\npolicyTypes: [Egress]\negress:\n"
            "- to: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [blue, green]}]}}]"
        ),
        "a/db b/web TCP 80 allowed\na/db c/web TCP 80 denied",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    text, lines = CASES[name]
    assert verdicts(reach(WORLD, text), lines) == expected(lines)


INVALID = {
    "an end before the port": "podSelector: {}\ningress:\n- ports: [{port: 90, endPort: 80}]",
    "an end with a name": "podSelector: {}\ningress:\n- ports: [{port: http, endPort: 80}]",
    "an end without a port": "podSelector: {}\ningress:\n- ports: [{endPort: 80}]",
    "a port out of range": "podSelector: {}\ningress:\n- ports: [{port: 70000}]",
    "a protocol nobody knows": "podSelector: {}\ningress:\n- ports: [{port: 80, protocol: ICMP}]",
    "a block beside a selector": "podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]",
    "a peer that names nothing": "podSelector: {}\ningress:\n- from: [{}]",
    "an exception outside its block": "podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]",
    "an address in place of a block": "podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.0.1}}]",
    "an operator nobody knows": "podSelector: {matchExpressions: [{key: a, operator: Like, values: [b]}]}",
    "a type nobody knows": "podSelector: {}\npolicyTypes: [Both]",
    "rules that are no list": "podSelector: {}\ningress: {from: []}",
}


@pytest.mark.parametrize("name", INVALID)
def test_what_the_api_would_refuse_leaves_its_pods_unknown_and_no_others(name: str) -> None:
    found = reach(WORLD, policy(INVALID[name]))
    assert found.allowed("Pod/b/web", "Pod/a/db", "TCP", 80) == "unknown"
    assert found.allowed("Pod/a/db", "Pod/a/db", "TCP", 80) == "allowed"
    assert found.allowed("Pod/b/web", "Pod/c/web", "TCP", 80) == "allowed"
    assert "NetworkPolicy/a/p" in found.facts.problems
    assert "not one that the API would accept" in str(found.explain("Pod/b/web", "Pod/a/db", "TCP", 80))


def test_sidecars_have_named_ports_and_plain_init_containers_have_none() -> None:
    world = [namespace("a"), pod("a/s", sidecar="in:7000", app="s"), pod("a/i", init="in:7000", app="i"), pod("a/x")]
    found = reach(world, policy("podSelector: {}\ningress:\n- ports: [{port: in}]"))
    assert found.allowed("Pod/a/x", "Pod/a/s", "TCP", 7000) == "allowed"
    assert found.allowed("Pod/a/x", "Pod/a/i", "TCP", 7000) == "denied"


def test_replicas_resolve_a_name_each_by_itself() -> None:
    world = [namespace("a"), pod("a/one", ports="http:80", app="s"), pod("a/two", ports="http:81", app="s"), pod("a/x")]
    found = reach(world, policy("podSelector: {}\ningress:\n- ports: [{port: http}]"))
    asked = "a/x a/one TCP 80 allowed\na/x a/one TCP 81 denied\na/x a/two TCP 80 denied\na/x a/two TCP 81 allowed"
    assert verdicts(found, asked) == expected(asked)


def test_one_name_for_two_numbers_is_not_known() -> None:
    twice = pod("a/one", ports="http:80", sidecar="http:81", app="s")
    found = reach([namespace("a"), twice, pod("a/x")], policy("podSelector: {}\ningress:\n- ports: [{port: http}]"))
    asked = "a/x a/one TCP 80 unknown\na/x a/one TCP 81 unknown\na/x a/one TCP 82 denied"
    assert verdicts(found, asked) == expected(asked)
    assert "stands for several numbers" in str(found.explain("Pod/a/x", "Pod/a/one", "TCP", 80))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_has_no_network(phase: str) -> None:
    ended = pod("a/job", ip="10.0.2.1", phase=phase, app="web")
    found = reach(WORLD, ended, policy("podSelector: {}\ningress:\n- from: [{podSelector: {matchLabels: {app: web}}}]"))
    assert found.allowed("Pod/a/job", "Pod/a/db", "TCP", 80) == "denied"
    assert "has ended" in str(found.explain("Pod/a/db", "Pod/a/job", "TCP", 80))
    assert "Pod/a/job" not in set(found.edges("pod")["source"])


def test_two_replicas_are_two_pods() -> None:
    world = [namespace("a"), pod("a/one", app="s"), pod("a/two", app="s")]
    found = reach(world, policy("podSelector: {}\npolicyTypes: [Ingress, Egress]"))
    assert found.allowed("Pod/a/one", "Pod/a/one", "TCP", 80) == "allowed"
    assert found.allowed("Pod/a/one", "Pod/a/two", "TCP", 80) == "denied"


LABELLED = policy("podSelector: {}\ningress:\n- from: [{namespaceSelector: {matchLabels: {team: blue}}}]")
NAMED = policy(
    "podSelector: {}\ningress:\n- from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: lost}}}]"
)
BOTH = policy(
    "podSelector: {}\ningress:\n"
    "- from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b, team: blue}}}]"
)


@pytest.mark.parametrize(("text", "verdict"), [(LABELLED, "unknown"), (NAMED, "allowed"), (BOTH, "denied")])
def test_labels_of_a_namespace_that_was_not_read_are_not_known(text: str, verdict: str) -> None:
    found = reach(WORLD, pod("lost/web", app="web"), text)
    assert found.allowed("Pod/lost/web", "Pod/a/db", "TCP", 80) == verdict


HOSTS = [node("n1", "192.168.0.1"), node("n2", "192.168.0.2")]
HOSTED = [
    namespace("a"),
    *HOSTS,
    pod("a/db", ip="10.0.1.2", node="n1", app="db"),
    pod("a/agent", ip="192.168.0.1", host=True, node="n1", app="agent"),
    pod("a/far", ip="192.168.0.2", host=True, node="n2", app="agent"),
]
FROM_AGENT = policy("podSelector: {}\ningress:\n- from: [{podSelector: {matchLabels: {app: agent}}}]")
FROM_NODES = policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 192.168.0.2/32}}]")


@pytest.mark.parametrize(
    ("text", "option", "near", "far"),
    [
        (FROM_AGENT, "plugin_typical", "allowed", "denied"),
        (FROM_AGENT, "unknown", "unknown", "unknown"),
        (FROM_NODES, "plugin_typical", "allowed", "allowed"),
        (FROM_NODES, "unknown", "unknown", "unknown"),
    ],
)
def test_pods_on_the_hosts_network(text: str, option: str, near: str, far: str) -> None:
    found = reach(HOSTED, text, host_network=option)
    assert found.allowed("Pod/a/agent", "Pod/a/db", "TCP", 80) == near
    assert found.allowed("Pod/a/far", "Pod/a/db", "TCP", 80) == far


def test_a_node_always_reaches_its_own_pods() -> None:
    text = policy("podSelector: {}\npolicyTypes: [Ingress, Egress]")
    found = reach(HOSTED, text)
    asked = "Node//n1 a/db TCP 80 allowed\nNode//n2 a/db TCP 80 denied\na/db Node//n1 TCP 80 allowed\na/db Node//n2 TCP 80 denied"
    assert verdicts(found, asked) == expected(asked)
    assert reach(HOSTED, text, node_local="unknown").allowed("Node//n1", "Pod/a/db", "TCP", 80) == "unknown"


@pytest.mark.parametrize(("option", "verdict"), [("always", "allowed"), ("never", "denied"), ("unknown", "unknown")])
def test_a_block_meets_pods_as_the_option_says(option: str, verdict: str) -> None:
    text = policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.0.0/8}}]")
    assert reach(WORLD, text, cidr_matches_pods=option).allowed("Pod/b/web", "Pod/a/db", "TCP", 80) == verdict


def test_a_pod_without_an_address_meets_a_block_perhaps() -> None:
    text = policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 10.0.0.0/8}}]")
    found = reach(WORLD, pod("b/new", app="new"), text, cidr_matches_pods="always")
    assert found.allowed("Pod/b/new", "Pod/a/db", "TCP", 80) == "unknown"


def test_a_dual_stack_pod_is_met_in_one_family_only() -> None:
    world = [
        namespace("a"),
        pod("a/one", ip="10.0.0.1,fd00::1"),
        pod("a/two", ip="10.0.0.2,fd00::2"),
        pod("a/four", ip="10.0.0.3"),
    ]
    text = policy("podSelector: {}\ningress:\n- from: [{ipBlock: {cidr: 'fd00::/8'}}]\n  ports: [{port: 80}]")
    found = reach(world, text, cidr_matches_pods="always")
    rows = found.edges("pod", source="Pod/a/one", destination="Pod/a/two")
    assert rows[["protocol", "port_from", "port_to", "family"]].values.tolist() == [["TCP", 80, 80, "IPv6"]]
    assert found.allowed("Pod/a/one", "Pod/a/four", "TCP", 80) == "denied"


def test_the_isolation_that_a_namespace_once_asked_for_by_annotation_does_nothing() -> None:
    """Before `networking.k8s.io/v1` a namespace denied by annotation; today only policies do.

    Source: https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.7.md, "Network Policy"
    """
    shut = namespace("shut")
    shut["metadata"]["annotations"] = {
        "net.beta.kubernetes.io/network-policy": '{"ingress": {"isolation": "DefaultDeny"}}'
    }
    found = reach(WORLD, shut, pod("shut/db", app="db"))
    assert found.allowed("Pod/a/web", "Pod/shut/db", "TCP", 80) == "allowed"
    assert not found.coverage().set_index(["pod", "direction"]).loc[("Pod/shut/db", "ingress"), "isolated"]
