"""Faults of what people sign: records that do not stand, registers that are not kept, agreements that are missing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from model import Hospital, Signed
from signed import POLICIES, PRIVACY, artifact

from faults.patches import Fault, Patch, strike, together

SIGNED = {"owner": "radiology-it@clinic.example", "approver": "ciso@clinic.example"}
LASTING = {"approved_on": "2026-10-01", "expires_on": "2027-03-31"}


def records_of(hospital: Hospital, key: str) -> tuple[str, str, list[dict[str, Any]]]:
    """Return kind, key and records of a file of records."""
    declared = hospital.declared[key]
    assert isinstance(declared, Signed), key  # noqa: S101 - the key names a file of records
    kind, name, records = declared.content
    return kind, name, deepcopy(records)


def sign(file: str, **record: Any) -> Patch:
    """Add a record to a file."""

    def patch(hospital: Hospital) -> None:
        kind, name, records = records_of(hospital, f"Signed//{file}")
        hospital.change(f"Signed//{file}", content=(kind, name, [*records, record]))

    return patch


def rewrite(file: str, id_: str, **fields: Any) -> Patch:
    """Write other fields into a record; `None` takes a field away."""

    def patch(hospital: Hospital) -> None:
        kind, name, records = records_of(hospital, f"Signed//{file}")
        [record] = [each for each in records if each["id"] == id_]
        record |= fields
        for field in [field for field, value in record.items() if value is None]:
            del record[field]
        hospital.change(f"Signed//{file}", content=(kind, name, records))

    return patch


def withdraw(file: str, id_: str) -> Patch:
    """Take a record out of a file."""

    def patch(hospital: Hospital) -> None:
        kind, name, records = records_of(hospital, f"Signed//{file}")
        left = [each for each in records if each["id"] != id_]
        hospital.change(f"Signed//{file}", content=(kind, name, left))

    return patch


def waiver(id_: str, check: str, **fields: Any) -> Patch:
    """Sign a waiver for one check."""
    whole = {"reason": "the maker mends it with the release of next spring", "risk_ref": "RA-2026-06#7.1"}
    return sign("waivers.yaml", **({"id": id_, "checks": [check]} | whole | SIGNED | LASTING | fields))


def decision(id_: str, citation: str, **fields: Any) -> Patch:
    """Sign a decision about one specification."""
    whole = {
        "citation": citation,
        "decision": "alternative",
        "rationale": "the filer cannot encrypt what it sends before it is replaced in 2027",
        "alternative": "the filer stands in a network of its own behind the firewall of the data hall",
    }
    return sign("decisions.yaml", **({"id": id_} | whole | SIGNED | LASTING | fields))


def unsigned(hospital: Hospital, name: str) -> None:
    """Take the agreement of one vendor out of the file of vendors."""
    content = deepcopy(hospital.declared["Input//vendors.yaml"].content)
    [vendor] = [each for each in content["entries"] if each["name"] == name]
    del vendor["baa_signed_on"], vendor["baa_expires_on"]
    hospital.change("Input//vendors.yaml", content=content)


def reopened(hospital: Hospital) -> None:
    """Leave a finding of the outside firm open after its day."""
    kind, key, records = records_of(hospital, "Signed//assessments.yaml")
    finding = records[0]["findings"][1]
    del finding["closed_on"], finding["evidence"]
    finding |= {"owner": "iam@clinic.example", "due_on": "2026-08-31"}
    hospital.change("Signed//assessments.yaml", content=(kind, key, records))


EARLY = {"closed_on": "2026-11-01", "evidence": "policy renamed"}

FAULTS = (
    Fault(
        "Waiver//WVR-2026-01",
        "HK-EVL-02",
        "an accepted risk that expired in September",
        together(
            waiver(
                "WVR-2026-01", "HK-AVL-09", match={"name": "portal"}, expires_on="2026-09-30", approved_on="2026-04-01"
            ),
            # Beside it one that stands: what is accepted for a time stays a gap.
            waiver("WVR-2026-10", "HK-AVL-06", match={"namespace": "integration", "name": "mirth-db"}),
        ),
    ),
    Fault(
        "Waiver//WVR-2026-02",
        "HK-EVL-02",
        "whoever owns the risk accepted it as well",
        waiver("WVR-2026-02", "HK-NET-05", match={"namespace": "integration"}, approver=SIGNED["owner"]),
    ),
    Fault(
        "Waiver//WVR-2026-03",
        "HK-EVL-02",
        "nothing that it speaks of fails any more",
        waiver("WVR-2026-03", "HK-AVL-03", match={"namespace": "ehr", "kind": "Deployment"}),
    ),
    Fault(
        "Waiver//WVR-2026-04",
        "HK-EVL-02",
        "the policy that is said to compensate is not there",
        waiver(
            "WVR-2026-04",
            "HK-ENC-08",
            match={"namespace": "imaging"},
            compensating=["NetworkPolicy/imaging/viewer-isolated", "VLAN 310"],
        ),
    ),
    Fault(
        "Waiver//WVR-2026-05",
        "HK-EVL-02",
        "no entry of the risk analysis is named, and no reason that could be weighed",
        waiver("WVR-2026-05", "HK-AVL-02", match={"name": "pacs-db"}, risk_ref="", reason="later"),
    ),
    Fault(
        "Decision//DEC-2026-01",
        "HK-EVL-02",
        "it decides against unique names for users, which are required",
        together(
            decision("DEC-2026-01", "164.312(a)(2)(i)"),
            decision("DEC-2026-10", "164.312(e)(2)(ii)", match={"namespace": "imaging", "name": "pacs-archive"}),
        ),
    ),
    Fault(
        "Decision//DEC-2026-02",
        "HK-EVL-02",
        "it says that encryption at rest is implemented, and volumes are not encrypted",
        decision("DEC-2026-02", "164.312(a)(2)(iv)", decision="implement", alternative=""),
    ),
    Fault(
        "Attestation//ATT-MAN-08",
        "HK-EVL-02",
        "the list of workstations was replaced after it was signed for",
        rewrite("attestations.yaml", "ATT-MAN-08", artifacts=[artifact(POLICIES) | {"sha256": "0" * 64}]),
    ),
    Fault(
        "Control//HK-MAN-08",
        "HK-MAN-08",
        "nobody can say any more what was attested of the workstations",
        rewrite("attestations.yaml", "ATT-MAN-08", artifacts=[artifact(POLICIES) | {"sha256": "0" * 64}]),
    ),
    Fault(
        "Attestation//ATT-MAN-02",
        "HK-EVL-02",
        "the attestation of the sanction policy expired in the spring",
        rewrite("attestations.yaml", "ATT-MAN-02", performed_on="2025-04-01", expires_on="2026-04-01"),
    ),
    Fault(
        "Control//HK-MAN-02",
        "HK-MAN-02",
        "the sanction policy was last looked at over a year ago",
        rewrite("attestations.yaml", "ATT-MAN-02", performed_on="2025-04-01", expires_on="2026-04-01"),
    ),
    Fault(
        "Attestation//ATT-MAN-03",
        "HK-EVL-02",
        "whoever attested it reviewed it",
        rewrite("attestations.yaml", "ATT-MAN-03", reviewer=PRIVACY),
    ),
    Fault(
        "Control//HK-MAN-03",
        "HK-MAN-03",
        "nobody else reviewed what is said of the workforce",
        rewrite("attestations.yaml", "ATT-MAN-03", reviewer=PRIVACY),
    ),
    Fault(
        "Control//HK-MAN-04",
        "HK-MAN-04",
        "no record of training is there",
        withdraw("attestations.yaml", "ATT-MAN-04"),
    ),
    Fault(
        "Control//HK-AVL-11",
        "HK-AVL-11",
        "no record of a failover test is there",
        withdraw("attestations.yaml", "ATT-AVL-11"),
    ),
    Fault(
        "Cluster//penetration-test",
        "HK-VUL-11",
        "nobody answers for the penetration test",
        withdraw("attestations.yaml", "ATT-VUL-11"),
    ),
    Fault(
        "Cluster//application-scan",
        "HK-VUL-11",
        "nobody answers for the scan of applications",
        withdraw("attestations.yaml", "ATT-VUL-11"),
    ),
    Fault(
        "Control//HK-EVL-06",
        "HK-EVL-06",
        "the record of the risk analysis was not renewed",
        withdraw("attestations.yaml", "ATT-EVL-06"),
    ),
    Fault(
        "Register//findings",
        "HK-EVL-03",
        "most of what the last run found was not entered",
        withdraw("findings.yaml", "REG-2026-01"),
    ),
    Fault(
        "RegisterEntry//REG-2026-02",
        "HK-EVL-03",
        "the filer was to be replaced by October",
        rewrite("findings.yaml", "REG-2026-02", due_on="2026-10-31"),
    ),
    Fault(
        "RegisterEntry//REG-2026-03",
        "HK-EVL-03",
        "closed although the policy still selects nothing",
        rewrite("findings.yaml", "REG-2026-03", **EARLY),
    ),
    Fault(
        "Archive//evidence",
        "HK-EVL-04",
        "the evidence of July is not in the archive",
        strike("Input//evidence_archive.csv", run="run-2026-07"),
    ),
    Fault(
        "External//saas:e-prescribing",
        "HK-EVL-05",
        "the agreement with the prescription network is not on record",
        lambda hospital: unsigned(hospital, "Prescription network"),
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-EVL-07",
        "new since the last evaluation that is on record",
        withdraw("reviews.yaml", "REV-2026-11"),
    ),
    Fault(
        "StatefulSet/imaging/pacs-db",
        "HK-EVL-07",
        "made anew in August, and nobody evaluated since",
        withdraw("reviews.yaml", "REV-2026-11"),
    ),
    Fault(
        "Citation//164.312(b)",
        "HK-EVL-09",
        "no document says how audit controls are kept",
        strike("Input//policies.csv", citation="164.312(b)"),
    ),
    Fault(
        "IndependentAssessment//IA-2026-06",
        "HK-EVL-10",
        "a finding of the outside firm was to be mended by August",
        reopened,
    ),
)
