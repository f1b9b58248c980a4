"""JSON whose equal parts are one object is the JSON that it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.sources.sharing import SharedJson
from hipaa_kit.sources.snapshot import canonical_json

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(st.characters(codec=None), max_size=9),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=20,
)


@given(st.lists(values, max_size=4))
def test_what_is_read_is_what_json_reads(held: list[Any]) -> None:
    shared = SharedJson()
    for value in (*held, *held):
        raw = canonical_json(value)
        read = shared.loads(raw)
        assert repr(read) == repr(json.loads(raw.decode("utf-8", "surrogatepass")))


def test_equal_parts_are_one_object() -> None:
    shared = SharedJson()
    first = shared.loads(b'{"name":"a","template":{"x":[1,2]}}')
    second = shared.loads(b'{"name":"b","template":{"x":[1,2]}}')
    assert first["template"] is second["template"]


@pytest.mark.parametrize("raw", [b"1", b"1.0", b"-0.0", b"1e400", b"12345678901234567890123", b'"\\u0000"', b"null"])
def test_numbers_keep_their_type_and_digits(raw: bytes) -> None:
    assert repr(SharedJson().loads(raw)) == repr(json.loads(raw))
