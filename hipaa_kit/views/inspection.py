"""What a snapshot holds and what it could not see, for the terminal and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.facts import layout_words
from hipaa_kit.vocabulary import COVERAGE_STATUSES

if TYPE_CHECKING:
    from hipaa_kit.sources.snapshot import Snapshot


def kinds_held(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per kind that was received or asked for: objects received, kept, and the answer.

    `received` counts every copy that was read; `kept` counts distinct objects. They differ where
    an object stands in several files.
    """
    coverage = snapshot.coverage.frame
    rank = {status: position for position, status in enumerate(COVERAGE_STATUSES)}
    rows = []
    for (group, kind), answers in coverage.groupby(["group", "kind"]):
        part = snapshot.parts.get((str(group), str(kind)))
        received = int(answers["count"].fillna(0).sum())
        worst = max(answers["status"], key=lambda status: rank[status])
        if received or worst != "not_asked":
            kept = part.size if part else 0
            rows.append(
                {
                    "kind": kind,
                    "api_group": group or "core",
                    "received": received,
                    "kept": kept,
                    "status": worst,
                }
            )
    return pd.DataFrame(rows, columns=["kind", "api_group", "received", "kept", "status"])


def summary_line(snapshot: Snapshot) -> str:
    """Return in one line what was read, and what was refused."""
    held = kinds_held(snapshot)
    statuses = snapshot.coverage.frame["status"].value_counts()
    trouble = [f"{int(statuses[s])} lists {s}" for s in ("refused", "failed", "partial") if s in statuses]
    return ", ".join([f"{int(held['kept'].sum())} objects of {int((held['kept'] > 0).sum())} kinds", *trouble])


def inspection(snapshot: Snapshot) -> dict[str, Any]:
    """Return what `hipaa-kit inspect` shows, as data."""
    coverage = snapshot.coverage.frame
    # Whether a list is whole is often not known, of whole inputs: it is told where something says why.
    told = (coverage["status"] == "unknown") & (coverage["error"] != "")
    gaps = coverage[coverage["status"].isin(["refused", "failed", "partial"]) | told]
    return {
        "cluster": snapshot.identity.name,
        "cluster_uid": snapshot.identity.uid,
        "identified_by": snapshot.identity.basis,
        "server_version": snapshot.identity.version,
        "source": layout_words(snapshot.layout),
        "read_at": snapshot.collected_at,
        "time_known_by": snapshot.collected_basis,
        "digest": snapshot.digest,
        "kinds": rows_of(kinds_held(snapshot)),
        "coverage": {str(status): int(count) for status, count in coverage["status"].value_counts().items()},
        "gaps": rows_of(gaps[["kind", "group", "namespace", "status", "error"]]),
        "conflicts": rows_of(snapshot.conflicts),
        "unreadable": rows_of(snapshot.unreadable),
        "set_aside": rows_of(snapshot.set_aside),
        "redactions": dict(sorted(snapshot.redactions.items())),
    }


def inspection_json(snapshot: Snapshot) -> str:
    """Return what `hipaa-kit inspect` shows, as JSON."""
    return json.dumps(inspection(snapshot), indent=1)


def inspection_text(snapshot: Snapshot) -> str:
    """Return what `hipaa-kit inspect` shows, as text."""
    facts = inspection(snapshot)
    head = ("cluster", "cluster_uid", "identified_by", "server_version", "source", "read_at", "time_known_by", "digest")
    lines = [f"{name.replace('_', ' '):16}{facts[name] or 'not known'}" for name in head]
    lines += ["", *kinds_held(snapshot).to_string(index=False).splitlines(), ""]
    lines.append("coverage: " + ", ".join(f"{count} {status}" for status, count in facts["coverage"].items()))
    for gap in facts["gaps"]:
        where = f" in namespace {gap['namespace']}" if gap["namespace"] else ""
        lines.append(f"  {gap['kind']}{where} {gap['status']}: {gap['error'] or 'no words'}")
    for name, what in (
        ("conflicts", "read twice with different content"),
        ("unreadable", "could not be read"),
        ("set_aside", "no objects of a cluster, left for their own reader"),
    ):
        if facts[name]:
            lines.append(f"{len(facts[name])} {what}:")
            lines += [f"  {_first_words(row)}" for row in facts[name][:20]]
            lines += [f"  and {len(facts[name]) - 20} more"] if len(facts[name]) > 20 else []
    redacted = ", ".join(f"{count} {rule}" for rule, count in facts["redactions"].items())
    lines.append(f"removed at the door: {redacted or 'nothing'}")
    return "\n".join(printable(line) for line in lines)


def _first_words(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['source']}{row['position']}: {row['error']}"
    if "what" in row:
        return f"{row['source']}: {row['what']} ({Count(row['records']):record})"
    return (
        f"{row['kind']}/{row['namespace']}/{row['name']}: kept {row['kept_source']}{row['kept_position']}, "
        f"dropped {row['dropped_source']}{row['dropped_position']}"
    )
