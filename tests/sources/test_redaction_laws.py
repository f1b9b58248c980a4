"""Laws of redaction on objects of any shape."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.sources.leaks import find_leaks
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import redact
from hipaa_kit.sources.redaction.fields import METADATA
from hipaa_kit.sources.redaction.rules import ENVIRONMENT, STRUCTURAL

CANARY = "hummingbird-7f3a9c51e2"
PSEUDONYM = Pseudonymizer(DEMO_KEY)

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40))
TELLING = """
metadata labels annotations spec status data stringData env command args containers name value key values selector
matchLabels limits parameters httpHeaders message url path type template valueFrom managedFields openAPIV3Schema image
""".split()
names = st.one_of(st.sampled_from(TELLING), st.text(max_size=12))
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
    max_leaves=25,
)
kinds = st.sampled_from(
    [("v1", "Pod"), ("v1", "Secret"), ("apps/v1", "Deployment"), ("example.com/v1", "Thing"), ("cilium.io/v2", "X")]
)


def _object(kind: tuple[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": kind[0], "kind": kind[1], **fields}


@settings(max_examples=300, deadline=None)
@given(kinds, st.dictionaries(names, junk, max_size=6))
def test_any_json_is_redacted_once_and_for_all(kind: tuple[str, str], fields: dict[str, Any]) -> None:
    obj = _object(kind, fields)
    before = json.dumps(obj)
    once = redact(obj, PSEUDONYM)
    assert json.dumps(obj) == before
    assert redact(once.content, PSEUDONYM).content == once.content
    assert not find_leaks(json.dumps(once.content))


canaries = st.sampled_from([CANARY, f"a {CANARY} b", f"x={CANARY}", f"https://u:{CANARY}@h/"])
plain_names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9).filter(
    lambda name: name not in STRUCTURAL | METADATA | {"selector", "labels"}
)
nested = st.recursive(
    canaries,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(plain_names, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(plain_names, nested, min_size=1, max_size=4))
def test_no_text_of_an_unknown_kind_passes_but_under_names_of_structure(spec: dict[str, Any]) -> None:
    redacted = redact(_object(("example.com/v1", "Thing"), {"spec": spec, "status": spec, "data": spec}), PSEUDONYM)
    assert CANARY not in json.dumps([redacted.content, redacted.facts])


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1).filter(lambda name: not ENVIRONMENT.fullmatch(name)), nested)
def test_no_literal_of_the_environment_passes(name: str, value: Any) -> None:
    container = {"name": "c", "image": "i", "env": [{"name": name, "value": value}]}
    redacted = redact(_object(("v1", "Pod"), {"spec": {"containers": [container]}}), PSEUDONYM)
    assert CANARY not in json.dumps([redacted.content, redacted.facts])


@settings(max_examples=200, deadline=None)
@given(plain_names, nested)
def test_no_value_of_an_unknown_annotation_passes(name: str, value: Any) -> None:
    metadata = {"name": "x", "annotations": {f"example.com/{name}": value}}
    redacted = redact(_object(("v1", "Pod"), {"metadata": metadata}), PSEUDONYM)
    assert CANARY not in json.dumps([redacted.content, redacted.facts])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["--token", "-p", "run", CANARY, f"--a={CANARY}", f"-x{CANARY}", "8080"]), max_size=6))
def test_no_argument_passes(words: list[str]) -> None:
    container = {"name": "c", "image": "i", "command": ["serve", *words], "args": words}
    redacted = redact(_object(("v1", "Pod"), {"spec": {"containers": [container]}}), PSEUDONYM)
    assert CANARY not in json.dumps([redacted.content, redacted.facts])


def test_what_nests_too_deep_to_follow_is_dropped_and_counted() -> None:
    deep: Any = CANARY
    for _ in range(5000):
        deep = {"a": deep}
    redacted = redact(_object(("v1", "Pod"), {"metadata": {"name": "x"}, "spec": deep}), PSEUDONYM)
    assert redacted.content == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
    assert redacted.counts["too_deep"] == 1
