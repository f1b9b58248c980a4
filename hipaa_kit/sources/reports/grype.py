"""Grype, `grype IMAGE -o json`.

Source: https://github.com/anchore/grype, `grype/presenter/models/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.reports.rows import (
    Reading,
    Row,
    ScannedImage,
    at,
    mapping,
    moment,
    number,
    severity,
    text,
    texts,
)
from hipaa_kit.vocabulary import FAILED_THERE

TOOL: Final = "grype"
OUTCOMES: Final = {"found": FAILED_THERE}


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of Grype about an image."""
    return (
        isinstance(at(document, "matches"), list)
        and text(document, "descriptor", "name") == TOOL
        and text(document, "source", "type") == "image"
    )


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per match of a package with a vulnerability."""
    general = {
        **_tool(document),
        "reported_at": moment(at(document, "descriptor", "timestamp")),
        "object": object_id("Image", "", reading.plain(text(document, "source", "target", "userInput"))),
        "image": next(filter(None, _names(document)), ""),
    }
    for where, match in reading.entries(document, "matches", ""):
        found = mapping(match, "vulnerability")
        # A list of what is known to be exploited stands there in newer reports only; its lack says nothing.
        exploited = at(found, "knownExploited")
        yield from reading.row(
            where,
            check=at(found, "id"),
            said="found",
            outcomes=OUTCOMES,
            severity=severity("info" if text(found, "severity") == "Negligible" else text(found, "severity")),
            vulnerability=_vulnerability(match),
            package=text(match, "artifact", "name"),
            installed_version=text(match, "artifact", "version"),
            fixed_version=", ".join(texts(found, "fix", "versions")),
            score=_highest(at(found, "cvss"), "metrics", "baseScore"),
            epss=_highest(at(found, "epss"), "epss"),
            exploited=True if isinstance(exploited, list) and exploited else None,
            **general,
        )


def scans(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the image that was looked at."""
    yield reading.scan(
        "/matches",
        "vulnerabilities",
        len(document["matches"]),
        ScannedImage.of(*_names(document), image_id=text(document, "source", "target", "imageID")),
        scanned_at=moment(at(document, "descriptor", "timestamp")),
        os_family=text(document, "distro", "name"),
        os_version=text(document, "distro", "version"),
        **_tool(document),
    )


def _tool(document: Any) -> dict[str, str]:
    return {"tool": TOOL, "tool_version": text(document, "descriptor", "version")}


def _names(document: Any) -> list[str]:
    """Return what the image is called, with its digest first."""
    target = mapping(document, "source", "target")
    return [*texts(target, "repoDigests"), *texts(target, "tags"), text(target, "userInput")]


def _vulnerability(match: Mapping[str, Any]) -> str:
    """Return the CVE of a match, which lists and tickets name, or else the name that its source gives."""
    related = at(match, "relatedVulnerabilities")
    entries = [at(match, "vulnerability"), *(related if isinstance(related, list) else [])]
    names = [text(each, "id") for each in entries]
    return next((name for name in names if name.startswith("CVE-")), names[0])


def _highest(entries: Any, *path: str) -> float | None:
    held = [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    return max((found for each in held if (found := number(each, *path)) is not None), default=None)
