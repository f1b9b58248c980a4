"""What lies below a volume of Ceph: whether a CephCluster of Rook asks for encrypted devices, and where keys are kept.

A setting counts for the devices (OSDs) that are made after it: Ceph encrypts none that is there, and one must be
destroyed and made again. So what a CephCluster asks for proves no encryption, only that a person must look; that it
asks for none leaves what the driver of the volume says. OpenShift Data Foundation makes a CephCluster, too.

Sources: https://rook.io/docs/rook/latest/CRDs/Cluster/ceph-cluster-crd/ (`encryptedDevice` is a text, a node has its
own before that of the cluster, a device before that of its node; `encrypted` of a device set; in an external cluster
nothing else counts), https://rook.io/docs/rook/latest/Storage-Configuration/Advanced/key-management-system/ (keys of
device sets are in Secrets, or in the key service that is named),
https://docs.ceph.com/en/latest/ceph-volume/lvm/encryption/ (keys of other devices are with the monitors),
https://rook.io/docs/rook/latest/Storage-Configuration/Advanced/ceph-osd-mgmt/ (OSD migration),
https://rook.io/docs/rook/latest/Storage-Configuration/Block-Storage-RBD/block-storage/ (`clusterID` is the namespace
of the CephCluster).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from hipaa_kit.kube.encryption.volumes import AtRest, Volume
from hipaa_kit.kube.reading import as_map, as_maps, as_text

Asked = Literal["all", "some", "none", "outside"]

DRIVERS: Final = ".csi.ceph.com"
"""How the drivers of Ceph are named, whatever stands before."""

CLUSTER_ID: Final = "clusterID"
ENCRYPTED: Final = "encryptedDevice"


class CephCluster(NamedTuple):
    """What a CephCluster declares of its devices.

    Attributes
    ----------
    object
        `CephCluster/namespace/name`.
    namespace
        Where it is; classes name it by that.
    asked
        Of how much of its storage it asks for encrypted devices; `outside` where it declares none in this cluster.
    keys
        Where their keys are kept, in words; none where it asks for none.
    """

    object: str
    namespace: str
    asked: Asked
    keys: str = ""


def ceph_cluster(name: str, namespace: str, content: Mapping[str, Any]) -> CephCluster:
    """Return what a CephCluster declares of its devices.

    Parameters
    ----------
    name
        Its object, `CephCluster/namespace/name`.
    namespace, content
        Where it is, and the object itself.
    """
    storage = as_map(content, "spec", "storage")
    held = as_maps(storage.get("storageClassDeviceSets"))
    sets = [each.get("encrypted") is True or _asks(each, asked=False) for each in held]
    devices = list(_devices(storage))
    found = [*sets, *devices]
    if as_map(content, "spec", "external").get("enable") is True or not found:
        return CephCluster(name, namespace, "outside")
    asked: Asked = "all" if all(found) else "some" if any(found) else "none"
    service = as_text(as_map(content, "spec", "security", "kms", "connectionDetails").get("KMS_PROVIDER"))
    places = []
    if any(sets):
        places.append(f"in the key service {service}" if service else "in Secrets of its namespace")
    if any(devices):
        places.append("with its monitors")
    return CephCluster(name, namespace, asked, " and ".join(places))


def _devices(storage: Mapping[str, Any]) -> Iterator[bool]:
    """Yield whether encryption is asked for, for each node or each device of it that is named."""
    everywhere = storage.get("useAllNodes") is True
    asked = _asks(storage, asked=False)
    nodes = [] if everywhere else as_maps(storage.get("nodes"))
    for node in nodes or ([storage] if everywhere or asked else []):
        own = _asks(node, asked=asked)
        named = as_maps(node.get("devices")) or as_maps(storage.get("devices"))
        yield from [_asks(device, asked=own) for device in named] or [own]


def _asks(holder: Mapping[str, Any], *, asked: bool) -> bool:
    own = as_map(holder, "config").get(ENCRYPTED)
    return asked if own is None else own == "true"


def is_ceph(driver: str) -> bool:
    """Tell whether a driver is one of Ceph."""
    return f".{driver}".endswith(DRIVERS)


def is_rook(driver: str) -> bool:
    """Tell whether a driver of Ceph is one that Rook runs, which puts the namespace of its operator before the name."""
    return is_ceph(driver) and driver.removesuffix(DRIVERS).count(".") > 0


def cluster_id(volume: Volume) -> str:
    """Return the id of the Ceph cluster of a volume, as the class that made it or the volume itself names it."""
    return (volume.parameters or {}).get(CLUSTER_ID) or volume.attributes.get(CLUSTER_ID, "")


def below(volume: Volume, rest: AtRest, clusters: Iterable[CephCluster]) -> tuple[AtRest, list[CephCluster]]:
    """Return whether a volume is encrypted, with what lies below where its driver of Ceph leaves it plain.

    Parameters
    ----------
    volume, rest
        A volume, and what its driver makes of it.
    clusters
        Every CephCluster that is known.

    Returns
    -------
    tuple of AtRest and list of CephCluster
        `unseen` where something below asks for encryption, else as the driver leaves it; and the clusters that it lies
        on.

    Notes
    -----
    Rook runs one cluster in a namespace. Where manifests hold several, one that declares storage counts before one of
    outside. An id may also be that of a part of a pool or of a file system: any cluster may be the one then. What is
    below Ceph that others run is not seen, as the disks below any other driver are not.
    """
    by_provider = volume.facts is not None and volume.facts.encrypted is not None
    if rest.state != "plain" or not is_ceph(volume.driver) or by_provider:
        return rest, []
    known = list(clusters)
    named = cluster_id(volume)
    there = [each for each in known if each.namespace == named]
    there = [each for each in there if each.asked != "outside"] or there
    asking = [each for each in there or known if each.asked in ("all", "some")]
    words = [rest.basis]
    if asking and not there:
        words.append(
            f"no CephCluster is in a namespace {named}" if named else "which Ceph cluster it lies on is not said"
        )
    found = rest._replace(basis="; ".join([*words, *map(_word, there or asking)]))
    return (found._replace(state="unseen", key_kind="unknown", place="unknown") if asking else found), there


def _word(cluster: CephCluster) -> str:
    if cluster.asked == "outside":
        return f"{cluster.object} declares no devices in this cluster"
    if cluster.asked == "none":
        return f"{cluster.object} asks for no encrypted devices"
    part = " for part of its storage" if cluster.asked == "some" else ""
    asked = f"{cluster.object} asks for encrypted devices{part}, with keys {cluster.keys}"
    return f"{asked}, which counts for devices that were made since"
