"""Versions as servers, nodes and images tell them."""

import pytest

from hipaa_kit.kube.versions import kubernetes_minor, release_of


@pytest.mark.parametrize(
    ("version", "release", "minor"),
    [
        ("v1.35.4", (1, 35), 35),
        ("1.28", (1, 28), 28),
        ("v1.33.1-gke.1", (1, 33), 33),
        ("v1.34.2-eks-1a2b3c", (1, 34), 34),
        ("1.27+", (1, 27), 27),
        ("v2.0.1", (2, 0), None),
        ("", None, None),
        ("v1", None, None),
        ("latest", None, None),
        ("v1.x", None, None),
        ("v1.35rc", None, None),
        ("xv1.35", None, None),
    ],
)
def test_a_release_is_what_a_version_begins_with(
    version: str, release: tuple[int, int] | None, minor: int | None
) -> None:
    assert release_of(version) == release
    assert kubernetes_minor(version) == minor
