"""Custom resources of trivy-operator, group `aquasecurity.github.io`.

Source: https://github.com/aquasecurity/trivy-operator, `pkg/apis/aquasecurity/v1alpha1/`, and
https://aquasecurity.github.io/trivy-operator/latest/docs/crds/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.images import Image
from hipaa_kit.kube.kinds import group_of
from hipaa_kit.sources.reports.rows import (
    WHOLE_CLUSTER,
    Reading,
    Row,
    ScannedImage,
    at,
    mapping,
    moment,
    number,
    severity,
    text,
)
from hipaa_kit.vocabulary import FAILED_THERE, NOT_EVALUATED, PASSED

TOOL: Final = "trivy-operator"
GROUP: Final = "aquasecurity.github.io"
KINDS: Final = frozenset(
    """
    ClusterComplianceReport ClusterConfigAuditReport ClusterInfraAssessmentReport ClusterRbacAssessmentReport
    ClusterSbomReport ClusterVulnerabilityReport ConfigAuditReport ExposedSecretReport InfraAssessmentReport
    RbacAssessmentReport SbomReport VulnerabilityReport
    """.split()
)
"""Kinds with results. Bills of materials (`SbomReport`) list packages and find nothing."""

PURPOSES: Final = {
    "ClusterSbomReport": "packages",
    "ClusterVulnerabilityReport": "vulnerabilities",
    "ExposedSecretReport": "secrets",
    "SbomReport": "packages",
    "VulnerabilityReport": "vulnerabilities",
}
"""What each kind looks at an image for; what it found is the list of that name, but for packages, which it counts."""

VULNERABILITIES: Final = "vulnerabilities"
"""Stands for a check where an image was scanned and nothing was found in it."""

OUTCOMES: Final = {
    "success": PASSED,
    "failure": FAILED_THERE,
    "found": FAILED_THERE,
    "none found": PASSED,
    "not evaluated": NOT_EVALUATED,
}
_LABEL: Final = "trivy-operator.resource."


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of trivy-operator."""
    return group_of(text(document, "apiVersion")) == GROUP and text(document, "kind") in KINDS


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per vulnerability, check, secret or control.

    Reports of ReplicaSets that were replaced stay for a while: an object that is not there any more is still
    named as the report names it.
    """
    if text(document, "kind") == "ClusterComplianceReport":
        yield from _compliance(document, reading)
        return
    if PURPOSES.get(text(document, "kind")) == "packages":
        return
    report = at(document, "report")
    named = _object(document, reading)
    if not isinstance(report, Mapping):
        reading.problem("/report", "is not an object")
        return
    if not named:
        reading.problem("/metadata", "names no resource")
        return
    general = {
        "tool": TOOL,
        "tool_version": text(report, "scanner", "version"),
        "reported_at": moment(at(report, "updateTimestamp")),
        "object": named,
        "part": text(document, "metadata", "labels", "trivy-operator.container.name"),
        "image": _image(report),
    }
    yield from _checks(report, general, reading)
    yield from _secrets(report, general, reading)
    if text(document, "kind").endswith("VulnerabilityReport"):
        yield from _vulnerabilities(report, general, reading)


def scans(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield which image a report is about, and what it was looked at for."""
    report, purpose = at(document, "report"), PURPOSES.get(text(document, "kind"), "")
    if not purpose or not isinstance(report, Mapping):
        return
    if purpose == "packages":
        count = at(report, "summary", "componentsCount")
        found = count if isinstance(count, int) and not isinstance(count, bool) else None
    elif isinstance(listed := at(report, purpose), list):
        found = len(listed)
    else:
        return  # what is not there at all is no result
    yield reading.scan(
        "/report",
        purpose,
        found,
        _scanned_image(report),
        tool=TOOL,
        tool_version=text(report, "scanner", "version"),
        scanned_at=moment(at(report, "updateTimestamp")),
        object=_object(document, reading) or "",
        container=text(document, "metadata", "labels", "trivy-operator.container.name"),
        os_family=text(report, "os", "family"),
        os_version=text(report, "os", "name"),
        os_ended=at(report, "os", "eosl") is True,
        format="CycloneDX" if purpose == "packages" else "",
    )


def _scanned_image(report: Any) -> ScannedImage:
    """Return the image of a report.

    Of an image that a pod names by tag the digest is that of its configuration, and not the registry's.
    Source: https://github.com/aquasecurity/trivy-operator, `pkg/plugins/trivy`, `parseImageRef`.
    """
    name, tag, digest = _named(report)
    if tag:
        return ScannedImage.of(f"{name}:{tag}", image_id=digest)
    return ScannedImage.of(f"{name}@{digest}")


def _named(report: Any) -> Image:
    """Return the parts of the image of a report, its registry in front."""
    repository, tag, digest = (text(report, "artifact", key) for key in ("repository", "tag", "digest"))
    server = text(report, "registry", "server")
    return Image(f"{server}/{repository}" if server else repository, tag, digest)


def _object(document: Any, reading: Reading) -> str | None:
    """Return the object that a report is about.

    A name that cannot be a label stands there as a hash; then it is that of the owner, or in an annotation.
    """
    metadata = mapping(document, "metadata")
    labels = mapping(metadata, "labels")
    kind, namespace = text(labels, f"{_LABEL}kind"), text(labels, f"{_LABEL}namespace")
    owners = at(metadata, "ownerReferences")
    owned = [text(owner, "name") for owner in owners if text(owner, "kind") == kind] if isinstance(owners, list) else []
    name = text(labels, f"{_LABEL}name") or next(filter(None, owned), "")
    if not name and f"{_LABEL}name-hash" in labels:
        # Redaction puts a pseudonym in the annotation's place: equal names still have equal ones.
        name = text(metadata, "annotations", f"{_LABEL}name") or text(labels, f"{_LABEL}name-hash")
    return reading.object(kind, namespace, name)


def _image(report: Mapping[str, Any]) -> str:
    """Return `server/repository:tag@digest` with as much of it as there is."""
    if not text(report, "artifact", "repository"):
        return ""
    name, tag, digest = _named(report)
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _checks(report: Mapping[str, Any], general: Mapping[str, str], reading: Reading) -> Iterator[Row]:
    for where, check in reading.entries(report, "checks", "/report"):
        success, messages = at(check, "success"), at(check, "messages")
        yield from reading.row(
            where,
            check=at(check, "checkID"),
            said={True: "success", False: "failure"}.get(success) if isinstance(success, bool) else None,
            outcomes=OUTCOMES,
            title=text(check, "title"),
            severity=severity(text(check, "severity")),
            message_digest=reading.digests(*messages) if isinstance(messages, list) else "",
            **general,
        )


def _secrets(report: Mapping[str, Any], general: Mapping[str, str], reading: Reading) -> Iterator[Row]:
    """Yield what rules found secrets; `match` is content and is not looked at."""
    for where, secret in reading.entries(report, "secrets", "/report"):
        yield from reading.row(
            where,
            check=at(secret, "ruleID"),
            said="found",
            outcomes=OUTCOMES,
            title=text(secret, "title"),
            severity=severity(text(secret, "severity")),
            **general,
        )


def _vulnerabilities(report: Mapping[str, Any], general: Mapping[str, str], reading: Reading) -> Iterator[Row]:
    if at(report, "vulnerabilities") == []:
        place = "/report/vulnerabilities"
        yield from reading.row(place, check=VULNERABILITIES, said="none found", outcomes=OUTCOMES, **general)
    for where, found in reading.entries(report, "vulnerabilities", "/report"):
        yield from reading.row(
            where,
            check=at(found, "vulnerabilityID"),
            said="found",
            outcomes=OUTCOMES,
            title=text(found, "title"),
            severity=severity(text(found, "severity")),
            vulnerability=text(found, "vulnerabilityID"),
            package=text(found, "resource"),
            installed_version=text(found, "installedVersion"),
            fixed_version=text(found, "fixedVersion"),
            score=number(found, "score"),
            published_at=moment(at(found, "publishedDate")),
            **general,
        )


def _compliance(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per control of a benchmark; one without a number of failures was not evaluated."""
    status = mapping(document, "status")
    benchmark = text(status, "summaryReport", "id") or text(document, "metadata", "name")
    for where, control in reading.entries(mapping(status, "summaryReport"), "controlCheck", "/status/summaryReport"):
        check = text(control, "id")
        yield from reading.row(
            where,
            check=f"{benchmark}/{check}" if check else None,
            said=_total(at(control, "totalFail")),
            outcomes=OUTCOMES,
            title=text(control, "name"),
            severity=severity(text(control, "severity")),
            tool=TOOL,
            reported_at=moment(at(status, "updateTimestamp")),
            object=WHOLE_CLUSTER,
        )


def _total(failures: Any) -> str | None:
    if failures is None:
        return "not evaluated"
    if not isinstance(failures, int) or isinstance(failures, bool):
        return None
    return "failure" if failures else "success"
