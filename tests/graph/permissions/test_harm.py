"""Who may delete ePHI, or silence what watches over it: by rights on these very objects."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.graph.permissions import Permissions, permissions
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import binding, role, rule
from tests.support.snapshots import snapshot_of

SCOPE = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: cases, owner: tests@clinic.example}
entries:
- {object: StatefulSet/ehr/db, owner: tests@clinic.example, data_class: ephi, criticality: critical}
"""


def pod_of(kind: str, name: str, image: str, *volumes: dict[str, Any]) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": image}], "volumes": list(volumes)},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "ehr"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


DATA = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
CONFIG = {"name": "config", "configMap": {"name": "outputs"}}
OBJECTS = [
    pod_of("StatefulSet", "db", "postgres:16", DATA),
    {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "ehr"},
        "spec": {"volumeName": "pv-7"},
    },
    pod_of("DaemonSet", "logs", "cr.fluentbit.io/fluent/fluent-bit:3.1", CONFIG),
    pod_of("Deployment", "alerts", "quay.io/prometheus/alertmanager:v0.27.0"),
    pod_of("Deployment", "numbers", "quay.io/prometheus/node-exporter:v1.8.0"),
]


def held(tmp_path: Any, *objects: dict[str, Any]) -> Permissions:
    (tmp_path / "scope.yaml").write_text(SCOPE)
    snapshot = snapshot_of([*OBJECTS, *objects])
    return permissions(Inventory(snapshot, load_scope(tmp_path / "scope.yaml")), snapshot)


@pytest.mark.parametrize(
    ("rights", "namespace", "expected"),
    [
        (rule("delete", "persistentvolumeclaims", "data"), "ehr", {("PersistentVolumeClaim/ehr/data", "delete")}),
        (rule("delete", "persistentvolumeclaims", "other"), "ehr", set()),
        (rule("delete", "persistentvolumeclaims"), "lab", set()),
        (
            rule("deletecollection", "persistentvolumeclaims"),
            "",
            {("PersistentVolumeClaim/ehr/data", "deletecollection")},
        ),
        (rule("deletecollection", "persistentvolumeclaims", "data"), "ehr", set()),
        (rule("delete", "persistentvolumes", "pv-7"), "", {("PersistentVolume//pv-7", "delete")}),
        (rule("delete", "persistentvolumes"), "ehr", set()),
        (rule("delete", "statefulsets.apps"), "ehr", {("StatefulSet/ehr/db", "delete")}),
        (rule("delete", "namespaces"), "ehr", {("Namespace//ehr", "delete")}),
        (rule("update", "statefulsets.apps"), "ehr", {("StatefulSet/ehr/db", "update")}),
        (rule("patch", "deployments.apps"), "lab", set()),
        (rule("patch", "daemonsets.apps", "logs"), "ehr", {("DaemonSet/ehr/logs", "patch")}),
        (rule("update", "configmaps", "outputs"), "ehr", {("ConfigMap/ehr/outputs", "update")}),
        (rule("update", "configmaps", "other"), "ehr", set()),
        (rule("delete", "deployments.apps"), "ehr", {("Deployment/ehr/alerts", "delete")}),
        (rule("get list create", "*"), "ehr", set()),
    ],
)
def test_who_may_do_harm_to_which_object(
    rights: dict[str, Any], namespace: str, expected: set[tuple[str, str]], tmp_path: Any
) -> None:
    made = [role("power", rights), binding("b", "ClusterRole/power", "User/ann", namespace=namespace)]
    rows = rows_of(held(tmp_path, *made).harm())
    assert {(row["object"], row["verb"]) for row in rows if row["subject"] == "ann"} == expected


def test_what_every_cluster_has_is_told_apart(tmp_path: Any) -> None:
    name = "system:controller:namespace-controller"
    made = [
        role(name, rule("delete", "*.*")),
        binding(name, f"ClusterRole/{name}", "ServiceAccount/kube-system/namespace-controller"),
    ]
    made[0]["rules"][0] |= {"apiGroups": ["*"], "resources": ["*"]}
    rows = rows_of(held(tmp_path, *made).harm())
    assert rows
    assert {row["expected_because"] for row in rows} == {"every cluster has it"}
