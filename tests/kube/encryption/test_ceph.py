"""What a CephCluster declares of its devices, and what a volume on it is then."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.encryption.ceph import CephCluster, below, ceph_cluster, is_ceph, is_rook
from hipaa_kit.kube.encryption.volumes import Facts, Volume, at_rest

RBD = "rook-ceph.rbd.csi.ceph.com"
NAME = "CephCluster/rook-ceph/rook-ceph"
ON: dict[str, Any] = {"config": {"encryptedDevice": "true"}}
OFF: dict[str, Any] = {"config": {"encryptedDevice": "false"}}
MONITORS, SECRETS = "with its monitors", "in Secrets of its namespace"


def sets(*encrypted: Any) -> dict[str, Any]:
    return {"storageClassDeviceSets": [{"name": "set", "count": 3, "encrypted": each} for each in encrypted]}


def spec(**storage: Any) -> dict[str, Any]:
    return {"storage": storage}


CASES = [
    # Host-based: the cluster's own setting counts for all nodes; only the text `true` is read.
    (spec(useAllNodes=True, **ON), "all", MONITORS),
    (spec(useAllNodes=True, **OFF), "none", ""),
    (spec(useAllNodes=True), "none", ""),
    (spec(useAllNodes=True, config={"encryptedDevice": True}), "none", ""),
    (spec(useAllNodes=True, config={"encryptedDevice": "True"}), "none", ""),
    # A node has its own before that of the cluster, a device before that of its node.
    (spec(nodes=[{"name": "a"}, {"name": "b"}], **ON), "all", MONITORS),
    (spec(nodes=[{"name": "a"}, {"name": "b", **OFF}], **ON), "some", MONITORS),
    (spec(nodes=[{"name": "a", **ON}, {"name": "b"}]), "some", MONITORS),
    (spec(nodes=[{"name": "a", **ON}, {"name": "b", **ON}]), "all", MONITORS),
    (spec(nodes=[{"name": "a", "devices": [{"name": "sdb", **ON}, {"name": "sdc"}]}]), "some", MONITORS),
    (spec(nodes=[{"name": "a", "devices": [{"name": "sdb", **OFF}], **ON}]), "none", ""),
    (spec(nodes=[{"name": "a"}], devices=[{"name": "sdb", **ON}]), "all", MONITORS),
    # Nodes do not count beside `useAllNodes`.
    (spec(useAllNodes=True, nodes=[{"name": "a", **ON}]), "none", ""),
    # Device sets on claims.
    (spec(**sets(True, True)), "all", SECRETS),
    (spec(**sets(True, False)), "some", SECRETS),
    (spec(**sets(False)), "none", ""),
    (spec(**sets("true")), "none", ""),
    (spec(**sets(False), **ON), "some", MONITORS),
    (spec(**sets(True), useAllNodes=True, **ON), "all", f"{SECRETS} and {MONITORS}"),
    (
        {**spec(**sets(True)), "security": {"kms": {"connectionDetails": {"KMS_PROVIDER": "vault"}}}},
        "all",
        "in the key service vault",
    ),
    # Outside, or nothing said of storage.
    ({"external": {"enable": True}, **spec(useAllNodes=True, **ON)}, "outside", ""),
    ({"external": {"enable": False}, **spec(useAllNodes=True, **ON)}, "all", MONITORS),
    ({}, "outside", ""),
    (spec(useAllNodes=False), "outside", ""),
    ({"storage": ["odd"]}, "outside", ""),
]


@pytest.mark.parametrize(("declared", "asked", "keys"), CASES)
def test_what_a_ceph_cluster_asks_for(declared: dict[str, Any], asked: str, keys: str) -> None:
    found = ceph_cluster(NAME, "rook-ceph", {"spec": declared})
    assert (found.asked, found.keys) == (asked, keys)


@pytest.mark.parametrize(
    ("asked", "state"), [("none", "plain"), ("all", "unseen"), ("some", "unseen"), ("outside", "plain")]
)
def test_a_volume_is_plain_where_nothing_below_asks_for_encryption(asked: Any, state: str) -> None:
    volume = Volume(RBD, attributes={"clusterID": "rook-ceph"})
    rest, there = below(volume, at_rest(volume), [CephCluster(NAME, "rook-ceph", asked, MONITORS)])
    assert rest.state == state
    assert NAME in rest.basis
    assert [each.object for each in there] == [NAME]


@pytest.mark.parametrize(
    "volume",
    [
        Volume(RBD, attributes={"encrypted": "true", "clusterID": "rook-ceph"}),
        Volume(RBD),
        Volume(RBD, attributes={"clusterID": "rook-ceph"}, facts=Facts(False)),
        Volume("driver.longhorn.io", attributes={"clusterID": "rook-ceph"}),
        Volume("", "hostPath"),
    ],
)
def test_what_lies_below_says_nothing_of_other_volumes(volume: Volume) -> None:
    asks = CephCluster(NAME, "rook-ceph", "all", MONITORS)
    assert below(volume, at_rest(volume), [asks]) == (at_rest(volume), [])


def test_a_volume_is_on_the_cluster_that_the_class_names_which_made_it() -> None:
    volume = Volume(RBD, attributes={"clusterID": "hidden"}, parameters={"clusterID": "rook-ceph"})
    rest, _ = below(volume, at_rest(volume), [CephCluster(NAME, "rook-ceph", "none")])
    assert rest.state == "plain"


def test_a_cluster_of_outside_beside_one_with_devices_does_not_count() -> None:
    volume = Volume(RBD, attributes={"clusterID": "rook-ceph"})
    both = [CephCluster(f"{NAME}-external", "rook-ceph", "outside"), CephCluster(NAME, "rook-ceph", "none")]
    rest, there = below(volume, at_rest(volume), both)
    assert rest.state == "plain"
    assert there == both[1:]


clusters = st.lists(
    st.builds(
        CephCluster,
        st.just(NAME),
        st.sampled_from(["rook-ceph", "b"]),
        st.sampled_from("all some none outside".split()),
    ),
    max_size=4,
)


@given(clusters, st.sampled_from(["rook-ceph", "b", "c", ""]))
def test_nothing_below_makes_a_volume_encrypted_and_any_that_may_be_its_own_makes_it_a_question(
    known: list[CephCluster], named: str
) -> None:
    volume = Volume(RBD, attributes={"clusterID": named, "pool": "p"})
    rest, there = below(volume, at_rest(volume), known)
    assert there == [each for each in known if each in there and each.namespace == named]
    may_be_its_own = [each for each in known if each.namespace == named] or known
    assert rest.state == ("unseen" if any(each.asked in ("all", "some") for each in may_be_its_own) else "plain")
    assert (rest.key_kind, rest.place) == (("unknown", "unknown") if rest.state == "unseen" else ("none", "none"))


@pytest.mark.parametrize(
    ("driver", "ceph", "rook"),
    [
        (RBD, True, True),
        ("openshift-storage.cephfs.csi.ceph.com", True, True),
        ("cephfs.csi.ceph.com", True, False),
        ("xcsi.ceph.com", False, False),
        ("ebs.csi.aws.com", False, False),
        ("", False, False),
    ],
)
def test_drivers_of_ceph(driver: str, ceph: bool, rook: bool) -> None:
    assert (is_ceph(driver), is_rook(driver)) == (ceph, rook)
