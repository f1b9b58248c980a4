"""Logs on their way: which agents read them, what is left out, where they are kept, and who may alter that."""

from hipaa_kit.tables.declaration import Table, amount, flag, maybe, text

LOG_PIPELINES = Table(
    "log_pipelines",
    "one place of files that the configuration of one log agent reads",
    ("workload", "configuration", "path"),
    (
        text("workload", "agent, `Kind/namespace/name`"),
        text("configuration", "`ConfigMap/namespace/name` that its pods mount"),
        text("path", "pattern of files, as in its configuration; none where it reads no files that are known"),
        text("host_path", "the same as the node has it; none where no folder of the node is mounted there"),
        text("sinks", "kinds of output that lines of it go to, joined by spaces; `other` is one that is not known"),
        flag("leaves", "one of them leads away from the node"),
        text("excludes", "patterns of files that are left out, as the node has them, joined by spaces"),
        flag("filtered", "something in the configuration may leave out more"),
    ),
)

LOG_MOUNTS = Table(
    "log_mounts",
    "one folder of its node that one pod of a log agent mounts",
    ("pod", "host_path"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("workload", "agent, `Kind/namespace/name`"),
        text("node", "node it is bound to, or none"),
        text("host_path", "folder of the node"),
    ),
)

POD_LOGS = Table(
    "pod_logs",
    "one container of one pod that runs, and how its log is collected on its node",
    ("pod", "container"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "its name"),
        text("workload", "its top owner"),
        text("node", "node it is bound to"),
        text(
            "state",
            "collected; filtered: it is read, and rules may leave it out; excluded: every agent there leaves it "
            "out; unread: none reads it; kept: it is read, and does not leave the node; open: an agent is there, and "
            "its configuration was not read; idle: the agents there are not ready; none: no agent is there",
            ("collected", "filtered", "excluded", "unread", "kept", "open", "idle", "none"),
        ),
        text("agents", "programs that this rests on, joined by `, `"),
        text("evidence", "agents and configurations, joined by spaces"),
    ),
)

AUDIT_DELIVERY = Table(
    "audit_delivery",
    "one source of audit events, and whether they leave the node that they are made on",
    ("object",),
    (
        text("object", "the pod, configuration, node or managed cluster of table `audit_backends`"),
        text(
            "state",
            "shipped: an agent reads the file and sends it on; provider: its provider takes it; webhook: it is sent to "
            "what is not visible; filtered: an agent reads it, and rules may leave it out; open: an agent has the "
            "file, and its configuration was not read; kept: an agent reads it, and it does not leave the node; idle: "
            "the agents of the node are not ready; none: nothing takes it; off: nothing is recorded; unknown: where it "
            "is recorded cannot be seen",
            ("shipped", "provider", "webhook", "filtered", "open", "kept", "idle", "none", "off", "unknown"),
        ),
        text("path", "file of the log, or none"),
        text("node", "node, or none"),
        text("agents", "programs that this rests on, joined by `, `"),
        text("basis", "why, in words"),
        text("evidence", "agents and configurations, joined by spaces"),
    ),
)

LOG_STORES = Table(
    "log_stores",
    "one store of logs as its provider describes it, or as somebody keeps record of it",
    ("provider", "name"),
    (
        text("provider", "aws, gcp, azure, or another word for where it is"),
        text("name", "name of the store"),
        text("holds", "which logs it holds", ("audit", "containers", "both", "other", "unknown")),
        amount("retention_days", "days for which a line is kept; unknown where it is not said"),
        maybe("forever", "nothing is removed by itself"),
        maybe("locked", "what is written cannot be changed or removed before its time"),
        amount("required_days", "days that the site's own policy asks for, if that was written down"),
    ),
)

LOG_ACCESS = Table(
    "log_access",
    "one subject that may alter logs or what collects them, by one power over one namespace of agents or stores",
    ("namespace", "power", "subject_kind", "subject"),
    (
        text("namespace", "namespace of agents or stores; none in the row that says what could not be seen"),
        text("programs", "programs that collect or keep logs there, joined by `, `"),
        text("power", "what the subject may do"),
        text("subject_kind", "User, Group or ServiceAccount; `*` for what could not be seen"),
        text("subject", "user or group name, or `namespace/name` of a service account"),
        text("binding", "role binding by which it is held, or none"),
        flag("everything", "it holds every right in the whole cluster"),
        flag("own", "it is a service account of that namespace, or of the control plane"),
        text("basis", "RBAC, built-in, or for a gap what is unknown"),
    ),
)

NODE_CLOCKS = Table(
    "node_clocks",
    "one node, and its clock against that of the API server when it last renewed its Lease",
    ("node",),
    (
        text("node", "`Node//name`"),
        text("lease", "`Lease/kube-node-lease/name`, or none"),
        text("renewed_at", "moment by the node's clock, or none"),
        text("written_at", "moment by the API server's clock at which it took that, or none"),
        amount("skew_seconds", "how far the node is ahead; unknown where either is not there"),
    ),
)

ACCESS_LOGS = Table(
    "access_logs",
    "one sign that access to the data of one workload or store outside is logged, or is not",
    ("object", "mechanism"),
    (
        text("object", "workload, or `External//name` of a store outside"),
        text("mechanism", "what logs: pgaudit, an audit log of the database, logs of its provider"),
        text(
            "state",
            "on; off: it is there and told to log nothing; open: it is there, and what it logs is not said",
            ("on", "off", "open"),
        ),
        text("source", "object that says so"),
        text("path", "field that says so"),
        text("value", "what stands there"),
    ),
)
