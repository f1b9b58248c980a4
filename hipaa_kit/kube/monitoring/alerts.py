"""What an alert is about, told by the metrics that its expression reads.

An alert's name is free text; the metric it reads is not. One whose metric is not listed counts for nothing here, so
that a topic may look empty where an unknown exporter watches it, and never the other way round.
Sources: https://github.com/kubernetes/kube-state-metrics/tree/main/docs,
https://kubernetes.io/docs/reference/instrumentation/metrics/, https://cert-manager.io/docs/devops-tips/prometheus-metrics/,
https://velero.io/docs/main/, https://cloudnative-pg.io/documentation/current/monitoring/,
https://github.com/prometheus/blackbox_exporter, https://docs.fluentbit.io/manual/administration/monitoring,
https://vector.dev/docs/reference/configuration/sources/internal_metrics/,
https://github.com/falcosecurity/falcosidekick/blob/master/docs/outputs/prometheus.md,
https://tetragon.io/docs/reference/metrics/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from hipaa_kit.kube.monitoring.promql import Series

PODS: Final = "pods"
NODES: Final = "nodes"
VOLUMES: Final = "volumes"
CERTIFICATES: Final = "certificates"
BACKUPS: Final = "backups"
AUDIT_LOG: Final = "audit-log"
SUSPICION: Final = "suspicion"
JOBS: Final = "jobs"

TOPICS: Final = {
    PODS: "pods that are down",
    NODES: "nodes that are down",
    VOLUMES: "volumes that fill up",
    CERTIFICATES: "certificates that end",
    BACKUPS: "backups that fail",
    AUDIT_LOG: "audit events or logs that get lost",
    SUSPICION: "requests that are refused, and other suspicious activity",
}
"""What must be alerted on, and in words."""

_METRICS: Final = {
    PODS: """
        kube_daemonset_status_number_available kube_daemonset_status_number_ready
        kube_deployment_status_replicas_available kube_deployment_status_replicas_unavailable
        kube_pod_container_status_ready kube_pod_container_status_restarts_total
        kube_pod_container_status_waiting_reason kube_pod_status_ready kube_statefulset_status_replicas_available
        kube_statefulset_status_replicas_ready
    """,
    VOLUMES: """
        kubelet_volume_stats_available_bytes kubelet_volume_stats_used_bytes
    """,
    CERTIFICATES: """
        certmanager_certificate_expiration_timestamp_seconds probe_ssl_earliest_cert_expiry
        probe_ssl_last_chain_expiry_timestamp_seconds x509_cert_not_after
    """,
    BACKUPS: """
        barman_cloud_cloudnative_pg_io_last_failed_backup_timestamp
        barman_cloud_cloudnative_pg_io_last_available_backup_timestamp
        cnpg_collector_last_available_backup_timestamp cnpg_collector_last_failed_backup_timestamp
        k8up_jobs_failed_counter longhorn_backup_state velero_backup_failure_total velero_backup_last_status
        velero_backup_last_successful_timestamp velero_backup_partial_failure_total
        velero_backup_validation_failure_total
    """,
    AUDIT_LOG: """
        apiserver_audit_error_total apiserver_audit_event_total apiserver_audit_requests_rejected_total
        fluentbit_output_dropped_records_total fluentbit_output_errors_total fluentbit_output_retries_failed_total
        fluentd_output_status_buffer_available_space_ratio fluentd_output_status_num_errors
        fluentd_output_status_retry_count loki_write_dropped_entries_total otelcol_exporter_send_failed_log_records
        otelcol_exporter_send_failed_log_records_total promtail_dropped_entries_total vector_component_errors_total
        vector_component_discarded_events_total
    """,
    SUSPICION: """
        falco_events falcosecurity_falco_rules_matches_total falcosecurity_falcosidekick_falco_events_total
        tetragon_policy_events_total
    """,
    JOBS: """
        kube_job_failed kube_job_status_failed
    """,
}
_TOPIC_OF: Final = {metric: topic for topic, names in _METRICS.items() for metric in names.split()}
_NODE_GONE: Final = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
_TOLD_BY_LABEL: Final = {
    "apiserver_authentication_attempts": (SUSPICION, "result", ("failure", "error"), ("success",)),
    "apiserver_authorization_decisions_total": (SUSPICION, "decision", ("denied",), ("allowed",)),
    "apiserver_request_total": (SUSPICION, "code", ("401", "403"), ("200", "500")),
    "authentication_attempts": (SUSPICION, "result", ("failure", "error"), ("success",)),
    "kube_node_spec_taint": (NODES, "key", _NODE_GONE, ()),
    "kube_node_status_condition": (NODES, "condition", ("Ready",), ()),
    "kube_pod_status_phase": (PODS, "phase", ("Failed", "Pending", "Unknown"), ("Running",)),
}
"""Metrics that speak of good and bad alike: the label, its values that stand for the bad, and those that must not be
asked for as well."""

NARROWED_BY_NAMESPACE: Final = frozenset([PODS, VOLUMES])
"""Topics whose metrics say in which namespace something happened: an alert may be about some namespaces alone."""

OBJECT_LABELS: Final = {
    PODS: ("container", "pod", "daemonset", "deployment", "statefulset"),
    NODES: ("node",),
    VOLUMES: ("persistentvolumeclaim",),
    CERTIFICATES: ("name",),
    BACKUPS: ("schedule",),
}
"""Labels that name one of the objects that a topic is about."""


def is_narrowed(topic: str, series: Iterable[Series]) -> bool:
    """Tell whether all series of a topic ask for one object by its name, and so say nothing of others."""
    labels = OBJECT_LABELS.get(topic, ())
    return all(
        any(label in labels and sign == "=" and value for label, sign, value in each.matchers) for each in series
    )


def topics_of(
    series: Iterable[Series], recorded: Mapping[str, Iterable[Series]] | None = None
) -> dict[str, list[Series]]:
    """Return the topics that an expression is about, each with the series that say so.

    Parameters
    ----------
    series
        What the expression reads.
    recorded
        What stands behind the names that recording rules make; such names may rest on one another.
    """
    found: dict[str, list[Series]] = {}
    for each in unfolded(series, recorded or {}):
        if topic := _topic(each):
            found.setdefault(topic, []).append(each)
    return found


def unfolded(series: Iterable[Series], recorded: Mapping[str, Iterable[Series]]) -> list[Series]:
    """Return series with those that were recorded replaced by what they were made from."""
    waiting, found, seen = list(series), [], set()
    while waiting:
        each = waiting.pop()
        if each.metric not in recorded:
            found.append(each)
        elif each.metric not in seen:
            seen.add(each.metric)
            # Which labels a recorded series keeps is not known: conditions on it are taken for conditions on its parts.
            waiting += [Series(inner.metric, inner.matchers + each.matchers) for inner in recorded[each.metric]]
    return sorted(set(found))


def _topic(series: Series) -> str:
    if series.metric in _TOLD_BY_LABEL:
        topic, label, bad, good = _TOLD_BY_LABEL[series.metric]
        asked = any(series.admits(label, value) for value in bad)
        return topic if asked and all(series.admits(label, value) is False for value in good) else ""
    return _TOPIC_OF.get(series.metric, "")
