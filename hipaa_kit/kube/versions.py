"""Versions of Kubernetes and of what runs beside it, as servers, nodes and images tell them."""

from __future__ import annotations

import re
from typing import Final

_RELEASE: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})\b")


def release_of(version: str) -> tuple[int, int] | None:
    """Return major and minor number of a version such as `v1.35.4-eks-1a2b3c`; None where it begins with neither.

    Source: https://kubernetes.io/releases/version-skew-policy/#supported-versions
    """
    found = _RELEASE.match(version)
    return (int(found[1]), int(found[2])) if found else None


def kubernetes_minor(version: str) -> int | None:
    """Return N of a version 1.N of Kubernetes; None where it is none, or is not known."""
    release = release_of(version)
    return release[1] if release and release[0] == 1 else None
