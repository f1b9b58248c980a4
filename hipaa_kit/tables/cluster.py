"""The cluster itself: namespaces, nodes, quotas, labels, conditions, events."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text

NAMESPACES = Table(
    "namespaces",
    "one Namespace",
    ("object",),
    (
        text("object", "`Namespace//name`"),
        text("name", "its name"),
        text("phase", "Active or Terminating, or none"),
        text("created_at", "creation time, as the server wrote it"),
    ),
)

NODES = Table(
    "nodes",
    "one Node",
    ("object",),
    (
        text("object", "`Node//name`"),
        text("name", "its name"),
        maybe("ready", "its Ready condition; null where there is none"),
        flag("schedulable", "takes new pods"),
        flag("control_plane", "carries the control-plane role label"),
        text("zone", "its zone label, or none"),
        text("region", "its region label, or none"),
        text("hostname", "its host name label, or none"),
        text("kubelet_version", "version of its kubelet"),
        text("os_image", "its operating system"),
        text("kernel_version", "its kernel"),
        text("container_runtime", "its container runtime with the version, as in `containerd://2.1.4`"),
        text("provider", "scheme of its provider id: aws, gce, azure, …, or none"),
        amount("cpu_cores", "CPU that pods may use, in cores"),
        count("memory_bytes", "memory that pods may use, in bytes"),
        count("max_pods", "pods that it takes"),
    ),
)

LABELS = Table(
    "labels",
    "one label of one object",
    ("object", "key"),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "kind of the object"),
        text("namespace", "its namespace, or none"),
        text("key", "key of the label"),
        text("value", "value of the label"),
    ),
)

CONDITIONS = Table(
    "conditions",
    "one condition in the status of one object",
    ("object", "type"),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "kind of the object"),
        text("namespace", "its namespace, or none"),
        text("type", "type of the condition"),
        text("status", "True, False or Unknown"),
        text("reason", "its reason, or none"),
        text("since", "last transition, as the server wrote it"),
    ),
)

EVENTS = Table(
    "events",
    "one Event; messages are never read",
    ("object",),
    (
        text("object", "`Event/namespace/name`"),
        text("namespace", "its namespace"),
        text("regarding", "`Kind/namespace/name` it speaks of"),
        text("type", "Normal or Warning"),
        text("reason", "its reason"),
        count("count", "how often it was seen"),
        text("last_seen", "when it was last seen, as the server wrote it"),
    ),
)

QUOTAS = Table(
    "quotas",
    "one resource that one ResourceQuota limits",
    ("object", "resource"),
    (
        text("object", "`ResourceQuota/namespace/name`"),
        text("namespace", "its namespace"),
        text("resource", "what is limited"),
        text("scopes", "scopes that leave other pods out of it, joined by spaces, or none"),
        amount("hard", "its limit, in cores, bytes or a count"),
        amount("used", "what is used"),
    ),
)

LIMIT_RANGES = Table(
    "limit_ranges",
    "one resource of one entry of one LimitRange",
    ("object", "type", "resource"),
    (
        text("object", "`LimitRange/namespace/name`"),
        text("namespace", "its namespace"),
        text("type", "Container, Pod or PersistentVolumeClaim"),
        text("resource", "what is limited"),
        amount("default_request", "request given to those who ask for none"),
        amount("default_limit", "limit given to those who name none"),
        amount("most", "what nobody may exceed"),
    ),
)
