"""kube-bench, `kube-bench --json`: the CIS benchmark, on the node it ran on.

Source: https://github.com/aquasecurity/kube-bench, `check/controls.go` and `check/check.go`. On a managed
control plane only the tests of nodes mean anything; the row's `part` says which tests they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.reports.rows import SOME_NODE, Reading, Row, at, text
from hipaa_kit.vocabulary import FAILED_THERE, MANUAL, NOT_EVALUATED, PASSED

TOOL: Final = "kube-bench"
OUTCOMES: Final = {
    "pass": PASSED,
    "fail": FAILED_THERE,
    "warn": MANUAL,
    "info": NOT_EVALUATED,
    "fail (unable to run)": NOT_EVALUATED,
}


def recognise(document: Any) -> bool:
    """Tell whether a document is a report of kube-bench: with totals, or one set of controls, as it once was."""
    if isinstance(at(document, "Controls"), list) and isinstance(at(document, "Totals"), Mapping):
        return True
    return "node_type" in document and "total_pass" in document if isinstance(document, Mapping) else False


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per test.

    `actual_value`, `audit`, `reason` and `remediation` are output of commands and advice: only digests pass.
    """
    if "Controls" not in document:
        yield from _controls(document, "", reading)
        return
    for place, controls in reading.entries(document, "Controls", ""):
        yield from _controls(controls, place, reading)


def _controls(controls: Mapping[str, Any], place: str, reading: Reading) -> Iterator[Row]:
    for within, group in reading.entries(controls, "tests", place):
        for where, test in reading.entries(group, "results", within):
            yield from reading.row(
                where,
                check=at(test, "test_number"),
                said=_said(test),
                outcomes=OUTCOMES,
                title=text(test, "test_desc"),
                tool=TOOL,
                tool_version=text(controls, "version"),
                object=SOME_NODE,
                part=text(controls, "node_type"),
                message_digest=reading.digests(at(test, "reason"), at(test, "actual_value")),
            )


def _said(test: Mapping[str, Any]) -> Any:
    """Return the status; a scored test that could not be run is reported as failed, and has a reason only.

    What was expected is written down when a test was carried out, `check/check.go`.
    """
    status = at(test, "status")
    unable = status == "FAIL" and text(test, "reason") and not text(test, "expected_result")
    return "FAIL (unable to run)" if unable else status
