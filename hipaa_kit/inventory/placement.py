"""Where pods and volumes may go: taints of nodes, rules of pods about nodes, reach of volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.cluster import ZONE_LABELS, taking_pods
from hipaa_kit.inventory.fields import items, mapping, string_map, text, texts
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube import kinds
from hipaa_kit.kube.selectors import SelectorError, node_selector
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.placement import CLASS_ZONES, NODE_CHOICES, NODE_LABELS, NODE_TAINTS, VOLUME_REACH

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@builds(NODE_TAINTS, reads=[kinds.NODE])
def node_taints(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per taint of a node.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    for record in snapshot.records(kinds.NODE):
        taints = {(text(each, "key"), text(each, "effect")): each for each in items(record.content, "spec", "taints")}
        for (key, effect), taint in taints.items():
            yield {"node": record.object, "key": key, "value": text(taint, "value"), "effect": effect}


@builds(NODE_LABELS, reads=[kinds.NODE])
def node_labels(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per label of a node: what rules about nodes go by needs no other kind of object."""
    for record in snapshot.records(kinds.NODE):
        for key, value in string_map(record.content, "metadata", "labels").items():
            yield {"node": record.name, "key": key, "value": value}


@builds(NODE_CHOICES, reads=POD_KINDS)
def node_choices(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per rule by which a pod chooses its nodes.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
    """
    return pod_rows(NODE_CHOICES, snapshot, _choices)


def _choices(pod: PodView) -> Iterator[dict[str, Any]]:
    for position, key in enumerate(sorted(string_map(pod.spec, "nodeSelector"))):
        yield {"pod": pod.object, "rule": "node_selector", "key": key, "position": position}
    affinity = mapping(pod.spec, "affinity")
    terms = items(mapping(affinity, "nodeAffinity", REQUIRED), "nodeSelectorTerms")
    for position, term in enumerate(terms):
        keys = {text(each, "key") for each in items(term, "matchExpressions")} or {""}
        for key in sorted(keys):
            yield {"pod": pod.object, "rule": "node_affinity", "key": key, "position": position}
    for position, term in enumerate(items(mapping(affinity, "podAffinity"), REQUIRED)):
        yield {"pod": pod.object, "rule": "pod_affinity", "key": text(term, "topologyKey"), "position": position}


@builds(VOLUME_REACH, reads=[kinds.PERSISTENT_VOLUME, kinds.NODE])
def volume_reach(snapshot: Snapshot, nodes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per volume and zone in which it can be mounted.

    Notes
    -----
    A volume without node affinity can be mounted from any node. A selector that the API would refuse reaches none.
    Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity
    """
    labels = {
        record.object: string_map(record.content, "metadata", "labels") for record in snapshot.records(kinds.NODE)
    }
    taking = [(row["name"], row["zone"], labels[row["object"]]) for row in rows_of(taking_pods(nodes))]
    known: dict[str, dict[str, list[str]]] = {}
    for record in snapshot.records(kinds.PERSISTENT_VOLUME):
        required = mapping(record.content, "spec", "nodeAffinity", "required")
        if not required:
            yield {"persistent_volume": record.object, "anywhere": True, "nodes": len(taking)}
            continue
        written = canonical_json(required).decode()
        if written not in known:
            known[written] = _reached(required, taking)
        reached = known[written]
        names = [name for held in reached.values() for name in held]
        for zone, held in (reached or {"": []}).items():
            yield {
                "persistent_volume": record.object,
                "zone": zone,
                "nodes": len(held),
                "node": f"Node//{names[0]}" if len(names) == 1 else "",
            }


def _reached(required: Any, nodes: list[tuple[str, str, dict[str, str]]]) -> dict[str, list[str]]:
    """Return by zone the nodes that a selector selects."""
    try:
        wanted = node_selector(required)
    except SelectorError:
        return {}
    found: dict[str, list[str]] = {}
    for name, zone, labels in nodes:
        if wanted.matches(labels, name):
            found.setdefault(zone, []).append(name)
    return found


@builds(CLASS_ZONES, reads=[kinds.STORAGE_CLASS])
def class_zones(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per zone that a StorageClass allows; one that says nothing of zones has none.

    Source: https://kubernetes.io/docs/concepts/storage/storage-classes/#allowed-topologies
    """
    for record in snapshot.records(kinds.STORAGE_CLASS):
        zones = {
            zone
            for term in items(record.content, "allowedTopologies")
            for each in items(term, "matchLabelExpressions")
            if text(each, "key") in ZONE_LABELS or text(each, "key").endswith("/zone")
            for zone in texts(each, "values")
        }
        for zone in sorted(zones):
            yield {"storage_class": record.name, "zone": zone}
