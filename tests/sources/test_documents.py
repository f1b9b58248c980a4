"""Files are read by what they are: every spelling of YAML and JSON, each document with its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import (
    Document,
    Unreadable,
    decode,
    is_object,
    load_strict,
    read_documents,
    whole_documents,
)

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def whole(text: str) -> list:
    return [document.content for document in whole_documents(text)]


def read(text: str) -> list:
    return [
        (d.content, d.position) if isinstance(d, Document) else ("unreadable", d.position) for d in read_documents(text)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("\ufeff\n  \n", []),
        ("# only a comment\n---\n# another\n", []),
        ("a: 1\n", [({"a": 1}, ":1")]),
        ("---\na: 1\n---\n\n# why\nb: 2\n", [({"a": 1}, ":2"), ({"b": 2}, ":6")]),
        ("a: 1\n...\n---\nb: 2\n", [({"a": 1}, ":1"), ({"b": 2}, ":4")]),
        ("--- {a: 1}\n---\tb\n", [({"a": 1}, ":1"), ("b", ":2")]),
        ("text: |\n  ---\n  not a document\n", [({"text": "---\nnot a document\n"}, ":1")]),
        ('{"a": 1}', [({"a": 1}, "")]),
        ('{"a": 1}{"b": 2}\n\n{"c": 3}', [({"a": 1}, ""), ({"b": 2}, ":1"), ({"c": 3}, ":3")]),
        ('{"a": 1}\n{"b": 2}\n', [({"a": 1}, ""), ({"b": 2}, ":2")]),
        ("{a: 1}\n", [({"a": 1}, ":1")]),
        ('{"a": 1}\n---\n{"b": 2}\n', [({"a": 1}, ""), ({"b": 2}, ":3")]),
        ("%YAML 1.2\n# why\n---\na: 1\n", [({"a": 1}, ":4")]),
        ("a: 1\r\n---\r\nb: 2\r\n", [({"a": 1}, ":1"), ({"b": 2}, ":3")]),
        ("v: yes\nt: 2026-01-01T00:00:00Z\nn: 010\ne: 1e3\neq: =\nb: !!binary aGk=\n",
         [({"v": True, "t": "2026-01-01T00:00:00Z", "n": 8, "e": "1e3", "eq": "=", "b": "aGk="}, ":1")]),
        ("a: &x {k: 1}\nb: *x\nc: {<<: *x, m: 2}\n", [({"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "m": 2}}, ":1")]),
        ("a: 1\na: 2\n", [("unreadable", ":1"), ({"a": 2}, ":1")]),
    ],
)  # fmt: skip
def test_documents(text: str, found: list) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: {{ .Values.x }}\n", "is a template that was not rendered"),
        ("a: [1\n", "not YAML at line"),
        ("a: 1\n\tb: 2\n", "not YAML at line 2"),
        ("a: *nowhere\n", "not YAML at line 1"),
        ('{"a": 1}{"b": ', "not JSON"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, words: str) -> None:
    bad = [d for d in read_documents(text) if isinstance(d, Unreadable)]
    assert len(bad) == 1
    assert words in bad[0].error


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "unfolds to more than 2000000 values"),
        ("a: &x [*x]\n", "an alias stands in itself"),
        ("a: " + "[" * 300 + "]" * 300, "nested more than 200 levels deep"),
        ("a: " + "[" * 100_000, "nested more than 200 levels deep"),
        ("a:\n  " + "- " * 100_000 + "x\n", "nested more than 200 levels deep"),
        ("\n".join(" " * level + "a:" for level in range(300)), "nested more than 200 levels deep"),
    ],
    ids=["bomb", "circle", "brackets", "open brackets", "dashes", "keys"],
)
def test_what_would_end_the_process_is_refused(text: str, words: str) -> None:
    [bad] = read_documents(text)
    assert isinstance(bad, Unreadable)
    assert words in bad.error
    with pytest.raises(InputError, match=words):
        load_strict(text, "x")


@given(st.lists(st.integers()), st.integers(1, 50))
def test_aliases_that_people_write_mean_what_they_repeat(value: list, times: int) -> None:
    text = f"a: &x {json.dumps(value)}\nb: [{', '.join(['*x'] * times)}]\n"
    [document] = read_documents(text)
    assert document.content == {"a": document.content["a"], "b": [document.content["a"]] * times}


def test_many_documents_in_one_file_keep_their_lines_and_are_read_in_one_pass() -> None:
    found = list(read_documents("\n".join(json.dumps({"n": n, "pad": "x" * 500}) for n in range(20_000))))
    assert [found[n].position for n in (1, 19_999)] == [":2", ":20000"]


def test_a_broken_document_does_not_lose_the_others() -> None:
    assert read("a: 1\n---\nb: [\n---\nc: 3\n") == [({"a": 1}, ":1"), ("unreadable", ":2"), ({"c": 3}, ":5")]


def test_an_error_names_the_line_of_the_file() -> None:
    [_, bad] = list(read_documents("a: 1\n---\nok: 1\nb: [1\n---\n"))[:2]
    assert "line 5" in bad.error or "line 4" in bad.error


def test_the_source_that_helm_names_is_kept() -> None:
    [document] = read_documents("---\n# Source: chart/templates/pod.yaml\nkind: Pod\n")
    assert (document.origin, document.position) == ("chart/templates/pod.yaml", ":3")


@given(st.lists(values.filter(lambda v: isinstance(v, dict | list)), min_size=1, max_size=4))
def test_json_documents_one_after_another_are_all_read(contents: list) -> None:
    assert whole("\n".join(json.dumps(c) for c in contents)) == contents


@given(st.text(max_size=200))
def test_any_text_is_read_or_named_unreadable(text: str) -> None:
    for document in whole_documents(text):
        assert isinstance(document, Document | Unreadable)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_decoded_by_its_mark(encoding: str) -> None:
    assert decode("kind: Ä".encode(encoding), "x") == "kind: Ä"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="is not utf-8 text at byte 1"):
        decode(b"a\xff", "x.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "x:3: cannot be read: key 'a' stands there twice"),
        ("a: 1\n5: x\n", "x:2: cannot be read: key 5 is not text"),
        ("a: 1\non: x\n", "x:2: cannot be read: key on is not text"),
        ("a: 1\n? [b]\n: x\n", "x:2: cannot be read: key that is a list or a mapping is not text"),
        ("a: [\n", "x:2"),
        ("a: 1\n---\nb: 2\n", "x:"),
    ],
)
def test_a_file_that_a_person_wrote_is_read_strictly(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_strict(text, "x")


def test_every_part_of_a_file_has_its_line() -> None:
    _, lines = load_strict("a: 1\nb:\n- c: 2\n  d: 3\n- e\n", "x")
    assert [lines.line(path) for path in (("a",), ("b",), ("b", 0), ("b", 0, "d"), ("b", 1), ("b", 7, "x"))] == [
        1,
        2,
        3,
        4,
        5,
        2,
    ]


@pytest.mark.parametrize(
    ("content", "is_one"),
    [({"apiVersion": "v1", "kind": "Pod"}, True), ({"kind": "Pod"}, False), ({"apiVersion": 1, "kind": "Pod"}, False),
     ({"apiVersion": "v1", "kind": ""}, False), ([], False), (None, False)],
)  # fmt: skip
def test_an_object_has_apiversion_and_kind(content: object, is_one: bool) -> None:
    assert is_object(content) is is_one
