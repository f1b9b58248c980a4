"""Volumes, the claims behind them, and where those live."""

from hipaa_kit.tables.declaration import Table, count, flag, text

VOLUMES = Table(
    "volumes",
    "one volume of one pod",
    ("pod", "volume"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("volume", "name of the volume"),
        text("type", "its source: persistentVolumeClaim, emptyDir, hostPath, secret, …"),
        text("reference", "`Kind/namespace/name` of the claim, Secret or ConfigMap it mounts, or none"),
        text("host_path", "path on the node of a hostPath, or none"),
        text("medium", "medium of an emptyDir, or none"),
    ),
)

VOLUME_MOUNTS = Table(
    "volume_mounts",
    "one place at which one container mounts a volume",
    ("pod", "container", "mount_path"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        text("volume", "name of the volume"),
        text("mount_path", "path in the container"),
        text("sub_path", "path in the volume, or none"),
        flag("read_only", "mounted read-only"),
    ),
)

CLAIMS = Table(
    "claims",
    "one PersistentVolumeClaim",
    ("object",),
    (
        text("object", "`PersistentVolumeClaim/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        text("phase", "Pending, Bound or Lost, or none"),
        text("storage_class", "StorageClass named, or none"),
        flag("takes_default", "it is given the default class: it names none, and does not say that it wants none"),
        text("persistent_volume", "`PersistentVolume//name` it is bound to, or none"),
        text("access_modes", "access modes, joined by spaces"),
        count("requested_bytes", "size asked for"),
        count("capacity_bytes", "size given"),
        text("created_at", "creation time, as the server wrote it"),
    ),
)

PERSISTENT_VOLUMES = Table(
    "persistent_volumes",
    "one PersistentVolume",
    ("object",),
    (
        text("object", "`PersistentVolume//name`"),
        text("name", "its name"),
        text("type", "its source: csi, hostPath, local, nfs, …"),
        text("driver", "CSI driver, or none"),
        text(
            "disk",
            "what it is by which two volumes are one disk: driver and handle, server and path, …; none where not known",
        ),
        text("host_path", "folder of the node that a hostPath or a local volume is, or none"),
        text("device", "device of the node that pods are given as it is (`volumeMode: Block`), or none"),
        text("claim", "`PersistentVolumeClaim/namespace/name` bound to it, or none"),
        text("storage_class", "StorageClass named, or none"),
        text("reclaim_policy", "Retain, Delete or Recycle"),
        text("phase", "Available, Bound, Released, Failed, or none"),
        count("capacity_bytes", "its size"),
    ),
)

VOLUME_TOPOLOGY = Table(
    "volume_topology",
    "one value of one node label to which one PersistentVolume's required node affinity binds it",
    ("persistent_volume", "term", "key", "operator", "value"),
    (
        text("persistent_volume", "`PersistentVolume//name`"),
        count("term", "number of the node selector term; terms are alternatives"),
        text("key", "node label"),
        text("operator", "In, NotIn, Exists, DoesNotExist, Gt or Lt"),
        text("value", "value asked for, or none"),
    ),
)

STORAGE_CLASSES = Table(
    "storage_classes",
    "one StorageClass",
    ("object",),
    (
        text("object", "`StorageClass//name`"),
        text("name", "its name"),
        text("provisioner", "who makes its volumes"),
        flag("default", "given to claims that name none; of several that are marked, the newest, where that is known"),
        text("reclaim_policy", "Delete or Retain"),
        text("binding_mode", "Immediate or WaitForFirstConsumer"),
        flag("expandable", "volumes may grow"),
    ),
)

CLAIM_TEMPLATES = Table(
    "claim_templates",
    "one claim template of a StatefulSet",
    ("workload", "volume"),
    (
        text("workload", "`StatefulSet/namespace/name`"),
        text("volume", "name of the template, and of the volume that pods have by it"),
        text("storage_class", "StorageClass named, or none"),
        flag("takes_default", "its claims are given the default class"),
    ),
)

CLAIM_RETENTION = Table(
    "claim_retention",
    "one StatefulSet that makes claims, and what becomes of these",
    ("workload",),
    (
        text("workload", "`StatefulSet/namespace/name`"),
        text("when_deleted", "Retain or Delete, when the StatefulSet is deleted"),
        text("when_scaled", "Retain or Delete, when it is scaled down"),
    ),
)
