"""What a cloud provider says of clusters, databases and buckets; whatever it did not say is null."""

from hipaa_kit.tables.declaration import Table, count, maybe, text

PROVIDERS = ("aws", "gcp", "azure")

CLOUD_CLUSTERS = Table(
    "cloud_clusters",
    "one managed cluster as its provider describes it",
    ("provider", "name"),
    (
        text("provider", "provider", PROVIDERS),
        text("name", "name of the cluster"),
        text("account", "account, project or subscription, or none"),
        text("region", "region or zone, or none"),
        text("version", "version of the control plane, or none"),
        text("status", "state in the provider's own word, or none"),
        text("control_plane_logs", "parts of the control plane whose logs are kept, joined by spaces"),
        maybe("audit_logs", "the API server's audit log is kept"),
        maybe("secrets_encrypted", "Secrets are encrypted with a key of the customer before they are stored"),
        text("secrets_key", "name of that key, or none"),
        maybe("endpoint_public", "the API server can be reached from the internet"),
        maybe("endpoint_private", "the API server can be reached from within the network"),
        text("public_cidrs", "address ranges that may reach the public endpoint, joined by spaces"),
        maybe("private_nodes", "nodes have no public address"),
        maybe("workload_identity", "pods can get identities of the provider"),
        maybe("network_policy", "the provider's network plugin enforces network policies"),
        maybe("local_accounts", "accounts that the identity provider does not know can sign in"),
        maybe("deletion_protection", "the cluster cannot be deleted in one step"),
        maybe("auto_upgrade", "the control plane follows a release channel"),
        maybe("host_encryption", "disks of all node pools are encrypted on the host"),
    ),
)

CLOUD_STORES = Table(
    "cloud_stores",
    "one database, bucket or storage account outside the cluster as its provider describes it",
    ("provider", "kind", "name"),
    (
        text("provider", "provider", PROVIDERS),
        text("kind", "kind of store", ("database", "bucket", "storage_account")),
        text("name", "name of the store"),
        text("engine", "database engine, or none"),
        text("version", "its version, or none"),
        text("region", "region, or none"),
        text("endpoint", "host name it answers at, or none"),
        maybe("encrypted", "data are encrypted at rest"),
        text("encryption", "algorithm in the provider's own word, or none"),
        text("key", "name of the customer's key, or none"),
        maybe("customer_key", "the key is the customer's own"),
        maybe("backups", "backups are made automatically"),
        count("backup_retention_days", "days for which deleted data or backups can be restored"),
        maybe("point_in_time", "any moment of that time can be restored"),
        text("latest_restorable_at", "latest moment that can be restored, or none"),
        maybe("deletion_protection", "it cannot be deleted in one step"),
        maybe("public_access", "it can be reached from, or read by, the public"),
        maybe("tls_required", "connections without TLS are refused"),
        text("tls_min_version", "lowest TLS version, or none"),
        maybe("versioning", "older versions of an object are kept"),
        maybe("object_lock", "objects cannot be changed for a time"),
        text(
            "lock_mode",
            "how firmly: COMPLIANCE for everybody, GOVERNANCE but for who may lift it; none where not told",
            ("", "COMPLIANCE", "GOVERNANCE"),
        ),
        count("lock_days", "days for which an object is locked where nothing else is asked for"),
        maybe("replicated", "a copy stands in another zone or region"),
        text("logs_exported", "kinds of log that are kept, joined by spaces"),
    ),
)

CLOUD_VOLUMES = Table(
    "cloud_volumes",
    "one disk or file system as its provider describes it",
    ("provider", "name"),
    (
        text("provider", "provider", PROVIDERS),
        text("name", "name by which a volume's handle speaks of it"),
        maybe("encrypted", "data are encrypted at rest"),
        text("key", "name of the key, or none"),
        text("attached_to", "machines it is attached to, joined by spaces"),
    ),
)
