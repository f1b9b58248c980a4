"""Texts that the engine passes over hold nothing that looks like a secret."""

from __future__ import annotations

import base64

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.sources.audit_log.writing import SUSPECT
from hipaa_kit.sources.leaks import PATTERNS, find_leaks

AROUND = st.text(alphabet="aZ0-/_.: \"'ä", max_size=6)
ENGINE = duckdb.connect()


def suspect(text: str) -> bool:
    ((found,),) = ENGINE.execute("SELECT regexp_matches($1, $2)", [text, SUSPECT]).fetchall()
    return bool(found)


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_a_pattern_finds_is_suspect(pattern: str, data: st.DataObject) -> None:
    text = data.draw(AROUND) + data.draw(st.from_regex(PATTERNS[pattern], fullmatch=True)) + data.draw(AROUND)
    if find_leaks(text):
        assert suspect(text)


@settings(max_examples=50, deadline=None)
@given(
    before=st.binary(max_size=8),
    word=st.sampled_from([b"password", b"PASSWD", b"private_key", b"secretAccessKey", b"Bearer abcdefghijklmnop"]),
    after=st.binary(min_size=6, max_size=24),
    around=AROUND,
)
def test_what_is_found_inside_base64_is_suspect(before: bytes, word: bytes, after: bytes, around: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = around + encode(before + word + after).decode().rstrip("=") + around
        if find_leaks(text):
            assert suspect(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 23 + "B", True),
        ("a" * 22 + "B", False),
        ("B" + "a" * 23, True),
        ("B" + "a" * 22, False),
        ("a" * 10 + "B" + "a" * 13, True),
        ("a" * 10 + "B" + "a" * 12, False),
        ("a" * 60, False),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles ClusterRoleBinding ServiceAccount/ns-1", False),
    ],
)
def test_a_run_is_suspect_from_its_length_on_and_with_a_capital(text: str, expected: bool) -> None:
    assert suspect(text) is expected
