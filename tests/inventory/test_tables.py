"""Objects become rows: owners, templates, defaults, names resolved, and nothing raises."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hipaa_kit.graph
import hipaa_kit.inventory
from hipaa_kit.assess.opening import open_any
from hipaa_kit.graph.permissions import RBAC_TABLES
from hipaa_kit.inventory.registry import BUILDERS, RUN_TABLES, Inventory, builds, discover, kinds_behind
from hipaa_kit.kube.images import parse_image
from hipaa_kit.resources import shipped
from hipaa_kit.sources.inputs import INPUT_TABLES
from hipaa_kit.tables import TABLES
from tests.support.snapshots import objects_of, snapshot_of

discover(hipaa_kit.inventory)
discover(hipaa_kit.graph)


def tables(text: str, **options: Any) -> Inventory:
    return Inventory(snapshot_of(text, **options))


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


def owned(
    kind: str,
    name: str,
    owner: str = "",
    owner_kind: str = "ReplicaSet",
    spec: str = "",
    extra: str = "",
    version: str = "apps/v1",
) -> str:
    reference = (
        f", ownerReferences: [{{apiVersion: apps/v1, kind: {owner_kind}, name: {owner}, controller: true}}]"
        if owner
        else ""
    )
    return f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: a, uid: {name}{reference}}}\nspec: {{{spec}}}\n{extra}"


TEMPLATE = "template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: x}]}}"


def test_pods_stand_under_their_top_owner() -> None:
    text = owned("Deployment", "web", spec=f"replicas: 1, {TEMPLATE}") + owned(
        "ReplicaSet", "web-1", "web", "Deployment", "replicas: 1"
    )
    text += owned("ReplicaSet", "web-0", "web", "Deployment", "replicas: 0") + owned(
        "ReplicaSet", "alone", spec="replicas: 0"
    )
    text += owned("Pod", "web-1-a", "web-1", version="v1") + owned("Pod", "cnpg-1", "cnpg", "Cluster", version="v1")
    text += owned("Pod", "lone", version="v1")
    found = tables(text)
    assert rows(found.workloads, "object", "known", "pods") == [
        ("Cluster/a/cnpg", False, 1),
        ("Deployment/a/web", True, 1),
        ("Pod/a/lone", True, 1),
    ]
    assert dict(rows(found.pods, "object", "workload"))["Pod/a/web-1-a"] == "Deployment/a/web"


def test_a_cron_job_owns_the_pods_of_its_jobs() -> None:
    text = owned("CronJob", "dump", version="batch/v1") + owned("Job", "dump-1", "dump", "CronJob", version="batch/v1")
    text += owned("Pod", "dump-1-x", "dump-1", "Job", version="v1")
    assert rows(tables(text).pods, "workload") == [("CronJob/a/dump",)]


def test_owners_in_a_circle_end() -> None:
    text = (
        owned("ReplicaSet", "one", "two") + owned("ReplicaSet", "two", "one") + owned("Pod", "p", "one", version="v1")
    )
    assert len(tables(text).pods) == 1


def test_a_pod_has_what_controls_it_and_the_workload_above_that() -> None:
    text = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: tuned, namespace: a, uid: d, ownerReferences: [{apiVersion: tuned.openshift.io/v1, kind: Tuned, name: rendered, uid: t, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: tuned-1, namespace: a, uid: p, ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: tuned, uid: d, controller: true}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: a, uid: b}
---
apiVersion: v1
kind: Pod
metadata: {name: etcd-n1, namespace: a, uid: m, ownerReferences: [{apiVersion: v1, kind: Node, name: n1, controller: true}]}
spec: {nodeName: n1}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: none, namespace: a, uid: n}
spec: {template: {spec: {containers: [{name: x, image: x}]}}}
"""
    assert rows(tables(text).pods, "object", "workload", "controller") == [
        ("Pod/a/bare", "Pod/a/bare", ""),
        ("Pod/a/etcd-n1", "Pod/a/etcd", ""),
        ("Pod/a/none", "DaemonSet/a/none", "DaemonSet/a/none"),
        ("Pod/a/tuned-1", "Tuned/a/rendered", "DaemonSet/a/tuned"),
    ]


def test_a_static_pod_goes_by_its_name_without_the_node() -> None:
    text = """
apiVersion: v1
kind: Pod
metadata: {name: etcd-n1, namespace: kube-system, uid: u, annotations: {kubernetes.io/config.mirror: x}, labels: {component: etcd}}
spec: {nodeName: n1, containers: []}
"""
    found = tables(text)
    assert rows(found.pods, "workload", "static") == [("Pod/kube-system/etcd", True)]
    assert rows(found.control_plane_members, "component", "node") == [("etcd", "n1")]


def test_a_workload_without_pods_has_one_from_its_template() -> None:
    found = tables(owned("Deployment", "web", spec=TEMPLATE))
    assert rows(found.pods, "object", "live", "workload") == [("Pod/a/web", False, "Deployment/a/web")]
    assert rows(found.workloads, "desired", "pods") == [(1, 0)]
    assert rows(found.labels[found.labels["kind"] == "Pod"], "key", "value") == [("app", "x")]


def test_counts_that_the_api_leaves_out_are_zero_once_the_controller_has_looked() -> None:
    looked = owned("Deployment", "web", spec="replicas: 2", extra="status: {observedGeneration: 1}\n")
    assert rows(tables(looked).workloads, "ready", "available") == [(0, 0)]
    assert rows(tables(owned("Deployment", "web", spec="replicas: 2")).workloads.isna(), "ready", "available") == [
        (True, True)
    ]


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("postgres", ("postgres", "", "")),
        ("postgres:17", ("postgres", "17", "")),
        ("registry:5000/a/postgres", ("registry:5000/a/postgres", "", "")),
        ("registry:5000/a/postgres:17@sha256:ab", ("registry:5000/a/postgres", "17", "sha256:ab")),
        ("", ("", "", "")),
    ],
)
def test_images_are_taken_apart(image: str, parts: tuple) -> None:
    assert tuple(parse_image(image)) == parts


POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: a, uid: u, labels: {app: x}}
spec:
  initContainers:
  - {name: first, image: i}
  - {name: side, image: s, restartPolicy: Always}
  containers:
  - name: c
    image: registry.example/app:1
    resources: {limits: {cpu: "2", memory: 1Gi}, requests: {cpu: 500m}}
    ports: [{name: http, containerPort: 8080}, {containerPort: 9090, protocol: UDP}]
    env: [{name: A, value: "x"}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: C, valueFrom: {fieldRef: {fieldPath: x}}}]
    envFrom: [{configMapRef: {name: cm}}]
    readinessProbe: {exec: {command: [/usr/bin/pg_isready, -q]}}
    livenessProbe: {httpGet: {port: http, path: /}, periodSeconds: 3}
    volumeMounts: [{name: d, mountPath: /d}, {name: s, mountPath: /s, readOnly: true}]
  ephemeralContainers: [{name: debug, image: d}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}, {name: s, secret: {secretName: creds}}, {name: h, hostPath: {path: /x}}]
  topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, maxSkew: 1}]
status: {phase: Running, containerStatuses: [{name: c, restartCount: 2, imageID: "x@sha256:%s", lastState: {terminated: {reason: Error, finishedAt: t}}}]}
""" % ("a" * 64)


def test_containers_and_what_belongs_to_them() -> None:
    found = tables(POD)
    assert rows(found.containers, "container", "role") == [
        ("c", "main"),
        ("debug", "ephemeral"),
        ("first", "init"),
        ("side", "sidecar"),
    ]
    main = found.containers.iloc[0]
    assert (main["request_cpu_cores"], main["request_memory_bytes"], main["limit_cpu_cores"]) == (0.5, 2**30, 2.0)
    assert (main["digest"], main["restarts"], main["terminated_reason"]) == ("sha256:" + "a" * 64, 2, "Error")
    assert rows(found.container_ports, "port", "protocol", "name") == [(8080, "TCP", "http"), (9090, "UDP", "")]
    assert rows(found.environment, "name", "origin", "reference") == [
        ("", "ConfigMap", "ConfigMap/a/cm"),
        ("A", "literal", ""),
        ("B", "Secret", "Secret/a/s"),
        ("C", "field", ""),
    ]
    assert rows(found.probes, "probe", "handler", "port", "program", "period_seconds") == [
        ("liveness", "http", "http", "", 3),
        ("readiness", "exec", "", "pg_isready", 10),
    ]
    assert rows(found.volumes, "volume", "type", "reference", "host_path") == [
        ("d", "persistentVolumeClaim", "PersistentVolumeClaim/a/data", ""),
        ("h", "hostPath", "", "/x"),
        ("s", "secret", "Secret/a/creds", ""),
    ]
    assert rows(found.spread_rules, "rule", "required") == [("topology_spread", False)]


def service(ports: str, selector: str = "app: x", extra: str = "") -> str:
    return f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: a, uid: s}}\nspec: {{selector: {{{selector}}}, ports: [{ports}]{extra}}}\n"


@pytest.mark.parametrize(
    ("ports", "targets"),
    [
        ("{port: 80, targetPort: http}", [(80, 8080, "c")]),
        ("{port: 8080}", [(8080, 8080, "c")]),
        ("{port: 80, targetPort: 7000}", [(80, 7000, "")]),
        ("{port: 80, targetPort: gone}", []),
        ("{port: 53, targetPort: 9090, protocol: UDP}", [(53, 9090, "c")]),
        ("{port: 53, targetPort: 9090}", [(53, 9090, "")]),
    ],
)
def test_named_port_resolves_per_pod(ports: str, targets: list) -> None:
    assert rows(tables(POD + service(ports)).service_targets, "port", "target_port", "container") == targets


@pytest.mark.parametrize(
    ("selector", "extra", "count"),
    [("app: x", "", 1), ("app: y", "", 0), ("", "", 0), ("app: x", ", type: ExternalName", 0)],
)
def test_a_service_selects_pods_of_its_namespace(selector: str, extra: str, count: int) -> None:
    assert len(tables(POD + service("{port: 80}", selector, extra)).service_backends) == count


def test_a_pod_that_has_ended_is_selected_by_nothing() -> None:
    ended = POD.replace("phase: Running", "phase: Succeeded")
    assert tables(ended + service("{port: 80}")).service_backends.empty


def budget(selector: str, version: str = "policy/v1") -> str:
    return f"---\napiVersion: {version}\nkind: PodDisruptionBudget\nmetadata: {{name: b, namespace: a, uid: b}}\nspec: {{{selector}}}\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (budget("selector: {matchLabels: {app: x}}"), 1),
        (budget("selector: {}"), 1),
        (budget(""), 0),
        (budget("selector: {}", "policy/v1beta1"), 0),
        (budget("selector: {matchExpressions: [{key: app, operator: Near, values: [x]}]}"), 0),
    ],
)
def test_what_a_budget_selects(text: str, count: int) -> None:
    assert len(tables(POD + text).budget_pods) == count


INGRESS = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: a, uid: i}
spec:
  tls: [{hosts: ["*.clinic.example"], secretName: cert}]
  rules:
  - {host: ehr.clinic.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}
  - {host: a.b.clinic.example, http: {paths: [{backend: {serviceName: old, servicePort: http}}]}}
"""


def test_routes_know_whether_tls_covers_their_host() -> None:
    assert rows(tables(INGRESS).ingress_routes, "host", "service", "service_port", "tls") == [
        ("a.b.clinic.example", "Service/a/old", "http", False),
        ("ehr.clinic.example", "Service/a/s", "80", True),
    ]


def test_policy_types_have_defaults() -> None:
    text = "".join(
        f"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: a}}\nspec: {{podSelector: {{}}{spec}}}\n"
        for name, spec in (("plain", ""), ("out", ", egress: [{}]"), ("only", ", policyTypes: [Egress]"))
    )
    assert rows(tables(POD + text).network_policies, "name", "isolates_ingress", "isolates_egress") == [
        ("only", False, True),
        ("out", True, True),
        ("plain", True, False),
    ]
    assert len(tables(POD + text).policy_pods) == 3


def test_role_rules_hold_one_fact_per_row() -> None:
    text = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{verbs: [get, list], apiGroups: [""], resources: [pods]}, {verbs: [get], nonResourceURLs: [/healthz]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: a}
roleRef: {kind: ClusterRole, name: r}
subjects: [{kind: ServiceAccount, name: sa, namespace: a}, {kind: Group, name: g, namespace: ignored}]
"""
    found = tables(text)
    assert rows(found.role_rules, "rule", "field", "value") == [
        (0, "api_group", ""), (0, "resource", "pods"), (0, "verb", "get"), (0, "verb", "list"),
        (1, "non_resource_url", "/healthz"), (1, "verb", "get"),
    ]  # fmt: skip
    assert rows(found.role_bindings, "role") == [("ClusterRole//r",)]
    assert rows(found.binding_subjects, "subject_kind", "subject_namespace", "subject") == [
        ("Group", "", "g"),
        ("ServiceAccount", "a", "sa"),
    ]


def test_every_declared_table_of_the_inventory_has_a_builder() -> None:
    made_elsewhere = {"findings", "judgements", "conflicts", "provenance", "unreadable", "checks", "citations", "set_aside", "owner_summary", "proposed_controls", "inputs", "input_files", "input_conflicts", "topic_summary",
                      "check_inputs", "disagreements", "finding_citations", "finding_evidence", "finding_members", "flows", "flow_steps", "flow_changes",
                      "history_moments", "history_gaps", "isolation_changes", "isolation_trend", "object_lives", "image_lives", "binding_lives", "replacements", "who_can", "what_can", "why", "orphans", "access_review",
                      "permission_changes", "remedies", "aggregation_drift", "cis_5_1", "escalations", "escalation_paths", "escalation_reach",
                      "cut_paths", "cut_things", "cut_uses", "finding_changes", "object_changes", "path_changes", "path_edges", "path_exposure", "path_hops", "path_nodes", "path_reach", "path_touches"}  # fmt: skip
    made_elsewhere |= {name for name in TABLES if name.startswith("incident_")}
    assert set(TABLES) - made_elsewhere - set(INPUT_TABLES) - set(RUN_TABLES) == set(BUILDERS)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_table_without_objects_has_its_columns(name: str) -> None:
    assert list(tables("")[name].columns) == TABLES[name].names


def test_tables_that_are_taken_together_stand_behind_a_table_like_others() -> None:
    assert set(kinds_behind("roles")) <= set(kinds_behind("key_readers"))
    assert set(BUILDERS["key_readers"].tables) == {"keys", *RBAC_TABLES}
    with pytest.raises(ValueError, match="takes `tables`"):
        builds(replace(BUILDERS["keys"].table, name="others"), uses=["roles"])(lambda snapshot: [])
    with pytest.raises(ValueError, match="takes `tables`"):
        builds(replace(BUILDERS["keys"].table, name="others"))(lambda tables: [])


def test_kinds_behind_a_table_come_through_the_tables_it_uses() -> None:
    names = {kind.kind for kind in kinds_behind("ephi_workloads")}
    assert {"Pod", "Deployment", "Namespace", "PersistentVolumeClaim", "Service", "Ingress"} <= names


def clinic_objects() -> list[dict]:
    snapshot = open_any(shipped("data") / "clinic")
    return [
        {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, **obj}
        for group, kind in snapshot.kinds()
        for obj in snapshot.objects(kind, group)[:2]
    ]


CLINIC = clinic_objects()
junk = st.sampled_from([None, 7, -1, 1.5, True, "", "x", [], [None], {}, {"x": "y"}, [[]], 2**70])


def paths(value: Any, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [deeper for key, each in inner for deeper in paths(each, (*path, key))]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_wrong_type_in_any_field_raises_nothing_and_loses_no_other_object(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(CLINIC) - 1))
    broken = copy.deepcopy(CLINIC[position])
    path = data.draw(
        st.sampled_from([p for p in paths(broken) if p[0] not in ("apiVersion", "kind") and p != ("metadata",)])
    )
    target = broken
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = data.draw(junk)
    others = [obj for obj in CLINIC if obj["kind"] == broken["kind"] and obj is not CLINIC[position]]
    found = Inventory(snapshot_of([broken, *others]))
    for name in found.names():
        assert isinstance(found[name], pd.DataFrame), json.dumps(path)


def test_objects_of_a_text_are_read() -> None:
    assert [obj["kind"] for obj in objects_of(POD + INGRESS)] == ["Pod", "Ingress"]


CONTROL_PLANE_POD = """
apiVersion: v1
kind: Pod
metadata: {{name: kube-apiserver-n1, namespace: kube-system, uid: u, labels: {{component: kube-apiserver}}}}
spec: {{nodeName: n1, containers: [{{name: c, image: "registry.k8s.io/kube-apiserver:v1.34.2", {start}}}]}}
"""


@pytest.mark.parametrize(
    ("start", "read", "flags"),
    [
        ("command: [kube-apiserver, --profiling=false]", True, [("profiling", "false")]),
        ("command: [/usr/bin/kube-apiserver], args: [--anonymous-auth]", True, [("anonymous-auth", "true")]),
        ("args: [--v, '2']", True, [("v", "2")]),
        ("command: [kube-apiserver]", True, []),
        ("command: [sh, -c, kube-apiserver --profiling=false]", False, []),
        ("command: [watchdog, --profiling=false]", False, []),
    ],
)
def test_flags_of_the_control_plane_are_read_where_it_is_started_itself(
    start: str, read: bool, flags: list[tuple[str, str]]
) -> None:
    found = tables(CONTROL_PLANE_POD.format(start=start))
    assert rows(found.control_plane_members, "flags_read", "version") == [(read, "v1.34.2")]
    assert rows(found.control_plane_flags, "name", "value") == flags
