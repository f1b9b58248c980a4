"""Where another scanner says of an object what our control does not: shown in both directions, decided by nobody.

A report never changes a verdict. A difference has reasons on either side: the scanner asks something else
(`differs`), read another moment, or one of the two is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.catalogue import ScannerCheck, canonical_check
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.reports import DISAGREEMENTS
from hipaa_kit.vocabulary import FAIL, FAILED_THERE, PASS, PASSED, REPORT_OUTCOMES

Said = Mapping[str, Any]


def disagreements(
    findings: pd.DataFrame,
    scanner_findings: pd.DataFrame,
    mapping: Iterable[ScannerCheck],
    workload_of: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return table `disagreements`: every mapped check of every report held against our finding on the object.

    Parameters
    ----------
    findings, scanner_findings
        Tables of those names.
    mapping
        Which check stands beside which control; see `catalogue.load_scanner_checks`.
    workload_of
        Workload that an object is judged under, by object (columns `object` and `workload` of table `pods`);
        objects that are not in it are compared under their own names.

    Returns
    -------
    pandas.DataFrame
        One row per object, control and check that differ. Of several results for one object the worst counts.

    Notes
    -----
    A control that this run did not carry out differs from nothing.

    "only they saw": they passed or failed the object, and we have no finding that passes or fails it.
    "only we saw": we did, and their report, which has the check elsewhere, does not speak of the object or did
    not judge it. A report that lists no passes at all says by its silence that nothing failed: then only our
    failures are such rows.
    """
    verdicts = {(row["check"], row["object"]): row["verdict"] for row in rows_of(findings)}
    said = _said(scanner_findings, workload_of or {})
    lists_passes = set(scanner_findings.loc[scanner_findings["outcome"] == PASSED, "tool"])
    rows: list[dict[str, Any]] = []
    judged = set(findings["check"])
    for mapped in mapping:
        if mapped.control not in judged:
            continue
        theirs = said.get((mapped.tool, mapped.check), {})
        ours = {name: verdict for (control, name), verdict in verdicts.items() if control == mapped.control}
        rows += _theirs(mapped, theirs, ours)
        if theirs:
            rows += _ours_alone(mapped, theirs, ours, mapped.tool in lists_passes)
    return DISAGREEMENTS.frame(rows)


def _said(scanner_findings: pd.DataFrame, workload_of: Mapping[str, str]) -> dict[tuple[str, str], dict[str, Said]]:
    """Return the worst that each check of each tool says of each object."""
    found: dict[tuple[str, str], dict[str, Said]] = {}
    for row in rows_of(scanner_findings):
        of_check = found.setdefault((row["tool"], canonical_check(row["tool"], row["check"])), {})
        name = workload_of.get(row["object"], row["object"])
        held = of_check.get(name)
        if held is None or REPORT_OUTCOMES.index(row["outcome"]) < REPORT_OUTCOMES.index(held["outcome"]):
            of_check[name] = row
    return found


def _theirs(mapped: ScannerCheck, theirs: Mapping[str, Said], ours: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield where they passed or failed an object and we did not say the same."""
    for name, said in theirs.items():
        verdict = ours.get(name, "")
        if said["outcome"] not in (PASSED, FAILED_THERE):
            continue
        if verdict not in (PASS, FAIL):
            yield _row(mapped, name, "only they saw", verdict, said)
        elif (verdict == PASS) != (said["outcome"] == PASSED):
            yield _row(mapped, name, "we pass, they fail" if verdict == PASS else "we fail, they pass", verdict, said)


def _ours_alone(
    mapped: ScannerCheck, theirs: Mapping[str, Said], ours: Mapping[str, str], lists_passes: bool
) -> Iterator[dict[str, Any]]:
    """Yield where we passed or failed an object and they did neither."""
    for name, verdict in ours.items():
        said = theirs.get(name)
        judged = said is not None and said["outcome"] in (PASSED, FAILED_THERE)
        silent_pass = said is None and verdict == PASS and not lists_passes
        if verdict in (PASS, FAIL) and not judged and not silent_pass:
            yield _row(mapped, name, "only we saw", verdict, said)


def _row(mapped: ScannerCheck, name: str, difference: str, verdict: str, said: Said | None) -> dict[str, Any]:
    given = said or {}
    return {
        "object": name,
        "control": mapped.control,
        "tool": mapped.tool,
        "check": mapped.check,
        "difference": difference,
        "verdict": verdict,
        "relation": mapped.relation,
        "differs": mapped.differs,
        **{column: given.get(column, "") for column in ("outcome", "source", "position")},
    }
