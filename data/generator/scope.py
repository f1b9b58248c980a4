"""The ePHI scope file: what holds patient data, who owns it, and who talks to whom."""

from __future__ import annotations

from hospital import EXPECTED_FLOWS, NAME_SERVER
from model import Hospital, ScopeEntry
from policies import SHUT

HEAD = """\
# The ePHI scope of the clinic: what holds patient data, who owns it, and how much depends on it.
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: clinic, owner: privacy@clinic.example, reviewed_on: 2026-11-01}
"""
EXCLUDED = """\
exclude:
- {object: Deployment/portal/status-page, reason: "public page, knows no patient"}
- {object: Service/portal/status-page, reason: "public page, knows no patient"}
"""
SYSTEM = """\
system: {preset: standard, add: [ingress-nginx, cert-manager, cosign-system, monitoring, velero]}
"""


def scope_text(hospital: Hospital) -> str:
    """Return the scope file."""
    entries = "".join(f"- {{{_fields(entry)}}}\n" for entry in hospital.all(ScopeEntry))
    flows = "".join(f"- {{from: {source}, to: {target}, port: {port}}}\n" for source, target, port in EXPECTED_FLOWS)
    flows += "".join(
        f"- {{from: Namespace//{name}, to: {NAME_SERVER}, port: 53, protocol: {protocol}}}\n"
        for name in SHUT
        for protocol in ("UDP", "TCP")
    )
    return f"{HEAD}entries:\n{entries}{EXCLUDED}expected_flows:\n{flows}{SYSTEM}"


def _fields(entry: ScopeEntry) -> str:
    quoted = {"namespaceSelector", "podSelector", "claimSelector", "image", "external"}
    return ", ".join(
        f'{key}: "{value}"' if key in quoted else f"{key}: {value}" for key, value in entry.content.items()
    )
