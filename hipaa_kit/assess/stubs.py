"""Records to fill in: a stub has an id, what it is about, and today's date; a person writes the rest."""

from __future__ import annotations

from typing import Final

from hipaa_kit.catalogue import Catalogue
from hipaa_kit.errors import InputError

HEAD: Final = "apiVersion: hipaa-kit/v1\n"
REGISTERS: Final = ("findings", "reviews", "assessments")


def waiver_stub(fingerprint: str, today: str) -> str:
    """Return a WaiverList with one record for one finding."""
    return f"""{HEAD}kind: WaiverList
waivers:
- id: WVR-{today[:4]}-{_mark(fingerprint)}
  fingerprint: {fingerprint}
  reason: ""  # why the risk is accepted, in 20 characters or more
  compensating: []  # Kind/namespace/name, or words
  risk_ref: ""  # entry of the risk analysis
  owner: ""
  approver: ""  # somebody else than the owner
  approved_on: {today}
  expires_on: ""  # at most 366 days after
"""


def decision_stub(fingerprint: str, today: str) -> str:
    """Return a DecisionList with one record for one finding: 164.306(d)(3), addressable specifications alone."""
    return f"""{HEAD}kind: DecisionList
decisions:
- id: DEC-{today[:4]}-{_mark(fingerprint)}
  fingerprint: {fingerprint}
  citation: ""  # the addressable specification
  decision: ""  # implement, alternative or not_reasonable
  rationale: ""  # why it is not reasonable and appropriate here, in 20 characters or more
  alternative: ""  # the equivalent measure in its place
  no_alternative_because: ""  # where no equivalent measure is reasonable either
  compensating: []  # Kind/namespace/name, or words
  owner: ""
  approver: ""  # somebody else than the owner
  approved_on: {today}
  expires_on: ""  # at most 366 days after
"""


def attestation_stub(control: str, catalogue: Catalogue, today: str) -> str:
    """Return an AttestationList with one record for one control, and what the record has to hold as comments."""
    about = catalogue.control(control)
    holds = ", ".join(column.replace("_", " ") for column in about.evidence)
    excused = "  # applies: false, where the control does not speak of this organisation\n"
    return f"""{HEAD}kind: AttestationList
attestations:
# {about.title}
# serves {", ".join(mapping.citation for mapping in about.mappings)}; it has to show {holds}
- id: ATT-{today[:4]}-{control.removeprefix("HK-")}
  disposition: attested  # or inherited, from a provider
  control: {control}
{excused if "not_applicable" in about.rule else ""}  statement: ""  # what was found, in 20 characters or more
  method: ""  # examine, interview or test
  performed_on: {today}
  by: {{name: "", role: ""}}
  reviewer: {{name: "", role: ""}}  # somebody else
  expires_on: ""  # at most 366 days after
  artifacts: []  # {{path: …, sha256: …}} for examine and test, in the folder of records
  # provider: {{name: "", baa: "", report: ""}}  # for inherited
"""


def register_stub(register: str, today: str) -> str:
    """Return an empty entry of a register: of findings, of reviews, or of assessments by others."""
    stubs = {
        "findings": f"""kind: FindingRegister
findings:
- id: REG-{today}
  fingerprint: ""  # of the finding, from findings.csv
  owner: ""
  opened_on: {today}
  due_on: ""
  closed_on: ""
  evidence: ""  # what shows that it is closed
""",
        "reviews": f"""kind: ReviewRegister
reviews:
- id: REV-{today}
  kind: evaluation  # or another word for what was reviewed
  held_on: {today}
  about: ""
  result: ""
  by: {{name: ""}}
  reviewer: {{name: ""}}  # somebody else
""",
        "assessments": f"""kind: IndependentAssessmentList
assessments:
- id: IA-{today}
  scope: ""
  assessor: {{name: "", organization: ""}}
  owner: {{name: ""}}  # who answers for it here
  performed_on: {today}
  artifacts: []  # {{path: …, sha256: …}} of the report
  findings: []  # {{id: …, title: …, severity: …, owner: …, due_on: …, closed_on: …, evidence: …}}
""",
    }
    if register not in stubs:
        raise InputError(f"there is no register {register!r}", "", f"one of {', '.join(REGISTERS)}")
    return HEAD + stubs[register]


def _mark(fingerprint: str) -> str:
    if len(fingerprint) != 16 or set(fingerprint) - set("0123456789abcdef"):
        raise InputError(f"{fingerprint!r} is no fingerprint", "", "take the 16 digits from findings.csv")
    return fingerprint[:6]
