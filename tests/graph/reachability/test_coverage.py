"""What was not seen is not known: refused lists, kinds that are not modelled, and plugins that do not enforce."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.graph.reachability import Reachability
from tests.support.network import namespace, pod, reach
from tests.support.snapshots import snapshot_of

WORLD = [
    namespace("a"),
    namespace("b"),
    pod("a/web", ip="10.0.0.1", app="web"),
    pod("a/db", ip="10.0.0.2", app="db"),
    pod("b/web", ip="10.0.0.3", app="web"),
    pod("b/db", ip="10.0.0.4", app="db"),
]
ISOLATED = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: a}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
"""
REFUSED = {("networking.k8s.io", "NetworkPolicy", "a"): "refused"}


def ask(found: Reachability, source: str, destination: str) -> str:
    return found.allowed(f"Pod/{source}", f"Pod/{destination}", "TCP", 80)


def test_where_policies_were_refused_nothing_is_open_and_nothing_is_denied() -> None:
    found = reach(WORLD, overrides=REFUSED)
    assert [ask(found, "b/web", "a/db"), ask(found, "a/db", "b/web"), ask(found, "b/web", "b/db")] == [
        "unknown",
        "unknown",
        "allowed",
    ]
    assert "refused for the test" in str(found.explain("Pod/b/web", "Pod/a/db", "TCP", 80))
    held = found.coverage().set_index(["pod", "direction"])
    assert held["isolated"].isna()["Pod/a/db", "ingress"]
    assert not held.loc[("Pod/b/db", "ingress"), "isolated"]


def test_another_policy_can_only_add_to_a_pod_that_is_isolated() -> None:
    found = reach(WORLD, ISOLATED, overrides=REFUSED)
    assert ask(found, "b/web", "a/db") == "unknown"
    out_of_a = found.explain("Pod/a/web", "Pod/a/db", "TCP", 80)
    assert [side.verdict for side in out_of_a.sides] == ["unknown", "allowed"]
    assert found.coverage().set_index(["pod", "direction"]).loc[("Pod/a/db", "ingress"), "isolated"]


def test_a_refused_admin_policy_leaves_nothing_certain() -> None:
    hidden = {("policy.networking.k8s.io", "AdminNetworkPolicy", ""): "refused"}
    found = reach(WORLD, ISOLATED, overrides=hidden)
    assert {ask(found, "b/web", "a/db"), ask(found, "a/web", "a/db"), ask(found, "a/db", "b/web")} == {"unknown"}
    assert ask(found, "a/db", "a/db") == "allowed"


def test_a_kind_that_is_not_served_is_no_doubt() -> None:
    absent = {("policy.networking.k8s.io", "AdminNetworkPolicy", ""): "absent"}
    assert ask(reach(WORLD, overrides=absent), "a/web", "b/db") == "allowed"


def test_a_dump_that_says_nothing_of_its_completeness_proves_nothing() -> None:
    found = Reachability.of(snapshot_of([*WORLD], coverage="unknown", layout="kubectl"))
    assert ask(found, "a/web", "b/db") == "unknown"
    assert not found.namespaces()["complete"].any()


def other(group: str, kind: str, space: str = "") -> dict[str, Any]:
    metadata = {"name": "x", **({"namespace": space} if space else {})}
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": {"unheard": "of"}}


@pytest.mark.parametrize(
    ("policy", "inside", "outside"),
    [
        (other("crd.antrea.io", "NetworkPolicy", "a"), "unknown", "allowed"),
        (other("crd.antrea.io", "ClusterNetworkPolicy"), "unknown", "unknown"),
        (other("example.org", "SuperNetworkPolicy", "a"), "unknown", "allowed"),
        (other("policy.linkerd.io", "Server", "a"), "unknown", "allowed"),
        (other("crd.projectcalico.org", "StagedNetworkPolicy", "a"), "allowed", "allowed"),
        (other("k8s.cni.cncf.io", "MultiNetworkPolicy", "a"), "allowed", "allowed"),
    ],
)  # fmt: skip
def test_a_kind_that_is_not_modelled_leaves_what_it_may_select_unknown(policy: Any, inside: str, outside: str) -> None:
    group = policy["apiVersion"].rpartition("/")[0]
    found = reach(WORLD, policy, overrides={(group, policy["kind"], ""): "answered"})
    assert ask(found, "b/web", "a/db") == inside
    assert ask(found, "b/web", "b/db") == outside
    if inside == "unknown":
        assert "dialect not modelled" in str(found.explain("Pod/b/web", "Pod/a/db", "TCP", 80))


@pytest.mark.parametrize(("kind", "denied"), [("EgressFirewall", "denied"), ("UserDefinedNetwork", "denied")])
def test_what_can_only_take_away_leaves_denials_standing(kind: str, denied: str) -> None:
    found = reach(WORLD, ISOLATED, other("k8s.ovn.org", kind, "a"), other("k8s.ovn.org", kind, "b"))
    assert ask(found, "b/web", "a/db") == denied
    assert ask(found, "b/web", "b/db") == "unknown"


def agent(name: str, container: str, *args: str, ready: int = 2) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": container, "image": "x", "args": list(args)}]}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": spec,
        "status": {"desiredNumberScheduled": 2, "numberReady": ready},
    }


@pytest.mark.parametrize(
    ("agents", "enforcement", "cidr"),
    [
        ([agent("calico-node", "calico-node")], "enforced", "always"),
        ([agent("cilium", "cilium-agent")], "enforced", "never"),
        ([agent("kube-flannel-ds", "kube-flannel")], "not_enforced", "unknown"),
        ([agent("kube-flannel-ds", "kube-flannel"), agent("canal", "calico-node")], "enforced", "always"),
        ([agent("aws-node", "aws-node")], "not_enforced", "unknown"),
        ([agent("kindnet", "kindnet-cni")], "unknown", "unknown"),
        ([agent("kindnet", "kindnet-cni"), agent("knp", "kube-network-policies")], "enforced", "always"),
        ([agent("calico-node", "calico-node"), agent("cilium", "cilium-agent")], "unknown", "unknown"),
        ([], "unknown", "unknown"),
    ],
)
def test_the_plugin_is_known_by_its_agents(agents: list[Any], enforcement: str, cidr: str) -> None:
    held = reach(WORLD, agents).options().set_index("option")["value"]
    assert (held["enforcement"], held["cidr_matches_pods"]) == (enforcement, cidr)


def test_where_nothing_enforces_policy_everything_is_allowed_and_every_row_says_so() -> None:
    flannel = agent("kube-flannel-ds", "kube-flannel")
    found = reach(WORLD, ISOLATED, flannel)
    assert ask(found, "b/web", "a/db") == "allowed"
    assert set(found.edges()["enforcement"]) == {"not_enforced"}
    assert "no network plugin enforces policy" in str(found.explain("Pod/b/web", "Pod/a/db", "TCP", 80))
    hidden = reach(WORLD, ISOLATED, flannel, overrides={("apps", "DaemonSet", ""): "partial"})
    assert ask(hidden, "b/web", "a/db") == "denied"
    assert set(hidden.edges()["enforcement"]) == {"unknown"}
