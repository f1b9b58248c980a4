"""Encryption at rest: what the API server stores, each volume that holds ePHI, keys, credentials in the open."""

from hipaa_kit.kube.secret_stores import BEHIND
from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

STATES = ("encrypted", "plain", "unseen", "unknown")
PLACES = ("external", "cluster", "node", "unknown", "none")

API_DATA_SOURCES = Table(
    "api_data_sources",
    "one thing that says whether the API server encrypts what it stores: an API server's flags, an OpenShift object, "
    "a node of k3s or rke2, or the provider's description",
    ("object",),
    (
        text("object", "what says so, `Kind/namespace/name`"),
        text("source", "which kind of source", ("flags", "openshift", "k3s", "rke2", "provider", "none")),
        text(
            "state",
            "encrypted, in progress, plain, on disks alone, or unknown",
            ("encrypted", "progress", "plain", "disks", "unknown"),
        ),
        text("provider", "provider of encryption that writes Secrets, or none where the source does not say"),
        text("key", "name of the key, or none"),
        text("place", "where the key lives", PLACES),
        text("node", "node whose file of encryption says more, or none"),
        text("basis", "what the source says, in words"),
    ),
)

STORED_RESOURCES = Table(
    "stored_resources",
    "one resource, and the provider that writes it to etcd by one encryption configuration",
    ("node", "resource"),
    (
        text("node", "node whose file it is; none is the control plane as a whole"),
        text("resource", "resource, such as `secrets`"),
        text("named", "as the file names it, such as `*.*`; none where it does not"),
        text("provider_order", "providers of the entry in their order; the first one writes"),
        text("provider", "kind of the provider that writes; identity is plain text"),
        text("key", "name of the key service, or of the first key"),
        text("strength", "strong; rotate: needs a new key often; weak; none", ("strong", "rotate", "weak", "none")),
        text("prefix", "what a value begins with that it wrote, or none"),
        text("place", "where the key lives", PLACES),
        text("refused", "why the API server would refuse the file, or none"),
        text("basis", "why it is as strong as that, in words"),
    ),
)

EPHI_VOLUMES = Table(
    "ephi_volumes",
    "one volume that holds ePHI: a claim in the scope, or a volume that a pod of the scope mounts without a claim",
    ("object", "volume"),
    (
        text("object", "`PersistentVolumeClaim/namespace/name`, or the workload of a volume without a claim"),
        text("volume", "name of the pod's volume, or none for a claim"),
        text("persistent_volume", "`PersistentVolume//name`, or none"),
        text("type", "its source: csi, nfs, hostPath, local, …; none where it is not made yet"),
        text("driver", "CSI driver, or provisioner of its class where it is not made yet, or none"),
        text("storage_class", "StorageClass named, or none"),
        text("ceph_clusters", "CephClusters that a volume lies on which Ceph leaves plain, joined by spaces, or none"),
        text(
            "made_by",
            "what says how it was made",
            ("volume", "class", "class_replaced", "class_unknown", "declared", "to_be_made", "no_class", "nothing"),
        ),
        text("state", "encrypted; plain; unseen: a person must look; unknown: an input could say", STATES),
        text("parameter", "what decides, or none"),
        text("value", "its value, or none"),
        text("key", "name of the key, or none"),
        text(
            "key_kind",
            "named by the site, default of the provider, a Secret, none, or unknown",
            ("named", "default", "secret", "none", "unknown"),
        ),
        text("place", "where the key lives", PLACES),
        text(
            "way",
            "between node and storage: attached disk, encrypted, plain, or unseen",
            ("attached", "encrypted", "plain", "unseen"),
        ),
        text("way_basis", "why, in words"),
        flag("network", "a file system over the network, a folder or disk of the node, or a plugin of old"),
        flag("read_only", "no container mounts it for writing"),
        text("host_path", "path on the node of a hostPath, or none"),
        text("basis", "why it is encrypted or not, in words"),
        text("source", "documentation of the driver, or none"),
    ),
)

CEPH_CLUSTERS = Table(
    "ceph_clusters",
    "one CephCluster of Rook, and whether it asks for encrypted devices",
    ("object",),
    (
        text("object", "`CephCluster/namespace/name`"),
        text("namespace", "its namespace, by which classes name it"),
        text(
            "asked",
            "for all of its storage, some, none; outside where it declares none in this cluster",
            ("all", "some", "none", "outside"),
        ),
        text("keys", "where keys of such devices are kept, in words, or none"),
    ),
)

KEYS = Table(
    "keys",
    "one key that API data or a volume with ePHI is encrypted with",
    ("key", "kind"),
    (
        text("key", "name of the key; where none is named, what stands for it"),
        text(
            "kind",
            "named by the site, default of the provider, a Secret, or key of the API server",
            ("named", "default", "secret", "api"),
        ),
        text("place", "where it lives: outside, in a Secret of the cluster, on a node of it, or unknown", PLACES),
        text("basis", "how that is known, in words"),
        text("protects", "what it protects, joined by spaces"),
        count("objects", "how many objects that are"),
        text("local", "how near it is to what it protects, in words"),
        text("rotated_on", "day on which it was last changed, or none"),
        maybe("rotates", "it is changed by itself"),
    ),
)

KEY_READERS = Table(
    "key_readers",
    "one subject that RBAC lets read the Secret in which a key stands, by one role binding; or one gap",
    ("key", "subject_kind", "subject", "binding", "basis"),
    (
        text("key", "`Secret/namespace/name`"),
        text("subject_kind", "User, Group or ServiceAccount; `*` where it says what could not be seen"),
        text("subject", "user or group name, or `namespace/name` of a service account"),
        text("binding", "role binding, `Kind/namespace/name`, or none"),
        text("basis", "RBAC, what stands outside it, or for a gap what is unknown"),
    ),
)

NODE_DISKS = Table(
    "node_disks",
    "one node that runs pods with ePHI, and what is known of its disks",
    ("object",),
    (
        text("object", "`Node//name`"),
        text("state", "encrypted; plain; unseen: the node does not, what lies below may; unknown", STATES),
        text("mechanism", "what encrypts, or none"),
        count("pods", "pods of the scope on it"),
        count("scratch", "volumes of theirs that lie on its disk: emptyDir, hostPath, local"),
        text("basis", "how that is known, in words"),
    ),
)

CREDENTIAL_LITERALS = Table(
    "credential_literals",
    "one credential that stands in the open in a pod's own text or in a ConfigMap; the value is never read",
    ("object", "holder", "place", "name"),
    (
        text("object", "workload of the pod, or the ConfigMap, `Kind/namespace/name`"),
        text("holder", "container, or none for a ConfigMap"),
        text("place", "where it stands", ("env", "args", "command", "data")),
        text("name", "name of the variable, flag or key, or number of the word"),
        text(
            "detector", "how it was told: by its name, its shape, or as a password in a URL", ("name", "shape", "url")
        ),
        text("length", "length class", ("empty", "short", "medium", "long")),
    ),
)

CONFIG_MAP_USES = Table(
    "config_map_uses",
    "one ConfigMap that pods of the scope take",
    ("object",),
    (
        text("object", "`ConfigMap/namespace/name`"),
        text("used_by", "workloads that take it, joined by spaces"),
        text("status", "read; missing: not there although all were asked for; unseen", ("read", "missing", "unseen")),
    ),
)

SECRET_USES = Table(
    "secret_uses",
    "one Secret that a pod of the scope takes, and what manages it; Secrets themselves are never read",
    ("object",),
    (
        text("object", "`Secret/namespace/name`"),
        text("used_by", "workloads that take it, joined by spaces"),
        text("manager", "object that makes it, `Kind/namespace/name`, or none found"),
        text(
            "store",
            "kind of manager",
            ("", "external_secrets", "sealed_secrets", "secrets_store", "vault_operator", "cert_manager"),
        ),
        maybe("ready", "the manager says that it is in step; null where it does not say"),
        text("refreshed_at", "when it was last brought into step, or none"),
        text("interval", "how often it is to be, as written, or none"),
        text(
            "behind",
            "what lies behind its stores of External Secrets: values in the store itself, Secrets of a cluster, a "
            "manager outside; the least of several",
            ("", *BEHIND),
        ),
        text("taken_from", "stores and generators behind which that lies, joined by spaces, or none"),
        text("pushed_by", "objects that copy it to another store, joined by spaces, or none"),
        text("pushed_to", "stores to which they do, `Kind/namespace/name`, joined by spaces, or none"),
    ),
)
