"""Which product and version stands where, and how far a kubelet may be from its API server."""

import pytest

from hipaa_kit.kube.scanners import Scanner, scanner_of, scanning_registry
from hipaa_kit.kube.software import (
    Version,
    add_on,
    container_runtime,
    is_of_cycle,
    operating_system,
    plain,
    provider_of,
    skew,
)


@pytest.mark.parametrize(
    ("kubelet", "server", "wrong"),
    [
        ("v1.35.2", "v1.35.8", False),
        ("v1.35.9", "v1.35.1", False),  # patch versions do not count
        ("v1.32.1", "v1.35.8", False),
        ("v1.31.9", "v1.35.8", True),
        ("v1.36.0", "v1.35.8", True),
        ("v1.24.1", "v1.26.0", False),
        ("v1.24.1", "v1.27.0", True),  # before 1.25 two, not three
        ("v1.25.0", "v1.28.0", False),
        ("v1.33.4-eks-1a2b3c4", "v1.35.1-eks-aa", False),
    ],
)
def test_skew_is_that_of_the_policy(kubelet: str, server: str, *, wrong: bool) -> None:
    assert bool(skew(kubelet, server)) == wrong
    assert skew(kubelet, server) is not None


@pytest.mark.parametrize(("kubelet", "server"), [("", "v1.35.8"), ("v1.31.9", ""), ("v1.31.9", "v2.0.0")])
def test_skew_is_not_known_where_a_version_is_not_told(kubelet: str, server: str) -> None:
    assert skew(kubelet, server) is None


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("Ubuntu 24.04.3 LTS", Version("ubuntu", "24.04")),
        ("Debian GNU/Linux 12 (bookworm)", Version("debian", "12")),
        ("Amazon Linux 2", Version("amazon-linux", "2")),
        ("Amazon Linux 2023.6.20250203", Version("amazon-linux", "2023")),
        ("Red Hat Enterprise Linux CoreOS 418.94.202501", Version("rhel", "418.94")),
        ("Talos (v1.9.2)", Version("talos", "1.9.2")),
        ("Gentoo", Version("", "")),
        ("", Version("", "")),
    ],
)
def test_operating_systems_are_read_off_what_kubelets_report(image: str, expected: Version) -> None:
    assert operating_system(image) == expected


def test_runtimes_name_themselves() -> None:
    assert container_runtime("containerd://2.3.5") == Version("containerd", "2.3.5")
    assert container_runtime("cri-o://1.35.0-rc1") == Version("cri-o", "1.35.0")
    assert container_runtime("") == Version("", "")


@pytest.mark.parametrize(
    ("repository", "tag", "expected"),
    [
        ("quay.io/cilium/cilium", "v1.19.1", Version("cilium", "1.19.1")),
        ("mirror.example/quay/jetstack/cert-manager-controller", "v1.21.0", Version("cert-manager", "1.21.0")),
        ("kyverno/kyverno", "latest", Version("kyverno", "")),
        ("registry.k8s.io/ingress-nginx/controller", "", Version("ingress-nginx", "")),
        ("example/mycilium/cilium-tools", "1.0", None),
        ("notcilium/cilium", "1.19", None),
    ],
)
def test_add_ons_are_known_by_the_end_of_their_image(repository: str, tag: str, expected: Version | None) -> None:
    assert add_on(repository, tag) == expected


@pytest.mark.parametrize(
    ("version", "cycle", "belongs"),
    [
        ("1.35.8", "1.35", True),
        ("1.35", "1.35", True),
        ("1.3.0", "1.35", False),
        ("1.35.0", "1.3", False),
        ("12", "1", False),
        ("", "*", True),
    ],
)
def test_a_version_belongs_to_its_line_alone(version: str, cycle: str, *, belongs: bool) -> None:
    assert is_of_cycle(version, cycle) == belongs


def test_versions_of_providers_tell_who_mends_them() -> None:
    versions = ("v1.33.5-eks-3cfe0ce", "v1.33.5-gke.1308000", "v1.29.6+aba1e8d", "v1.35.2+k3s1", "v1.35.2")
    assert [provider_of(each) for each in versions] == ["Amazon EKS", "Google GKE", "OpenShift", "", ""]


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("v1.35.8", "1.35.8"), ("1.35.8-eks-1", "1.35.8"), ("v1.19", "1.19"), ("latest", ""), ("3", "")],
)
def test_the_numbers_of_a_version_are_taken(version: str, numbers: str) -> None:
    assert plain(version) == numbers


def test_scanners_are_known_by_maker_and_name() -> None:
    assert scanner_of("ghcr.io/aquasecurity/trivy-operator") == Scanner("Trivy Operator", "images")
    assert scanner_of("mcr.microsoft.com/azuredefender/stable/security-publisher") is not None
    assert scanner_of("example/neuvector-scanner") is None
    assert scanner_of("scanner") is None


def test_registries_that_scan_are_known_by_their_host() -> None:
    hosts = {
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/web": "Amazon ECR",
        "europe-docker.pkg.dev/p/r/web": "Google Artifact Analysis",
        "clinic.azurecr.io/web": "Defender for Containers",
        "quay.io/keycloak/keycloak": "Quay",
        "harbor.clinic.example:8443/web": "Harbor",
        "registry.example/harbor/web": "",
        "nginx": "",
        "k8s.gcr.io/etcd": "",
    }
    assert {name: scanning_registry(name) for name in hosts} == hosts
