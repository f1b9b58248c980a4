"""Image references: their parts, and which registry serves an image.

Source: https://pkg.go.dev/github.com/distribution/reference: the first part of a name is a registry where it holds
a dot or a colon, is `localhost`, or is not in lower case; else the image is Docker Hub's.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DOCKER_HUB = "docker.io"

_HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]+"
_REFERENCE: Final = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@{_DIGEST})?")
_ARCHITECTURE: Final = re.compile(r"-(?:amd64|arm|arm64|arm64v8|ppc64le|s390x)$")


class Image(NamedTuple):
    """An image reference in its parts."""

    repository: str
    tag: str
    digest: str


def parse_image(image: str) -> Image:
    """Return repository, tag and digest of an image reference.

    Source: https://pkg.go.dev/github.com/distribution/reference: a digest follows `@`, a tag follows the
    last `:` after the last `/`; a registry may carry a port.
    """
    rest, _, digest = image.partition("@")
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return Image(f"{head}{slash}{name}", tag, digest)


def is_image(image: str) -> bool:
    """Tell whether a text names an image; what a template has still to fill in, as `${IMAGE}`, does not.

    Source: https://pkg.go.dev/github.com/distribution/reference: the grammar of references. How long a digest has to
    be is left to who pulls it.
    """
    return _REFERENCE.fullmatch(image) is not None


def image_name(repository: str) -> str:
    """Return the last part of a repository, in lower case and without the architecture that it may end in.

    Images of Kubernetes were published for one architecture each before lists of them were:
    `gcr.io/google_containers/etcd-amd64` is etcd.

    Source: cluster/images/etcd/README.md of early releases of https://github.com/kubernetes/kubernetes, read 2026-11-27

    Parameters
    ----------
    repository
        Name of an image without tag and digest, as it is written in a pod.
    """
    return _ARCHITECTURE.sub("", repository.rpartition("/")[2].lower())


def registry_of(repository: str) -> str:
    """Return the host, and port, of the registry that serves a repository.

    Parameters
    ----------
    repository
        Name of an image without tag and digest, as it is written in a pod.
    """
    first, slash, _ = repository.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    return DOCKER_HUB if not named or first == f"index.{DOCKER_HUB}" else first


def full_repository(repository: str) -> str:
    """Return a repository with its registry in front, and `library/` for the images of Docker Hub itself."""
    registry = registry_of(repository)
    if registry != DOCKER_HUB:
        return repository
    rest = repository.removeprefix(f"index.{DOCKER_HUB}/").removeprefix(f"{DOCKER_HUB}/")
    return f"{DOCKER_HUB}/{rest if '/' in rest else f'library/{rest}'}"


def is_within(repository: str, place: str) -> bool:
    """Tell whether a repository lies in a registry, or in a part of one that is written `host/path`."""
    place, full = place.rstrip("/"), full_repository(repository)
    return full == place or full.startswith(f"{place}/")
