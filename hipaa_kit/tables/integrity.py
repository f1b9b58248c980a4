"""Whether what runs, and the data it keeps, are as they were meant to be."""

from hipaa_kit.tables.declaration import Table, flag, maybe, text

DECLARED_SOURCES = Table(
    "declared_sources",
    "one object by which a tool keeps part of the cluster as it is declared elsewhere",
    ("object",),
    (
        text("object", "`Kind/namespace/name`: an Application of Argo CD, a Kustomization or HelmRelease of Flux"),
        text("engine", "tool", ("Argo CD", "Flux")),
        text("state", "whether the cluster was as declared when it last looked", ("synced", "drifted", "unknown")),
        text("words", "what its status says, or none"),
        flag("suspended", "it does not look any more"),
        maybe("corrects", "it undoes what others change; null where that cannot be seen"),
        text("synced_at", "when it last brought the cluster to what is declared, or none"),
        text("namespaces", "namespaces of what it manages, as far as it says, joined by spaces"),
    ),
)

MANAGED_OBJECTS = Table(
    "managed_objects",
    "one object that one of `declared_sources` says it manages",
    ("source", "object"),
    (
        text("source", "object of `declared_sources`"),
        text("object", "`Kind/namespace/name`"),
        text("state", "whether it was as declared, where the tool says so of each", ("synced", "drifted", "unknown")),
    ),
)

FIELD_WRITERS = Table(
    "field_writers",
    "one manager that holds fields of one object that people or tools write; status is left out",
    ("object", "manager", "operation", "subresource"),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "its kind"),
        text("namespace", "its namespace, or none"),
        text("manager", "who wrote, as the client names itself"),
        text("operation", "Apply or Update"),
        text("subresource", "subresource written through, or none"),
        text("written_at", "when it last wrote, as the server wrote it"),
        flag("by_hand", "the manager stands for a person at a keyboard"),
    ),
)

VOLUME_INTEGRITY = Table(
    "volume_integrity",
    "one PersistentVolume and what is known to find out that its data were altered",
    ("object",),
    (
        text("object", "`PersistentVolume//name`"),
        text("driver", "CSI driver, or the type of the volume"),
        text("state", "whether something does", ("on", "off", "unknown")),
        text("field", "where that is written"),
        text("value", "what is written there"),
    ),
)

DATABASE_CHECKSUMS = Table(
    "database_checksums",
    "one database that an operator keeps, and whether it was made with checksums of its pages",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("operator", "operator", ("CloudNativePG", "Zalando")),
        text("state", "whether it has them", ("on", "off", "unknown")),
        text("field", "where that is written"),
        text("value", "what is written there, or none"),
        text("workloads", "workloads that run it, joined by spaces"),
    ),
)

RUNTIME_SENSORS = Table(
    "runtime_sensors",
    "one pod of a program that watches its node for tampering, and may look at more of it than at itself",
    ("pod",),
    (
        text("pod", "`Pod/namespace/name`"),
        text("workload", "its top owner"),
        text("sensor", "program"),
        text("node", "node it is bound to"),
        flag("ready", "it is ready"),
    ),
)

SENSOR_POLICIES = Table(
    "sensor_policies",
    "one object that says what a sensor looks for",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("sensor", "program that reads it", ("KubeArmor", "Tetragon")),
        text("namespace", "namespace it holds for; none is the whole cluster"),
        flag("files", "it speaks of files that are opened, written, renamed or removed"),
        flag("narrowed", "it holds for some of the pods, containers, nodes or namespaces there alone"),
        flag("acts", "it has the sensor stop what it finds"),
    ),
)

SENSOR_POLICY_PODS = Table(
    "sensor_policy_pods",
    "one pod that one narrowed policy of a sensor selects as a whole, by its labels",
    ("policy", "pod"),
    (text("policy", "`Kind/namespace/name`"), text("pod", "`Pod/namespace/name`")),
)
