"""What `Assessment.incident` answers: what somebody who was taken over could reach, and did."""

from hipaa_kit.tables.declaration import Column, Table, flag, text

WAYS = ("token", "volume", "environment", "permission", "escalation", "network")
"""How something could be reached: with what the pod holds, by rights, by becoming more, by a connection."""

THROUGH = (
    "itself",
    "its pod",
    "its token",
    "token made",
    "acted as",
    "pod entered",
    "container added",
    "pod made",
    "right given",
)
"""How an identity came to be in question."""

TIMES = (
    text("first_at", "first moment, UTC"),
    text("last_at", "last moment, UTC"),
)
WHERE_FROM = (
    text("audit_ids", "ids of up to 20 events, joined by spaces"),
    text("places", "`file:line` of up to 20 events, joined by spaces"),
)

INCIDENT_IDENTITIES = Table(
    "incident_identities",
    "one identity that is in question: the one asked about, and every one that it could have taken since",
    ("identity", "through", "by"),
    (
        text("identity", "`ServiceAccount/namespace/name`, `User//name`, `Group//name` or `Pod/namespace/name`"),
        text("through", "how it came to be in question", THROUGH),
        text("by", "identity through which it did, or none for the one asked about"),
        text("since", "moment from which its acts count, UTC"),
        flag("sure", "the log shows that it was in hand; false where it only could be from then on"),
        text("basis", "what shows it"),
        *WHERE_FROM,
    ),
)

INCIDENT_ACTS = Table(
    "incident_acts",
    "what one identity in question did with one kind of object in one namespace, by one verb and outcome",
    ("identity", "verb", "resource", "namespace", "name", "outcome"),
    (
        text("identity", "who asked, as in `incident_identities`"),
        text("verb", "verb of the request"),
        text("resource", "`resource.group` with its subresource, or the path"),
        text("namespace", "namespace, or none"),
        text("name", "name of the object, or none where it is a list, or the server made the name"),
        text("outcome", "how it ended", ("done", "refused", "failed", "unknown")),
        Column("requests", "int64", "requests, each counted once"),
        *TIMES,
        flag("writes", "the verb changes something, or opens a session"),
        flag("ephi", "the object, or its namespace, is in the ePHI scope, or holds what is"),
        flag("sure", "the log says that it was this identity; false for a pod where it names the account alone"),
        text("addresses", "addresses it came from, as the server saw them, joined by spaces"),
        text("agents", "programs as they call themselves, up to 3"),
        *WHERE_FROM,
    ),
)

INCIDENT_HOURS = Table(
    "incident_hours",
    "one hour in which one identity in question asked for something",
    ("identity", "hour"),
    (
        text("identity", "who asked, as in `incident_identities`"),
        text("hour", "beginning of the hour, UTC"),
        Column("requests", "int64", "requests, each counted once"),
        Column("writes", "int64", "those that change something, or open a session"),
        Column("refused", "int64", "those that were refused"),
        Column("ephi", "int64", "those about what is in the ePHI scope, or in a namespace that holds it"),
    ),
)

INCIDENT_REACH = Table(
    "incident_reach",
    "one thing that one identity in question could reach, by one way",
    ("identity", "way", "target", "how"),
    (
        text("identity", "as in `incident_identities`"),
        text("way", "how it could be reached", WAYS),
        text("target", "`Kind/namespace/name`, where `*` stands for any; or an end outside the cluster"),
        text("how", "what opens the way: a right, a port, a mount, a technique"),
        flag("ephi", "it is in the ePHI scope, or stands for what is"),
        flag("sure", "everything on the way is known; false where something on it is not"),
        Column("steps", "int64", "steps of the way"),
        text("proof", "role bindings, joined by spaces, or what else shows it"),
    ),
)

INCIDENT_BLIND = Table(
    "incident_blind",
    "one thing that could have been done in the time in question, and the log would not show it",
    ("matter", "what", "since", "until"),
    (
        text(
            "matter",
            "what kind of thing hides it",
            ("no log", "window", "gap", "policy", "identity", "reach", "never logged"),
        ),
        text("what", "what would not be seen"),
        text("since", "from when, UTC, or none for all the time"),
        text("until", "until when, UTC, or none for all the time"),
        text("instead", "where else it could be seen"),
    ),
)
