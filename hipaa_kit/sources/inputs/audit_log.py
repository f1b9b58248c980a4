"""The audit log as an input: what was read of it as a table; the events stay in their store."""

from __future__ import annotations

from typing import Final

from hipaa_kit.sources.inputs.declaration import Input
from hipaa_kit.tables.audit_log import AUDIT_SOURCES

INPUTS: Final = (
    Input(
        "audit_log",
        "the audit log of the API server",
        (),
        (AUDIT_SOURCES,),
        "copy /var/log/kubernetes/audit/*.log* of every control plane node, or what the provider exports, and name it"
        " with --audit-log",
    ),
)
