"""Tables of pods themselves, and of the rules that spread them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import condition, items, mapping, number, reference, text, texts, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube.owners import controller_of, is_mirror, object_id
from hipaa_kit.kube.qos import qos_class
from hipaa_kit.kube.quantities import cores, whole
from hipaa_kit.kube.requests import asked_as_a_whole, effective_request
from hipaa_kit.kube.selectors import Selector, SelectorError, label_selector
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.tables.workloads import PODS, SPREAD_PEERS, SPREAD_RULES

GRACE_SECONDS = 30
"""What a pod has to end where it says nothing.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""


@builds(PODS, reads=POD_KINDS)
def pods(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per pod, with the defaults that the API server would set."""
    # A bare Pod in manifests has neither a node nor a status: it is declared, not running.
    return pod_rows(PODS, snapshot, partial(_pod, declared="manifests" in snapshot.layout))


def _pod(pod: PodView, *, declared: bool) -> Iterator[dict[str, Any]]:
    spec = pod.spec
    grace = number(spec, "terminationGracePeriodSeconds")
    account = text(spec, "serviceAccountName") or text(spec, "serviceAccount") or "default"
    yield {
        "object": pod.object,
        "namespace": pod.namespace,
        "name": pod.name,
        "workload": pod.workload,
        "controller": _controller(pod),
        "live": pod.live and not declared,
        "static": is_mirror(mapping(pod.content, "metadata")),
        "node": text(spec, "nodeName"),
        "phase": text(pod.content, "status", "phase"),
        "ready": condition(pod.content, "Ready"),
        "qos_class": text(pod.content, "status", "qosClass") or _qos(spec),
        "request_memory_bytes": asked_as_a_whole(spec, "memory", whole),
        "asked_cpu_cores": effective_request(spec, "cpu", cores),
        "asked_memory_bytes": effective_request(spec, "memory", whole),
        "priority_class": text(spec, "priorityClassName"),
        "host_network": truth(spec, "hostNetwork") or False,
        "service_account": reference("ServiceAccount", pod.namespace, account),
        "automount_token": truth(spec, "automountServiceAccountToken"),
        "restart_policy": text(spec, "restartPolicy", default="Always"),
        "grace_seconds": GRACE_SECONDS if grace is None else grace,
        "created_at": text(pod.content, "metadata", "creationTimestamp"),
    }


def _controller(pod: PodView) -> str:
    """Return what controls a pod itself: its workload, or what that has made; "" where nothing in the cluster does."""
    metadata = mapping(pod.content, "metadata")
    if is_mirror(metadata):
        return ""
    owner = controller_of(metadata)
    if owner is not None:
        return object_id(owner.kind, pod.namespace, owner.name)
    return "" if pod.workload == pod.object else pod.workload


def _qos(spec: Mapping[str, Any]) -> str:
    if isinstance(spec.get("resources"), Mapping):
        return qos_class([mapping(spec, "resources")])
    every = [*items(spec, "containers"), *items(spec, "initContainers")]
    return qos_class(mapping(each, "resources") for each in every)


@builds(SPREAD_RULES, reads=POD_KINDS)
def spread_rules(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per topology spread constraint and pod anti-affinity term of each pod.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    return pod_rows(SPREAD_RULES, snapshot, _spread_rules)


def _spread_rules(pod: PodView) -> Iterator[dict[str, Any]]:
    for position, each in enumerate(items(pod.spec, "topologySpreadConstraints")):
        yield {
            "pod": pod.object,
            "rule": "topology_spread",
            "topology_key": text(each, "topologyKey"),
            "position": position,
            "required": text(each, "whenUnsatisfiable", default="DoNotSchedule") == "DoNotSchedule",
            "max_skew": number(each, "maxSkew"),
            "min_domains": number(each, "minDomains"),
            "counts": _counted(pod, each),
            "counts_itself": _counts_itself(pod, each),
        }
    affinity = mapping(pod.spec, "affinity", "podAntiAffinity")
    terms = [(each, True) for each in items(affinity, "requiredDuringSchedulingIgnoredDuringExecution")]
    terms += [
        (mapping(each, "podAffinityTerm"), False)
        for each in items(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    ]
    for position, (term, required) in enumerate(terms):
        yield {
            "pod": pod.object,
            "rule": "anti_affinity",
            "topology_key": text(term, "topologyKey"),
            "position": position,
            "required": required,
        }


def _counted(pod: PodView, constraint: Mapping[str, Any]) -> str:
    """Return what a constraint counts; "" where it cannot be read, or honours taints, which pods may tolerate."""
    if text(constraint, "nodeTaintsPolicy", default="Ignore") != "Ignore":
        return ""
    asked = constraint.get("labelSelector")
    own = {key: pod.labels[key] for key in texts(constraint, "matchLabelKeys") if key in pod.labels}
    return canonical_json([pod.namespace, asked if isinstance(asked, Mapping) else None, own]).decode()


def _counts_itself(pod: PodView, constraint: Mapping[str, Any]) -> bool | None:
    """Tell whether a constraint counts its own pod; None where that cannot be read.

    Labels named by `matchLabelKeys` are the pod's own, and narrow nothing here.
    """
    try:
        return label_selector(constraint.get("labelSelector")).matches(pod.labels)
    except SelectorError:
        return None


@builds(SPREAD_PEERS, reads=POD_KINDS)
def spread_peers(snapshot: Snapshot, spread_rules: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per pod that constraints count: those of their namespace that the selector selects.

    A constraint without a selector counts none.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    asked: dict[str, list[tuple[str, Selector, dict[str, str]]]] = defaultdict(list)
    for said in sorted(set(spread_rules["counts"]) - {""}):
        namespace, selector, own = json.loads(said)
        try:
            asked[namespace] += [(said, label_selector(selector), own)] if selector is not None else []
        except SelectorError:
            continue
    for namespace, held in sorted(asked.items()):
        for pod in pod_views(snapshot, namespace):
            for said, selector, own in held:
                if selector.matches(pod.labels) and own.items() <= pod.labels.items():
                    yield {"counts": said, "pod": pod.object}
