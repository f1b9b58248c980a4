"""What a server of the Prometheus operator takes, and where its monitors look."""

from typing import Any

import pytest

from hipaa_kit.kube.monitoring.operator import (
    Endpoint,
    choice,
    endpoints,
    is_unmanaged,
    replicas,
    storage,
    target_namespaces,
    target_selector,
)

OWN = {"kubernetes.io/metadata.name": "monitoring", "team": "platform"}
OTHER = {"kubernetes.io/metadata.name": "ehr", "team": "records"}


@pytest.mark.parametrize(
    ("spec", "own", "other"),
    [
        ({}, False, False),
        ({"serviceMonitorSelector": None, "serviceMonitorNamespaceSelector": {}}, False, False),
        ({"serviceMonitorSelector": {}}, True, False),
        ({"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": None}, True, False),
        ({"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}, True, True),
        (
            {
                "serviceMonitorSelector": {"matchLabels": {"release": "main"}},
                "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "records"}},
            },
            False,
            True,
        ),
        (
            {"serviceMonitorSelector": {"matchLabels": {"release": "x"}}, "serviceMonitorNamespaceSelector": {}},
            False,
            False,
        ),
        (
            {
                "serviceMonitorSelector": {"matchExpressions": [{"key": "release", "operator": "Exists"}]},
                "serviceMonitorNamespaceSelector": {},
            },
            True,
            True,
        ),
        ({"podMonitorSelector": {}, "podMonitorNamespaceSelector": {}}, False, False),
        ({"serviceMonitorSelector": "all", "serviceMonitorNamespaceSelector": {}}, False, False),
    ],
)
def test_null_takes_nothing_and_empty_takes_all(spec: dict[str, Any], own: bool, other: bool) -> None:
    taken = choice(spec, "ServiceMonitor", "monitoring")
    assert taken.takes("monitoring", {"release": "main"}, OWN) is own
    assert taken.takes("ehr", {"release": "main"}, OTHER) is other


@pytest.mark.parametrize(
    ("selector", "ignored", "places"),
    [
        (None, False, {"ehr"}),
        ({}, False, {"ehr"}),
        ({"any": True}, False, None),
        ({"any": True, "matchNames": ["imaging"]}, False, None),
        ({"any": False, "matchNames": ["imaging", "portal"]}, False, {"imaging", "portal"}),
        ({"matchNames": []}, False, {"ehr"}),
        ({"any": True}, True, {"ehr"}),
        ({"matchNames": ["imaging"]}, True, {"ehr"}),
    ],
)
def test_a_monitor_looks_into_its_own_namespace_unless_it_says_otherwise(
    selector: Any, ignored: bool, places: set[str] | None
) -> None:
    assert target_namespaces({"namespaceSelector": selector}, "ehr", ignored=ignored) == places


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        ("ServiceMonitor", {"port": "web", "targetPort": 8080}, Endpoint(port="web")),
        ("ServiceMonitor", {"targetPort": 8080}, Endpoint(container_number=8080)),
        ("ServiceMonitor", {"targetPort": "http"}, Endpoint(container_port="http")),
        ("ServiceMonitor", {}, Endpoint()),
        ("PodMonitor", {"port": "web", "portNumber": 1}, Endpoint(port="web")),
        ("PodMonitor", {"portNumber": 8080, "targetPort": "x"}, Endpoint(container_number=8080)),
        ("PodMonitor", {"port": "", "targetPort": "x"}, Endpoint(container_port="x")),
        ("PodMonitor", {"port": "web", "relabelings": [{"action": "Drop"}]}, Endpoint(port="web", certain=False)),
        ("PodMonitor", {"port": "web", "relabelings": [{"targetLabel": "a"}]}, Endpoint(port="web")),
        ("PodMonitor", {"port": "web", "metricRelabelings": [{"action": "drop"}]}, Endpoint(port="web")),
    ],
)
def test_the_name_of_a_port_goes_before_its_number(kind: str, written: dict[str, Any], expected: Endpoint) -> None:
    field = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    assert endpoints({field: [written]}, kind) == [expected]


def test_what_is_not_written() -> None:
    assert target_selector({"selector": {}}).everything
    assert target_selector({}).nothing
    assert target_selector({"selector": []}) is None
    assert (replicas({}), replicas({"replicas": 0}), replicas({"replicas": True})) == (1, 0, 1)
    assert storage({}) == storage({"storage": {"emptyDir": {}}}) == "none"
    assert storage({"storage": {"volumeClaimTemplate": {"spec": {}}}}) == "claim"
    assert storage({"storage": {"emptyDir": {}, "volumeClaimTemplate": {"spec": {}}}}) == "none"
    assert storage({"storage": {"ephemeral": {}, "volumeClaimTemplate": {"spec": {}}}}) == "none"
    assert is_unmanaged({"ruleSelector": {}})
    assert not is_unmanaged({"probeSelector": {}})
