"""A count goes together with what is counted, in templates and in sentences alike."""

import pytest

from hipaa_kit.counting import Count


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1 ePHI pod runs"),
        (0, "0 ePHI pods run"),
        (2, "2 ePHI pods run"),
        (11, "11 ePHI pods run"),
        ("1", "1 ePHI pod runs"),
        ("unknown", "unknown ePHI pods run"),
        (1.5, "1.5 ePHI pods run"),
    ],
)
def test_a_noun_and_its_verb_go_with_the_number(number: object, said: str) -> None:
    assert "{pods:ePHI pod} {pods:runs|run}".format_map({"pods": Count(number)}) == said


def test_without_a_format_it_is_the_number_alone() -> None:
    assert f"{Count(1)} of {Count(3)}" == "1 of 3"
