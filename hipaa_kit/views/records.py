"""Records beside findings as people read them: what stands, what is due, what changed, what to do next, the binder."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import FAIL, SEVERITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

WEIGHTS = dict(zip(SEVERITIES, (10, 5, 2, 1, 0), strict=True))
SLOTS = ("policy", "configuration", "operation over the period", "sign-off")


LEFT = "style='text-align:left'"
"""JupyterLab puts every cell to the right."""


def signed(run: Assessment, *kinds: str) -> pd.DataFrame:
    """Return the records of some kinds with how each stands, those that do not stand first."""
    tables = run.tables
    known = tables["signed_records"].merge(tables["record_states"], on="record")
    known = known[known["kind"].isin(kinds)] if kinds else known
    return known.sort_values(["stands", "expires_on", "record"], kind="stable").reset_index(drop=True)


def due(run: Assessment, days: int) -> pd.DataFrame:
    """Return the records that have ended or will within some days, the first to end first."""
    known = run.tables["signed_records"]
    last = (date.fromisoformat(run.as_of[:10]) + timedelta(days=days)).isoformat() if run.as_of else ""
    soon = known[(known["expires_on"] != "") & (known["expires_on"] <= last)]
    return soon.sort_values(["expires_on", "record"], kind="stable").reset_index(drop=True)


def unanswered(run: Assessment) -> pd.DataFrame:
    """Return the questions that no record answers, worst first."""
    findings = run.findings()
    open_ = findings[(findings["verdict"] == "review") & ~findings["record_valid"]]
    rank = open_["severity"].map(SEVERITIES.index)
    return open_.assign(rank=rank).sort_values(["rank", "check", "object"]).drop(columns="rank").reset_index(drop=True)


def changes(run: Assessment) -> pd.DataFrame:
    """Return what is otherwise than the register of findings says, a row per finding.

    `new` fails and is not in the register; `mended` is open there and does not fail; `returned` is closed there and
    fails; `overdue` fails after its day.
    """
    tables = run.tables
    findings, register = run.findings(), tables["finding_register"]
    failing = findings[findings["verdict"] == FAIL]
    known = set(register["fingerprint"])
    new = failing[~failing["fingerprint"].isin(known) & ~failing["finding_id"].isin(known)]
    rows = [_change("new", row, {}) for row in rows_of(new)]
    by_mark = {mark: row for row in rows_of(findings) for mark in (row["fingerprint"], row["finding_id"])}
    for entry in rows_of(register):
        row = by_mark.get(entry["fingerprint"], {})
        fails = row.get("verdict") == FAIL
        if row and entry["closed_on"] and fails:
            rows.append(_change("returned", row, entry))
        elif row and not entry["closed_on"] and row["verdict"] in ("pass", "not_applicable"):
            rows.append(_change("mended", row, entry))
        elif fails and entry["due_on"] and entry["due_on"] < run.as_of[:10]:
            rows.append(_change("overdue", row, entry))
    columns = ["change", "severity", "check", "object", "owner", "due_on", "reason"]
    order = ("returned", "overdue", "new", "mended")
    frame = pd.DataFrame(rows, columns=columns)
    ranks = frame.assign(a=frame["change"].map(order.index), b=frame["severity"].map(SEVERITIES.index))
    return ranks.sort_values(["a", "b", "check", "object"])[columns].reset_index(drop=True)


def _change(word: str, row: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    told = {key: row[key] for key in ("severity", "check", "object", "reason")}
    return {"change": word, **told, "owner": entry.get("owner", ""), "due_on": entry.get("due_on", "")}


def next_actions(run: Assessment) -> pd.DataFrame:
    """Return what to mend, a row per check that fails, by effect.

    The effect is first how many citations would be no gap any more if nothing of the check failed, then the weight of
    its failures: 10 for a critical one, 5 for a high, 2 for a medium, 1 for a low.
    """
    findings, links = run.findings(), run.tables["finding_citations"]
    failing = findings[(findings["verdict"] == FAIL) & (findings["disposition"] != "alternative")]
    bare = links[(links["relation"] == "direct") & (links["disposition"] != "alternative")]
    gaps = bare.merge(failing[["check", "object"]], on=["check", "object"])
    failing_in = {str(citation): set(checks) for citation, checks in gaps.groupby("citation")["check"]}
    rows = []
    for check, mine in failing.groupby("check"):
        control = run.catalogue.control(str(check))
        freed = sorted(citation for citation, checks in failing_in.items() if checks == {check})
        rows.append(
            {
                "check": check,
                "title": control.title,
                "failing": len(mine),
                "worst": min(mine["severity"], key=SEVERITIES.index),
                "gaps_closed": len(freed),
                "citations": "; ".join(freed),
                "weight": int(mine["severity"].map(WEIGHTS).sum()),
                "remedy": control.remediation,
            }
        )
    columns = ["check", "title", "failing", "worst", "gaps_closed", "citations", "weight", "remedy"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["gaps_closed", "weight", "check"], ascending=[False, False, True]).reset_index(drop=True)


def hidden(findings: pd.DataFrame) -> pd.DataFrame:
    """Return how many findings each preset hides, by verdict: they concern system namespaces far from ePHI."""
    gone = findings[findings["hidden_by"] != ""]
    return gone.groupby(["hidden_by", "verdict"], as_index=False).size().rename(columns={"size": "findings"})


def shown(findings: pd.DataFrame) -> pd.DataFrame:
    """Return the findings that no preset hides."""
    return findings[findings["hidden_by"] == ""]


def binder(run: Assessment) -> pd.DataFrame:
    """Return the audit binder: four rows per citation, one for each slot that an audit protocol asks for."""
    book = _Binder(run)
    rows = [
        {"citation": row["citation"], "title": row["title"], "kind": row["kind"], "slot": slot, "evidence": words}
        for row in rows_of(run.tables["citations"])
        for slot, words in zip(SLOTS, book.section(row), strict=True)
    ]
    return pd.DataFrame(rows, columns=["citation", "title", "kind", "slot", "evidence"])


def show_binder(pages: pd.DataFrame, part: str) -> None:
    """Show the sections of the binder for one section of the rule, such as `164.312`: a heading and a table each."""
    from IPython.display import display

    mine = pages[pages["citation"].str.startswith(part)]
    html, plain = [], []
    for citation, rows in mine.groupby("citation", sort=False):
        head = f"{citation} {rows['title'].iloc[0]} ({rows['kind'].iloc[0]})"
        body = "".join(
            f"<tr><th scope='row' {LEFT}>{escape(slot)}</th><td {LEFT}>{escape(printable(words))}</td></tr>"
            for slot, words in zip(rows["slot"], rows["evidence"], strict=True)
        )
        html.append(f"<h4>{escape(head)}</h4>\n<table><tbody>{body}</tbody></table>")
        lines = zip(rows["slot"], rows["evidence"], strict=True)
        plain += [head, *(f"  {slot}: {printable(words)}" for slot, words in lines)]
    display({"text/html": "\n".join(html), "text/plain": "\n".join(plain)}, raw=True)


class _Binder:
    """What the tables of a run hold for each slot of each citation."""

    def __init__(self, run: Assessment) -> None:
        self.run, tables = run, run.tables
        self.policies = tables["policies"]
        self.records = signed(run)
        self.controls = tables["record_controls"]
        self.links = tables["finding_citations"].merge(
            run.findings()[["check", "object", "fingerprint", "verdict"]], on=["check", "object"]
        )
        self.register = tables["finding_register"]
        standing = set(self.records.loc[self.records["stands"], "record"])
        held = tables["reviews"]
        kept = held[(held["kind"] == "evaluation") & held["record"].isin(standing)]
        self.evaluations = sorted(kept["held_on"])

    def section(self, row: dict[str, Any]) -> tuple[str, str, str, str]:
        """Return the four slots of one citation."""
        citation = str(row["citation"])
        mine = self._records_of(citation)
        return self._policy(citation), self._configuration(row), self._operation(citation, mine), self._sign_off(mine)

    def _records_of(self, citation: str) -> pd.DataFrame:
        """Return the records that stand and speak of a citation, or of a control that serves it."""
        serving = {control.id for control in self.run.catalogue.controls_of(citation)}
        named = set(self.controls.loc[self.controls["control"].isin(serving), "record"])
        given = set(self.links.loc[self.links["citation"] == citation, "record"]) - {""}
        speaks = self.records["record"].isin(named | given) | (self.records["citation"] == citation)
        return self.records[speaks & self.records["stands"]]

    def _policy(self, citation: str) -> str:
        mine = rows_of(self.policies[self.policies["citation"] == citation])
        told = [f"{row['document']} {row['version']}".strip() + _reviewed(row) for row in mine]
        return "; ".join(told) or "no document is on record"

    def _configuration(self, row: dict[str, Any]) -> str:
        share = "nothing to assess" if pd.isna(row["assessed"]) else f"{row['assessed']:.0%} of what applies was judged"
        checks, passed, asked = (Count(row[name]) for name in ("checks", "passed", "to_review"))
        return (
            f"{row['standing'].replace('_', ' ')}: {row['reason']}. {row['checks_run']} of {checks:control}"
            f" carried out; {passed:finding} {passed:passes|pass}, {row['failed']} fail, {asked} {asked:is|are} for a"
            f" person, {row['not_assessed']} not assessed; {share}"
        )

    def _operation(self, citation: str, mine: pd.DataFrame) -> str:
        tests = mine[mine["method"].isin(["test", "interview", "examine"])]
        told = [
            f"{row['record']} ({row['method']} on {row['signed_on']}): {row['statement']}" for row in rows_of(tests)
        ]
        marks = set(self.links.loc[self.links["citation"] == citation, "fingerprint"])
        entries = self.register[self.register["fingerprint"].isin(marks)]
        closed = int((entries["closed_on"] != "").sum())
        if len(entries):
            told.append(f"register of findings: {len(entries)} entries, {closed} of them closed")
        if self.evaluations:
            told.append(f"evaluations on record: {len(self.evaluations)}, the last on {self.evaluations[-1]}")
        return "; ".join(told) or "nothing on record but this one moment"

    def _sign_off(self, mine: pd.DataFrame) -> str:
        told = [
            f"{row['record']}: {row['owner']}, approved by {row['approver']} on {row['signed_on']}"
            + (f", until {row['expires_on']}" if row["expires_on"] else "")
            for row in rows_of(mine)
        ]
        return "; ".join(told) or "name, role, date and signature of the reviewer: to be filled in"


def _reviewed(policy: dict[str, Any]) -> str:
    return f", reviewed on {policy['reviewed_on']}" if policy["reviewed_on"] else ""
