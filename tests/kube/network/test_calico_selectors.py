"""Calico's language of selectors.

Source: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.network.calico_selectors import parse_expression
from hipaa_kit.kube.network.reading import PolicyError

MATCHES = [
    ("", {}, True),
    ("all()", {}, True),
    ("global()", {"a": "b"}, False),
    ("a == 'b'", {"a": "b"}, True),
    ('a == "b"', {"a": "c"}, False),
    ("a == 'b'", {}, False),
    ("a != 'b'", {}, True),
    ("a != 'b'", {"a": "b"}, False),
    ("has(a)", {"a": ""}, True),
    ("!has(a)", {}, True),
    ("a in {'b', 'c'}", {"a": "c"}, True),
    ("a in { }", {"a": "c"}, False),
    ("a not in {'b'}", {}, True),
    ("a notin {'b'}", {"a": "b"}, False),
    ("a contains 'x'", {"a": "axb"}, True),
    ("a contains 'x'", {}, False),
    ("a starts with 'x'", {"a": "xy"}, True),
    ("a startswith 'x'", {"a": "yx"}, False),
    ("a ends with 'x'", {"a": "yx"}, True),
    ("a == 'b' && c == 'd'", {"a": "b", "c": "d"}, True),
    ("a == 'b' && c == 'd'", {"a": "b"}, False),
    ("a == 'b' || c == 'd'", {"c": "d"}, True),
    ("a == 'b' || c == 'd' && e == 'f'", {"a": "b"}, True),
    ("(a == 'b' || c == 'd') && e == 'f'", {"a": "b"}, False),
    ("!(a == 'b')", {"a": "b"}, False),
    ("!!has(a)", {"a": "1"}, True),
    ("projectcalico.org/name in {'x'}", {"projectcalico.org/name": "x"}, True),
    ("in == 'x'", {"in": "x"}, True),
    ("has( a )", {"a": "1"}, True),
]


@pytest.mark.parametrize(("text", "labels", "expected"), MATCHES)
def test_match(text: str, labels: dict[str, str], expected: bool) -> None:
    assert parse_expression(text).matches(labels) is expected


@pytest.mark.parametrize(
    "text",
    ["a = 'b'", "a ==", "a == b", "== 'b'", "a == 'b", "(a == 'b'", "a == 'b')", "a in 'b'", "a in {'b'", "has()", "a & b", "a b", "!", "a not 'b'", "a == 'b' &&"],
)  # fmt: skip
def test_what_is_no_selector_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(PolicyError, match="position"):
        parse_expression(text)


def test_brackets_have_a_depth() -> None:
    with pytest.raises(PolicyError, match="deep"):
        parse_expression("(" * 5000 + "has(a)" + ")" * 5000)


expressions = st.recursive(
    st.sampled_from(["has(a)", "a == 'x'", "b != 'y'", "a in {'x', 'z'}", "b not in {'y'}", "a contains 'x'", "all()"]),
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=8,
)
labels = st.fixed_dictionaries({}, optional={"a": st.sampled_from(["x", "z", "w"]), "b": st.sampled_from(["y", "v"])})


@given(expressions, labels)
def test_written_again_it_means_the_same(text: str, held: dict[str, str]) -> None:
    found = parse_expression(text)
    assert parse_expression(str(found)).matches(held) == found.matches(held)


@given(expressions, labels)
def test_what_is_known_of_labels_decides_as_all_of_them_do(text: str, held: dict[str, str]) -> None:
    found = parse_expression(text)
    assert found.judge({}) in (None, found.matches(held))


@given(expressions, labels)
def test_values_that_it_does_not_mention_are_alike(text: str, held: dict[str, str]) -> None:
    found = parse_expression(text)
    whole = {key for key, values in found.mentions() if values is None}
    named = {(key, value) for key, values in found.mentions() for value in values or ()}
    changed = {k: v if k in whole or (k, v) in named else "another" for k, v in held.items()}
    assert found.matches(changed) == found.matches(held)
