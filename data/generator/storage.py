"""Claims, the volumes bound to them, and the drivers that made those."""

from __future__ import annotations

from hospital import BLOCK, FILER, PLAIN, SHARED
from model import WORKERS, Claim, Hospital, Workload, node_address, zone_of
from objects import Cluster, Object, moment, suffix, uid
from pods import claim_labels, replicas
from workloads import created_at

RBD, CEPHFS = "rbd.csi.ceph.com", "cephfs.csi.ceph.com"
DRIVERS = {BLOCK: RBD, PLAIN: RBD, SHARED: CEPHFS, FILER: "nfs.csi.k8s.io"}
MANY = frozenset({SHARED, FILER})
KEY_SERVICE = "vault-clinic"
CEPH = {"clusterID": "clinic-ceph"}
ENCRYPTED = {"encrypted": "true", "encryptionKMSID": KEY_SERVICE}
PARAMETERS = {
    BLOCK: {**CEPH, **ENCRYPTED, "pool": "clinic-rbd"},
    PLAIN: {**CEPH, "pool": "clinic-rbd"},
    SHARED: {**CEPH, **ENCRYPTED, "fsName": "clinic-files"},
    FILER: {"server": "nas.clinic.example", "share": "/archive"},
}
PROVISIONED = "storage.kubernetes.io/csiProvisionerIdentity"
ZONE = "topology.kubernetes.io/zone"


def add_storage(cluster: Cluster, hospital: Hospital) -> None:
    """Add drivers, classes, claims and volumes."""
    add_drivers(cluster)
    for workload in hospital.all(Workload):
        for replica in replicas(hospital, workload):
            for template, size in workload.claims.items():
                claim = Claim(workload.namespace, f"{template}-{replica.name}", size, BLOCK, zone_of(replica.node))
                add_claim(cluster, claim, created_at(workload), replica.node)
    for claim in hospital.all(Claim):
        add_claim(cluster, claim, moment("2026-04-11", "claim", claim.namespace, claim.name), "")


def add_drivers(cluster: Cluster) -> None:
    """Add storage classes, CSI drivers, and what each worker says of them."""
    created = moment("2025-02-03", "storage")
    for name, driver in DRIVERS.items():
        cluster.add(
            "StorageClass",
            "",
            name,
            {
                "allowVolumeExpansion": True,
                "parameters": PARAMETERS[name],
                "provisioner": driver,
                "reclaimPolicy": "Retain",
                "volumeBindingMode": "Immediate" if name in MANY else "WaitForFirstConsumer",
            },
            created=created,
            annotations={"storageclass.kubernetes.io/is-default-class": "true"} if name == BLOCK else None,
        )
    for driver in dict.fromkeys(DRIVERS.values()):
        block = driver == RBD
        cluster.add(
            "CSIDriver",
            "",
            driver,
            {
                "spec": {
                    "attachRequired": block,
                    "fsGroupPolicy": "ReadWriteOnceWithFSType" if block else "File",
                    "podInfoOnMount": False,
                    "requiresRepublish": False,
                    "seLinuxMount": False,
                    "storageCapacity": False,
                    "volumeLifecycleModes": ["Persistent"],
                }
            },
            created=created,
        )
    for node in WORKERS:
        reference = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid("Node", "", node)}
        drivers = [
            {"name": RBD, "nodeID": node_address(node), "topologyKeys": [ZONE]},
            {"name": CEPHFS, "nodeID": node, "topologyKeys": None},
            {"name": DRIVERS[FILER], "nodeID": node, "topologyKeys": None},
        ]
        cluster.add("CSINode", "", node, {"spec": {"drivers": drivers}}, created=created, owned_by=reference)


def quantity(claim: Claim) -> str:
    """Return the size of a claim in the form that the API server gives it."""
    return f"{claim.size}Gi" if claim.size % 1024 else f"{claim.size // 1024}Ti"


def add_claim(cluster: Cluster, claim: Claim, created: str, node: str) -> None:
    """Add a claim and, where it is bound, its volume; `node` is the worker it is attached to."""
    shared = claim.storage_class in MANY
    identity = uid("PersistentVolumeClaim", claim.namespace, claim.name)
    volume = f"pvc-{identity}"
    modes = ["ReadWriteMany" if shared else "ReadWriteOnce"]
    size = {"storage": quantity(claim)}
    driver = DRIVERS.get(claim.storage_class, "")
    spec: Object = {
        "accessModes": modes,
        "resources": {"requests": size},
        "storageClassName": claim.storage_class,
        "volumeMode": "Filesystem",
    }
    annotations: dict[str, str] = {}
    status: Object = {"phase": "Pending"}
    if claim.bound:
        spec["volumeName"] = volume
        status = {"accessModes": modes, "capacity": size, "phase": "Bound"}
        annotations = {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
            "volume.kubernetes.io/storage-provisioner": driver,
        }
        if node:
            annotations["volume.kubernetes.io/selected-node"] = node
    cluster.add(
        "PersistentVolumeClaim",
        claim.namespace,
        claim.name,
        {"spec": spec, "status": status},
        created=created,
        labels=claim_labels(claim.namespace),
        annotations=annotations,
        finalizers=["kubernetes.io/pvc-protection"],
    )
    if claim.bound:
        add_volume(cluster, claim, volume, created)
    if claim.bound and node:
        add_attachment(cluster, volume, node, created)


def add_volume(cluster: Cluster, claim: Claim, volume: str, created: str) -> None:
    """Add the PersistentVolume of a claim; block storage stands in one zone."""
    shared = claim.storage_class in MANY
    driver = DRIVERS[claim.storage_class]
    mark = suffix(24, "volume", claim.namespace, claim.name)
    source: Object = {"driver": driver, "volumeHandle": mark}
    source["volumeAttributes"] = {**PARAMETERS[claim.storage_class], PROVISIONED: f"1738576800000-8081-{driver}"}
    if claim.storage_class != FILER:
        source["nodeStageSecretRef"] = {"name": "ceph-csi", "namespace": "kube-system"}
    if not shared:
        source["fsType"] = "ext4"
    identity = uid("PersistentVolumeClaim", claim.namespace, claim.name)
    spec: Object = {
        "accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
        "capacity": {"storage": quantity(claim)},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": identity,
        },
        "csi": source,
        "persistentVolumeReclaimPolicy": claim.reclaim,
        "storageClassName": claim.storage_class,
        "volumeMode": "Filesystem",
    }
    if claim.zone:
        term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [claim.zone]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    cluster.add(
        "PersistentVolume",
        "",
        volume,
        {"spec": spec, "status": {"phase": "Bound", "lastPhaseTransitionTime": created}},
        created=created,
        annotations={"pv.kubernetes.io/provisioned-by": driver},
        finalizers=["kubernetes.io/pv-protection"],
    )


def add_attachment(cluster: Cluster, volume: str, node: str, created: str) -> None:
    """Add the record that a volume is attached to a node."""
    name = "csi-" + suffix(40, "attachment", volume)
    content = {
        "spec": {
            "attacher": RBD,
            "nodeName": node,
            "source": {"persistentVolumeName": volume},
        },
        "status": {"attached": True},
    }
    cluster.add("VolumeAttachment", "", name, content, created=created)
