"""The claims of the ePHI scope as backup tools meet them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from hipaa_kit.inventory.backups.model import Target, annotations_of, labels_of
from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import string_map, text, texts
from hipaa_kit.inventory.pods import pod_views
from hipaa_kit.kube import kinds
from hipaa_kit.kube.backup.velero import Answer, Claimed, Mount
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import program
from hipaa_kit.kube.images import parse_image
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.pseudonyms import PREFIX
from hipaa_kit.sources.snapshot import Snapshot

READS: tuple[Kind, ...] = (
    kinds.NAMESPACE,
    kinds.PERSISTENT_VOLUME,
    kinds.PERSISTENT_VOLUME_CLAIM,
    custom("velero.io", "VolumeSnapshotLocation"),
)
LOCATIONS = READS[-1]
FEATURE = "EnableCSI"
PROVIDERS = {
    "aws": "ebs.csi.aws.com",
    "velero.io/aws": "ebs.csi.aws.com",
    "azure": "disk.csi.azure.com",
    "velero.io/azure": "disk.csi.azure.com",
    "gcp": "pd.csi.storage.gke.io",
    "velero.io/gcp": "pd.csi.storage.gke.io",
}
"""Whose volumes the snapshot plugins of Velero's own project take.

Source: https://velero.io/docs/main/supported-providers/.
"""


def targets(
    snapshot: Snapshot, ephi_objects: pd.DataFrame, volumes: pd.DataFrame, volume_snapshot_classes: pd.DataFrame
) -> list[Target]:
    """Return every claim of the ePHI scope that was seen, sorted."""
    wanted = set(ephi_objects.loc[ephi_objects["kind"] == "PersistentVolumeClaim", "object"])
    drivers = _drivers(snapshot)
    spaces = {each.name: labels_of(each) for each in snapshot.records(kinds.NAMESPACE)}
    mounts = _mounts(snapshot, volumes, wanted)
    able = _able(snapshot, volume_snapshot_classes)
    found = []
    for record in snapshot.records(kinds.PERSISTENT_VOLUME_CLAIM):
        if record.object not in wanted:
            continue
        volume = text(record.content, "spec", "volumeName")
        driver, handle = drivers.get(volume, ("", ""))
        held = mounts[record.object]
        claimed = Claimed(
            record.namespace,
            labels_of(record),
            tuple(mount for _, mount in held),
            _snapshots(driver, able),
            spaces.get(record.namespace, {}),
            node_path=driver == "hostPath",
        )
        found.append(
            Target(
                record.object,
                record.namespace,
                record.name,
                text(record.content, "metadata", "uid"),
                claimed.labels,
                annotations_of(record),
                volume,
                handle,
                frozenset((pod, mount.volume) for pod, mount in held),
                claimed,
                driver,
                "ReadWriteMany" in texts(record.content, "spec", "accessModes"),
            )
        )
    return found


def _drivers(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """Return driver and handle of each volume that a CSI driver made; of others the name of their source."""
    found = {}
    for record in snapshot.records(kinds.PERSISTENT_VOLUME):
        spec = record.content.get("spec")
        driver = text(spec, "csi", "driver")
        source = next((name for name in ("hostPath", "local", "nfs") if isinstance(spec, Mapping) and name in spec), "")
        found[record.name] = (driver or source, text(spec, "csi", "volumeHandle"))
    return found


def _mounts(snapshot: Snapshot, volumes: pd.DataFrame, wanted: set[str]) -> defaultdict[str, list[tuple[str, Mount]]]:
    """Return the pods that mount each claim; one made from a template runs, unless only a job would start it."""
    used = volumes[volumes["reference"].isin(wanted)]
    pods = set(used["pod"])
    seen = {pod.object: pod for pod in pod_views(snapshot) if pod.object in pods}
    found: defaultdict[str, list[tuple[str, Mount]]] = defaultdict(list)
    for name, volume, claim in used[["pod", "volume", "reference"]].itertuples(index=False):
        pod = seen[name]
        waits = not pod.live and pod.workload.startswith(("CronJob/", "Job/"))
        runs = not waits and text(pod.content, "status", "phase") in ("Running", "")
        annotations = string_map(pod.content, "metadata", "annotations")
        found[claim].append((pod.name, Mount(pod.labels, annotations, volume, runs)))
    return found


def _able(snapshot: Snapshot, classes: pd.DataFrame) -> dict[str, Answer]:
    """Return for each driver whether Velero finds a way to take its snapshots.

    It takes the class of the driver that is labelled for it, the default one, or the only one, and that only where
    its server was told to. Beside that there may be a snapshot location of a plugin: those of its own project are
    known by their provider.
    Source: pkg/util/csi/volume_snapshot.go of vmware-tanzu/velero, https://velero.io/docs/main/csi/.
    """
    found: dict[str, Answer] = {}
    told = _told_to_use_csi(snapshot)
    for driver, mine in classes.groupby("driver"):
        chosen = len(mine) == 1 or bool(mine["for_velero"].any()) or bool(mine["default"].any())
        if told != "no":
            found[str(driver)] = "yes" if chosen and told == "yes" else "unknown"
    for record in snapshot.records(LOCATIONS):
        provider = text(record.content, "spec", "provider")
        if driver := PROVIDERS.get(provider, ""):
            found[driver] = "yes"
        else:
            found[""] = "unknown"
    return found


def _told_to_use_csi(snapshot: Snapshot) -> Answer:
    """Tell whether Velero's server takes snapshots by CSI, which is a feature that is switched on by a flag."""
    told = [
        _features([*texts(container, "command")[1:], *texts(container, "args")])
        for view in pod_views(snapshot)
        for _, container in each_container(view)
        if _runs_velero(container)
    ]
    if any(FEATURE in each for each in told):
        return "yes"
    # An older snapshot hides the values of flags that were none of its settings.
    hidden = any(name.startswith(PREFIX) for each in told for name in each)
    return "unknown" if hidden or not told else "no"


def _runs_velero(container: Mapping[str, Any]) -> bool:
    command = texts(container, "command")
    name = program(command) if command else parse_image(text(container, "image")).repository.rpartition("/")[2]
    return name == "velero"


def _features(words: list[str]) -> set[str]:
    """Return what flag `--features` switches on, written in one word or in two."""
    found = [word.partition("=")[2] for word in words if word.startswith("--features=")]
    found += [value for flag, value in pairwise(words) if flag == "--features"]
    return {each for value in found for each in value.split(",")}


def _snapshots(driver: str, able: dict[str, Answer]) -> Answer:
    if not driver:
        return "unknown"
    return able.get(driver) or able.get("") or "no"
