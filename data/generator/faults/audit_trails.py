"""Faults of audit trails: what was done to ePHI leaves no trace, or none for long."""

from __future__ import annotations

from model import CONTROL_PLANE, Hospital, Workload

from faults.access_control import API_SERVER, SERVER, add_rule, flag
from faults.monitoring import NO_AGENT
from faults.patches import Fault, Patch, change, silence, together, write
from faults.review import withdraw

SILENT = silence("cp-2", "2026-11-17 15:42:00", "2026-11-17 17:02:00")


def unset(name: str) -> Patch:
    """Run the API servers without a flag."""

    def patch(hospital: Hospital) -> None:
        server = hospital.declared[API_SERVER]
        assert isinstance(server, Workload), API_SERVER  # noqa: S101 - the key names a workload
        kept = tuple(word for word in server.containers[0].command if not word.startswith(f"--{name}="))
        hospital.change_container(API_SERVER, "kube-apiserver", command=kept)

    return patch


NO_WEBHOOK = unset("audit-webhook-config-file")

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
        Fault("AuditLog//kube-apiserver@cp-2", control, "for more than an hour it holds nothing", SILENT)
        for control in ("HK-AUD-11", "HK-LOG-16")
    ),
    Fault(
        f"{SERVER}-cp-2",
        "HK-AUD-04",
        "no agent ships the audit log of this node, and there is no webhook any more",
        together(NO_WEBHOOK, NO_AGENT),
    ),
    Fault(
        "Cluster//audit-detection",
        "HK-ALR-03",
        "audit events are sent to nothing that looks at them any more",
        NO_WEBHOOK,
    ),
    Fault(
        "Attestation//ATT-ALR-03",
        "HK-EVL-02",
        "that the audit webhook leads to the SIEM was attested in September, and since then there is no webhook",
        NO_WEBHOOK,
    ),
    Fault(
        "LogStore//siem.clinic.example",
        "HK-AUD-05",
        "audit logs are kept for a year, where the site asks for six",
        write("Input//log_stores.csv", 0, "retention_days", value=365),
    ),
    Fault(
        "Namespace//monitoring",
        "HK-AUD-06",
        "the interface team may rewrite what the log agents collect",
        add_rule("Role/monitoring/log-reader", "core", "configmaps", "get update"),
    ),
    Fault("Node//worker-a2", "HK-AUD-08", "its clock runs three minutes ahead", change("Node//worker-a2", ahead=187)),
    Fault(
        "Register//audit-log-reviews",
        "HK-AUD-10",
        "nobody looked at the audit log for two weeks in October",
        withdraw("reviews.yaml", "REV-LOG-2026-10-14"),
    ),
)
