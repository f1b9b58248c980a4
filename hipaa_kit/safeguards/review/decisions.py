"""Decisions and the register: every open failure of an addressable specification decided, every record in force."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.catalogue.law import ADDRESSABLE, KIND_OF
from hipaa_kit.counting import Count
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import ERROR, FAIL, NOT_ASSESSED

SEVERE = ("critical", "high")
SEVERITY_OF_PROBLEM = {"unused": "low", "unseen": "low", "expired": "high", "too_long": "medium"}


@check("HK-EVL-02", without_scope=True)
def exceptions_are_decided(
    findings: pd.DataFrame,
    finding_citations: pd.DataFrame,
    signed_records: pd.DataFrame,
    record_states: pd.DataFrame,
    record_problems: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every addressable citation by its open failures, and every signed record by whether it stands.

    Parameters
    ----------
    findings, finding_citations, signed_records, record_states, record_problems : tables of those names

    Returns
    -------
    table `judgements`, one row per addressable citation and per signed record

    Notes
    -----
    164.306(d)(3): an addressable specification is implemented, or it is written down why that is not reasonable and
    appropriate here, and an equivalent measure stands in its place. Accepting a risk is no such decision.
    """
    examined = pd.concat(
        [_citations(findings, finding_citations), _records(signed_records, record_states, record_problems)],
        ignore_index=True,
    )
    flags = ["bare", "untested", "blind", "void", "doubtful", "spent", "wider"]
    examined = examined.assign(**{flag: examined[flag].eq(True).fillna(False) for flag in flags}).fillna("")
    examined["severity"] = [SEVERITY_OF_PROBLEM.get(problem, "high") for problem in examined["problem"]]
    return judge(
        examined,
        not_applicable(examined["untested"], "no check of an object tests it directly"),
        fails(
            examined["bare"],
            "{open:finding} of it {open:fails|fail} and nobody has decided about {open:it|them}",
            observed="no decision",
            expected="implemented, or a decision under 164.306(d)(3)",
        ),
        fails(examined["void"], "it does not stand: {words}", observed="{problem}", severity="{severity}"),
        fails(examined["spent"], "{words}: withdraw it", observed="unused", severity="low"),
        not_assessed(examined["blind"], "{words}", code="input_missing"),
        not_assessed(examined["doubtful"], "{words}", code="input_missing"),
        reviews(examined["wider"], "does it still hold? {words}"),
        evidence="evidence",
        passes="{words}",
    )


def _citations(findings: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the addressable citations with what is open of each."""
    direct = links[(links["relation"] == "direct") & links["citation"].isin(ADDRESSABLE)]
    said = direct.merge(findings[["check", "object", "verdict"]], on=["check", "object"])
    rows = []
    for citation in sorted(ADDRESSABLE):
        mine = said[said["citation"] == citation]
        failing = mine[mine["verdict"] == FAIL]
        bare = int((failing["disposition"] != "alternative").sum())
        unknown = int(mine["verdict"].isin([NOT_ASSESSED, ERROR]).sum())
        words = (
            f"{Count(len(failing)):finding} {Count(len(failing)):fails and is|fail and each is} decided about"
            if len(failing)
            else "nothing of it fails"
        )
        words = f"{Count(unknown):finding} of it could not be judged" if unknown else words
        rows.append(
            {
                "object": f"Citation//{citation}",
                "bare": bare > 0,
                "untested": mine.empty,
                "blind": unknown > 0,
                "open": str(bare),
                "words": words,
                "evidence": " ".join(sorted(set(mine["record"]) - {""})),
            }
        )
    return pd.DataFrame(rows)


def _records(records: pd.DataFrame, states: pd.DataFrame, problems: pd.DataFrame) -> pd.DataFrame:
    """Return the signed records with what is wrong with each, the worst first."""
    voiding = problems[problems["invalidates"]].drop_duplicates("record").set_index("record")["problem"]
    known = records[["record", "kind"]].merge(states, on="record")
    return pd.DataFrame(
        {
            "object": known["record"],
            "void": known["state"] == "invalid",
            "doubtful": known["state"] == "unseen",
            "spent": known["state"] == "unused",
            "wider": known["state"] == "widened",
            "problem": texts_for(known["record"], voiding),
            "words": known["problem"].where(known["problem"] != "", "it stands"),
            "evidence": known["record"],
        }
    )


@check("HK-EVL-03", without_scope=True)
def findings_are_tracked(
    findings: pd.DataFrame, finding_register: pd.DataFrame, record_states: pd.DataFrame, *, as_of: str
) -> pd.DataFrame:
    """Judge the register of findings: every severe failure in it, none overdue, none closed that still fails.

    Parameters
    ----------
    findings, finding_register, record_states : tables of those names
    as_of
        Moment to judge for, RFC 3339.

    Returns
    -------
    table `judgements`, one row per entry and one for the register

    Notes
    -----
    An entry names its finding by fingerprint, so that it is the same from run to run. A failure whose risk was
    accepted, or that a decision answers, is tracked by that record. An entry that does not stand tracks nothing.
    """
    entries = [_entry(row, findings, as_of[:10]) for row in rows_of(finding_register)]
    failing = findings[(findings["verdict"] == FAIL) & findings["severity"].isin(SEVERE)]
    standing = record_states.loc[record_states["stands"], "record"]
    marks = set(finding_register.loc[finding_register["record"].isin(standing), "fingerprint"])
    open_ = failing[~failing["fingerprint"].isin(marks) & ~failing["finding_id"].isin(marks)]
    missing = len(open_[open_["disposition"] == ""])
    unjudged = int(findings["verdict"].isin([NOT_ASSESSED, ERROR]).sum())
    whole = {
        "object": "Register//findings",
        "none": finding_register.empty,
        "untracked": missing > 0,
        "unjudged": unjudged > 0,
        "words": f"{missing} critical or high {Count(missing):finding that fails is|findings that fail are} not in the "
        "register"
        if missing
        else f"{Count(unjudged):finding} could not be judged, so that others may fail"
        if unjudged
        else "every critical or high finding that fails is in the register",
    }
    flags = ("none", "untracked", "unjudged", "overdue", "reopened", "unseen", "gone")
    texts = ("words", "severity", "due")
    examined = pd.DataFrame(
        [{**dict.fromkeys(flags, False), **dict.fromkeys(texts, ""), **row} for row in [whole, *entries]]
    )
    stub = "hipaa-kit attest stub --register findings writes entries to fill in"
    return judge(
        examined,
        not_assessed(examined["none"], f"no register of findings is kept; {stub}", code="no_record"),
        fails(examined["untracked"] & ~examined["none"], "{words}", observed="{words}", expected="none"),
        fails(
            examined["overdue"],
            "{words}: it still fails, and was to be mended by {due}",
            observed="open",
            expected="mended by {due}",
            severity="{severity}",
        ),
        fails(examined["reopened"], "{words}: closed, and it still fails", observed="fail", expected="mended"),
        not_assessed(examined["unjudged"], "{words}", code="input_missing"),
        not_assessed(examined["unseen"], "{words}: whether it still fails could not be judged", code="input_missing"),
        reviews(examined["gone"], "is {words}, mended or mistyped? close the entry"),
        passes="{words}",
    )


def _entry(row: dict[str, str], findings: pd.DataFrame, day: str) -> dict[str, object]:
    """Return what an entry of the register comes to."""
    mark = row["fingerprint"]
    mine = findings[(findings["fingerprint"] == mark) | (findings["finding_id"] == mark)]
    told = {"object": row["record"], "due": row["due_on"], "words": f"finding {mark}"}
    if mine.empty:
        # What is not seen any more may be gone, or may be where nothing was seen.
        blind = bool(findings["verdict"].isin([NOT_ASSESSED, ERROR]).any())
        if blind or row["closed_on"]:
            return told | {"unseen": blind, "words": f"finding {mark} is not found any more"}
        return told | {"gone": True, "words": f"finding {mark}, which is not found"}
    found = rows_of(mine)[0]
    words = f"{found['check']} {found['object']}"
    closed = bool(row["closed_on"]) and row["closed_on"] <= day
    fails_ = found["verdict"] == FAIL
    return told | {
        "severity": found["severity"],
        "overdue": fails_ and not closed and bool(row["due_on"]) and row["due_on"] < day,
        "reopened": fails_ and closed,
        "unseen": found["verdict"] in (NOT_ASSESSED, ERROR),
        "words": words
        if fails_ and (closed or not row["due_on"] or row["due_on"] < day)
        else f"{words}: {_state(found, row)}",
    }


def _state(found: dict[str, str], row: dict[str, str]) -> str:
    if found["verdict"] == FAIL:
        return f"open, to be mended by {row['due_on']}"
    if found["verdict"] in (NOT_ASSESSED, ERROR):
        return "not judged"
    return f"closed on {row['closed_on']}" if row["closed_on"] else "it does not fail any more: close the entry"


@check("HK-EVL-09", without_scope=True)
def policies_are_mapped(policies: pd.DataFrame) -> pd.DataFrame:
    """Judge every citation of the rule by whether a document says how it is followed.

    Parameters
    ----------
    policies : table of that name

    Returns
    -------
    table `judgements`, one row per citation
    """
    mine = policies[policies["document"] != ""]
    told = mine["document"] + " " + mine["version"] + mine["reviewed_on"].map(lambda day: f" of {day}" if day else "")
    documents = told.str.strip().groupby(mine["citation"]).agg(", ".join)
    examined = pd.DataFrame({"citation": list(KIND_OF)})
    examined = examined.assign(
        object="Citation//" + examined["citation"], document=examined["citation"].map(documents).fillna("")
    )
    return judge(
        examined,
        fails(
            examined["document"] == "", "no document says how it is followed", observed="none", expected="a document"
        ),
        reviews(examined["document"] != "", "does {document} say how it is followed?"),
        passes="{document}",
    )
