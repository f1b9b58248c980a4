"""Reports of other scanners, given as files: what they say stands beside our findings and is never our verdict.

The readers, one per tool, are those of `sources.reports`, which also read reports that a cluster keeps as objects.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.parsing import Sheet
from hipaa_kit.sources.inputs.values import line, moment, text
from hipaa_kit.sources.reports import ReportFindings, findings_of, findings_of_text, is_report
from hipaa_kit.tables.reports import SCANNER_REPORTS
from hipaa_kit.tables.vulnerabilities import KNOWN_EXPLOITED, REPORTED_SCANS
from hipaa_kit.vocabulary import NOT_EVALUATED

PROWLER: Final = frozenset(["CHECK_ID", "STATUS"])


def is_document(document: Any) -> bool:
    """Tell whether a document is a report, or one entry of a report that is a list."""
    return not isinstance(document, Sheet) and (is_report(document) or is_report([document]))


def read_document(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield what a report in JSON or YAML says."""
    whole = document if is_report(document) else [document]
    yield from _rows(findings_of(whole, reading.source, reading.position, reading.pseudonym), reading)


def is_sheet(document: Any) -> bool:
    """Tell whether a table is a report of Prowler."""
    return isinstance(document, Sheet) and set(document.columns) >= PROWLER


def read_sheet(document: Sheet, reading: Reading) -> Iterator[Row]:
    """Yield what a report of Prowler in CSV says."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(document.columns)
    writer.writerows(row.values() for _, row in document.rows)
    yield from _rows(findings_of_text(text.getvalue(), reading.source, reading.pseudonym), reading)


def is_exploited_list(document: Any) -> bool:
    """Tell whether a document is CISA's catalogue."""
    return bool(text(document, "catalogVersion")) and isinstance(document.get("vulnerabilities"), list)


def read_exploited_list(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield the vulnerabilities of the catalogue.

    Source: https://www.cisa.gov/known-exploited-vulnerabilities-catalog.
    """
    for entry in items(document["vulnerabilities"]):
        if name := text(entry, "cveID"):
            values = {
                "vulnerability": name,
                "added_on": moment(text(entry, "dateAdded"))[:10],
                "due_on": moment(text(entry, "dueDate"))[:10],
                "list_on": moment(text(document, "dateReleased"))[:10],
            }
            yield Row(KNOWN_EXPLOITED, values)


def _rows(found: ReportFindings | None, reading: Reading) -> Iterator[Row]:
    if found is None:
        return
    for row in found.rows:
        yield Row(SCANNER_REPORTS, row)
    for scan in found.scans:
        yield Row(REPORTED_SCANS, {**scan, "scanned_at": moment(scan.get("scanned_at", ""))})
    tool = str(found.rows[0]["tool"]) if found.rows else "not known"
    for problem in found.unreadable:
        values = {"tool": tool, "check": "unreadable", "said": line(problem["error"]), "outcome": NOT_EVALUATED}
        yield Row(SCANNER_REPORTS, {**values, "source": reading.source, "position": problem["position"]})


INPUTS: Final = (
    Input(
        "scanner_reports",
        "reports of other scanners",
        (
            Form("report of a scanner", is_document, read_document),
            Form("report of Prowler in CSV", is_sheet, read_sheet),
        ),
        (SCANNER_REPORTS, REPORTED_SCANS),
        "kubescape scan --format json --format-version v2 --output inputs/kubescape.json; "
        "trivy k8s --report all --format json --output inputs/trivy.json; kube-bench --json > inputs/kube-bench.json; "
        "prowler kubernetes -M json-ocsf; "
        "trivy image --format json --output inputs/IMAGE.json IMAGE; grype IMAGE -o json > inputs/IMAGE.json; "
        "syft IMAGE -o cyclonedx-json > inputs/IMAGE.cdx.json",
    ),
    Input(
        "known_exploited",
        "a list of vulnerabilities that are known to be exploited",
        (Form("CISA's catalogue of known exploited vulnerabilities, JSON", is_exploited_list, read_exploited_list),),
        (KNOWN_EXPLOITED,),
        "curl -s https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
        " > inputs/known_exploited.json",
    ),
)
