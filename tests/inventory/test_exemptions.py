"""Claims in the cluster that an object is exempt are listed, and change nothing of what is said of it."""

from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.sources.scope import load_scope
from tests.support.snapshots import snapshot_of

SCOPE = Path(__file__).parents[1] / "safeguards" / "scope.yaml"
WEB = """
apiVersion: v1
kind: Namespace
metadata: {{name: ehr, labels: {{hipaa.io/phi: "true"}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: ehr, uid: u2, annotations: {{{mark}: "reviewed"}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: web}}}}
  template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: "x:1"}}]}}}}
status: {{readyReplicas: 1}}
"""
EXCEPTIONS = """
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: legacy, namespace: ehr}
spec: {}
---
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: {name: config, namespace: gatekeeper-system}
spec: {match: [{excludedNamespaces: [kube-system, ehr], processes: ["*"]}]}
"""


@pytest.mark.parametrize(
    ("mark", "tool"),
    [
        ("kubescape.io/skip-C-0018", "kubescape"),
        ("ignore-check.kube-linter.io/no-read-only-root-fs", "kube-linter"),
        ("kube-linter.io/ignore-all", "kube-linter"),
        ("polaris.fairwinds.com/hostIPCSet-exempt", "polaris"),
        ("polaris.fairwinds.com/exempt", "polaris"),
        ("kube-score/ignore", "kube-score"),
        ("checkov.io/skip1", "checkov"),
        ("datree.skip/CONTAINERS_MISSING", "datree"),
        ("example.com/skip-all", ""),
        ("kubescape.io/status", ""),
    ],
)
def test_a_mark_is_listed_and_changes_nothing(mark: str, tool: str) -> None:
    run = Assessment(snapshot_of(WEB.format(mark=mark)), load_scope(SCOPE), topics=["availability"])
    claims = run.tables.exemption_claims
    assert list(claims[["object", "claim", "tool"]].itertuples(index=False, name=None)) == (
        [("Deployment/ehr/web", mark, tool)] if tool else []
    )
    plain = Assessment(snapshot_of(WEB.format(mark="a.b/c")), load_scope(SCOPE), topics=["availability"])
    columns = ["check", "object", "verdict", "reason", "disposition"]
    assert run.findings()[columns].equals(plain.findings()[columns])


def test_exceptions_of_engines_are_listed() -> None:
    claims = Assessment(snapshot_of(EXCEPTIONS), load_scope(SCOPE)).tables.exemption_claims
    assert list(claims["claim"]) == [
        "leaves out namespace ehr",
        "leaves out namespace kube-system",
        "exception from policies",
    ]
