"""What scanners saw: reports of Trivy Operator on images and nodes, and what else is known of vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infrastructure import server
from model import NODES, Container, Custom, Declaration, Hospital, Input, Scan, Workload, object_id
from objects import Cluster, Object, image_digest, owner, suffix
from offices import NAMESPACES as OFFICES
from pods import template_hash

GROUP = "aquasecurity.github.io"
SCANNED_AT = "2026-11-19T22:10:04Z"
SCANNER: Object = {"name": "Trivy", "vendor": "Aqua Security", "version": "0.66.0"}
LABEL = "trivy-operator"
HELD = ("ehr", "ehr-staging", "identity", "imaging", "integration", "portal", "research", *OFFICES)
"""Namespaces whose images are scanned one by one."""

UNFIXED = ("CVE-2023-45853", "zlib1g", "1:1.2.13.dfsg-1", "", "CRITICAL", "2023-10-14T02:15:09Z", 9.8)
MINOR = ("CVE-2024-0727", "libssl3", "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "MEDIUM", "2024-01-26T09:15:07Z", 5.5)
"""Vulnerabilities: id, package, version installed, versions with a fix, severity, when published, score."""

EXPLOITED = (
    ("CVE-2021-44228", "2021-12-10", "2021-12-24"),
    ("CVE-2023-44487", "2023-10-10", "2023-10-31"),
    ("CVE-2023-4911", "2023-11-21", "2023-12-12"),
)
LIFECYCLES = (
    ("cilium", "1.19", "", "2026-11-02", "https://docs.cilium.io/en/stable/contributing/release/"),
    ("ubuntu", "24.04", "2029-05-31", "2026-11-02", "https://ubuntu.com/about/release-cycle"),
)


def scans(running: Iterable[Declaration]) -> list[Declaration]:
    """Declare a scan of every container in the namespaces of the hospital, and what is known beside."""
    found = [
        Scan(object_id(workload), container.name, (MINOR, UNFIXED) if workload.kind == "StatefulSet" else (MINOR,))
        for workload in running
        if isinstance(workload, Workload) and workload.namespace in HELD
        for container in workload.containers
    ]
    operator = server("monitoring", "trivy-operator", "ghcr.io/aquasecurity/trivy-operator:0.31.0", 8080)
    return [
        operator,
        *found,
        *(node_report(node) for node in NODES),
        *(configuration_report(*each) for each in CONFIGURED),
        Input("known_exploited.json", exploited()),
        Input("lifecycles.csv", [dict(zip(LIFECYCLE_COLUMNS, each, strict=True)) for each in LIFECYCLES]),
    ]


LIFECYCLE_COLUMNS = ("product", "cycle", "eol_on", "checked_on", "source")


def exploited() -> dict[str, Any]:
    """Return three entries of the catalogue of known exploited vulnerabilities."""
    names = ("cveID", "dateAdded", "dueDate")
    entries = [dict(zip(names, each, strict=True)) for each in EXPLOITED]
    released = {"catalogVersion": "2026.11.18", "dateReleased": "2026-11-18T15:00:00.000Z"}
    return {**released, "count": len(entries), "vulnerabilities": entries}


def node_report(node: str) -> Custom:
    """Declare what the scanner says of a node."""
    checks = [
        {"checkID": "KCV0077", "severity": "HIGH", "success": True, "title": "Anonymous requests to the kubelet"},
        {
            "checkID": "KCV0079",
            "severity": "CRITICAL",
            "success": True,
            "title": "Certificates of the kubelet's clients",
        },
    ]
    labels = {f"{LABEL}.resource.kind": "Node", f"{LABEL}.resource.name": node, f"{LABEL}.resource.namespace": ""}
    content = {"report": {"checks": checks, "scanner": SCANNER, "updateTimestamp": SCANNED_AT}}
    return Custom("ClusterInfraAssessmentReport", "", f"node-{node}", content, SCANNED_AT, labels)


CONFIGURED = (
    ("Deployment", "portal", "portal-web"),
    ("Deployment", "ehr-staging", "ehr-app"),
    ("Deployment", "imaging", "dcm4chee-arc"),
    ("Deployment", "integration", "mirth"),
    ("StatefulSet", "research", "orthanc"),
)
"""Workloads that the scanner reports on: one in each namespace with patient data that no other report names."""


def configuration_report(kind: str, namespace: str, name: str) -> Custom:
    """Declare what the scanner says of the configuration of a workload."""
    checks = [{"checkID": "KSV017", "severity": "HIGH", "success": True, "title": "Privileged"}]
    labels = {
        f"{LABEL}.resource.kind": kind,
        f"{LABEL}.resource.name": name,
        f"{LABEL}.resource.namespace": namespace,
    }
    content = {"report": {"checks": checks, "scanner": SCANNER, "updateTimestamp": SCANNED_AT}}
    return Custom("ConfigAuditReport", namespace, f"{kind.lower()}-{name}", content, SCANNED_AT, labels)


def add_scans(cluster: Cluster, hospital: Hospital) -> None:
    """Add the reports of every scan, under the object whose pods run the image."""
    for scan in hospital.all(Scan):
        workload = hospital.declared.get(scan.workload)
        if isinstance(workload, Workload):
            for container in workload.containers:
                if container.name == scan.container:
                    add_reports(cluster, workload, container, scan)


def add_reports(cluster: Cluster, workload: Workload, container: Container, scan: Scan) -> None:
    """Add one report per purpose."""
    kind, name = reported_on(workload)
    labels = {
        f"{LABEL}.container.name": container.name,
        f"{LABEL}.resource.kind": kind,
        f"{LABEL}.resource.name": name,
        f"{LABEL}.resource.namespace": workload.namespace,
    }
    common = {"artifact": artifact(container), "registry": {"server": container.image.partition("/")[0]}}
    common |= {"scanner": SCANNER, "updateTimestamp": scan.scanned_at}
    system: Object = {"family": scan.system[0], "name": scan.system[1]} | ({"eosl": True} if scan.ended else {})
    reports = {
        "vulnerabilities": ("VulnerabilityReport", {"os": system, "vulnerabilities": vulnerabilities(scan)}),
        "secrets": ("ExposedSecretReport", {"secrets": [secret(rule) for rule in scan.secrets]}),
        "packages": ("SbomReport", {"components": bill(container), "summary": {"componentsCount": 142}}),
    }
    for purpose in scan.looked_for:
        report, content = reports[purpose]
        cluster.add(
            report,
            workload.namespace,
            f"{kind.lower()}-{name}-{container.name}",
            {"report": {**common, **content}},
            created=scan.scanned_at,
            labels=labels,
            owned_by=owner(kind, workload.namespace, name, block=False),
        )


def reported_on(workload: Workload) -> tuple[str, str]:
    """Return kind and name of the object that the scanner reports on: of a Deployment its newest ReplicaSet."""
    if workload.kind == "Deployment":
        return "ReplicaSet", f"{workload.name}-{template_hash(workload)}"
    return workload.kind, workload.name


def artifact(container: Container) -> Object:
    """Return the image as the scanner names it: by tag it gives the digest of the configuration, not the registry's."""
    repository, _, tag = container.image.partition("/")[2].rpartition(":")
    if container.pinned:
        return {"digest": image_digest(container.image), "repository": repository}
    return {"digest": image_digest(f"configuration of {container.image}"), "repository": repository, "tag": tag}


def vulnerabilities(scan: Scan) -> list[Object]:
    """Return what was found."""
    names = ("vulnerabilityID", "resource", "installedVersion", "fixedVersion", "severity", "publishedDate", "score")
    return [dict(zip(names, each, strict=True)) | {"title": "", "links": []} for each in scan.found]


def secret(rule: str) -> Object:
    """Return a secret that was found, without what it is."""
    return {"category": "general", "match": "****", "ruleID": rule, "severity": "HIGH", "target": "/app/.npmrc"}


def bill(container: Container) -> Object:
    """Return the head of a bill of materials."""
    root = {"name": container.image, "type": "container"}
    serial = suffix(12, "bill", container.image)
    return {"bomFormat": "CycloneDX", "metadata": {"component": root}, "serialNumber": serial, "specVersion": "1.6"}
