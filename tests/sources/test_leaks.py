"""The second net: what it finds, what it leaves alone, and that it never shows a value."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.errors import LeakError
from hipaa_kit.sources.leaks import PATTERNS, find_leaks, is_placeholder, looks_secret, refuse_leaks
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
AUTH = json.dumps({"auths": {"registry.example": {"auth": "dXNlcjpwYXNz"}}})

FOUND = [
    ("json_web_token", TOKEN),
    ("json_web_token", f"text\\n{TOKEN}"),
    ("private_key", "-----BEGIN PRIVATE KEY-----"),
    ("private_key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ("private_key", "-----BEGIN PGP PRIVATE KEY BLOCK-----"),
    ("aws_key_id", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_key_id", "\\nASIAIOSFODNN7EXAMPLE"),
    ("bearer_token", "Authorization: Bearer abcdefghijklmnop"),
    ("bearer_token", "authorization: bearer abcdefghijklmnop"),
    ("registry_auth", AUTH),
    ("registry_auth", json.dumps({"a": AUTH})),
    ("registry_auth", AUTH.replace('"', "&quot;")),
    ("url_password", "postgres://ehr:hunter2@db:5432/ehr"),
    ("url_password", "REDIS://:hunter2@cache"),
    ("url_password", "https://user:a/b@host/"),
    ("social_security_number", "078-05-1120"),
    ("social_security_number", "ssn\\n078-05-1120."),
    ("medical_record_number", "MRN 0012345"),
    ("medical_record_number", "patient (mrn:12345)"),
    ("medical_record_number", "MRN_12345678"),
    ("base64_password", base64.b64encode(b'{"password": "hunter2"}').decode()),
    ("base64_password", "config=" + base64.b64encode(b"my Password is hunter2").decode()),
    ("base64_password", "xy" + base64.b64encode(b"my Password is hunter2").decode()),
    ("base64_password", base64.urlsafe_b64encode(b"\xff\xff?? password ??\xff\xff").decode()),
    ("base64_password", base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----").decode()),
    ("base64_password", base64.b64encode(f"token: {TOKEN}".encode()).decode()),
]

HARMLESS = [
    "",
    "registry.example:5000/ehr/server@sha256:" + "0123456789abcdef" * 4,
    "3f0c1b52-2f0e-4f8e-9a55-f3a4e2a5b1c0",
    "2026-11-20T02:00:00Z",
    "https://ehr.example:8443/path/a@b",
    "http://a.b/c and mail to x@example.com",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "Bearer of news",
    "000-12-3456 and 666-12-3456 and 900-12-3456",
    "ehr-078-05-1120",
    "1078-05-11200",
    "MRN 123",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "/apis/apps/v1/namespaces/ehr/deployments/status",
    "the password is in a Secret",
    '"auth": ""',
]


@pytest.mark.parametrize(("pattern", "text"), FOUND)
def test_secrets_are_found_by_their_pattern(pattern: str, text: str) -> None:
    assert pattern in {leak.pattern for leak in find_leaks(text)}
    assert pattern in {leak.pattern for leak in find_leaks(f"<p>before {text} after</p>")}
    assert looks_secret(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_cluster_is_full_of_is_no_secret(text: str) -> None:
    assert find_leaks(text) == []
    assert not looks_secret(text)


def test_pseudonyms_are_no_secrets() -> None:
    pseudonym = Pseudonymizer(DEMO_KEY)
    text = json.dumps({f"key {n}": f"--token={pseudonym(str(n))}" for n in range(500)})
    assert find_leaks(text) == []


def test_positions_point_at_what_was_found() -> None:
    assert [leak.position for leak in find_leaks("a 078-05-1120 b AKIAIOSFODNN7EXAMPLE")] == [2, 16]


def test_an_error_names_pattern_place_and_position_and_never_the_value() -> None:
    with pytest.raises(LeakError) as caught:
        refuse_leaks(f"x {TOKEN}", "notebooks/00.ipynb")
    message = str(caught.value)
    assert "notebooks/00.ipynb" in message
    assert "json web token at position 2" in message
    assert TOKEN[:12] not in message
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_text_without_secrets_is_not_refused() -> None:
    refuse_leaks("\n".join(HARMLESS), "x")


@pytest.mark.parametrize(
    "value", ["7 bytes long", "7 bytes", "<7 bytes>", "***HIDDEN***", "REDACTED", "<redacted>", "removed"]
)
def test_placeholders_of_other_tools_are_known(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["", "null", "hunter2", "7 bytes long and more", "HIDDEN"])
def test_other_values_are_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    "text", ["a://" * 20_000, "A" * 100_000, "1-" * 50_000, "eyJ" * 30_000, "a:" * 50_000, "mrn" * 30_000]
)
def test_no_text_makes_the_search_slow(text: str) -> None:
    started = time.process_time()
    find_leaks(text)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_quick_look_passes_over_nothing_that_a_pattern_finds(pattern: str) -> None:
    compiled = re.compile(PATTERNS[pattern])

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(compiled), st.text(max_size=8), st.text(max_size=8))
    def holds(found: str, before: str, after: str) -> None:
        text = f"{before}{found}{after}"
        if compiled.search(text):
            every = re.compile("|".join(f"(?P<{name}>{each})" for name, each in PATTERNS.items()))
            expected = [(each.lastgroup, each.start()) for each in every.finditer(text)]
            assert [leak for leak in find_leaks(text) if leak.pattern != "base64_password"] == expected

    holds()
