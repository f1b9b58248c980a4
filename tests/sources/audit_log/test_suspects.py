"""Texts that the engine passes over hold nothing that looks like a secret."""

from __future__ import annotations

import base64

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.sources.audit_log.writing import LEAST, SUSPECT
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


@pytest.mark.parametrize("capital", range(LEAST))
@pytest.mark.parametrize("around", ["", " ", "é", "."])
def test_a_run_with_a_capital_anywhere_is_suspect(capital: int, around: str) -> None:
    assert suspect(around + "a" * capital + "B" + "a" * (LEAST - 1 - capital) + around)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 60,
        "B" + "a" * 19,
        "a" * 19 + "B",
        "a" * 11 + "B" + "a" * 11,
        "/apis/rbac.authorization.k8s.io/v1/clusterroles ClusterRoleBinding ServiceAccount/ns-1",
    ],
)
def test_a_run_that_is_short_or_has_no_capital_is_not_suspect(text: str) -> None:
    assert not suspect(text)
