"""What was read of the API server's audit log, and how complete it is."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, text

LOGS = ("kube-apiserver", "openshift-apiserver", "oauth-apiserver", "oauth-server")
"""Which server wrote a log."""

DELIVERIES = ("file", "webhook", "provider", "best_effort")
"""How events get here, the last ones without a promise that all of them do."""

AUDIT_SOURCES = Table(
    "audit_sources",
    "one file that was read of an audit log",
    ("source",),
    (
        text("source", "the file, from what was given"),
        text("format", "form it was recognised as"),
        text("delivery", "how it got here", DELIVERIES),
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

AUDIT_WINDOWS = Table(
    "audit_windows",
    "one log of one API server, and the window of time that it covers",
    ("object",),
    (
        text("object", "`AuditLog//<log>`, with `@<server>` where the files tell it"),
        text("server", "API server or stream, or none"),
        text("log", "which server it is of", LOGS),
        text("delivery", "the weakest promise of its sources", DELIVERIES),
        text("first_at", "moment of the first event"),
        text("last_at", "moment of the last event"),
        count("events", "events, each once"),
        text("stages", "stages seen, joined by spaces; none where the provider has none"),
        count("files", "files it was read from"),
        count("unread", "lines of them that could not be read"),
        count("truncated", "files of them that end within an event, or say that there is more"),
        count("duplicates", "events of them that repeat another one"),
        count("reused", "events whose auditID and stage are also those of another request"),
        count("undated", "events without a moment that can be read"),
        count("disorder", "events written before the one that stands on the line above"),
        count("skew", "events that ended before they began: the clock was set back"),
        count(
            "restarts", "starts of the API server that the log shows; unknown where it does not record its own requests"
        ),
        amount("usual_minutes", "9 of 10 pauses between minutes with events are no longer"),
        count("unanswered", "requests of which no event says how they were answered"),
        count("uncoded", "answers without a status"),
        flag("reasons", "some events say why a request was allowed: by which role binding"),
    ),
)

AUDIT_GAPS = Table(
    "audit_gaps",
    "one pause of ten minutes or more in a log, or before it where no other was written meanwhile",
    ("object", "first_at"),
    (
        text("object", "`AuditLog//<log>`, with `@<server>` where the files tell it"),
        text("first_at", "last event before it"),
        text("last_at", "first event after it"),
        amount("minutes", "its length"),
        flag("restarted", "the API server started at its end"),
    ),
)

AUDIT_LEVELS = Table(
    "audit_levels",
    "one kind of request to one resource, and the levels at which it was recorded",
    ("log", "api_group", "resource", "subresource", "kind"),
    (
        text("log", "which server it is of", LOGS),
        text("api_group", "API group; none for the core group"),
        text("resource", "resource; none for paths that are none"),
        text("subresource", "subresource, or none"),
        text("kind", "kind of request", ("read", "create", "update", "patch", "delete", "other")),
        text("least", "lowest level seen; none where an event tells none that is known"),
        text("most", "highest level seen"),
        count("events", "events"),
    ),
)

AUDIT_VALUES = Table(
    "audit_values",
    "one way in which values that should not be there got into a log",
    ("object", "what", "api_group", "resource", "subresource"),
    (
        text("object", "`AuditLog//<log>`, with `@<server>` where the files tell it"),
        text("what", "`body`, or the pattern of a secret or identifier that was found in a path, name or user agent"),
        text("api_group", "API group; none for the core group"),
        text("resource", "resource; none for paths that are none"),
        text("subresource", "subresource, or none"),
        text("levels", "levels of the events, joined by spaces"),
        count("events", "events"),
        text("first_at", "moment of the first"),
        text("last_at", "moment of the last"),
    ),
)
