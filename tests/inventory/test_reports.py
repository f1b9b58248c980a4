"""Reports that lie in the cluster as custom resources become rows; nothing they quote does."""

import json
from typing import Any

import hipaa_kit.inventory
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.inventory.reports import KINDS, workloads_by_object
from hipaa_kit.kube.kinds import group_of
from hipaa_kit.sources.redaction.rules import KEPT
from hipaa_kit.sources.reports import findings_of
from tests.support.snapshots import snapshot_of

discover(hipaa_kit.inventory)

CANARY = "hummingbird-7f3a9c51e2"

VULNERABILITY = f"""
apiVersion: aquasecurity.github.io/v1alpha1
kind: VulnerabilityReport
metadata:
  name: replicaset-portal-6d4f-portal
  namespace: ehr
  labels:
    trivy-operator.resource.kind: ReplicaSet
    trivy-operator.resource.name: portal-6d4f
    trivy-operator.resource.namespace: ehr
    trivy-operator.container.name: portal
report:
  updateTimestamp: "2026-11-19T22:10:04Z"
  scanner: {{name: Trivy, vendor: Aqua Security, version: 0.65.0}}
  registry: {{server: registry.example}}
  artifact: {{repository: clinic/portal, tag: "1.4", digest: "sha256:{"ab" * 32}"}}
  vulnerabilities:
  - {{vulnerabilityID: CVE-2024-0727, resource: libssl3, installedVersion: 3.0.11-1, fixedVersion: "3.0.13-1, 3.1.5",
      severity: MEDIUM, title: "about {CANARY}", description: "{CANARY}", links: ["https://x/{CANARY}"]}}
"""
CONFIG = f"""
apiVersion: aquasecurity.github.io/v1alpha1
kind: ConfigAuditReport
metadata:
  name: statefulset-db
  namespace: ehr
  labels:
    trivy-operator.resource.kind: StatefulSet
    trivy-operator.resource.name: db
    trivy-operator.resource.namespace: ehr
report:
  updateTimestamp: "2026-11-19T22:10:04Z"
  checks:
  - {{checkID: KSV016, severity: LOW, success: false, title: Memory, messages: ["Container says {CANARY}", "two"]}}
  - {{checkID: KSV011, severity: LOW, success: true}}
  - {{checkID: KSV018, severity: LOW}}
"""
HASHED = """
apiVersion: aquasecurity.github.io/v1alpha1
kind: RbacAssessmentReport
metadata:
  name: role-868458b9d6
  namespace: kube-system
  annotations: {trivy-operator.resource.name: "system:controller:token-cleaner"}
  labels:
    trivy-operator.resource.kind: Role
    trivy-operator.resource.name-hash: 868458b9d6
    trivy-operator.resource.namespace: kube-system
  ownerReferences: [{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, name: "system:controller:token-cleaner", controller: true}]
report: {checks: [{checkID: KSV051, severity: HIGH, success: false}]}
"""
POLICY = f"""
apiVersion: wgpolicyk8s.io/v1alpha2
kind: PolicyReport
metadata: {{name: 0a1b, namespace: ehr}}
scope: {{apiVersion: apps/v1, kind: Deployment, name: portal, namespace: ehr}}
results:
- {{source: kyverno, policy: require-pod-probes, rule: autogen-validate-probes, result: fail, severity: medium,
    message: "validation error {CANARY}", properties: {{quoted: "{CANARY}"}}, timestamp: {{seconds: 1763600000, nanos: 0}}}}
"""
OPEN = f"""
apiVersion: openreports.io/v1alpha1
kind: ClusterReport
metadata: {{name: x}}
results:
- {{source: kyverno, policy: nodes, rule: r, result: skip, description: "{CANARY}", subjects: [{{apiVersion: v1, kind: Node, name: n1}}]}}
"""


def findings(*texts: str) -> list[dict[str, Any]]:
    frame = Inventory(snapshot_of("---".join(texts)))["scanner_findings"]
    return frame.to_dict("records")


def test_a_vulnerability_is_a_row_with_package_versions_and_image() -> None:
    (row,) = findings(VULNERABILITY)
    assert row["object"] == "ReplicaSet/ehr/portal-6d4f"
    assert (row["tool"], row["check"], row["outcome"], row["severity"]) == (
        "trivy-operator",
        "CVE-2024-0727",
        "failed",
        "medium",
    )
    assert (row["package"], row["installed_version"], row["fixed_version"]) == (
        "libssl3",
        "3.0.11-1",
        "3.0.13-1, 3.1.5",
    )
    assert row["image"] == f"registry.example/clinic/portal:1.4@sha256:{'ab' * 32}"
    assert (row["part"], row["tool_version"], row["reported_at"]) == ("portal", "0.65.0", "2026-11-19T22:10:04Z")


def test_checks_pass_fail_or_are_named_as_unreadable() -> None:
    rows = {row["check"]: row for row in findings(CONFIG)}
    assert {check: row["outcome"] for check, row in rows.items()} == {
        "KSV016": "failed",
        "KSV011": "passed",
        "unreadable": "not_evaluated",
    }
    assert rows["unreadable"]["position"].endswith("/report/checks/2")
    assert len(rows["KSV016"]["message_digest"].split()) == 2


def test_an_object_named_by_hash_is_named_by_its_owner() -> None:
    assert [row["object"] for row in findings(HASHED)] == ["Role/kube-system/system:controller:token-cleaner"]


def test_a_hash_without_an_owner_gives_a_stable_name() -> None:
    text = "\n".join(line for line in HASHED.splitlines() if "ownerReferences" not in line)
    (row,) = findings(text)
    assert row["object"].startswith("Role/kube-system/hk-")


def test_policy_reports_of_both_apis_name_policy_and_object() -> None:
    rows = [(row["tool"], row["check"], row["title"], row["object"], row["outcome"]) for row in findings(POLICY, OPEN)]
    assert rows == [
        ("kyverno", "nodes", "r", "Node//n1", "not_evaluated"),
        ("kyverno", "require-pod-probes", "autogen-validate-probes", "Deployment/ehr/portal", "failed"),
    ]


def test_nothing_that_a_report_quotes_reaches_a_row() -> None:
    text = [VULNERABILITY, CONFIG, HASHED, POLICY, OPEN]
    assert CANARY in "".join(text)
    assert CANARY not in json.dumps(findings(*text))


def test_a_report_of_another_shape_is_a_row_that_says_so() -> None:
    text = CONFIG.split("report:", maxsplit=1)[0] + "report: [1]\n"
    assert [(row["check"], row["object"]) for row in findings(text)] == [
        ("unreadable", "ConfigAuditReport/ehr/statefulset-db")
    ]


OWNED = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: ehr{owner}}}
"""


def owner(kind: str, name: str) -> str:
    return f", ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, controller: true}}]"


def test_pods_and_what_stands_between_them_and_their_workload_go_by_the_workload() -> None:
    text = [
        OWNED.format(kind="Deployment", name="web", owner=""),
        OWNED.format(kind="ReplicaSet", name="web-2", owner=owner("Deployment", "web")),
        OWNED.format(kind="ReplicaSet", name="web-1", owner=owner("Deployment", "web")),
        OWNED.format(kind="Pod", name="web-2-x", owner=owner("ReplicaSet", "web-2")).replace(
            "apps/v1\nkind", "v1\nkind"
        ),
    ]
    found = workloads_by_object(snapshot_of("---".join(text)))
    assert found == {"Pod/ehr/web-2-x": "Deployment/ehr/web", "ReplicaSet/ehr/web-2": "Deployment/ehr/web"}


def test_every_kind_that_is_read_may_pass_the_door_and_is_recognised() -> None:
    for kind in KINDS:
        document = {"apiVersion": f"{kind.group}/v1alpha1", "kind": kind.kind}
        assert group_of(document["apiVersion"]) in KEPT
        assert findings_of(document, "s", "", str) is not None
