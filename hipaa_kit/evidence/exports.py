"""Tables on their way out of the kit: CSV that no spreadsheet executes, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.tables import TABLES
from hipaa_kit.tables.declaration import rows_of

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def table_csv(name: str, frame: pd.DataFrame) -> str:
    """Return a declared table as CSV for people: text that a spreadsheet would run is quoted.

    Source: OWASP, "CSV Injection": cells that start with one of `= + - @`, tab or carriage return
    get a leading apostrophe. Other control characters are written as escapes.
    """
    safe = frame.copy()
    for column in safe.columns[safe.dtypes == "str"]:
        safe[column] = safe[column].map(_inert).astype("str")
    TABLES[name].check(frame)
    return str(safe.to_csv(index=False, lineterminator="\n"))


def findings_json(run: Assessment) -> str:
    """Return all findings with their citations, parts and evidence as one JSON document.

    Parameters
    ----------
    run
        What was assessed.

    Returns
    -------
    str
        `{"inputs": …, "findings": [{…, "citations": […], "members": […], "evidence": […]}]}`,
        sorted by check and object.
    """
    tables = run.tables
    parts = {
        "citations": _grouped(tables["finding_citations"]),
        "members": _grouped(tables["finding_members"]),
        "evidence": _grouped(tables["finding_evidence"]),
    }
    findings = [
        {**_plain(row), **{name: groups.get((row["check"], row["object"]), []) for name, groups in parts.items()}}
        for row in rows_of(run.findings())
    ]
    return json.dumps({"inputs": run.digests(), "findings": findings}, indent=1, sort_keys=True) + "\n"


def _grouped(frame: pd.DataFrame) -> dict[tuple[Any, Any], list[dict[str, Any]]]:
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows_of(frame):
        rest = {str(name): value for name, value in _plain(row).items() if name not in ("check", "object")}
        groups.setdefault((row["check"], row["object"]), []).append(rest)
    return groups


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _inert(text: str) -> str:
    guarded = f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in guarded)
