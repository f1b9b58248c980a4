"""Programs that watch a cluster, known by their images, and what each of them does.

An image says which program runs, not how it is configured: what a program does by itself is told apart from what it
does only where somebody asked it to. A program that is not listed is not known to watch anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

METRICS: Final = "metrics"
ALERTING: Final = "alerting"
LOG_STORE: Final = "log store"
LOGS: Final = "logs"
NODE_METRICS: Final = "node metrics"
OBJECT_METRICS: Final = "object metrics"
EVENTS: Final = "events"
FLOWS: Final = "flows"

DUTIES: Final = (METRICS, ALERTING, LOG_STORE, LOGS, NODE_METRICS, OBJECT_METRICS, EVENTS, FLOWS)
"""Keeps metrics; routes alerts; keeps logs; collects logs of its node; measures its node; counts the objects of the
cluster; exports Events; records connections."""


class Program(NamedTuple):
    """One program: its name, what it does by itself, what it does where it is told to, and what its image is called.

    `maker` must stand in front of the last part of an image's name, where others use that part as well; `outside`
    says that what it finds goes to a service outside of the cluster.
    """

    name: str
    images: str
    does: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    maker: str = ""
    outside: bool = False


_COLLECTED: Final = (LOGS, NODE_METRICS, OBJECT_METRICS, EVENTS)

PROGRAMS: Final = (
    # https://prometheus.io/docs/, https://docs.victoriametrics.com/, https://thanos.io/, https://grafana.com/docs/
    Program("Prometheus", "prometheus prometheus-rhel9 prometheus-server", (METRICS,)),
    Program("VictoriaMetrics", "victoria-metrics vmstorage", (METRICS,)),
    Program("vmagent", "vmagent", (METRICS,)),
    Program("Mimir", "mimir", (METRICS,), maker="grafana"),
    Program("Alertmanager", "alertmanager alertmanager-rhel9", (ALERTING,)),
    Program("Loki", "loki", (LOG_STORE,), maker="grafana"),
    Program("VictoriaLogs", "victoria-logs", (LOG_STORE,)),
    Program("node-exporter", "node-exporter prometheus-node-exporter", (NODE_METRICS,)),
    Program("windows-exporter", "windows-exporter", (NODE_METRICS,)),
    Program("kube-state-metrics", "kube-state-metrics", (OBJECT_METRICS,)),
    # https://docs.fluentbit.io/, https://docs.fluentd.org/, https://vector.dev/docs/, https://grafana.com/docs/loki/
    Program("Fluent Bit", "fluent-bit aws-for-fluent-bit fluent-bit-rhel9 gke-fluentbit fluentbit", (LOGS,)),
    Program("Fluentd", "fluentd fluentd-kubernetes-daemonset fluentd-hec logging-fluentd-rhel9", (LOGS,)),
    Program("Vector", "vector vector-rhel9", (LOGS,)),
    Program("Promtail", "promtail", (LOGS,)),
    Program("Filebeat", "filebeat", (LOGS,)),
    Program("Logging agent of Azure", "ciprod ama-logs", (LOGS,), (NODE_METRICS,), outside=True),
    # agents of many duties, which their configuration chooses
    Program("Alloy", "alloy", (), (METRICS, *_COLLECTED), maker="grafana"),
    Program("Grafana Agent", "agent grafana-agent", (), (METRICS, *_COLLECTED), maker="grafana"),
    Program("Elastic Agent", "elastic-agent elastic-agent-complete", (), (METRICS, *_COLLECTED)),
    Program(
        "OpenTelemetry Collector",
        "opentelemetry-collector opentelemetry-collector-contrib opentelemetry-collector-k8s otelcol "
        "aws-otel-collector splunk-otel-collector",
        (),
        (METRICS, *_COLLECTED, FLOWS),
    ),
    # https://docs.datadoghq.com/containers/kubernetes/: node metrics by itself, logs where they are asked for
    Program("Datadog", "agent", (METRICS, NODE_METRICS), (LOGS, EVENTS, FLOWS), maker="datadog", outside=True),
    Program("Datadog", "cluster-agent", (), (OBJECT_METRICS, EVENTS), maker="datadog", outside=True),
    Program("CloudWatch agent", "cloudwatch-agent", (METRICS, NODE_METRICS), (LOGS,), outside=True),
    Program(
        "New Relic", "nri-kubernetes newrelic-infrastructure", (METRICS, NODE_METRICS), (OBJECT_METRICS,), outside=True
    ),
    Program("New Relic", "nri-kube-events", (EVENTS,), outside=True),
    Program("New Relic", "newrelic-fluentbit-output", (LOGS,), outside=True),
    Program("Dynatrace", "oneagent dynatrace-oneagent", (METRICS, NODE_METRICS), (LOGS,), outside=True),
    # https://github.com/resmoio/kubernetes-event-exporter, https://github.com/vmware-archive/eventrouter
    Program("event exporter", "kubernetes-event-exporter event-exporter eventrouter kube-eventer", (EVENTS,)),
    # https://docs.cilium.io/en/stable/observability/hubble/, https://docs.tigera.io/calico/latest/observability/,
    # https://netobserv.io/, https://retina.sh/
    Program("Hubble relay", "hubble-relay", (FLOWS,)),
    Program("Goldmane", "goldmane", (FLOWS,), maker="calico"),
    Program("NetObserv", "netobserv-ebpf-agent network-observability-ebpf-agent-rhel9", (FLOWS,)),
    Program("Retina", "retina-agent", (FLOWS,)),
)
"""The programs. Where two fit an image, the first counts."""


class Store(NamedTuple):
    """Where a program keeps what it keeps: the flag that says so, and folders that its image or chart uses without.

    Only folders that were confirmed stand here: see `docs/sources.md`. `objects` says that it may keep all of it in an
    object store, of which its pods show nothing.
    """

    flag: str
    folders: tuple[str, ...]
    objects: bool = False


STORES: Final = {
    "Prometheus": Store("storage.tsdb.path", ("/prometheus",)),
    "VictoriaMetrics": Store("storageDataPath", ()),
    "VictoriaLogs": Store("storageDataPath", ()),
    "Alertmanager": Store("storage.path", ("/alertmanager",)),
    "Loki": Store("", ("/var/loki",), objects=True),
    "Mimir": Store("", (), objects=True),
}
"""Programs that keep metrics, alerts or logs. What says where stands in a file of configuration for Loki and Mimir.

Source: the `Dockerfile` of prometheus/prometheus and of prometheus/alertmanager, the chart of Loki,
https://grafana.com/docs/loki/latest/configure/storage/ (`object_store` of each period),
https://grafana.com/docs/mimir/latest/configure/configure-object-storage-backend/,
https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#list-of-command-line-flags
"""

STORE_FLAGS: Final = frozenset(store.flag for store in STORES.values() if store.flag)
"""Flags whose value, a folder, passes the door."""

_BY_IMAGE: Final[dict[str, list[Program]]] = {}
for _each in PROGRAMS:
    for _image in _each.images.split():
        _BY_IMAGE.setdefault(_image, []).append(_each)


def program_of(repository: str) -> Program | None:
    """Return the program that an image holds, None where it is none of these."""
    place, _, name = repository.rpartition("/")
    return next((each for each in _BY_IMAGE.get(name, ()) if each.maker in place), None)


def duties_of(program: Program) -> Iterator[tuple[str, bool]]:
    """Yield what a program does, and whether it does so by itself."""
    yield from ((duty, True) for duty in program.does)
    yield from ((duty, False) for duty in program.may)
