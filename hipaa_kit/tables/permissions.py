"""What `Assessment.permissions` answers: who may do what, by which role binding, and how they could become more.

"RBAC says" stands before every answer: other authorizers of a cluster may allow more (`basis` names those that show).
"""

from hipaa_kit.tables.declaration import Column, Table, count, flag, text

SUBJECT = (
    text(
        "subject_kind",
        "User, Group, ServiceAccount, or Pod where it takes its node; `*` where it says what could not be seen",
    ),
    text("subject", "user or group name, or `namespace/name` of a service account"),
)
PROOF = (
    text("binding", "role binding, `Kind/namespace/name`, or none"),
    text("role", "role it gives, `Kind/namespace/name`, or none"),
    count("rule", "position of the rule in the role, or null"),
)
THROUGH = text("through", "group by which the subject holds it; none where the subject is named itself")

WHO_CAN = Table(
    "who_can",
    "one subject that may do what was asked, by one rule of one role binding; or one gap, which says that there may be "
    "more",
    ("subject_kind", "subject", "binding", "rule", "through", "basis"),
    (
        *SUBJECT,
        *PROOF,
        text("scope", "namespace in which it is held, or none for the cluster"),
        THROUGH,
        text(
            "basis",
            "RBAC, or what stands outside it (built-in); for a gap what is unknown: in the words of the server, "
            "or the other authorizer",
        ),
    ),
)

WHAT_CAN = Table(
    "what_can",
    "one verb on one resource or path that one rule of one role binding gives the subject; or one gap",
    ("scope", "api_group", "resource", "verb", "resource_name", "url", "binding", "rule", "through", "basis"),
    (
        text("scope", "namespace in which it is held, or none for the cluster"),
        text("verb", "verb, as the rule has it"),
        text("api_group", "API group, as the rule has it; the core group is none"),
        text("resource", "resource or resource/subresource, as the rule has it; none for a path"),
        text("resource_name", "only the object of this name, or none where every name"),
        text("url", "path, as the rule has it, or none"),
        *PROOF,
        THROUGH,
        text("basis", "RBAC, built-in, or for a gap what is unknown; then all other columns are empty"),
    ),
)

WHY = Table(
    "why",
    "one reason for an answer: a rule that allows, or, where none does, one of the rules that come nearest",
    ("answer", "binding", "rule", "through", "missing"),
    (
        text(
            "answer",
            "what follows: allowed; not allowed, for want of what `missing` says; not known to be allowed, for a gap",
            ("allowed", "not allowed", "unknown"),
        ),
        *PROOF,
        text("scope", "namespace in which the rule is held, or none for the cluster"),
        THROUGH,
        text("missing", "what the nearest rule lacks, or what could not be seen; none where allowed"),
    ),
)

ORPHANS = Table(
    "orphans",
    "one loose end: a role binding to what is not there, or a role that nothing binds",
    ("problem", "object", "reference"),
    (
        text(
            "problem",
            "what is loose",
            ("role missing", "service account missing", "nobody meant", "no subjects", "role unused"),
        ),
        text("object", "role binding or role, `Kind/namespace/name`"),
        text("reference", "role or service account that is missing, or subject that means nobody; none otherwise"),
        flag("proved", "everything that could show otherwise was read"),
        text("meaning", "what follows from it"),
    ),
)

ACCESS_REVIEW = Table(
    "access_review",
    "one subject that holds one role in a namespace, to be signed off; or one gap",
    ("subject_kind", "subject", "binding", "through"),
    (
        *SUBJECT,
        THROUGH,
        text("binding", "role binding, `Kind/namespace/name`"),
        text("role", "role it gives, `Kind/namespace/name`"),
        text("scope", "namespace of the role binding, or none for the cluster"),
        text("verbs", "verbs it gives, joined by spaces"),
        flag("reads_secrets", "may read Secrets in the namespace by this role"),
        flag("runs_code", "may start or enter pods in the namespace by this role"),
        flag("gives_rights", "may write role bindings, or holds `bind`, `escalate` or `impersonate`, by this role"),
        text("created_at", "creation time of the role binding, as the server wrote it"),
        text("note", "what the reviewer should know; for a gap what could not be seen"),
        text("decision", "for the reviewer: keep, change or remove"),
        text("reviewer", "for the reviewer: who decided"),
        text("reviewed_on", "for the reviewer: when"),
    ),
)

AGGREGATION_DRIFT = Table(
    "aggregation_drift",
    "one rule by which one aggregated ClusterRole differs from what its selectors gather",
    ("role", "difference", "verbs", "api_groups", "resources", "resource_names", "urls"),
    (
        text("role", "the ClusterRole, `ClusterRole//name`"),
        text(
            "difference",
            "`missing`: gathered and not written; `extra`: written and not gathered; `unreadable`: its selectors are "
            "ones that the API refuses",
            ("missing", "extra", "unreadable"),
        ),
        text("verbs", "verbs of the rule, joined by spaces"),
        text("api_groups", "its API groups, joined by spaces; the core group is `core`"),
        text("resources", "its resources, joined by spaces"),
        text("resource_names", "names for which it is, joined by spaces, or none where every name"),
        text("urls", "its paths, joined by spaces"),
        text("sources", "ClusterRoles from which it is gathered, joined by spaces"),
        flag("proved", "all ClusterRoles were read: one that was not could hold a rule that is called extra"),
        text("meaning", "what that means"),
    ),
)

PERMISSION_CHANGES = Table(
    "permission_changes",
    "one permission of one subject that one of two snapshots shows and the other does not",
    ("change", "subject_kind", "subject", "scope", "api_group", "resource", "verb", "resource_name", "url"),
    (
        text(
            "change",
            "what happened to it; unproved where the snapshot that does not show it did not see everything",
            ("gained", "lost", "gained, unproved", "lost, unproved"),
        ),
        *SUBJECT,
        text("scope", "namespace in which it is held, or none for the cluster"),
        text("verb", "verb, as the rule has it"),
        text("api_group", "API group, as the rule has it; the core group is none"),
        text("resource", "resource or resource/subresource, as the rule has it; none for a path"),
        text("resource_name", "only the object of this name, or none where every name"),
        text("url", "path, as the rule has it, or none"),
        text("binding", "role binding by which it was held, `Kind/namespace/name`; the first by name"),
        text("role", "role it gives, `Kind/namespace/name`"),
    ),
)

CIS_5_1 = Table(
    "cis_5_1",
    "one thing that one item of section 5.1 of the CIS Kubernetes Benchmark asks to look at; or one item without any",
    ("item", "subject_kind", "subject", "binding", "object"),
    (
        text("item", "number of the item in section 5.1"),
        text("title", "what the item asks for"),
        text(
            "answer",
            "`look` where there is something to look at, `none` where all was read and there is nothing, `unknown` "
            "where not all was read",
            ("look", "none", "unknown"),
        ),
        *SUBJECT,
        text("binding", "role binding by which it is held, or none"),
        text("object", "role, pod or service account that it is about, or none"),
        text("words", "what was found or could not be seen"),
    ),
)

CONFIDENCES = ("certain", "needs-condition", "heuristic")

ESCALATIONS = Table(
    "escalations",
    "one way by which one subject could become more than its role bindings say, or one pod take its node",
    ("subject_kind", "subject", "technique", "scope", "target"),
    (
        *SUBJECT,
        Column("number", "int64", "number of the technique in the catalogue; 0 for integrity and availability"),
        text("technique", "name of the technique"),
        text("scope", "namespace in which it holds, or none for the whole cluster"),
        text("target", "what it reaches: `Kind/namespace/name`, where `*` stands for any"),
        text("bindings", "role bindings that give the rights, joined by spaces"),
        text("rules", "rules that give the rights, as `role#position`, joined by spaces"),
        text("preconditions", "what must hold besides, or none"),
        text("mitigations", "what in this cluster narrows or stops it, or none"),
        text("confidence", "how sure it is that the rights suffice", CONFIDENCES),
        Column("cost", "int64", "effort: the cheapest path is shown first"),
        text("expected_because", "why every cluster, or its control plane, has it; none where somebody decided it"),
    ),
)

ESCALATION_REACH = Table(
    "escalation_reach",
    "one subject or object from which one target can be reached, or that can be reached from one source",
    ("source", "target"),
    (
        text("source", "where the cheapest path begins: `Kind/namespace/name`"),
        text("target", "where it ends: `Kind/namespace/name`, where `*` stands for any"),
        Column("steps", "int64", "steps of the cheapest path"),
        Column("cost", "int64", "effort of the cheapest path"),
        text("confidence", "how sure its least sure step is", CONFIDENCES),
        text("expected_because", "why every cluster has the first way of the path; none where somebody decided it"),
    ),
)

ESCALATION_PATHS = Table(
    "escalation_paths",
    "one step of the cheapest path from one subject to what it could reach",
    ("target", "step"),
    (
        text("target", "what is reached in the end"),
        Column("step", "int64", "place of the step in the path, from 1"),
        text("source", "who takes the step"),
        text("technique", "technique, or the structure that leads on (member of, runs as, holds)"),
        text("reaches", "what the step reaches"),
        text("bindings", "role bindings that give the rights, joined by spaces"),
        text("confidence", "how sure the step is", CONFIDENCES),
        Column("cost", "int64", "effort of the path up to here"),
    ),
)

HARM = Table(
    "harm",
    "one subject that may, by one rule of one role binding, destroy or alter ePHI, or blind the watch over it",
    ("object", "technique", "verb", "subject_kind", "subject", "binding", "rule", "through"),
    (
        text("object", "what would be deleted or changed, `Kind/namespace/name`"),
        text(
            "technique",
            "what that does: ePHI is lost, or written anew, logs are no longer shipped, alerts are no longer raised",
            ("DELETE_EPHI", "ALTER_EPHI", "TAMPER_AUDIT", "DISABLE_ALERT"),
        ),
        text("verb", "what the subject may do to it; deletecollection deletes all of its kind in its namespace"),
        *SUBJECT,
        *PROOF,
        text("scope", "namespace in which it is held, or none for the cluster"),
        THROUGH,
        text("basis", "RBAC"),
        text("expected_because", "why every cluster has it; none where somebody decided it"),
    ),
)
