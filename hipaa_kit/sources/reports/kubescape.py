"""Kubescape, JSON of format version v2.

Source: https://github.com/kubescape/opa-utils, `reporthandling/results/v1/` (`resourcesresults`, `reportsummary`)
and `reporthandling/apis/statuses.go`; ids of controls at https://hub.armosec.io/docs/controls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.reports.rows import Reading, Row, at, mapping, moment, severity, text
from hipaa_kit.vocabulary import FAILED_THERE, MANUAL, MUTED, NOT_EVALUATED, PASSED

TOOL: Final = "kubescape"

OUTCOMES: Final = {
    "passed": PASSED,
    "failed": FAILED_THERE,
    "skipped": NOT_EVALUATED,
    "passed w/exceptions": MUTED,
    "excluded": MUTED,
    # A control that has nothing to do with the object is counted as passed there; it was not put to the test.
    "passed irrelevant": NOT_EVALUATED,
    "skipped manual review": MANUAL,
    "skipped requires review": MANUAL,
}
_VERSION: Final = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")
_SUBJECTS: Final = frozenset(["Group", "ServiceAccount", "User"])
_WORST: Final = ("failed", "skipped", "excluded", "passed")
_BY_SCORE: Final = ((9, "critical"), (7, "high"), (4, "medium"), (1, "low"))


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of Kubescape."""
    return isinstance(at(document, "summaryDetails"), Mapping) and isinstance(at(document, "results"), list)


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per control and resource.

    `resources[].object` and `results[].rawResource` are whole objects of the cluster, at times Secrets: they
    are not looked at.
    """
    told = mapping(document, "summaryDetails", "controls")
    general = {
        "tool": TOOL,
        "tool_version": text(document, "metadata", "scanMetadata", "kubescapeVersion"),
        "reported_at": moment(at(document, "generationTime")),
    }
    for place, result in reading.entries(document, "results", ""):
        named = _object(reading, at(result, "resourceID"))
        if named is None:
            reading.problem(place, "names no resource")
            continue
        for where, control in reading.entries(result, "controls", place):
            check = text(control, "controlID")
            yield from reading.row(
                where,
                check=check,
                said=_said(control),
                outcomes=OUTCOMES,
                title=text(control, "name"),
                object=named,
                severity=_severity(control, mapping(told, check)),
                **general,
            )


def _object(reading: Reading, resource: Any) -> str | None:
    """Return the object of `<group>/<version>/<namespace>/<Kind>/<name>`, whose empty parts are kept.

    The id of a core object starts with an empty group, `/v1/ehr/Pod/web`; a name may hold a slash. The id of a
    subject of role bindings has no version and goes on with the ids of those: `<group>//Group/<name>/<id>/…`.
    """
    parts = resource.split("/", 4) if isinstance(resource, str) else []
    if len(parts) < 5:
        return None
    _, second, third, fourth, rest = parts
    if _VERSION.fullmatch(second):
        return reading.object(fourth, third, rest)
    if third in _SUBJECTS:
        return reading.object(third, second, fourth)
    return None


def _said(control: Mapping[str, Any]) -> str:
    """Return status and sub-status; of old reports, which have none per control, the worst of its rules."""
    status = at(control, "status")
    if isinstance(status, Mapping):
        return f"{text(status, 'status')} {text(status, 'subStatus')}".strip()
    if isinstance(status, str):
        return status
    rules = at(control, "rules")
    found = {text(rule, "status") for rule in rules} if isinstance(rules, list) else set()
    return next((word for word in _WORST if word in found), "")


def _severity(control: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """Return the severity, or that of the control's score, in the steps of `reporthandling/apis/severity.go`."""
    if word := text(control, "severity") or text(summary, "severity"):
        return severity(word)
    score = at(summary, "scoreFactor")
    if not isinstance(score, int | float) or isinstance(score, bool):
        return ""
    return next((word for least, word in _BY_SCORE if score >= least), "unknown")
