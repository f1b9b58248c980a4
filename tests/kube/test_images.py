"""A name of an image says which registry serves it."""

import pytest

from hipaa_kit.kube.images import full_repository, image_name, is_image, is_within, registry_of


@pytest.mark.parametrize(
    ("repository", "registry", "full"),
    [
        ("postgres", "docker.io", "docker.io/library/postgres"),
        ("bitnami/redis", "docker.io", "docker.io/bitnami/redis"),
        ("docker.io/postgres", "docker.io", "docker.io/library/postgres"),
        ("index.docker.io/bitnami/redis", "docker.io", "docker.io/bitnami/redis"),
        ("quay.io/a/b", "quay.io", "quay.io/a/b"),
        ("localhost/a", "localhost", "localhost/a"),
        ("registry:5000/a/b", "registry:5000", "registry:5000/a/b"),
        ("Registry/a", "Registry", "Registry/a"),
        ("registry/a", "docker.io", "docker.io/registry/a"),
        ("10.0.0.1:5000/a", "10.0.0.1:5000", "10.0.0.1:5000/a"),
        ("", "docker.io", "docker.io/library/"),
    ],
)
def test_registry_of_a_repository(repository: str, registry: str, full: str) -> None:
    assert registry_of(repository) == registry
    assert full_repository(repository) == full


@pytest.mark.parametrize(
    ("repository", "place", "within"),
    [
        ("postgres", "docker.io", True),
        ("postgres", "docker.io/library", True),
        ("postgres", "docker.io/library/post", False),
        ("quay.io/a/b", "quay.io/a", True),
        ("quay.io/a/b", "quay.io/a/", True),
        ("quay.io/ab", "quay.io/a", False),
        ("quay.io.evil.example/a", "quay.io", False),
        ("quay.io/a/b", "quay.io/a/b", True),
    ],
)
def test_a_repository_lies_within_a_part_of_a_registry(repository: str, place: str, within: bool) -> None:
    assert is_within(repository, place) is within


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("etcd", "etcd"),
        ("registry:5000/a/Etcd", "etcd"),
        ("gcr.io/google_containers/etcd-amd64", "etcd"),
        ("gcr.io/google_containers/etcd-arm", "etcd"),
        ("gcr.io/google_containers/etcd-arm64", "etcd"),
        ("example/etcd-arm64v8", "etcd"),
        ("k8s.gcr.io/etcd-ppc64le", "etcd"),
        ("k8s.gcr.io/etcd-s390x", "etcd"),
        ("arm64v8/postgres", "postgres"),
        ("example/etcd-amd64-backup", "etcd-amd64-backup"),
        ("example/farm", "farm"),
        ("amd64", "amd64"),
        ("", ""),
    ],
)
def test_an_image_goes_by_its_name_without_the_architecture(repository: str, name: str) -> None:
    assert image_name(repository) == name


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("postgres", True),
        ("postgres:17.1-alpine", True),
        ("localhost/a", True),
        ("registry:5000/a/b__c/d---e:V_1", True),
        ("Registry.example/a.b/c_d", True),
        ("[2001:db8::1]:5000/a", True),
        ("quay.io/a/b@sha256:0123456789abcdef0123456789abcdef", True),
        ("quay.io/a/b:1@sha256:0123456789abcdef0123456789abcdef", True),
        ("", False),
        ("${IMAGE}", False),
        ("quay.io/a/b:${TAG}", False),
        ("quay.io/a/b@${DIGEST}", False),
        ("quay.io/a/b@", False),
        ("quay.io/a/b@sha256:", False),
        ("quay.io/a/b:", False),
        ("{{ .Values.image }}", False),
        ("IMAGE|-quay.io/a/b:1-|", False),
        ("quay.io/a/B", False),
        ("a..b", False),
        ("a b", False),
        ("a\n", False),
    ],
)
def test_what_is_still_to_be_filled_in_names_no_image(image: str, named: bool) -> None:
    assert is_image(image) is named
