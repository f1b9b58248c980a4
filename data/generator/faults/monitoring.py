"""Faults of monitoring and alerting: what nobody measures, and trouble that nobody would hear of."""

from __future__ import annotations

from model import Hospital, Input, Trouble, all_but

from faults.integrity import NO_SENSOR
from faults.patches import Fault, Patch, change, drop, input_rows, together, write

SINCE = "2026-11-18T21:14:06Z"
CRASHES, NO_IMAGE = Trouble("CrashLoopBackOff", SINCE, 87), Trouble("ImagePullBackOff", SINCE)
RULES = ("spec", "groups", 0, "rules")


def unlabelled(key: str) -> Patch:
    """Take away the label by which the server takes a monitor."""
    return change(key, labels={})


NO_RELAY = change("Deployment/kube-system/hubble-relay", trouble={0: CRASHES})
NO_METRICS = together(
    write("Prometheus/monitoring/clinic", "status", "conditions", 0, "status", value="False"),
    write("Prometheus/monitoring/clinic", "status", "availableReplicas", value=0),
)
ONE_ALERTMANAGER = together(
    write("Alertmanager/monitoring/clinic", "spec", "replicas", value=1),
    write("Alertmanager/monitoring/clinic", "status", "replicas", value=1),
    write("Alertmanager/monitoring/clinic", "status", "availableReplicas", value=1),
    change("StatefulSet/monitoring/alertmanager-clinic", replicas=1),
)


def deaf(number: int, field: str) -> Patch:
    """Leave a receiver without its integration."""

    def patch(hospital: Hospital) -> None:
        write("AlertmanagerConfig/monitoring/clinic", "spec", "receivers", number, field, value=None)(hospital)

    return patch


def measured(question: str, name: str, value: float, *, namespace: str = "imaging", last: bool = False) -> Patch:
    """Give the first, or last, series of a pod or claim another value."""

    def patch(hospital: Hospital) -> None:
        key = f"Input//metrics/{question}.json"
        declared = hospital.declared[key]
        assert isinstance(declared, Input), key  # noqa: S101 - the key names an input
        labels = [each["metric"] for each in declared.content["data"]["result"]]
        found = [
            place
            for place, held in enumerate(labels)
            if held["namespace"] == namespace and name in (held.get("pod"), held.get("persistentvolumeclaim"))
        ]
        path = ("data", "result", found[-1 if last else 0], "value", 1)
        write(key, *path, value=f"{value:g}")(hospital)

    return patch


def rewritten(ticket: str, **fields: str) -> Patch:
    """Write other fields into a ticket."""

    def patch(hospital: Hospital) -> None:
        rows = input_rows(hospital, "Input//tickets.csv")
        hospital.change("Input//tickets.csv", content=[row | fields if row["id"] == ticket else row for row in rows])

    return patch


NO_AGENT = change("DaemonSet/monitoring/fluent-bit", nodes=all_but("cp-2"))
"""cp-2 is left without what collects logs."""

FAULTS = (
    Fault(
        "Prometheus/monitoring/clinic",
        "HK-MON-01",
        "the operator says that none of its replicas is available",
        NO_METRICS,
    ),
    Fault(
        "Deployment/ehr/fhir-server",
        "HK-MON-02",
        "its monitor lacks the label by which the server takes monitors",
        unlabelled("ServiceMonitor/ehr/fhir-server"),
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-MON-02",
        "its monitor names a port that its pods do not have",
        write("PodMonitor/ehr/ehr-redis", "spec", "podMetricsEndpoints", 0, "port", value="http-metrics"),
    ),
    Fault(
        "Deployment/portal/portal-web",
        "HK-MON-02",
        "no monitor names it",
        drop("ServiceMonitor/portal/portal-web"),
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-MON-02",
        "one of its pods does not answer when it is asked for metrics",
        measured("up", "orthanc-1", 0),
    ),
    Fault(
        "Deployment/monitoring/kube-state-metrics",
        "HK-MON-03",
        "nothing counts the objects of the cluster any more",
        change("Deployment/monitoring/kube-state-metrics", trouble={0: CRASHES}),
    ),
    Fault(
        "Node//cp-2",
        "HK-MON-03",
        "no agent collects the logs of this node",
        NO_AGENT,
    ),
    Fault("Node//worker-b2", "HK-MON-04", "no sensor watches the ePHI pods of this worker", NO_SENSOR),
    Fault(
        "Deployment/kube-system/hubble-relay",
        "HK-MON-05",
        "connections are not recorded while it crashes",
        NO_RELAY,
    ),
    Fault(
        "Attestation//ATT-MON-05",
        "HK-EVL-02",
        "that all flows are kept was attested in September, and since then what passes them on crashes",
        NO_RELAY,
    ),
    Fault(
        "Deployment/monitoring/event-exporter",
        "HK-MON-06",
        "its image cannot be pulled, and Events are gone after an hour",
        change("Deployment/monitoring/event-exporter", trouble={0: NO_IMAGE}),
    ),
    Fault("Deployment/kube-system/hubble-relay", "HK-MON-07", "none of its pods is ready", NO_RELAY),
    Fault("Alertmanager/monitoring/clinic", "HK-MON-08", "it runs once", ONE_ALERTMANAGER),
    Fault(
        "StatefulSet/imaging/pacs-db",
        "HK-MON-09",
        "a container of it is near its memory limit",
        measured("memory", "pacs-db-0", 0.97 * 2048 * 2**20),
    ),
    Fault(
        "StatefulSet/integration/rabbitmq",
        "HK-MON-09",
        "its volume is nearly full",
        measured("volumes", "data-rabbitmq-1", 0.93 * 20 * 2**30, namespace="integration", last=True),
    ),
    Fault(
        "Cluster//alerts-on-certificates",
        "HK-ALR-01",
        "the alert on certificates that end reads a metric that says something else",
        write(
            *("PrometheusRule/monitoring/workloads", *RULES, 2, "expr"),
            value="certmanager_http_acme_client_request_count > 100",
        ),
    ),
    Fault(
        "Cluster//alerts-on-backups",
        "HK-ALR-01",
        "no server takes the alerts on backups",
        unlabelled("PrometheusRule/monitoring/backups"),
    ),
    Fault(
        "Alertmanager/monitoring/clinic",
        "HK-ALR-02",
        "critical alerts go to a receiver that reaches nobody",
        deaf(1, "pagerdutyConfigs"),
    ),
    Fault(
        "Alertmanager/monitoring/clinic",
        "HK-ALR-04",
        "the alert that always fires goes to a receiver that reaches nobody",
        deaf(2, "webhookConfigs"),
    ),
    Fault(
        "PrometheusRule/monitoring/platform",
        "HK-ALR-05",
        "the alert on lost audit events says nothing of what to do",
        write("PrometheusRule/monitoring/platform", *RULES, 1, "annotations", "runbook_url", value=None),
    ),
    Fault(
        "Cluster//detection-test",
        "HK-ALR-06",
        "the alert of the test of detection came three hours late",
        rewritten(
            "CLIN-1092",
            opened_at="2026-11-13T18:40:00Z",
            acknowledged_at="2026-11-13T18:44:00Z",
            closed_at="2026-11-13T19:02:00Z",
        ),
    ),
    Fault(
        "Cluster//automated-response",
        "HK-ALR-07",
        "the sensor only tells of who writes to system files, and stops nobody",
        write(
            *("TracingPolicy//writes-to-system-files", "spec", "kprobes", 0, "selectors", 0, "matchActions"),
            value=[{"action": "Post"}],
        ),
    ),
    Fault(
        "Ticket//CLIN-1084",
        "HK-ALR-08",
        "a critical alert of the night was taken in the morning",
        rewritten("CLIN-1084", acknowledged_at="2026-11-07T05:05:00Z"),
    ),
)
