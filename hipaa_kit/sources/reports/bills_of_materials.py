"""Bills of materials of images, CycloneDX and SPDX, as Syft, Trivy and others write them.

They list packages and say nothing of them: they have no findings, and show which image was taken apart when.

Source: https://cyclonedx.org/docs/1.6/json/, https://spdx.github.io/spdx-spec/v2.3/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.reports.rows import Reading, Row, ScannedImage, at, mapping, moment, text

DIGEST: Final = re.compile(r"sha256(?::|%3A)([0-9a-f]{64})")


def recognise(document: Any) -> bool:
    """Tell whether a document is a bill of materials of either form."""
    cyclonedx = text(document, "bomFormat") == "CycloneDX"
    return cyclonedx or (text(document, "spdxVersion").startswith("SPDX-2") and "packages" in document)


def read(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every reader reads alike
    """Yield nothing: a bill of materials finds nothing."""
    yield from ()


def scans(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the image that a bill of materials is of; one of anything else yields none."""
    if text(document, "bomFormat"):
        root = mapping(document, "metadata", "component")
        if text(root, "type") == "container":
            yield _row(root, reading, "CycloneDX", at(document, "components"), at(document, "metadata", "timestamp"))
        return
    for _, package in reading.entries(document, "packages", ""):
        if text(package, "primaryPackagePurpose") == "CONTAINER":
            created = at(document, "creationInfo", "created")
            yield _row(package, reading, "SPDX", at(document, "packages"), created)
            return


def _row(root: Mapping[str, Any], reading: Reading, form: str, packages: Any, created: Any) -> Row:
    name = text(root, "name")
    digest = next((f"sha256:{found[1]}" for said in _said(root) if (found := DIGEST.search(said))), "")
    reference = name if "@" in name or not digest else f"{name}@{digest}"
    count = len(packages) if isinstance(packages, list) else None
    return reading.scan(
        "", "packages", count, ScannedImage.of(reference), tool=form, scanned_at=moment(created), format=form
    )


def _said(root: Mapping[str, Any]) -> Iterator[str]:
    """Yield where tools write the digest of an image: Syft as its version, Trivy as a property or in the purl."""
    yield from (text(root, "version"), text(root, "versionInfo"), text(root, "purl"))
    for key, name in (("properties", "value"), ("externalRefs", "referenceLocator")):
        held = at(root, key)
        for entry in held if isinstance(held, list) else ():
            if key == "externalRefs" or text(entry, "name").endswith("RepoDigest"):
                yield text(entry, name)
