"""Tables on their way out of the kit: CSV for people, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.declaration import Table, rows_of

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment


def table_csv(name: str, frame: pd.DataFrame) -> str:
    """Return a declared table as CSV for people: its canonical form, with what cannot be seen written as escapes.

    That form holds no formula either: see `Table.to_csv`.
    """
    table = TABLES[name]
    shown = table.check(frame).copy()
    for column in shown.columns[shown.dtypes == "str"]:
        shown[column] = shown[column].map(_shown).astype("str")
    return Table(name, table.row, (), table.columns).to_csv(shown)


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


def _shown(text: str) -> str:
    return printable(text, keep="\n\t")
