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

HERE = Path(__file__).parent / "encryption"

CONTROL_PLANES = {
    "flags": (
        "HK-ENC-01/an_api_server_with_a_file_of_encryption_passes",
        "HK-ENC-01/an_api_server_without_the_flag_fails",
    ),
    "openshift": (
        "HK-ENC-01/openshift_with_a_type_that_is_done_passes",
        "HK-ENC-01/openshift_that_has_not_ended_is_a_question",
        "HK-ENC-01/openshift_without_a_type_fails",
        "HK-ENC-02/openshift_with_aescbc_is_a_question",
    ),
    "k3s": (
        "HK-ENC-01/k3s_with_encryption_passes",
        "HK-ENC-01/k3s_without_encryption_fails",
        "HK-ENC-02/k3s_with_secretbox_passes",
    ),
    "rke2": ("HK-ENC-01/rke2_encrypts_by_itself", "HK-ENC-02/rke2_by_default_is_a_question"),
    "provider": ("HK-ENC-01/eks_of_1_28_encrypts_by_itself",),
    "none": ("HK-ENC-01/a_managed_plane_without_facts_is_not_assessed",),
}
"""Cases of every kind of source of table `api_data_sources`."""

MANAGED = {
    "aws": ("HK-ENC-01/eks_with_a_key_of_the_site_passes", "HK-ENC-01/eks_of_1_27_without_a_key_is_a_question"),
    "gcp": ("HK-ENC-01/gke_that_encrypts_passes", "HK-ENC-01/gke_with_disks_alone_is_a_question"),
    "azure": ("HK-ENC-01/aks_with_a_key_vault_passes", "HK-ENC-01/aks_without_one_is_a_question"),
}
"""Cases of every provider that runs control planes."""

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

NODE_DISKS = (
    "HK-ENC-07/a_node_that_encrypts_passes",
    "HK-ENC-07/a_disk_that_the_provider_does_not_encrypt_fails",
    "HK-ENC-07/disks_that_the_provider_encrypts_pass",
    "HK-ENC-07/encryption_at_host_passes",
    "HK-ENC-07/google_encrypts_every_disk",
    "HK-ENC-07/nothing_given_is_not_assessed",
)
"""Cases of what says how the disks of nodes are encrypted: the node itself, EBS, the host of Azure, Google, nothing."""


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


def cases_by_driver() -> dict[str, set[str]]:
    """Return the cases of HK-ENC-04 by the driver whose volumes they have."""
    found: dict[str, set[str]] = {each.name: set() for each in DRIVERS}
    for case in sorted(HERE.glob("HK-ENC-04/*/objects.yaml")):
        for name in driver_names(objects_of(case.read_text(encoding="utf-8"))):
            if row := driver_of(name) or driver_of_source(name):
                found[row.name].add(f"HK-ENC-04/{case.parent.name}")
    return found


CASES = cases_by_driver()


@pytest.mark.parametrize("row", DRIVERS, ids=lambda row: row.name)
def test_every_row_of_the_table_of_drivers_has_a_case_at_rest(row: Driver) -> None:
    assert CASES[row.name], f"no case of HK-ENC-04 has a volume of {row.name}: write one from {row.source}"


@pytest.mark.parametrize("row", [row for row in DRIVERS if row.rule == "unseen"], ids=lambda row: row.name)
def test_a_driver_that_shows_nothing_never_passes(row: Driver) -> None:
    others = {case for name, cases in CASES.items() if name != row.name for case in cases}
    alone = CASES[row.name] - others
    assert alone
    assert not any("pass" in verdicts(case) for case in alone)


def test_every_source_of_the_control_plane_has_its_cases() -> None:
    sources = next(column for column in API_DATA_SOURCES.columns if column.name == "source")
    assert set(CONTROL_PLANES) == set(sources.values)


def test_every_provider_of_control_planes_has_its_cases() -> None:
    assert set(MANAGED) == set(CLOUDS)


def test_every_provider_that_a_file_may_name_has_its_case() -> None:
    assert {each.kind for each in PROVIDERS} == set(KINDS)


@pytest.mark.parametrize(
    "case", [*(case for cases in (*CONTROL_PLANES.values(), *MANAGED.values()) for case in cases), *NODE_DISKS]
)
def test_every_named_case_is_there(case: str) -> None:
    assert (HERE / case / "objects.yaml").exists()
    assert verdicts(case)


@pytest.mark.parametrize("provider", list(PROVIDERS), ids=lambda each: f"{each.kind}{each.api_version}")
def test_every_provider_of_the_file_is_judged_as_strong_as_it_is(provider: Provider) -> None:
    case, verdict = PROVIDERS[provider]
    assert verdicts(case) == {verdict}
    assert (strength(provider)[0] == "strong") == (verdict == "pass")
