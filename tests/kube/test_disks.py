"""Two PersistentVolumes that name one disk in whatever way are one disk, and others are not."""

from typing import Any

import pytest

from hipaa_kit.kube.disks import FIELDS, disk_of

NODE = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}
ON_N1 = {"required": {"nodeSelectorTerms": [{"matchExpressions": [NODE]}]}}
ON_N2 = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{**NODE, "values": ["n2"]}]}]}}


def csi(driver: str, handle: str, **attributes: str) -> dict[str, Any]:
    return {"csi": {"driver": driver, "volumeHandle": handle, "volumeAttributes": attributes}}


NFS = {"nfs": {"server": "nas", "path": "/exports/ehr"}}
SAME = [
    (csi("ebs.csi.aws.com", "vol-1"), csi("ebs.csi.aws.com", "vol-1", a="b")),
    (csi("ebs.csi.aws.com", "vol-1"), {"awsElasticBlockStore": {"volumeID": "aws://us-east-1a/vol-1"}}),
    (csi("disk.csi.azure.com", "/subscriptions/A/disks/d"), {"azureDisk": {"diskURI": "/subscriptions/a/disks/D"}}),
    (csi("cinder.csi.openstack.org", "v"), {"cinder": {"volumeID": "v"}}),
    (NFS, {"nfs": {"server": "nas", "path": "/exports/ehr/"}}),
    (NFS, csi("nfs.csi.k8s.io", "mine", server="nas", share="/exports", subdir="ehr")),
    (NFS, csi("nfs.csi.k8s.io", "other", server="nas", share="/exports/ehr")),
    ({"hostPath": {"path": "/srv/ehr/"}}, {"hostPath": {"path": "/srv/ehr"}}),
    ({"local": {"path": "/d"}, "nodeAffinity": ON_N1}, {"hostPath": {"path": "/d"}, "nodeAffinity": ON_N1}),
    ({"gcePersistentDisk": {"pdName": "d"}}, {"gcePersistentDisk": {"pdName": "d", "fsType": "ext4"}}),
    (
        {"iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.a", "lun": 0}},
        {"iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": "iqn.a", "lun": 0, "readOnly": True}},
    ),
    (
        {"rbd": {"monitors": ["a", "b"], "pool": "p", "image": "i"}},
        {"rbd": {"monitors": ["b", "a"], "pool": "p", "image": "i"}},
    ),
]
DIFFERENT = [
    (csi("ebs.csi.aws.com", "vol-1"), csi("other.csi", "vol-1")),
    (csi("ebs.csi.aws.com", "vol-1"), csi("ebs.csi.aws.com", "vol-2")),
    (NFS, {"nfs": {"server": "nas", "path": "/exports"}}),
    (NFS, csi("nfs.csi.k8s.io", "mine", server="nas", share="/exports")),
    ({"local": {"path": "/d"}, "nodeAffinity": ON_N1}, {"local": {"path": "/d"}, "nodeAffinity": ON_N2}),
    (
        {"iscsi": {"targetPortal": "p", "iqn": "iqn.a", "lun": 0}},
        {"iscsi": {"targetPortal": "p", "iqn": "iqn.a", "lun": 1}},
    ),
    ({"gcePersistentDisk": {"pdName": "d"}}, {"portworxVolume": {"volumeID": "d"}}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_disk_named_in_two_ways(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert disk_of(one) == disk_of(other) != ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_disks(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert disk_of(one) != disk_of(other)


@pytest.mark.parametrize("spec", [{}, {"csi": {"driver": "d"}}, {"nfs": {"server": "nas"}}, *({s: {}} for s in FIELDS)])
def test_what_names_no_disk_is_none(spec: dict[str, Any]) -> None:
    assert disk_of(spec) == ""


@pytest.mark.parametrize("source", FIELDS)
def test_every_source_tells_two_disks_apart_by_each_of_its_fields(source: str) -> None:
    whole = dict.fromkeys(FIELDS[source], "a")
    for field in FIELDS[source]:
        assert disk_of({source: whole}) != disk_of({source: {**whole, field: "b"}})
