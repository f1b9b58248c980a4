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
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import controller_of, object_id
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.reports import ReportFindings, findings_of
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.vocabulary import NOT_EVALUATED

_TRIVY: Final = "aquasecurity.github.io"
_POLICY: Final = "wgpolicyk8s.io"
_OPEN: Final = "openreports.io"

KINDS: Final = (
    Kind(_TRIVY, "ClusterComplianceReport", "clustercompliancereports", False),
    Kind(_TRIVY, "ClusterConfigAuditReport", "clusterconfigauditreports", False),
    Kind(_TRIVY, "ClusterInfraAssessmentReport", "clusterinfraassessmentreports", False),
    Kind(_TRIVY, "ClusterRbacAssessmentReport", "clusterrbacassessmentreports", False),
    Kind(_TRIVY, "ClusterVulnerabilityReport", "clustervulnerabilityreports", False),
    Kind(_TRIVY, "ConfigAuditReport", "configauditreports", True),
    Kind(_TRIVY, "ExposedSecretReport", "exposedsecretreports", True),
    Kind(_TRIVY, "InfraAssessmentReport", "infraassessmentreports", True),
    Kind(_TRIVY, "RbacAssessmentReport", "rbacassessmentreports", True),
    Kind(_TRIVY, "VulnerabilityReport", "vulnerabilityreports", True),
    Kind(_OPEN, "ClusterReport", "clusterreports", False),
    Kind(_OPEN, "Report", "reports", True),
    Kind(_POLICY, "ClusterPolicyReport", "clusterpolicyreports", False),
    Kind(_POLICY, "PolicyReport", "policyreports", True),
)
"""Kinds that hold results of scanners, as their definitions name them."""

VULNERABILITY_REPORT: Final = Kind(_TRIVY, "VulnerabilityReport", "vulnerabilityreports", True)
SECRET_REPORT: Final = Kind(_TRIVY, "ExposedSecretReport", "exposedsecretreports", True)
BILL_KINDS: Final = (
    Kind(_TRIVY, "ClusterSbomReport", "clustersbomreports", False),
    Kind(_TRIVY, "SbomReport", "sbomreports", True),
)
"""Kinds that hold what was seen in images."""

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
