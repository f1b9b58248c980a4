"""What the answers promise of each other: levels, counts, explanations, changes."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.errors import InputError
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.tables.reachability import FLOWS
from tests.support.network import namespace, node, pod, reach
from tests.support.network_oracle.generate import MIXES, clusters, random_cluster
from tests.support.network_oracle.model import LISTS
from tests.support.snapshots import snapshot_of

WORLD = [
    namespace("a", team="red"),
    namespace("b"),
    node("n1", "192.168.0.1"),
    pod("a/db-0", ip="10.0.0.1", ports="pg:5432", node="n1", app="db"),
    pod("a/db-1", ip="10.0.0.2", ports="pg:5432", app="db"),
    pod("b/web", ip="10.0.0.3", app="web"),
    pod("kube-system/dns", ip="10.0.0.9", ports="dns:53/UDP dns-tcp:53", k8s_app="kube-dns"),
    namespace("kube-system"),
]


def policy(name: str, space: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


FROM_WEB = policy(
    "p",
    "a",
    {
        "podSelector": {"matchLabels": {"app": "db"}},
        "ingress": [
            {
                "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}],
                "ports": [{"port": "pg"}],
            }
        ],
    },
)


def test_rows_follow_the_declaration_and_are_sorted() -> None:
    found = reach(WORLD, FROM_WEB)
    for level in ("workload", "pod", "class"):
        for denied in (False, True):
            frame = found.edges(level, denied=denied, nodes=True)
            assert FLOWS.check(frame) is frame
            assert frame.equals(frame.sort_values(list(FLOWS.key), kind="stable", ignore_index=True))


def test_only_what_may_pass_is_a_row_unless_denials_are_asked_for() -> None:
    found = reach(WORLD, FROM_WEB)
    assert set(found.edges()["verdict"]) == {"allowed"}
    assert set(found.edges(denied=True)["verdict"]) == {"allowed", "denied"}


def test_pods_are_counted_and_a_pod_is_no_pair_with_itself() -> None:
    two = [namespace("a"), *(pod(f"a/p{at}", app="x") for at in range(3))]
    frame = reach(two).edges("class", source="Namespace//a", destination="Namespace//a")
    assert set(frame["pod_pairs"]) == {6}
    assert len(reach(two).edges("pod", source="Namespace//a", destination="Namespace//a")) == 6 * 3


def test_expand_gives_the_pairs_of_the_pod_level() -> None:
    found = reach(WORLD, FROM_WEB)
    pairs = {(source, destination) for source, destination, _, _ in found.expand()}
    frame = found.edges("pod")
    inside = frame[frame["source"].str.startswith("Pod/") & frame["destination"].str.startswith("Pod/")]
    assert pairs == set(zip(inside["source"], inside["destination"], strict=True))
    assert ("Pod/b/web", "Pod/a/db-0", "allowed", "TCP 5432") in set(found.expand(destination="Pod/a/db-0"))


def test_a_graph_that_nobody_can_look_at_is_refused_with_its_size() -> None:
    found = reach(WORLD)
    assert found.to_networkx().number_of_edges() == len(found.edges())
    with pytest.raises(InputError, match="edges, and the limit is 3"):
        found.to_networkx(limit=3)
    with pytest.raises(InputError, match="the limit is 2"):
        found.edges(limit=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Pod/a/nobody", "Pod/b/web"), "nothing in the snapshot is called"),
        (("Pod/a/db-0", "Pod/b/web", "ICMP"), "others no policy governs"),
        (("Pod/a/db-0", "Pod/b/web", "TCP", 0), "is not a port"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        reach(WORLD).allowed(*arguments)


@pytest.mark.parametrize(
    ("port", "verdict", "because", "change"),
    [
        (5432, "allowed", "rule", "take Pod/b/web out of rule 0 of NetworkPolicy/a/p"),
        (80, "denied", "no_rule", "add a rule from Pod/b/web to one of NetworkPolicy/a/p"),
    ],
)
def test_an_explanation_names_what_decides_and_what_would_change_it(
    port: int, verdict: str, because: str, change: str
) -> None:
    told = reach(WORLD, FROM_WEB).explain("Pod/b/web", "Pod/a/db-0", "TCP", port)
    side = told.sides[1]
    assert (told.verdict, side.because, side.policies) == (verdict, because, ("NetworkPolicy/a/p",))
    assert change in side.change
    assert json.loads(json.dumps(told.to_dict()))["sides"][1]["verdict"] == verdict
    assert told.table()["decides"].sum() == 2


@pytest.mark.parametrize("host", [True, False])
def test_of_equal_pods_the_one_on_the_same_node_counts(host: bool) -> None:
    """Two pods that only their node tells apart, met from the second's node, or from a pod on its network."""
    equal = [pod(f"a/p{at}", ip=f"10.0.0.{at}", node=f"n{at}", app="x") for at in (1, 2)]
    agent = pod("b/agent", ip="192.168.0.2", node="n2", host=True)
    deny = policy("deny", "a", {"podSelector": {}, "policyTypes": ["Ingress"]})
    nodes = [node("n1", "192.168.0.1"), node("n2", "192.168.0.2")]
    found = reach([namespace("a"), namespace("b"), *nodes, *equal, agent], deny, host_network="plugin_typical")
    told = found.explain("Pod/b/agent" if host else "Node//n2", "Namespace//a", "TCP", 80)
    assert (told.destination, told.verdict, told.sides[-1].because) == ("Pod/a/p2", "allowed", "node")
    assert found.allowed("Namespace//b" if host else "Node//n1", "Pod/a/p1", "TCP", 80) == (
        "denied" if host else "allowed"
    )


def test_isolation_is_told_pod_by_pod() -> None:
    held = reach(WORLD, FROM_WEB).coverage().set_index(["pod", "direction"])
    assert held.loc[("Pod/a/db-0", "ingress"), ["isolated", "open", "policies"]].tolist() == [
        True,
        False,
        "NetworkPolicy/a/p",
    ]
    assert held.loc[("Pod/a/db-0", "egress"), ["isolated", "open"]].tolist() == [False, True]
    everything = policy("q", "b", {"podSelector": {}, "ingress": [{}]})
    held = reach(WORLD, everything).coverage().set_index(["pod", "direction"])
    assert held.loc[("Pod/b/web", "ingress"), ["isolated", "open"]].tolist() == [True, True]


def test_namespaces_without_policies_are_rows() -> None:
    deny = policy("deny", "b", {"podSelector": {}, "policyTypes": ["Ingress"]})
    held = reach(WORLD, FROM_WEB, deny).namespaces().set_index("namespace")
    assert held["policies"].to_dict() == {"a": 1, "b": 1, "kube-system": 0}
    assert held["denies_ingress"].to_dict() == {"a": False, "b": True, "kube-system": False}


def test_nothing_has_changed_between_a_state_and_itself_and_a_new_policy_is_named() -> None:
    before, after = reach(WORLD), reach(WORLD, FROM_WEB)
    assert before.diff(before).empty
    found = before.diff(after)
    row = found[
        (found["source"] == "Pod/b/web") & (found["destination"] == "Pod/a/db-0") & (found["protocol"] == "TCP")
    ]
    assert row[["port_from", "port_to", "before", "after"]].values.tolist() == [
        [1, 5431, "allowed", "denied"],
        [5433, 65535, "allowed", "denied"],
    ]
    assert set(row["policies"]) == {"NetworkPolicy/a/p"}
    assert set(after.diff(before)["after"]) == {"allowed"}


LINTS = {
    "selects_nothing": {"podSelector": {"matchLabels": {"app": "webb"}}, "policyTypes": ["Ingress"]},
    "peer_matches_nothing": {
        "podSelector": {},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"ap": "web"}}}]}],
    },
    "port_name_unknown": {"podSelector": {}, "ingress": [{"ports": [{"port": "postgres"}]}]},
    "allows_everything": {"podSelector": {}, "ingress": [{}]},
    "allows_every_namespace": {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]},
    "allows_every_address": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    "names_blocked": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 443}]}]},
    "rule_redundant": {
        "podSelector": {},
        "ingress": [{"ports": [{"port": 80}]}, {"ports": [{"port": 79, "endPort": 81}]}],
    },
    "block_meets_pods": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.3/32"}}]}]},
    "refused": {"podSelector": {}, "ingress": [{"ports": [{"port": "http", "endPort": 3}]}]},
}


@pytest.mark.parametrize("defect", LINTS)
def test_lint_finds(defect: str) -> None:
    assert defect in set(reach(WORLD, policy("bad", "a", LINTS[defect])).lint()["defect"])


def test_lint_points_into_the_object_that_it_speaks_of() -> None:
    """A rule of Calico has no list of peers."""
    rule = {"action": "Allow", "destination": {"selector": "app == 'nobody'"}}
    calico = policy("out", "a", {"selector": "all()", "types": ["Egress"], "egress": [rule]})
    plain = policy(
        "out", "b", {"podSelector": {}, "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}]}
    )
    held = reach(WORLD, {**calico, "apiVersion": "projectcalico.org/v3"}, plain).lint()
    found = held[held["defect"] == "peer_matches_nothing"][["object", "path"]].values.tolist()
    assert found == [
        ["NetworkPolicy.projectcalico.org/a/out", "spec.egress[0]"],
        ["NetworkPolicy/b/out", "spec.egress[0].to[0]"],
    ]


def test_lint_finds_nothing_in_a_policy_that_does_what_it_says() -> None:
    assert reach(WORLD, FROM_WEB).lint().empty


def test_lint_calls_no_rule_redundant_where_not_all_policies_were_seen() -> None:
    held = Reachability.of(snapshot_of([*WORLD, FROM_WEB], layout="manifests", coverage="unknown")).lint()
    assert "rule_redundant" not in set(held["defect"])


ABSENCES = ("selects_nothing", "peer_matches_nothing", "port_name_unknown", "rule_redundant", "names_blocked")


@pytest.mark.parametrize("defect", LINTS)
def test_lint_says_what_rests_on_what_was_not_seen(defect: str) -> None:
    objects = [*WORLD, policy("bad", "a", LINTS[defect])]
    whole = Reachability.of(snapshot_of(objects)).lint()
    assert whole[whole["defect"] == defect]["sure"].all()
    less = Reachability.of(snapshot_of(objects, overrides={("", "Pod", ""): "refused"})).lint()
    assert set(less[less["defect"] == defect]["sure"]) == {defect not in ABSENCES}


def test_lint_tells_every_peer_apart() -> None:
    """Beside many pods that another rule lets in, a rule has its effect on the one that is different."""
    crowd = [pod(f"b/crowd-{at:03}", ip=f"10.0.9.{at + 1}", app="crowd", number=str(at)) for at in range(100)]
    both = {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "crowd"}}}]}
    last = {
        "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"number": "99"}}}],
        "ports": [{"port": 9}],
    }
    alone = {
        "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}],
        "ports": [{"port": 9}],
    }
    keep = policy("keep", "a", {"podSelector": {}, "ingress": [both, last, alone]})
    held = reach(WORLD, crowd, keep).lint()
    assert held[held["defect"] == "rule_redundant"]["path"].tolist() == ["spec.ingress[1]"]


def test_lint_names_the_nearest_label() -> None:
    held = reach(WORLD, policy("bad", "a", LINTS["selects_nothing"])).lint()
    assert "did you mean web" in held["detail"][0]


def test_the_assessment_has_it() -> None:
    snapshot = snapshot_of([*WORLD, FROM_WEB])
    run = Assessment(snapshot)
    assert run.reachability is run.reachability
    assert run.reachability.allowed("Pod/b/web", "Pod/a/db-0", "TCP", 5432) == "allowed"
    assert len(run.tables["isolation"]) == 8
    assert run.tables["reachability_options"]["option"].tolist() == sorted(run.tables["reachability_options"]["option"])
    assert run.tables["ephi_flows"].empty


# --- laws ------------------------------------------------------------------------------------------------------------

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MIX = st.sampled_from(MIXES).flatmap(clusters)
ORDER = {"denied": 0, "unknown": 1, "allowed": 2}


def objects(cluster: Any) -> list[Any]:
    return [each for key in LISTS for each in cluster[key]]


def built(cluster: Any, hidden: dict[Any, str] | None = None) -> Reachability:
    held = objects(cluster)
    kinds = {(each["apiVersion"].rpartition("/")[0], each["kind"], ""): "answered" for each in held}
    return Reachability.of(snapshot_of(held, overrides={**kinds, **(hidden or {})}), enforcement="enforced")


@SLOW
@given(MIX)
def test_every_level_says_what_the_single_question_says(cluster: Any) -> None:
    found = built(cluster)
    frame = found.edges("pod", denied=True)
    for row in frame.iloc[:: max(1, len(frame) // 60)].to_dict("records"):
        ends = [name.split(" except ")[0] for name in (row["source"], row["destination"])]
        if row["family"] or any("/" in each and not each.startswith("Pod/") for each in ends):
            continue
        assert found.allowed(*ends, row["protocol"], row["port_from"]) == row["verdict"]
        assert found.allowed(*ends, row["protocol"], row["port_to"]) == row["verdict"]


@SLOW
@given(MIX)
def test_what_is_denied_is_all_that_rows_leave_out(cluster: Any) -> None:
    """Also what a pod shares a node with, and no policy lets it connect to."""
    found = built(cluster)
    whole = found.edges("pod", denied=True)
    held = whole[whole["verdict"] != "denied"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.edges("pod"), held)


def assert_explanations_come_to_the_verdict(found: Reachability) -> None:
    pods = [each.object for each in found.facts.pods][:4]
    for source in pods:
        for destination in pods:
            told = found.explain(source, destination, "TCP", 80)
            assert told.verdict == found.allowed(source, destination, "TCP", 80)
            if not any(side.because in ("self", "node") for side in told.sides):
                assert told.verdict == min((side.verdict for side in told.sides), key=ORDER.__getitem__)


@SLOW
@given(MIX)
def test_an_explanation_comes_to_the_verdict(cluster: Any) -> None:
    assert_explanations_come_to_the_verdict(built(cluster))


@pytest.mark.parametrize("seed", [39, 63, 71, 78, 93])
def test_an_explanation_speaks_of_one_address_family(seed: int) -> None:
    """Clusters in which the sides decide otherwise in each family, or the ends share none."""
    assert_explanations_come_to_the_verdict(built(random_cluster(seed, MIXES[seed % len(MIXES)])))


@SLOW
@given(MIX)
def test_an_end_that_stands_for_several_is_each_of_them(cluster: Any) -> None:
    """Pods of one namespace, pods on a node's network and nodes: the worst pair decides, and it is the pair explained."""
    found = built(cluster)
    several: dict[str, list[str]] = {}
    for each in found.facts.pods:
        several.setdefault(f"Namespace//{each.namespace}", []).append(each.object)
        several.setdefault(each.workload or each.object, []).append(each.object)
    several |= {f"Node//{each.name}": [f"Node//{each.name}"] for each in found.facts.nodes}
    for source, destination in itertools.product(several, several):
        pairs = list(itertools.product(several[source], several[destination]))
        worst = max((found.allowed(*pair, "TCP", 80) for pair in pairs), key=ORDER.__getitem__)
        told = found.explain(source, destination, "TCP", 80)
        assert (told.verdict, found.allowed(source, destination, "TCP", 80)) == (worst, worst)
        assert found.allowed(told.source, told.destination, "TCP", 80) == worst


@SLOW
@given(MIX)
def test_less_information_only_leads_to_unknown(cluster: Any) -> None:
    found = built(cluster)
    blind = built(cluster, {("policy.networking.k8s.io", "AdminNetworkPolicy", ""): "refused"})
    pods = [each.object for each in found.facts.pods][:4]
    for source in pods:
        for destination in pods:
            less = blind.allowed(source, destination, "TCP", 80)
            assert less in ("unknown", found.allowed(source, destination, "TCP", 80))
