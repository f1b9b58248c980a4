"""What detections find in the audit log, and how much of it they can see."""

from hipaa_kit.tables.declaration import Table, amount, count, text
from hipaa_kit.vocabulary import SEVERITIES

SIGHTS = ("sees", "partly", "blind")
SITE_LISTS = (
    "automation",
    "gitops",
    "secret_readers",
    "administrators",
    "kit",
    "listers",
    "token_makers",
    "certificate_controllers",
    "admission_controllers",
    "backup_controllers",
    "log_keepers",
    "scripting_agents",
    "logging_namespaces",
    "time_zone",
    "business_days",
    "business_hours",
    "holidays",
)

DETECTION_SETTINGS = Table(
    "detection_settings",
    "one entry of one list that the site sets for detections",
    ("list", "value"),
    (
        text(
            "list",
            "automation: user names that are no people; gitops: what applies declared configuration; secret_readers,"
            " listers (of many kinds), token_makers, certificate_controllers, admission_controllers,"
            " backup_controllers, log_keepers: who does"
            " that by design; administrators; kit: readers of this kit; scripting_agents: words of user agents;"
            " logging_namespaces; time_zone, business_days, business_hours, holidays",
            SITE_LISTS,
        ),
        text("value", "the entry; a name that ends in `*` stands for all that start so"),
    ),
)

DETECTION_HITS = Table(
    "detection_hits",
    "one hit of one detection: what one principal did to one object in one burst",
    ("detection", "part", "object", "subject", "first_at"),
    (
        text("detection", "`LOG-01` and so on"),
        text("part", "which part of it, or none"),
        text("object", "`Kind/namespace/name`; name `*` for what was asked of all of a kind"),
        text("subject", "user, or address where nobody is known"),
        text("first_at", "first request, UTC"),
        text("last_at", "last request, UTC"),
        count("events", "requests"),
        count("refused", "of these, the ones that were refused or failed"),
        amount("measured", "the number that a threshold is held against, or null"),
        text("severity", "how bad it is by what was done", SEVERITIES),
        text("what", "what was done, in a sentence"),
        text("audit_ids", "audit IDs of up to 20 of them, joined by spaces"),
        text("places", "`source:line` of up to 20 of them, joined by spaces"),
    ),
)

DETECTION_SIGHT = Table(
    "detection_sight",
    "one detection, and whether it could have seen what it looks for",
    ("detection",),
    (
        text("detection", "`LOG-01` and so on"),
        text("state", "sees everything it looks for; partly; or is blind", SIGHTS),
        text("why", "what is not seen, in words, or none"),
        text("minimal_level", "least level of the audit policy that shows it"),
        text("window", "from when to when the log tells, in words, or none"),
        amount("days", "days between the first and the last event; null without any"),
        count("events", "events in the log"),
        text("gap", "what breaks the window, in words, or none"),
    ),
)
