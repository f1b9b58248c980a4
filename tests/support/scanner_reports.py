"""Small reports in the form in which each tool writes them; each quotes a canary where the tool quotes objects."""

from __future__ import annotations

import json
from typing import Any

CANARY = "hummingbird-7f3a9c51e2"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"password": CANARY}}


def kubescape() -> dict[str, Any]:
    """Return a report of format v2, with the sub-statuses that are no pass."""

    def control(check: str, status: str, sub: str = "", **more: Any) -> dict[str, Any]:
        said = {"status": status, "subStatus": sub, "info": CANARY} if sub else {"status": status}
        path = {"failedPath": f"spec.{CANARY}"}
        return {
            "controlID": check,
            "name": "a control",
            "status": said,
            "rules": [{"name": "r", "status": status, "paths": [path]}],
            **more,
        }

    return {
        "generationTime": "2026-11-19T21:00:00Z",
        "metadata": {"scanMetadata": {"kubescapeVersion": "v3.0.40"}},
        "summaryDetails": {
            "controls": {"C-0018": {"controlID": "C-0018", "scoreFactor": 3}, "C-0004": {"scoreFactor": 8}}
        },
        "resources": [{"resourceID": "/v1/ehr/Secret/db", "object": SECRET}],
        "results": [
            {
                "resourceID": "apps/v1/ehr/Deployment/portal",
                "rawResource": SECRET,
                "controls": [
                    control("C-0018", "failed"),
                    control("C-0056", "passed"),
                    control("C-0004", "passed", "w/exceptions"),
                    control("C-0073", "passed", "irrelevant"),
                    control("C-0050", "skipped", "configuration"),
                    control("C-0037", "skipped", "manual review"),
                ],
            },
            {
                "resourceID": "/v1//Namespace/default",
                "controls": [
                    {"controlID": "C-0077", "name": "old", "rules": [{"status": "passed"}, {"status": "failed"}]}
                ],
            },
        ],
    }


def trivy() -> dict[str, Any]:
    """Return `trivy k8s --report all`, with a resource that could not be scanned."""
    return {
        "ClusterName": "clinic",
        "Resources": [
            {
                "Namespace": "ehr",
                "Kind": "Deployment",
                "Name": "portal",
                "Metadata": {
                    "RepoDigests": [f"registry.example/portal@sha256:{'cd' * 32}"],
                    "ImageConfig": {"env": CANARY},
                },
                "Results": [
                    {
                        "Target": "Deployment/portal",
                        "Class": "config",
                        "Misconfigurations": [
                            {
                                "ID": "KSV016",
                                "AVDID": "AVD-KSV-0016",
                                "Title": "Memory requests not specified",
                                "Message": f"Container 'portal' {CANARY}",
                                "Severity": "LOW",
                                "Status": "FAIL",
                                "CauseMetadata": {"Code": {"Lines": [{"Content": CANARY}]}},
                            },
                            {"ID": "KSV-0011", "Severity": "LOW", "Status": "PASS"},
                            {"ID": "KSV-0018", "Severity": "LOW", "Status": "EXCEPTION"},
                        ],
                        "Vulnerabilities": [
                            {
                                "VulnerabilityID": "CVE-2024-0727",
                                "PkgName": "libssl3",
                                "InstalledVersion": "3.0.11",
                                "FixedVersion": "3.0.13",
                                "Severity": "MEDIUM",
                            }
                        ],
                        "Secrets": [
                            {
                                "RuleID": "aws-access-key-id",
                                "Severity": "CRITICAL",
                                "Match": CANARY,
                                "Code": {"Lines": [CANARY]},
                            }
                        ],
                        "ExperimentalModifiedFindings": [
                            {"Type": "vulnerability", "Status": "ignored", "Finding": {"VulnerabilityID": "CVE-2023-1"}}
                        ],
                    }
                ],
            },
            {"Namespace": "ehr", "Kind": "StatefulSet", "Name": "db", "Error": f"unable to pull: {CANARY}"},
        ],
    }


def trivy_operator() -> dict[str, Any]:
    """Return a list as kubectl prints it: an exposed secret, an image without findings, a benchmark, a pod."""

    def report(kind: str, **content: Any) -> dict[str, Any]:
        labels = {"kind": "Pod", "name": "web", "namespace": "ehr"}
        metadata = {"name": "x", "labels": {f"trivy-operator.resource.{key}": value for key, value in labels.items()}}
        return {"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": kind, "metadata": metadata, "report": content}

    controls = [
        {"id": "1.1", "name": "a", "severity": "HIGH", "totalFail": None},
        {"id": "1.2", "name": "b", "severity": "HIGH", "totalFail": 0},
        {"id": "1.3", "name": "c", "severity": "LOW", "totalFail": 3},
        {"id": "1.4", "name": "d", "severity": "LOW"},
    ]
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            report(
                "ExposedSecretReport", secrets=[{"ruleID": "jwt", "severity": "HIGH", "match": CANARY, "target": "/a"}]
            ),
            report("VulnerabilityReport", vulnerabilities=[], artifact={"repository": "portal", "tag": "1"}),
            {
                "apiVersion": "aquasecurity.github.io/v1alpha1",
                "kind": "ClusterComplianceReport",
                "metadata": {"name": "k8s-nsa-1.0"},
                "status": {"summaryReport": {"id": "k8s-nsa-1.0", "controlCheck": controls}},
            },
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}},
        ],
    }


def kube_bench() -> dict[str, Any]:
    """Return a report of one node."""

    def test(number: str, status: str, **more: Any) -> dict[str, Any]:
        return {
            "test_number": number,
            "test_desc": "d",
            "status": status,
            "scored": True,
            "remediation": CANARY,
            **more,
        }

    results = [
        test("4.1.1", "PASS", actual_value=f"permissions=600 {CANARY}", expected_result="600"),
        test("4.1.2", "FAIL", actual_value="644", expected_result="600", reason=""),
        test("4.1.3", "FAIL", actual_value="", expected_result="", reason=f"failed to run: stat {CANARY}"),
        test("4.1.4", "WARN"),
        test("4.1.5", "INFO"),
    ]
    controls = {"id": "4", "version": "cis-1.9", "node_type": "node", "tests": [{"section": "4.1", "results": results}]}
    return {"Controls": [controls], "Totals": {"total_pass": 1}}


def prowler() -> list[dict[str, Any]]:
    """Return OCSF findings; the second is muted, the third is of another provider."""

    def finding(status: str, muted: bool = False, provider: str = "kubernetes", **resource: Any) -> dict[str, Any]:
        return {
            "message": CANARY,
            "status_detail": CANARY,
            "metadata": {
                "event_code": "core_memory_requests_set",
                "product": {"name": "Prowler", "version": "5.14.0"},
                "profiles": ["container", "datetime"],
            },
            "severity": "Medium",
            "status": "Suppressed" if muted else "New",
            "status_code": status,
            "time": 1763600000,
            "finding_info": {"title": "Ensure memory requests are set"},
            "unmapped": {"provider": provider, "compliance": {"CIS-1.10": ["5.1"]}},
            "resources": [{"uid": "1", "data": {"details": CANARY, "metadata": SECRET}, **resource}],
        }

    pod = {"name": "web", "type": "KubernetesPod", "namespace": "ehr"}
    return [
        finding("PASS", **pod),
        finding("FAIL", muted=True, **pod),
        finding("FAIL", provider="aws", **pod),
        finding("MANUAL", name="kube-apiserver-cp1", type="KubernetesAPIServer", namespace="kube-system"),
        finding("FAIL", name="admin", type="KubernetesClusterRole", namespace="cluster-wide"),
    ]


def prowler_csv() -> str:
    """Return Prowler's CSV; the cell with the message holds a delimiter and a line end."""
    header = (
        "AUTH_METHOD;TIMESTAMP;FINDING_UID;PROVIDER;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;MUTED;SEVERITY;"
        "RESOURCE_TYPE;RESOURCE_UID;RESOURCE_NAME;REGION;PROWLER_VERSION"
    )
    start = "x;2026-11-19 14:27:38.533897;u;kubernetes;core_readiness_probe_configured;Readiness"
    lines = [
        f'{start};FAIL;"{CANARY};\nsecond";False;medium;KubernetesPod;1;web;namespace: ehr;5.14.0',
        f"{start};PASS;{CANARY};True;medium;KubernetesPod;1;db;namespace: ehr;5.14.0",
        "too;few",
        "x;t;u;aws;c;t;PASS;;False;low;Bucket;1;b;eu-west-1;5",
    ]
    return "\n".join([header, *lines]) + "\n"


def policy_report() -> dict[str, Any]:
    """Return a report of Kyverno with results of every kind, about resources and about its scope."""

    def result(said: str, **more: Any) -> dict[str, Any]:
        return {
            "source": "kyverno",
            "policy": "require-requests-limits",
            "rule": "r",
            "result": said,
            "message": CANARY,
            **more,
        }

    return {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport",
        "metadata": {"name": "x", "namespace": "ehr"},
        "results": [
            result(
                "pass",
                resources=[
                    {"apiVersion": "v1", "kind": "Pod", "name": "a"},
                    {"apiVersion": "v1", "kind": "Pod", "name": "b"},
                ],
            ),
            result("warn", resources=[{"apiVersion": "v1", "kind": "Namespace", "name": "ehr"}]),
            result("error", timestamp={"seconds": 1763600000, "nanos": 5}),
            result("skip", properties={"quoted": CANARY}),
        ],
        "scope": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "portal", "namespace": "ehr"},
    }


def falco() -> str:
    """Return a stream: Falco's own log, an alert about a pod, one about a node."""

    def alert(**fields: Any) -> str:
        content = {
            "hostname": "node-1",
            "output": f"22:09 Notice shell (cmdline=psql {CANARY})",
            "output_fields": {"proc.cmdline": f"psql {CANARY}", **fields},
            "priority": "Notice",
            "rule": "Terminal shell in container",
            "source": "syscall",
            "tags": ["T1059"],
            "time": "2026-11-19T22:09:57.827858816Z",
        }
        return json.dumps(content)

    pod = alert(
        **{
            "k8s.ns.name": "ehr",
            "k8s.pod.name": "web",
            "container.image.repository": "nginx",
            "container.image.tag": "1",
        }
    )
    return f"Falco initialized with {CANARY}\n{pod}\n{alert(**{'k8s.ns.name': None, 'k8s.pod.name': None})}\n{{broken\n"


def trivy_image() -> dict[str, Any]:
    """Return `trivy image`, of a system that has ended, with a vulnerability and a secret."""
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.66.0"},
        "CreatedAt": "2026-11-19T23:10:04.123456789+01:00",
        "ArtifactName": "registry.example/portal:1.4",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "10.13", "EOSL": True},
            "ImageID": f"sha256:{'ee' * 32}",
            "RepoTags": ["registry.example/portal:1.4"],
            "RepoDigests": [f"registry.example/portal@sha256:{'cd' * 32}"],
            "ImageConfig": {"env": CANARY},
        },
        "Results": [
            {
                "Target": "registry.example/portal:1.4 (debian 10.13)",
                "Class": "os-pkgs",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2023-38545",
                        "PkgName": "libcurl4",
                        "InstalledVersion": "7.88.1-10",
                        "FixedVersion": "7.88.1-10+deb12u4",
                        "Severity": "CRITICAL",
                        "PublishedDate": "2023-10-18T04:15:11Z",
                        "Description": CANARY,
                        "CVSS": {"nvd": {"V3Score": 9.8}, "redhat": {"V3Score": 7.5}},
                    }
                ],
            },
            {
                "Target": "/app/.npmrc",
                "Class": "secret",
                "Secrets": [{"RuleID": "npm-access-token", "Severity": "HIGH", "Title": "Token", "Match": CANARY}],
            },
        ],
    }


def grype() -> dict[str, Any]:
    """Return `grype -o json`, with a vulnerability that is known to be exploited."""
    return {
        "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": "2026-11-19T22:10:04Z"},
        "distro": {"name": "debian", "version": "12"},
        "source": {
            "type": "image",
            "target": {
                "userInput": "registry.example/api:2.0",
                "imageID": f"sha256:{'aa' * 32}",
                "repoDigests": [f"registry.example/api@sha256:{'bb' * 32}"],
                "tags": [],
                "config": CANARY,
            },
        },
        "matches": [
            {
                "vulnerability": {
                    "id": "CVE-2021-44228",
                    "severity": "Critical",
                    "description": CANARY,
                    "fix": {"state": "fixed", "versions": ["2.15.0"]},
                    "cvss": [{"metrics": {"baseScore": 10.0}}, {"metrics": {"baseScore": 9.3}}],
                    "epss": [{"cve": "CVE-2021-44228", "epss": 0.94358}],
                    "knownExploited": [{"cve": "CVE-2021-44228", "dateAdded": "2021-12-10"}],
                },
                "artifact": {"name": "log4j-core", "version": "2.14.1", "locations": [{"path": CANARY}]},
            },
            {
                "vulnerability": {"id": "CVE-2024-0727", "severity": "Negligible", "fix": {"versions": []}},
                "artifact": {"name": "libssl3", "version": "3.0.11"},
            },
        ],
    }


def cyclonedx() -> dict[str, Any]:
    """Return a bill of materials as Syft writes it."""
    root = {"type": "container", "name": "registry.example/api", "version": f"sha256:{'bb' * 32}"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": "2026-11-19T22:10:04Z", "component": root},
        "components": [{"type": "library", "name": "log4j-core", "version": "2.14.1", "description": CANARY}],
    }


def spdx() -> dict[str, Any]:
    """Return a bill of materials in the other form."""
    image = {"SPDXID": "SPDXRef-image", "name": "registry.example/api", "primaryPackagePurpose": "CONTAINER"}
    purl = f"pkg:oci/api@sha256%3A{'bb' * 32}?repository_url=registry.example"
    image["externalRefs"] = [{"referenceType": "purl", "referenceLocator": purl}]
    packages = [image, {"SPDXID": "SPDXRef-log4j", "name": "log4j-core", "versionInfo": "2.14.1"}]
    return {"spdxVersion": "SPDX-2.3", "creationInfo": {"created": "2026-11-19T22:10:04Z"}, "packages": packages}


DOCUMENTS = {
    "kubescape": kubescape(),
    "trivy": trivy(),
    "trivy_image": trivy_image(),
    "trivy_operator": trivy_operator(),
    "grype": grype(),
    "kube_bench": kube_bench(),
    "prowler": prowler(),
    "policy_report": policy_report(),
}
TEXTS = {"prowler_csv": prowler_csv(), "falco": falco(), "kubescape_text": json.dumps(kubescape())}
