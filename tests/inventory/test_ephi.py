"""The declared scope meets the objects: what an entry selects, what comes with it, what stays out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hipaa_kit.inventory
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.sources.scope import Scope, load_scope
from tests.support.snapshots import snapshot_of

discover(hipaa_kit.inventory)

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {phi: "true"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: ehr, uid: u1}
spec: {replicas: 1, selector: {matchLabels: {app: db}}, serviceName: db}
---
apiVersion: v1
kind: Pod
metadata:
  {name: db-0, namespace: ehr, labels: {app: db},
   ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u1, controller: true}]}
spec:
  containers: [{name: db, image: "registry.example/postgres:16"}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ehr, labels: {phi: "yes"}}
spec: {volumeName: pv-1}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: ehr, labels: {tier: data}}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: db, namespace: ehr}
spec: {defaultBackend: {service: {name: db, port: {number: 5432}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: front, namespace: web, labels: {app: front}}
spec: {containers: [{name: front, image: "registry.example/team/front:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: web, labels: {app: other}}
spec: {containers: [{name: other, image: "registry.example/team/other:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: shared, namespace: web, labels: {tier: web}}
spec: {selector: {}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: web, labels: {tier: web}}
spec: {selector: {app: front}, ports: [{port: 80}]}
"""
DATABASE = {
    "StatefulSet/ehr/db",
    "Pod/ehr/db-0",
    "PersistentVolumeClaim/ehr/data",
    "PersistentVolume//pv-1",
    "Service/ehr/db",
    "Ingress/ehr/db",
}
FRONT = {"Pod/web/front", "Service/web/front"}
SNAPSHOT = snapshot_of(OBJECTS)


def scope_of(*entries: str, more: str = "") -> Scope:
    lines = [
        f"- {{{entry}, owner: owner-{number}, data_class: ephi"
        f"{'' if 'criticality' in entry else ', criticality: high'}}}"
        for number, entry in enumerate(entries, 1)
    ]
    head = "apiVersion: hipaa-kit/v1\nkind: Scope\nmetadata: {name: s, owner: o}\nentries:\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scope.yaml"
        path.write_text(f"{head}{chr(10).join(lines)}\n{more}")
        return load_scope(path)


def tables(scope: Scope | None) -> Inventory:
    return Inventory(SNAPSHOT, scope)


def inside(scope: Scope) -> set[str]:
    return set(tables(scope)["ephi_objects"]["object"])


def row(frame: pd.DataFrame, name: str) -> dict[str, object]:
    return frame.set_index("object").loc[name].to_dict()


@pytest.mark.parametrize(
    ("entry", "matched", "brought"),
    [
        ("namespaceSelector: phi=true", {"Namespace//ehr"}, DATABASE | {"Namespace//ehr"}),
        ("podSelector: app=db", {"Pod/ehr/db-0"}, DATABASE),
        ("podSelector: app, namespace: web", {"Pod/web/front", "Pod/web/other"}, FRONT | {"Pod/web/other"}),
        ("object: StatefulSet/ehr/db", {"StatefulSet/ehr/db"}, DATABASE),
        ("object: Pod/web/f*", {"Pod/web/front"}, FRONT),
        ("claimSelector: phi=yes", {"PersistentVolumeClaim/ehr/data"}, DATABASE),
        ("image: '*/postgres*'", {"StatefulSet/ehr/db"}, DATABASE),
        ("image: '*/team/*', namespace: ehr", set(), set()),
        ("serviceSelector: tier=data", {"Service/ehr/db"}, DATABASE),
        ("serviceSelector: tier=web", {"Service/web/front", "Service/web/shared"}, FRONT | {"Service/web/shared"}),
        ("object: Service/ehr/db", {"Service/ehr/db"}, DATABASE),
        ("podSelector: app=gone", set(), set()),
    ],
)
def test_an_entry_selects_objects_and_brings_what_belongs_to_them(entry: str, matched: set, brought: set) -> None:
    found = tables(scope_of(entry))
    assert set(found["scope_matches"]["object"]) == matched
    assert list(found["scope_entries"]["matches"]) == [len(matched)]
    assert set(found["ephi_objects"]["object"]) == brought


def test_every_object_says_through_what_it_came() -> None:
    found = tables(scope_of("claimSelector: phi=yes"))["ephi_objects"]
    via = dict(zip(found["object"], found["via"], strict=True))
    assert via == {
        "PersistentVolumeClaim/ehr/data": "declared",
        "PersistentVolume//pv-1": "PersistentVolumeClaim/ehr/data",
        "StatefulSet/ehr/db": "PersistentVolumeClaim/ehr/data",
        "Pod/ehr/db-0": "StatefulSet/ehr/db",
        "Service/ehr/db": "Pod/ehr/db-0",
        "Ingress/ehr/db": "Service/ehr/db",
    }


def test_a_service_that_came_with_a_pod_brings_no_other_pod() -> None:
    both = OBJECTS.replace("selector: {app: front}", "selector: {team: web}").replace("{app: front}", "{team: web}")
    shared = snapshot_of(both.replace("{app: other}", "{team: web, one: only}"))
    found = Inventory(shared, scope_of("podSelector: one=only"))["ephi_objects"]
    assert set(found["object"]) == {"Pod/web/other", "Service/web/front"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_highest_criticality_counts_in_any_order(order: tuple[int, int]) -> None:
    entries = ("podSelector: app=db, criticality: standard", "claimSelector: phi=yes, criticality: critical")
    found = tables(scope_of(*(entries[i] for i in order)))["ephi_objects"]
    assert set(found["criticality"]) == {"critical"}
    assert len(found) == len(DATABASE)


def test_an_exclusion_stays_out_and_brings_nothing() -> None:
    scope = scope_of("namespaceSelector: phi=true", more="exclude: [{object: 'Service/ehr/*', reason: public}]\n")
    assert inside(scope) == (DATABASE | {"Namespace//ehr"}) - {"Service/ehr/db", "Ingress/ehr/db"}


def test_an_excluded_service_brings_no_pods() -> None:
    scope = scope_of("serviceSelector: tier=data", more="exclude: [{object: Service/ehr/db, reason: public}]\n")
    assert inside(scope) == set()


def test_an_external_store_is_an_object_and_brings_what_leads_to_it() -> None:
    found = tables(scope_of("external: 'rds:ehr', via: Service/ehr/db"))
    assert found["scope_entries"]["matches"].isna().all()
    assert set(found["ephi_objects"]["object"]) == DATABASE | {"External//rds:ehr"}


def test_an_external_store_whose_service_is_not_there_stays_in_scope() -> None:
    assert inside(scope_of("external: 'rds:ehr', via: Service/ehr/gone")) == {"External//rds:ehr"}


def test_workloads_in_scope_carry_who_answers_for_them() -> None:
    found = tables(scope_of("podSelector: app=db"))
    assert list(found["ephi_workloads"]["object"]) == ["StatefulSet/ehr/db"]
    about = row(found["ephi_workloads"], "StatefulSet/ehr/db")
    assert (about["owner"], about["data_class"], about["criticality"]) == ("owner-1", "ephi", "high")
    assert set(found["workloads"].columns) < set(found["ephi_workloads"].columns)


@pytest.mark.parametrize("name", ["scope_entries", "scope_matches", "ephi_objects", "ephi_workloads", "expected_flows"])
def test_without_a_scope_nothing_is_in_scope(name: str) -> None:
    assert tables(None)[name].empty


def test_without_a_scope_the_declaration_says_so() -> None:
    assert not tables(None)["scope_declaration"]["declared"].any()


def test_expected_flows_are_rows_once_each() -> None:
    flows = (
        "expected_flows: [{from: a, to: Pod/a/b, port: 1}, {from: a, to: Pod/a/b, port: 1}, {from: a, to: Pod/a/b}]\n"
    )
    found = tables(scope_of("image: x", more=flows))["expected_flows"]
    assert sorted(found["port"].fillna(0)) == [0, 1]


ENTRIES = (
    "namespaceSelector: phi=true",
    "podSelector: app=front",
    "claimSelector: phi=yes",
    "serviceSelector: tier=web",
    "image: '*/other*'",
    "external: rds",
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(ENTRIES), min_size=1, unique=True), st.sampled_from(ENTRIES))
def test_another_entry_never_takes_an_object_out(entries: list[str], added: str) -> None:
    assert inside(scope_of(*entries)) <= inside(scope_of(*entries, added))
