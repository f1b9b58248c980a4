"""A label that others mark ePHI with is a sign for every workload it speaks of."""

import pytest

import hipaa_kit.inventory
from hipaa_kit.inventory.registry import Inventory, discover
from tests.support.snapshots import snapshot_of

discover(hipaa_kit.inventory)

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {{name: ehr, labels: {{{namespace}}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: ehr, labels: {{{claim}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: app, namespace: ehr, labels: {{{pod}}}}}
spec:
  containers: [{{name: c, image: x}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
"""


@pytest.mark.parametrize("place", ["namespace", "claim", "pod"])
@pytest.mark.parametrize(("label", "is_sign"), [("hipaa.io/phi: 'true'", True), ("hipaa.io/phi: 'false'", False)])
def test_a_label_is_a_sign_wherever_it_stands(place: str, label: str, is_sign: bool) -> None:
    labels = {"namespace": "", "claim": "", "pod": "", place: label}
    found = Inventory(snapshot_of(OBJECTS.format(**labels)))["ephi_candidates"]
    assert list(found["object"]) == (["Pod/ehr/app"] if is_sign else [])
