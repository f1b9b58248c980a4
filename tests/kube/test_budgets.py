"""A PodDisruptionBudget allows what the disruption controller would."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.budgets import blocks_for_good, desired_healthy, disruptions_allowed, int_or_text

AMOUNTS = st.integers(0, 12) | st.integers(0, 100).map(lambda percent: f"{percent}%")


@pytest.mark.parametrize(
    ("expected", "min_available", "max_unavailable", "desired"),
    [
        (3, 2, None, 2),
        (3, 5, None, 5),
        (7, "50%", None, 4),
        (3, "1%", None, 1),
        (3, "100%", None, 3),
        (3, "0%", None, 0),
        (3, None, 1, 2),
        (3, None, 0, 3),
        (3, None, 5, 0),
        (7, None, "50%", 3),
        (3, None, "1%", 2),
        (3, None, "0%", 3),
        (3, None, "100%", 0),
        (1, None, "50%", 0),
        (3, None, None, 0),
        (3, "two", None, None),
        (3, None, "2", None),
        (3, True, None, None),
    ],
)
def test_desired_healthy_rounds_up_for_both_fields(
    expected: int, min_available: Any, max_unavailable: Any, desired: int | None
) -> None:
    assert desired_healthy(expected, min_available, max_unavailable) == desired


@pytest.mark.parametrize(
    ("expected", "healthy", "min_available", "max_unavailable", "allowed"),
    [
        (3, 3, 2, None, 1),
        (3, 2, 2, None, 0),
        (3, 1, 2, None, 0),
        (10, 9, None, "30%", 2),
        (0, 0, None, 1, 0),
        (0, 0, 0, None, 0),
        (3, 3, None, None, 0),
        (3, 3, "x", None, None),
    ],
)
def test_disruptions_allowed(
    expected: int, healthy: int, min_available: Any, max_unavailable: Any, allowed: int | None
) -> None:
    assert disruptions_allowed(expected, healthy, min_available, max_unavailable) == allowed


@pytest.mark.parametrize(
    ("expected", "min_available", "max_unavailable", "blocks"),
    [
        (3, None, 0, True),
        (3, None, "0%", True),
        (3, "100%", None, True),
        (3, 3, None, True),
        (3, 4, None, True),
        (1, 1, None, True),
        (1, "50%", None, True),
        (3, 2, None, False),
        (3, None, 1, False),
        # rounding up lets the only replica go
        (1, None, "1%", False),
        # a budget that counts no pods allows nothing, and one without either field counts none
        (3, None, None, True),
        (0, 1, None, False),
        (0, None, 0, False),
        (3, None, "half", None),
    ],
)
def test_budgets_that_block_every_drain(
    expected: int, min_available: Any, max_unavailable: Any, blocks: bool | None
) -> None:
    assert blocks_for_good(expected, min_available, max_unavailable) is blocks


@given(st.integers(0, 20), st.integers(0, 20), AMOUNTS)
def test_never_more_is_allowed_than_are_healthy(expected: int, healthy: int, amount: Any) -> None:
    for fields in ((amount, None), (None, amount)):
        allowed = disruptions_allowed(expected, healthy, *fields)
        assert allowed is not None
        assert 0 <= allowed <= healthy


@given(st.integers(1, 20), AMOUNTS)
def test_a_budget_blocks_for_good_where_all_healthy_pods_are_needed(expected: int, amount: Any) -> None:
    for fields in ((amount, None), (None, amount)):
        needed = desired_healthy(expected, *fields)
        assert needed is not None
        assert blocks_for_good(expected, *fields) == (needed >= expected)


@given(st.integers(1, 50), st.integers(0, 99))
def test_a_larger_max_unavailable_never_allows_less(expected: int, percent: int) -> None:
    allowed = [disruptions_allowed(expected, expected, None, f"{each}%") for each in (percent, percent + 1)]
    assert None not in allowed
    assert allowed == sorted(allowed)


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("0", 0), ("50%", "50%"), ("", None), ("-1", "-1")])
def test_an_int_or_string_kept_as_text_reads_back(text: str, value: Any) -> None:
    assert int_or_text(text) == value
