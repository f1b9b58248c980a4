"""What the API server's audit log is made to hold."""

from hipaa_kit.tables.declaration import Table, count, flag, text

AUDIT_BACKENDS = Table(
    "audit_backends",
    "one source that says whether an API server keeps an audit log",
    ("object",),
    (
        text("object", "the pod, OpenShift configuration, node or managed cluster that says so"),
        text("source", "what kind of source it is", ("flags", "openshift", "distribution", "provider", "none")),
        text(
            "state",
            "whether it is kept, whether reads are left out of it, or some API groups",
            ("logged", "off", "no_reads", "reads_unknown", "partly", "unknown"),
        ),
        text("backend", "where to: log, webhook, both, or the provider's own; or none"),
        text("path", "file of the log, `-` for standard output, or none"),
        text("policy_file", "file of the policy, or none"),
        text("basis", "why, in words"),
        count("max_age", "days that rotated files are kept; 0 for ever; unknown where the flag is not set"),
        count("max_backup", "rotated files that are kept; 0 for all; unknown where the flag is not set"),
        count("max_size", "megabytes at which the file is rotated; 0 never; unknown where the flag is not set"),
        flag("sizes_read", "the three flags are set to numbers, or not set"),
    ),
)

AUDIT_PROBES = Table(
    "audit_probes",
    "one request that an audit policy was asked about, in one namespace",
    ("object", "probe", "namespace"),
    (
        text("object", "`AuditPolicy//control-plane`, or of the node whose file it is"),
        text("probe", "number of the probe, `P01` to `P50`"),
        text("namespace", "namespace of the request, or none"),
        text("requester", "who asks"),
        text("request", "verb and resource or path"),
        count("rule", "rule that decides, from 1; 0 where none matches"),
        text("level", "level at which it is recorded, of the events that say how it was answered"),
        text("minimum", "level that a review needs"),
        text("maximum", "level above which the log would hold secrets or data, or none"),
        text("standing", "how much it matters", ("mandatory", "recommended", "cap")),
        text("outcome", "how it stands", ("met", "below", "above")),
        text("blind", "detections that see nothing of it at this level, joined by spaces"),
    ),
)

AUDIT_SILENCES = Table(
    "audit_silences",
    "one rule of an audit policy that records nothing of identities that Kubernetes does not bring, or of some objects",
    ("object", "rule"),
    (
        text("object", "`AuditPolicy//control-plane`, or of the node whose file it is"),
        count("rule", "place of the rule, from 1"),
        text("identities", "users and groups, joined by spaces; or everybody"),
        text("verbs", "verbs, joined by spaces; none for all"),
        text("what", "resources, with the names of objects where it names some"),
    ),
)

AUDIT_POLICY_STATES = Table(
    "audit_policy_states",
    "one audit policy, whether an API server would take it",
    ("object",),
    (
        text("object", "`AuditPolicy//control-plane`, or of the node whose file it is"),
        count("rules", "rules in it"),
        text("refused", "why an API server would refuse it, or none"),
    ),
)
