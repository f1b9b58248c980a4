"""Faults of audit trails: what was done to ePHI leaves no trace, or none for long."""

from __future__ import annotations

from model import CONTROL_PLANE

from faults.access_control import SERVER, flag
from faults.patches import Fault, silence, write

SILENT = silence("cp-2", "2026-11-17 15:42:00", "2026-11-17 17:02:00")

FAULTS = (
    *(
        Fault(
            f"{SERVER}-{node}",
            "HK-AUD-02",
            "files of the audit log are removed after a week",
            flag("audit-log-maxage", "7"),
        )
        for node in CONTROL_PLANE
    ),
    Fault(
        "AuditPolicy//control-plane",
        "HK-AUD-03",
        "what only reads leaves no trace, and Secrets are read",
        write("Input//audit-policy.yaml", "rules", 0, value={"level": "None", "verbs": ["get", "list", "watch"]}),
    ),
    *(
        Fault(found, control, "for more than an hour it holds nothing", SILENT)
        for control, found in (("HK-AUD-11", "AuditLog//kube-apiserver@cp-2"), ("HK-LOG-16", "AuditLog//cp-2"))
    ),
)
