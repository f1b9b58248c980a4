"""Policy reports, as Kyverno and others write them.

Source: https://github.com/kubernetes-sigs/wg-policy-prototypes, `policy-report/` (`wgpolicyk8s.io`), and
https://github.com/openreports/reports-api (`openreports.io`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube import kinds
from hipaa_kit.sources.reports.rows import Reading, Row, at, mapping, moment, severity, text
from hipaa_kit.vocabulary import FAILED_THERE, NOT_EVALUATED, PASSED

TOOL: Final = "policy-report"
"""Where a result does not name its engine."""

KINDS: Final = frozenset(
    [
        ("wgpolicyk8s.io", "PolicyReport"),
        ("wgpolicyk8s.io", "ClusterPolicyReport"),
        ("openreports.io", "Report"),
        ("openreports.io", "ClusterReport"),
    ]
)

OUTCOMES: Final = {
    "pass": PASSED,
    "fail": FAILED_THERE,
    # Not met, and by whoever wrote the policy not to be counted.
    "warn": FAILED_THERE,
    "error": NOT_EVALUATED,
    "skip": NOT_EVALUATED,
}


def recognise(document: Any) -> bool:
    """Tell whether a document is a policy report of either API."""
    return (kinds.group_of(text(document, "apiVersion")), text(document, "kind")) in KINDS


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per result and resource; a result that names none is about the report's scope.

    `message` and `description` repeat values of the object; digests alone pass. `properties` are not looked at.
    """
    own = text(document, "metadata", "namespace")
    for place, result in reading.entries(document, "results", ""):
        named = [*reading.entries(result, "resources", place), *reading.entries(result, "subjects", place)]
        if not named:
            scope = at(document, "scope")
            named = [(place, scope)] if isinstance(scope, Mapping) else []
        if not named:
            reading.problem(place, "names no resource, and the report has no scope")
        for where, resource in named:
            policy = at(result, "policy")
            yield from reading.row(
                where,
                check=policy,
                said=at(result, "result") or at(result, "status"),
                outcomes=OUTCOMES,
                tool=text(result, "source") or text(document, "source") or TOOL,
                reported_at=moment(at(mapping(result, "timestamp"), "seconds")),
                title=text(result, "rule"),
                object=_object(resource, own, reading),
                severity=severity(text(result, "severity")),
                message_digest=reading.digests(at(result, "message") or at(result, "description")),
            )


def _object(resource: Mapping[str, Any], own: str, reading: Reading) -> str | None:
    """Return the object; one of a namespaced kind that names no namespace lies in the report's own."""
    kind, namespace = text(resource, "kind"), text(resource, "namespace")
    known = kinds.find(*kinds.canonical_group(kinds.group_of(text(resource, "apiVersion")), kind))
    if known is not None and not known.namespaced:
        return reading.object(kind, "", text(resource, "name"))
    return reading.object(kind, namespace or own, text(resource, "name"))
