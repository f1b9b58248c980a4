"""What the audit log shows of the use of rights: by whom, of what, and what was never used."""

from hipaa_kit.tables.declaration import Column, Table, amount, count, flag, text

IDENTITY = (
    text(
        "object", "the identity, `User//name` or `ServiceAccount/namespace/name`: where one acts as another, that other"
    ),
    text("user", "its user name, as the API server knows it"),
)
TIMES = (
    Column("events", "int64", "requests, each counted once"),
    text("first_at", "when the first was received, UTC"),
    text("last_at", "when the last was received, UTC"),
)

IDENTITIES = Table(
    "identities",
    "one identity that made requests that the audit log holds",
    ("user",),
    (
        *IDENTITY,
        *TIMES,
        Column("refused", "int64", "of them refused"),
        text("acted_by", "who acted as it, joined by spaces, or none"),
        text("ended_on", "last day of its last role by the workforce file, or none"),
        Column("after_end", "int64", "requests after that day, also those made as somebody else"),
        Column("undated", "int64", "requests of which no moment can be read"),
    ),
)

IDENTITY_GROUPS = Table(
    "identity_groups",
    "one group that the API server saw one identity in",
    ("user", "group"),
    (*IDENTITY, text("group", "group"), *TIMES),
)

IDENTITY_USE = Table(
    "identity_use",
    "one verb on one resource in one namespace, or on one path, that one identity used",
    ("user", "verb", "api_group", "resource", "subresource", "namespace", "path"),
    (
        *IDENTITY,
        text("verb", "verb, as the API server names it"),
        text("api_group", "API group; the core group is none"),
        text("resource", "resource, or none for a path"),
        text("subresource", "subresource, or none"),
        text("namespace", "namespace, or none"),
        text("path", "path of a request for no resource, or none"),
        *TIMES,
        Column("allowed", "int64", "of them not refused"),
        Column("open", "int64", "of them those of which the log does not say how they were answered"),
    ),
)

EPHI_TOUCHES = Table(
    "ephi_touches",
    "one verb on one object in a namespace with ePHI, or on all of a kind there, that one identity used",
    ("user", "target", "subresource", "verb"),
    (
        *IDENTITY,
        text("target", "`Kind/namespace/name`, where `*` stands for all that were asked for"),
        text("subresource", "subresource, such as exec, or none"),
        text("verb", "verb, as the API server names it"),
        flag("declared", "the object itself is in the ePHI scope, or a pod of a workload that is"),
        *TIMES,
        Column("refused", "int64", "of them refused"),
    ),
)

RIGHT_USE = Table(
    "right_use",
    "one right that one role binding gives one subject, and whether it was used",
    ("binding", "object", "verb", "api_group", "resource", "resource_name", "url"),
    (
        text("binding", "role binding, `Kind/namespace/name`"),
        text("object", "the subject as `Kind/namespace/name`"),
        text("scope", "namespace of the role binding, or none for the cluster"),
        text("verb", "verb, as the rule has it"),
        text("api_group", "API group, as the rule has it; the core group is none"),
        text("resource", "resource or resource/subresource, as the rule has it, or none"),
        text("resource_name", "name, where the rule is for objects of some names, or none"),
        text("url", "path, or none"),
        flag("writes", "it changes something, or enters a pod"),
        text(
            "state",
            "used; unused: the log would show it and does not; unknown: it cannot be told",
            ("used", "unused", "unknown"),
        ),
        text("why", "what that rests on"),
        Column("events", "int64", "requests that it allows, in the log"),
        text("last_at", "when the last was received, or none"),
        amount("window_days", "days that the log covers"),
    ),
)

BREAK_GLASS_USE = Table(
    "break_glass_use",
    "one day on which one person used emergency access, with what people keep of that day",
    ("user", "day"),
    (
        *IDENTITY,
        text("day", "day, UTC; none where no moment can be read"),
        *TIMES,
        text("through", "group or user that a role binding for emergencies names"),
        text("ticket", "ticket of an emergency near in time, or none"),
        text("alert", "ticket near in time that an alert opened, or none"),
    ),
)

CANARIES = Table(
    "canaries",
    "one test of detection, with what the audit log and the export of tickets show of it",
    ("date", "target"),
    (
        text("date", "day of the exercise"),
        text("target", "object that the test acts on, `Kind/namespace/name`"),
        text("result", "what the exercise came to, as written"),
        flag("covered", "the log covers that day in full"),
        text("seen_at", "first request at the object on that day that no component made by itself, or none"),
        text("dry_run_at", "first dry run there where the log holds no such request: it changed nothing; or none"),
        text("ticket", "first ticket about the object that an alert opened after that, or none"),
        text("alerted_at", "when it was opened, or none"),
        amount("latency_minutes", "minutes from the one to the other"),
    ),
)

COMMON_WINDOW = Table(
    "common_window",
    "the time for which the log of every API server is there, as far as its files say",
    ("first_at",),
    (
        text("first_at", "begin: the latest first event of all servers"),
        text("last_at", "end: the earliest last event of all servers"),
        amount("days", "days between"),
        count("servers", "API servers, or streams, that wrote it"),
        count("expected", "API servers of the cluster; unknown where they are not visible"),
        text("doubt", "why something may be missing within it, or none"),
    ),
)
