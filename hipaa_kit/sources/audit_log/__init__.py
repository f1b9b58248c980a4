"""The audit log of the API server: read in bounded memory, kept as columns, asked with SQL, answered as frames."""

from hipaa_kit.sources.audit_log.ingestion import NoEventsError, ingest
from hipaa_kit.sources.audit_log.kept import cached_log
from hipaa_kit.sources.audit_log.store import AuditLog, is_store

__all__ = ["AuditLog", "NoEventsError", "cached_log", "ingest", "is_store"]
