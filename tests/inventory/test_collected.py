"""What goes with objects that are deleted, and what stays."""

from __future__ import annotations

import pytest

from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.sources.overlay import Delete
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from tests.support.snapshots import TEST_KEY, objects_of, snapshot_of

OBJECTS = """
{apiVersion: v1, kind: Namespace, metadata: {name: n}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: inside, namespace: n}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: outside, namespace: m}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: set, namespace: n, uid: s}
---
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: n, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: set, uid: s, controller: true}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: of-pod, namespace: n, ownerReferences: [{apiVersion: v1, kind: Pod, name: one, uid: p}]}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: of-two
  namespace: n
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: set, uid: s}, {apiVersion: v1, kind: ConfigMap, name: inside, uid: i}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: of-namesake, namespace: n, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: set, uid: older}]}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: kept, namespace: n}, spec: {volumeName: retained}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: retained}, spec: {persistentVolumeReclaimPolicy: Retain}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: lost, namespace: n}, spec: {volumeName: deleted}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: deleted}, spec: {persistentVolumeReclaimPolicy: Delete}}
---
{apiVersion: v1, kind: Service, metadata: {name: s, namespace: n}}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: s, namespace: n}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec: {group: example.org, scope: Namespaced, names: {kind: Thing, plural: things}}
---
{apiVersion: example.org/v1, kind: Thing, metadata: {name: t, namespace: m}}
"""


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "name", "gone"),
    [
        ("v1", "Namespace", "", "n", {
            "ConfigMap/n/inside", "ReplicaSet/n/set", "Pod/n/one", "ConfigMap/n/of-pod", "ConfigMap/n/of-two",
            "ConfigMap/n/of-namesake", "PersistentVolumeClaim/n/kept", "PersistentVolumeClaim/n/lost",
            "PersistentVolume//deleted", "Service/n/s", "Endpoints/n/s"}),
        ("apps/v1", "ReplicaSet", "n", "set", {"Pod/n/one", "ConfigMap/n/of-pod"}),
        ("v1", "PersistentVolumeClaim", "n", "kept", set()),
        ("v1", "PersistentVolumeClaim", "n", "lost", {"PersistentVolume//deleted"}),
        ("v1", "Service", "n", "s", {"Endpoints/n/s"}),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "things.example.org", {"Thing/m/t"}),
        ("v1", "ConfigMap", "n", "inside", set()),
    ],
)  # fmt: skip
def test_what_goes_with_it(version: str, kind: str, namespace: str, name: str, gone: set[str]) -> None:
    before = snapshot_of(objects_of(OBJECTS))
    change = Delete({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
    after = what_would_be(before, [change], pseudonym=Pseudonymizer(TEST_KEY))
    names = [{r.object for key in each.kinds() for r in each.parts[key].load()} for each in (before, after)]
    assert names[0] - names[1] == gone | {f"{kind}/{namespace}/{name}"}
