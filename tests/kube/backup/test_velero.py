"""What a Velero backup takes with it, filter by filter."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.backup.velero import (
    EXCLUDE_LABEL,
    FILE_SYSTEM,
    OPT_IN,
    OPT_OUT,
    SNAPSHOT,
    SNAPSHOT_MOVED,
    Claimed,
    Mount,
    parse_selection,
)

PLAIN = Mount({"app": "db"}, {}, "data")


def claim(*mounts: Mount, snapshots: Any = "yes", **labels: str) -> Claimed:
    return Claimed("ehr", labels, mounts or (PLAIN,), snapshots)


@pytest.mark.parametrize(
    ("spec", "taken"),
    [
        ({}, "yes"),
        ({"includedNamespaces": ["*"]}, "yes"),
        ({"includedNamespaces": ["ehr"]}, "yes"),
        ({"includedNamespaces": ["imaging"]}, "no"),
        ({"excludedNamespaces": ["ehr"]}, "no"),
        ({"includedNamespaces": ["*"], "excludedNamespaces": ["ehr"]}, "no"),
        ({"excludedNamespaces": ["imaging"]}, "yes"),
        ({"includedNamespaces": ["eh*"]}, "unknown"),
        ({"includedNamespaces": ["eh*", "ehr"]}, "yes"),
        ({"excludedNamespaces": ["e?r"]}, "unknown"),
        ({"includedResources": ["deployments"]}, "no"),
        ({"includedResources": ["*"]}, "yes"),
        ({"includedResources": ["pvc", "pods", "pv"]}, "yes"),
        ({"includedResources": ["PersistentVolumeClaims", "pods", "persistentvolumes"]}, "yes"),
        ({"excludedResources": ["pvc"]}, "no"),
        ({"excludedNamespaceScopedResources": ["persistentvolumeclaims"]}, "no"),
        ({"labelSelector": {"matchLabels": {"tier": "db"}}}, "no"),
        ({"labelSelector": {"matchLabels": {"backup": "nightly"}}}, "yes"),
        ({"labelSelector": {"matchExpressions": [{"key": "backup", "operator": "DoesNotExist"}]}}, "no"),
        ({"labelSelector": {"matchExpressions": [{"key": "backup", "operator": "Maybe"}]}}, "unknown"),
        ({"orLabelSelectors": [{"matchLabels": {"a": "b"}}, {"matchLabels": {"backup": "nightly"}}]}, "yes"),
        ({"orLabelSelectors": [{"matchLabels": {"a": "b"}}]}, "no"),
        ({"snapshotVolumes": False}, "unknown"),
        ({"snapshotVolumes": False, "defaultVolumesToFsBackup": False}, "no"),
        ({"snapshotVolumes": False, "defaultVolumesToFsBackup": True}, "yes"),
        ({"snapshotVolumes": False, "defaultVolumesToRestic": True}, "yes"),
        ({"includeClusterResources": False, "defaultVolumesToFsBackup": False}, "unknown"),
        ({"resourcePolicy": {"kind": "configmap", "name": "policy"}}, "unknown"),
    ],
)
def test_filters(spec: dict[str, Any], taken: str) -> None:
    assert parse_selection(spec).reaches(claim(backup="nightly")).taken == taken


@pytest.mark.parametrize(
    ("spec", "mount", "snapshots", "taken", "method"),
    [
        ({}, PLAIN, "yes", "yes", SNAPSHOT),
        ({"snapshotMoveData": True}, PLAIN, "yes", "yes", SNAPSHOT_MOVED),
        ({}, PLAIN, "unknown", "unknown", SNAPSHOT),
        ({"defaultVolumesToFsBackup": False}, PLAIN, "no", "no", "none"),
        ({}, PLAIN, "no", "unknown", "unknown"),
        ({}, Mount({}, {OPT_IN: "other,data"}, "data"), "no", "yes", FILE_SYSTEM),
        ({}, Mount({}, {OPT_IN: "other"}, "data"), "yes", "yes", SNAPSHOT),
        ({"defaultVolumesToFsBackup": True}, PLAIN, "yes", "yes", FILE_SYSTEM),
        ({"defaultVolumesToFsBackup": True}, Mount({}, {OPT_OUT: "data"}, "data"), "yes", "yes", SNAPSHOT),
        ({"defaultVolumesToFsBackup": True}, Mount({}, {OPT_OUT: "data"}, "data"), "no", "no", "none"),
        ({"defaultVolumesToFsBackup": True}, Mount({}, {}, "data", runs=False), "no", "no", "none"),
        ({"defaultVolumesToFsBackup": True}, Mount({EXCLUDE_LABEL: "true"}, {}, "data"), "no", "no", "none"),
        ({"defaultVolumesToFsBackup": True, "excludedResources": ["pods"]}, PLAIN, "no", "no", "none"),
        ({"defaultVolumesToFsBackup": True, "includedResources": ["pvc"]}, PLAIN, "no", "unknown", "unknown"),
    ],
)
def test_how_a_volume_is_read(spec: dict[str, Any], mount: Mount, snapshots: str, taken: str, method: str) -> None:
    reach = parse_selection(spec).reaches(claim(mount, snapshots=snapshots))
    assert (reach.taken, reach.method) == (taken, method)


def test_a_label_takes_a_claim_out() -> None:
    assert parse_selection({}).reaches(claim(**{EXCLUDE_LABEL: "true"})).taken == "no"
    assert parse_selection({}).reaches(claim(**{EXCLUDE_LABEL: "false"})).taken == "yes"


def test_a_labelled_namespace_is_not_known() -> None:
    held = claim()
    labelled = Claimed(held.namespace, held.labels, held.mounts, held.snapshots, {EXCLUDE_LABEL: "true"})
    assert parse_selection({}).reaches(labelled).taken == "unknown"


@pytest.mark.parametrize(
    ("spec", "left_out"),
    [
        ({}, 0),
        ({"excludedResources": ["secrets"]}, 1),
        ({"excludedResources": ["crds"]}, 1),
        ({"excludedClusterScopedResources": ["customresourcedefinitions.apiextensions.k8s.io"]}, 1),
        ({"includedResources": ["pods", "pvc", "secret"]}, 1),
        ({"includedResources": ["pods", "pvc"]}, 2),
        ({"includedResources": ["*"], "excludedResources": ["events"]}, 0),
    ],
)
def test_what_a_restore_would_miss(spec: dict[str, Any], left_out: int) -> None:
    assert len(parse_selection(spec).left_out) == left_out


@pytest.mark.parametrize(
    ("spec", "taken"),
    [
        ({}, "yes"),
        ({"includedNamespaces": ["ehr"]}, "unknown"),
        ({"includedNamespaces": ["ehr"], "includeClusterResources": True}, "yes"),
        ({"includeClusterResources": False}, "no"),
        ({"excludedNamespaces": ["kube-system"]}, "unknown"),
        ({"labelSelector": {"matchLabels": {"a": "b"}}}, "unknown"),
        ({"includedClusterScopedResources": ["*"]}, "yes"),
        ({"excludedClusterScopedResources": ["clusterroles"]}, "no"),
        ({"includedResources": ["deployments"]}, "no"),
    ],
)
def test_objects_without_namespace(spec: dict[str, Any], taken: str) -> None:
    group = "rbac.authorization.k8s.io"
    assert parse_selection(spec).takes_cluster_kind("clusterroles", group) == taken


NAMES = st.lists(st.sampled_from(["ehr", "imaging", "*", "e*"]), max_size=2)


@given(NAMES, NAMES, st.sampled_from(["ehr", "imaging"]))
def test_excluding_more_never_takes_more(included: list[str], excluded: list[str], more: str) -> None:
    order = ["no", "unknown", "yes"]
    spec = {"includedNamespaces": included, "excludedNamespaces": excluded}
    wider = {**spec, "excludedNamespaces": [*excluded, more]}
    before, after = (parse_selection(each).takes_namespace("ehr") for each in (spec, wider))
    assert order.index(after) <= order.index(before)


@pytest.mark.parametrize("value", [None, "ehr", 3, {"a": "b"}, []])
def test_a_field_of_a_wrong_type_counts_as_absent(value: Any) -> None:
    names = ["includedNamespaces", "excludedResources", "labelSelector", "orLabelSelectors", "snapshotVolumes"]
    spec = dict.fromkeys([name for name in names if name != "labelSelector" or not isinstance(value, dict)], value)
    assert parse_selection(spec).reaches(claim()).taken == "yes"
