"""Topology spread constraints that spread nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_kit.inventory.fields import items, text
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.selectors import SelectorError, label_selector
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.workloads import BLIND_CONSTRAINTS


@builds(BLIND_CONSTRAINTS, reads=POD_KINDS)
def blind_constraints(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per topology spread constraint of a pod that does not count the pod itself.

    It spreads the pods that its selector selects, and one without a selector none: where these are others, or none, its
    own replicas may stand together. Labels named by `matchLabelKeys` are the pod's own, and narrow nothing here.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    for pod in pod_views(snapshot):
        rows = {}
        for each in items(pod.spec, "topologySpreadConstraints"):
            try:
                counted = label_selector(each.get("labelSelector")).matches(pod.labels)
            except SelectorError:
                continue
            if not counted:
                key = text(each, "topologyKey")
                rows[key] = {"pod": pod.object, "topology_key": key}
        yield from rows.values()
