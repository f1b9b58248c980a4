"""Servers that the Prometheus operator runs, the monitors and rules they take, and what other operators have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.inventory.fields import condition, items, mapping, number, reference, string_map, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.monitoring.operator import Choice, choice, is_unmanaged, replicas, storage
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.monitoring import METRIC_SERVERS, MONITORS, OTHER_MONITORING

GROUP: Final = "monitoring.coreos.com"
ALERTMANAGER: Final = custom(GROUP, "Alertmanager")
PROMETHEUS: Final = custom(GROUP, "Prometheus")
AGENT: Final = custom(GROUP, "PrometheusAgent")
RULER: Final = custom(GROUP, "ThanosRuler")
SCRAPING: Final = (PROMETHEUS, AGENT)
SERVERS: Final = (*SCRAPING, RULER, ALERTMANAGER)
SERVICE_MONITOR: Final = custom(GROUP, "ServiceMonitor")
POD_MONITOR: Final = custom(GROUP, "PodMonitor")
TAKEN: Final = (SERVICE_MONITOR, POD_MONITOR, custom(GROUP, "Probe"), custom(GROUP, "ScrapeConfig"))
"""Kinds that say what is scraped, which servers that scrape take.

Source: https://prometheus-operator.dev/docs/getting-started/design/
"""

OTHERS: Final = {
    custom("operator.victoriametrics.com", "VMAgent"): ("VictoriaMetrics operator", "targets"),
    custom("operator.victoriametrics.com", "VMPodScrape"): ("VictoriaMetrics operator", "targets"),
    custom("operator.victoriametrics.com", "VMServiceScrape"): ("VictoriaMetrics operator", "targets"),
    custom("operator.victoriametrics.com", "VMAlert"): ("VictoriaMetrics operator", "alerts"),
    custom("operator.victoriametrics.com", "VMAlertmanager"): ("VictoriaMetrics operator", "alerts"),
    custom("operator.victoriametrics.com", "VMRule"): ("VictoriaMetrics operator", "alerts"),
    custom("opentelemetry.io", "OpenTelemetryCollector"): ("OpenTelemetry operator", "targets"),
    custom("monitoring.grafana.com", "GrafanaAgent"): ("Grafana Agent operator", "targets"),
    custom("monitoring.grafana.com", "MetricsInstance"): ("Grafana Agent operator", "targets"),
    custom("grafana.integreatly.org", "GrafanaAlertRuleGroup"): ("Grafana operator", "alerts"),
    custom("datadoghq.com", "DatadogAgent"): ("Datadog operator", "targets"),
    custom("datadoghq.com", "DatadogMonitor"): ("Datadog operator", "alerts"),
    custom("monitoring.googleapis.com", "PodMonitoring"): ("Managed Service for Prometheus", "targets"),
    custom("monitoring.googleapis.com", "ClusterPodMonitoring"): ("Managed Service for Prometheus", "targets"),
    custom("monitoring.googleapis.com", "Rules"): ("Managed Service for Prometheus", "alerts"),
    custom("monitoring.googleapis.com", "ClusterRules"): ("Managed Service for Prometheus", "alerts"),
    custom("azmonitoring.coreos.com", "PodMonitor"): ("Azure Monitor", "targets"),
    custom("azmonitoring.coreos.com", "ServiceMonitor"): ("Azure Monitor", "targets"),
    custom("flows.netobserv.io", "FlowCollector"): ("NetObserv", "flows"),
    custom("telemetry.istio.io", "Telemetry"): ("Istio", "flows"),
}


@builds(METRIC_SERVERS, reads=SERVERS)
def metric_servers(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per server that the operator runs."""
    for kind in SERVERS:
        for record in snapshot.records(kind):
            spec = mapping(record.content, "spec")
            yield {
                "object": record.object,
                "kind": kind.kind,
                "namespace": record.namespace,
                "replicas": replicas(spec),
                "available": condition(record.content, "Available"),
                "available_replicas": number(record.content, "status", "availableReplicas"),
                "storage": storage(spec),
                "retention": text(spec, "retention"),
                "forwards": bool(items(spec, "remoteWrite")),
                "unmanaged": kind in SCRAPING and is_unmanaged(spec),
                "extra_targets": bool(mapping(spec, "additionalScrapeConfigs")),
                "alertmanagers": " ".join(_told_of(record)),
                "extra_alertmanagers": bool(
                    mapping(spec, "additionalAlertManagerConfigs") or mapping(spec, "alertmanagersConfig")
                ),
            }


def _told_of(record: Record) -> list[str]:
    """Return the Services of the Alertmanagers that a server is told of; a namespace that is not written is its own."""
    told = items(record.content, "spec", "alerting", "alertmanagers")
    named = [reference("Service", text(each, "namespace") or record.namespace, text(each, "name")) for each in told]
    return sorted({each for each in named if each})


def choices(snapshot: Snapshot, kind: Kind, servers: tuple[Kind, ...]) -> dict[str, Choice]:
    """Return for each server that runs which objects of a kind it takes."""
    return {
        record.object: choice(mapping(record.content, "spec"), kind.kind, record.namespace)
        for server in servers
        for record in snapshot.records(server)
        if replicas(mapping(record.content, "spec"))
    }


def namespace_labels(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Return the labels of every namespace; the API writes the name of each among them."""
    return {
        record.name: {"kubernetes.io/metadata.name": record.name, **labels_of(record)}
        for record in snapshot.records(kinds.NAMESPACE)
    }


def labels_of(record: Record) -> dict[str, str]:
    """Return the labels of an object."""
    return string_map(record.content, "metadata", "labels")


def taken_by(record: Record, held: Mapping[str, Choice], labels: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the servers that take an object."""
    own = labels.get(record.namespace, {"kubernetes.io/metadata.name": record.namespace})
    return [name for name, each in held.items() if each.takes(record.namespace, labels_of(record), own)]


@builds(MONITORS, reads=[kinds.NAMESPACE, *SCRAPING, *TAKEN])
def monitors(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per monitor and server that takes it, and one for what no server takes."""
    labels = namespace_labels(snapshot)
    for kind in TAKEN:
        held = choices(snapshot, kind, SCRAPING)
        for record in snapshot.records(kind):
            for server in taken_by(record, held, labels) or [""]:
                yield {"object": record.object, "kind": kind.kind, "namespace": record.namespace, "server": server}


@builds(OTHER_MONITORING, reads=OTHERS)
def other_monitoring(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per object of another operator that says what is watched.

    Two kinds of different groups may share a name; the group is not part of an object's name, and the first counts.
    """
    seen: set[str] = set()
    for kind, (engine, about) in OTHERS.items():
        for record in snapshot.records(kind):
            if record.object not in seen:
                seen.add(record.object)
                yield {"object": record.object, "engine": engine, "about": about}
