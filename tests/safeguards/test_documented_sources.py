"""Every source that says how data are encrypted has a case: drivers of volumes, control planes, providers, disks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.kube.encryption.api_data import Provider, strength
from hipaa_kit.kube.encryption.drivers import DRIVERS, Driver, driver_of, driver_of_source
from hipaa_kit.sources.inputs.node_bundle import PROVIDERS as KINDS
from hipaa_kit.tables.cloud import PROVIDERS as CLOUDS
from hipaa_kit.tables.encryption import API_DATA_SOURCES
from tests.support.snapshots import objects_of

HERE = Path(__file__).parent

CONTROL_PLANES = {
    "flags": {
        "encryption/HK-ENC-01/an_api_server_with_a_file_of_encryption_passes": "pass",
        "encryption/HK-ENC-01/an_api_server_without_the_flag_fails": "fail",
        "encryption/HK-ENC-14/tls_of_today_passes": "pass",
        "encryption/HK-ENC-14/tls_1_0_fails": "fail",
        "audit_trails/HK-AUD-01/a_policy_and_a_log_pass": "pass",
        "audit_trails/HK-AUD-01/a_policy_without_a_place_to_write_to_fails": "fail",
        "access_control/HK-ACC-01/node_and_rbac_pass": "pass",
        "access_control/HK-ACC-01/always_allow_fails": "fail",
    },
    "openshift": {
        "encryption/HK-ENC-01/openshift_with_a_type_that_is_done_passes": "pass",
        "encryption/HK-ENC-01/openshift_that_has_not_ended_is_a_question": "review",
        "encryption/HK-ENC-01/openshift_without_a_type_fails": "fail",
        "encryption/HK-ENC-02/openshift_with_aescbc_is_a_question": "review",
        "encryption/HK-ENC-03/openshift_says_that_it_is_done": "pass",
        "encryption/HK-ENC-14/a_profile_of_openshift_says_nothing_of_etcd": "not_assessed",
        "encryption/HK-ENC-14/an_old_profile_of_openshift_fails": "fail",
        "audit_trails/HK-AUD-01/openshift_with_a_profile_passes": "pass",
        "audit_trails/HK-AUD-01/openshift_without_a_log_fails": "fail",
    },
    "k3s": {
        "encryption/HK-ENC-01/k3s_with_encryption_passes": "pass",
        "encryption/HK-ENC-01/k3s_without_encryption_fails": "fail",
        "encryption/HK-ENC-02/k3s_with_secretbox_passes": "pass",
        "audit_trails/HK-AUD-01/an_api_server_within_k3s_is_not_assessed": "not_assessed",
    },
    "rke2": {
        "encryption/HK-ENC-01/rke2_encrypts_by_itself": "pass",
        "encryption/HK-ENC-02/rke2_by_default_is_a_question": "review",
    },
    "provider": {"encryption/HK-ENC-01/eks_of_1_28_encrypts_by_itself": "pass"},
    "none": {
        "encryption/HK-ENC-01/a_managed_plane_without_facts_is_not_assessed": "not_assessed",
        "encryption/HK-ENC-14/a_managed_control_plane_is_not_assessed": "not_assessed",
        "audit_trails/HK-AUD-01/a_managed_plane_without_facts_is_not_assessed": "not_assessed",
    },
}
"""Cases of every kind of source of table `api_data_sources`, with their verdicts."""

MANAGED = {
    "aws": {
        "encryption/HK-ENC-01/eks_with_a_key_of_the_site_passes": "pass",
        "encryption/HK-ENC-01/eks_of_1_27_without_a_key_is_a_question": "review",
        "encryption/HK-ENC-07/a_disk_that_the_provider_does_not_encrypt_fails": "fail",
        "audit_trails/HK-AUD-01/eks_that_keeps_audit_passes": "pass",
        "audit_trails/HK-AUD-01/eks_that_does_not_fails": "fail",
        "access_control/HK-ACC-21/an_endpoint_open_to_some_addresses_passes": "pass",
        "access_control/HK-ACC-21/an_endpoint_open_to_every_address_fails": "fail",
    },
    "gcp": {
        "encryption/HK-ENC-01/gke_that_encrypts_passes": "pass",
        "encryption/HK-ENC-01/gke_with_disks_alone_is_a_question": "review",
        "encryption/HK-ENC-01/gke_that_only_says_what_is_wanted_is_not_assessed": "not_assessed",
        "encryption/HK-ENC-07/google_encrypts_every_disk": "pass",
        "audit_trails/HK-AUD-01/gke_does_not_say_of_reads_and_is_not_assessed": "not_assessed",
        "access_control/HK-ACC-21/authorized_networks_of_gke_pass": "pass",
        "access_control/HK-ACC-21/authorized_networks_that_are_off_leave_gke_open": "fail",
    },
    "azure": {
        "encryption/HK-ENC-01/aks_with_a_key_vault_passes": "pass",
        "encryption/HK-ENC-01/aks_without_one_is_a_question": "review",
        "encryption/HK-ENC-07/encryption_at_host_passes": "pass",
        "encryption/HK-ENC-07/encryption_at_host_that_is_off_fails": "fail",
        "audit_trails/HK-AUD-01/aks_that_keeps_all_passes": "pass",
        "audit_trails/HK-AUD-01/aks_without_reads_fails": "fail",
        "access_control/HK-ACC-21/an_access_profile_that_was_never_set_leaves_aks_open": "fail",
    },
}
"""Cases of every provider that runs control planes: its encryption, its disks, its audit log, its endpoint."""

PROVIDERS = {
    Provider("identity"): ("HK-ENC-02/identity_first_fails", "fail"),
    Provider("secretbox"): ("HK-ENC-02/secretbox_first_passes", "pass"),
    Provider("aesgcm"): ("HK-ENC-02/aesgcm_is_a_question", "review"),
    Provider("aescbc"): ("HK-ENC-02/aescbc_is_a_question", "review"),
    Provider("kms", "vault", "v1"): ("HK-ENC-02/a_key_service_of_version_1_is_a_question", "review"),
    Provider("kms", "vault", "v2"): ("HK-ENC-02/a_key_service_of_version_2_passes", "pass"),
}
"""Every provider of an EncryptionConfiguration, its case and the verdict.

Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#providers
"""

NODE_DISKS = {
    "encryption/HK-ENC-07/a_node_that_encrypts_passes": "pass",
    "encryption/HK-ENC-07/a_node_that_does_not_is_a_question": "review",
    "encryption/HK-ENC-07/disks_that_the_provider_encrypts_pass": "pass",
    "encryption/HK-ENC-07/nothing_given_is_not_assessed": "not_assessed",
}
"""Cases of what the node itself says, and of nothing."""

AT_REST = {
    "ebs.csi.aws.com": {
        "a_class_that_encrypts_and_is_older_passes": "pass",
        "the_account_decides_where_the_class_does_not": "not_assessed",
        "the_provider_says_that_it_is_encrypted": "pass",
        "the_provider_says_that_it_is_not_whatever_the_class_says": "fail",
    },
    "disk.csi.azure.com": {"a_managed_disk_of_azure_passes": "pass"},
    "pd.csi.storage.gke.io": {"a_disk_of_google_by_its_driver_passes": "pass"},
    "rbd.csi.ceph.com": {
        "a_volume_of_ceph_with_a_key_service_outside_passes": "pass",
        "a_key_service_in_the_cluster_is_a_question": "review",
        "a_volume_of_ceph_that_is_not_encrypted_fails_whatever_its_class_says_now": "fail",
        "a_volume_of_ceph_on_devices_that_its_cluster_encrypts_is_a_question": "review",
        "ceph_without_rook_fails": "fail",
        "clusters_of_ceph_that_were_refused_prove_no_failure": "not_assessed",
    },
    "cephfs.csi.ceph.com": {
        "a_volume_of_cephfs_with_a_key_service_outside_passes": "pass",
        "a_volume_of_cephfs_that_is_not_encrypted_fails": "fail",
        "a_volume_of_cephfs_on_devices_that_its_cluster_encrypts_is_a_question": "review",
    },
    "driver.longhorn.io": {
        "a_key_in_a_secret_passes_where_a_key_service_outside_encrypts_etcd": "pass",
        "a_key_in_a_secret_of_the_cluster_is_a_question": "review",
        "a_volume_of_longhorn_that_is_not_encrypted_fails": "fail",
    },
    "pxd.portworx.com": {
        "a_class_of_portworx_that_encrypts_passes_where_its_key_is_outside": "pass",
        "a_key_of_portworx_that_nobody_places_is_a_question": "review",
        "an_annotation_of_portworx_may_be_younger_than_the_volume": "review",
        "a_claim_of_portworx_that_asks_for_none_is_a_question": "review",
        "a_claim_of_portworx_that_waits_and_asks_for_none_fails": "fail",
        "a_volume_of_portworx_that_is_not_encrypted_fails": "fail",
    },
    "csi.cloudscale.ch": {
        "a_volume_of_cloudscale_has_its_key_in_the_cluster": "review",
        "a_volume_of_cloudscale_without_the_parameter_is_not_assessed": "not_assessed",
    },
    "linodebs.csi.linode.com": {
        "a_volume_of_linode_that_its_class_encrypts_passes": "pass",
        "a_volume_of_linode_without_the_parameter_is_not_assessed": "not_assessed",
    },
    "storage.csi.upcloud.com": {
        "a_class_of_another_provider_that_encrypts_passes": "pass",
        "a_volume_of_upcloud_without_the_parameter_is_not_assessed": "not_assessed",
    },
    "fsx.csi.aws.com": {"a_file_system_of_fsx_passes": "pass"},
    "efs.csi.aws.com": {"a_file_system_of_efs_is_not_assessed_without_facts": "not_assessed"},
    "file.csi.azure.com": {"a_share_of_azure_passes": "pass"},
    "blob.csi.azure.com": {"a_blob_store_of_azure_passes": "pass"},
    "filestore.csi.storage.gke.io": {"a_filestore_of_google_passes": "pass"},
    "csi.hetzner.cloud": {"a_volume_of_hetzner_is_a_question": "review"},
    "linstor.csi.linbit.com": {"a_volume_of_linstor_is_a_question": "review"},
    "csi.trident.netapp.io": {"a_volume_of_trident_is_a_question": "review"},
    "csi.vsphere.vmware.com": {"a_storage_policy_of_vsphere_is_a_question": "review"},
    "cinder.csi.openstack.org": {"a_volume_type_of_openstack_is_a_question": "review"},
    "zfs.csi.openebs.io": {"a_data_set_of_zfs_is_a_question": "review"},
    "local.csi.openebs.io": {"a_volume_of_lvm_is_a_question": "review"},
    "nfs.csi.k8s.io": {"a_share_by_the_driver_of_nfs_is_a_question": "review"},
    "smb.csi.k8s.io": {"a_share_by_the_driver_of_smb_is_a_question": "review"},
}
"""Cases of HK-ENC-04 of every driver, with their verdicts."""

NO_DRIVER = {
    "encryption/HK-ENC-04/a_disk_of_a_node_fails": "fail",
    "encryption/HK-ENC-05/a_disk_of_a_node_fails": "fail",
    "encryption/HK-ENC-05/a_folder_of_a_node_that_is_written_fails": "fail",
    "encryption/HK-ENC-04/a_driver_that_is_not_known_is_not_assessed": "not_assessed",
    "encryption/HK-ENC-04/a_name_with_a_provider_in_it_proves_nothing": "not_assessed",
    "encryption/HK-ENC-04/a_volume_that_a_person_declared_was_made_by_no_class": "not_assessed",
    "encryption/HK-ENC-04/a_class_that_is_younger_than_the_volume_proves_nothing": "not_assessed",
}
"""Cases of what no driver that is known makes: disks of nodes, drivers of others, volumes that no class made."""

ON_THE_WAY = {
    "cephfs.csi.ceph.com": {
        "cephfs_that_the_node_encrypts_passes": "pass",
        "cephfs_that_it_does_not_is_a_question": "review",
    },
    "driver.longhorn.io": {"an_encrypted_volume_of_longhorn_for_several_nodes_is_a_question": "review"},
    "pxd.portworx.com": {"a_volume_of_portworx_for_several_nodes_is_a_question": "review"},
    "csi.vsphere.vmware.com": {"a_volume_of_vsphere_for_several_nodes_is_a_question": "review"},
    "linstor.csi.linbit.com": {"a_volume_of_linstor_is_a_question": "review"},
    "fsx.csi.aws.com": {"a_file_system_of_fsx_is_a_question": "review"},
    "efs.csi.aws.com": {"efs_by_default_passes": "pass", "efs_without_tls_fails": "fail"},
    "file.csi.azure.com": {
        "a_share_of_azure_that_is_sealed_passes": "pass",
        "a_share_of_azure_is_a_question": "review",
    },
    "blob.csi.azure.com": {"a_blob_store_of_azure_is_a_question": "review"},
    "filestore.csi.storage.gke.io": {"a_filestore_without_tls_fails": "fail"},
    "csi.trident.netapp.io": {"trident_is_a_question": "review"},
    "nfs.csi.k8s.io": {
        "nfs_over_tls_passes": "pass",
        "nfs_with_privacy_by_kerberos_passes": "pass",
        "nfs_that_only_tries_tls_fails": "fail",
        "a_share_by_the_driver_of_nfs_fails": "fail",
    },
    "smb.csi.k8s.io": {
        "a_share_by_the_driver_of_smb_that_is_sealed_passes": "pass",
        "a_share_by_the_driver_of_smb_is_a_question": "review",
    },
}
"""Cases of HK-ENC-05 of every driver to whose storage data go over the network, with their verdicts."""


def verdicts(case: str) -> set[str]:
    with (HERE / case / "expected.csv").open(encoding="utf-8", newline="") as file:
        return {row["verdict"] for row in csv.DictReader(file)}


def driver_names(document: Any) -> set[str]:
    """Return drivers, provisioners and sources of volumes that an object names."""
    if isinstance(document, list):
        return {name for each in document for name in driver_names(each)}
    if not isinstance(document, dict):
        return set()
    own = {document[key] for key in ("driver", "provisioner") if isinstance(document.get(key), str)}
    return own | set(document) | {name for each in document.values() for name in driver_names(each)}


def drivers_of(case: str) -> set[str]:
    """Return the rows of the table of drivers that a case has volumes of."""
    document = objects_of((HERE / case / "objects.yaml").read_text(encoding="utf-8"))
    rows = (driver_of(name) or driver_of_source(name) for name in driver_names(document))
    return {row.name for row in rows if row}


def named(check: str, cases: dict[str, dict[str, str]]) -> list[tuple[str, str, str]]:
    """Return (driver, case, verdict) of a table of cases."""
    return [
        (driver, f"encryption/{check}/{case}", verdict)
        for driver, mine in cases.items()
        for case, verdict in mine.items()
    ]


def test_every_row_of_the_table_of_drivers_has_its_cases() -> None:
    assert set(AT_REST) == {row.name for row in DRIVERS}
    over = {row.name for row in DRIVERS if row.transit not in ("attached", "on_node") or row.served}
    assert set(ON_THE_WAY) == over | {"cephfs.csi.ceph.com"}


@pytest.mark.parametrize("row", DRIVERS, ids=lambda row: row.name)
def test_a_driver_has_a_case_for_each_thing_that_its_rule_can_say(row: Driver) -> None:
    found = set(AT_REST[row.name].values())
    if row.rule == "parameter":
        assert found & {"pass", "review"}
        assert ("fail" if row.absent == "plain" else "not_assessed") in found
        assert "pass" in found or row.locality == "cluster"
    else:
        assert found == {{"always": "pass", "facts": "not_assessed", "unseen": "review"}[row.rule]}


@pytest.mark.parametrize(("driver", "case", "verdict"), [*named("HK-ENC-04", AT_REST), *named("HK-ENC-05", ON_THE_WAY)])
def test_a_case_of_a_driver_has_a_volume_of_it_and_its_verdict(driver: str, case: str, verdict: str) -> None:
    assert driver in drivers_of(case)
    assert verdicts(case) == {verdict}


def test_a_driver_that_shows_nothing_never_passes() -> None:
    unseen = {row.name for row in DRIVERS if row.rule == "unseen"}
    cases = sorted(
        f"encryption/HK-ENC-04/{case.parent.name}" for case in HERE.glob("encryption/HK-ENC-04/*/objects.yaml")
    )
    alone = [case for case in cases if (found := drivers_of(case)) and found <= unseen]
    assert len(alone) >= len(unseen)
    assert not [case for case in alone if "pass" in verdicts(case)]


def test_every_source_of_the_control_plane_has_its_cases() -> None:
    sources = next(column for column in API_DATA_SOURCES.columns if column.name == "source")
    assert set(CONTROL_PLANES) == set(sources.values)


def test_every_provider_of_control_planes_has_its_cases() -> None:
    assert set(MANAGED) == set(CLOUDS)


def test_every_provider_that_a_file_may_name_has_its_case() -> None:
    assert {each.kind for each in PROVIDERS} == set(KINDS)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [each for cases in (*CONTROL_PLANES.values(), *MANAGED.values(), NODE_DISKS, NO_DRIVER) for each in cases.items()],
)
def test_every_named_case_has_its_verdict(case: str, verdict: str) -> None:
    assert (HERE / case / "objects.yaml").exists()
    assert verdicts(case) == {verdict}


@pytest.mark.parametrize("provider", list(PROVIDERS), ids=lambda each: f"{each.kind}{each.api_version}")
def test_every_provider_of_the_file_is_judged_as_strong_as_it_is(provider: Provider) -> None:
    case, verdict = PROVIDERS[provider]
    assert verdicts(f"encryption/{case}") == {verdict}
    assert (strength(provider)[0] == "strong") == (verdict == "pass")
