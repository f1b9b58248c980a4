"""Tables of pods that are made once for all that are alike are cell by cell those that are made pod by pod."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hipaa_kit.inventory
from hipaa_kit.inventory import repeated, workloads
from hipaa_kit.inventory.pods import PodView, pod_views
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.workloads import PODS
from tests.sources.test_pages import HOSTILE, OWN_WORDS, POD, TOKEN, changed, changes, paths
from tests.support.snapshots import TEST_KEY, objects_of

discover(hipaa_kit.inventory)

OF_PODS = (
    *("pods", "containers", "container_ports", "environment", "probes", "volumes", "volume_mounts", "spread_rules"),
    *("labels", "conditions", "workloads", "control_plane_members", "pod_security"),
)
SET = """
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: ehr, labels: {app: db}},
 spec: {replicas: 2, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: db}]}},
        volumeClaimTemplates: [{metadata: {name: data}}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: gone, namespace: ehr, labels: {app: gone}},
 spec: {template: {metadata: {labels: {app: gone}}, spec: {containers: [{name: c, image: x}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: ehr, labels: {app: web}}}
"""


def named(pods: list[dict[str, Any]], start: int = 0) -> list[dict[str, Any]]:
    return [
        changed(pod, [(("metadata", "name"), "put", f"app-{n}", "")]) | {"apiVersion": "v1", "kind": "Pod"}
        for n, pod in enumerate(pods, start)
    ]


def snapshot_of_pods(pods: list[dict[str, Any]]) -> Snapshot:
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    for number, obj in enumerate([*named([POD] * 3), *named(pods, 3), *objects_of(SET)]):
        builder.add(obj, "pods", f"/items/{number}")
    return builder.build()


def tables(snapshot: Snapshot) -> dict[str, pd.DataFrame]:
    snapshot.derived.clear()
    inventory = Inventory(snapshot)
    return {name: inventory[name] for name in OF_PODS}


def both(snapshot: Snapshot) -> tuple[dict[str, pd.DataFrame], int]:
    """Return the tables, held against those made pod by pod, and how many pods were like another."""
    found = tables(snapshot)
    alike = workloads.pods_alike(snapshot)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workloads, "_is_named_by_owner", lambda _: False)
        alone = tables(snapshot)
    for name, frame in alone.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)
    return found, sum(alike.entries[entry].origin is not None for entry in alike.of)


@pytest.mark.parametrize("path", OWN_WORDS)
def test_pods_that_differ_in_their_own_words_are_alike(path: tuple[Any, ...]) -> None:
    if path[-1] in ("name", "namespace", "annotations"):
        pytest.skip("rows may depend on it, or all differ in it")
    assert both(snapshot_of_pods([changed(POD, [(path, "put", OWN_WORDS[path], "")])]))[1] == 4


def test_pods_of_a_set_are_alike_though_each_has_its_claim_its_ordinal_and_its_node() -> None:
    owner = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}]
    pods = []
    for ordinal in range(12):
        text = (
            json.dumps(POD).replace("data-app-0", f"data-db-{ordinal}").replace(TOKEN, f"kube-api-access-{ordinal:05}")
        )
        pod = json.loads(text.replace("worker-1.example", f"worker-{ordinal}.example"))
        own = {"statefulset.kubernetes.io/pod-name": f"db-{ordinal}", "apps.kubernetes.io/pod-index": str(ordinal)}
        pod["metadata"] |= {"labels": {"app": "db", **own}, "ownerReferences": owner}
        pods.append(pod)
    found, like_another = both(snapshot_of_pods(pods))
    assert like_another == 3 + 12
    claims = found["volumes"]["reference"]
    assert {f"PersistentVolumeClaim/ehr/data-db-{n}" for n in range(12)} < set(claims)
    assert set(found["pods"]["node"]) >= {f"worker-{n}.example" for n in range(12)}
    assert set(found["labels"]["object"]) >= {"Deployment/ehr/gone", "Pod/ehr/gone", "Service/ehr/web"}


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=1, max_size=4))
def test_tables_of_changed_pods_are_those_made_pod_by_pod(what: list[Any]) -> None:
    both(snapshot_of_pods([changed(POD, each) for each in what]))


@pytest.mark.parametrize("part", ["metadata", "spec", "status"])
def test_tables_of_hostile_pods_are_those_made_pod_by_pod(part: str) -> None:
    hostile = [
        changed(POD, [((part, *path), "put", value, "")])
        for path in paths(POD[part])[1:]
        for value in HOSTILE
        if (part, *path) not in [("metadata", "name"), ("metadata", "namespace")]
    ]
    assert both(snapshot_of_pods(hostile))[1] > 2


def test_the_name_of_a_static_pod_is_never_passed_on() -> None:
    owner = [{"apiVersion": "v1", "kind": "Node", "name": "worker-1.example", "controller": True}]
    pods = [changed(POD, [(("metadata", "ownerReferences"), "put", owner, "")])] * 4
    assert both(snapshot_of_pods(pods))[1] == 3


QUESTIONS: dict[str, Callable[[str], Any]] = {
    "is it": lambda name: name == "app-4",
    "one of": lambda name: name in ("app-1", "app-4"),
    "in a set": lambda name: name in {"app-1", "app-4"},
    "ends": lambda name: name.endswith("4"),
    "length": lambda name: len(name) > 5,
    "part": lambda name: "4" in name,
    "letter": lambda name: name[-1] == "4",
    "order": lambda name: name > "app-3",
    "bytes": lambda name: name.encode() == b"app-4",
    "pattern": lambda name: re.search("app-[04-9]", name) is not None,
    "parts": lambda name: name.partition("-")[2] == "4",
    "within": lambda name: f"{name}".endswith("-0"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_builder_that_reads_a_word_it_should_pass_on_is_asked_for_each_pod(question: str) -> None:
    def rows(pod: PodView) -> Iterator[dict[str, Any]]:
        yield {"object": pod.object, "static": bool(QUESTIONS[question](pod.name))}

    snapshot = snapshot_of_pods([POD] * 5)
    found = pod_rows(PODS, snapshot, rows)
    pd.testing.assert_frame_equal(found, PODS.frame(row for pod in pod_views(snapshot) for row in rows(pod)))
    assert found["static"].any() or question == "length"


def test_marks_are_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(repeated, "pod_views", lambda *_: asked.append("every pod") or ())
    found, like_another = both(snapshot_of_pods([POD] * 20))
    assert like_another == 23
    assert not asked
    assert not any("mark-" in frame.to_csv() for frame in found.values())
