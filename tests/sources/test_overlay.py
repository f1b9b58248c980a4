"""The snapshot that would be: objects added, changed and taken out, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.kube import facts, kinds
from hipaa_kit.sources.overlay import Delete, Patch, Put, overlay, place_of
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from tests.support.snapshots import TEST_KEY, snapshot_of

HIDE = Pseudonymizer(TEST_KEY)
APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: ehr, labels: {app: app}}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: app
        image: app:1
        args: ["--password=correct-horse-battery"]
        env:
        - {name: DB_PASSWORD, value: correct-horse-battery-staple}
        - {name: API_TOKEN, value: ghp_0123456789abcdefghijABCDEFGHIJ012345}
        readinessProbe: {exec: {command: [pg_isready]}}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: ehr}
spec: {selector: {app: app}, ports: [{port: 80}]}
---
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: nightly, namespace: velero}
spec: {paused: true, schedule: "0 1 * * *", template: {includedNamespaces: [ehr, lab], ttl: 72h0m0s}}
"""


def head(version: str, kind: str, name: str, namespace: str = "ehr") -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def only(snapshot: Snapshot, kind: Any, name: str = "app") -> Any:
    [record] = [each for each in snapshot.records(kind) if each.name == name]
    return record


def test_an_object_is_added_where_it_belongs() -> None:
    before = snapshot_of(APP)
    after = overlay(before, [Put({**head("v1", "Service", "aaa"), "spec": {"ports": [{"port": 1}]}})], pseudonym=HIDE)
    assert [each.name for each in after.records(kinds.SERVICE)] == ["aaa", "app"]
    assert [each.name for each in before.records(kinds.SERVICE)] == ["app"]
    assert after.find("Service/ehr/aaa") is not None
    assert after.digest != before.digest
    assert after.parts["apps", "Deployment"] is before.parts["apps", "Deployment"]


def test_an_object_of_a_kind_that_there_was_none_of_is_added() -> None:
    quota = {**head("v1", "ResourceQuota", "q"), "spec": {"hard": {"pods": "5"}}}
    after = overlay(snapshot_of(APP), [Put(quota)], pseudonym=HIDE)
    assert after.objects("ResourceQuota")[0]["spec"] == {"hard": {"pods": "5"}}


def test_a_put_replaces_what_was_there() -> None:
    after = overlay(snapshot_of(APP), [Put({**head("v1", "Service", "app"), "spec": {"ports": []}})], pseudonym=HIDE)
    assert after.objects("Service") == ({**head("v1", "Service", "app"), "spec": {"ports": []}},)


def test_a_patch_changes_what_it_names_and_nothing_else() -> None:
    before = snapshot_of(APP)
    after = overlay(before, [Patch({**head("apps/v1", "Deployment", "app"), "spec": {"replicas": 2}})], pseudonym=HIDE)
    was, now = only(before, kinds.DEPLOYMENT), only(after, kinds.DEPLOYMENT)
    assert now.content == {**was.content, "spec": {**was.content["spec"], "replicas": 2}}
    assert now.facts == was.facts
    assert now.sha256 != was.sha256
    assert (now.source, now.position) == (was.source, was.position)


def test_a_patch_of_a_custom_resource_replaces_lists() -> None:
    change = Patch(
        {**head("velero.io/v1", "Schedule", "nightly", "velero"), "spec": {"template": {"includedNamespaces": ["ehr"]}}}
    )
    after = overlay(snapshot_of(APP), [change], pseudonym=HIDE)
    [schedule] = after.objects("Schedule", "velero.io")
    assert schedule["spec"]["template"] == {"includedNamespaces": ["ehr"], "ttl": "72h0m0s"}


def test_an_object_is_taken_out() -> None:
    after = overlay(snapshot_of(APP), [Delete(head("v1", "Service", "app"))], pseudonym=HIDE)
    assert after.objects("Service") == ()
    assert after.find("Service/ehr/app") is None


def test_changes_apply_in_order() -> None:
    service = {**head("v1", "Service", "new"), "spec": {"ports": [{"port": 1}]}}
    changes = [Put(service), Patch({**head("v1", "Service", "new"), "spec": {"type": "NodePort"}})]
    [held] = [
        each for each in overlay(snapshot_of(APP), changes, pseudonym=HIDE).objects("Service") if "type" in each["spec"]
    ]
    assert held["spec"] == {"ports": [{"port": 1}], "type": "NodePort"}
    gone = overlay(snapshot_of(APP), [*changes, Delete(head("v1", "Service", "new"))], pseudonym=HIDE)
    assert len(gone.objects("Service")) == 1


@pytest.mark.parametrize("change", [Patch(head("v1", "Service", "gone")), Delete(head("v1", "Service", "gone"))])
def test_what_is_not_there_cannot_be_changed(change: Any) -> None:
    with pytest.raises(InputError, match="Service/ehr/gone is not in the snapshot"):
        overlay(snapshot_of(APP), [change], pseudonym=HIDE)


@pytest.mark.parametrize(
    "content", [{}, {"apiVersion": "v1", "kind": "Pod"}, {"kind": "Pod", "metadata": {"name": "a"}}]
)
def test_an_object_that_names_none_cannot_be_changed(content: Any) -> None:
    with pytest.raises(InputError, match=r"without apiVersion, kind or metadata\.name"):
        overlay(snapshot_of(APP), [Put(content)], pseudonym=HIDE)


def test_an_object_of_the_cluster_has_no_namespace() -> None:
    assert place_of(head("v1", "Namespace", "ehr", "ehr")) == ("", "Namespace", "", "ehr")
    assert place_of(head("extensions/v1beta1", "Ingress", "a")) == ("networking.k8s.io", "Ingress", "ehr", "a")


def test_new_objects_are_redacted_as_at_the_door() -> None:
    secret = {**head("v1", "Secret", "s"), "stringData": {"password": "correct-horse-battery"}}
    pod = {"containers": [{"name": "a", "env": [{"name": "PASSWORD", "value": "correct-horse-battery"}]}]}
    added = {**head("v1", "Pod", "p"), "spec": pod}
    after = overlay(snapshot_of(APP), [Put(secret), Put(added)], pseudonym=HIDE)
    told = b"".join(line for part in after.parts.values() for line in part.lines())
    assert b"correct-horse" not in told
    assert only(after, kinds.POD, "p").facts[facts.CREDENTIALS] == {"a/env/PASSWORD": "name medium"}


def test_what_was_known_of_a_removed_value_stays_where_the_value_does() -> None:
    before = snapshot_of(APP)
    was = only(before, kinds.DEPLOYMENT).facts
    assert set(was[facts.CREDENTIALS]) == {"app/env/DB_PASSWORD", "app/env/API_TOKEN", "app/args/--password"}
    reference = {"name": "API_TOKEN", "value": None, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    containers = [{"name": "app", "image": "app:2", "env": [reference]}]
    change = Patch({**head("apps/v1", "Deployment", "app"), "spec": {"template": {"spec": {"containers": containers}}}})
    now = only(overlay(before, [change], pseudonym=HIDE), kinds.DEPLOYMENT).facts
    assert now[facts.CREDENTIALS] == {
        name: told for name, told in was[facts.CREDENTIALS].items() if name != "app/env/API_TOKEN"
    }
    assert now[facts.EXEC_PROGRAM] == {"app/readinessProbe": "pg_isready"}


def test_an_address_that_is_told_otherwise_tells_its_own_fact_and_another_stays() -> None:
    told = [{"name": "ONE", "value": "https://one"}, {"name": "TWO", "value": "https://two"}]
    pod = {**head("v1", "Pod", "p"), "spec": {"containers": [{"name": "a", "env": told}]}}
    changed = {"containers": [{"name": "a", "env": [{"name": "ONE", "value": "http://one"}]}]}
    change = Patch({**head("v1", "Pod", "p"), "spec": changed})
    now = only(overlay(snapshot_of([pod]), [change], pseudonym=HIDE), kinds.POD, "p").facts
    assert now[facts.SERVICE_ADDRESSES] == {"a/env/ONE": "plain http one 80", "a/env/TWO": "tls https two 443"}


def test_a_new_value_tells_its_own_facts() -> None:
    containers = [{"name": "app", "args": ["--token=ghp_9999999999abcdefghijABCDEFGHIJ012345"], "readinessProbe": None}]
    change = Patch({**head("apps/v1", "Deployment", "app"), "spec": {"template": {"spec": {"containers": containers}}}})
    now = only(overlay(snapshot_of(APP), [change], pseudonym=HIDE), kinds.DEPLOYMENT)
    assert set(now.facts[facts.CREDENTIALS]) == {"app/env/DB_PASSWORD", "app/env/API_TOKEN", "app/args/--token"}
    assert facts.EXEC_PROGRAM not in now.facts
    assert b"ghp_" not in canonical_json(now.content)


def test_coverage_stays_as_it_was() -> None:
    before = snapshot_of(APP, overrides={("Service", ""): "refused"})
    after = overlay(before, [Put({**head("v1", "Service", "new"), "spec": {}})], pseudonym=HIDE)
    assert after.coverage is before.coverage
    assert after.coverage.answer(kinds.SERVICE).status == "refused"
