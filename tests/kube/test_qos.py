"""Pods have the quality of service class that the API server gives them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.qos import BEST_EFFORT, BURSTABLE, GUARANTEED, qos_class

AMOUNTS = {"cpu": "500m", "memory": "1Gi"}
FULL = {"limits": AMOUNTS, "requests": AMOUNTS}
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.sampled_from(["0", "1", "2"]))
        for name in ("limits", "requests")
    },
)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], BEST_EFFORT),
        ([{}], BEST_EFFORT),
        ([{}, {}], BEST_EFFORT),
        ([{"limits": None, "requests": {}}], BEST_EFFORT),
        ([{"requests": {"cpu": "0", "memory": "0"}}], BEST_EFFORT),
        ([{"limits": {"cpu": "0", "memory": "0"}}], BEST_EFFORT),
        ([{"limits": {"ephemeral-storage": "1Gi"}, "requests": {"nvidia.com/gpu": "1"}}], BEST_EFFORT),
        ([FULL], GUARANTEED),
        ([FULL, FULL], GUARANTEED),
        ([{"limits": AMOUNTS}], GUARANTEED),
        ([{"limits": AMOUNTS, "requests": {"cpu": "0.5"}}], GUARANTEED),
        ([{"limits": {"cpu": "1", "memory": "1024Mi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}], GUARANTEED),
        ([{"limits": {**AMOUNTS, "ephemeral-storage": "1Gi"}}], GUARANTEED),
        ([{"limits": AMOUNTS, "requests": {"cpu": "0"}}], BURSTABLE),
        ([{"limits": AMOUNTS, "requests": {"cpu": "250m"}}], BURSTABLE),
        ([{"requests": AMOUNTS}], BURSTABLE),
        ([{"requests": {"memory": "1Gi"}}], BURSTABLE),
        ([{"limits": {"memory": "1Gi"}}], BURSTABLE),
        ([{"limits": {"cpu": "1", "memory": "0"}}], BURSTABLE),
        # an init container or sidecar counts like any other
        ([FULL, {}], BURSTABLE),
        ([{}, FULL], BURSTABLE),
        ([FULL, {"requests": {"cpu": "1m"}}], BURSTABLE),
        # the API rounds up to thousandths before it compares
        ([{"limits": {"cpu": "0.0002", "memory": "1"}, "requests": {"cpu": "0.0001", "memory": "1"}}], GUARANTEED),
        # what is no quantity counts as not written
        ([{"limits": {"cpu": "lots", "memory": "1Gi"}}], BURSTABLE),
    ],
)
def test_class_by_resources(resources: list[dict[str, Any]], expected: str) -> None:
    assert qos_class(resources) == expected


@given(st.lists(RESOURCES, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_containers_does_not_matter(resources: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(resources, len(resources))
    assert qos_class(shuffled) == qos_class(resources)


@given(st.lists(RESOURCES, min_size=1, max_size=4))
def test_a_pod_is_guaranteed_only_where_each_container_is(resources: list[dict[str, Any]]) -> None:
    each = [qos_class([one]) for one in resources]
    assert (qos_class(resources) == GUARANTEED) == all(one == GUARANTEED for one in each)
    assert (qos_class(resources) == BEST_EFFORT) == all(one == BEST_EFFORT for one in each)


@given(st.lists(RESOURCES, max_size=3), RESOURCES)
def test_a_further_container_never_makes_a_burstable_pod_anything_else(
    resources: list[dict[str, Any]], further: dict[str, Any]
) -> None:
    if qos_class(resources) == BURSTABLE:
        assert qos_class([*resources, further]) == BURSTABLE
