"""Alerts: the rules by which they fire, what they are about, and where they go."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

ALERT_RULES = Table(
    "alert_rules",
    "one alert that one PrometheusRule defines",
    ("object", "group", "position"),
    (
        text("object", "`PrometheusRule/namespace/name`"),
        text("group", "name of the group of rules"),
        count("position", "place in the group, from 1"),
        text("alert", "name of the alert"),
        text("severity", "label `severity`, or none"),
        count("for_seconds", "how long its condition must hold; null where what is written is no duration"),
        text("metrics", "metrics that its expression reads, joined by spaces"),
        flag("always", "it always fires"),
        flag("runbook", "an annotation names a runbook"),
        flag("owner", "a label names an owner or a team"),
        text("servers", "objects of `metric_servers` that load it, joined by spaces; none where none does"),
        flag("own_namespace", "every server that loads it narrows it to its own namespace"),
    ),
)

ALERT_TOPICS = Table(
    "alert_topics",
    "one thing that one alert is about, by the metrics it reads",
    ("object", "group", "position", "topic"),
    (
        text("object", "`PrometheusRule/namespace/name`"),
        text("group", "name of the group of rules"),
        count("position", "place in the group, from 1"),
        text(
            "topic",
            "what it is about",
            ("pods", "nodes", "volumes", "certificates", "backups", "audit-log", "suspicion", "jobs"),
        ),
        text("missed_namespaces", "namespaces with workloads that its conditions leave out, or may, joined by spaces"),
        flag("one_object", "its conditions name one object, and so say nothing of others"),
    ),
)

ALERTMANAGER_CONFIGS = Table(
    "alertmanager_configs",
    "one AlertmanagerConfig, and one Alertmanager that takes it",
    ("object", "alertmanager"),
    (
        text("object", "`AlertmanagerConfig/namespace/name`"),
        text("alertmanager", "`Alertmanager/namespace/name`; none where none takes it"),
        flag("whole", "the Alertmanager names it as its whole configuration"),
        flag("narrowed", "its routes are for alerts of its own namespace alone"),
    ),
)

ALERT_WAYS = Table(
    "alert_ways",
    "one alert of `alert_rules`, or any critical alert, and where one Alertmanager sends it",
    ("alertmanager", "object", "group", "position"),
    (
        text("alertmanager", "`Kind/namespace/name`: an Alertmanager, or a workload that runs one"),
        text("object", "`PrometheusRule/namespace/name`; none stands for any alert of severity critical"),
        text("group", "name of the group of rules, or none"),
        count("position", "place in the group; 0 stands for any alert of severity critical"),
        text("alert", "name of the alert, or none"),
        text(
            "state",
            "heard: it comes to an integration; deaf: to none; open: that depends on labels or on the time; "
            "unread: to which kind of integration depends on a condition whose value is not kept; "
            "unknown: the configuration was not read",
            ("heard", "deaf", "open", "unread", "unknown"),
        ),
        maybe("ready", "the Alertmanager is ready; null where neither its pods nor its status say so"),
        text("receivers", "receivers that it may come to, joined by spaces"),
        text("integrations", "kinds of integration that these have, joined by spaces"),
        text("configuration", "object that holds the configuration, or none that is known"),
    ),
)

ALERTMANAGER_SERVICES = Table(
    "alertmanager_services",
    "one Service and Alertmanager to whose pods it leads",
    ("service", "alertmanager"),
    (
        text("service", "`Service/namespace/name`"),
        text("alertmanager", "`Kind/namespace/name`: an Alertmanager, or a workload that runs one"),
    ),
)

DETECTORS = Table(
    "detectors",
    "one thing that may look for suspicious requests among the audit events of the API server",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("engine", "what it is"),
        text(
            "state",
            "reads audit events; waits for them, and nothing shows that they come; starved: none are sent; open: it "
            "may read them, which is not visible; no: it does not",
            ("reads", "waits", "starved", "open", "no"),
        ),
        maybe("ready", "a pod of it is ready; null where there is none to ask"),
    ),
)

RESPONDERS = Table(
    "responders",
    "one workload that acts by itself on what was found, or may",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("program", "what it is"),
        text(
            "acts",
            "policies: objects of the cluster have it stop what it finds; open: what it acts on was not read; "
            "no: it only tells of what it finds",
            ("policies", "open", "no"),
        ),
        maybe("ready", "a pod of it is ready; null where there is none to ask"),
        text("account", "`ServiceAccount/namespace/name` it runs as"),
        text("may", "what its account may do against a pod or node in every namespace with ePHI, joined by `, `"),
        flag("needs_rights", "it acts by requests to the API server, and can do nothing without rights"),
        flag("everything", "its account holds every right in the whole cluster"),
        flag("secrets", "its account may read the Secrets of every namespace"),
        text("gaps", "what could make a right that does not show, or none"),
        text("evidence", "policies that have it act, joined by spaces"),
    ),
)
