"""What people keep: tickets, incidents, workforce, vendors, who may do what, drills."""

from hipaa_kit.tables.declaration import Table, amount, maybe, text

KEPT_IN = ("", "external", "cluster", "node")
SEVERITIES = ("", "critical", "high", "medium", "low", "info")

TICKETS = Table(
    "tickets",
    "one ticket",
    ("id",),
    (
        text("id", "id in the ticket system"),
        text("opened_at", "when it was opened"),
        text("closed_at", "when it was closed, or none"),
        text("kind", "kind of work, such as change, access or vulnerability"),
        text("severity", "severity, or none", SEVERITIES),
        text("object", "object it is about, `Kind/namespace/name`, or none"),
        text("status", "state of it", ("open", "in_progress", "resolved", "closed", "rejected")),
        text("vulnerability", "CVE or advisory it is about, or none"),
        text("alert", "alert that opened it, or none"),
        text("acknowledged_at", "when somebody took it, or none"),
        text("incident", "id of the incident in the register that came of it, or none"),
    ),
)

INCIDENTS = Table(
    "incidents",
    "one security incident",
    ("id",),
    (
        text("id", "id in the incident register"),
        text("detected_at", "when it was noticed"),
        text("reported_at", "when it was reported to who must know, or none"),
        text("closed_at", "when it was closed, or none"),
        text("kind", "kind of incident"),
        text("severity", "severity, or none", SEVERITIES),
        text("object", "object it is about, `Kind/namespace/name`, or none"),
        maybe("ephi_involved", "ePHI was involved, as far as is known"),
        text("status", "state of it", ("open", "in_progress", "resolved", "closed")),
    ),
)

WORKFORCE = Table(
    "workforce",
    "one role of one person or account that may use the systems",
    ("user", "role"),
    (
        text(
            "user",
            "user name, as the cluster and the identity provider know it; of a service account "
            "`system:serviceaccount:NAMESPACE:NAME`",
        ),
        text("role", "role in the organisation"),
        text("since", "first day, or none"),
        text("until", "last day, or none"),
        text("pseudonym", "keyed pseudonym of the user, as in table `sign_ins`"),
    ),
)

WORKFORCE_GROUPS = Table(
    "workforce_groups",
    "one group that one user belongs to in one role",
    ("user", "role", "group"),
    (
        text("user", "user name"),
        text("role", "role in the organisation"),
        text("group", "group, as the cluster knows it"),
    ),
)

VENDORS = Table(
    "vendors",
    "one service that one vendor gives",
    ("name", "service"),
    (
        text("name", "name of the vendor"),
        text("service", "service"),
        text("baa_signed_on", "day the business associate agreement was signed, or none"),
        text("baa_expires_on", "day it ends, or none"),
        text("contact_role", "who answers for it at the vendor, as a role"),
    ),
)

VENDOR_ENDPOINTS = Table(
    "vendor_endpoints",
    "one place outside the cluster that belongs to one service of one vendor",
    ("name", "service", "endpoint"),
    (
        text("name", "name of the vendor"),
        text("service", "service"),
        text(
            "endpoint",
            "store as the scope file names it, `provider:bucket`, provider of nodes, or address; a glob",
        ),
    ),
)

POLICIES = Table(
    "policies",
    "one paragraph of the rule and one document in which the organisation says how it follows it",
    ("citation", "document"),
    (
        text("citation", "paragraph of 45 CFR"),
        text("document", "name of the policy or procedure"),
        text("version", "its version, or none"),
        text("reviewed_on", "day it was last reviewed, or none"),
        text("location", "where it is kept, or none"),
    ),
)

EVIDENCE_ARCHIVE = Table(
    "evidence_archive",
    "one run whose evidence is kept",
    ("run",),
    (
        text("run", "id of the run, or digest of its bundle"),
        text("run_on", "day it was made"),
        text("verified_on", "day its bundle was last verified, or none"),
        text("location", "where it is kept, or none"),
        maybe("locked", "it cannot be changed or deleted there before its time"),
    ),
)

ACCESS_MATRIX = Table(
    "access_matrix",
    "one permission that one role of the organisation is meant to have",
    ("role", "verb", "group", "resource", "namespace"),
    (
        text("role", "role in the organisation"),
        text("verb", "verb; `*` is any"),
        text("group", "API group; none is the core group, `*` is any"),
        text("resource", "resource or resource/subresource; `*` is any resource, and with verb `*` any subresource"),
        text("namespace", "namespace; none is the whole cluster"),
    ),
)

DRILLS = Table(
    "drills",
    "one exercise: a restore, a failover, an incident table-top",
    ("kind", "date", "scope"),
    (
        text(
            "kind",
            "scenario: restore, node loss, zone loss, data corruption, ransomware, key loss, or another one",
        ),
        text("date", "day it was held"),
        text("scope", "what was exercised, such as `StatefulSet/ehr/ehr-db`"),
        text("result", "how it went", ("passed", "failed", "partial")),
        amount("rto_minutes", "minutes until the service was back"),
        amount("rpo_minutes", "minutes of data that were lost"),
        maybe("actions_closed", "every action that followed from it is closed"),
    ),
)

KEY_REGISTER = Table(
    "key_register",
    "one key that data at rest are encrypted with",
    ("key",),
    (
        text("key", "its name, as a class, a volume or an encryption configuration gives it"),
        text("kept_in", "where it lives: outside of the cluster, in a Secret of it, on a node, or none", KEPT_IN),
        text("rotated_on", "day on which it was last changed, or none"),
        maybe("rotates", "it is changed by itself"),
    ),
)
