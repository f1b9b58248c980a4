"""Remedies mend what they say they mend: applied to the objects, the findings pass, and nothing else gets worse."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import hipaa_kit
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import open_any_inputs
from hipaa_kit.assess.remedies import holds_removed
from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.kube import kinds
from hipaa_kit.resources import shipped
from hipaa_kit.safeguards.check import CHECKS
from hipaa_kit.safeguards.remedy import BY_HAND, REMEDIES, Failing, Mending, Remedy, mend, patch, run
from hipaa_kit.sources.inputs import with_audit_log
from hipaa_kit.sources.leaks import find_leaks
from hipaa_kit.sources.overlay import Change, Delete, Patch, Put
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from tests.safeguards.test_cases import CASES, inputs, scope, snapshot
from tests.support.snapshots import TEST_KEY, snapshot_of

MAKES = {"patch": Patch, "object": Put, "replace": Put, "delete": Delete}
RANK = {"pass": 0, "not_applicable": 0, "review": 1, "not_assessed": 1, "fail": 2, "error": 2}
TOPICS = ("availability", "access_control", "network_isolation", "encryption", "backup_recovery", "integrity")

SCOPE = Path(__file__).parent.parent / "safeguards" / "scope.yaml"

OF_DATA = ("availability", "encryption", "backup_recovery", "integrity")

NOT_PROVED = {
    "HK-AVL-01": "Deployment/identity/keycloak StatefulSet/integration/rabbitmq",
    "HK-AVL-03": "Deployment/integration/mirth StatefulSet/imaging/orthanc",
    "HK-AVL-06": "StatefulSet/ehr-staging/ehr-db StatefulSet/ehr/ehr-redis StatefulSet/integration/mirth-db",
    "HK-AVL-07": "Cluster//control-plane",
    "HK-AVL-08": "HorizontalPodAutoscaler/ehr/ehr-api PersistentVolumeClaim/imaging/teaching-archive",
    "HK-AVL-10": "Deployment/ehr/fhir-server Deployment/imaging/image-viewer Deployment/portal/portal-api Service/integration/lab-results",
    "HK-AVL-12": "StatefulSet/imaging/orthanc",
    "HK-AVL-13": "Node//worker-c1",
    "HK-AVL-14": "Deployment/imaging/image-viewer",
    "HK-BAK-03": "PersistentVolumeClaim/imaging/data-pacs-db-1 PersistentVolumeClaim/imaging/pacs-archive",
    "HK-BAK-05": "BackupStorageLocation/velero/second",
    "HK-BAK-06": "BackupStorageLocation/velero/second",
    "HK-BAK-07": "BackupStorageLocation/velero/offsite BackupStorageLocation/velero/second",
    "HK-BAK-08": "Namespace//imaging",
    "HK-BAK-09": "Namespace//integration",
    "HK-BAK-12": "Namespace//velero",
    "HK-BAK-14": "Cluster//recovery-drills",
    "HK-ENC-01": "Pod/kube-system/kube-apiserver-cp-1 Pod/kube-system/kube-apiserver-cp-2 Pod/kube-system/kube-apiserver-cp-3",
    "HK-ENC-02": "EncryptionConfiguration//control-plane",
    "HK-ENC-03": "Etcd//secrets",
    "HK-ENC-04": "PersistentVolumeClaim/ehr/ehr-db-dumps",
    "HK-ENC-05": "PersistentVolumeClaim/imaging/pacs-archive StatefulSet/integration/mirth-db",
    "HK-ENC-10": "Deployment/integration/mirth",
    "HK-ENC-12": "Deployment/identity/keycloak Deployment/integration/mirth",
    "HK-ENC-13": "Certificate/ehr/fhir-server-tls Certificate/imaging/image-viewer-tls Certificate/portal/status-page-tls",
    "HK-ENC-14": "Cluster//control-plane",
    "HK-ENC-15": "CronJob/ehr/ehr-db-dump",
    "HK-ENC-16": "Secret/imaging/dcm4chee-arc Secret/integration/mirth",
    "HK-INT-01": "Deployment/identity/keycloak",
    "HK-INT-02": "CronJob/ehr/ehr-db-dump Deployment/imaging/image-viewer",
    "HK-INT-04": "Pod/kube-system/etcd-cp-1",
    "HK-INT-08": "Application/argocd/ehr Deployment/portal/portal-web",
    "HK-INT-10": "Node//worker-b2",
    "HK-INT-12": "Bundle//c27e94d10ab8635f",
    "HK-INT-13": "ServiceAccount/velero/velero",
}
"""Of the topics about data: findings of the clinic whose remedy no object can show to mend them, by check."""


@cache
def clinic() -> Assessment:
    return hipaa_kit.assessment(shipped("data") / "clinic")


@cache
def remedies() -> pd.DataFrame:
    return clinic().tables["remedies"]


def changes(rows: Iterable[dict[str, Any]]) -> list[Change]:
    found: list[Change] = []
    for row in rows:
        if row["kind"] in MAKES and (change := MAKES[row["kind"]](yaml.safe_load(row["text"]))) not in found:
            found.append(change)
    return sorted(found, key=lambda each: isinstance(each, Delete))


def after(before: Snapshot, rows: Iterable[dict[str, Any]], base: Assessment) -> Assessment:
    would_be = what_would_be(before, changes(rows), pseudonym=Pseudonymizer(TEST_KEY))
    found = Assessment(
        would_be,
        base.scope,
        as_of=base.as_of,
        inputs=base.given,
        records=base.records,
        topics=base.topics_asked,
        parameters=base.parameters,
    )
    found.checks = base.checks
    return found


def verdicts(run: Assessment) -> dict[tuple[str, str], str]:
    findings = run.findings()
    return {
        (check, name): verdict
        for check, name, verdict in findings[["check", "object", "verdict"]].itertuples(index=False)
    }


@cache
def mended() -> Assessment:
    proved = remedies()[remedies()["verified"].isin(["yes", "together"])]
    return after(clinic().snapshot, rows_of(proved), clinic())


def test_every_failing_finding_of_the_clinic_has_a_remedy() -> None:
    findings = clinic().findings()
    failing = findings[findings["verdict"] == "fail"]
    assert set(zip(failing["check"], failing["object"], strict=True)) == set(
        zip(remedies()["check"], remedies()["object"], strict=True)
    )
    assert set(remedies()["finding_id"]) == set(failing["finding_id"])


def test_every_check_of_the_topics_is_mended_or_says_why_not() -> None:
    ours = {check for check in CHECKS if clinic().catalogue.control(check).topic in TOPICS}
    assert ours == (set(REMEDIES) | set(BY_HAND))
    assert not set(REMEDIES) & set(BY_HAND)


def test_what_no_object_can_prove_is_known_by_name() -> None:
    mine = remedies()[remedies()["topic"].isin(OF_DATA)]
    left = mine[~mine["verified"].isin(["yes", "together"])].drop_duplicates(["check", "object"])
    found: dict[str, list[str]] = {}
    for row in rows_of(left.sort_values(["check", "object"])):
        found.setdefault(row["check"], []).append(row["object"])
    assert found == {check: names.split() for check, names in NOT_PROVED.items()}
    assert set(left["verified"]) == {"cannot"}


def test_what_is_not_proved_says_why_and_nothing_else_does() -> None:
    told = remedies()["unproved"] != ""
    assert told.equals(remedies()["verified"] == "cannot")


def test_half_of_the_faults_of_the_clinic_are_mended_by_manifests() -> None:
    by_finding = remedies().drop_duplicates(["check", "object"])
    counts = by_finding["verified"].value_counts()
    assert counts["yes"] + counts["together"] >= 70
    assert len(by_finding) >= 140


def test_applied_together_they_mend_what_they_say() -> None:
    now = verdicts(mended())
    proved = remedies()[remedies()["verified"].isin(["yes", "together"])].drop_duplicates(["check", "object"])
    left = {}
    for row in rows_of(proved):
        verdict = now.get((row["check"], row["object"]), "gone")
        if verdict not in ("pass", "not_applicable", "gone"):
            left[row["check"], row["object"]] = verdict
    assert not left


def test_what_they_leave_nothing_to_judge_of_was_deleted() -> None:
    now = verdicts(mended())
    proved = remedies()[remedies()["verified"] == "yes"]
    gone = {(row["check"], row["object"]) for row in rows_of(proved)} - set(now)
    deleted = set(proved[proved["kind"] == "delete"]["target"])
    assert {name for _, name in gone} <= deleted


def test_applied_together_they_make_nothing_worse() -> None:
    before, now = verdicts(clinic()), verdicts(mended())
    worse = {key: (before.get(key), said) for key, said in now.items() if RANK[said] > RANK[before.get(key, "review")]}
    assert not worse


def test_policies_cut_nothing_that_is_declared() -> None:
    was, now = (run.tables["ephi_traffic"] for run in (clinic(), mended()))
    denied = {tuple(row) for row in was[was["blocked"] != ""][["source", "destination", "protocol"]].to_numpy()}
    newly = now[now["blocked"] != ""][["source", "destination", "protocol"]]
    assert {tuple(row) for row in newly.to_numpy()} <= denied


def test_manifests_are_whole_and_hold_no_removed_value() -> None:
    for row in rows_of(remedies()[remedies()["kind"].isin(list(MAKES))]):
        content = yaml.safe_load(row["text"])
        assert all([content["apiVersion"], content["kind"], content["metadata"]["name"]])
        assert not holds_removed(content)
        json.dumps(content)
    assert not [row for row in rows_of(remedies()) if find_leaks(row["text"])]


def test_a_patch_of_a_template_makes_no_container_and_takes_none_away() -> None:
    for kind in (kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET, kinds.CRON_JOB):
        was = {record.object: names_of(record.content) for record in clinic().snapshot.records(kind)}
        now = {record.object: names_of(record.content) for record in mended().snapshot.records(kind)}
        assert was == now


def names_of(content: Any) -> list[tuple[str, list[str]]]:
    """Return the containers of whatever has a pod template, by list; each has an image."""
    inner = content["spec"].get("jobTemplate", content)["spec"]["template"]["spec"]
    lists = [(field, inner.get(field, [])) for field in ("initContainers", "containers")]
    assert all(container["image"] for _, containers in lists for container in containers)
    return [(field, sorted(container["name"] for container in containers)) for field, containers in lists]


def test_pods_are_never_patched_but_what_makes_them() -> None:
    kinds_changed = set(remedies()[remedies()["target"] != ""]["target"].str.split("/").str[0])
    assert not kinds_changed & {"Pod", "ReplicaSet", "Job", "Secret"}


def test_a_repaired_clinic_has_nothing_to_mend() -> None:
    twin = hipaa_kit.assessment(shipped("data") / "clinic_fixed")
    assert twin.tables["remedies"].empty


def test_a_change_that_holds_a_pseudonym_is_told_from_one_that_does_not() -> None:
    assert holds_removed({"a": [{"b": "x hk-0123456789abcdef"}]})
    assert holds_removed({"hk-0123456789abcdef": 1})
    assert holds_removed({"address": "https://somebody:correct-horse@example.org"})
    assert not holds_removed({"image": f"app:1@sha256:{'a' * 64}", "name": "hk-release", "n": 1})


def test_a_command_quotes_what_comes_from_the_cluster() -> None:
    hostile = "x; rm -rf / #$(reboot)`id`"
    line = run("kubectl delete clusterrolebinding {} -n {}", hostile, "a b").text
    assert shlex.split(line)[3] == hostile
    assert shlex.split(line)[5] == "a b"


# What is proved, and what is not: remedies made for the test take the place of the real ones.


def proved(monkeypatch: pytest.MonkeyPatch, check: str, function: Any, *also: str) -> dict[str, tuple[str, str]]:
    monkeypatch.setitem(REMEDIES, check, Mending(check, function, also))
    found = Assessment(clinic().snapshot, clinic().scope, inputs=clinic().given, topics=["availability"])
    rows = found.tables["remedies"]
    mine = rows[rows["check"] == check].drop_duplicates("object")
    return {row["object"]: (row["verified"], row["outcome"]) for row in rows_of(mine)}


def test_a_change_that_mends_nothing_is_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    def idle(finding: Failing, cluster: Any) -> Remedy | None:
        record = cluster.record(finding.object)
        return mend("label it", [patch(record, metadata={"labels": {"a": "b"}})] if record else [])

    found = proved(monkeypatch, "HK-AVL-05", idle)
    assert set(found) == {"Deployment/portal/portal-web", "StatefulSet/integration/mirth-db"}
    assert {verified for verified, _ in found.values()} == {"no"}
    assert all(outcome.startswith("fail: ") for _, outcome in found.values())


def test_a_change_that_breaks_another_object_is_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    real = REMEDIES["HK-AVL-05"].function

    def harmful(finding: Failing, cluster: Any) -> Remedy | None:
        better = real(finding, cluster)
        victim = cluster.record("Deployment/ehr/ehr-api")
        bare = [{"name": "ehr-api", "resources": None}]
        assert better is not None
        return mend("harm", [*better.steps, patch(victim, spec={"template": {"spec": {"containers": bare}}})])

    found = proved(monkeypatch, "HK-AVL-05", harmful)
    assert {verified for verified, _ in found.values()} == {"no"}
    assert all("HK-AVL-05 gets worse at Deployment/ehr/ehr-api" in outcome for _, outcome in found.values())


def test_harm_to_a_check_that_the_remedy_names_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def scaled_down(finding: Failing, cluster: Any) -> Remedy | None:
        better = REMEDY_05(finding, cluster)
        assert better is not None
        return mend("harm", [*better.steps, patch(cluster.record("Deployment/ehr/ehr-api"), spec={"replicas": 1})])

    found = proved(monkeypatch, "HK-AVL-05", scaled_down, "HK-AVL-01")
    assert {verified for verified, _ in found.values()} == {"no"}


REMEDY_05 = REMEDIES["HK-AVL-05"].function


def test_taking_the_object_away_mends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def deleted(finding: Failing, cluster: Any) -> Remedy | None:
        others = [row for row in cluster.rows("ephi_workloads") if row["object"] != finding.object]
        record = cluster.record(others[0]["object"])
        gone = {
            "apiVersion": "apps/v1",
            "kind": finding.kind,
            "metadata": {"name": finding.name, "namespace": finding.namespace},
        }
        # Another remedy deletes it, and this one only labels something.
        return mend("label", [patch(record, metadata={"labels": {"a": "b"}}), Put({**gone, "spec": {}})])

    found = proved(monkeypatch, "HK-AVL-05", deleted)
    assert {verified for verified, _ in found.values()} <= {"no", "cannot"}


def test_one_that_only_some_of_a_check_need_is_proved_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = REMEDIES["HK-AVL-05"].function

    def half(finding: Failing, cluster: Any) -> Remedy | None:
        record = cluster.record(finding.object)
        idle = mend("label it", [patch(record, metadata={"labels": {"a": "b"}})])
        return real(finding, cluster) if finding.kind == "Deployment" else idle

    found = proved(monkeypatch, "HK-AVL-05", half)
    assert found["Deployment/portal/portal-web"][0] == "yes"
    assert found["StatefulSet/integration/mirth-db"][0] == "no"


def test_remedies_of_a_large_cluster_are_proved_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipaa_kit.assess.remedies.LARGE", 10)
    found = Assessment(clinic().snapshot, clinic().scope, inputs=clinic().given, topics=["availability"])
    rows = found.tables["remedies"].drop_duplicates(["check", "object"])
    mine = remedies()[remedies()["topic"] == "availability"].drop_duplicates(["check", "object"])
    assert dict(zip(rows["finding_id"], rows["verified"], strict=True)) == {
        row["finding_id"]: row["verified"].replace("yes", "together") for row in rows_of(mine)
    }


def test_a_remedy_with_a_removed_value_is_left_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    def copied(finding: Failing, cluster: Any) -> Remedy | None:
        record = cluster.record(finding.object)
        return mend("copy", [patch(record, metadata={"annotations": {"a": "hk-0123456789abcdef"}})])

    monkeypatch.setitem(REMEDIES, "HK-AVL-05", Mending("HK-AVL-05", copied))
    found = Assessment(clinic().snapshot, clinic().scope, inputs=clinic().given, topics=["availability"])
    rows = found.tables["remedies"]
    mine = rows[rows["check"] == "HK-AVL-05"]
    assert set(mine["kind"]) == {"instruction"}
    assert not mine["text"].str.contains("hk-").any()


WAITING = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: ehr}
spec:
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: "agent:1"}]}}
status: {desiredNumberScheduled: 1, numberReady: 1}
---
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {hipaa.io/phi: "true"}}
---
apiVersion: v1
kind: Pod
metadata:
  name: agent-x
  namespace: ehr
  labels: {app: agent}
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: agent, controller: true, uid: d}]
spec: {nodeName: n1, containers: [{name: agent, image: "agent:1"}]}
status: {phase: Running}
"""


def test_pods_that_are_renewed_by_hand_are_for_somebody_to_renew() -> None:
    found = Assessment(snapshot_of(WAITING), load_scope(SCOPE), topics=["availability"]).tables["remedies"]
    mine = found[found["check"] == "HK-AVL-05"]
    assert list(mine["kind"]) == ["patch", "instruction"]
    assert "the pods of DaemonSet/ehr/agent" in mine["text"].iloc[1]
    assert set(mine["verified"]) == {"cannot"}


OF_AN_OLD_CLASS = """
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ehr}
spec:
  containers: [{name: db, image: "postgres:17"}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
status: {phase: Pending}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ehr, annotations: {volume.beta.kubernetes.io/storage-class: gone}}
spec: {accessModes: [ReadWriteOnce], storageClassName: disks, resources: {requests: {storage: 1Gi}}}
status: {phase: Pending}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: disks, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: ebs.csi.aws.com
---
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {hipaa.io/phi: "true"}}
"""


def test_a_claim_whose_annotation_of_old_names_a_class_that_is_gone_is_made_anew_without_it() -> None:
    found = Assessment(snapshot_of(OF_AN_OLD_CLASS), load_scope(SCOPE), topics=["availability"]).tables["remedies"]
    mine = found[found["check"] == "HK-AVL-08"]
    assert list(mine["kind"]) == ["command", "replace"]
    made = yaml.safe_load(mine["text"].iloc[1])
    assert made["metadata"] == {"name": "data", "namespace": "ehr"}
    assert made["spec"]["storageClassName"] == "disks"


def test_a_secret_of_a_store_for_tests_is_to_come_from_a_manager_of_secrets() -> None:
    case = next(each for each in CASES if each.name == "a_store_of_provider_fake_fails")
    found = Assessment(snapshot(case), scope(case), as_of="2026-11-20T02:00:00Z", topics=["encryption"]).tables[
        "remedies"
    ]
    mine = found[found["check"] == "HK-ENC-16"]
    assert set(mine["title"]) == {"take it from a manager of secrets"}
    assert "name it in the place of ClusterSecretStore//vault in ExternalSecret/ehr/db-from-vault" in list(mine["text"])
    assert not mine["text"].str.contains("force-sync").any()


# The cases of the checks: clusters of a few objects, in every state that a rule knows.


PER_CHECK = 2
"""Cases of each check that are assessed anew; each costs a second."""


def failing_cases() -> list[Any]:
    found: list[Any] = []
    for check in sorted(REMEDIES):
        mine = [case for case in CASES if case.parent.name == check]
        found += [case for case in mine if ",fail," in (case / "expected.csv").read_text(encoding="utf-8")][:PER_CHECK]
    return found


@pytest.mark.parametrize("case", failing_cases(), ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_is_verified_of_a_case_passes_when_it_is_assessed_anew(case: Any) -> None:
    own = case / "settings.json"
    settings = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    topic = case.parent.parent.name
    run = Assessment(snapshot(case), scope(case), inputs=inputs(case), topics=[topic], parameters=settings)
    run.checks = tuple(check for check in run.checks if check.id == case.parent.name)
    found = run.tables["remedies"]
    assert len(found)
    for _, group in found[found["verified"] == "yes"].groupby(["check", "object"]):
        rows = list(rows_of(group))
        now = verdicts(after(run.snapshot, rows, run))
        assert now.get((rows[0]["check"], rows[0]["object"]), "pass") in ("pass", "not_applicable")


def test_the_inputs_of_the_clinic_are_the_ones_it_ships_with() -> None:
    given, log = open_any_inputs(shipped("data") / "clinic" / "inputs"), clinic().snapshot.audit_log
    assert log is not None
    assert clinic().given.digest == with_audit_log(given, log).digest
    assert clinic().snapshot.records(kinds.POD)
