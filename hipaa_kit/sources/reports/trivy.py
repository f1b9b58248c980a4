"""Trivy, `trivy k8s --format json` (`--report all` and `--report summary`).

Source: https://github.com/aquasecurity/trivy, `pkg/k8s/report/report.go` and `pkg/types/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

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
from hipaa_kit.vocabulary import FAILED_THERE, MUTED, NOT_EVALUATED, PASSED

TOOL: Final = "trivy"
SCAN: Final = "scan"
"""Stands for a check where the tool says that it could not look at an object at all."""

MODIFIED: Final = "ExperimentalModifiedFindings"
"""List of what was found, and is not to count."""

LOOKED_FOR: Final = (
    ("vulnerabilities", ("os-pkgs", "lang-pkgs"), "Vulnerabilities"),
    ("secrets", ("secret",), "Secrets"),
)
"""What an image was looked at for, by the classes of results, and the list of what was found."""

OUTCOMES: Final = {
    "pass": PASSED,
    "fail": FAILED_THERE,
    "exception": MUTED,
    "found": FAILED_THERE,
    "ignored": MUTED,
    "error": NOT_EVALUATED,
}


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of `trivy k8s`: of all resources, or with findings put together."""
    return isinstance(at(document, "ClusterName"), str) and any(
        isinstance(at(document, name), list) for name in ("Resources", "Findings")
    )


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per misconfiguration, vulnerability and secret of a resource.

    A resource with `Error` was not scanned, or not to the end: that is a row, because no findings of it are
    no sign that it is clean. `Match` and `Code` of secrets and causes hold content and are not looked at.
    Only `--include-non-failures` makes Trivy list what passed.
    """
    for name in ("Resources", "Findings"):
        for place, resource in reading.entries(document, name, ""):
            kind, given = text(resource, "Kind"), text(resource, "Name")
            named = reading.object(kind, text(resource, "Namespace"), given)
            if not named:
                reading.problem(place, "names no resource")
                continue
            if error := at(resource, "Error"):
                yield from _not_scanned(place, error, named, reading)
            general = {"tool": TOOL, "object": named, "image": next(filter(None, names_of(resource)), "")}
            for where, result in reading.entries(resource, "Results", place):
                yield from result_rows(result, where, general, reading)


def _not_scanned(place: str, error: Any, named: str, reading: Reading) -> Iterator[Row]:
    digest = reading.digests(error)
    yield from reading.row(
        f"{place}/Error", check=SCAN, said="error", outcomes=OUTCOMES, tool=TOOL, object=named, message_digest=digest
    )


def result_rows(result: Mapping[str, Any], place: str, general: Mapping[str, str], reading: Reading) -> Iterator[Row]:
    """Yield a row per misconfiguration, vulnerability and secret of one result."""
    general = {**general, "part": text(result, "Target")}
    for where, found in reading.entries(result, "Misconfigurations", place):
        yield from _misconfiguration(found, where, at(found, "Status"), general, reading)
    for where, found in reading.entries(result, "Vulnerabilities", place):
        yield from _vulnerability(found, where, "found", general, reading)
    for where, found in reading.entries(result, "Secrets", place):
        yield from reading.row(
            where,
            check=at(found, "RuleID"),
            said="found",
            outcomes=OUTCOMES,
            title=text(found, "Title"),
            severity=severity(text(found, "Severity")),
            **general,
        )
    for where, modified in reading.entries(result, MODIFIED, place):
        found = mapping(modified, "Finding")
        read_one = _vulnerability if "VulnerabilityID" in found else _misconfiguration
        yield from read_one(found, where, at(modified, "Status"), general, reading)


def _misconfiguration(
    found: Mapping[str, Any], where: str, said: Any, general: Mapping[str, str], reading: Reading
) -> Iterator[Row]:
    yield from reading.row(
        where,
        check=at(found, "ID") or at(found, "AVDID"),
        said=said,
        outcomes=OUTCOMES,
        title=text(found, "Title"),
        severity=severity(text(found, "Severity")),
        message_digest=reading.digests(at(found, "Message")),
        **general,
    )


def scans(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield which images of resources were looked at, and for what; of one with an error, none."""
    for name in ("Resources", "Findings"):
        for place, resource in reading.entries(document, name, ""):
            if not at(resource, "Error"):
                named = reading.object(text(resource, "Kind"), text(resource, "Namespace"), text(resource, "Name"))
                yield from looks(resource, place, {"tool": TOOL, "object": named or ""}, reading)


def looks(held: Mapping[str, Any], place: str, general: Mapping[str, str], reading: Reading) -> Iterator[Row]:
    """Yield what the results of one image show that it was looked at for.

    Packages are a result also where nothing is wrong with them, and where nobody asked whether there is: what was
    found is not told where no result says more than them. Secrets are a result only where some were found.
    """
    about = _metadata(held)
    image = ScannedImage.of(*names_of(held), image_id=text(about, "ImageID"))
    results = [each for _, each in reading.entries(held, "Results", place)]
    system = {
        "os_family": text(about, "OS", "Family"),
        "os_version": text(about, "OS", "Name"),
        "os_ended": at(about, "OS", "EOSL") is True,
    }
    for purpose, classes, key in LOOKED_FOR:
        mine = [each for each in results if text(each, "Class") in classes]
        if mine:
            found = sum(len(each[key]) for each in mine if isinstance(each.get(key), list))
            told = any(key in each or MODIFIED in each for each in mine) or not any("Packages" in each for each in mine)
            yield reading.scan(
                f"{place}/Results/{purpose}", purpose, found if told else None, image, **system, **general
            )


def names_of(held: Mapping[str, Any]) -> list[str]:
    """Return what an image is called, with its digest first."""
    about = _metadata(held)
    return [*texts(about, "RepoDigests"), *texts(about, "RepoTags")]


def _metadata(held: Mapping[str, Any]) -> Any:
    """Return what a report says of an image; `Metadata` is one map, or in newer reports a list with one per image."""
    found = at(held, "Metadata")
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _vulnerability(
    found: Mapping[str, Any], where: str, said: Any, general: Mapping[str, str], reading: Reading
) -> Iterator[Row]:
    yield from reading.row(
        where,
        check=at(found, "VulnerabilityID"),
        said=said,
        outcomes=OUTCOMES,
        title=text(found, "Title"),
        severity=severity(text(found, "Severity")),
        vulnerability=text(found, "VulnerabilityID"),
        package=text(found, "PkgName"),
        installed_version=text(found, "InstalledVersion"),
        fixed_version=text(found, "FixedVersion"),
        score=_score(found),
        published_at=moment(at(found, "PublishedDate")),
        **general,
    )


def _score(found: Mapping[str, Any]) -> float | None:
    """Return the CVSS score of NVD, or else the highest of other sources."""
    scores = mapping(found, "CVSS")
    if (nvd := number(scores, "nvd", "V3Score")) is not None:
        return nvd
    return max(filter(None, (number(scores, name, "V3Score") for name in scores)), default=None)
