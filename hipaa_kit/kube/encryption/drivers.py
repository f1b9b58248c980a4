"""How each storage driver encrypts a volume: what proves it, what is the default, where the key lives.

One row per driver, with the documentation it was read in; when that was last done stands in `docs/sources.md`. Where it
says nothing, or could not be confirmed, the rule is `unseen`: a person must look, and nothing passes. A driver that is
not here is not known. No driver lets a VolumeAttributesClass change encryption: of those that read one, EBS, Azure and
Google set speed, size and tags by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from hipaa_kit.kube.reading import GO_TRUE

Rule = Literal["parameter", "always", "facts", "unseen"]
Locality = Literal["external", "cluster", "by_name", "unknown"]
Transit = Literal["attached", "on_node", "nfs", "efs", "smb", "unseen"]
"""How data reach the storage; `on_node` leaves the node encrypted where the volume is."""

LITERAL: Final = frozenset({"true"})
"""The one value that documentation names; whether such a driver reads more of `GO_TRUE` is not known."""


class Driver(NamedTuple):
    """One driver.

    Attributes
    ----------
    name
        CSI driver; Rook puts the namespace of its operator before those of Ceph.
    rule
        `parameter`: encrypted where a parameter says so; `always`: by the platform; `facts`: only the
        provider can say; `unseen`: nothing in the cluster shows it.
    in_tree
        Source in a PersistentVolume, and provisioner, of the plugin it replaced.
    parameters
        Parameters that switch encryption on, and the values that do.
    absent
        What a volume is where the parameter is missing: `plain` by the driver's default, or `unknown`.
    recorded
        The driver writes its parameters into the volume's attributes.
    keys
        Parameters that name the key.
    default_key
        The key where none is named, in words.
    locality
        Where keys live: outside of the cluster, in a Secret of it, by what the key's name stands for, unknown.
    transit
        How data reach the storage: over an attachment, encrypted on the node, or by a network file system.
    served
        A volume that several nodes write is served to them by NFS, whatever it is itself.
    copies
        The parameter holds for volumes made from a snapshot or from another claim, too.
    """

    name: str
    rule: Rule
    source: str
    in_tree: tuple[str, str] = ("", "")
    parameters: Mapping[str, frozenset[str]] = {}
    absent: Literal["plain", "unknown"] = "unknown"
    recorded: bool = False
    keys: tuple[str, ...] = ()
    default_key: str = ""
    locality: Locality = "unknown"
    transit: Transit = "attached"
    words: str = ""
    copies: bool = False
    served: bool = False


_AWS: Final = "https://docs.aws.amazon.com"
_GIT: Final = "https://github.com"
_KEY_SECRET: Final = "csi.storage.k8s.io/{}-secret-name"
_STAGE: Final = _KEY_SECRET.format("node-stage")
_PUBLISH: Final = _KEY_SECRET.format("node-publish")


def _of_ceph(kind: str) -> Driver:
    """Return the row of one of the drivers of Ceph-CSI, which encrypt in the same way."""
    return Driver(
        f"{kind}.csi.ceph.com",
        "parameter",
        f"{_GIT}/ceph/ceph-csi/blob/devel/docs/deploy-{kind}.md",
        parameters={"encrypted": GO_TRUE},
        absent="plain",
        recorded=True,
        keys=("encryptionKMSID",),
        default_key="passphrase in a Secret of the cluster",
        locality="by_name",
        transit="on_node",
    )


DRIVERS: Final = (
    Driver(
        "ebs.csi.aws.com",
        "parameter",
        f"{_GIT}/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md",
        in_tree=("awsElasticBlockStore", "kubernetes.io/aws-ebs"),
        parameters={"encrypted": LITERAL},
        keys=("kmsKeyId",),
        default_key="key aws/ebs of the account",
        locality="external",
        words="the account's own default decides, which the cluster does not show",
        # https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html: one made from a plain snapshot as well.
        copies=True,
    ),
    Driver(
        "disk.csi.azure.com",
        "always",
        "https://learn.microsoft.com/en-us/azure/virtual-machines/disk-encryption",
        in_tree=("azureDisk", "kubernetes.io/azure-disk"),
        recorded=True,
        keys=("diskEncryptionSetID",),
        default_key="key of the platform",
        locality="external",
        words="the platform encrypts every managed disk",
    ),
    Driver(
        "pd.csi.storage.gke.io",
        "always",
        "https://cloud.google.com/docs/security/encryption/default-encryption",
        in_tree=("gcePersistentDisk", "kubernetes.io/gce-pd"),
        keys=("disk-encryption-kms-key",),
        default_key="key of the platform",
        locality="external",
        words="the platform encrypts every disk",
    ),
    _of_ceph("rbd"),
    _of_ceph("cephfs"),
    Driver(
        "driver.longhorn.io",
        "parameter",
        "https://longhorn.io/docs/latest/advanced-resources/security/volume-encryption/",
        parameters={"encrypted": GO_TRUE},
        absent="plain",
        recorded=True,
        keys=(_STAGE, _PUBLISH),
        default_key="passphrase in a Secret of the cluster",
        locality="cluster",
        transit="on_node",
        # https://longhorn.io/docs/latest/nodes-and-volumes/volumes/rwx-volumes/: a pod of it opens the volume.
        served=True,
    ),
    Driver(
        "pxd.portworx.com",
        "parameter",
        "https://docs.portworx.com/portworx-enterprise/operations/key-management",
        in_tree=("portworxVolume", "kubernetes.io/portworx-volume"),
        parameters={"secure": LITERAL, "px/secure": LITERAL},
        absent="plain",
        keys=("px/secret-name",),
        default_key="key of the secret provider",
        locality="unknown",
        transit="on_node",
        # https://docs.portworx.com/portworx-enterprise/concepts/shared-volumes: sharedv4.
        served=True,
    ),
    Driver(
        "csi.cloudscale.ch",
        "parameter",
        f"{_GIT}/cloudscale-ch/csi-cloudscale#volume-parameters",
        parameters={"csi.cloudscale.ch/luks-encrypted": LITERAL},
        keys=(_STAGE,),
        default_key="passphrase in a Secret of the cluster",
        locality="cluster",
        transit="on_node",
        words="the platform below is not seen",
    ),
    Driver(
        "linodebs.csi.linode.com",
        "parameter",
        f"{_GIT}/linode/linode-blockstorage-csi-driver/blob/main/docs/encrypted-drives.md",
        parameters={"linodebs.csi.linode.com/encrypted": LITERAL},
        default_key="key of the platform",
        locality="external",
        words="the platform's own default is not seen",
    ),
    Driver(
        "storage.csi.upcloud.com",
        "parameter",
        "https://upcloud.com/docs/guides/storage-encryption-at-rest/",
        parameters={"encryption": frozenset({"data-at-rest"})},
        default_key="key of the platform",
        locality="external",
        words="the platform's own default is not seen",
    ),
    Driver(
        "fsx.csi.aws.com",
        "always",
        f"{_AWS}/fsx/latest/LustreGuide/encryption-at-rest.html",
        keys=("kmsKeyId",),
        default_key="key of the service",
        locality="external",
        transit="unseen",
        words="the service encrypts every file system",
    ),
    Driver(
        "efs.csi.aws.com",
        "facts",
        f"{_AWS}/efs/latest/ug/encryption-at-rest.html",
        locality="external",
        transit="efs",
        words="encryption is chosen when the file system is made",
    ),
    Driver(
        "file.csi.azure.com",
        "always",
        "https://learn.microsoft.com/en-us/azure/storage/common/storage-service-encryption",
        in_tree=("azureFile", "kubernetes.io/azure-file"),
        default_key="key of the platform",
        locality="external",
        transit="smb",
        words="the platform encrypts every storage account",
    ),
    Driver(
        "blob.csi.azure.com",
        "always",
        "https://learn.microsoft.com/en-us/azure/storage/common/storage-service-encryption",
        default_key="key of the platform",
        locality="external",
        transit="unseen",
        words="the platform encrypts every storage account",
    ),
    Driver(
        "filestore.csi.storage.gke.io",
        "always",
        "https://cloud.google.com/docs/security/encryption/default-encryption",
        keys=("instance-encryption-kms-key",),
        default_key="key of the platform",
        locality="external",
        transit="nfs",
        words="the platform encrypts every instance",
    ),
    Driver(
        "csi.hetzner.cloud",
        "unseen",
        f"{_GIT}/hetznercloud/csi-driver/blob/main/docs/kubernetes/guides/encrypted-volumes.md",
        keys=(_PUBLISH,),
        locality="cluster",
        words="it encrypts where the Secret that it is given holds a passphrase, which is not read",
    ),
    Driver(
        "linstor.csi.linbit.com",
        "unseen",
        f"{_GIT}/piraeusdatastore/linstor-csi/blob/master/pkg/volume/parameter.go",
        # DRBD copies to other nodes above the layer of LUKS; what several nodes write is served to them by NFS.
        transit="unseen",
        words="its class may ask for a layer of LUKS, whose passphrase and state stand in LINSTOR alone",
    ),
    Driver(
        "csi.trident.netapp.io",
        "unseen",
        "https://docs.netapp.com/us-en/trident/trident-reco/security-luks.html",
        keys=(_STAGE,),
        locality="cluster",
        # NFS, SMB, iSCSI, NVMe over TCP or FC, as its backend has it.
        transit="unseen",
        words="encryption is set in its backend, by `luksEncryption` or on the storage, which the volume does not show",
    ),
    Driver(
        "csi.vsphere.vmware.com",
        "unseen",
        f"{_GIT}/openshift/openshift-docs (persistent-storage-csi-vsphere-encryption)",
        in_tree=("vsphereVolume", "kubernetes.io/vsphere-volume"),
        # What several nodes write is a share of vSAN's file service, by NFS.
        served=True,
        words="the storage policy decides, which stands in vCenter",
    ),
    Driver(
        "cinder.csi.openstack.org",
        "unseen",
        f"{_GIT}/kubernetes/cloud-provider-openstack/pull/2525",
        in_tree=("cinder", "kubernetes.io/cinder"),
        words="the volume type decides, which stands in OpenStack",
    ),
    Driver(
        "zfs.csi.openebs.io",
        "unseen",
        f"{_GIT}/openebs/zfs-localpv/blob/develop/docs/storageclasses.md",
        words="the pool or data set decides, which the volume does not show",
    ),
    Driver(
        "local.csi.openebs.io",
        "unseen",
        f"{_GIT}/openebs/lvm-localpv",
        words="the disks below decide, which the volume does not show",
    ),
    Driver(
        "nfs.csi.k8s.io",
        "unseen",
        f"{_GIT}/kubernetes-csi/csi-driver-nfs",
        in_tree=("nfs", ""),
        transit="nfs",
        words="the file server decides",
    ),
    Driver(
        "smb.csi.k8s.io",
        "unseen",
        f"{_GIT}/kubernetes-csi/csi-driver-smb",
        transit="smb",
        words="the file server decides",
    ),
)

BELOW: Final = {
    "hostPath": "a folder of the node",
    "local": "a disk of the node",
}
"""Sources of volumes that are the node's own disk: HK-ENC-07 judges that."""

OTHER_SOURCES: Final = frozenset(
    "cephfs fc flexVolume flocker glusterfs iscsi photonPersistentDisk quobyte rbd scaleIO storageos".split()
)
"""Sources of volumes of old plugins, none of which encrypts: what lies behind them decides.

Source: https://kubernetes.io/docs/concepts/storage/volumes/#volume-types.
"""

NODE_PROVISIONERS: Final = frozenset(
    ["rancher.io/local-path", "kubernetes.io/no-provisioner", "openebs.io/local", "k8s.io/minikube-hostpath"]
)
"""Provisioners whose volumes are folders or disks of the node."""

NODE_DRIVERS: Final = frozenset(
    "carina.storage.io direct-csi-min-io directpv-min-io disk.hwameistor.io docker.io/hostpath hostpath.csi.k8s.io "
    "kubevirt.io.hostpath-provisioner kubevirt.io/hostpath-provisioner local.csi.openebs.io localdisk.csi.acstor.io "
    "lvm.csi.metal-stack.io microk8s.io/hostpath rawfile.csi.openebs.io topolvm.cybozu.com topolvm.io "
    "zfs.csi.openebs.io".split()
)
"""Drivers whose volumes are cut from disks of one node, without a copy elsewhere; each says so in its README.

Sources: https://github.com/topolvm/topolvm, https://github.com/openebs/lvm-localpv,
https://github.com/openebs/zfs-localpv, https://github.com/minio/directpv, https://github.com/carina-io/carina,
https://github.com/hwameistor/hwameistor, https://github.com/kubernetes-csi/csi-driver-host-path,
https://github.com/kubevirt/hostpath-provisioner, https://github.com/metal-stack/csi-driver-lvm.
"""

NODE_KEYS: Final = ("/hostname", "/node", "/nodename")
"""How labels end that tell one node from another: `kubernetes.io/hostname`, `topology.topolvm.io/node`, …"""

_BY_NAME: Final = {driver.name: driver for driver in DRIVERS}
_BY_IN_TREE: Final = {name: driver for driver in DRIVERS for name in driver.in_tree if name}


def driver_of(name: str) -> Driver | None:
    """Return the row of a CSI driver or provisioner, None where it is not known.

    Notes
    -----
    Rook names the drivers of Ceph after the namespace of its operator, `rook-ceph.rbd.csi.ceph.com`: a whole part
    before the name, never a piece of a word.
    """
    found = _BY_NAME.get(name) or _BY_IN_TREE.get(name)
    if found is None:
        prefix, _, rest = name.partition(".")
        found = _BY_NAME.get(rest) if prefix and rest.endswith(".csi.ceph.com") else None
    return found


def driver_of_source(source: str) -> Driver | None:
    """Return the row that stands for a source of a PersistentVolume or of a pod's volume that is no CSI one."""
    return _BY_IN_TREE.get(source)


def on_one_node(source: str, driver: str) -> bool:
    """Tell whether a volume of a source, or of a driver or provisioner, lies on one node and nowhere else."""
    return source in BELOW or driver in NODE_DRIVERS or driver in NODE_PROVISIONERS
