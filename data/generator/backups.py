"""How the clinic copies its data: schedules, the copies they made, stores, restores, and who may use them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hospital import BLOCK, SHARED
from model import Custom, Declaration
from objects import uid

TOOL = "velero"
OFFSITE, SECOND = "offsite", "second"
NIGHTLY = ("ehr", "ehr-staging", "identity", "imaging", "portal", "research")
ALONE = ("integration",)
"""Namespaces with a schedule of their own, which write to the second store."""
BUCKETS = {OFFSITE: ("clinic-backups", "us-west-2"), SECOND: ("clinic-backups-2", "us-east-2")}
KEY = "arn:aws:kms:us-east-1:111122223333:key/clinic-data"
DRIVERS = {BLOCK: "rbd.csi.ceph.com", SHARED: "cephfs.csi.ceph.com"}

SETS = {"ehr": ("ehr-db", "ehr-redis"), "imaging": ("orthanc", "pacs-db"), "integration": ("mirth-db", "rabbitmq")}
MOUNTED = (
    *(
        (namespace, f"{app}-{number}", "data", f"data-{app}-{number}")
        for namespace, apps in SETS.items()
        for app in apps
        for number in (0, 1)
    ),
    ("imaging", "dcm4chee-arc", "storage", "pacs-archive"),
    ("ehr-staging", "ehr-db-0", "data", "data-ehr-db-0"),
    ("research", "orthanc-0", "data", "data-orthanc-0"),
)
"""Namespace, pod, volume and claim of what is read from the file system of a pod that runs."""

DATA_KEPT, STATE_KEPT = timedelta(hours=2400), timedelta(hours=720)
"""How long copies are kept. Velero removes a restore with its copy: those of data outlive the 90 days of a drill."""
HALF_PAST = "2026-11-20T00:30:00Z"
MOVED = (("ehr", "ehr-db-dumps"), ("imaging", "teaching-archive"))
"""Claims that only jobs mount: their snapshots are moved to the store."""


def backups() -> list[Declaration]:
    """Declare the backup landscape."""
    return [*stores(), *classes(), *schedules(), *copies(), *restores(), *operators()]


def stores() -> list[Declaration]:
    """Declare where copies lie, both in other regions than the clinic."""
    return [
        Custom(
            "BackupStorageLocation",
            TOOL,
            name,
            {
                "spec": {
                    "accessMode": "ReadWrite",
                    "config": {"region": region, "kmsKeyId": KEY},
                    "credential": {"name": f"store-{name}", "key": "cloud"},
                    "default": name == OFFSITE,
                    "objectStorage": {"bucket": bucket},
                    "provider": "aws",
                    "validationFrequency": "1m0s",
                },
                "status": {
                    "lastSyncedTime": "2026-11-20T01:59:02Z",
                    "lastValidationTime": "2026-11-20T01:59:31Z",
                    "phase": "Available",
                },
            },
        )
        for name, (bucket, region) in BUCKETS.items()
    ]


def classes() -> list[Declaration]:
    """Declare how snapshots are taken, and one that was."""
    made = [
        Custom("VolumeSnapshotClass", "", name, {"deletionPolicy": "Delete", "driver": driver})
        for name, driver in DRIVERS.items()
    ]
    claim, snapshot = "data-ehr-db-0", "ehr-db-before-upgrade"
    content = f"snapcontent-{uid('VolumeSnapshot', 'ehr', snapshot)}"
    return [
        *made,
        Custom(
            "VolumeSnapshot",
            "ehr",
            snapshot,
            {
                "spec": {"source": {"persistentVolumeClaimName": claim}, "volumeSnapshotClassName": BLOCK},
                "status": {
                    "boundVolumeSnapshotContentName": content,
                    "creationTime": "2026-11-14T20:05:11Z",
                    "readyToUse": True,
                    "restoreSize": "200Gi",
                },
            },
            created="2026-11-14T20:05:09Z",
        ),
        Custom(
            "VolumeSnapshotContent",
            "",
            content,
            {
                "spec": {
                    "deletionPolicy": "Delete",
                    "driver": DRIVERS[BLOCK],
                    "source": {"volumeHandle": "volume-of-the-record"},
                    "volumeSnapshotClassName": BLOCK,
                    "volumeSnapshotRef": {
                        "kind": "VolumeSnapshot",
                        "name": snapshot,
                        "namespace": "ehr",
                        "uid": uid("VolumeSnapshot", "ehr", snapshot),
                    },
                },
                "status": {"readyToUse": True, "snapshotHandle": "snapshot-of-the-record"},
            },
            created="2026-11-14T20:05:09Z",
        ),
    ]


def schedules() -> list[Declaration]:
    """Declare what is copied when: data of the namespaces, and every object of the cluster."""
    data = {"defaultVolumesToFsBackup": True, "snapshotMoveData": True, "ttl": ttl(DATA_KEPT)}
    nightly = data | {"includedNamespaces": list(NIGHTLY), "storageLocation": OFFSITE}
    state = {
        "defaultVolumesToFsBackup": False,
        "includeClusterResources": True,
        "includedNamespaces": ["*"],
        "snapshotVolumes": False,
        "storageLocation": OFFSITE,
        "ttl": ttl(STATE_KEPT),
    }
    alone = [
        schedule(
            name, "30 0 * * *", data | {"includedNamespaces": [name], "storageLocation": SECOND}, "2026-11-20T00:30:00Z"
        )
        for name in ALONE
    ]
    return [
        schedule("nightly", "0 1 * * *", nightly, "2026-11-20T01:00:00Z"),
        schedule("cluster", "0 3 * * *", state, "2026-11-19T03:00:00Z"),
        *alone,
    ]


def ttl(kept: timedelta) -> str:
    """Return a time to live as Velero writes it."""
    return f"{kept // timedelta(hours=1)}h0m0s"


def schedule(name: str, when: str, template: dict[str, Any], last: str) -> Custom:
    """Declare one schedule that runs."""
    spec = {"paused": False, "schedule": when, "template": template, "useOwnerReferencesInBackup": False}
    return Custom("Schedule", TOOL, name, {"spec": spec, "status": {"lastBackup": last, "phase": "Enabled"}})


def copies() -> list[Declaration]:
    """Declare the newest copy of each schedule, with the volumes in it."""
    made: list[Declaration] = [
        copy("nightly", "20261120010009", list(NIGHTLY), "2026-11-20T01:00:09Z", "2026-11-20T01:31:40Z"),
        copy("cluster", "20261119030005", ["*"], "2026-11-19T03:00:05Z", "2026-11-19T03:04:12Z", data=False),
        *(
            copy(name, "20261120003007", [name], "2026-11-20T00:30:07Z", "2026-11-20T00:41:55Z", store=SECOND)
            for name in ALONE
        ),
    ]
    return [*made, *(read_volume(*each) for each in MOUNTED), *(moved_volume(*each) for each in MOVED)]


def copy(
    plan: str, number: str, namespaces: list[str], start: str, end: str, *, data: bool = True, store: str = OFFSITE
) -> Custom:
    """Declare one copy that came to its end."""
    kept = DATA_KEPT if data else STATE_KEPT
    spec: dict[str, Any] = {
        "defaultVolumesToFsBackup": data,
        "includedNamespaces": namespaces,
        "storageLocation": store,
        "ttl": ttl(kept),
    }
    spec |= {"snapshotMoveData": True} if data else {"includeClusterResources": True, "snapshotVolumes": False}
    status = {
        "completionTimestamp": end,
        "expiration": (datetime.fromisoformat(start) + kept).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "formatVersion": "1.1.0",
        "phase": "Completed",
        "progress": {"itemsBackedUp": 412, "totalItems": 412},
        "startTimestamp": start,
        "version": 1,
    }
    labels = {"velero.io/schedule-name": plan, "velero.io/storage-location": store}
    return Custom("Backup", TOOL, f"{plan}-{number}", {"spec": spec, "status": status}, created=start, labels=labels)


def copy_of(namespace: str) -> tuple[str, str, str]:
    """Return the copy that holds a namespace's data, its store, and when it began."""
    if namespace in ALONE:
        return f"{namespace}-20261120003007", SECOND, "2026-11-20T00:31:02Z"
    return "nightly-20261120010009", OFFSITE, "2026-11-20T01:01:15Z"


def read_volume(namespace: str, pod: str, volume: str, claim: str) -> Custom:
    """Declare the copy of one volume that was read from its file system."""
    backup, store, began = copy_of(namespace)
    labels = {"velero.io/backup-name": backup, "velero.io/pvc-uid": uid("PersistentVolumeClaim", namespace, claim)}
    content = {
        "spec": {
            "backupStorageLocation": store,
            "node": "worker-a1",
            "pod": {"kind": "Pod", "name": pod, "namespace": namespace},
            "uploaderType": "kopia",
            "volume": volume,
        },
        "status": {
            "completionTimestamp": began.replace(":01:", ":19:").replace(":31:", ":39:"),
            "phase": "Completed",
            "startTimestamp": began,
        },
    }
    return Custom("PodVolumeBackup", TOOL, f"{backup}-{claim}-{namespace}", content, created=began, labels=labels)


def moved_volume(namespace: str, claim: str) -> Custom:
    """Declare the copy of one volume whose snapshot was moved."""
    backup, store, began = copy_of(namespace)
    spec = {
        "backupStorageLocation": store,
        "operationTimeout": "10m0s",
        "snapshotType": "CSI",
        "sourceNamespace": namespace,
        "sourcePVC": claim,
    }
    status = {"completionTimestamp": began.replace(":01:", ":28:"), "phase": "Completed", "startTimestamp": began}
    labels = {"velero.io/backup-name": backup}
    content = {"spec": spec, "status": status}
    return Custom("DataUpload", TOOL, f"{backup}-{claim}", content, created=began, labels=labels)


def restores() -> list[Declaration]:
    """Declare this month's exercise: each namespace with data was brought back beside itself."""
    hours = {"ehr": 2, "imaging": 5, "integration": 1, "ehr-staging": 1, "research": 1}
    return [
        Custom(
            "Restore",
            TOOL,
            f"exercise-{namespace}",
            {
                "spec": {
                    "backupName": copy_of(namespace)[0].replace("20261120", "20261103"),
                    "includedNamespaces": [namespace],
                    "namespaceMapping": {namespace: f"{namespace}-exercise"},
                    "restorePVs": True,
                },
                "status": {
                    "completionTimestamp": f"2026-11-03T{8 + took:02}:40:00Z",
                    "phase": "Completed",
                    "progress": {"itemsRestored": 96, "totalItems": 96},
                    "startTimestamp": "2026-11-03T08:02:00Z",
                },
            },
            created="2026-11-03T08:01:58Z",
        )
        for namespace, took in hours.items()
    ] + [
        Custom(
            "PodVolumeRestore",
            TOOL,
            f"exercise-{namespace}-data",
            {
                "spec": {
                    "pod": {"kind": "Pod", "name": "data", "namespace": f"{namespace}-exercise"},
                    "volume": "data",
                },
                "status": {"phase": "Completed"},
            },
            created="2026-11-03T08:20:00Z",
            labels={"velero.io/restore-name": f"exercise-{namespace}"},
        )
        for namespace in hours
    ]


def operators() -> list[Declaration]:
    """Declare who may restore beside those who may do everything: they are the same people."""
    group = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["velero.io"], "resources": ["restores"], "verbs": ["create", "get", "list", "watch"]}
    bound = {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "restore"},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": "clinic:platform-admins"}],
    }
    return [
        Custom("Role", TOOL, "restore", {"rules": [rule]}),
        Custom("RoleBinding", TOOL, "restore", bound),
    ]
