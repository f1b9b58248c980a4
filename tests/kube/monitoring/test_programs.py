"""Programs that watch, by their images."""

import pytest

from hipaa_kit.kube.monitoring.programs import DUTIES, PROGRAMS, duties_of, program_of
from hipaa_kit.tables.monitoring import WATCH_DUTIES


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("quay.io/prometheus/prometheus", "Prometheus"),
        ("registry.example/mirror/prometheus/node-exporter", "node-exporter"),
        ("gcr.io/datadoghq/agent", "Datadog"),
        ("docker.io/datadog/agent", "Datadog"),
        ("docker.io/grafana/agent", "Grafana Agent"),
        ("docker.io/jenkins/agent", ""),
        ("docker.io/grafana/alloy", "Alloy"),
        ("docker.io/example/alloy", ""),
        ("cr.fluentbit.io/fluent/fluent-bit", "Fluent Bit"),
        ("prometheus-operator/prometheus-operator", ""),
        ("prometheus", "Prometheus"),
        ("", ""),
    ],
)
def test_program_by_image(repository: str, name: str) -> None:
    found = program_of(repository)
    assert (found.name if found else "") == name


def test_what_a_program_does_by_itself_is_told_apart() -> None:
    found = program_of("gcr.io/datadoghq/agent")
    assert found is not None
    assert dict(duties_of(found)) == {
        "metrics": True,
        "node metrics": True,
        "logs": False,
        "events": False,
        "flows": False,
    }


def test_duties_are_those_of_the_table() -> None:
    assert DUTIES == WATCH_DUTIES
    assert {duty for each in PROGRAMS for duty, _ in duties_of(each)} == set(DUTIES)
