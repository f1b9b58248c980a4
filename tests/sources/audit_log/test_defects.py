"""The field's defects, and hostile input: each is counted, and none of them costs another line."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.sources.audit_log import AuditLog, ingest
from hipaa_kit.sources.audit_log import lines as lines_module
from hipaa_kit.sources.files import PACKED, ZIP
from tests.support.audit_log import event, jsonl, store, text

GOOD = [event(number) for number in range(6)]


def ids(log: AuditLog) -> list[str]:
    return log.query("SELECT audit_id FROM audit_events ORDER BY audit_id")["audit_id"].tolist()


def all_of(events: list[dict]) -> list[str]:
    return sorted(each["auditID"] for each in events)


def raw(number: int) -> bytes:
    return text(event(number)).encode()


DEFECTS = {
    "cut last line": (jsonl(GOOD) + raw(9)[:200], GOOD, {"unread": 1, "truncated": True}),
    "no end of the last line": (jsonl(GOOD)[:-1], GOOD, {"unread": 0, "truncated": False}),
    "cut first line": (raw(9)[150:] + b"\n" + jsonl(GOOD), GOOD, {"unread": 1, "truncated": False}),
    "two events on one line": (
        raw(8) + raw(9) + b"\n" + jsonl(GOOD),
        [*GOOD, event(8), event(9)],
        {"unread": 0, "salvaged": 2},
    ),
    "interleaved writers": (
        jsonl(GOOD) + raw(9)[:90] + raw(8) + b"\n" + jsonl([event(7)]),
        [*GOOD, event(8), event(7)],
        {"unread": 1, "salvaged": 1},
    ),
    "a writer within a line of another": (
        raw(9)[:90] + raw(8) + raw(9)[90:] + b"\n" + jsonl(GOOD),
        [*GOOD, event(8)],
        {"unread": 1, "salvaged": 1},
    ),
    "NUL bytes of a hole": (b"\0" * 5000 + jsonl(GOOD), GOOD, {"unread": 0}),
    "NUL bytes within a line": (
        jsonl(GOOD) + raw(9)[:40] + b"\0\0" + raw(9)[40:] + b"\n",
        [*GOOD, event(9)],
        {"unread": 0, "salvaged": 1},
    ),
    "a line that is not UTF-8": (
        jsonl(GOOD) + raw(9).replace(b"kubectl", b"kube\xff\xfectl") + b"\n",
        [*GOOD, event(9)],
        {"repaired": 1, "unread": 0},
    ),
    "blank lines": (b"\n\r\n  \n" + jsonl(GOOD) + b"\n\n", GOOD, {"unread": 0}),
    "JSON that is no event": (jsonl([*GOOD, {"kind": 0}, [], 3, None, "x", {"auditID": "x"}]), GOOD, {"unread": 6 - 1}),
    "deep nesting": (jsonl(GOOD) + b'{"a":' * 60_000 + b"\n" + b"[" * 60_000 + b"\n", GOOD, {"unread": 2}),
    "halves of surrogate pairs": (jsonl(GOOD) + raw(9).replace(b"kubectl", b"\\ud800") + b"\n", GOOD, {"unread": 1}),
    "infinity": (jsonl(GOOD) + raw(9).replace(b"200}", b"Infinity}") + b"\n", [*GOOD, event(9)], {"unread": 0}),
    "a huge string": (jsonl([*GOOD, event(9, userAgent="x" * 3_000_000)]), [*GOOD, event(9)], {"unread": 0}),
    "fields of other types": (
        jsonl(
            [
                *GOOD,
                event(
                    9,
                    user=[1],
                    objectRef="x",
                    sourceIPs={"a": 1},
                    responseStatus=3,
                    annotations=[],
                    requestReceivedTimestamp=7,
                ),
            ]
        ),
        [*GOOD, event(9)],
        {"unread": 0},
    ),
    "no moment": (
        jsonl([*GOOD, event(9, requestReceivedTimestamp="yesterday", stageTimestamp=None)]),
        [*GOOD, event(9)],
        {"undated": 1},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_counted_and_costs_no_other_line(name: str, tmp_path: Path) -> None:
    content, events, counts = DEFECTS[name]
    log = store(tmp_path, {"audit.log": content})
    assert ids(log) == all_of(events)
    assert {column: log.sources().iloc[0][column] for column in counts} == counts


@pytest.mark.parametrize("name", ["cut last line", "interleaved writers", "deep nesting"])
def test_a_defect_costs_nothing_in_a_packed_file_either(name: str, tmp_path: Path) -> None:
    content, events, _ = DEFECTS[name]
    assert ids(store(tmp_path, {"audit.log.gz": gzip.compress(content)})) == all_of(events)


def test_a_line_longer_than_any_event_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "LONGEST_LINE", 10_000)
    monkeypatch.setattr("hipaa_kit.sources.audit_log.lines.batches.__defaults__", (1_000,))
    content = jsonl(GOOD[:3]) + b'{"x":"' + b"y" * 50_000 + b'"}\n' + jsonl(GOOD[3:])
    log = store(tmp_path, {"audit.log": content})
    assert ids(log) == all_of(GOOD)
    assert log.sources()["unread"].tolist() == [1]


def test_a_packed_file_that_is_cut_keeps_what_was_read(tmp_path: Path) -> None:
    content = gzip.compress(
        jsonl([event(number, userAgent=random.Random(number).randbytes(200).hex()) for number in range(400)])
    )
    log = store(tmp_path, {"whole.log": jsonl(GOOD), "cut.log.gz": content[: len(content) // 2]})
    about = log.sources().set_index("source")
    assert about.loc["cut.log.gz", "truncated"]
    assert log.events > len(GOOD)


def test_duplicates_are_removed_also_across_files(tmp_path: Path) -> None:
    files = {"cp1/audit.log": jsonl(GOOD[2:]), "cp1/audit-2026-11-20T08-00-00.000.log": jsonl([*GOOD[:4], GOOD[0]])}
    log = store(tmp_path, files)
    assert ids(log) == all_of(GOOD)
    assert log.sources()["duplicates"].sum() == 3
    assert log.events == 6


def test_stages_of_one_request_are_no_duplicates(tmp_path: Path) -> None:
    log = store(tmp_path, {"a": jsonl([event(1, stage="ResponseStarted"), event(1), event(1, stage="Panic")])})
    assert log.events == 3


def test_of_copies_the_one_that_says_most_is_kept(tmp_path: Path) -> None:
    more = event(1, level="RequestResponse", requestObject={"kind": "Secret"}, responseObject={"kind": "Secret"})
    log = store(tmp_path, {"a": jsonl([event(1), more, event(1, level="Request", requestObject={"kind": "Secret"})])})
    found = log.query("SELECT level, body, line FROM audit_events")
    assert found.to_numpy().tolist() == [["RequestResponse", "both", 2]]


def test_an_id_that_a_client_chose_hides_nothing(tmp_path: Path) -> None:
    """Two requests may carry one auditID: the client sets the header `Audit-ID`."""
    hidden = event(1, verb="delete", user={"username": "mallory"})
    log = store(tmp_path, {"a": jsonl([event(1), hidden, event(2)])})
    assert log.query("SELECT verb FROM audit_events WHERE user = 'mallory'")["verb"].tolist() == ["delete"]
    assert (log.sources()["duplicates"].sum(), log.sources()["reused"].sum()) == (0, 2)


def test_a_first_line_that_no_csv_has_is_passed_over(tmp_path: Path) -> None:
    assert store(tmp_path, {"a": b"\x01\r\x00\n" + jsonl([event(1)])}).events == 1


def test_events_without_an_id_are_never_taken_for_copies(tmp_path: Path) -> None:
    assert store(tmp_path, {"a": jsonl([event(1, auditID=""), event(1, auditID="")])}).events == 2


def test_a_moment_without_a_zone_is_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    log = store(tmp_path, {"a": jsonl([event(1, requestReceivedTimestamp="2026-11-20 10:00:00")])})
    assert log.query("SELECT received_at FROM audit_events")["received_at"].astype("str").tolist() == [
        "2026-11-20 10:00:00"
    ]


def test_moments_with_an_offset_are_told_in_utc(tmp_path: Path) -> None:
    log = store(tmp_path, {"a": jsonl([event(1, requestReceivedTimestamp="2026-11-20T10:00:00.5+02:00")])})
    assert str(log.query("SELECT received_at FROM audit_events").iloc[0, 0]) == "2026-11-20 08:00:00.500000"


def test_where_no_event_is_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no event of an audit log"):
        store(tmp_path, {"a": b'{"kind": 0}\nnothing\n'})


def test_an_altered_store_is_refused(tmp_path: Path) -> None:
    log = store(tmp_path, {"a": jsonl(GOOD)})
    part = next((log.folder / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="altered or damaged"):
        AuditLog.open(log.folder)


def test_another_folder_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("dear")
    (tmp_path / "a.log").write_bytes(jsonl(GOOD))
    with pytest.raises(InputError, match="something else"):
        ingest([tmp_path / "a.log"], tmp_path / "mine")
    assert (tmp_path / "mine" / "work.txt").read_text() == "dear"


FRAGMENTS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda each: json.dumps({"kind": each}).encode()),
    st.integers(0, 300).map(lambda size: raw(99)[:size]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_between_events_costs_none(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    events = [event(number) for number in range(data.draw(st.integers(1, 6)))]
    content = b""
    for each in events:
        rubbish = data.draw(st.lists(FRAGMENTS.map(lambda part: part.replace(b"\n", b"")), max_size=2))
        content += b"".join(part + b"\n" for part in rubbish) + text(each).encode() + b"\n"
    assume(not content.startswith((*PACKED, *ZIP)))  # that would be a packed log, or an archive, and a damaged one
    found = ids(store(tmp_path_factory.mktemp("log"), {"audit.log": content}))
    assert [each for each in found if each != event(99)["auditID"]] == all_of(events)
