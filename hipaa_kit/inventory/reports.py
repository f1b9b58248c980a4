"""Reports that other scanners keep in the cluster as custom resources: trivy-operator and policy reports.

They came through the door like every object: their messages are gone or pseudonyms, and so are titles.
Reports that are files are read by `sources.reports`, into rows of the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.inventory.fields import mapping
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.workloads import gather
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import controller_of, object_id
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.reports import ReportFindings, findings_of
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.vocabulary import NOT_EVALUATED

_TRIVY: Final = "aquasecurity.github.io"

VULNERABILITY_REPORT: Final = custom(_TRIVY, "VulnerabilityReport")
SECRET_REPORT: Final = custom(_TRIVY, "ExposedSecretReport")
BILL_KINDS: Final = (custom(_TRIVY, "ClusterSbomReport"), custom(_TRIVY, "SbomReport"))
"""Kinds that hold what was seen in images; a bill of materials finds nothing."""

KINDS: Final = (
    *(
        custom(_TRIVY, f"{scope}{name}Report")
        for scope in ("Cluster", "")
        for name in ("ConfigAudit", "InfraAssessment", "RbacAssessment", "Vulnerability")
    ),
    custom(_TRIVY, "ClusterComplianceReport"),
    SECRET_REPORT,
    custom("openreports.io", "ClusterReport"),
    custom("openreports.io", "Report"),
    custom("wgpolicyk8s.io", "ClusterPolicyReport"),
    custom("wgpolicyk8s.io", "PolicyReport"),
)
"""Kinds that hold results of scanners, as their definitions name them."""

UNREADABLE: Final = "unreadable"


@builds(SCANNER_FINDINGS, reads=KINDS)
def scanner_findings(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per result of a report; what cannot be read of one is a row that says so."""
    for kind in KINDS:
        for record in snapshot.records(kind):
            found = read_report(record)
            if found is None:
                yield _unreadable(record, record.position, kind)
                continue
            yield from found.rows
            for problem in found.unreadable:
                yield _unreadable(record, problem["position"], kind)


def read_report(record: Record) -> ReportFindings | None:
    """Return what a report in the cluster says, None where it is none."""
    return findings_of(record.content, record.source, record.position, _kept)


def workloads_by_object(snapshot: Snapshot) -> dict[str, str]:
    """Return the workload of every pod, and of the ReplicaSet or Job between the two, by object.

    Scanners speak of either; our findings are about workloads. A ReplicaSet without pods is left over from a
    rollout, and so are reports about it: it is not here.
    """
    found = {}
    for workload in gather(snapshot).values():
        for pod in workload.pods:
            found[pod.object] = workload.object
            owner = controller_of(mapping(pod.content, "metadata"))
            if owner is not None:
                found[object_id(owner.kind, pod.namespace, owner.name)] = workload.object
    return found


def _kept(text: str) -> str:
    """Return a pseudonym as it is: digests were made at the door, where the key was."""
    return text if is_pseudonym(text) else ""


def _unreadable(record: Record, position: str, kind: Kind) -> dict[str, Any]:
    return {
        "tool": kind.group,
        "check": UNREADABLE,
        "object": record.object,
        "said": UNREADABLE,
        "outcome": NOT_EVALUATED,
        "source": record.source,
        "position": position,
    }
