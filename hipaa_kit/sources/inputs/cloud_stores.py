"""Managed databases, buckets and storage accounts as their provider describes them.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ (GetBucketEncryption, GetBucketVersioning,
GetPublicAccessBlock, GetObjectLockConfiguration), https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances,
https://cloud.google.com/sdk/gcloud/reference/storage/buckets/describe,
https://cloud.google.com/storage/docs/bucket-lock,
https://learn.microsoft.com/en-us/rest/api/postgresql/servers/get,
https://learn.microsoft.com/en-us/rest/api/sql/servers/get,
https://learn.microsoft.com/en-us/rest/api/storagerp/storage-accounts/get-properties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, last_part, moment, text, texts, truth, whole
from hipaa_kit.tables.cloud import CLOUD_STORES

BUCKET_FOLDER: Final = "buckets"
_S3: Final = (
    "ServerSideEncryptionConfiguration",
    "PublicAccessBlockConfiguration",
    "ObjectLockConfiguration",
)
_PUBLIC_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def is_rds(document: Any) -> bool:
    """Tell whether a document is what `aws rds describe-db-instances` answers."""
    return isinstance(get(document, "DBInstances"), list)


def read_rds(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield RDS instances; whether TLS is required stands in a parameter group and so is unknown."""
    for each in items(document["DBInstances"]):
        days = whole(each, "BackupRetentionPeriod")
        values = {
            "provider": "aws",
            "kind": "database",
            "name": _named(text(each, "DBInstanceIdentifier"), "DBInstanceIdentifier"),
            "engine": text(each, "Engine"),
            "version": text(each, "EngineVersion"),
            "region": text(each, "AvailabilityZone").rstrip("abcdef"),
            "endpoint": text(each, "Endpoint", "Address"),
            "encrypted": truth(each, "StorageEncrypted"),
            "key": text(each, "KmsKeyId"),
            "backups": None if days is None else days > 0,
            "backup_retention_days": days,
            "point_in_time": None if days is None else days > 0,
            "latest_restorable_at": moment(get(each, "LatestRestorableTime")),
            "deletion_protection": truth(each, "DeletionProtection"),
            "public_access": truth(each, "PubliclyAccessible"),
            "replicated": truth(each, "MultiAZ"),
            "logs_exported": " ".join(texts(each, "EnabledCloudwatchLogsExports")),
        }
        yield Row(CLOUD_STORES, values)


def is_s3(document: Any) -> bool:
    """Tell whether a document is what an `aws s3api get-…` command answers about one bucket."""
    if not isinstance(document, Mapping):
        return False
    versioning = text(document, "Status") in ("Enabled", "Suspended") and set(document) <= {"Status", "MFADelete"}
    return versioning or any(isinstance(document.get(name), Mapping) for name in _S3)


def read_s3(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield what one answer says of a bucket; the answers do not name it, the folder does."""
    bucket = reading.folder_after(BUCKET_FOLDER)
    if not bucket:
        raise InputError("does not say which bucket it is of", "", "put it into buckets/BUCKET/")
    values: dict[str, Any] = {"provider": "aws", "kind": "bucket", "name": bucket}
    if "Status" in document:
        values["versioning"] = text(document, "Status") == "Enabled"
    rules = list(items(get(document, "ServerSideEncryptionConfiguration", "Rules")))
    for rule in rules[:1]:
        used = get(rule, "ApplyServerSideEncryptionByDefault")
        values["encryption"] = text(used, "SSEAlgorithm")
        values["encrypted"] = bool(values["encryption"]) or None
        values["key"] = text(used, "KMSMasterKeyID")
        values["customer_key"] = bool(values["key"])
    if isinstance(blocks := get(document, "PublicAccessBlockConfiguration"), Mapping):
        found = [truth(blocks, name) for name in _PUBLIC_BLOCKS]
        # All four together close it; where one is open the bucket's own policy decides, which is not here.
        values["public_access"] = False if all(found) else None
    if isinstance(get(document, "ObjectLockConfiguration"), Mapping):
        # Without a default retention an object is locked only where whoever wrote it asked for that.
        lock = get(document, "ObjectLockConfiguration")
        kept = text(lock, "Rule", "DefaultRetention", "Mode")
        values["object_lock"] = text(lock, "ObjectLockEnabled") == "Enabled" and bool(kept)
        values["lock_mode"] = kept if kept in ("COMPLIANCE", "GOVERNANCE") else ""
        years = whole(lock, "Rule", "DefaultRetention", "Years")
        values["lock_days"] = whole(lock, "Rule", "DefaultRetention", "Days") if years is None else years * 365
    yield Row(CLOUD_STORES, values)


def is_cloud_sql(document: Any) -> bool:
    """Tell whether a document is what `gcloud sql instances describe` answers."""
    return text(document, "kind") == "sql#instance"


def read_cloud_sql(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a Cloud SQL instance; Google encrypts all of them at rest."""
    settings = get(document, "settings")
    backup = get(settings, "backupConfiguration")
    mode = text(settings, "ipConfiguration", "sslMode")
    required = truth(settings, "ipConfiguration", "requireSsl")
    key = text(document, "diskEncryptionConfiguration", "kmsKeyName")
    availability = text(settings, "availabilityType")
    values = {
        "provider": "gcp",
        "kind": "database",
        "name": _named(text(document, "name"), "name"),
        "engine": text(document, "databaseVersion").partition("_")[0].lower(),
        "version": text(document, "databaseVersion").partition("_")[2].replace("_", "."),
        "region": text(document, "region"),
        "endpoint": text(document, "dnsName"),
        "encrypted": True,
        "key": key,
        "customer_key": bool(key),
        "backups": truth(backup, "enabled"),
        "backup_retention_days": _cloud_sql_days(backup),
        "point_in_time": _either(truth(backup, "pointInTimeRecoveryEnabled"), truth(backup, "binaryLogEnabled")),
        "deletion_protection": truth(settings, "deletionProtectionEnabled"),
        "public_access": truth(settings, "ipConfiguration", "ipv4Enabled"),
        "tls_required": mode in ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED") if mode else required,
        "replicated": availability == "REGIONAL" if availability else None,
    }
    yield Row(CLOUD_STORES, values)


def _cloud_sql_days(backup: Any) -> int | None:
    """Return the days of daily backups: the retention is a count of backups, of which there is one a day."""
    kept = get(backup, "backupRetentionSettings")
    return whole(kept, "retainedBackups") if text(kept, "retentionUnit") in ("COUNT", "") else None


def _either(first: bool | None, second: bool | None) -> bool | None:
    return True if first or second else (None if first is None and second is None else False)


def is_gcs(document: Any) -> bool:
    """Tell whether a document is what `gcloud storage buckets describe` answers."""
    return text(document, "storage_url").startswith("gs://") and "/" not in text(document, "storage_url")[5:].rstrip(
        "/"
    )


def read_gcs(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a Cloud Storage bucket; Google encrypts all of them at rest and answers over TLS and without it."""
    key = text(document, "default_kms_key")
    prevention = text(document, "public_access_prevention")
    retention = whole(document, "soft_delete_policy", "retentionDurationSeconds")
    locked = whole(document, "retention_policy", "retentionPeriod")
    values = {
        "provider": "gcp",
        "kind": "bucket",
        "name": text(document, "name") or text(document, "storage_url")[5:].rstrip("/"),
        "region": text(document, "location").lower(),
        "encrypted": True,
        "key": key,
        "customer_key": bool(key),
        "backup_retention_days": None if retention is None else retention // 86_400,
        # `inherited` leaves it to the organisation's policy and to the bucket's own, which are not here.
        "public_access": False if prevention == "enforced" else None,
        "versioning": truth(document, "versioning_enabled"),
        "object_lock": bool(locked) or None,
        "lock_mode": _firmness(bool(locked), truth(document, "retention_policy", "isLocked")),
        "lock_days": locked // 86_400 if locked else None,
        "replicated": text(document, "location_type") in ("multi-region", "dual-region", "region"),
    }
    yield Row(CLOUD_STORES, values)


_AZURE_DATABASES: Final = {
    "microsoft.dbforpostgresql/flexibleservers": "postgres",
    "microsoft.dbforpostgresql/servers": "postgres",
    "microsoft.dbformysql/flexibleservers": "mysql",
    "microsoft.dbformysql/servers": "mysql",
    "microsoft.sql/servers": "sqlserver",
}


def is_azure_database(document: Any) -> bool:
    """Tell whether a document is what `az postgres|mysql|sql … show` answers."""
    return text(document, "type").lower() in _AZURE_DATABASES


def read_azure_database(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield an Azure database server; Azure encrypts all of them at rest.

    Notes
    -----
    Whether a flexible server refuses connections without TLS is its parameter `require_secure_transport`, which
    this answer does not have, so it is unknown; single servers say `sslEnforcement`.
    """
    days = whole(document, "backup", "backupRetentionDays")
    days = whole(document, "storageProfile", "backupRetentionDays") if days is None else days
    public = text(document, "network", "publicNetworkAccess") or text(document, "publicNetworkAccess")
    enforced = text(document, "sslEnforcement")
    kind = text(document, "dataEncryption", "type")
    ha = text(document, "highAvailability", "mode")
    values = {
        "provider": "azure",
        "kind": "database",
        "name": _named(text(document, "name"), "name"),
        "engine": _AZURE_DATABASES[text(document, "type").lower()],
        "version": text(document, "version"),
        "region": text(document, "location"),
        "endpoint": text(document, "fullyQualifiedDomainName"),
        "encrypted": True if kind or "flexible" in text(document, "type").lower() else None,
        "key": last_part(text(document, "dataEncryption", "primaryKeyUri") or text(document, "keyId")),
        "customer_key": kind == "AzureKeyVault" if kind else None,
        "backups": None if days is None else days > 0,
        "backup_retention_days": days,
        "point_in_time": None if days is None else days > 0,
        "public_access": public.lower() != "disabled" if public else None,
        "tls_required": enforced.lower() == "enabled" if enforced else None,
        "tls_min_version": text(document, "minimalTlsVersion"),
        "replicated": ha.lower() != "disabled" if ha else None,
    }
    yield Row(CLOUD_STORES, values)


def is_storage_account(document: Any) -> bool:
    """Tell whether a document is what `az storage account show` answers."""
    return text(document, "type").lower() == "microsoft.storage/storageaccounts"


def read_storage_account(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield an Azure storage account; Azure encrypts all of them at rest."""
    source = text(document, "encryption", "keySource")
    redundancy = text(document, "sku", "name")
    network = text(document, "publicNetworkAccess")
    blobs = truth(document, "allowBlobPublicAccess")
    immutable = truth(document, "immutableStorageWithVersioning", "enabled")
    policy = get(document, "immutableStorageWithVersioning", "immutabilityPolicy")
    state, locked_days = text(policy, "state"), whole(policy, "immutabilityPeriodSinceCreationInDays")
    locked = bool(immutable) and state in ("Locked", "Unlocked") and bool(locked_days)
    values = {
        "provider": "azure",
        "kind": "storage_account",
        "name": _named(text(document, "name"), "name"),
        "region": text(document, "location"),
        "endpoint": text(document, "primaryEndpoints", "blob").removeprefix("https://").rstrip("/"),
        "encrypted": True if source else truth(document, "encryption", "services", "blob", "enabled"),
        "key": text(document, "encryption", "keyVaultProperties", "keyName"),
        "customer_key": source == "Microsoft.Keyvault" if source else None,
        "public_access": False if network == "Disabled" or blobs is False else blobs,
        "tls_required": truth(document, "enableHttpsTrafficOnly"),
        "tls_min_version": text(document, "minimumTlsVersion").replace("_", ".").removeprefix("TLS"),
        # Switched on it only allows for policies: without one of the account each container has its own or none.
        "object_lock": locked if locked or immutable is False else None,
        "lock_mode": _firmness(locked, state == "Locked"),
        "lock_days": locked_days if locked else None,
        "replicated": not redundancy.endswith("LRS") if redundancy else None,
    }
    yield Row(CLOUD_STORES, values)


def _firmness(locked: bool, final: bool | None) -> str:
    """Return the mode of a lock: one that is not final can be lifted by whoever may change its bucket."""
    return ("COMPLIANCE" if final else "GOVERNANCE") if locked else ""


def _named(name: str, field: str) -> str:
    if not name:
        raise InputError(f"has no {field}", "", "give the whole answer of the command")
    return name


_FORMS: Final[tuple[tuple[str, Callable[[Any], bool], Callable[[Any, Reading], Iterator[Row]]], ...]] = (
    ("aws rds describe-db-instances", is_rds, read_rds),
    ("aws s3api get-bucket-encryption, -versioning, get-public-access-block", is_s3, read_s3),
    ("gcloud sql instances describe", is_cloud_sql, read_cloud_sql),
    ("gcloud storage buckets describe", is_gcs, read_gcs),
    ("az postgres, mysql or sql server show", is_azure_database, read_azure_database),
    ("az storage account show", is_storage_account, read_storage_account),
)

INPUTS: Final = (
    Input(
        "cloud_stores",
        "databases, buckets and storage accounts outside the cluster as their provider describes them",
        tuple(Form(*form) for form in _FORMS),
        (CLOUD_STORES,),
        "those that you use of: aws rds describe-db-instances > inputs/rds.json; aws s3api get-bucket-encryption"
        " --bucket NAME > inputs/buckets/NAME/encryption.json (also get-bucket-versioning, get-public-access-block,"
        " get-object-lock-configuration);"
        " gcloud sql instances describe NAME --format=json > inputs/sql.json; gcloud storage buckets describe gs://NAME"
        " --format=json > inputs/bucket.json; az postgres flexible-server show -g GROUP -n NAME > inputs/postgres.json;"
        " az storage account show -g GROUP -n NAME > inputs/storage.json",
    ),
)
