"""Grants, access to ePHI and ways around it, held against the questions that the engine answers one by one."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hipaa_kit
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.access.ephi import routes
from hipaa_kit.graph.access.grants import PUBLIC
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import Rule, covers
from hipaa_kit.resources import shipped
from hipaa_kit.sources.scope import load_scope
from tests.safeguards.test_cases import EHR
from tests.support.snapshots import objects_of, snapshot_of

TWINS = ("clinic", "clinic_fixed")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RBAC = "rbac.authorization.k8s.io"


@cache
def run(twin: str) -> Assessment:
    return hipaa_kit.assessment(shipped("data") / twin, topics="access_control")


@pytest.mark.parametrize("twin", TWINS)
def test_access_to_ephi_is_what_who_can_says_of_each_request(twin: str) -> None:
    tables, permissions = run(twin).tables, run(twin).permissions
    said = {
        (row.object, row.binding, row.resource, verb)
        for row in tables.ephi_access.itertuples()
        for verb in row.verbs.split()
        if not row.resource_names
    }
    asked = set()
    for namespace in ephi_namespaces(tables.ephi_objects):
        for resource, (_, verbs) in routes(35).items():
            name, _, subresource = resource.partition("/")
            for verb in verbs:
                place = "" if resource == "nodes/proxy" else namespace
                for row in permissions.who_can(verb, "", name, subresource, place).itertuples():
                    if row.binding and not row.through:
                        asked.add((subject(row.subject_kind, row.subject), row.binding, resource, verb))
    assert asked == said
    assert len(said) > 30


def subject(kind: str, name: str) -> str:
    return f"{kind}/{name}" if kind == "ServiceAccount" else f"{kind}//{name}"


@pytest.mark.parametrize("twin", TWINS)
def test_a_grant_of_everything_lets_its_subject_do_anything(twin: str) -> None:
    grants, permissions = run(twin).tables.grants, run(twin).permissions
    for row in grants.itertuples():
        kind, _, name = parse_object_id(row.object)
        users = permissions.requester(row.object)
        user, groups = users[0].name, [each.name for each in users[1:]]
        if kind == "Group":
            user, groups = "someone", [name]
        asked = permissions.can(user, groups, "frob", "x.example", "things", namespace=row.scope)
        mine = grants[(grants["object"] == row.object) & grants["scope"].isin(["", row.scope])]
        assert asked == mine["administrator"].any() or not row.administrator


@pytest.mark.parametrize("twin", TWINS)
def test_whoever_has_a_way_around_is_found_by_the_engine_too(twin: str) -> None:
    tables, permissions = run(twin).tables, run(twin).permissions
    reaching = set(permissions.who_reaches_ephi()["source"])
    ways = tables.ephi_ways[(tables.ephi_ways["hops"] > 0) & (tables.ephi_ways["subject_kind"] != "Pod")]
    # A pod that somebody starts may mount Secrets: the engine leaves that to who looks for Secrets.
    secrets = ways["target"].str.startswith("Secret/")
    assert set(ways.loc[~secrets, "object"]) <= reaching


def test_each_subject_has_a_row_of_ways() -> None:
    tables = run("clinic").tables
    assert set(tables.grants["object"]) <= set(tables.ephi_ways["object"])


def cluster(*bindings: int) -> Assessment:
    rules = [
        ("ehr", "", "secrets", "get"),
        ("ehr", "", "pods", "create"),
        ("ehr", "apps", "deployments", "patch"),
        ("lab", "", "serviceaccounts/token", "create"),
        ("lab", "", "pods", "list"),
        ("ehr", "", "pods/exec", "create"),
    ]
    objects = [EHR, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}]
    for number in bindings:
        namespace, group, resource, verb = rules[number % len(rules)]
        name = f"r{number}"
        account = {"kind": "ServiceAccount", "namespace": "lab", "name": f"a{number % 3}"}
        objects.append(
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "Role",
                "metadata": {"name": name, "namespace": namespace},
                "rules": [{"apiGroups": [group], "resources": [resource], "verbs": [verb]}],
            }
        )
        objects.append(
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": name, "namespace": namespace, "uid": name},
                "roleRef": {"kind": "Role", "name": name},
                "subjects": [account],
            }
        )
    scope = load_scope(shipped("data").parent / "tests" / "safeguards" / "scope.yaml")
    return Assessment(snapshot_of(objects), scope, topics=["access_control"])


def keys(frame: pd.DataFrame, *columns: str) -> set[tuple]:
    return set(frame[list(columns)].itertuples(index=False, name=None))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(0, 17), min_size=1, max_size=8), st.data())
def test_without_a_role_binding_nobody_gets_at_more(bindings: set[int], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(bindings)))
    whole, less = cluster(*sorted(bindings)), cluster(*sorted(bindings - {gone}))
    for table, columns in (("ephi_access", ("object", "binding", "resource")), ("grants", ("object", "binding"))):
        assert keys(less.tables[table], *columns) <= keys(whole.tables[table], *columns)
    ways = [frame[frame["hops"] > 0] for frame in (less.tables.ephi_ways, whole.tables.ephi_ways)]
    before = dict(zip(zip(ways[1]["object"], ways[1]["namespace"], strict=True), ways[1]["hops"], strict=True))
    for name, namespace, hops in ways[0][["object", "namespace", "hops"]].itertuples(index=False):
        assert before.get((name, namespace), 99) <= hops or before.get((name, "*"), 99) <= hops


def test_a_stock_cluster_gives_everyone_only_what_is_public() -> None:
    basic = Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews"))
    discovery = Rule(("get",), urls=("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/openapi/*", "/version/"))
    assert covers(PUBLIC, [basic, discovery])
    for rule in (
        Rule(("get",), ("",), ("secrets",)),
        Rule(("get",), urls=("/metrics",)),
        Rule(("get",), urls=("/logs/*",)),
        Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",)),
    ):
        assert not covers(PUBLIC, [rule])


def test_from_1_35_on_a_stream_needs_create() -> None:
    assert routes(34)["pods/exec"][1] == routes(None)["pods/exec"][1] == ("create", "get")
    assert routes(35)["pods/exec"][1] == ("create",)
    assert "get" in routes(36)["pods/proxy"][1]


def test_a_label_does_not_make_a_binding_stock() -> None:
    text = f"""
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata: {{name: mine, labels: {{kubernetes.io/bootstrapping: rbac-defaults}}}}
rules: [{{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}}]
---
apiVersion: {RBAC}/v1
kind: ClusterRoleBinding
metadata: {{name: mine, labels: {{kubernetes.io/bootstrapping: rbac-defaults}}}}
roleRef: {{kind: ClusterRole, name: mine}}
subjects: [{{kind: User, name: eve}}, {{kind: ServiceAccount, name: lost}}, {{kind: Thing, name: x}}]
"""
    grants = Assessment(snapshot_of(objects_of(text)), topics=["access_control"]).tables.grants
    assert grants[["object", "stock", "administrator"]].to_numpy().tolist() == [["User//eve", False, True]]


@pytest.mark.parametrize(
    ("user", "role", "resource", "stock"),
    [
        ("kube-apiserver", "system:kubelet-api-admin", "nodes/proxy", True),
        ("kube-apiserver", "system:kubelet-api-admin", "secrets", False),
        ("kube-apiserver", "cluster-admin", "nodes/proxy", False),
        ("eve", "system:kubelet-api-admin", "nodes/proxy", False),
    ],
)
def test_only_its_own_client_of_kubelets_comes_with_k3s(user: str, role: str, resource: str, stock: bool) -> None:
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: db, namespace: ehr, labels: {{hipaa.io/phi: "true"}}}}
spec: {{containers: [{{name: main, image: registry.example/db:1}}]}}
---
apiVersion: {RBAC}/v1
kind: ClusterRole
metadata: {{name: "{role}"}}
rules: [{{apiGroups: [""], resources: ["{resource}"], verbs: ["*"]}}]
---
apiVersion: {RBAC}/v1
kind: ClusterRoleBinding
metadata: {{name: kube-apiserver-kubelet-admin}}
roleRef: {{kind: ClusterRole, name: "{role}"}}
subjects: [{{kind: User, name: {user}}}]
"""
    scope = load_scope(shipped("data").parent / "tests" / "safeguards" / "scope.yaml")
    tables = Assessment(snapshot_of([EHR, *objects_of(text)]), scope, topics=["access_control"]).tables
    assert tables.ephi_access["stock"].tolist() == [stock]
