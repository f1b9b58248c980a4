"""Pods of a server that are read by the page: the same snapshot and the same requests as one by one, one after another."""

from __future__ import annotations

import functools
import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.sources import connection, listing
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.listing import list_content
from hipaa_kit.sources.live import Collector
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction.molded import Understood
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import Server, json_content
from tests.sources.test_pages import HOSTILE, POD, changed, paths
from tests.support.recorded_cluster import Fault, RecordedCluster
from tests.support.snapshots import TEST_KEY

ODD: list[Any] = [
    *(
        None,
        "pod",
        7,
        [],
        {},
        {"metadata": []},
        {"metadata": {}},
        {"metadata": {"name": "x"}},
        {"metadata": {"name": 7}},
    ),
    {**POD, "kind": "Secret"},
    {**POD, "kind": "PartialObjectMetadata", "apiVersion": "v1"},
    {**POD, "kind": "Pod", "apiVersion": "v9"},
    {**POD, "kind": "Pod"},
    {**POD, "kind": "", "apiVersion": "v1"},
    {**POD, "kind": None},
    {**POD, "apiVersion": None, "kind": "Pod"},
    *(changed(POD, [(("metadata",), "add", value, "namespace")]) for value in ("", None, 7, "lab", "e h r", ["ehr"])),
    *(changed(POD, [(("metadata",), "add", value, "name")]) for value in ("", None, 7, "a\nb", "A", "mrn-1234567")),
    *(changed(POD, [(("spec",), "add", value, "priority")]) for value in (10**30, 2**63, -(2**63), 0.5, 1e22)),
]


def named(pods: list[Any]) -> list[dict[str, Any]]:
    return [
        changed(pod, [(("metadata", "name"), "put", f"app-{number:04}", "")]) | {"apiVersion": "v1", "kind": "Pod"}
        for number, pod in enumerate(pods)
    ]


def read(cluster: RecordedCluster, folder: Path, **options: Any) -> Snapshot:
    server, name = connection.connect(kubeconfig=cluster.kubeconfig(folder))
    server.sleep = lambda _: None
    builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
    return Collector(server, builder, wanted=frozenset(["Pod"]), **options).run(name)


def said(snapshot: Snapshot) -> tuple[Any, ...]:
    lines = {key: list(part.lines()) for key, part in snapshot.parts.items()}
    coverage = snapshot.coverage.frame.drop(columns=["started_at", "ended_at"])
    tables = (snapshot.conflicts, snapshot.unreadable, coverage)
    return lines, snapshot.redactions, *(table.to_csv() for table in tables)


def both_ways(
    pods: list[Any], faults: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[tuple[Any, ...], int]:
    """Return what is said of pods read by the page, having held it against one by one, and how often pages were taken."""
    taken: list[bytes] = []
    add_page = SnapshotBuilder.add_page

    def noted(builder: SnapshotBuilder, page: bytes, *more: Any, **named: Any) -> Any:
        taken.append(page)
        return add_page(builder, page, *more, **named)

    monkeypatch.setattr(SnapshotBuilder, "add_page", noted)
    with RecordedCluster(pods, faults=faults()) as cluster:
        by_page, requests = said(read(cluster, folder, **options)), [request.url for request in cluster.log]
    with monkeypatch.context() as one_by_one, RecordedCluster(pods, faults=faults()) as cluster:
        one_by_one.setattr(listing, "list_content", json_content)
        one_by_one.setattr(Server, "ahead", lambda server, *what: functools.partial(server.get, *what))
        times = len(taken)
        assert said(read(cluster, folder, **options)) == by_page
        assert [request.url for request in cluster.log] == requests
        assert len(taken) == times
    return by_page, len(taken)


@pytest.mark.parametrize("page_size", [3, 500])
@pytest.mark.parametrize("namespaces", [(), ("ehr", "lab")])
def test_odd_items_among_pods_are_told_the_same_either_way(
    page_size: int, namespaces: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(content: Any) -> Any:
        junk = random.Random(str(content["metadata"])).choices(ODD, k=len(content["items"]))
        return {**content, "items": [each for pair in zip(content["items"], junk, strict=True) for each in pair]}

    (_, redactions, _, unreadable, _), pages = both_ways(
        named([POD] * 60), lambda: [Fault(r"/pods\?", edit=odd, times=99)], tmp_path, monkeypatch,
        page_size=page_size, namespaces=namespaces,
    )  # fmt: skip
    assert redactions
    assert "is no object" in unreadable
    assert "is of another kind" in unreadable
    assert ("is of another namespace" in unreadable) == bool(namespaces)
    assert pages or namespaces


def test_hostile_fields_give_the_same_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(5)
    fields = [path for path in paths(POD) if path and path[:2] not in (("metadata", "name"), ("metadata", "namespace"))]
    fields = [path for path in fields if path != ("metadata",)]
    pods = [POD, *(changed(POD, [(draw.choice(fields), "put", draw.choice(HOSTILE), "")]) for _ in range(400))]
    (lines, *_), pages = both_ways(named(pods), list, tmp_path, monkeypatch, page_size=50)
    assert len(lines["", "Pod"]) == len(pods)
    assert pages == 9


def later_version(content: Any) -> Any:
    return {**content, "metadata": {**content["metadata"], "resourceVersion": "9999"}}


def same_token(content: Any) -> Any:
    return {**content, "metadata": {**content["metadata"], "continue": "again"}}


LATER = r"/pods\?.*continue"
FAULTS: dict[str, dict[str, Any]] = {
    "none": {"match": "nothing"},
    "gone once": {"match": LATER, "status": 410},
    "gone in the middle": {"match": LATER, "status": 410, "after": 1},
    "gone twice": {"match": LATER, "status": 410, "times": 2},
    "gone for good": {"match": LATER, "status": 410, "times": 99},
    "another version": {"match": LATER, "edit": later_version},
    "another version for good": {"match": LATER, "edit": later_version, "times": 99},
    "the same token": {"match": LATER, "edit": same_token, "times": 99},
    "busy": {"match": LATER, "status": 503, "times": 3},
    "refused": {"match": LATER, "status": 403, "after": 1},
    "not accepted": {"match": LATER, "status": 401, "after": 1},
    "garbage": {"match": LATER, "garbage": True, "times": 2},
    "garbage for good": {"match": LATER, "garbage": True, "times": 99},
    "no list": {"match": LATER, "edit": lambda content: {**content, "items": "none"}},
    "a token that is none": {"match": LATER, "edit": lambda content: {**content, "metadata": {"continue": 3}}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_requests_are_made_in_the_same_order(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert both_ways(named([POD] * 5), lambda: [Fault(**FAULTS[fault])], tmp_path, monkeypatch, page_size=1)[1]


def test_one_page_is_on_its_way_while_another_is_redacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead: list[int] = []
    take, received = listing._take, threading.Event()

    def wait(page: Any, *more: Any) -> None:
        if page.token:
            assert received.wait(120)
            received.clear()
        ahead.append(len([request for request in cluster.log if "limit" in request.query]) - len(ahead) - 1)
        take(page, *more)

    monkeypatch.setattr(listing, "_take", wait)
    fault = Fault(LATER, act=lambda _: received.set(), times=99)
    with RecordedCluster(named([POD] * 4), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert ahead == [1, 1, 1, 0]
    assert snapshot.parts["", "Pod"].size == 4


def test_what_goes_wrong_with_a_request_ahead_is_raised_where_it_is_waited_for() -> None:
    class BrokenServer(Server):
        def get(self, *_: Any) -> Any:
            raise MemoryError

    wait = BrokenServer(None).ahead("/api")
    with pytest.raises(MemoryError):
        wait()


def test_an_object_that_is_too_deep_ends_the_list_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(listing, "_take", too_deep)
    with RecordedCluster(named([POD])) as cluster:
        [row] = [r for r in read(cluster, tmp_path).coverage.frame.to_dict("records") if r["kind"] == "Pod"]
    assert (row["status"], row["error"]) == ("failed", "an object is nested too deeply")


BODY = json.dumps(
    {
        "kind": "PodList",
        "metadata": {"continue": "a\n", "resourceVersion": "1", "n": [1, -2.5e3, 0, True, None, "é"]},
        "items": [{"a": 'x"y', "b": {"c": [1.0, 12, {}]}}, 1e22],
    },
    ensure_ascii=False,
    separators=(",", ":"),
).encode()
PARTS = [
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"01",
        b"-",
        b".",
        b"e",
        b"\x01",
        b"\n",
        b"\x7f",
        b"\0",
        b" ",
    ),
    *(
        b"\x0c",
        b"\xc2\xa0",
        b"\xff",
        b"\xed\xa0\x80",
        b"\\u",
        b"\\ud800",
        b"\\x",
        b"NaN",
        b"-Infinity",
        b"true",
        b"nul",
    ),
    *(b"1e999", b"9" * 5000, b"+1", b".5", b"5.", b"\xef\xbb\xbf", b'"items":[],', b'"items":null,', b'"metadata":{},'),
    *(b'"items":{},', b'"\\u0069tems":[1],', b'"continue":7,', b"[" * 2000),
]


def test_a_list_is_taken_apart_exactly_as_it_is_decoded() -> None:
    draw, apart = random.Random(7), 0
    for _ in range(5_000):
        body = bytearray(BODY)
        for _ in range(draw.choice([1, 1, 2, 3])):
            at, cut = draw.randrange(len(body) + 1), draw.choice([0, 0, 1, 2])
            body[at : at + cut] = draw.choice([b"", *PARTS])
        assert settled(list_content, bytes(body)) == settled(json_content, bytes(body)), bytes(body)
        apart += isinstance(settled(list_content, bytes(body), whole=False), dict)
    assert apart > 500


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_a_list_in_another_encoding_is_read_as_before(encoding: str) -> None:
    body = BODY.decode().encode(encoding)
    assert settled(list_content, body) == settled(json_content, body)


def settled(read: Any, body: bytes, *, whole: bool = True) -> Any:
    """Return what was read of a body, its items decoded, or which error there was."""
    try:
        content = read(body)
    except (ValueError, RecursionError) as error:
        return type(error).__bases__[0] if isinstance(error, json.JSONDecodeError) else type(error)
    items = content.get("items") if isinstance(content, dict) else None
    if whole and isinstance(items, bytes):
        content = {**content, "items": json_content(items)}
    return repr(sorted(content.items())) if whole and isinstance(content, dict) else content


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 30, "9" * 5000, "1e22", "-0.0"])
def test_numbers_that_no_server_takes_are_the_same_either_way(number: str) -> None:
    raw = json.dumps(changed(POD, [(("spec",), "add", 12345, "priority")]), separators=(",", ":"))
    item = raw.replace("12345", number).encode()
    by_page, alone = (SnapshotBuilder("live", Pseudonymizer(TEST_KEY)) for _ in range(2))
    [taken] = by_page.add_page(b"[" + item + b"]", "pods", kind=("v1", "Pod"))
    alone.add({**json_content(item), "apiVersion": "v1", "kind": "Pod"}, "pods", "/items/0")
    assert isinstance(taken, Understood)
    assert said(by_page.build()) == said(alone.build())
