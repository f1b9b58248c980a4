"""What was read of the API server's audit log, and how complete it is."""

from hipaa_kit.tables.declaration import Table, count, flag, text

LOGS = ("kube-apiserver", "openshift-apiserver", "oauth-apiserver", "oauth-server")
"""Which server wrote a log."""

AUDIT_SOURCES = Table(
    "audit_sources",
    "one file that was read of an audit log",
    ("source",),
    (
        text("source", "the file, from what was given"),
        text("format", "form it was recognised as"),
        text("delivery", "how it got here", ("file", "webhook", "provider", "best_effort")),
        text("server", "API server or stream that wrote it, or none where the file does not tell"),
        text("log", "which server it is of", LOGS),
        count("bytes", "bytes, unpacked"),
        count("lines", "lines"),
        count("events", "events taken from it"),
        count("unread", "lines, or items of a list, that could not be read"),
        count("skipped", "records of another kind that stand between events, such as those of other logs"),
        count("salvaged", "events taken from lines that were damaged"),
        count("repaired", "lines that are not UTF-8 and were read with replacement characters"),
        count("duplicates", "events of it that repeat another one of this log"),
        count("reused", "events whose auditID and stage are also those of another request: a client may choose the id"),
        count("undated", "events without a moment that can be read"),
        count("leaks", "events in whose path, names or user agent something looked like a secret; it was taken out"),
        flag("truncated", "it ends within an event, or the export says that there is more"),
        text("first_at", "first moment at which a request was received, or none"),
        text("last_at", "last moment of an event, or none"),
        text("sha256", "digest of its bytes, unpacked"),
        text("store", "digest of the whole log as it was read"),
    ),
)
