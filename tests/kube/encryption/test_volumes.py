"""Every row of the table of drivers, by a volume as its documentation shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.encryption.drivers import DRIVERS, driver_of, driver_of_source
from hipaa_kit.kube.encryption.volumes import PROVISIONED, AtRest, Facts, Volume, at_rest, on_the_way

EBS, AZURE, PD = "ebs.csi.aws.com", "disk.csi.azure.com", "pd.csi.storage.gke.io"
RBD, CEPHFS, LONGHORN, PX = "rbd.csi.ceph.com", "cephfs.csi.ceph.com", "driver.longhorn.io", "pxd.portworx.com"
ARN = "arn:aws:kms:us-east-1:111122223333:key/ephi"
SECRET = "Secret/longhorn-system/longhorn-crypto"

CASES = [
    # EBS: the class decides; without the parameter the account does; attributes say nothing of it.
    (Volume(EBS, parameters={"encrypted": "true"}), "encrypted", "default", "external"),
    (Volume(EBS, parameters={"Encrypted": "true", "KmsKeyId": ARN}), "encrypted", "named", "external"),
    (Volume(EBS, parameters={"encrypted": "TRUE"}), "unknown", "unknown", "unknown"),
    (Volume(EBS, parameters={"encrypted": "false"}), "unknown", "unknown", "unknown"),
    (Volume(EBS, parameters={}), "unknown", "unknown", "unknown"),
    (Volume(EBS, attributes={"encrypted": "true"}), "unknown", "unknown", "unknown"),
    (Volume(EBS, facts=Facts(True, ARN)), "encrypted", "named", "external"),
    (Volume(EBS, parameters={"encrypted": "true"}, facts=Facts(False)), "plain", "none", "none"),
    (Volume(EBS, parameters={"encrypted": "true"}, facts=Facts(None)), "encrypted", "default", "external"),
    (Volume("", "awsElasticBlockStore", parameters={"encrypted": "true"}), "encrypted", "default", "external"),
    (Volume("", "awsElasticBlockStore"), "unknown", "unknown", "unknown"),
    (Volume("kubernetes.io/aws-ebs", "", parameters={"encrypted": "true"}), "encrypted", "default", "external"),
    (Volume(EBS, parameters={"encrypted": "true"}, copied=True), "encrypted", "default", "external"),
    # Azure and Google: always; only the key depends on the class.
    (Volume(AZURE), "encrypted", "unknown", "external"),
    (Volume(AZURE, parameters={}), "encrypted", "default", "external"),
    (Volume(AZURE, attributes={"diskEncryptionSetID": "/subscriptions/s/des"}), "encrypted", "named", "external"),
    (Volume("", "azureDisk"), "encrypted", "unknown", "external"),
    (Volume(PD, parameters={}), "encrypted", "default", "external"),
    (Volume(PD, parameters={"disk-encryption-kms-key": "projects/p/k"}), "encrypted", "named", "external"),
    (Volume("", "gcePersistentDisk"), "encrypted", "unknown", "external"),
    (Volume("file.csi.azure.com", parameters={}), "encrypted", "default", "external"),
    (Volume("", "azureFile"), "encrypted", "default", "external"),
    (Volume("blob.csi.azure.com", parameters={}), "encrypted", "default", "external"),
    (Volume("filestore.csi.storage.gke.io", parameters={}), "encrypted", "default", "external"),
    (Volume("fsx.csi.aws.com"), "encrypted", "unknown", "external"),
    (Volume("efs.csi.aws.com", parameters={}), "unknown", "unknown", "unknown"),
    (Volume("efs.csi.aws.com", facts=Facts(True, ARN)), "encrypted", "named", "external"),
    # Ceph: the volume's own attributes; without a key service the passphrase is in the cluster.
    (Volume(RBD, attributes={"encrypted": "true", "encryptionKMSID": "vault"}), "encrypted", "named", "external"),
    (Volume(RBD, attributes={"encrypted": "true", "encryptionKMSID": "user"}), "encrypted", "named", "cluster"),
    (Volume(RBD, attributes={"encrypted": "true", "encryptionKMSID": "other"}), "encrypted", "named", "unknown"),
    (Volume(RBD, attributes={"encrypted": "true"}), "encrypted", "secret", "cluster"),
    (Volume(RBD, attributes={"pool": "replicapool"}), "plain", "none", "none"),
    (Volume(RBD, attributes={"pool": "p"}, parameters={"encrypted": "true"}), "plain", "none", "none"),
    (Volume(RBD, parameters={"encrypted": "true"}), "encrypted", "secret", "cluster"),
    (Volume(RBD, parameters={"encrypted": "false"}), "plain", "none", "none"),
    (Volume(RBD), "unknown", "unknown", "unknown"),
    (Volume(f"rook-ceph.{RBD}", attributes={"encrypted": "true"}), "encrypted", "secret", "cluster"),
    (Volume(f"openshift-storage.{CEPHFS}", attributes={"pool": "p"}), "plain", "none", "none"),
    (Volume(CEPHFS, attributes={"encrypted": "true", "encryptionKMSID": "vault"}), "encrypted", "named", "external"),
    (Volume(LONGHORN, attributes={"encrypted": "true"}, secret=SECRET), "encrypted", "secret", "cluster"),
    (Volume(LONGHORN, attributes={"numberOfReplicas": "3"}), "plain", "none", "none"),
    (Volume(RBD, attributes={"encrypted": "true"}, copied=True), "encrypted", "secret", "cluster"),
    (Volume(PX, parameters={"secure": "true"}), "encrypted", "default", "unknown"),
    (Volume(PX, parameters={"secure": "true"}, copied=True), "unseen", "default", "unknown"),
    (Volume(PX, parameters={"secure": "True"}), "unknown", "unknown", "unknown"),
    # An annotation counts when the volume is made, and can be written afterwards.
    (Volume(PX, parameters={}, annotations={"px/secure": "true"}), "unseen", "default", "unknown"),
    (Volume(PX, annotations={"px/secure": "true", "px/secret-name": "k"}), "unseen", "named", "unknown"),
    (Volume(PX, "", parameters={}, annotations={"px/secure": "true"}), "encrypted", "default", "unknown"),
    (Volume(PX, parameters={"repl": "3"}), "plain", "none", "none"),
    (Volume("csi.cloudscale.ch", parameters={"csi.cloudscale.ch/luks-encrypted": "true"}), "encrypted", "secret", "cluster"),
    (Volume("csi.cloudscale.ch", parameters={}), "unknown", "unknown", "unknown"),
    (Volume("linodebs.csi.linode.com", parameters={"linodebs.csi.linode.com/encrypted": "true"}), "encrypted", "default", "external"),
    (Volume("linodebs.csi.linode.com", parameters={}), "unknown", "unknown", "unknown"),
    (Volume("storage.csi.upcloud.com", parameters={"encryption": "data-at-rest"}), "encrypted", "default", "external"),
    (Volume("storage.csi.upcloud.com", parameters={"encryption": "true"}), "unknown", "unknown", "unknown"),
    # What the cluster does not show, or what could not be confirmed, is for a person.
    (Volume("csi.hetzner.cloud", secret="Secret/kube-system/encryption-secret"), "unseen", "secret", "cluster"),
    (Volume("csi.hetzner.cloud"), "unseen", "unknown", "unknown"),
    (Volume("linstor.csi.linbit.com", parameters={"linstor.csi.linbit.com/encryption": "true"}), "unseen", "unknown", "unknown"),
    (Volume("csi.trident.netapp.io"), "unseen", "unknown", "unknown"),
    (Volume("csi.vsphere.vmware.com", parameters={"storagepolicyname": "encrypted"}), "unseen", "unknown", "unknown"),
    (Volume("", "vsphereVolume"), "unseen", "unknown", "unknown"),
    (Volume("cinder.csi.openstack.org", parameters={"type": "LUKS"}), "unseen", "unknown", "unknown"),
    (Volume("", "cinder"), "unseen", "unknown", "unknown"),
    (Volume("zfs.csi.openebs.io", parameters={"encryption": "on"}), "unseen", "unknown", "unknown"),
    (Volume("local.csi.openebs.io"), "unseen", "unknown", "unknown"),
    (Volume("nfs.csi.k8s.io"), "unseen", "unknown", "unknown"),
    (Volume("", "nfs"), "unseen", "unknown", "unknown"),
    (Volume("smb.csi.k8s.io"), "unseen", "unknown", "unknown"),
    (Volume("", "iscsi"), "unseen", "unknown", "none"),
    (Volume("", "rbd"), "unseen", "unknown", "none"),
    # The node's own disk, and what is not known.
    (Volume("", "hostPath"), "plain", "none", "none"),
    (Volume("", "local"), "plain", "none", "none"),
    (Volume("rancher.io/local-path", ""), "plain", "none", "none"),
    (Volume("my.azure.disk.csi.example"), "unknown", "unknown", "unknown"),
    (Volume("not-ebs.csi.aws.com", parameters={"encrypted": "true"}), "unknown", "unknown", "unknown"),
    (Volume("xrbd.csi.ceph.com", attributes={"encrypted": "true"}), "unknown", "unknown", "unknown"),
    (Volume("", ""), "unknown", "unknown", "unknown"),
]  # fmt: skip

KMS = {"vault": "vault", "user": "metadata"}


@pytest.mark.parametrize(("volume", "state", "key_kind", "place"), CASES)
def test_a_volume_is_what_it_was_made(volume: Volume, state: str, key_kind: str, place: str) -> None:
    found = at_rest(volume, KMS)
    assert (found.state, found.key_kind, found.place) == (state, key_kind, place)
    assert found.basis


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_every_driver_has_a_case_and_a_source(driver: object) -> None:
    seen = {id(driver_of(volume.driver) or driver_of_source(volume.source)) for volume, *_ in CASES}
    assert id(driver) in seen
    assert driver.source.startswith("https://")  # type: ignore[attr-defined]


@pytest.mark.parametrize("driver", [each for each in DRIVERS if each.rule == "parameter"], ids=lambda each: each.name)
def test_a_driver_with_a_parameter_has_a_case_for_it_and_for_its_lack(driver: object) -> None:
    states = {state for volume, state, *_ in CASES if driver_of(volume.driver) is driver}
    assert "encrypted" in states
    assert driver.absent in states  # type: ignore[attr-defined]


@pytest.mark.parametrize("driver", [each for each in DRIVERS if each.rule in ("unseen", "facts")], ids=lambda e: e.name)
@given(given=st.dictionaries(st.sampled_from(["encrypted", "encryption", "type", "secure"]), st.just("true")))
def test_what_is_not_confirmed_is_never_encrypted(driver: object, given: dict[str, str]) -> None:
    found = at_rest(Volume(driver.name, attributes=given, parameters=given, annotations=given))  # type: ignore[attr-defined]
    assert found.state in ("unseen", "unknown")


ENCRYPTED = AtRest("encrypted", "")


@pytest.mark.parametrize(
    ("volume", "rest", "way"),
    [
        (Volume("", "nfs"), "unseen", "plain"),
        (Volume("", "nfs", options=("nfsvers=4.1", "xprtsec=tls")), "unseen", "encrypted"),
        (Volume("", "nfs", options=("nfsvers=4.1,xprtsec=mtls",)), "unseen", "encrypted"),
        (Volume("", "nfs", options=("xprtsec=auto",)), "unseen", "plain"),
        (Volume("", "nfs", options=("xprtsec=none",)), "unseen", "plain"),
        (Volume("nfs.csi.k8s.io", options=("hard",)), "unseen", "plain"),
        (Volume("filestore.csi.storage.gke.io"), "encrypted", "plain"),
        (Volume("efs.csi.aws.com"), "unknown", "encrypted"),
        (Volume("efs.csi.aws.com", attributes={"encryptInTransit": "false"}), "unknown", "plain"),
        (Volume("efs.csi.aws.com", parameters={"encryptInTransit": "false"}), "unknown", "plain"),
        (Volume("efs.csi.aws.com", attributes={"encryptInTransit": "true"}), "unknown", "encrypted"),
        (Volume("efs.csi.aws.com", attributes={PROVISIONED: "x"}), "unknown", "unseen"),
        (Volume("smb.csi.k8s.io"), "unseen", "unseen"),
        (Volume("smb.csi.k8s.io", options=("seal",)), "unseen", "encrypted"),
        (Volume("", "azureFile"), "encrypted", "unseen"),
        (Volume(CEPHFS), "encrypted", "encrypted"),
        (Volume(CEPHFS), "plain", "unseen"),
        (Volume(EBS), "encrypted", "attached"),
        (Volume("", "hostPath"), "plain", "attached"),
        (Volume("", "iscsi"), "unseen", "unseen"),
        (Volume("fsx.csi.aws.com"), "encrypted", "unseen"),
        (Volume("unknown.example"), "unknown", "unseen"),
    ],
)
def test_the_way_to_the_storage(volume: Volume, rest: str, way: str) -> None:
    assert on_the_way(volume, ENCRYPTED._replace(state=rest))[0] == way  # type: ignore[arg-type]
