"""The faults planted in the clinic: each is one change of the repaired hospital, one module per topic."""

from __future__ import annotations

from faults import (
    access_control,
    audit_trails,
    availability,
    backup_recovery,
    encryption,
    integrity,
    monitoring,
    network_isolation,
    pod_security,
    review,
    scope_and_inventory,
    suspicious_activity,
    transit,
    vulnerabilities,
)
from faults.patches import Fault

TOPICS = (
    scope_and_inventory,
    availability,
    access_control,
    encryption,
    network_isolation,
    pod_security,
    integrity,
    transit,
    backup_recovery,
    vulnerabilities,
    monitoring,
    review,
    audit_trails,
    suspicious_activity,
)
FAULTS: tuple[Fault, ...] = tuple(fault for topic in TOPICS for fault in topic.FAULTS)

__all__ = ["FAULTS", "Fault"]
