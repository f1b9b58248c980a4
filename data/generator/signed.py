"""What people of the clinic have signed: records and registers, and the files that they rest on."""

from __future__ import annotations

import csv
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from model import Hospital, Signed
from text import readable

CITATIONS = Path(__file__).resolve().parents[2] / "hipaa_kit" / "catalogue" / "citations.csv"
OFFICER = {"name": "Dov Levin", "role": "security officer"}
PRIVACY = {"name": "Elif Kaya", "role": "privacy officer"}
ENGINEER = {"name": "Amira Haddad", "role": "platform engineer"}

FAILOVER = "attachments/failover-test.txt"
REPORTS = "attachments/reports-index.txt"
POLICIES = "attachments/policies-index.txt"
FILES = {
    FAILOVER: "2026-09-12 node worker-a2 drained; ehr-db answered again after 41 s; no request was lost\n",
    REPORTS: "data hall: SOC 2 Type II, first half of 2026\npenetration test of 2026-05\nassessment of 2026-06\n",
    POLICIES: "security management 4.1, contingency 2.3, sanctions 1.2, training 2026, disposal 1.4\n",
}
"""The files that records rest on."""

ATTESTED = (
    ("HK-AVL-11", "test", "2026-09-12", FAILOVER, "failover of ehr-db was tested by draining a node, back in 41 s"),
    ("HK-ALR-03", "test", "2026-09-22", REPORTS, "the audit webhook leads to the SIEM, which has detections for it"),
    ("HK-AUD-04", "test", "2026-09-22", REPORTS, "the audit webhook leads to the SIEM, in the other data hall"),
    ("HK-AUD-07", "examine", "2026-09-22", REPORTS, "Fluent Bit reads the logs of all pods and leaves none out"),
    (
        "HK-MON-05",
        "examine",
        "2026-09-22",
        REPORTS,
        "Hubble exports all flows to the logs of its agents, which are kept",
    ),
    ("HK-AUD-09", "examine", "2026-09-22", REPORTS, "applications write AuditEvents, databases log by pgaudit"),
    ("HK-VUL-11", "examine", "2026-05-28", REPORTS, "an outside firm tested the portal and the cluster in May"),
    ("HK-EVL-06", "examine", "2026-06-15", POLICIES, "the risk analysis of 2026 was accepted by the board"),
    ("HK-EVL-08", "examine", "2026-05-06", POLICIES, "the incident process was reviewed after the table-top"),
    ("HK-EVL-09", "examine", "2026-06-20", POLICIES, "each document was read against the paragraph that it serves"),
    ("HK-MAN-01", "examine", "2026-01-12", POLICIES, "Dov Levin is the security official, by letter of the board"),
    ("HK-MAN-02", "examine", "2026-01-12", POLICIES, "the sanction policy is in force and was last applied in 2025"),
    ("HK-MAN-03", "examine", "2026-02-03", POLICIES, "access is approved by the line manager before it is given"),
    ("HK-MAN-04", "examine", "2026-03-02", POLICIES, "97 % of the workforce completed the training of 2026"),
    ("HK-MAN-06", "examine", "2026-02-10", REPORTS, "every vendor that may see ePHI has a signed agreement"),
    ("HK-MAN-08", "examine", "2026-04-01", POLICIES, "all workstations of administrators encrypt and lock"),
    ("HK-MAN-09", "examine", "2026-04-15", POLICIES, "disks that leave the data hall are destroyed, with a receipt"),
    ("HK-MAN-11", "interview", "2026-02-20", "", "the documents are in the staff portal, open to all of the workforce"),
    ("HK-MAN-12", "examine", "2026-01-12", POLICIES, "policies of security management and contingency are in force"),
)
EXCUSED = (
    ("HK-MAN-05", "the clinic processes no claims for others and is no clearinghouse"),
    ("HK-MAN-10", "the clinic is a provider and sponsors no group health plan"),
)


def signed() -> list[Signed]:
    """Declare the files of the folder `records`."""
    return [
        *(Signed(path, text) for path, text in FILES.items()),
        Signed("attestations.yaml", ("AttestationList", "attestations", attestations())),
        Signed("assessments.yaml", ("IndependentAssessmentList", "assessments", [assessment()])),
        Signed("decisions.yaml", ("DecisionList", "decisions", [])),
        Signed("findings.yaml", ("FindingRegister", "findings", register())),
        Signed("reviews.yaml", ("ReviewRegister", "reviews", reviews())),
        Signed("waivers.yaml", ("WaiverList", "waivers", [])),
    ]


def attestations() -> list[dict[str, Any]]:
    """Return what was attested, each by somebody and reviewed by somebody else."""
    made = [
        {
            "id": f"ATT-{control.removeprefix('HK-')}",
            "control": control,
            "statement": statement,
            "method": method,
            "performed_on": day,
            "by": ENGINEER if control.startswith(("HK-AVL-", "HK-VUL-", "HK-AUD-", "HK-ALR-", "HK-MON-")) else PRIVACY,
            "reviewer": OFFICER,
            "expires_on": year_after(day),
            **({"artifacts": [artifact(path)]} if path else {}),
        }
        for control, method, day, path, statement in ATTESTED
    ]
    made += [
        {
            "id": f"ATT-{control.removeprefix('HK-')}",
            "control": control,
            "applies": False,
            "statement": statement,
            "method": "interview",
            "performed_on": "2026-01-12",
            "by": PRIVACY,
            "reviewer": OFFICER,
            "expires_on": "2027-01-12",
        }
        for control, statement in EXCUSED
    ]
    made.append(
        {
            "id": "ATT-MAN-07",
            "disposition": "inherited",
            "control": "HK-MAN-07",
            "statement": "the halls of the data center are its operator's; its report was read",
            "performed_on": "2026-07-20",
            "by": PRIVACY,
            "reviewer": OFFICER,
            "expires_on": "2027-07-20",
            "artifacts": [artifact(REPORTS)],
            "provider": {"name": "Data center operator", "baa": "BAA 2024-02-01", "report": "SOC 2 Type II 2026-H1"},
        }
    )
    return made


def assessment() -> dict[str, Any]:
    """Return what an outside firm assessed, and what became of its findings."""
    return {
        "id": "IA-2026-06",
        "scope": "the cluster of the clinic and the processes around it",
        "assessor": {"name": "Noor Aziz", "organization": "Northlight Assurance"},
        "owner": {"name": "Dov Levin"},
        "performed_on": "2026-06-08",
        "artifacts": [artifact(REPORTS)],
        "findings": [
            {
                "id": "F-01",
                "title": "the restore of pacs-db was never timed",
                "severity": "high",
                "citation": "164.308(a)(7)(ii)(D)",
                "closed_on": "2026-09-17",
                "evidence": "exercise of 2026-09-17",
            },
            {
                "id": "F-02",
                "title": "leavers keep their groups for days",
                "severity": "medium",
                "citation": "164.308(a)(3)(ii)(C)",
                "closed_on": "2026-10-02",
                "evidence": "CLIN-1041",
            },
        ],
    }


def register() -> list[dict[str, Any]]:
    """Return the register of findings, by fingerprint, as it is carried from run to run."""
    return [
        entry("REG-2026-01", "HK-AVL-03", "StatefulSet/imaging/orthanc", "2026-08-01", "2026-09-01", "2026-08-28"),
        entry("REG-2026-02", "HK-ENC-05", "PersistentVolumeClaim/imaging/pacs-archive", "2026-08-01", "2026-12-01"),
        entry("REG-2026-03", "HK-NET-02", "StatefulSet/ehr/ehr-redis", "2026-09-01", "2026-12-15"),
    ]


def entry(id_: str, check: str, name: str, opened: str, due: str, closed: str = "") -> dict[str, Any]:
    """Return one entry of the register."""
    made = {"id": id_, "fingerprint": fingerprint(check, name), "note": f"{check} {name}"}
    made |= {"owner": "ehr-platform@clinic.example", "opened_on": opened, "due_on": due}
    return made | ({"closed_on": closed, "evidence": "second run of the assessment"} if closed else {})


def reviews() -> list[dict[str, Any]]:
    """Return the reviews that were held."""
    held = {"by": {"name": "Amira Haddad"}, "reviewer": {"name": "Dov Levin"}}
    return [
        {"id": "REV-2025-11", "kind": "evaluation", "held_on": "2025-11-14", "result": "yearly evaluation", **held},
        {
            "id": "REV-2026-08",
            "kind": "evaluation",
            "held_on": "2026-08-10",
            "result": "after the portal moved",
            **held,
        },
        {"id": "REV-2026-11", "kind": "evaluation", "held_on": "2026-11-12", "result": "yearly evaluation", **held},
        {"id": "REV-2026-10", "kind": "policies", "held_on": "2026-10-05", "result": "two policies renewed", **held},
        *(
            {"id": f"REV-LOG-{day}", "kind": "audit log", "held_on": day, "result": "nothing to follow up", **held}
            for day in log_review_days()
        ),
    ]


def log_review_days() -> list[str]:
    """Return the Wednesdays of a quarter on which the audit log was reviewed, up to the last before the snapshot."""
    last = date(2026, 11, 18)
    return [(last - timedelta(weeks=weeks)).isoformat() for weeks in reversed(range(14))]


def fingerprint(check: str, name: str) -> str:
    """Return the fingerprint of a finding: the same in every run and every cluster."""
    return hashlib.sha256(f"{check}\x1f{name}".encode()).hexdigest()[:16]


def artifact(path: str) -> dict[str, str]:
    """Return a file with the digest that was signed for."""
    return {"path": path, "sha256": hashlib.sha256(FILES[path].encode()).hexdigest()}


def year_after(day: str) -> str:
    """Return the same day of the year after."""
    return f"{int(day[:4]) + 1}{day[4:]}"


def policies() -> list[dict[str, str]]:
    """Return which document of the clinic serves each paragraph of the rule."""
    documents = {
        "164.306": ("Information security policy", "4.1", "2026-06-15"),
        "164.308": ("Administrative safeguards", "4.1", "2026-06-15"),
        "164.310": ("Facilities and devices", "1.4", "2026-04-15"),
        "164.312": ("Technical safeguards", "3.2", "2026-06-15"),
        "164.314": ("Business associates", "2.0", "2026-02-10"),
        "164.316": ("Documents and their retention", "1.1", "2026-06-15"),
    }
    with CITATIONS.open(encoding="utf-8", newline="") as file:
        cited = [row["citation"] for row in csv.DictReader(file)]
    columns = ("document", "version", "reviewed_on")
    return [
        {"citation": each, **dict(zip(columns, documents[each[:7]], strict=True)), "location": "staff portal"}
        for each in cited
    ]


def archive() -> list[dict[str, str]]:
    """Return the runs whose evidence is kept: one a month since the cluster was set up."""
    months = [(year, month) for year in (2025, 2026) for month in range(1, 13)][2:23]
    return [
        {
            "run": f"run-{year}-{month:02d}",
            "run_on": f"{year}-{month:02d}-02",
            "verified_on": f"{year}-{month:02d}-03",
            "location": "s3:clinic-evidence",
            "locked": "true",
        }
        for year, month in months
    ]


def write_records(hospital: Hospital, folder: Path) -> None:
    """Write the folder, and nothing else into it."""
    stale = sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else []
    for path in stale:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    for one in hospital.all(Signed):
        (folder / one.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / one.path).write_text(record_text(one), encoding="utf-8", newline="")


def record_text(one: Signed) -> str:
    """Return the text of a file."""
    if isinstance(one.content, str):
        return one.content
    kind, key, records = one.content
    head = f"apiVersion: hipaa-kit/v1\nkind: {kind}\n{key}:"
    listed = "".join(f"\n- {readable(record).rstrip().replace(chr(10), chr(10) + '  ')}" for record in records)
    return f"{head}{listed or ' []'}\n"
