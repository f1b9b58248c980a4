"""Disks of the nodes on which pods with ePHI run: what stays on them when a pod writes to its own file system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.inventory.fields import text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.encryption import NODE_DISKS

WRITTEN: Final = (
    "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/k0s",
    "/var/lib/rancher/k3s/agent", "/var/lib/rancher/rke2/agent", "/var/log", "/var/snap/microk8s/common",
)  # fmt: skip
"""Where a node keeps what pods write: emptyDir and volumes, layers of containers by runtime and distribution, logs.

Source: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/,
https://kubernetes.io/docs/setup/production-environment/container-runtimes/.
"""

SCRATCH: Final = frozenset({"emptyDir", "hostPath", "local"})


class _Said(NamedTuple):
    state: str
    mechanism: str
    basis: str


@builds(
    NODE_DISKS,
    reads=[kinds.NODE, kinds.PERSISTENT_VOLUME],
    optional=["cloud_volumes", "cloud_clusters", "node_filesystems"],
)
def node_disks(
    snapshot: Snapshot,
    nodes: pd.DataFrame,
    pods: pd.DataFrame,
    volumes: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    cloud_volumes: pd.DataFrame,
    cloud_clusters: pd.DataFrame,
    node_filesystems: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per node that runs a pod of the ePHI scope.

    Google encrypts every disk. Source: https://cloud.google.com/docs/security/encryption/default-encryption.
    """
    inside = pods[pods["workload"].isin(ephi_workloads["object"]) & (pods["node"] != "")]
    scratch = volumes[volumes["type"].isin(SCRATCH)]
    machines = {record.name: text(record.content, "spec", "providerID") for record in snapshot.records(kinds.NODE)}
    own = _disks_of_nodes(snapshot, cloud_volumes)
    running = inside.groupby("node")["object"].agg(list).to_dict()
    scratch_of = scratch["pod"].value_counts().to_dict()
    mounts = dict(list(node_filesystems.groupby("node")))
    for name, scheme in nodes[["name", "provider"]].itertuples(index=False):
        here = running.get(name, [])
        if not here:
            continue
        said = _by_node(mounts.get(name, node_filesystems.head(0)))
        said = said or _by_provider(scheme, machines.get(name, "").rpartition("/")[2], own, cloud_clusters)
        said = said or _Said("unknown", "", "nothing that was given says how its disks are encrypted")
        yield {
            "object": f"Node//{name}",
            **said._asdict(),
            "pods": len(here),
            "scratch": sum(scratch_of.get(pod, 0) for pod in here),
        }


def _disks_of_nodes(snapshot: Snapshot, cloud_volumes: pd.DataFrame) -> pd.DataFrame:
    """Return the provider's disks without those of PersistentVolumes, which are judged by themselves."""
    handles = {
        text(record.content, "spec", "csi", "volumeHandle") for record in snapshot.records(kinds.PERSISTENT_VOLUME)
    }
    return cloud_volumes[~cloud_volumes["name"].isin({each for handle in handles for each in (handle, handle.lower())})]


def _by_node(mounts: pd.DataFrame) -> _Said | None:
    """Return what the node's own block devices say; what lies below them it does not see."""
    held = dict(zip(mounts["mount_path"], mounts["encrypted"], strict=True))
    if "/" not in held:
        return None
    under = {_mount_of(path, held) for path in WRITTEN} | ({"[SWAP]"} & set(held))
    plain = sorted(path for path in under if not bool(held[path]))
    if plain:
        return _Said("unseen", "", f"the node does not encrypt {', '.join(plain)}; what lies below it may")
    return _Said("encrypted", "dm-crypt", f"the node encrypts {', '.join(sorted(under))}")


def _mount_of(path: str, held: dict[str, Any]) -> str:
    above = [mount for mount in held if f"{path}/".startswith(f"{mount.rstrip('/')}/")]
    return max(above, key=len)


def _by_provider(scheme: str, machine: str, disks: pd.DataFrame, clusters: pd.DataFrame) -> _Said | None:
    if scheme == "gce":
        return _Said("encrypted", "platform", "the platform encrypts every disk")
    if scheme == "azure":
        told = clusters[(clusters["provider"] == "azure") & clusters["host_encryption"].notna()]
        if len(told) != 1:
            return None
        on = bool(told["host_encryption"].iloc[0])
        words = "encryption at host is on" if on else "encryption at host is off: caches and temporary disks are plain"
        return _Said("encrypted" if on else "plain", "encryption at host" if on else "", words)
    attached = disks["attached_to"].map(lambda names: machine in names.split()).astype(bool)
    mine = disks[attached] if machine else disks.head(0)
    if mine.empty or mine["encrypted"].isna().any():
        return None
    plain = sorted(mine.loc[mine["encrypted"].eq(False), "name"])
    if plain:
        return _Said("plain", "", f"its provider says that {', '.join(plain)} is not encrypted")
    return _Said("encrypted", "provider", f"its provider says that its disks are encrypted: {', '.join(mine['name'])}")
