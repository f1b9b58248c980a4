"""What a record speaks of: globs and safe regular expressions, never everything, never slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.sources.signed import Matcher, refuse_pattern
from hipaa_kit.sources.signed.matching import matches

FACTS = {"cluster": "prod-eu", "namespace": "lab", "kind": "Deployment", "name": "analyzer-2"}


@pytest.mark.parametrize(
    ("pattern", "text", "meets"),
    [
        ("lab", "lab", True),
        ("lab", "labs", False),
        ("lab", "LAB", False),
        ("prod-*", "prod-eu", True),
        ("prod-*", "preprod-eu", False),
        ("analyzer-?", "analyzer-2", True),
        ("analyzer-?", "analyzer-20", False),
        ("[ab]x", "bx", True),
        ("re:analyzer-[0-9]+", "analyzer-20", True),
        ("re:analyzer", "analyzer-20", False),
        ("re:(web|api)-prod", "api-prod", True),
        (r"re:a\.b", "a.b", True),
        (r"re:a\.b", "axb", False),
    ],
)
def test_a_pattern_is_of_the_whole_text(pattern: str, text: str, meets: bool) -> None:
    refuse_pattern(pattern)
    assert matches(pattern, text) is meets


def test_all_conditions_hold_together() -> None:
    assert Matcher((("cluster", "prod-*"), ("name", "analyzer-*"))).meets(FACTS)
    assert not Matcher((("cluster", "prod-*"), ("name", "web"))).meets(FACTS)
    assert Matcher(()).meets(FACTS)


@pytest.mark.parametrize(
    "pattern",
    [
        *("*", "**", "?*", "re:", "re:.*", "re:.+", "re:^.*$", "re:(.*)", "re:.*|x", "re:.+|x", "re:[^/]+", "re:a?"),
        *("re:(a+)+b", "re:(a|b)*c", "re:(a){2}b", r"re:(a)\1b", "re:(?=a)b", "re:(?i)abc", "re:a*b*c*d", "re:a{1,9}b+c+"),
        *("re:(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)", "re:" + "a" * 121, "re:(a", "x" * 254),
    ],
)  # fmt: skip
def test_what_says_nothing_or_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(InputError):
        refuse_pattern(pattern)


@given(st.text(alphabet=r"ab.*+?|(){}[]\1^$", max_size=40), st.text(alphabet="ab.", max_size=200))
def test_what_is_accepted_is_quickly_answered(regex: str, text: str) -> None:
    try:
        refuse_pattern(f"re:{regex}")
    except InputError:
        return
    started = time.process_time()
    matches(f"re:{regex}", text + "!")
    assert time.process_time() - started < 1
