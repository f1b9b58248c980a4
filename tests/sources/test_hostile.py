"""One bad object never loses the others: it is kept, repaired and told, or passed over and told; nothing hangs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.sources.documents import Document, Unreadable, read_pieces
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.store import open_snapshot, save_snapshot
from hipaa_kit.views.inspection import inspection_text
from tests.support.snapshots import TEST_KEY

GOOD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "good", "namespace": "ehr"}}
HEAD = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad","namespace":"ehr"}'
TOO_DEEP = "nested more than 200 levels deep"
REPLACED = "holds bytes that are not text; they were replaced"


def pod(**metadata: Any) -> dict[str, Any]:
    return {**GOOD, "metadata": {"name": "bad", "namespace": "ehr", **metadata}}


def listed(*items: Any) -> str:
    texts = [item if isinstance(item, str) else json.dumps(item) for item in items]
    return '{"apiVersion":"v1","kind":"List","items":[%s]}' % ",".join([*texts, json.dumps(GOOD)])  # noqa: UP031


def load(folder: Path, content: str | bytes, name: str = "in.json", limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Import one file, and read back the snapshot that was kept of it."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (folder / "in").mkdir()
    (folder / "in" / name).write_bytes(raw)
    snapshot = import_dump(folder / "in", pseudonymizer=Pseudonymizer(TEST_KEY), limits=limits)
    opened = open_snapshot(save_snapshot(snapshot, folder / "snap"))
    assert opened.digest == snapshot.digest
    assert sorted(path.name for path in folder.iterdir()) == ["in", "snap"]
    return opened


def names(snapshot: Snapshot) -> list[str]:
    return [record.name for record in snapshot.records(kinds.POD)]


JSON = {
    "an integer of 5,000 digits": (HEAD + ',"spec":{"priority":1' + "0" * 5000 + "}}", ["bad", "good"], ""),
    "an integer of 65 bits": (HEAD + ',"spec":{"priority":18446744073709551616}}', ["bad", "good"], ""),
    "infinity by overflow": (HEAD + ',"spec":{"priority":1e999}}', ["bad", "good"], ""),
    "numbers that are none": (HEAD + ',"spec":{"priority":NaN,"x":-Infinity}}', ["bad", "good"], ""),
    "a thousand levels": (HEAD + ',"spec":' + "[" * 1000 + "]" * 1000 + "}", ["good"], TOO_DEEP),
    "a hundred thousand levels": (HEAD + ',"spec":' + "[" * 100_000 + "]" * 100_000 + "}", ["good"], TOO_DEEP),
    "levels behind brackets in texts": (HEAD + ',"spec":' + '{"}":' * 300 + "1" + "}" * 301, ["good"], TOO_DEEP),
    "half a character": (pod(labels={"a": "\ud800"}), ["bad", "good"], "holds halves of characters"),
    "a NUL, escaped": (pod(labels={"a": "\0"}), ["bad", "good"], ""),
    "a NUL as it is": (HEAD + ',"spec":{"nodeName":"a\0b"}}', ["bad", "good"], ""),
    "a key that stands twice": (HEAD + ',"spec":{"a":1,"a":2}}', ["bad", "good"], "'a' stands there twice"),
    "a kind that is a path": ({**pod(), "kind": "../../../../tmp/evil"}, ["good"], "its kind is no name"),
    "a kind of 300 characters": ({**pod(), "kind": "K" * 300}, ["good"], "its kind is no name"),
    "a group that is a path": ({**pod(), "apiVersion": "../../x/v1"}, ["good"], "its apiVersion is no name"),
    "a namespace that is a path": (pod(namespace="a/b"), ["good"], "its namespace is no name"),
    "a namespace that is a map": (pod(namespace={"a": 1}), ["good"], "its namespace is no name"),
    "no object": (7, ["good"], "is no object"),
    "a moment that is none": (pod(creationTimestamp="zzzz", uid="1"), ["bad", "good"], ""),
    "a list without items": ({"apiVersion": "v1", "kind": "PodList", "Items": []}, ["good"], "a list without items"),
    "an escaped quote at the end": (
        HEAD + ',"x":"\\\\"' + ',"spec":' + "[" * 999 + "]" * 999 + "}",
        ["good"],
        TOO_DEEP,
    ),
}


@pytest.mark.parametrize("case", JSON)
def test_an_item_of_a_json_list_does_not_lose_the_others(tmp_path: Path, case: str) -> None:
    item, found, words = JSON[case]
    snapshot = load(tmp_path, listed(item))
    assert names(snapshot) == found
    told = list(snapshot.unreadable["error"])
    assert [words in error for error in told] == ([True] if words else [])


@pytest.mark.parametrize(
    "lines",
    ["garbage\n", '{"a": tru}\n', '{"a": "never closed\n', "[1, 2\n", "}\n", '{"a": [}\n', "]]]\n"],
)
def test_a_line_that_is_no_json_does_not_lose_the_next(tmp_path: Path, lines: str) -> None:
    text = json.dumps(pod(name="first")) + "\n" + lines + json.dumps(GOOD) + "\n" + lines + json.dumps(pod(name="last"))
    snapshot = load(tmp_path, text, "in.jsonl")
    assert names(snapshot) == ["first", "good", "last"]
    assert len(snapshot.unreadable)


def test_an_item_that_is_no_json_does_not_lose_the_next(tmp_path: Path) -> None:
    text = '{"items":[' + json.dumps(pod(name="first")) + ',{"x": tru, "y": [1, "]"]},' + json.dumps(GOOD) + "]}"
    snapshot = load(tmp_path, text)
    assert names(snapshot) == ["first", "good"]
    assert list(snapshot.unreadable["position"]) == ["/items/1"]


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
YAML = "# why\napiVersion: v1\nkind: Pod\nmetadata:\n  name: good\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("text", "name"), [(listed(), "in.json"), (YAML, "in.yaml")])
def test_text_is_read_in_every_encoding_with_or_without_mark(
    tmp_path: Path, encoding: str, text: str, name: str
) -> None:
    assert names(load(tmp_path, text.encode(encoding), name)) == ["good"]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (listed(HEAD + ',"spec":{"nodeName":"Q"}}').encode().replace(b"Q", b"\xff\xfe"), "in.json"),
        (listed(HEAD + ',"spec":{"nodeName":"Q"}}').encode("utf-16-le").replace(b"Q\0", b"\x00\xd8"), "in.json"),
        ((YAML + "spec:\n  nodeName: Q\n").encode().replace(b"Q", b"\xc3("), "in.yaml"),
        ((YAML + 'spec: {nodeName: "a\0b"}\n').encode(), "in.yaml"),
        ((YAML + "spec: {nodeName: a\x1b}\n").encode(), "in.yaml"),
    ],
    ids=["json", "utf-16", "yaml", "nul", "escape"],
)
def test_bytes_that_are_no_text_are_replaced_and_told(tmp_path: Path, raw: bytes, name: str) -> None:
    snapshot = load(tmp_path, raw, name)
    assert "good" in names(snapshot)
    assert list(snapshot.unreadable["error"]) == [REPLACED]


ODD_YAML = {
    "tags that lie": ("spec: {a: !!bool maybe, b: !!int '', c: !!float x, d: !!null x}", ""),
    "numbers that are none": ("spec: {priority: .inf, b: .nan, c: 1e999, d: " + "9" * 5000 + "}", ""),
    "sexagesimal numbers without end": ("spec: {priority: 1" + ":01" * 10_000 + "}", ""),
    "sets and pairs": ("spec: !!set {a, b}\nx: !!omap [a: 1]\ny: !!pairs [a: 1, a: 2]", ""),
    "keys that are no text": ("1: a\n~: b\ntrue: c\n1.5: d\n=: e", ""),
    "a key that is a map": ("? {a: b}\n: c", "a key is no text"),
    "a key that stands twice": ("x: {a: 1, a: 2}", "'a' stands there twice"),
    "a tag of another language": ("x: !!python/object/apply:os.system [touch evil]", "could not determine"),
}


@pytest.mark.parametrize("case", ODD_YAML)
def test_yaml_that_no_server_writes_is_read_or_told(tmp_path: Path, case: str) -> None:
    text, words = ODD_YAML[case]
    bad = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: bad}}\n{text}\n---\n{YAML}"
    snapshot = load(tmp_path, bad, "in.yaml")
    lost = words and "twice" not in words
    assert names(snapshot) == (["good"] if lost else ["bad", "good"])
    assert [words in error for error in snapshot.unreadable["error"]] == ([True] if words else [])


BOMBS = {
    "aliases": ("a: &a [x]\nb: [" + "*a," * 1001 + "]\n", "has more than 1000 aliases"),
    "aliases of aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 30)}]\n" for n in range(1, 9)),
        "unfolds to more than 2000000 values",
    ),
    "merge keys": (
        "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 30)}]}}\n" for n in range(1, 9)),
        "unfolds to more than 2000000 values",
    ),
    "logs without end": ("a: 1\n" + "==== START logs for container a ====\n" * 50_000, "log has no end"),
    "open braces": ("a: " + "{" * 200_000, TOO_DEEP),
    "half templates": ("a: [" + "{{" * 200_000, TOO_DEEP),
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_are_refused_and_lose_no_other_document(tmp_path: Path, case: str) -> None:
    text, words = BOMBS[case]
    snapshot = load(tmp_path, f"{YAML}---\n{text}", "in.yaml")
    assert names(snapshot) == ["good"]
    assert any(words in error for error in snapshot.unreadable["error"])


def test_a_file_of_line_ends_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "notes").write_text("\n" * 200_000)
    (tmp_path / "d" / "a.json").write_text(json.dumps(GOOD))
    assert names(import_dump(tmp_path / "d", pseudonymizer=Pseudonymizer(TEST_KEY))) == ["good"]


SMALL = Limits(object_bytes=10_000, string_bytes=1_000, depth=20, aliases=3, values=100, document_bytes=50_000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (listed(pod(labels={"a": "x" * 2_000})), "holds a text of more than 1000 characters"),
        (listed(pod(labels={str(n): "x" * 900 for n in range(20)})), "is larger than 10000 characters"),
        (listed(HEAD + ',"x":' + '{"a":' * 20 + "1" + "}" * 21), "nested more than 20 levels deep"),
        (f"{YAML}---\nx: {'y' * 2_000}\n", "holds a text of more than 1000 characters"),
        (f"{YAML}---\nx:\n" + "  y: 1\n" * 2_000, "is larger than 10000 characters"),
        (f"{YAML}---\n" + "x: 1\n" * 20_000, "is larger than 50000 characters"),
        (f"{YAML}---\na: &a 1\nb: [*a, *a, *a, *a]\n", "has more than 3 aliases"),
        (f"{YAML}---\na: &a [1, 2, 3]\nb: [{'x, ' * 120}*a]\n", "more than 100 values"),
        (f"{YAML}---\n" + "".join(" " * n + "a:\n" for n in range(25)), "nested more than 20 levels deep"),
    ],
)
def test_every_limit_is_told_and_loses_no_other_object(text: str, words: str) -> None:
    pieces = list(read_pieces(lambda: io.BytesIO(text.encode()), SMALL))
    assert "good" in [p.content["metadata"]["name"] for p in pieces if isinstance(p, Document) and "kind" in p.content]
    assert [words in p.error for p in pieces if isinstance(p, Unreadable)] == [True]


def test_a_value_that_is_too_large_is_passed_over_without_being_held() -> None:
    text = listed(HEAD + ',"x":"' + 'y\\"' * 300_000 + '"}')
    pieces = list(read_pieces(lambda: io.BytesIO(text.encode()), SMALL))
    assert [p.content["metadata"]["name"] for p in pieces if isinstance(p, Document)] == ["good"]


@pytest.mark.parametrize("setting", ["depth=401", "depth=0", "depth=-1", "depth=1e3", "depth=²", "nothing=1", "ratio"])
def test_a_limit_that_cannot_be_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match="limit"):
        DEFAULT_LIMITS.with_settings([setting])


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    name = "a\x1b[31m\u202egnp\r\n=1+1"
    text = listed(pod(name=name), pod(name=name, labels={"a": "b"}))
    snapshot = load(tmp_path, text, "evil\x1b[2J\u202e.json")
    assert names(snapshot) == [name, "good"]
    shown = inspection_text(snapshot)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m\\u202egnp\\r\\n=1+1" in shown
    assert InputError("found", name).line().isprintable()


def test_names_of_files_that_are_no_text_are_shown_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (Path(f"{tmp_path}/d") / "x\udcff.json").write_text(json.dumps(GOOD))
    snapshot = import_dump(tmp_path / "d", pseudonymizer=Pseudonymizer(TEST_KEY))
    [record] = snapshot.records(kinds.POD)
    assert record.source == "x\\udcff.json"
    assert save_snapshot(snapshot, tmp_path / "snap").is_dir()


SLOW = (
    "@ " + "://a:" * 400_000,
    "\\" * 2_000_000 + '"auth"',
    "eyJ" * 700_000,
    "http://a:b" * 200_000,
    "bearer" + " " * 2_000_000,
)
"""Texts at which a pattern that backtracks would look for hours: 2 MiB each."""


@pytest.mark.parametrize("text", SLOW, ids=["userinfo", "backslashes", "tokens", "addresses", "spaces"])
def test_no_pattern_of_redaction_looks_for_hours(tmp_path: Path, text: str) -> None:
    container = {"name": "c", "image": text, "args": [text, f"--x={text}"], "env": [{"name": "A", "value": text}]}
    bad = {**pod(annotations={"a": text}, labels={"b": text}), "spec": {"containers": [container]}}
    snapshot = load(tmp_path, listed(bad))
    assert names(snapshot) == ["bad", "good"]
    [record, _] = snapshot.records(kinds.POD)
    assert text not in json.dumps(record.content)
