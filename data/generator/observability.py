"""What watches the hospital: the operator of Prometheus and what it runs, exporters, and where alerts go."""

from __future__ import annotations

from typing import Any

from hospital import SCRAPED
from infrastructure import server
from model import APP, Budget, Container, Custom, Declaration, Service, Workload
from shapes import TEMPORARY

TEAM = {"team": "platform"}
RELEASE = {"release": "clinic"}
"""Label by which the server takes monitors and rules."""

RUNBOOKS = "https://wiki.clinic.example/runbooks/"
WATCHDOG = "Watchdog"

# Group: alerts in it, each with expression, wait and severity.
ALERTS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "workloads": (
        ("PodNotReady", 'min_over_time(kube_pod_status_ready{condition="true"}[5m]) == 0', "10m", "critical"),
        (
            "VolumeFillingUp",
            "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.1",
            "15m",
            "warning",
        ),
        ("CertificateEnding", "certmanager_certificate_expiration_timestamp_seconds - time() < 604800", "", "warning"),
    ),
    "platform": (
        ("NodeNotReady", 'kube_node_status_condition{condition="Ready",status="true"} == 0', "15m", "critical"),
        ("AuditEventsLost", "increase(apiserver_audit_error_total[10m]) > 0", "", "critical"),
        ("LogsNotShipped", "increase(fluentbit_output_retries_failed_total[10m]) > 0", "10m", "critical"),
        (
            "RefusedRequests",
            'sum by (code) (rate(apiserver_request_total{code=~"401|403"}[5m])) > 5',
            "5m",
            "critical",
        ),
    ),
    "heartbeat": ((WATCHDOG, "vector(1)", "", "none"),),
    "backups": (
        ("BackupFailed", "increase(velero_backup_failure_total[1h]) > 0", "", "critical"),
        ("BackupOld", "time() - velero_backup_last_successful_timestamp > 93600", "", "critical"),
    ),
}


def observability() -> list[Declaration]:
    """Declare the whole of it."""
    return [*servers(), *exporters(), *monitors(), *(rule(name) for name in ALERTS), alert_routes()]


def servers() -> list[Declaration]:
    """Declare Prometheus and Alertmanager: what the operator is asked for, and the StatefulSets that it makes."""
    prometheus = Container(
        "prometheus",
        "quay.io/prometheus/prometheus:v3.6.0",
        ports={"web": 9090},
        memory=4096,
        mounts={"/prometheus": "data"},
        readiness="http /-/ready web",
    )
    alertmanager = Container(
        "alertmanager",
        "quay.io/prometheus/alertmanager:v0.28.1",
        ports={"web": 9093},
        memory=128,
        mounts={"/alertmanager": "data"},
        readiness="http /-/ready web",
    )
    everywhere: dict[str, Any] = {}
    taken = {"matchLabels": RELEASE}
    wanted = {
        "alerting": {"alertmanagers": [{"name": "alertmanager", "namespace": "monitoring", "port": "web"}]},
        "podMonitorNamespaceSelector": everywhere,
        "podMonitorSelector": taken,
        "retention": "30d",
        "ruleNamespaceSelector": everywhere,
        "ruleSelector": taken,
        "serviceMonitorNamespaceSelector": everywhere,
        "serviceMonitorSelector": taken,
    }
    return [
        server("monitoring", "prometheus-operator", "quay.io/prometheus-operator/prometheus-operator:v0.86.1", 8080),
        made_by_operator("Prometheus", prometheus, 100, account="prometheus", token=True),
        made_by_operator("Alertmanager", alertmanager, 5),
        asked_of_operator("Prometheus", wanted),
        asked_of_operator("Alertmanager", {"alertmanagerConfiguration": {"name": "clinic"}}),
        Service("monitoring", "prometheus", {"web": (9090, "web")}, app="prometheus-clinic"),
        Service("monitoring", "alertmanager", {"web": (9093, "web")}, app="alertmanager-clinic"),
        Budget("monitoring", "prometheus", "prometheus-clinic"),
        Budget("monitoring", "alertmanager", "alertmanager-clinic"),
    ]


def made_by_operator(kind: str, container: Container, size: int, **fields: Any) -> Workload:
    """Declare the StatefulSet that the operator makes for an object of its own."""
    return Workload(
        "StatefulSet",
        "monitoring",
        f"{kind.lower()}-clinic",
        (container,),
        claims={"data": size},
        priority="",
        made_by=f"{kind}/clinic",
        **fields,
    )


def asked_of_operator(kind: str, spec: dict[str, Any]) -> Custom:
    """Declare an object by which the operator runs a server of two replicas on claims."""
    size = {"Prometheus": "100Gi", "Alertmanager": "5Gi"}[kind]
    claim = {"spec": {"resources": {"requests": {"storage": size}}, "storageClassName": "ceph-block"}}
    available = {
        "type": "Available",
        "status": "True",
        "reason": "",
        "message": "",
        "lastTransitionTime": "2026-11-09T04:12:30Z",
        "observedGeneration": 1,
    }
    status = {
        "availableReplicas": 2,
        "conditions": [available],
        "paused": False,
        "replicas": 2,
        "unavailableReplicas": 0,
    }
    wanted = {"replicas": 2, "storage": {"volumeClaimTemplate": claim}, **spec}
    return Custom(kind, "monitoring", "clinic", {"spec": wanted, "status": status})


def exporters() -> list[Declaration]:
    """Declare what counts objects, exports Events, records connections, and shows all of it."""
    return [
        server(
            "monitoring",
            "kube-state-metrics",
            "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.17.0",
            8080,
            ready="http /readyz 8081",
        ),
        server("monitoring", "event-exporter", "ghcr.io/resmoio/kubernetes-event-exporter:v1.7", 2112),
        server("kube-system", "hubble-relay", "quay.io/cilium/hubble-relay:v1.18.2", 4245, token=False),
        server(
            "monitoring",
            "grafana",
            "docker.io/grafana/grafana:12.2.0",
            3000,
            env={"GF_SECURITY_ADMIN_PASSWORD": "secret:grafana/admin-password"},
            volumes=TEMPORARY,
        ),
        Service("kube-system", "hubble-relay", {"grpc": (80, "http")}, app="hubble-relay"),
        Service("monitoring", "kube-state-metrics", {"http": (8080, "http")}, app="kube-state-metrics"),
        Service("monitoring", "grafana", {"web": (80, "http")}, app="grafana"),
    ]


def monitors() -> list[Declaration]:
    """Declare one monitor for each workload that is scraped: of its Service where that has the port, else of pods."""
    return [monitor(workload, name, of_service) for workload, name, _, of_service in SCRAPED]


def monitor(workload: str, port: str, of_service: bool) -> Custom:
    """Declare one monitor beside what it names."""
    _, namespace, name = workload.split("/")
    field = "endpoints" if of_service else "podMetricsEndpoints"
    spec = {"selector": {"matchLabels": {APP: name}}, field: [{"interval": "30s", "port": port}]}
    kind = "ServiceMonitor" if of_service else "PodMonitor"
    return Custom(kind, namespace, name, {"spec": spec}, labels=RELEASE)


def rule(name: str) -> Custom:
    """Declare the alerts of one group."""
    return Custom(
        "PrometheusRule",
        "monitoring",
        name,
        {"spec": {"groups": [{"name": name, "rules": [alert(*each) for each in ALERTS[name]]}]}},
        labels=RELEASE,
    )


def alert(name: str, expression: str, wait: str, severity: str) -> dict[str, Any]:
    """Return one alert."""
    return {
        "alert": name,
        "annotations": {"runbook_url": RUNBOOKS + name, "summary": f"{name}: see the runbook"},
        "expr": expression,
        "labels": {"severity": severity, **TEAM},
        **({"for": wait} if wait else {}),
    }


def alert_routes() -> Custom:
    """Declare where alerts go: critical ones to the pager, the heartbeat to who notices its end, others to a chat."""

    def key(name: str) -> dict[str, str]:
        return {"key": name, "name": "alert-receivers"}

    return Custom(
        "AlertmanagerConfig",
        "monitoring",
        "clinic",
        {
            "spec": {
                "receivers": [
                    {"name": "channel", "slackConfigs": [{"apiURL": key("channel"), "channel": "#platform"}]},
                    {"name": "on-call", "pagerdutyConfigs": [{"routingKey": key("pager")}]},
                    {"name": "heartbeat", "webhookConfigs": [{"urlSecret": key("heartbeat")}]},
                ],
                "route": {
                    "groupBy": ["alertname", "namespace"],
                    "receiver": "channel",
                    "routes": [
                        {"matchers": [{"name": "alertname", "value": WATCHDOG}], "receiver": "heartbeat"},
                        {"matchers": [{"name": "severity", "value": "critical"}], "receiver": "on-call"},
                    ],
                },
            }
        },
    )
