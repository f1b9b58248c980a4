"""What finds out that data or programs were altered: volumes, databases, sensors on nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import mapping, string_map, text
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.integrity import NONE, ON, Mechanism, cnpg_checksums, longhorn_integrity, zalando_checksums
from hipaa_kit.kube.selectors import SelectorError, label_selector
from hipaa_kit.kube.sensors import acts, narrowed, pods_selected, sensor_of, watches_files
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.integrity import (
    DATABASE_CHECKSUMS,
    RUNTIME_SENSORS,
    SENSOR_POLICIES,
    SENSOR_POLICY_PODS,
    VOLUME_INTEGRITY,
)

LONGHORN: Final = "driver.longhorn.io"
LONGHORN_VOLUME: Final = custom("longhorn.io", "Volume")
CNPG_CLUSTER: Final = custom("postgresql.cnpg.io", "Cluster")
ZALANDO: Final = custom("acid.zalan.do", "postgresql")
POLICIES: Final = {
    custom("cilium.io", "TracingPolicy"): "Tetragon",
    custom("cilium.io", "TracingPolicyNamespaced"): "Tetragon",
    custom("security.kubearmor.com", "KubeArmorPolicy"): "KubeArmor",
    custom("security.kubearmor.com", "KubeArmorClusterPolicy"): "KubeArmor",
}


@builds(VOLUME_INTEGRITY, reads=[kinds.PERSISTENT_VOLUME, LONGHORN_VOLUME])
def volume_integrity(snapshot: Snapshot, persistent_volumes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per PersistentVolume.

    A volume of Ceph keeps the mode it was made with among its attributes; that of a Longhorn volume stands in an
    object of its own, which the volume names as its handle.
    Source: https://github.com/ceph/ceph-csi/blob/devel/docs/rbd/deploy.md
    """
    kept = {record.name: longhorn_integrity(record.content) for record in snapshot.records(LONGHORN_VOLUME)}
    named = dict(zip(persistent_volumes["object"], persistent_volumes["type"], strict=True))
    for record in snapshot.records(kinds.PERSISTENT_VOLUME):
        csi = mapping(record.content, "spec", "csi")
        driver, mode = text(csi, "driver"), string_map(csi, "volumeAttributes").get("integrityMode", "")
        found = kept.get(text(csi, "volumeHandle"), NONE) if driver == LONGHORN else NONE
        if driver.endswith("rbd.csi.ceph.com") and mode.startswith("hmac-"):
            found = Mechanism(ON, "spec.csi.volumeAttributes.integrityMode", mode)
        yield {"object": record.object, "driver": driver or named[record.object], **found._asdict()}


@builds(DATABASE_CHECKSUMS, reads=[CNPG_CLUSTER, ZALANDO])
def database_checksums(snapshot: Snapshot, workloads: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per database of an operator.

    Pods of CloudNativePG are owned by it; the StatefulSet of the Zalando operator bears its name.
    """
    known = set(workloads["object"])
    for kind, operator, read, owner in (
        (CNPG_CLUSTER, "CloudNativePG", cnpg_checksums, "Cluster"),
        (ZALANDO, "Zalando", zalando_checksums, "StatefulSet"),
    ):
        for record in snapshot.records(kind):
            run = {record.object, f"{owner}/{record.namespace}/{record.name}"} & known
            said = read(record.content)._asdict()
            yield {"object": record.object, "operator": operator, "workloads": " ".join(sorted(run)), **said}


def sensors_in(containers: pd.DataFrame) -> pd.DataFrame:
    """Return the pods that run a sensor, and which one."""
    found = containers.assign(sensor=containers["repository"].map(sensor_of))
    return found[(found["sensor"] != "") & (found["role"] != "init")][["pod", "sensor"]].drop_duplicates("pod")


SEES_THE_NODE: Final = frozenset({"hostNamespaces", "hostPathVolumes", "privileged", "windowsHostProcess"})
"""Controls of the Pod Security Standards that keep a pod from what other pods of its node do."""


@builds(RUNTIME_SENSORS)
def runtime_sensors(
    pods: pd.DataFrame, containers: pd.DataFrame, pod_security: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per pod of a sensor that has a node and may look at more of it than at itself.

    Without a privilege, an added capability, a namespace or a folder of its node a pod sees its own containers alone:
    one beside an application, or one that reads audit events and no calls of the kernel, watches no node.
    Source: https://falco.org/docs/setup/container/, https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    reason = pod_security["reason"]
    folder = pod_security["control"].eq("restrictedVolumes") & reason.str.contains("hostPath", regex=False)
    added = pod_security["control"].str.startswith("capabilities") & reason.str.contains(" adds ", regex=False)
    seeing = set(pod_security[pod_security["control"].isin(SEES_THE_NODE) | folder | added]["pod"])
    for row in rows_of(sensors_in(containers).merge(pods.rename(columns={"object": "pod"}), on="pod")):
        if row["node"] and row["pod"] in seeing:
            yield {
                "pod": row["pod"],
                "workload": row["workload"],
                "sensor": row["sensor"],
                "node": row["node"],
                "ready": row["ready"] is True,
            }


@builds(SENSOR_POLICIES, reads=POLICIES)
def sensor_policies(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per policy of a sensor."""
    for kind, sensor in POLICIES.items():
        for record in snapshot.records(kind):
            yield {
                "object": record.object,
                "sensor": sensor,
                "namespace": record.namespace,
                "files": watches_files(record.content),
                "narrowed": narrowed(record.kind, record.content),
                "acts": acts(record.content),
            }


@builds(SENSOR_POLICY_PODS, reads=[*POLICIES, *POD_KINDS])
def sensor_policy_pods(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per pod that a policy of its namespace selects; a selector that cannot be read selects none."""
    for kind in POLICIES:
        for record in snapshot.records(kind):
            asked = pods_selected(record.kind, record.content)
            try:
                selector = label_selector(asked) if asked else None
            except SelectorError:
                continue
            for pod in pod_views(snapshot, record.namespace) if selector and record.namespace else ():
                if selector and selector.matches(pod.labels):
                    yield {"policy": record.object, "pod": pod.object}
