"""Volumes of pods, and the claims, volumes and classes behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import items, mapping, reference, text, texts, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube import kinds
from hipaa_kit.kube.disks import disk_of
from hipaa_kit.kube.quantities import whole
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.storage import (
    CLAIM_RETENTION,
    CLAIM_TEMPLATES,
    CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    VOLUME_MOUNTS,
    VOLUME_TOPOLOGY,
    VOLUMES,
)

CLAIM = "persistentVolumeClaim"
DEFAULT_MARKS: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
BETA_CLASS: Final = "volume.beta.kubernetes.io/storage-class"
"""Annotation of old that names the class of a claim: the field does not count beside it."""


@builds(VOLUMES, reads=POD_KINDS)
def volumes(snapshot: Snapshot, claim_templates: pd.DataFrame) -> pd.DataFrame:
    """Return a row per volume of each pod.

    A pod made from a StatefulSet's template has no volumes for its claim templates yet: they are
    rows too, without a claim, in place of volumes of the same name. An ephemeral volume's claim is named after pod
    and volume.
    Source: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
    """
    templates: defaultdict[str, list[str]] = defaultdict(list)
    for workload, name in claim_templates[["workload", "volume"]].itertuples(index=False):
        templates[workload].append(name)
    return pod_rows(VOLUMES, snapshot, partial(_rows_of_volumes, templates=templates))


def _rows_of_volumes(pod: PodView, *, templates: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    rows = {text(each, "name"): _volume(pod, each) for each in items(pod.spec, "volumes")}
    for name in templates.get(pod.workload, ()):
        if name not in rows or not pod.live:
            rows[name] = {"type": CLAIM}
    for name, row in rows.items():
        yield {"pod": pod.object, "volume": name, **row}


def _volume(pod: PodView, volume: Mapping[str, Any]) -> dict[str, str]:
    kind = next((str(key) for key in sorted(volume) if key != "name" and isinstance(volume[key], Mapping)), "emptyDir")
    source = mapping(volume, kind)
    if kind == CLAIM:
        return {"type": kind, "reference": _claim(pod, text(source, "claimName"))}
    if kind == "ephemeral":
        return {"type": kind, "reference": _claim(pod, f"{pod.name}-{text(volume, 'name')}")}
    if kind == "secret":
        return {"type": kind, "reference": reference("Secret", pod.namespace, text(source, "secretName"))}
    if kind == "configMap":
        return {"type": kind, "reference": reference("ConfigMap", pod.namespace, text(source, "name"))}
    return {
        "type": kind,
        "host_path": text(source, "path") if kind == "hostPath" else "",
        "medium": text(source, "medium"),
    }


def _claim(pod: PodView, name: str) -> str:
    return reference("PersistentVolumeClaim", pod.namespace, name)


@builds(VOLUME_MOUNTS, reads=POD_KINDS)
def volume_mounts(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per place at which a container mounts a volume."""
    return pod_rows(VOLUME_MOUNTS, snapshot, _rows_of_mounts)


def _rows_of_mounts(pod: PodView) -> Iterator[dict[str, Any]]:
    for _, container in each_container(pod):
        mounts = {text(each, "mountPath"): each for each in items(container, "volumeMounts")}
        for path, mount in mounts.items():
            yield {
                "pod": pod.object,
                "container": text(container, "name"),
                "volume": text(mount, "name"),
                "mount_path": path,
                "sub_path": text(mount, "subPath") or text(mount, "subPathExpr"),
                "read_only": truth(mount, "readOnly") or False,
            }


@builds(CLAIMS, reads=[kinds.PERSISTENT_VOLUME_CLAIM])
def claims(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per PersistentVolumeClaim."""
    for record in snapshot.records(kinds.PERSISTENT_VOLUME_CLAIM):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "phase": text(status, "phase"),
            **_class_asked(record.content),
            "persistent_volume": reference("PersistentVolume", "", text(spec, "volumeName")),
            "access_modes": " ".join(sorted(texts(spec, "accessModes"))),
            "requested_bytes": whole(mapping(spec, "resources", "requests").get("storage")),
            "capacity_bytes": whole(mapping(status, "capacity").get("storage")),
            "created_at": text(record.content, "metadata", "creationTimestamp"),
        }


def class_of(claim: Mapping[str, Any]) -> str | None:
    """Return the class that a claim, or a template of one, asks for: "" where it wants none, None for the default.

    Sources: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1,
    https://kubernetes.io/docs/reference/labels-annotations-taints/#volume-beta-kubernetes-io-storage-class
    """
    annotations = mapping(claim, "metadata", "annotations")
    if BETA_CLASS in annotations:
        return text(annotations, BETA_CLASS)
    spec = mapping(claim, "spec")
    return None if spec.get("storageClassName") is None else text(spec, "storageClassName")


def _class_asked(claim: Mapping[str, Any]) -> dict[str, Any]:
    asked = class_of(claim)
    return {"storage_class": asked or "", "takes_default": asked is None}


@builds(PERSISTENT_VOLUMES, reads=[kinds.PERSISTENT_VOLUME])
def persistent_volumes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per PersistentVolume."""
    plain = {"accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity"}
    for record in snapshot.records(kinds.PERSISTENT_VOLUME):
        spec = mapping(record.content, "spec")
        claim = mapping(spec, "claimRef")
        sources = sorted(str(key) for key in spec if key not in plain and isinstance(spec[key], Mapping))
        yield {
            "object": record.object,
            "name": record.name,
            "type": sources[0] if sources else "",
            "driver": text(spec, "csi", "driver"),
            "disk": disk_of(spec),
            "host_path": _folder_of_node(spec),
            "device": text(spec, "local", "path") if text(spec, "volumeMode") == "Block" else "",
            "claim": reference("PersistentVolumeClaim", text(claim, "namespace"), text(claim, "name")),
            "storage_class": text(spec, "storageClassName"),
            "reclaim_policy": text(spec, "persistentVolumeReclaimPolicy", default="Retain"),
            "phase": text(record.content, "status", "phase"),
            "capacity_bytes": whole(mapping(spec, "capacity").get("storage")),
        }


def _folder_of_node(spec: Mapping[str, Any]) -> str:
    """Return the folder of a node that a PersistentVolume gives; a local volume may be a device, which is none.

    Source: https://kubernetes.io/docs/concepts/storage/volumes/#local
    """
    local = text(spec, "local", "path")
    return text(spec, "hostPath", "path") or ("" if local.startswith("/dev/") else local)


def same_disk(claims: pd.DataFrame, persistent_volumes: pd.DataFrame) -> pd.DataFrame:
    """Return (`claim`, `other`): two claims that are bound to one disk by volumes of different names."""
    disks = persistent_volumes[persistent_volumes["disk"] != ""][["object", "disk"]]
    bound = claims[["object", "persistent_volume"]].rename(columns={"object": "claim"})
    bound = bound.merge(disks, left_on="persistent_volume", right_on="object")[["claim", "disk"]]
    pairs = bound.merge(bound.rename(columns={"claim": "other"}), on="disk")
    return pairs[pairs["claim"] != pairs["other"]][["claim", "other"]]


@builds(VOLUME_TOPOLOGY, reads=[kinds.PERSISTENT_VOLUME])
def volume_topology(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per value of each node label that a volume's required affinity names."""
    for record in snapshot.records(kinds.PERSISTENT_VOLUME):
        terms = items(mapping(record.content, "spec", "nodeAffinity", "required"), "nodeSelectorTerms")
        for number, term in enumerate(terms):
            rows = {
                (text(each, "key"), text(each, "operator"), value)
                for each in items(term, "matchExpressions")
                for value in texts(each, "values") or [""]
            }
            for key, operator, value in rows:
                yield {
                    "persistent_volume": record.object,
                    "term": number,
                    "key": key,
                    "operator": operator,
                    "value": value,
                }


def default_classes(snapshot: Snapshot) -> list[str]:
    """Return the names of the classes that a claim may be given which names none.

    Of several that are marked it is the newest, of equally old ones the first by name. Manifests do not say how old a
    class is: there it may be any of them.
    Source: https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass, GetDefaultClass in
    pkg/volume/util/storageclass.go of kubernetes/kubernetes, since 1.26
    """
    marked = sorted(record.name for record in snapshot.records(kinds.STORAGE_CLASS) if _is_marked(record))
    created = {
        record.name: text(record.content, "metadata", "creationTimestamp")
        for record in snapshot.records(kinds.STORAGE_CLASS)
    }
    return [max(marked, key=created.__getitem__)] if marked and all(created[name] for name in marked) else marked


def _is_marked(storage_class: Record) -> bool:
    annotations = mapping(storage_class.content, "metadata", "annotations")
    return any(text(annotations, mark) == "true" for mark in DEFAULT_MARKS)


@builds(STORAGE_CLASSES, reads=[kinds.STORAGE_CLASS])
def storage_classes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per StorageClass."""
    defaults = default_classes(snapshot)
    for record in snapshot.records(kinds.STORAGE_CLASS):
        yield {
            "object": record.object,
            "name": record.name,
            "provisioner": text(record.content, "provisioner"),
            "default": record.name in defaults,
            "reclaim_policy": text(record.content, "reclaimPolicy", default="Delete"),
            "binding_mode": text(record.content, "volumeBindingMode", default="Immediate"),
            "expandable": truth(record.content, "allowVolumeExpansion") or False,
        }


@builds(CLAIM_TEMPLATES, reads=[kinds.STATEFUL_SET])
def claim_templates(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per claim template, also of a StatefulSet that has no pods."""
    for record in snapshot.records(kinds.STATEFUL_SET):
        named = {text(each, "metadata", "name"): each for each in items(record.content, "spec", "volumeClaimTemplates")}
        for name, template in named.items():
            yield {"workload": record.object, "volume": name, **_class_asked(template)}


@builds(CLAIM_RETENTION, reads=[kinds.STATEFUL_SET])
def claim_retention(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per StatefulSet with claim templates; without a policy its claims are retained.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention.
    """
    for record in snapshot.records(kinds.STATEFUL_SET):
        spec = mapping(record.content, "spec")
        if items(spec, "volumeClaimTemplates"):
            policy = mapping(spec, "persistentVolumeClaimRetentionPolicy")
            yield {
                "workload": record.object,
                "when_deleted": text(policy, "whenDeleted", default="Retain"),
                "when_scaled": text(policy, "whenScaled", default="Retain"),
            }
