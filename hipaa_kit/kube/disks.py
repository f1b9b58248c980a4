"""What identifies the disk behind a PersistentVolume, so that two volumes of one disk are known to hold the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "awsElasticBlockStore": ("volumeID",),
    "azureDisk": ("diskURI",),
    "azureFile": ("secretNamespace", "secretName", "shareName"),
    "cephfs": ("monitors", "path"),
    "cinder": ("volumeID",),
    "fc": ("wwids", "targetWWNs", "lun"),
    "gcePersistentDisk": ("pdName",),
    "glusterfs": ("endpointsNamespace", "endpoints", "path"),
    "iscsi": ("targetPortal", "iqn", "lun"),
    "portworxVolume": ("volumeID",),
    "rbd": ("monitors", "pool", "image"),
    "vsphereVolume": ("volumePath",),
}
"""Sources of a volume, and the fields that together name one disk.

Source: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/persistent-volume-v1/
"""

IN_TREE: Final = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
}
"""Sources whose disks a CSI driver knows by the same name.

Source: https://kubernetes.io/docs/concepts/storage/volumes/#csi-migration
"""

NFS: Final = "nfs.csi.k8s.io"
"""Driver whose handle a person may choose freely: server and folder say what it leads to.

Source: https://github.com/kubernetes-csi/csi-driver-nfs/blob/master/docs/driver-parameters.md
"""

HOSTNAME: Final = "kubernetes.io/hostname"


def disk_of(spec: Mapping[str, Any]) -> str:
    """Return what identifies the disk behind a PersistentVolume, "" where nothing does.

    Parameters
    ----------
    spec
        Of the PersistentVolume.

    Notes
    -----
    A folder of a node is one of the nodes that the volume names; where it names none, it may be one of any.
    Source: https://kubernetes.io/docs/concepts/storage/volumes/#csi, `volumeHandle`
    """
    csi, nfs = as_map(spec, "csi"), as_map(spec, "nfs")
    attributes = as_map(csi, "volumeAttributes")
    driver, handle = as_text(csi.get("driver")), as_text(csi.get("volumeHandle"))
    if driver == NFS and attributes.get("server"):
        below = as_text(attributes.get("subdir")) or as_text(attributes.get("subDir"))
        return _export(attributes.get("server"), f"{as_text(attributes.get('share')).rstrip('/')}/{below}")
    if handle:
        return f"{driver} {_plain(driver, handle)}"
    if nfs:
        return _export(nfs.get("server"), nfs.get("path"))
    for source in ("local", "hostPath"):
        if path := as_text(as_map(spec, source).get("path")):
            return f"node {','.join(_nodes(spec))}:{path.rstrip('/') or '/'}"
    for source, fields in FIELDS.items():
        if held := as_map(spec, source):
            values = [_text(held.get(field)) for field in fields]
            driver = IN_TREE.get(source, source)
            return f"{driver} {_plain(driver, ' '.join(values))}" if any(values) else ""
    return ""


def _export(server: Any, path: Any) -> str:
    server, path = as_text(server), as_text(path)
    return f"nfs {server}:{path.rstrip('/') or '/'}" if server and path else ""


def _plain(driver: str, handle: str) -> str:
    """Return a name as it stands in both forms: zones stand before a disk of AWS, and Azure minds no case."""
    if driver == "ebs.csi.aws.com":
        return handle.rpartition("/")[2]
    return handle.lower() if driver == "disk.csi.azure.com" else handle


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(sorted(as_texts(value)))
    return str(value) if isinstance(value, str | int) else ""


def _nodes(spec: Mapping[str, Any]) -> list[str]:
    """Return the nodes that a volume's required affinity names by their host name."""
    terms = as_maps(as_map(spec, "nodeAffinity", "required").get("nodeSelectorTerms"))
    expressions = [each for term in terms for each in as_maps(term.get("matchExpressions"))]
    return sorted(
        {name for each in expressions if each.get("key") == HOSTNAME for name in as_texts(each.get("values"))}
    )
