"""A record as rows: what each kind of record says in the words that all have in common, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hipaa_kit.tables.signed import (
    FINDING_REGISTER,
    INDEPENDENT_FINDINGS,
    RECORD_CONTROLS,
    RECORD_MATCHES,
    RECORD_MEASURES,
    REVIEWS,
    SIGNED_RECORDS,
)

Filled = dict[str, list[dict[str, Any]]]

SHORTEST: Final = 20
"""Characters that a reason has at least: shorter ones say nothing that could be weighed later."""


def rows_of_record(kind: str, record: Mapping[str, Any], source: str, line: int) -> Filled:
    """Return the rows of one record, by table.

    Parameters
    ----------
    kind
        Kind of the list it stands in.
    record
        The record; its schema has been checked.
    source, line
        Where it stands.
    """
    common, lacking = _COMMON[kind](record)
    name = f"{common['kind']}//{record['id']}"
    row = {**common, "record": name, "id": record["id"], "lacking": " ".join(lacking), "source": source, "line": line}
    filled: Filled = {SIGNED_RECORDS.name: [row]}
    controls = record.get("checks") or ([record["control"]] if record.get("control") else [])
    filled[RECORD_CONTROLS.name] = [{"record": name, "control": each} for each in dict.fromkeys(controls)]
    filled[RECORD_MATCHES.name] = [
        {"record": name, "field": field, "pattern": pattern} for field, pattern in record.get("match", {}).items()
    ]
    measures = dict.fromkeys(record.get("compensating", []))
    filled[RECORD_MEASURES.name] = [{"record": name, "measure": each} for each in measures]
    if kind == "IndependentAssessmentList":
        filled[INDEPENDENT_FINDINGS.name] = [
            {"record": name, "finding": each["id"], **{key: value for key, value in each.items() if key != "id"}}
            for each in record.get("findings", [])
        ]
    if kind == "FindingRegister":
        shared = ("fingerprint", "owner", "opened_on", "due_on", "closed_on")
        entry = {"record": name, **{key: record.get(key, "") for key in shared}, "evidence": _evidence(record)}
        filled[FINDING_REGISTER.name] = [entry]
    if kind == "ReviewRegister":
        review = {key: record.get(key, "") for key in ("kind", "held_on", "about", "result")}
        filled[REVIEWS.name] = [{"record": name, **review}]
    return filled


Common = tuple[dict[str, Any], list[str]]


def _waiver(record: Mapping[str, Any]) -> Common:
    lacking = _empty(record, "risk_ref", "owner", "approver", "approved_on", "expires_on")
    lacking += _short(record, "reason")
    if not (record.get("checks") or record.get("citation") or record.get("fingerprint")):
        lacking.append("checks")
    if not (record.get("match") or record.get("fingerprint")):
        lacking.append("match")
    row = {"kind": "Waiver", "disposition": "accepted_risk", "statement": record.get("reason", "")}
    return {**row, **_approved(record), "risk": record.get("risk_ref", "")}, lacking


def _decision(record: Mapping[str, Any]) -> Common:
    decision = record.get("decision", "")
    lacking = _empty(record, "citation", "decision", "owner", "approver", "approved_on", "expires_on")
    lacking += _short(record, "rationale")
    if decision == "alternative":
        lacking += _empty(record, "alternative")
    if decision == "not_reasonable" and not _filled(record, "alternative"):
        lacking += _empty(record, "no_alternative_because")
    # Without a measure in its place a specification is not implemented, however well that was decided.
    instead = _filled(record, "alternative") and decision != "implement"
    given = "alternative" if instead else "accepted_risk" if decision == "not_reasonable" else ""
    row = {"kind": "Decision", "disposition": given, "decision": decision, "statement": record.get("rationale", "")}
    return {**row, **_approved(record), "alternative": record.get("alternative", "")}, lacking


def _attestation(record: Mapping[str, Any]) -> Common:
    given, method = record.get("disposition", "attested"), record.get("method", "")
    lacking = _empty(record, "performed_on", "expires_on") + _short(record, "statement")
    if not (record.get("control") or record.get("citation")):
        lacking.append("control")
    by, reviewer, provider = (record.get(key, {}) for key in ("by", "reviewer", "provider"))
    lacking += [f"by.{key}" for key in _empty(by, "name", "role")]
    lacking += [f"reviewer.{key}" for key in _empty(reviewer, "name", "role")]
    if given == "inherited":
        lacking += [f"provider.{key}" for key in _empty(provider, "name", "baa", "report")]
    else:
        lacking += _empty(record, "method")
    if method in ("test", "examine") and not record.get("artifacts"):
        lacking.append("artifacts")
    row = {"kind": "Attestation", "disposition": given, "method": method, "applies": record.get("applies", True)}
    row |= {"statement": record.get("statement", ""), "citation": record.get("citation", "")}
    row["provider"] = ", ".join(filter(None, (provider.get(key, "") for key in ("name", "baa", "report"))))
    return {**row, **_performed(record, by, reviewer)}, lacking


def _assessment(record: Mapping[str, Any]) -> Common:
    assessor, owner = record.get("assessor", {}), record.get("owner", {})
    lacking = _empty(record, "scope", "performed_on", "artifacts")
    lacking += [f"assessor.{key}" for key in _empty(assessor, "name", "organization")]
    lacking += [f"owner.{key}" for key in _empty(owner, "name")]
    lacking += [
        f"findings.{each['id']}.{key}"
        for each in record.get("findings", [])
        for key in _empty(each, "title", "severity", *(["evidence"] if each.get("closed_on") else ["owner", "due_on"]))
    ]
    row = {"kind": "IndependentAssessment", "statement": record.get("scope", "")}
    return {**row, **_performed(record, owner, assessor)}, lacking


def _entry(record: Mapping[str, Any]) -> Common:
    lacking = _empty(record, "fingerprint", "owner", "opened_on", "due_on")
    if record.get("closed_on") and not _evidence(record):
        lacking.append("evidence")
    row = {"kind": "RegisterEntry", "fingerprint": record.get("fingerprint", ""), "statement": record.get("note", "")}
    row |= {"owner": record.get("owner", ""), "approver": record.get("approver", "")}
    return {**row, "signed_on": record.get("opened_on", "")}, lacking


def _review(record: Mapping[str, Any]) -> Common:
    by, reviewer = record.get("by", {}), record.get("reviewer", {})
    lacking = _empty(record, "kind", "held_on", "result")
    lacking += [f"by.{key}" for key in _empty(by, "name")] + [f"reviewer.{key}" for key in _empty(reviewer, "name")]
    row = {"kind": "Review", "statement": record.get("result", ""), "owner": by.get("name", "")}
    return {**row, "approver": reviewer.get("name", ""), "signed_on": record.get("held_on", "")}, lacking


_COMMON: Final = {
    "WaiverList": _waiver,
    "DecisionList": _decision,
    "AttestationList": _attestation,
    "IndependentAssessmentList": _assessment,
    "FindingRegister": _entry,
    "ReviewRegister": _review,
}


def _approved(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "citation": record.get("citation", ""),
        "fingerprint": record.get("fingerprint", ""),
        "owner": record.get("owner", ""),
        "approver": record.get("approver", ""),
        "signed_on": record.get("approved_on", ""),
        "expires_on": record.get("expires_on", ""),
        "objects_at_approval": record.get("objects_at_approval"),
    }


def _performed(record: Mapping[str, Any], by: Mapping[str, Any], reviewer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "owner": by.get("name", ""),
        "approver": reviewer.get("name", ""),
        "signed_on": record.get("performed_on", ""),
        "expires_on": record.get("expires_on", ""),
    }


def _evidence(record: Mapping[str, Any]) -> str:
    files = [each["path"] for each in record.get("artifacts", [])]
    return ", ".join(filter(None, [record.get("evidence", ""), *files]))


def _empty(record: Mapping[str, Any], *keys: str) -> list[str]:
    return [key for key in keys if not _filled(record, key)]


def _filled(record: Mapping[str, Any], key: str) -> bool:
    value = record.get(key)
    return bool(value.strip() if isinstance(value, str) else value)


def _short(record: Mapping[str, Any], key: str) -> list[str]:
    return [key] if len(str(record.get(key, "")).strip()) < SHORTEST else []
