"""What watches the cluster: servers of metrics, what they scrape, and the programs that collect, count and export."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

WATCH_DUTIES = (
    "metrics",
    "alerting",
    "log store",
    "logs",
    "node metrics",
    "object metrics",
    "events",
    "flows",
)

METRIC_SERVERS = Table(
    "metric_servers",
    "one object by which the Prometheus operator runs a server",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "its kind", ("Prometheus", "PrometheusAgent", "ThanosRuler", "Alertmanager")),
        text("namespace", "its namespace"),
        count("replicas", "replicas asked for, of each shard"),
        maybe("available", "its condition Available; null where it says nothing"),
        count("available_replicas", "replicas that answer, by its status"),
        text("storage", "claim, or none where its data are gone with its pod", ("claim", "none")),
        text("retention", "how long it keeps samples, as written, or none"),
        flag("forwards", "it sends what it measures on to another store"),
        flag("unmanaged", "none of its selectors of targets is there: its configuration comes from elsewhere"),
        flag("extra_targets", "it has targets that no monitor shows: a Secret of scrape configurations"),
        text("alertmanagers", "Services of the Alertmanagers that it is told of, joined by spaces"),
        flag("extra_alertmanagers", "it has others that a Secret names"),
    ),
)

MONITORS = Table(
    "monitors",
    "one object that says what is scraped, and one server that takes it",
    ("object", "server"),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "its kind", ("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig")),
        text("namespace", "its namespace"),
        text("server", "object of `metric_servers` that takes it; none where no server does"),
    ),
)

SCRAPE_TARGETS = Table(
    "scrape_targets",
    "one pod that one monitor names, for one server that takes the monitor",
    ("pod", "monitor", "server"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("monitor", "`ServiceMonitor/namespace/name` or `PodMonitor/namespace/name`"),
        text("server", "server that takes the monitor; none where none does"),
        text(
            "state",
            "target; uncertain: rules of the monitor may drop it; no_port: the port that is named is not there; "
            "not_taken: no server takes the monitor",
            ("target", "uncertain", "no_port", "not_taken"),
        ),
    ),
)

SCRAPE_MARKS = Table(
    "scrape_marks",
    "one pod that asks to be scraped by an annotation, its own or that of a Service in front of it",
    ("pod", "origin"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("origin", "object that bears the annotation: a convention that a server may follow or not"),
    ),
)

WATCHERS = Table(
    "watchers",
    "one pod of a program that watches the cluster, and one thing it does",
    ("pod", "duty"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("duty", "what it does", WATCH_DUTIES),
        text("program", "program, by its image"),
        text("workload", "its top owner"),
        text("namespace", "its namespace"),
        text("node", "node it is bound to, or none"),
        flag("live", "the pod runs; false where it was made from a template"),
        maybe("ready", "it is ready; null where it says nothing"),
        flag("by_itself", "the program does so by itself; false where only its configuration can tell"),
        flag("outside", "what it finds goes to a service outside of the cluster"),
    ),
)

FLOW_EXPORTS = Table(
    "flow_exports",
    "one configuration by which agents of Cilium export the connections that they see; where it was read",
    ("object",),
    (
        text("object", "`ConfigMap/namespace/name`"),
        text("to", "log: to the log of each agent; file: to a file of its node, which is rotated", ("log", "file", "")),
        flag("filtered", "filters may leave some out"),
        flag("dynamic", "a second file, which was not read, says of more exports"),
        flag("running", "every agent beside it is ready, and there is one"),
    ),
)

STORE_FOLDERS = Table(
    "store_folders",
    "one container of a program that keeps metrics, alerts or logs, and one folder in which it may keep them",
    ("pod", "container", "folder"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        text("program", "program, by its image"),
        text(
            "folder",
            "path in the container: as its flag says, or else as its image or chart has it; none where unknown",
        ),
    ),
)

API_SERVICES = Table(
    "api_services",
    "one APIService that another server answers than the API server itself",
    ("object",),
    (
        text("object", "`APIService//version.group`"),
        text("service", "`Service/namespace/name` that answers"),
        maybe("available", "its condition Available; null where it says nothing"),
    ),
)

OTHER_MONITORING = Table(
    "other_monitoring",
    "one object of another operator that says what is watched; that it is there is all that is read",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("engine", "what it belongs to"),
        text("about", "what it speaks of", ("targets", "alerts", "flows")),
    ),
)
