"""Pods are judged under the last owner that is named."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.owners import (
    Owner,
    controller_of,
    is_mirror,
    object_id,
    parse_object_id,
    static_name,
    top_owner,
)

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", fullmatch=True)


def owned_by(kind: str, name: str, version: str = "apps/v1", controller: Any = True) -> dict[str, Any]:
    return {
        "name": "x",
        "ownerReferences": [{"apiVersion": version, "kind": kind, "name": name, "controller": controller}],
    }


def known(**chain: str | None) -> dict[tuple[str, str], Owner | None]:
    """Return controllers from `Kind_name="Kind name"`."""
    return {
        tuple(key.split("_", 1)): Owner("apps", *above.split()) if above else None  # type: ignore[misc]
        for key, above in chain.items()
    }


@given(kind=NAMES, namespace=NAMES | st.just(""), name=st.text(min_size=1))
def test_an_object_id_reads_back(kind: str, namespace: str, name: str) -> None:
    assert parse_object_id(object_id(kind, namespace, name)) == (kind, namespace, name)


def test_cluster_scoped_objects_have_an_empty_namespace() -> None:
    assert object_id("Node", "", "worker-1") == "Node//worker-1"
    assert parse_object_id("Node//worker-1") == ("Node", "", "worker-1")


def test_the_controller_is_the_reference_that_says_so() -> None:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "a"},
        {"apiVersion": "batch/v1", "kind": "Job", "name": "b", "controller": True},
    ]
    assert controller_of({"ownerReferences": references}) == Owner("batch", "Job", "b")


def test_the_group_of_an_owner_is_todays() -> None:
    assert controller_of(owned_by("ReplicaSet", "web-1", "extensions/v1beta1")) == Owner("apps", "ReplicaSet", "web-1")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"ownerReferences": None},
        {"ownerReferences": "Deployment"},
        {"ownerReferences": ["Deployment"]},
        owned_by("ReplicaSet", "web-1", controller=False),
        owned_by("ReplicaSet", "web-1", controller="true"),
        owned_by("", "web-1"),
        owned_by("ReplicaSet", ""),
    ],
)
def test_without_a_controller_there_is_none(metadata: dict[str, Any]) -> None:
    assert controller_of(metadata) is None


def test_a_pod_of_a_replica_set_goes_by_its_deployment() -> None:
    above = known(**{"ReplicaSet_web-1": "Deployment web", "Deployment_web": None})
    assert top_owner(Owner("apps", "ReplicaSet", "web-1"), above) == Owner("apps", "Deployment", "web")


def test_a_pod_of_a_job_goes_by_its_cron_job() -> None:
    above = known(**{"Job_dump-123": "CronJob dump", "CronJob_dump": None})
    assert top_owner(Owner("batch", "Job", "dump-123"), above).kind == "CronJob"


def test_an_owner_that_is_not_known_is_named_and_not_dropped() -> None:
    assert top_owner(Owner("apps", "ReplicaSet", "web-1"), {}) == Owner("apps", "ReplicaSet", "web-1")
    above = known(StatefulSet_db="PostgresCluster ehr")
    assert top_owner(Owner("apps", "StatefulSet", "db"), above) == Owner("apps", "PostgresCluster", "ehr")


@given(length=st.integers(1, 6), back=st.integers(0, 5))
def test_a_circle_of_owners_ends(length: int, back: int) -> None:
    chain = [Owner("apps", "ReplicaSet", f"n{i}") for i in range(length)]
    above: dict[tuple[str, str], Owner | None] = {(one.kind, one.name): other for one, other in pairwise(chain)}
    above[chain[-1].kind, chain[-1].name] = chain[back % length]
    assert top_owner(chain[0], above) == chain[-1]


@pytest.mark.parametrize(
    ("metadata", "mirror"),
    [
        ({"annotations": {"kubernetes.io/config.mirror": "b1a5"}}, True),
        ({"annotations": {"kubernetes.io/config.source": "file"}}, True),
        ({"annotations": {"kubernetes.io/config.source": "api"}}, False),
        (owned_by("Node", "cp-1", "v1"), True),
        (owned_by("Node", "cp-1", "infra.example/v1"), False),
        ({**owned_by("ReplicaSet", "web-1"), "annotations": {"kubernetes.io/config.mirror": "b1a5"}}, False),
        ({"annotations": None}, False),
        ({}, False),
    ],
)
def test_static_pods_are_known_by_their_mirror(metadata: dict[str, Any], mirror: bool) -> None:
    assert is_mirror(metadata) is mirror


@pytest.mark.parametrize(
    ("name", "node", "static"),
    [
        ("kube-apiserver-cp-1", "cp-1", "kube-apiserver"),
        ("etcd-ip-10-0-0-1.ec2.internal", "ip-10-0-0-1.ec2.internal", "etcd"),
        ("etcd-cp-1", "CP-1", "etcd"),
        ("etcd-cp-1", "cp-2", "etcd-cp-1"),
        ("etcd-cp-1", "", "etcd-cp-1"),
    ],
)
def test_static_pods_go_by_their_name_without_the_node(name: str, node: str, static: str) -> None:
    assert static_name(name, node) == static
