"""The brute-force evaluator of network policies: its tables of cases, and laws that hold for every cluster."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.network_oracle import Options, admin_policy, evaluate
from tests.support.network_oracle.cases import Case, cases
from tests.support.network_oracle.generate import KINDS, MIXES, clusters, questions, random_cluster
from tests.support.network_oracle.model import find_end, policies, terminated

CLUSTERS = int(os.environ.get("HIPAA_KIT_ORACLE_CLUSTERS", "12"))
DEFAULT = Options()
KNOWN = Options(cidr_matches_pods="always", host_network="plugin_typical")
laws = settings(max_examples=CLUSTERS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
seeds = st.integers(0, 2**32)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_documented_answer(case: Case) -> None:
    assert evaluate(case.cluster, *case.question, case.options) == case.answer, case.source


def test_case_names_are_unique() -> None:
    ids = [case.id for case in cases()]
    assert len(ids) == len(set(ids))


def test_every_kind_and_answer_has_cases() -> None:
    kinds = {(policy["apiVersion"], policy["kind"]) for case in cases() for policy in case.cluster["policies"]}
    assert {kind for _, kind in kinds} == {
        "NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
        "GlobalNetworkPolicy", "Tier", "GlobalNetworkSet", "NetworkSet", "CiliumNetworkPolicy",
        "CiliumClusterwideNetworkPolicy", "AuthorizationPolicy",
    }  # fmt: skip
    assert {case.answer for case in cases()} == {"allowed", "denied", "unknown"}


def test_same_seed_gives_same_cluster() -> None:
    assert random_cluster(11) == random_cluster(11)
    assert random_cluster(11) != random_cluster(12)


def test_random_clusters_hold_every_kind_and_answer() -> None:
    answers, kinds = set(), set()
    for seed in range(22):
        cluster = random_cluster(seed, MIXES[seed % len(MIXES)])
        kinds |= {policy["kind"] for policy in cluster["policies"]}
        answers |= {evaluate(cluster, *each) for each in questions(cluster, seed, most_ports=1)}
    assert answers == {"allowed", "denied", "unknown"}
    assert {"NetworkPolicy", "AdminNetworkPolicy", "ClusterNetworkPolicy", "GlobalNetworkPolicy"} <= kinds
    assert {"CiliumNetworkPolicy", "AuthorizationPolicy"} <= kinds


def test_a_kind_that_is_not_modelled_is_refused() -> None:
    cluster = random_cluster(1) | {
        "policies": [{"apiVersion": "crd.antrea.io/v1beta1", "kind": "ClusterNetworkPolicy"}]
    }
    with pytest.raises(ValueError, match=r"crd\.antrea\.io"):
        evaluate(cluster, "203.0.113.1", "203.0.113.2", 80, "TCP")


# --- laws ------------------------------------------------------------------------------------------------------------


def answers(cluster: dict[str, Any], seed: int, options: Options = DEFAULT) -> dict[tuple[str, str, int, str], str]:
    return {each: evaluate(cluster, *each, options) for each in questions(cluster, seed, most_ports=2)}


def changed(cluster: dict[str, Any], change: Any) -> dict[str, Any]:
    """Return a copy in which something was done to it."""
    other = copy.deepcopy(cluster)
    change(other)
    return other


@laws
@given(clusters(), seeds)
def test_without_policies_everything_is_allowed(cluster: dict[str, Any], seed: int) -> None:
    cluster["policies"] = []
    assert set(answers(cluster, seed).values()) <= {"allowed"}


@laws
@given(clusters())
def test_a_running_pod_always_reaches_itself(cluster: dict[str, Any]) -> None:
    for pod in cluster["pods"]:
        key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        assert evaluate(cluster, key, key, 80, "TCP") == ("denied" if terminated(pod) else "allowed")


@laws
@given(clusters(("NetworkPolicy",), ("host_network", "dual_stack", "same_port_name")), seeds, st.data())
def test_another_rule_in_a_policy_takes_nothing_away(cluster: dict[str, Any], seed: int, data: st.DataObject) -> None:
    rank = {"denied": 0, "unknown": 1, "allowed": 2}
    policy = data.draw(st.integers(0, len(cluster["policies"]) - 1))
    direction = data.draw(st.sampled_from(("ingress", "egress")))
    given_rules = [each for policy in cluster["policies"] for each in policy["spec"].get(direction) or ()]
    rule = data.draw(st.sampled_from([{}, *given_rules]))

    def pin_types(other: dict[str, Any]) -> None:
        spec = other["policies"][policy]["spec"]
        spec["policyTypes"] = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])

    def add_rule(other: dict[str, Any]) -> None:
        pin_types(other)
        rules = other["policies"][policy]["spec"]
        rules[direction] = [*(rules.get(direction) or ()), rule]

    before, after = answers(changed(cluster, pin_types), seed), answers(changed(cluster, add_rule), seed)
    assert all(rank[before[each]] <= rank[after[each]] for each in before)


@laws
@given(clusters(), seeds, st.randoms(use_true_random=False))
def test_the_order_of_objects_means_nothing(cluster: dict[str, Any], seed: int, random: Any) -> None:
    def shuffle(other: dict[str, Any]) -> None:
        for each in ("namespaces", "nodes", "serviceaccounts", "policies"):
            random.shuffle(other[each])

    before = answers(cluster, seed)
    other = changed(cluster, shuffle)
    assert {each: evaluate(other, *each) for each in before} == before


@laws
@given(clusters(), seeds)
def test_knowing_more_only_settles_what_was_unknown(cluster: dict[str, Any], seed: int) -> None:
    for each, answer in answers(cluster, seed).items():
        for matches in ("always", "never"):
            known = evaluate(cluster, *each, Options(cidr_matches_pods=matches, host_network="plugin_typical"))
            assert answer in ("unknown", known), (each, matches)


@laws
@given(clusters(("NetworkPolicy", "ClusterNetworkPolicy")), seeds)
def test_a_deny_for_all_before_everything_opens_nothing(cluster: dict[str, Any], seed: int) -> None:
    first = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "first"},
        "spec": {
            "tier": "Admin",
            "priority": 0,
            "subject": {"namespaces": {}},
            "egress": [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0", "::/0"]}]}],
        },
    }
    for policy in cluster["policies"]:
        if isinstance(policy["spec"].get("priority"), int):
            policy["spec"]["priority"] = max(1, policy["spec"]["priority"])
    before = answers(cluster, seed, KNOWN)
    refused = [
        each for each in policies(cluster, admin_policy.GROUP, *admin_policy.ACTIONS) if not admin_policy.valid(each)
    ]
    possible = {"denied", "unknown"} if refused else {"denied"}
    cluster["policies"].append(first)
    for (source, target, port, protocol), answer in before.items():
        after = evaluate(cluster, source, target, port, protocol, KNOWN)
        # An object that the API refuses may be there with another priority, before this one.
        assert not (answer == "denied" and after not in possible)
        end = find_end(cluster, source)
        if end.pod and not end.host_network and end.addresses and find_end(cluster, target).addresses:
            assert after in possible or source == target or end.node, (source, target)


@laws
@given(clusters(("NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"), ("host_network",)), seeds)
def test_split_ranges_and_blocks_mean_the_same(cluster: dict[str, Any], seed: int) -> None:
    def split(part: Any) -> Any:
        if isinstance(part, list):
            return [piece for each in part for piece in _pieces(split(each))]
        return {key: split(value) for key, value in part.items()} if isinstance(part, dict) else part

    other = changed(cluster, lambda each: each.update(policies=split(each["policies"])))
    before = answers(cluster, seed)
    assert {each: evaluate(other, *each) for each in before} == before


def _pieces(part: Any) -> list[Any]:
    """Return a range of ports, or a block of everything, in two pieces."""
    if part == "0.0.0.0/0":
        return ["0.0.0.0/1", "128.0.0.0/1"]
    if isinstance(part, dict) and part.get("ipBlock") == {"cidr": "0.0.0.0/0"}:
        return [{"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]
    if (
        isinstance(part, dict)
        and "endPort" in part
        and isinstance(part["port"], int)
        and part["endPort"] > part["port"]
    ):
        return [{**part, "endPort": part["port"]}, {**part, "port": part["port"] + 1}]
    return [part]


@laws
@given(clusters(("NetworkPolicy", "Calico")), seeds)
def test_a_tier_that_always_passes_changes_nothing(cluster: dict[str, Any], seed: int) -> None:
    before = answers(cluster, seed, KNOWN)
    api = "projectcalico.org/v3"
    spec = {
        "tier": "idle",
        "types": ["Ingress", "Egress"],
        "ingress": [{"action": "Pass"}],
        "egress": [{"action": "Pass"}],
    }
    cluster["policies"] += [
        {"apiVersion": api, "kind": "Tier", "metadata": {"name": "idle"}, "spec": {"order": 5}},
        {"apiVersion": api, "kind": "GlobalNetworkPolicy", "metadata": {"name": "idle"}, "spec": spec},
    ]
    assert {each: evaluate(cluster, *each, KNOWN) for each in before} == before


@laws
@given(clusters(("NetworkPolicy", "Cilium")), seeds)
def test_a_deny_rule_of_cilium_opens_nothing(cluster: dict[str, Any], seed: int) -> None:
    before = answers(cluster, seed, KNOWN)
    cluster["policies"].append(
        {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumClusterwideNetworkPolicy",
            "metadata": {"name": "last"},
            "spec": {
                "endpointSelector": {},
                "enableDefaultDeny": {"ingress": False, "egress": False},
                "ingressDeny": [{"toPorts": [{"ports": [{"port": "80"}]}]}],
            },
        }
    )
    for each, answer in before.items():
        after = evaluate(cluster, *each, KNOWN)
        assert after in (answer, "denied")
        assert after == answer or each[2] == 80


@laws
@given(clusters(("NetworkPolicy", "Istio")), seeds)
def test_a_gate_of_the_mesh_only_takes_away(cluster: dict[str, Any], seed: int) -> None:
    rank = {"denied": 0, "unknown": 1, "allowed": 2}
    mesh = answers(cluster, seed)
    cluster["policies"] = [each for each in cluster["policies"] if each["kind"] != "AuthorizationPolicy"]
    assert all(rank[answer] <= rank[evaluate(cluster, *each)] for each, answer in mesh.items())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone_restricts_something(kind: str) -> None:
    found = {
        evaluate(cluster, *each, KNOWN)
        for seed in range(8)
        for cluster in [random_cluster(seed, (kind,))]
        for each in questions(cluster, seed, most_ports=1)
    }
    assert "denied" in found
