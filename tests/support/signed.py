"""Records for tests: whole ones of every kind, of which a test changes one field."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import yaml

from hipaa_kit.sources.signed import Records, load_records

LOG = b"restored ehr/db from the backup of 1 October in 47 minutes\n"

WAIVER: dict[str, Any] = {
    "id": "WVR-1",
    "checks": ["HK-AVL-01"],
    "match": {"namespace": "ehr", "kind": "Deployment", "name": "web"},
    "reason": "the vendor supports a single replica until spring",
    "risk_ref": "RA-2026-11#4.2",
    "owner": "lab-it@clinic.example",
    "approver": "ciso@clinic.example",
    "approved_on": "2026-10-01",
    "expires_on": "2027-03-31",
}
DECISION: dict[str, Any] = {
    "id": "DEC-1",
    "citation": "164.312(a)(2)(iv)",
    "decision": "alternative",
    "rationale": "the device is certified as it is and cannot encrypt",
    "alternative": "isolated network and default deny around the device",
    "owner": "lab-it@clinic.example",
    "approver": "ciso@clinic.example",
    "approved_on": "2026-10-01",
    "expires_on": "2027-03-31",
}
ATTESTATION: dict[str, Any] = {
    "id": "ATT-1",
    "control": "HK-MAN-01",
    "statement": "the security official is named by the board",
    "method": "examine",
    "performed_on": "2026-10-02",
    "by": {"name": "A. Rossi", "role": "DBA"},
    "reviewer": {"name": "B. Okafor", "role": "security officer"},
    "expires_on": "2027-10-02",
    "artifacts": [{"path": "attachments/log.txt", "sha256": hashlib.sha256(LOG).hexdigest()}],
}
ASSESSMENT: dict[str, Any] = {
    "id": "IA-1",
    "scope": "all of the production cluster",
    "assessor": {"name": "C. Auditor", "organization": "Assessors"},
    "owner": {"name": "A. Rossi"},
    "performed_on": "2026-06-01",
    "artifacts": ATTESTATION["artifacts"],
    "findings": [
        {"id": "F-1", "title": "no drill", "severity": "high", "closed_on": "2026-07-01", "evidence": "drill held"},
    ],
}
ENTRY: dict[str, Any] = {
    "id": "REG-1",
    "fingerprint": "0123456789abcdef",
    "owner": "ehr-team@clinic.example",
    "opened_on": "2026-10-01",
    "due_on": "2026-12-01",
}
REVIEW: dict[str, Any] = {
    "id": "REV-1",
    "kind": "evaluation",
    "held_on": "2026-11-01",
    "result": "two measures to mend, both in the register",
    "by": {"name": "A. Rossi"},
    "reviewer": {"name": "B. Okafor"},
}
LISTS = {
    "WaiverList": ("waivers", WAIVER),
    "DecisionList": ("decisions", DECISION),
    "AttestationList": ("attestations", ATTESTATION),
    "IndependentAssessmentList": ("assessments", ASSESSMENT),
    "FindingRegister": ("findings", ENTRY),
    "ReviewRegister": ("reviews", REVIEW),
}


def changed(record: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a record with other fields; `...` takes a field away."""
    made = {**copy.deepcopy(record), **fields}
    return {key: value for key, value in made.items() if value is not ...}


def write(folder: Path, *lists: tuple[str, list[dict[str, Any]]]) -> Path:
    """Write lists of records as one file of several documents, and the artefact they name."""
    documents = [{"apiVersion": "hipaa-kit/v1", "kind": kind, LISTS[kind][0]: records} for kind, records in lists]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "records.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    (folder / "attachments").mkdir(exist_ok=True)
    (folder / "attachments" / "log.txt").write_bytes(LOG)
    return folder


def records(folder: Path, *lists: tuple[str, list[dict[str, Any]]]) -> Records:
    """Return records as they are read."""
    return load_records(write(folder, *lists))
