"""How near an object is to ePHI: far only where it is proved, and hidden only where it is far."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.relevance import Nearness, hidden_by, relevance_of
from hipaa_kit.assess.runner import Verdict
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import snapshot_of

SCOPE = Path(__file__).parents[1] / "safeguards" / "scope.yaml"
WORLD = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, uid: n1, labels: {hipaa.io/phi: "true"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-tools, uid: n2}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: ehr, uid: p1}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: v1
kind: Node
metadata: {name: n1, uid: n3}
spec: {}
status: {nodeInfo: {kubeletVersion: v1.34.2}}
AGENT
---
apiVersion: v1
kind: Pod
metadata:
  name: cilium-1
  namespace: kube-system
  uid: c1
  labels: {k8s-app: cilium}
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: cilium, uid: c0, controller: true}]
spec: {nodeName: n1, hostNetwork: true, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.18.0"}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ehr, uid: d1, labels: {app: db}}
spec: {nodeName: n1, serviceAccountName: default, containers: [{name: db, image: "x:1"}]}
status: {phase: Running, podIP: 10.1.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: tool, namespace: kube-tools, uid: t1, labels: {app: tool}}
spec: {nodeName: n1, serviceAccountName: tool, containers: [{name: tool, image: "TOOL"}]}
status: {phase: Running, podIP: 10.1.0.2}
"""
AGENT = """
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, uid: c0}
spec:
  selector: {matchLabels: {k8s-app: cilium}}
  template:
    metadata: {labels: {k8s-app: cilium}}
    spec: {hostNetwork: true, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.18.0"}]}
status: {desiredNumberScheduled: 1, numberReady: READY}
"""
OPEN = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: ehr, uid: p2}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}
"""
READS = """
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tool, uid: b1}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads}
subjects: [{kind: ServiceAccount, name: tool, namespace: kube-tools}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reads, uid: r1}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
"""


def relevance(snapshot: Snapshot, **options: bool) -> tuple[str, str, str]:
    """Return relevance, severity and preset of the finding that the tool asks for no memory limit to be scheduled by."""
    run = Assessment(snapshot, load_scope(SCOPE), topics=["scope_and_inventory"], **options)
    findings = run.findings()
    [row] = findings[(findings["check"] == "HK-PHI-02") & (findings["object"] == "Pod/kube-tools/tool")].to_dict(
        "records"
    )
    return row["ephi_relevance"], row["severity"], row["hidden_by"]


def world(more: str = "", image: str = "example/tool:1", ready: int = 1, **overrides: str) -> Snapshot:
    given = {(kind, ""): status for kind, status in overrides.items()}
    return snapshot_of(written(ready).replace("TOOL", image) + more, overrides=given)


def written(ready: int = 1) -> str:
    return WORLD.replace("AGENT", AGENT.replace("READY", str(ready)).strip("\n"))


def test_what_cannot_come_near_is_far_and_hidden_in_a_system_namespace() -> None:
    assert relevance(world()) == ("none", "info", "system")


def test_the_preset_can_be_turned_off() -> None:
    assert relevance(world(), preset=False) == ("none", "info", "")


@pytest.mark.parametrize(
    "snapshot",
    [
        world(OPEN),
        world(READS),
        world(image="orthancteam/orthanc:1"),
        world(Pod="partial"),
        world(ready=0),
        snapshot_of(WORLD.replace("AGENT\n", "")),
        snapshot_of(written(), overrides={("networking.k8s.io", "NetworkPolicy", ""): "refused"}),
        snapshot_of(written(), overrides={("rbac.authorization.k8s.io", "ClusterRoleBinding", ""): "unknown"}),
    ],
    ids=[
        "may connect",
        "may read",
        "looks like ePHI",
        "pods unseen",
        "agent not ready",
        "no agent",
        "policies unseen",
        "grants unseen",
    ],
)
def test_what_may_come_near_or_is_not_known_is_adjacent_and_never_hidden(snapshot: Snapshot) -> None:
    near, severity, preset = relevance(snapshot)
    assert (near, preset) == ("adjacent", "")
    assert severity == "medium"


def test_without_a_scope_everything_counts() -> None:
    run = Assessment(world(), None, topics=["scope_and_inventory"])
    assert set(run.findings()["ephi_relevance"]) == {"in_scope"}


@pytest.mark.parametrize(
    ("relevance", "namespace", "hidden"),
    [
        ("none", "kube-public", "system"),
        ("none", "longhorn-system", "system"),
        ("none", "shop", ""),
        ("adjacent", "kube-system", ""),
        ("in_scope", "kube-system", ""),
        ("none", "", ""),
    ],
)
def test_only_what_is_far_is_hidden(relevance: str, namespace: str, hidden: str) -> None:
    assert hidden_by(relevance, namespace, ("kube-*", "*-system")) == hidden


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Deployment/far/web", "none"),
        ("NetworkPolicy/far/shut", "none"),
        ("Namespace//far", "none"),
        ("Application/far/ehr", "adjacent"),
        ("Schedule/far/nightly", "adjacent"),
        ("RoleBinding/far/tools", "adjacent"),
        ("ServiceAccount/far/tool", "adjacent"),
        ("Secret/far/key", "adjacent"),
        ("Deployment/near/web", "adjacent"),
        ("ClusterRole//reads", "adjacent"),
        ("Deployment/far/declared", "in_scope"),
    ],
)
def test_what_acts_beyond_its_namespace_is_never_far(name: str, near: str) -> None:
    said = Verdict("HK-AVL-01", name, "fail", "x")
    known = Nearness(frozenset({"Deployment/far/declared"}), True, lambda: frozenset({"far"}))
    assert relevance_of(said, known) == near
