"""What other systems have observed: flows, metrics, sign-ins."""

from hipaa_kit.tables.declaration import Table, amount, count, maybe, text

FLOW_RECORDS = Table(
    "flow_records",
    "all connections seen between two ends on one port with one verdict; answers are not counted",
    ("observer", "source", "destination", "port", "protocol", "verdict"),
    (
        text("observer", "who saw them", ("hubble", "calico", "vpc")),
        text("source", "`Pod/namespace/name`, a private address, or a name for what lies outside"),
        text("source_namespace", "namespace of the source, or none"),
        text("destination", "the same for the other end"),
        text("destination_namespace", "namespace of the destination, or none"),
        count("port", "port of the destination; 0 where the protocol has none"),
        text("protocol", "protocol", ("TCP", "UDP", "SCTP", "ICMP", "other")),
        text("verdict", "whether they were let through", ("allowed", "denied", "unknown")),
        text("first_seen_at", "earliest, UTC, or none"),
        text("last_seen_at", "latest, UTC, or none"),
        count("count", "connections or records"),
        count("untimed", "of these, the ones whose time is not given"),
    ),
)

METRIC_LABELS = (
    "namespace",
    "pod",
    "container",
    "node",
    "persistentvolumeclaim",
    "deployment",
    "statefulset",
    "daemonset",
    "cronjob",
    "job",
    "job_name",
    "instance",
    "service",
    "alertname",
    "alertstate",
    "severity",
    "phase",
    "condition",
    "status",
    "schedule",
)
"""Labels that are kept; whatever else a series is labelled with may say anything and is dropped."""

METRIC_SAMPLES = Table(
    "metric_samples",
    "one series of a query's result, as far as its kept labels tell series apart",
    ("source", "metric", *METRIC_LABELS),
    (
        text("source", "file"),
        text("metric", "name of the metric; none where the query made a new one"),
        *(text(name, f"label `{name}`, or none") for name in METRIC_LABELS),
        count("samples", "samples of all series that share these labels"),
        text("first_at", "time of the first, UTC"),
        text("last_at", "time of the last, UTC"),
        amount("last", "value of the last"),
        amount("least", "lowest value"),
        amount("most", "highest value"),
    ),
)

SIGN_INS = Table(
    "sign_ins",
    "one attempt to sign in that an identity provider recorded",
    ("provider", "event"),
    (
        text("provider", "identity provider", ("okta", "entra", "keycloak")),
        text("event", "keyed pseudonym of the provider's id of the event"),
        text("at", "when, UTC, or none"),
        text("user", "keyed pseudonym of the user, equal to the one in table `workforce`; none where not said"),
        text("outcome", "how it ended", ("success", "failure", "unknown")),
        maybe("mfa", "a second factor was used"),
        text("application", "application signed in to, or none"),
    ),
)
