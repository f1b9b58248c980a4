"""A folder is read whole: nothing is lost without a word, nothing contradicts in silence, nothing raises."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs import INPUTS, read_inputs, save_inputs
from hipaa_kit.sources.inputs.declaration import Reading
from hipaa_kit.sources.inputs.parsing import Piece, pieces
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from tests.support import inputs as sample
from tests.support.inputs import given as given_files
from tests.support.inputs import write
from tests.support.snapshots import TEST_KEY


def problems(read) -> dict[str, str]:
    return {f"{row.source}{row.position}": row.error for row in read.unreadable.itertuples()}


def test_what_is_not_known_is_a_row_and_not_lost(tmp_path: Path) -> None:
    read = given_files(
        tmp_path,
        pod="apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        prose="not a table, not YAML: [",
        empty="",
        binary=b"\xff\xfe\x00\xd8\x00",
        list=[],
        columns="first,second\n1,2\n",
    )
    assert problems(read) == {
        "pod:1": "is of no known form",
        "prose:1": "not YAML at line 2: did not find expected node content",
        "empty": "holds nothing",
        "binary": "is not utf-16 text at byte 2",
        "list": "holds nothing",
        "columns": "is of no known form",
    }
    assert set(read.given["status"]) == {"missing"}


def test_one_broken_part_takes_no_other_with_it(tmp_path: Path) -> None:
    lines = [json.dumps(sample.hubble()), '{"flow": {"verd', json.dumps(sample.hubble("DROPPED"))]
    read = given_files(tmp_path, a="\n".join(lines), b=sample.AUDIT + "---\nkind: [\n---\n" + sample.KUBELET)
    assert len(read.tables["flow_records"]) == 2
    assert len(read.tables["audit_rules"]) == 3
    assert problems(read)["a:2"] == "not JSON"
    assert read.status("flow_logs") == "unreadable"
    assert read.problem("flow_logs") == "a:2: not JSON"


def test_links_and_what_is_no_file_are_named_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"vendors": sample.VENDORS})
    folder = tmp_path / "inputs"
    write(folder, {"drills": sample.DRILLS})
    (folder / "file").symlink_to(tmp_path / "elsewhere" / "vendors")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe")
    read = read_inputs(folder, pseudonymizer=Pseudonymizer(TEST_KEY))
    assert problems(read) == {
        "file": "is a link, which is not followed",
        "folder": "is a link, which is not followed",
        "pipe": "is no regular file",
    }
    assert read.status("drills") == "given"
    assert read.status("vendors") == "missing"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipaa_kit.sources.inputs.reading.MAX_BYTES", 10)
    assert problems(given_files(tmp_path, drills=sample.DRILLS)) == {"drills": "is larger than 0 MiB"}


def test_two_files_about_one_thing_that_differ_are_reported(tmp_path: Path) -> None:
    other = sample.ENCRYPTION.replace("aescbc", "secretbox")
    rds = json.dumps(sample.RDS).replace('"StorageEncrypted": false', '"StorageEncrypted": true')
    read = given_files(tmp_path, a=sample.ENCRYPTION, b=other, c=sample.RDS, d=rds)
    found = {(row.table, row.column, row.kept_source, row.dropped_source) for row in read.conflicts.itertuples()}
    assert found == {("encryption_providers", "*", "a:2", "b:2"), ("cloud_stores", "encrypted", "c", "d")}
    assert "secretbox" not in set(read.tables["encryption_providers"]["provider"])
    assert int(read.given.set_index("input").loc["cloud_stores", "conflicts"]) == 1


def test_equal_files_of_two_nodes_are_two_facts_and_a_copy_is_one(tmp_path: Path) -> None:
    read = given_files(tmp_path, nodes__a__k=sample.CONFIGZ, nodes__b__k=sample.CONFIGZ, x=sample.VPC, y=sample.VPC)
    assert list(read.tables["kubelet_settings"]["node"]) == ["a", "b"]
    assert set(read.tables["flow_records"]["count"]) == {1}
    assert problems(read) == {"y": "is the same as x"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("v.csv", "name,service,baa_signd_on\nA,b,\n", "v.csv:1: unknown column 'baa_signd_on' (columns are name,"),
        ("d.csv", sample.DRILLS.replace("passed", "ok"), "d.csv:2: result is 'ok' (one of passed, failed, partial)"),
        (
            "d.csv",
            sample.DRILLS.replace("2026-09-01", "1.9.26"),
            "d.csv:2: date is '1.9.26', which is no day (write it",
        ),
        ("d.csv", sample.DRILLS.replace("42", "fast"), "d.csv:2: rto_minutes is 'fast' (give a number of minutes)"),
        ("t.csv", "id,opened_at,kind,status\nT-1,,change,open\n", "t.csv:2: lacks opened_at (every entry has id,"),
        ("w.yaml", sample.WORKFORCE.replace("role:", "rolle:"), "w.yaml:5: unknown column 'rolle' (columns are user,"),
        ("w.yaml", sample.WORKFORCE.replace("2024-01-01", "soon"), "w.yaml:5: since is 'soon', which is no day (write"),
        ("w.yaml", sample.WORKFORCE + "kind: Workforce\n", "w.yaml:6: cannot be read: key 'kind' stands there twice"),
        (
            "w.yaml",
            sample.WORKFORCE.replace("hipaa-kit/v1", "hipaa-kit/v9"),
            "w.yaml:2: has a version that is not read",
        ),
        (
            "w.yaml",
            sample.WORKFORCE.replace("kind: W", "kind: w"),
            "w.yaml:2: is of a kind that is not known (kinds are",
        ),
        ("w.yaml", "apiVersion: hipaa-kit/v1\nkind: Drills\nentries: 3\n", "w.yaml:3: has no list entries (write one"),
        (
            "t.json",
            [{"id": "T-1", "opened_at": "2026-10-01", "kind": "c", "status": "opn"}],
            "t.json:1: status is 'opn'",
        ),
    ],
)
def test_a_mistake_of_a_person_is_refused_in_one_line(name: str, content: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        given_files(tmp_path, **{name: content})
    line = caught.value.line()
    assert line.startswith(f"{tmp_path}/{said}"), line
    assert "\n" not in line
    assert caught.value.do
    assert caught.value.exit_code == 2


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        read_inputs(tmp_path / "nowhere")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIXTURES = [
    content for files in sample.EVERY_FORM.values() for content in files.values() if not isinstance(content, str)
]


def changed(value, path: list[int], new):
    """Return a document with one part, found by positions, put in another's place."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    at = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at] = changed(value[at], path[1:], new)
    return copy


def read_whatever(folder: Path, content: str | bytes) -> None:
    """Read one file; only an InputError in one line may come out of it."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (folder / "nodes" / "n").mkdir(parents=True, exist_ok=True)
    (folder / "nodes" / "n" / "file").write_bytes(raw)
    try:
        read = read_inputs(folder, pseudonymizer=Pseudonymizer(TEST_KEY))
    except InputError as error:
        if "\n" in error.line():
            pytest.fail("an error of several lines")
        return
    assert len(read.files) or len(read.unreadable)
    assert read.digest


QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(document=ANYTHING)
def test_any_json_gives_rows_or_a_line(document: object, tmp_path: Path) -> None:
    read_whatever(tmp_path, json.dumps(document))


@QUIET
@given(content=st.binary(max_size=80) | st.text(max_size=80))
def test_any_bytes_give_rows_or_a_line(content: str | bytes, tmp_path: Path) -> None:
    read_whatever(tmp_path, content)


@QUIET
@given(
    header=st.sampled_from([sample.TICKETS, sample.DRILLS, sample.VENDORS, sample.INCIDENTS, sample.VPC]),
    cells=st.lists(st.text(max_size=12), max_size=14),
)
def test_any_csv_gives_rows_or_a_line(header: str, cells: list[str], tmp_path: Path) -> None:
    first = header.splitlines()[0]
    mark = next(mark for mark in ",; " if mark in first)
    read_whatever(tmp_path, first + "\n" + mark.join(cells) + "\n")


@settings(max_examples=300, deadline=None)
@given(
    fixture=st.sampled_from(FIXTURES),
    path=st.lists(st.integers(0, 9), max_size=6),
    new=ANYTHING,
)
def test_any_change_of_a_known_form_is_read_or_refused(fixture: object, path: list[int], new: object) -> None:
    raw = json.dumps(changed(fixture, path, new)).encode()
    for piece in pieces(raw):
        if isinstance(piece, Piece):
            for form in [form for each in INPUTS.values() for form in each.forms if form.recognise(piece.content)]:
                try:
                    for row in form.read(piece.content, Reading("nodes/n/buckets/b/f", "", Pseudonymizer(TEST_KEY))):
                        row.table.frame([row.values])
                except InputError:
                    continue


@settings(max_examples=150, deadline=None)
@given(
    fixture=st.sampled_from([sample.ENCRYPTION, sample.AUDIT, sample.ADMISSION, sample.KUBELET, sample.WORKFORCE]),
    start=st.integers(0, 400),
    length=st.integers(0, 30),
    new=st.text(max_size=6),
)
def test_any_damage_to_yaml_is_read_or_refused(
    fixture: str, start: int, length: int, new: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read_whatever(tmp_path_factory.mktemp("damaged"), fixture[:start] + new + fixture[start + length :])


def test_what_is_saved_does_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    one = given_files(tmp_path / "one", a=sample.EKS, b=sample.VENDORS)
    two = given_files(tmp_path / "two", b=sample.VENDORS, a=sample.EKS)
    assert one.digest == two.digest
    assert save_inputs(one, tmp_path / "saved").is_dir()
