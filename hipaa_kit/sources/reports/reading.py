"""Whose report is this, and what does it say: recognised by content, never by the name of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hipaa_kit.sources.reports import (
    bills_of_materials,
    falco,
    grype,
    kube_bench,
    kubescape,
    policy_report,
    prowler,
    trivy,
    trivy_image,
    trivy_operator,
)
from hipaa_kit.sources.reports.rows import Problem, Reading, Row, text


class Reader(Protocol):
    """What the module of one tool has."""

    def recognise(self, document: Any) -> bool:
        """Tell whether a document is a report of the tool."""

    def read(self, document: Any, reading: Reading) -> Iterator[Row]:
        """Yield rows of table `scanner_findings`."""


READERS: Final[tuple[Reader, ...]] = (
    kubescape,
    trivy,
    trivy_image,
    trivy_operator,
    grype,
    bills_of_materials,
    kube_bench,
    prowler,
    policy_report,
    falco,
)

SCANS: Final[dict[Reader, Callable[[Any, Reading], Iterator[Row]]]] = {
    each: each.scans for each in (trivy, trivy_image, trivy_operator, grype, bills_of_materials)
}
"""Modules of tools that look at images, each with the function that says which ones it looked at."""


@dataclass(frozen=True)
class ReportFindings:
    """What one report says.

    Attributes
    ----------
    rows
        Rows of table `scanner_findings`.
    unreadable
        Rows of table `unreadable`: places of the report that are not among `rows`.
    scans
        Rows of table `vulnerability_scans` and its like: which images were looked at, and for what.
    """

    rows: list[Row]
    unreadable: list[dict[str, str]]
    scans: list[Row] = field(default_factory=list)


def is_report(document: Any) -> bool:
    """Tell whether a document, or an item of a list of objects, is a report of another scanner."""
    return any(_reader(item) for _, item in _parts(document, ""))


def findings_of(document: Any, source: str, position: str, digest: Callable[[str], str]) -> ReportFindings | None:
    """Return what a report of another scanner says, or None where a document is none.

    Parameters
    ----------
    document
        Parsed JSON or YAML of any shape; it is not changed. A `List` of reports is read report by report.
    source, position
        File or request, and the JSON pointer or line in it.
    digest
        The installation's `Pseudonymizer`: makes keyed digests of messages.

    Returns
    -------
    ReportFindings or None
        Nothing in it is free text of the report. Whatever is in a `List` and no report is left out.
    """
    found = [(place, item, reader) for place, item in _parts(document, position) if (reader := _reader(item))]
    if not found:
        return None
    readings = [(reader, item, Reading(source, place, digest)) for place, item, reader in found]
    return _collected(readings)


def findings_of_text(content: str, source: str, digest: Callable[[str], str]) -> ReportFindings | None:
    """Return what a report says that is text: Prowler's CSV, Falco's alerts by line, or JSON.

    Parameters
    ----------
    content
        The whole text.
    source
        File or request.
    digest
        The installation's `Pseudonymizer`.

    Returns
    -------
    ReportFindings or None
        None where the text is no report.
    """
    if prowler.recognise_csv(content):
        reading = Reading(source, "", digest)
        rows = list(prowler.read_csv(content, reading))
        return ReportFindings(rows, _unreadable(source, reading.problems))
    whole = _parsed(content)
    if whole is not None:
        return findings_of(whole, source, "", digest)
    return _alerts(content, source, digest)


def _parts(document: Any, position: str) -> Iterator[tuple[str, Any]]:
    """Yield a document, or the items of one that is a list of Kubernetes objects."""
    items = document.get("items") if isinstance(document, Mapping) else None
    if isinstance(items, list) and text(document, "kind").endswith("List"):
        for number, item in enumerate(items):
            yield f"{position}/items/{number}", item
    else:
        yield position, document


def _reader(document: Any) -> Reader | None:
    return next((reader for reader in READERS if reader.recognise(document)), None)


def _collected(readings: list[tuple[Reader, Any, Reading]]) -> ReportFindings:
    rows: list[Row] = []
    scans: list[Row] = []
    unreadable: list[dict[str, str]] = []
    for reader, item, reading in readings:
        rows += reader.read(item, reading)
        scans += SCANS[reader](item, reading) if reader in SCANS else ()
        unreadable += _unreadable(reading.source, reading.problems)
    return ReportFindings(rows, unreadable, scans)


def _unreadable(source: str, problems: list[Problem]) -> list[dict[str, str]]:
    """Return rows of table `unreadable`, one per place: two reasons for one place are one row."""
    first = {problem.position: problem.error for problem in reversed(problems)}
    return [{"source": source, "position": place, "error": error} for place, error in sorted(first.items())]


def _alerts(content: str, source: str, digest: Callable[[str], str]) -> ReportFindings | None:
    """Return alerts by line; None where no line is one. Falco writes its own log to the same stream."""
    readings: list[tuple[Reader, Any, Reading]] = []
    others: list[Problem] = []
    for number, line in enumerate(content.splitlines(), 1):
        document = _parsed(line) if line.lstrip().startswith("{") else None
        if falco.recognise(document):
            readings.append((falco, document, Reading(source, f":{number}", digest)))
        elif line.strip():
            others.append(Problem(f":{number}", "is no alert of Falco"))
    if not readings:
        return None
    found = _collected(readings)
    return ReportFindings(found.rows, found.unreadable + _unreadable(source, others))


def _parsed(content: str) -> Any:
    """Return JSON, or None for what is none or nests too deep to follow."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
