"""What would be otherwise: what is told of a change is what assessing the changed cluster anew tells."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import assessment
from hipaa_kit.errors import EXIT_FINDINGS, InputError
from hipaa_kit.graph.paths.changes import path_changes
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.random_changes import SCOPE, random_change, random_cluster
from tests.support.snapshots import objects_of, snapshot_of

SEEDS = range(int(os.environ.get("HIPAA_KIT_WHAT_IF_SEEDS", "3")))
TOPICS = ("network_isolation", "access_control")
RESULTS_COMPARED = ("findings", "finding_members", "finding_evidence", "citations")
CLINIC = Path(__file__).parents[2] / "data" / "clinic"


def assessed(snapshot: Snapshot, tmp_path: Path) -> Assessment:
    path = tmp_path / "scope.yaml"
    path.write_text(SCOPE)
    return Assessment(snapshot, load_scope(path), topics=TOPICS)


def anew(of: Assessment) -> Assessment:
    """Return the same assessment without anything that was made before."""
    return Assessment(
        of.snapshot,
        of.scope,
        as_of=of.as_of,
        parameters=of._settings,
        topics=of.topics_asked,
        inputs=of.given,
        records=of.records,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_what_if_tells_what_a_full_assessment_tells(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    cluster = random_cluster(rng)
    run = assessed(snapshot_of(cluster), tmp_path)
    run.findings()
    for _ in range(2):
        found = run.what_if(**random_change(rng, cluster))
        full = anew(found.after)
        for table in (*RESULTS_COMPARED, *found.after.tables._inventory.names()):
            if table in full.tables:
                pd.testing.assert_frame_equal(found.after.tables[table], full.tables[table], obj=table)
        before, after = Reachability.of(run.snapshot), Reachability.of(found.after.snapshot)
        pd.testing.assert_frame_equal(found.flows, compared(before, after))
        pd.testing.assert_frame_equal(found.permissions, anew(run).permissions.diff(full.permissions))
        pd.testing.assert_frame_equal(found.paths, path_changes(anew(run).paths, full.paths))


def compared(before: Reachability, after: Reachability) -> pd.DataFrame:
    """Return the flows that differ, by comparing every flow of both states on every port that either names."""
    from hipaa_kit.graph.reachability import changes as module

    held = module._touched
    module._touched = lambda *_: None  # type: ignore[assignment]
    try:
        return module.changes(before, after, 2_000_000)
    finally:
        module._touched = held


CLUSTER = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {kubernetes.io/metadata.name: ehr}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: db, namespace: ehr}
---
apiVersion: v1
kind: Secret
metadata: {name: db-token, namespace: ehr, annotations: {kubernetes.io/service-account.name: db}}
type: kubernetes.io/service-account-token
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: ehr}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {serviceAccountName: db, containers: [{name: db, image: "db:1"}]}
---
apiVersion: v1
kind: Pod
metadata:
  {name: db-0, namespace: ehr, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, controller: true, uid: d}]}
spec: {serviceAccountName: db, containers: [{name: db, image: "db:1"}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata:
  {name: db-1, namespace: ehr, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, controller: true, uid: d}]}
spec: {serviceAccountName: db, containers: [{name: db, image: "db:1"}]}
status: {phase: Running, podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: ehr, labels: {app: app}}
spec: {containers: [{name: app, image: "app:1"}]}
status: {phase: Running, podIP: 10.0.0.3}
"""

DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "ehr"},
    "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]},
}


@pytest.fixture
def run(tmp_path: Path) -> Assessment:
    return assessed(snapshot_of(CLUSTER), tmp_path)


def told(frame: pd.DataFrame, *columns: str) -> set[tuple[Any, ...]]:
    return set(frame[list(columns)].itertuples(index=False, name=None))


def test_a_policy_closes_flows_and_mends_findings(run: Assessment) -> None:
    found = run.what_if(DENY)
    assert told(found.objects, "object", "change", "asked") == {("NetworkPolicy/ehr/deny", "created", True)}
    shut = found.flows[(found.flows["source"] == "Pod/ehr/app") & (found.flows["protocol"] == "TCP")]
    assert told(shut, "destination", "before", "after") == {("StatefulSet/ehr/db", "allowed", "denied")}
    assert found.new_flows().empty
    assert not found.findings.empty
    assert found.reasons(["new-flow", "low"]) == []


def test_a_table_that_no_check_could_use_is_not_made_to_see_that_it_stands(run: Assessment) -> None:
    found = run.what_if(DENY)
    assert not found.findings.empty
    for each in (run, found.after):
        held = each.tables._inventory._built
        assert "isolation" in held
        assert "right_use" not in held  # it needs an audit log
    assert found.after.tables["right_use"] is run.tables["right_use"]


def test_taking_it_away_again_opens_them(tmp_path: Path) -> None:
    run = assessed(snapshot_of([*objects_of(CLUSTER), DENY]), tmp_path)
    found = run.what_if(delete="NetworkPolicy/ehr/deny")
    assert ("Pod/ehr/app", "StatefulSet/ehr/db") in told(found.new_flows(), "source", "destination")
    assert {reason.code for reason in found.reasons(["new-flow"])} == {EXIT_FINDINGS}
    assert {reason.code for reason in found.reasons(["low"])} == {EXIT_FINDINGS}


def test_a_namespace_takes_everything_in_it(run: Assessment) -> None:
    found = run.what_if(delete=["Namespace//ehr"])
    assert set(found.objects["change"]) == {"deleted"}
    assert len(found.objects) == len(objects_of(CLUSTER))
    assert told(found.objects[found.objects["asked"]], "object") == {("Namespace//ehr",)}


def test_an_owner_takes_its_pods_and_an_account_its_tokens(run: Assessment) -> None:
    found = run.what_if(delete=["StatefulSet/ehr/db", "ServiceAccount/ehr/db"])
    gone = {"StatefulSet/ehr/db", "Pod/ehr/db-0", "Pod/ehr/db-1", "ServiceAccount/ehr/db", "Secret/ehr/db-token"}
    assert {name for (name,) in told(found.objects, "object")} == gone


def test_a_secret_that_goes_keeps_no_token(run: Assessment) -> None:
    found = run.what_if(delete="Secret/ehr/db-token")
    kept = ("ServiceAccount/ehr/db", "Secret/ehr/db-token", True)
    assert told(run.tables["account_secrets"], "account", "secret", "token") == {kept}
    assert found.after.tables["account_secrets"].empty


CILIUM = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "closed", "namespace": "ehr"},
    "spec": {"endpointSelector": {"matchLabels": {"app": "db"}}, "ingress": [{}]},
}
CHANGES_TRUST = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: trust, namespace: kube-system}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [update], resourceNames: [aws-auth]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: trust, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: trust}
subjects: [{kind: User, name: jo}]
"""
TRUST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}}
ALERTS = """
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: main, namespace: monitoring}
spec: {}
---
apiVersion: v1
kind: Secret
metadata: {name: alertmanager-main, namespace: monitoring}
stringData: {alertmanager.yaml: "{route: {receiver: pager}, receivers: [{name: pager, pagerduty_configs: [{}]}]}"}
"""


@pytest.mark.parametrize(
    ("more", "change", "table"),
    [
        ("", {"apply": [CILIUM]}, "isolation"),
        ("", {"apply": [CILIUM]}, "blast_radius"),
        (CHANGES_TRUST, {"apply": [TRUST]}, "ephi_ways"),
        (ALERTS, {"delete": "Secret/monitoring/alertmanager-main"}, "alert_ways"),
    ],
)
def test_what_is_read_beside_its_kinds_changes_a_table_too(
    more: str, change: dict[str, Any], table: str, tmp_path: Path
) -> None:
    run = assessed(snapshot_of(f"{CLUSTER}---{more}" if more else CLUSTER), tmp_path)
    before = run.tables[table]
    after = run.what_if(**change).after
    pd.testing.assert_frame_equal(after.tables[table], anew(after).tables[table])
    assert not after.tables[table].equals(before)


def test_a_new_workload_brings_its_pod_and_a_new_namespace_its_account(run: Assessment) -> None:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "x:1"}]}}
    new = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "new"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template},
    }
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
    found = run.what_if([space, new])
    assert ("ServiceAccount/new/default", False) in told(found.objects, "object", "asked")
    assert ("Pod/new/x", "Deployment/new/x", False) in told(found.after.tables.pods, "object", "workload", "live")
    assert ("Deployment/new/x", "StatefulSet/ehr/db") in told(found.new_flows(), "source", "destination")


def test_fewer_replicas_take_the_last_pods(run: Assessment) -> None:
    [stateful] = [each for each in objects_of(CLUSTER) if each["kind"] == "StatefulSet"]
    found = run.what_if({**stateful, "spec": {**stateful["spec"], "replicas": 1}})
    assert ("Pod/ehr/db-1", "deleted") in told(found.objects, "object", "change")
    assert ("Pod/ehr/db-0", "deleted") not in told(found.objects, "object", "change")


def test_a_label_is_set_and_taken_away(run: Assessment) -> None:
    found = run.what_if(label={"Namespace//ehr": {"phi": "true"}, "Pod/ehr/app": {"app": None}})
    assert "Pod/ehr/app" in set(found.after.tables.ephi_objects["object"])
    assert told(found.objects, "object", "fields_removed") == {
        ("Namespace//ehr", ""),
        ("Pod/ehr/app", "metadata.labels.app"),
    }


def test_another_scope_changes_findings_and_no_object(run: Assessment, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(SCOPE.replace("*/ehr/db", "*/ehr/app"))
    found = run.what_if(scope=path)
    assert found.objects.empty
    assert found.flows.empty
    assert not found.findings.empty
    pd.testing.assert_frame_equal(found.after.findings(), anew(found.after).findings())


def test_nothing_that_was_refused_becomes_known(tmp_path: Path) -> None:
    run = assessed(snapshot_of(CLUSTER, overrides={("networking.k8s.io", "NetworkPolicy", ""): "refused"}), tmp_path)
    found = run.what_if(DENY)
    assert found.after.snapshot.coverage is run.snapshot.coverage
    passing = found.findings[found.findings["after"] == "pass"]
    assert passing.empty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: [", "cannot be read|no Kubernetes object|nothing in it could be read"),
        ("just: words", "holds no Kubernetes object"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}", "without a name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n---\nkind: [\n", "nothing was applied"),
        (f"{'apiVersion: v1'}\nkind: Pod\nmetadata: {{name: x, namespace: 'a/b'}}", "namespace is no name"),
    ],
)
def test_a_file_that_cannot_be_applied_is_told_in_one_line(
    run: Assessment, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "given.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        run.what_if(path)
    assert "\n" not in error.value.line()


def test_what_is_not_there_cannot_be_deleted_or_labelled(run: Assessment) -> None:
    for arguments in ({"delete": "Pod/ehr/none"}, {"label": {"Pod/ehr/none": {"a": "b"}}}):
        with pytest.raises(InputError, match="not in the snapshot"):
            run.what_if(**arguments)
    with pytest.raises(InputError, match="no label"):
        run.what_if(label={"Pod/ehr/app": {"a b": "c"}})


def test_applying_what_made_the_clinic_changes_nothing() -> None:
    run = assessment(CLINIC)
    assert run.what_if(CLINIC / "objects").objects.empty


@pytest.fixture(scope="module")
def clinic() -> Assessment:
    run = assessment(CLINIC)
    run.findings()
    return run


CLINIC_SEEDS = range(int(os.environ.get("HIPAA_KIT_WHAT_IF_CLINIC", "1")))


def clinic_change(rng: random.Random, run: Assessment) -> dict[str, Any]:
    """Return a change of an object of any kind that the clinic has: gone, one more like it, or labelled otherwise."""
    kind = rng.choice(run.snapshot.kinds())
    chosen = rng.choice(list(run.snapshot.parts[kind].load()))
    name = f"{chosen.kind}.{chosen.group}/{chosen.namespace}/{chosen.name}" if chosen.group else chosen.object
    what = rng.choice(("gone", "more", "labelled"))
    if what == "gone":
        return {"delete": [name]}
    if what == "labelled":
        return {"label": {name: rng.choice(({"app": "other"}, {"phi": "true"}, {"tier": None}))}}
    more = copy.deepcopy(dict(chosen.content))
    more["metadata"]["name"] = f"{chosen.name}-more"
    return {"apply": [more]}


@pytest.mark.parametrize("seed", CLINIC_SEEDS)
def test_a_change_of_the_clinic_tells_what_a_full_assessment_tells(seed: int, clinic: Assessment) -> None:
    """Every check, whatever kind the change is of."""
    rng = random.Random(seed)
    found = clinic.what_if(**clinic_change(rng, clinic))
    full = anew(found.after)
    for table in (*RESULTS_COMPARED, "finding_citations"):
        pd.testing.assert_frame_equal(found.after.tables[table], full.tables[table], obj=table)
    for table in found.after.tables._inventory.names():
        if table in full.tables:
            pd.testing.assert_frame_equal(found.after.tables[table], full.tables[table], obj=table)
    pd.testing.assert_frame_equal(found.paths, path_changes(clinic.paths, full.paths))
