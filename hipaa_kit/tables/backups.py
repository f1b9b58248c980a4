"""Copies of data: what makes them, what they hold, where they lie, and whether they were ever brought back."""

from hipaa_kit.kube.backup.velero import METHODS
from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text

TOOLS = (
    "velero",
    "volsync",
    "kasten",
    "longhorn",
    "k8up",
    "cloudnativepg",
    "zalando",
    "crunchy",
    "percona",
    "cronjob",
)
ANSWERS = ("yes", "no", "unknown")
OUTCOMES = ("completed", "partial", "failed", "running", "missing", "unknown")

BACKUP_PLANS = Table(
    "backup_plans",
    "one thing that is meant to make copies again and again",
    ("tool", "object"),
    (
        text("object", "`Kind/namespace/name`"),
        text("tool", "tool that carries it out; cronjob where only a name or an image says so", TOOLS),
        text("namespace", "its namespace"),
        text("name", "its name"),
        text("schedule", "when it runs, as written, or none"),
        amount("interval_hours", "hours between two runs at most; null where the schedule cannot be read"),
        text("state", "whether it runs", ("active", "paused", "invalid", "unknown")),
        text("phase", "state in the tool's own word, or none"),
        text("last_run_at", "when it last ran, as the tool wrote it, or none"),
        amount("retention_hours", "hours for which a copy is kept; null where that is not said"),
        text("store", "`Kind/namespace/name` of where copies go, or none"),
        text("leaves_out", "what a restore of it would miss, or none"),
        flag("whole_cluster", "it takes every namespace and every object without one"),
        flag("guessed", "only names and images say that it makes copies"),
    ),
)

BACKUP_COVERAGE = Table(
    "backup_coverage",
    "one claim of the ePHI scope and one plan that takes it, or takes its namespace and not the claim",
    ("target", "tool", "plan"),
    (
        text("target", "`PersistentVolumeClaim/namespace/name`"),
        text("namespace", "its namespace"),
        text("tool", "tool of the plan", TOOLS),
        text("plan", "`Kind/namespace/name` of the plan"),
        text("taken", "whether the plan takes the data of the claim", ANSWERS),
        text("method", "how the data are read", METHODS),
        text("gap", "what is in the way, or leaves it open; or none"),
        text("state", "whether the plan runs", ("active", "paused", "invalid", "unknown")),
        flag("guessed", "only names and images say that the plan makes copies"),
    ),
)

BACKUP_RUNS = Table(
    "backup_runs",
    "one copy that was made, or was to be made",
    ("tool", "object"),
    (
        text("object", "`Kind/namespace/name`"),
        text("tool", "tool that made it", TOOLS),
        text("plan", "`Kind/namespace/name` of the plan behind it, or none"),
        text("namespace", "its namespace"),
        text("phase", "state in the tool's own word"),
        text("outcome", "what became of it", OUTCOMES),
        text("started_at", "when it began, or none"),
        text("completed_at", "when it ended, or none"),
        text("expires_at", "until when it is kept, or none"),
        count("errors", "errors that the tool counts"),
        count("warnings", "warnings that the tool counts"),
        text("store", "`Kind/namespace/name` of where it lies, or none"),
        flag("whole_cluster", "it was to take every namespace and every object without one"),
    ),
)

BACKUP_POINTS = Table(
    "backup_points",
    "one moment to which one claim of the ePHI scope could be brought back, as far as the objects show",
    ("target", "tool", "run"),
    (
        text("target", "`PersistentVolumeClaim/namespace/name`"),
        text("namespace", "its namespace"),
        text("tool", "tool that made the copy; snapshot for a VolumeSnapshot", (*TOOLS, "snapshot")),
        text("run", "`Kind/namespace/name` of the copy"),
        text("method", "how the data were read", METHODS),
        text("outcome", "what became of it", OUTCOMES),
        text("taken_at", "when copying began, or none: the data are not younger"),
        text("store", "`Kind/namespace/name` of where it lies, or none"),
        flag("off_cluster", "the data lie in a store, and not only as a snapshot beside the volume"),
        flag("guessed", "only names and images say that it is a copy"),
    ),
)

BACKUP_STORES = Table(
    "backup_stores",
    "one place in which copies are kept",
    ("tool", "object"),
    (
        text("object", "`Kind/namespace/name` of what declares it"),
        text("tool", "tool that writes there", TOOLS),
        text("namespace", "namespace of what declares it"),
        text("provider", "kind of store in the tool's own word, or none"),
        text("bucket", "bucket, container or path, or none"),
        text("region", "region, or none"),
        text("endpoint", "address without user and query, or none"),
        text("in_cluster", "whether the address leads to a Service of this cluster", ANSWERS),
        flag("default", "used where none is named"),
        text("phase", "state in the tool's own word, or none"),
        maybe("available", "the tool could use it when it last tried"),
        text("validated_at", "when the tool last tried, or none"),
        amount("validation_hours", "hours between two tries; 0 where they are switched off"),
        text("access_mode", "ReadWrite or ReadOnly, or none"),
        text("credential", "Secret with its credentials, `Secret/namespace/name`, or none"),
        maybe("key_named", "a key for encryption is named"),
        maybe("tls_verified", "the certificate of the store is verified"),
        maybe("encrypted", "the provider says that it is encrypted at rest"),
        maybe("object_lock", "the provider says that objects cannot be changed for a time"),
        text(
            "lock_mode",
            "how firmly: COMPLIANCE for everybody, GOVERNANCE but for who may lift it; none where not told",
            ("", "COMPLIANCE", "GOVERNANCE"),
        ),
        count("lock_days", "days for which an object is locked where nothing else is asked for"),
        maybe("versioned", "the provider says that older versions are kept"),
        maybe("replicated", "the provider says that a copy stands in another zone or region"),
    ),
)

RESTORES = Table(
    "restores",
    "one restore of one namespace, or one of which that is not seen",
    ("tool", "object", "namespace"),
    (
        text("object", "`Kind/namespace/name`"),
        text("tool", "tool that restored", TOOLS),
        text("run", "`Kind/namespace/name` of the copy, or none"),
        text("namespace", "namespace that was restored; none where that is not seen"),
        text("target_namespace", "namespace it was restored into, or none"),
        text("phase", "state in the tool's own word"),
        text("outcome", "what became of it", OUTCOMES),
        text("started_at", "when it began, or none"),
        text("completed_at", "when it ended, or none"),
        amount("minutes", "how long it took"),
        maybe(
            "volumes",
            "it brought data of volumes back, or may have, where no namespace is named; null where it was to and no "
            "record of it is left",
        ),
        count("errors", "errors that the tool counts"),
        count("warnings", "warnings that the tool counts"),
    ),
)

RESTORE_TERMS = Table(
    "restore_terms",
    "one namespace with claims of the ePHI scope and one thing from whose copies it could be restored, of a tool that "
    "removes what is on record of a restore together with its copy",
    ("namespace", "object"),
    (
        text("namespace", "namespace with claims of the ePHI scope"),
        text(
            "object",
            "`Kind/namespace/name` of the plan, of a copy without one, or of a store where none takes the claims",
        ),
        text("tool", "tool that restores", TOOLS),
        amount("hours", "hours after which nothing shows a restore any more, at most"),
        text("gone_at", "when the last copy of the plan was due that is not there any more, or none that shows"),
    ),
)

VOLUME_SNAPSHOTS = Table(
    "volume_snapshots",
    "one VolumeSnapshot",
    ("object",),
    (
        text("object", "`VolumeSnapshot/namespace/name`"),
        text("namespace", "its namespace"),
        text("claim", "`PersistentVolumeClaim/namespace/name` it was taken of, or none"),
        text("class_name", "VolumeSnapshotClass, or none"),
        maybe("ready", "it can be restored"),
        text("created_at", "when the data were taken, or none"),
    ),
)

VOLUME_SNAPSHOT_CLASSES = Table(
    "volume_snapshot_classes",
    "one VolumeSnapshotClass",
    ("object",),
    (
        text("object", "`VolumeSnapshotClass//name`"),
        text("name", "its name"),
        text("driver", "CSI driver"),
        text("deletion_policy", "Delete or Retain"),
        flag("default", "used where no class is named"),
        flag("for_velero", "labelled as the one that Velero takes"),
    ),
)

CLUSTER_STATE = Table(
    "cluster_state",
    "one thing by which the state of the cluster itself could be made again",
    ("mechanism", "object"),
    (
        text(
            "mechanism",
            "what kind it is",
            ("etcd_snapshot", "etcd_job", "velero", "gitops"),
        ),
        text("object", "`Kind/namespace/name`"),
        text("state", "whether it is in use", ("active", "paused", "failed", "unknown")),
        text("last_run_at", "when it last succeeded, or none"),
        text(
            "place",
            "node: it lies on a node of the cluster itself; none where that is not so, or not said",
            ("", "node"),
        ),
        amount("interval_hours", "hours between two runs at most, or null"),
        flag("guessed", "only names and images say so"),
    ),
)

BACKUP_ACCESS = Table(
    "backup_access",
    "one subject that may destroy copies or use what protects them, by one power over one namespace of a backup tool",
    ("namespace", "power", "subject_kind", "subject"),
    (
        text("namespace", "namespace of the backup tool; none in the row that says what could not be seen"),
        text("tool", "tools that keep copies from there, joined by spaces"),
        text("power", "what the subject may do"),
        text("subject_kind", "User, Group or ServiceAccount; `*` for what could not be seen"),
        text("subject", "user or group name, or `namespace/name` of a service account"),
        text("binding", "role binding by which it is held, or none"),
        flag("everything", "it holds every right in the whole cluster"),
        flag("own", "it is a service account of that namespace, or of the control plane"),
        text("basis", "RBAC, built-in, or for a gap what is unknown"),
    ),
)
