"""Every rule of the administrators' policies, in both versions of their API.

Source: https://network-policy-api.sigs.k8s.io/api-overview/, its user stories, and the examples of policy-assistant.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.network import expected, namespace, node, pod, reach, verdicts

WORLD = [
    namespace("sensitive", tenant="x"),
    namespace("monitoring", role="watch"),
    namespace("plain", dev="yes"),
    node("n1", "192.168.0.1", zone="z1"),
    node("n2", "192.168.0.2", zone="z2"),
    pod("sensitive/db", ip="10.0.1.1", ports="pg:5432 alt:8080", app="db"),
    pod("sensitive/web", ip="10.0.1.2", app="web"),
    pod("monitoring/prom", ip="10.0.2.1", app="prom"),
    pod("plain/web", ip="10.0.3.1", app="web"),
    pod("plain/host", ip="192.168.0.1", host=True, node="n1", app="web"),
]

EVERYWHERE: dict[str, Any] = {"namespaces": {}}
SENSITIVE = {"namespaces": {"matchLabels": {"tenant": "x"}}}
WATCH = {"namespaces": {"matchLabels": {"role": "watch"}}}
PLAIN = {"namespaces": {"matchLabels": {"dev": "yes"}}}


def anp(name: str, priority: int, subject: Any = EVERYWHERE, **rules: Any) -> dict[str, Any]:
    return _object("v1alpha1", "AdminNetworkPolicy", name, {"priority": priority, "subject": subject, **rules})


def banp(subject: Any = EVERYWHERE, name: str = "default", **rules: Any) -> dict[str, Any]:
    return _object("v1alpha1", "BaselineAdminNetworkPolicy", name, {"subject": subject, **rules})


def cnp(name: str, priority: int, tier: str = "Admin", subject: Any = EVERYWHERE, **rules: Any) -> dict[str, Any]:
    return _object(
        "v1alpha2", "ClusterNetworkPolicy", name, {"tier": tier, "priority": priority, "subject": subject, **rules}
    )


def _object(version: str, kind: str, name: str, spec: Any) -> dict[str, Any]:
    return {"apiVersion": f"policy.networking.k8s.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def np(space: str, spec: Any, name: str = "np") -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def rule(action: str, *peers: Any, **more: Any) -> dict[str, Any]:
    key = more.pop("key", "from")
    return {"action": action, key: list(peers), **more}


DENY_ALL = np("sensitive", {"podSelector": {}, "policyTypes": ["Ingress"]})
FROM_SENSITIVE = np("sensitive", {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]})
TCP_80 = [{"portNumber": {"protocol": "TCP", "port": 80}}]

CASES: dict[str, tuple[list[Any], str]] = {
    "deny wins over everything below": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Deny", EVERYWHERE)]), np("sensitive", {"podSelector": {}, "ingress": [{}]})],
        "plain/web sensitive/db TCP 80 denied\nsensitive/web sensitive/db TCP 80 denied\ninternet sensitive/db TCP 80 allowed",
    ),
    "allow wins over a NetworkPolicy": (
        [anp("a", 1, ingress=[rule("Allow", WATCH)]), DENY_ALL],
        "monitoring/prom sensitive/db TCP 80 allowed\nplain/web sensitive/db TCP 80 denied",
    ),
    "an egress allow does not open the destination": (
        [anp("a", 1, egress=[rule("Allow", SENSITIVE, key="to")]), DENY_ALL],
        "plain/web sensitive/db TCP 80 denied",
    ),
    "the lower number goes first": (
        [anp("b", 2, SENSITIVE, ingress=[rule("Allow", PLAIN)]), anp("a", 5, SENSITIVE, ingress=[rule("Deny", PLAIN)])],
        "plain/web sensitive/db TCP 80 allowed",
    ),
    "within an object the first rule goes first": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Deny", PLAIN), rule("Allow", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 denied\nmonitoring/prom sensitive/db TCP 80 allowed",
    ),
    "selecting isolates nobody": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Allow", WATCH)])],
        "plain/web sensitive/db TCP 80 allowed",
    ),
    "pass leaves it to the NetworkPolicy": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Pass", PLAIN), rule("Deny", EVERYWHERE)]), FROM_SENSITIVE],
        "plain/web sensitive/db TCP 80 denied\nmonitoring/prom sensitive/db TCP 80 denied",
    ),
    "pass without a NetworkPolicy leads to the baseline": (
        [
            anp("a", 1, SENSITIVE, ingress=[rule("Pass", PLAIN), rule("Deny", EVERYWHERE)]),
            banp(SENSITIVE, ingress=[rule("Deny", PLAIN, ports=TCP_80)]),
        ],
        "plain/web sensitive/db TCP 80 denied\nplain/web sensitive/db TCP 81 allowed\nmonitoring/prom sensitive/db TCP 81 denied",
    ),
    "what a NetworkPolicy decides, the baseline is not asked": (
        [FROM_SENSITIVE, banp(ingress=[rule("Deny", EVERYWHERE)])],
        "sensitive/web sensitive/db TCP 80 allowed\nplain/web sensitive/db TCP 80 denied\nsensitive/db plain/web TCP 80 denied",
    ),
    "the baseline allows before it denies": (
        [banp(ingress=[rule("Allow", WATCH), rule("Deny", EVERYWHERE)])],
        "monitoring/prom sensitive/db TCP 80 allowed\nplain/web sensitive/db TCP 80 denied",
    ),
    "a baseline of another name does not count": (
        [banp(name="other", ingress=[rule("Deny", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 unknown",
    ),
    "ports: number, range, name of any protocol": (
        [
            anp(
                "a", 1, SENSITIVE,
                ingress=[
                    rule("Deny", PLAIN, ports=[{"portNumber": {"port": 53, "protocol": "UDP"}}, {"portRange": {"start": 100, "end": 110}}]),
                    rule("Deny", PLAIN, ports=[{"namedPort": "pg"}]),
                ],
            )
        ],
        "plain/web sensitive/db UDP 53 denied\nplain/web sensitive/db TCP 53 allowed\nplain/web sensitive/db TCP 110 denied\n"
        "plain/web sensitive/db TCP 111 allowed\nplain/web sensitive/db TCP 5432 denied\nplain/web sensitive/web TCP 5432 allowed",
    ),
    "networks meet pods too": (
        [anp("a", 1, egress=[rule("Deny", {"networks": ["0.0.0.0/0"]}, key="to")])],
        "plain/web sensitive/db TCP 80 denied\nplain/web 1.2.3.4 TCP 80 denied\nplain/web 2001:db8::1 TCP 80 allowed",
    ),
    "pods passed before networks are denied": (
        [anp("a", 1, egress=[rule("Pass", EVERYWHERE, key="to"), rule("Deny", {"networks": ["0.0.0.0/0", "::/0"]}, key="to")])],
        "plain/web sensitive/db TCP 80 allowed\nplain/web internet TCP 80 denied",
    ),
    "nodes by label": (
        [anp("a", 1, SENSITIVE, egress=[rule("Deny", {"nodes": {"matchLabels": {"zone": "z2"}}}, key="to")])],
        "sensitive/db Node//n2 TCP 80 denied\nsensitive/db Node//n1 TCP 80 allowed\nsensitive/db plain/web TCP 80 allowed",
    ),
    "domain names are not known to be any address": (
        [
            anp(
                "a", 1, SENSITIVE,
                egress=[rule("Allow", {"domainNames": ["*.example.org"]}, key="to"), rule("Deny", {"networks": ["0.0.0.0/0", "::/0"]}, key="to")],
            )
        ],
        "sensitive/db 1.2.3.4 TCP 443 unknown\nsensitive/db plain/web TCP 443 denied",
    ),
    "pods on the host's network are in no subject and no peer": (
        [anp("a", 1, ingress=[rule("Deny", EVERYWHERE)]), anp("b", 2, egress=[rule("Deny", EVERYWHERE, key="to")])],
        "plain/host sensitive/db TCP 80 allowed\nsensitive/db plain/host TCP 80 allowed\nplain/web sensitive/db TCP 80 denied",
    ),
    "equal priorities that agree": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Deny", PLAIN)]), anp("b", 1, SENSITIVE, ingress=[rule("Deny", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 denied\nmonitoring/prom sensitive/db TCP 80 denied",
    ),
    "equal priorities that do not": (
        [
            anp("a", 1, SENSITIVE, ingress=[rule("Deny", PLAIN, ports=TCP_80)]),
            anp("b", 1, SENSITIVE, ingress=[rule("Allow", EVERYWHERE)]),
            anp("c", 2, ingress=[rule("Deny", EVERYWHERE)]),
        ],
        "plain/web sensitive/db TCP 80 unknown\nplain/web sensitive/db TCP 81 allowed\nmonitoring/prom plain/web TCP 1 denied",
    ),
    "an allow rule with an unknown peer matches nothing": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Allow", {"planets": {}}, WATCH), rule("Deny", WATCH)])],
        "monitoring/prom sensitive/db TCP 80 denied\nplain/web sensitive/db TCP 80 allowed",
    ),
    "a deny rule with an unknown peer denies everybody": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Deny", {"planets": {}}, ports=TCP_80)])],
        "plain/web sensitive/db TCP 443 denied\ninternet sensitive/db TCP 80 denied",
    ),
    "a pass rule with an unknown peer denies everybody": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Pass", {})])],
        "plain/web sensitive/db TCP 443 denied",
    ),
    "an action nobody knows: the API refuses it": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Invalid", PLAIN)])],
        "plain/web sensitive/db TCP 80 unknown\nplain/web monitoring/prom TCP 80 allowed",
    ),
    "both versions in one cluster have no order": (
        [anp("a", 1, SENSITIVE, ingress=[rule("Deny", PLAIN)]), cnp("b", 500, subject=SENSITIVE, ingress=[rule("Accept", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 unknown\nmonitoring/prom sensitive/db TCP 80 allowed",
    ),
    "user story 1: deny traffic at a cluster level": (
        [cnp("x", 10, subject=SENSITIVE, ingress=[rule("Deny", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 denied\ninternet sensitive/db TCP 80 allowed\nsensitive/db plain/web TCP 80 allowed",
    ),
    "user story 2: allow traffic at a cluster level": (
        [
            cnp("x", 30, ingress=[rule("Accept", WATCH)], egress=[
                rule("Accept", {"pods": {"namespaceSelector": {"matchLabels": {"role": "watch"}}, "podSelector": {"matchLabels": {"app": "prom"}}}}, key="to")
            ]),
            DENY_ALL,
            np("plain", {"podSelector": {}, "policyTypes": ["Egress"]}),
        ],
        "monitoring/prom sensitive/db TCP 80 allowed\nplain/web sensitive/db TCP 80 denied\nplain/web monitoring/prom TCP 80 allowed",
    ),
    "user story 3: delegate": (
        [
            cnp("x", 20, egress=[
                rule("Pass", SENSITIVE, key="to", protocols=[{"tcp": {"destinationPort": {"number": 8080}}}, {"destinationNamedPort": "pg"}]),
                rule("Deny", SENSITIVE, key="to"),
            ]),
        ],
        "plain/web sensitive/db TCP 8080 allowed\nplain/web sensitive/db TCP 5432 allowed\nplain/web sensitive/web TCP 5432 denied\n"
        "plain/web sensitive/db UDP 8080 denied",
    ),
    "user story 5: baseline": (
        [cnp("default", 10, "Baseline", ingress=[rule("Deny", EVERYWHERE)]), FROM_SENSITIVE],
        "plain/web monitoring/prom TCP 80 denied\nsensitive/web sensitive/db TCP 80 allowed\ninternet monitoring/prom TCP 80 allowed",
    ),
    "pass in the baseline leads to the default": (
        [cnp("x", 10, "Baseline", ingress=[rule("Pass", PLAIN)]), cnp("y", 20, "Baseline", ingress=[rule("Deny", EVERYWHERE)])],
        "plain/web sensitive/db TCP 80 allowed\nmonitoring/prom sensitive/db TCP 80 denied",
    ),
    "protocols of v1alpha2": (
        [
            cnp("x", 1, subject=SENSITIVE, ingress=[
                rule("Deny", EVERYWHERE, protocols=[
                    {"tcp": {"destinationPort": {"range": {"start": 8080, "end": 9090}}}}, {"udp": {"destinationPort": {"number": 53}}},
                    {"sctp": {"destinationPort": {"number": 7}}},
                ])
            ])
        ],
        "plain/web sensitive/db TCP 9090 denied\nplain/web sensitive/db TCP 9091 allowed\nplain/web sensitive/db UDP 53 denied\n"
        "plain/web sensitive/db SCTP 7 denied\nplain/web sensitive/db SCTP 8 allowed",
    ),
    "a protocol nobody knows fails closed": (
        [cnp("x", 1, subject=SENSITIVE, ingress=[rule("Deny", PLAIN, protocols=[{"icmp": {}}])])],
        "plain/web sensitive/db TCP 1 denied\nmonitoring/prom sensitive/db TCP 1 denied",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    objects, lines = CASES[name]
    assert verdicts(reach(WORLD, objects), lines) == expected(lines)


def test_equal_priorities_are_named() -> None:
    objects, _ = CASES["equal priorities that do not"]
    told = str(reach(WORLD, objects).explain("Pod/plain/web", "Pod/sensitive/db", "TCP", 80))
    assert "have the same priority 1 in tier admin" in told


def test_kinds_are_known_by_their_group() -> None:
    theirs = {**cnp("x", 1, ingress=[rule("Deny", EVERYWHERE)]), "apiVersion": "crd.antrea.io/v1beta1"}
    found = reach(WORLD, theirs)
    assert found.allowed("Pod/plain/web", "Pod/sensitive/db", "TCP", 80) == "unknown"
    assert "dialect not modelled (ClusterNetworkPolicy.crd.antrea.io)" in str(
        found.explain("Pod/plain/web", "Pod/sensitive/db", "TCP", 80)
    )


@pytest.mark.parametrize("how", ["sameLabels", "notSameLabels"])
@pytest.mark.parametrize("within", [False, True])
def test_labels_that_are_the_same_on_both_sides_leave_pods_open_and_say_why(how: str, within: bool) -> None:
    """What the first releases enforced and later ones drop: neither a permission nor a denial is to be had from it."""
    inner = {how: ["tenant"]}
    peer = (
        {"pods": {"namespaces": inner, "podSelector": {"matchLabels": {"app": "web"}}}}
        if within
        else {"namespaces": inner}
    )
    found = reach(
        WORLD, anp("x", 1, subject=SENSITIVE, ingress=[rule("Deny", peer)]), banp(ingress=[rule("Deny", PLAIN)])
    )
    assert found.allowed("Pod/sensitive/web", "Pod/sensitive/db", "TCP", 80) == "unknown"
    assert "no longer served" in str(found.explain("Pod/sensitive/web", "Pod/sensitive/db", "TCP", 80))
    assert found.allowed("Pod/plain/web", "Pod/sensitive/db", "TCP", 80) == "denied"
    assert found.allowed("Pod/plain/host", "Pod/sensitive/db", "TCP", 80) == "allowed"
    prom = found.allowed("Pod/monitoring/prom", "Pod/sensitive/db", "TCP", 80)
    assert prom == ("allowed" if within else "unknown")
