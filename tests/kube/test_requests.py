"""What a pod asks of its node: cases of the written rules, and what holds whatever is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.quantities import cores
from hipaa_kit.kube.requests import asked_as_a_whole, effective_request


def container(request: str = "", limit: str = "", *, sidecar: bool = False) -> dict[str, Any]:
    resources = {"requests": {"cpu": request} if request else {}, "limits": {"cpu": limit} if limit else {}}
    return {"resources": resources, **({"restartPolicy": "Always"} if sidecar else {})}


CASES = [
    ({}, 0.0),
    ({"containers": [container("1"), container("500m")]}, 1.5),
    ({"containers": [container("", "2")]}, 2.0),
    ({"containers": [container("0", "2")]}, 0.0),
    ({"containers": [container("1")], "initContainers": [container("3")]}, 3.0),
    ({"containers": [container("1")], "initContainers": [container("1", sidecar=True)]}, 2.0),
    # A sidecar counts beside the init containers after it, not beside those before it.
    ({"containers": [container("1")], "initContainers": [container("1", sidecar=True), container("3")]}, 4.0),
    ({"containers": [container("1")], "initContainers": [container("3"), container("1", sidecar=True)]}, 3.0),
    # What the pod asks for as a whole is asked for, be it more or less than its containers.
    ({"resources": {"requests": {"cpu": "5"}}, "containers": [container("1")]}, 5.0),
    ({"resources": {"requests": {"memory": "1Gi"}}, "containers": [container("1")]}, 1.0),
    ({"resources": {"limits": {"cpu": "5"}}, "containers": [container("1")]}, 1.0),
    ({"resources": {"limits": {"cpu": "5"}}, "containers": [container()]}, 5.0),
    ({"overhead": {"cpu": "250m"}, "containers": [container("1")]}, 1.25),
    ({"overhead": {"cpu": "250m"}, "resources": {"requests": {"cpu": "5"}}}, 5.25),
    ({"resources": {"requests": {"cpu": "much"}}, "containers": [container("1")]}, 1.0),
    ({"resources": "much", "containers": "none"}, 0.0),
]


@pytest.mark.parametrize(("spec", "asked"), CASES)
def test_effective_request(spec: dict[str, Any], asked: float) -> None:
    assert effective_request(spec, "cpu", cores) == asked


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"containers": [container("1")]}, None),
        ({"resources": {"requests": {"cpu": "2"}}}, 2.0),
        ({"resources": {"limits": {"cpu": "2"}}}, 2.0),
        ({"resources": {"requests": {"cpu": "0"}}}, 0.0),
    ],
)
def test_asked_as_a_whole(spec: dict[str, Any], asked: float | None) -> None:
    assert asked_as_a_whole(spec, "cpu", cores) == asked


AMOUNTS = st.integers(0, 9).map(str)
CONTAINERS = st.lists(st.builds(container, AMOUNTS), max_size=4)
STARTING = st.lists(st.builds(container, AMOUNTS, sidecar=st.booleans()), max_size=4)


@given(CONTAINERS, STARTING)
def test_one_container_more_never_asks_for_less(running: list[Any], starting: list[Any]) -> None:
    asked = effective_request({"containers": running, "initContainers": starting}, "cpu", cores)
    assert asked >= effective_request({"containers": running[:-1], "initContainers": starting}, "cpu", cores)
    assert asked >= effective_request({"containers": running, "initContainers": starting[:-1]}, "cpu", cores)
