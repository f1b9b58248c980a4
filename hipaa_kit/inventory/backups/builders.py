"""The tables of backups, each made of what the tools' own modules read."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from hipaa_kit.inventory.backups import cronjobs, databases, velero, volume_tools
from hipaa_kit.inventory.backups.targets import READS, targets
from hipaa_kit.inventory.fields import mapping, reference, string_map, text, truth
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.backup.velero import SNAPSHOT
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.backups import (
    BACKUP_COVERAGE,
    BACKUP_PLANS,
    BACKUP_POINTS,
    BACKUP_RUNS,
    BACKUP_STORES,
    RESTORE_TERMS,
    RESTORES,
    VOLUME_SNAPSHOT_CLASSES,
    VOLUME_SNAPSHOTS,
)
from hipaa_kit.tables.declaration import rows_of

TOOLS = (velero, volume_tools, databases, cronjobs)
PLAN_KINDS = tuple(dict.fromkeys(kind for tool in TOOLS for kind in tool.PLANS))
RUN_KINDS = tuple(dict.fromkeys(kind for tool in TOOLS for kind in tool.RUNS))
STORE_KINDS = (*velero.STORES, *volume_tools.STORES, *databases.STORES)
RESTORE_KINDS = (*velero.RESTORES, *volume_tools.RESTORES)
DEFAULT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
FOR_VELERO = "velero.io/csi-volumesnapshot-class"


@builds(BACKUP_PLANS, reads=PLAN_KINDS)
def backup_plans(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per thing that is meant to make copies again and again, by every tool that is known."""
    for plan in chain.from_iterable(tool.plans(snapshot) for tool in TOOLS):
        yield plan.row()


@builds(BACKUP_COVERAGE, reads=(*PLAN_KINDS, *READS, *POD_KINDS))
def backup_coverage(
    snapshot: Snapshot, ephi_objects: pd.DataFrame, volumes: pd.DataFrame, volume_snapshot_classes: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per ePHI claim and plan that has to do with it."""
    claims = targets(snapshot, ephi_objects, volumes, volume_snapshot_classes)
    for plan in chain.from_iterable(tool.plans(snapshot) for tool in TOOLS):
        for claim in claims:
            if (reach := plan.reach(claim)) is not None:
                yield {
                    "target": claim.object,
                    "namespace": claim.namespace,
                    "tool": plan.tool,
                    "plan": plan.record.object,
                    "taken": reach.taken,
                    "method": reach.method,
                    "gap": reach.gap,
                    "state": plan.state,
                    "guessed": plan.guessed,
                }


@builds(BACKUP_RUNS, reads=RUN_KINDS)
def backup_runs(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per copy that was made, or was to be made."""
    for run in chain.from_iterable(tool.runs(snapshot) for tool in TOOLS):
        yield run.row()


@builds(BACKUP_POINTS, reads=(*RUN_KINDS, *READS, *POD_KINDS))
def backup_points(
    snapshot: Snapshot,
    ephi_objects: pd.DataFrame,
    volumes: pd.DataFrame,
    volume_snapshot_classes: pd.DataFrame,
    volume_snapshots: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per ePHI claim and copy of it, VolumeSnapshots among them."""
    claims = targets(snapshot, ephi_objects, volumes, volume_snapshot_classes)
    for run in chain.from_iterable(tool.runs(snapshot) for tool in TOOLS):
        for claim in claims:
            if (point := run.point(claim)) is not None:
                yield {
                    "target": claim.object,
                    "namespace": claim.namespace,
                    "tool": run.tool,
                    "run": run.record.object,
                    "method": point.method,
                    "outcome": point.outcome,
                    "taken_at": point.taken_at,
                    "store": run.store,
                    "off_cluster": point.off_cluster,
                    "guessed": run.guessed,
                }
    names = {claim.object for claim in claims}
    for each in rows_of(volume_snapshots[volume_snapshots["claim"].isin(names)]):
        ready = each["ready"]
        yield {
            "target": each["claim"],
            "namespace": each["namespace"],
            "tool": "snapshot",
            "run": each["object"],
            "method": SNAPSHOT,
            "outcome": "unknown" if pd.isna(ready) else "completed" if ready else "running",
            "taken_at": each["created_at"],
        }


@builds(BACKUP_STORES, reads=(*STORE_KINDS, kinds.SERVICE), optional=["cloud_stores"])
def backup_stores(snapshot: Snapshot, cloud_stores: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per place in which copies are kept, with what its provider says of it where that was given."""
    buckets = cloud_stores[cloud_stores["kind"].isin(["bucket", "storage_account"])].set_index("name")
    services = {(each.namespace, each.name) for each in snapshot.records(kinds.SERVICE)}
    addresses = {text(each.content, "spec", "clusterIP") for each in snapshot.records(kinds.SERVICE)}
    for row in chain.from_iterable(tool.stores(snapshot) for tool in (velero, volume_tools, databases)):
        told = buckets.loc[[row.get("bucket", "")]] if row.get("bucket") in buckets.index else None
        facts = {} if told is None or len(told) > 1 else _facts(told.iloc[0])
        inside = _inside(str(row.get("endpoint", "")), services, addresses)
        yield {**row, "in_cluster": inside, **facts, "region": row.get("region") or facts.get("region", "")}


def _facts(told: pd.Series) -> dict[str, Any]:
    known = {
        "encrypted": "encrypted",
        "object_lock": "object_lock",
        "lock_mode": "lock_mode",
        "lock_days": "lock_days",
        "versioning": "versioned",
        "replicated": "replicated",
    }
    return {ours: told[theirs] for theirs, ours in known.items()} | {"region": told["region"]}


def _inside(endpoint: str, services: set[tuple[str, str]], addresses: set[str]) -> str:
    """Tell whether an address leads to a Service; a name of one label may be one of any namespace.

    Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/.
    """
    if not endpoint:
        return "no"
    host = (urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        if host.endswith((".svc", ".svc.cluster.local", ".cluster.local")) or host == "localhost":
            return "yes"
        if len(labels) == 2 and (labels[1], labels[0]) in services:
            return "yes"
        if len(labels) == 1:
            return "yes" if any(name == host for _, name in services) else "unknown"
        return "no"
    return "yes" if host in addresses or host.startswith("127.") else "no"


@builds(RESTORES, reads=RESTORE_KINDS)
def restores(snapshot: Snapshot, namespaces: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per restore and namespace."""
    yield from velero.restores(snapshot, namespaces["name"])
    yield from volume_tools.restores(snapshot)


@builds(RESTORE_TERMS, reads=(*velero.RESTORE_TERMS, *READS, *POD_KINDS))
def restore_terms(snapshot: Snapshot, ephi_objects: pd.DataFrame, volumes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per namespace with ePHI claims and what it could be restored from, of tools that remove restores."""
    yield from velero.restore_terms(snapshot, targets(snapshot, ephi_objects, volumes, VOLUME_SNAPSHOT_CLASSES.frame()))


@builds(VOLUME_SNAPSHOTS, reads=[kinds.VOLUME_SNAPSHOT])
def volume_snapshots(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per VolumeSnapshot."""
    for record in snapshot.records(kinds.VOLUME_SNAPSHOT):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        claim = text(spec, "source", "persistentVolumeClaimName")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "claim": reference("PersistentVolumeClaim", record.namespace, claim),
            "class_name": text(spec, "volumeSnapshotClassName"),
            "ready": truth(status, "readyToUse"),
            "created_at": text(status, "creationTime"),
        }


@builds(VOLUME_SNAPSHOT_CLASSES, reads=[kinds.VOLUME_SNAPSHOT_CLASS])
def volume_snapshot_classes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per VolumeSnapshotClass."""
    for record in snapshot.records(kinds.VOLUME_SNAPSHOT_CLASS):
        annotations = string_map(record.content, "metadata", "annotations")
        labels = string_map(record.content, "metadata", "labels")
        yield {
            "object": record.object,
            "name": record.name,
            "driver": text(record.content, "driver"),
            "deletion_policy": text(record.content, "deletionPolicy"),
            "default": annotations.get(DEFAULT_CLASS) == "true",
            "for_velero": labels.get(FOR_VELERO) == "true",
        }
