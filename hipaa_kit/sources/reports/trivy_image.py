"""Trivy, `trivy image --format json`: one image, without a cluster.

Source: https://github.com/aquasecurity/trivy, `pkg/types/report.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.reports.rows import Reading, Row, at, moment, text
from hipaa_kit.sources.reports.trivy import TOOL, looks, names_of, result_rows

IMAGE: Final = "container_image"


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of Trivy about an image."""
    return isinstance(document, Mapping) and text(document, "ArtifactType") == IMAGE and "SchemaVersion" in document


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per misconfiguration, vulnerability and secret of the image."""
    name = text(document, "ArtifactName")
    general = {
        **_tool(document),
        "reported_at": moment(at(document, "CreatedAt")),
        "object": object_id("Image", "", reading.plain(name)),
        "image": next(filter(None, [*names_of(document), name]), ""),
    }
    for where, result in reading.entries(document, "Results", ""):
        yield from result_rows(result, where, general, reading)


def scans(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield what the image was looked at for."""
    general = {**_tool(document), "scanned_at": moment(at(document, "CreatedAt"))}
    yield from looks(document, "", general, reading)


def _tool(document: Any) -> dict[str, str]:
    return {"tool": TOOL, "tool_version": text(document, "Trivy", "Version")}
