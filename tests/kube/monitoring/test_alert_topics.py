"""What an alert is about, by the metrics it reads."""

import pytest

from hipaa_kit.kube.monitoring.alerts import TOPICS, topics_of, unfolded
from hipaa_kit.kube.monitoring.promql import Series, series_of


@pytest.mark.parametrize(
    ("expression", "topics"),
    [
        ("kube_pod_status_ready == 0", {"pods"}),
        ('kube_pod_status_phase{phase="Failed"} > 0', {"pods"}),
        ('kube_pod_status_phase{phase=~"Pending|Running"} > 0', set()),
        ("kube_pod_status_phase > 0", set()),
        ('kube_node_status_condition{condition="Ready"} == 0', {"nodes"}),
        ('kube_node_status_condition{condition="DiskPressure"} == 1', set()),
        ("kube_node_status_condition == 0", {"nodes"}),
        ("kube_pod_status_ready == 0 unless on(node) kube_node_status_condition == 0", {"pods"}),
        ("kube_pod_status_ready * on(node) group_left(x) kube_node_status_condition == 0", {"pods"}),
        ('kube_node_spec_taint{key="node.kubernetes.io/unreachable"} == 1', {"nodes"}),
        ('kube_node_spec_taint{key="gpu"} == 1', set()),
        ("kubelet_volume_stats_available_bytes < 1", {"volumes"}),
        ("probe_ssl_earliest_cert_expiry - time() < 1", {"certificates"}),
        ("apiserver_client_certificate_expiration_seconds_count > 0", set()),
        ("velero_backup_failure_total > 0", {"backups"}),
        ("velero_backup_success_total > 0", set()),
        ("kube_job_status_failed > 0", {"jobs"}),
        ("apiserver_audit_error_total > 0", {"audit-log"}),
        ('apiserver_request_total{code="403"} > 0', {"suspicion"}),
        ('apiserver_request_total{code=~"4.."} > 0', {"suspicion"}),
        ('apiserver_request_total{code=~"4..|5.."} > 0', set()),
        ('apiserver_request_total{code!~"2.."} > 0', set()),
        ('apiserver_request_total{code=~"(4|5)0(1|3)"} > 0', set()),
        ("apiserver_request_total > 0", set()),
        ('authentication_attempts{result="failure"} > 0', {"suspicion"}),
        ("authentication_attempts > 0", set()),
        ("my_velero_backup_failure_total > 0", set()),
        ("up == 0", set()),
    ],
)
def test_topic_by_metric(expression: str, topics: set[str]) -> None:
    assert set(topics_of(series_of(expression))) == topics


def test_recorded_series_stand_for_what_they_are_made_from_however_deep_and_also_in_a_circle() -> None:
    recorded = {"a": series_of("b > 0"), "b": series_of("velero_backup_failure_total + a")}
    assert set(topics_of(series_of("a > 0"), recorded)) == {"backups"}
    assert unfolded(series_of("a"), recorded) == [Series("velero_backup_failure_total")]


def test_conditions_on_a_recorded_series_hold_for_its_parts() -> None:
    recorded = {"a": series_of("kube_pod_status_ready")}
    [found] = topics_of(series_of('a{namespace="ehr"}'), recorded)["pods"]
    assert found.admits("namespace", "ehr") is True
    assert found.admits("namespace", "imaging") is False


def test_every_topic_has_words() -> None:
    assert all(TOPICS.values())
