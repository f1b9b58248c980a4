"""The smallest cut is what removing things one after another finds."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.graph.failure_domains import CUT_SEARCHED, single_points, smallest_cut
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.resources import shipped
from tests.support.snapshots import snapshot_of

points = st.sampled_from(
    [f"Node//n{n}" for n in range(5)] + [f"Zone//z{n}" for n in range(3)] + ["PersistentVolumeClaim/a/c"]
)
replicas = st.dictionaries(
    st.sampled_from([f"Pod/a/p{n}" for n in range(6)]), st.frozensets(points, min_size=1, max_size=4), min_size=1
)


def stopped(held: dict, losses: tuple) -> bool:
    """Walk over the replicas and see whether one is still up."""
    return not any(not dependencies.intersection(losses) for dependencies in held.values())


@given(replicas)
def test_single_points_are_those_whose_loss_stops_everything(held: dict) -> None:
    every = set().union(*held.values())
    assert single_points(held) == {point for point in every if stopped(held, (point,))}


@given(replicas)
def test_the_smallest_cut_is_the_smallest_set_that_stops_everything(held: dict) -> None:
    every = sorted(set().union(*held.values()))
    brute = next(
        size for size in range(1, len(every) + 1) if any(stopped(held, losses) for losses in combinations(every, size))
    )
    assert smallest_cut(held) == min(brute, CUT_SEARCHED + 1)


@given(replicas, st.frozensets(points, min_size=1, max_size=4))
def test_another_replica_never_makes_it_weaker(held: dict, more: frozenset) -> None:
    assert smallest_cut({**held, "Pod/a/more": more}) >= smallest_cut(held)
    assert single_points({**held, "Pod/a/more": more}) <= single_points(held)


def test_nothing_stands_on_nothing() -> None:
    assert single_points({}) == frozenset()


OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {phi: "true"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ehr, uid: "1"}
spec: {replicas: 2}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: ehr, uid: "2"}
spec: {replicas: 2}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: ehr, uid: "3"}
"""
POD = """
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: ehr, uid: {name}, ownerReferences: [{{apiVersion: apps/v1, kind: Deployment, name: {owner}, controller: true}}]}}
spec: {{nodeName: {node}, containers: [{{name: c, image: x}}], volumes: [{volume}]}}
status: {{phase: Running, conditions: [{{type: Ready, status: "True"}}]}}
"""
NODE = """
---
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{topology.kubernetes.io/zone: {zone}}}}}
"""
CLAIM = "{name: d, persistentVolumeClaim: {claimName: shared}}"


@pytest.fixture
def tables(tmp_path) -> Inventory:
    import hipaa_kit.graph
    import hipaa_kit.inventory
    from hipaa_kit.inventory.registry import discover
    from hipaa_kit.sources.scope import load_scope

    discover(hipaa_kit.inventory)
    discover(hipaa_kit.graph)
    text = OBJECTS
    text += POD.format(name="web-1", owner="web", node="n1", volume="") + POD.format(
        name="web-2", owner="web", node="n3", volume=""
    )
    text += POD.format(name="db-1", owner="db", node="n1", volume=CLAIM) + POD.format(
        name="db-2", owner="db", node="n2", volume=CLAIM
    )
    text += "".join(NODE.format(name=name, zone=zone) for name, zone in (("n1", "a"), ("n2", "a"), ("n3", "b")))
    (tmp_path / "scope.yaml").write_text(
        "apiVersion: hipaa-kit/v1\nkind: Scope\nmetadata: {name: s, owner: o}\nentries:\n"
        "- {namespaceSelector: phi=true, owner: o, data_class: ephi, criticality: critical}\n"
        "expected_flows:\n- {from: Deployment/ehr/web, to: Deployment/ehr/db}\n- {from: Deployment/ehr/db, to: Deployment/ehr/web}\n"
    )
    return Inventory(snapshot_of(text), load_scope(tmp_path / "scope.yaml"))


def test_a_shared_claim_and_a_shared_zone_are_single_points(tables: Inventory) -> None:
    own = tables.failure_points[tables.failure_points["workload"] == tables.failure_points["through"]]
    assert sorted(own[own["workload"] == "Deployment/ehr/db"]["point"]) == [
        "PersistentVolumeClaim/ehr/shared",
        "Zone//a",
    ]
    assert own[own["workload"] == "Deployment/ehr/web"].empty


def test_points_are_inherited_through_declared_flows_and_circles_end(tables: Inventory) -> None:
    through = tables.failure_points[tables.failure_points["workload"] == "Deployment/ehr/web"]
    assert set(through["through"]) == {"Deployment/ehr/db"}
    assert set(through["kind"]) == {"zone", "claim"}


def test_spread_counts_what_is_ready_and_placed(tables: Inventory) -> None:
    rows = tables.spread.set_index("workload")
    assert tuple(rows.loc["Deployment/ehr/web", ["ready_replicas", "nodes", "zones", "survives"]]) == (2, 2, 2, 1)
    assert tuple(rows.loc["Deployment/ehr/db", ["ready_replicas", "nodes", "zones", "survives"]]) == (2, 2, 1, 0)


def test_the_clinic_shares_one_claim_among_its_image_archives() -> None:
    from hipaa_kit.assess.opening import assessment

    points_of = assessment(shipped("data") / "clinic_fixed").tables.failure_points
    claims = points_of[(points_of["kind"] == "claim") & (points_of["replicas"] > 1)]
    assert set(claims["point"]) == {"PersistentVolumeClaim/imaging/pacs-archive"}
