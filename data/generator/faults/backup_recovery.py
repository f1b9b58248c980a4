"""Faults of backup and recovery: copies that are not made, lie in the wrong place, or never came back."""

from __future__ import annotations

from objects import uid

from faults.patches import Fault, change, drop, strike, together, unbound, write

ARCHIVE = "PersistentVolumeClaim/imaging/pacs-archive"
DUMPS = "PersistentVolumeClaim/ehr/ehr-db-dumps"
EXPORT = "PersistentVolumeClaim/imaging/teaching-archive"
COPY_OF = "PodVolumeBackup/velero/nightly-20261120010009-{}-imaging"
SECOND = "BackupStorageLocation/velero/second"
QUEUES = tuple(f"PersistentVolumeClaim/integration/data-rabbitmq-{number}" for number in (0, 1))

PAUSED = write("Schedule/velero/integration", "spec", "paused", value=True)
SHORT = write("Schedule/velero/integration", "spec", "template", "ttl", value="72h0m0s")
NO_SNAPSHOTS = drop("VolumeSnapshotClass//ceph-block")
COPY_FAILED = write(COPY_OF.format("data-pacs-db-1"), "status", "phase", value="Failed")
ARCHIVE_LOST = together(
    change(ARCHIVE, reclaim="Delete"), write(COPY_OF.format("pacs-archive"), "status", "phase", value="Failed")
)
NO_VOLUME = unbound(EXPORT, "nfs-archive")
STORE_INSIDE = together(
    write(SECOND, "spec", "config", "s3Url", value="http://minio.velero.svc:9000"),
    write(SECOND, "status", "phase", value="Unavailable"),
)
UNLOCKED = write(
    "Input//buckets/clinic-backups/object-lock.json",
    *("ObjectLockConfiguration", "Rule"),
    value=None,
)
NEVER_RESTORED = drop("Restore/velero/exercise-imaging")
SLOW = write("Restore/velero/exercise-integration", "status", "completionTimestamp", value="2026-11-06T20:02:00Z")
STATE_PAUSED = write("Schedule/velero/cluster", "spec", "paused", value=True)
DEVELOPERS_RESTORE = write("RoleBinding/velero/restore", "subjects", 0, "name", value="clinic:ehr-developers")
NO_RANSOMWARE = strike("Input//drills.csv", kind="ransomware")

FAULTS = (
    Fault("Schedule/velero/integration", "HK-BAK-01", "it is paused", PAUSED),
    Fault("Namespace//integration", "HK-BAK-01", "its only schedule is paused", PAUSED),
    *(Fault(claim, "HK-BAK-02", "the only schedule that takes it is paused", PAUSED) for claim in QUEUES),
    Fault(DUMPS, "HK-BAK-02", "only a job mounts it, and no snapshot class is for its driver", NO_SNAPSHOTS),
    Fault(DUMPS, "HK-BAK-10", "no snapshot class is for its driver, and only a job mounts it", NO_SNAPSHOTS),
    Fault(EXPORT, "HK-BAK-02", "no volume is bound to it, so that nothing shows how it is taken", NO_VOLUME),
    Fault(EXPORT, "HK-BAK-10", "no volume is bound to it, so that nothing shows how it is taken", NO_VOLUME),
    Fault(ARCHIVE, "HK-BAK-03", "reading it failed in the newest backup, although that is Completed", ARCHIVE_LOST),
    Fault(
        f"PersistentVolume//pvc-{uid('PersistentVolumeClaim', 'imaging', 'pacs-archive')}",
        "HK-BAK-13",
        "it is deleted with its claim, and the newest copy of it failed",
        ARCHIVE_LOST,
    ),
    Fault(
        "PersistentVolumeClaim/imaging/data-pacs-db-1",
        "HK-BAK-03",
        "reading it failed in the newest backup, although that is Completed",
        COPY_FAILED,
    ),
    Fault("Schedule/velero/integration", "HK-BAK-04", "its copies are kept for three days", SHORT),
    Fault(SECOND, "HK-BAK-05", "it is a Service of the cluster itself", STORE_INSIDE),
    Fault(SECOND, "HK-BAK-06", "it could not be used when Velero last tried", STORE_INSIDE),
    Fault(SECOND, "HK-BAK-07", "there is no TLS on the way to it", STORE_INSIDE),
    Fault(
        "BackupStorageLocation/velero/offsite",
        "HK-BAK-07",
        "its bucket has no default retention, so that copies can be removed at any time",
        UNLOCKED,
    ),
    Fault("Namespace//imaging", "HK-BAK-08", "it was never brought back in full", NEVER_RESTORED),
    Fault("Namespace//integration", "HK-BAK-09", "bringing it back took 84 hours", SLOW),
    Fault("Cluster//state", "HK-BAK-11", "the schedule that saves the state of the cluster is paused", STATE_PAUSED),
    Fault("Namespace//velero", "HK-BAK-12", "developers may restore copies wherever they like", DEVELOPERS_RESTORE),
    Fault("Cluster//recovery-drills", "HK-BAK-14", "recovery from ransomware was never exercised", NO_RANSOMWARE),
)
