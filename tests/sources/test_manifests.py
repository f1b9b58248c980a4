"""Manifests say what is declared; what cannot be read of them is told, wherever it was given."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import TEST_KEY

GOOD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
BROKEN = GOOD + "---\na: [\n"


def load(place: Path | str, **options: str) -> Snapshot:
    return import_dump(place, pseudonymizer=Pseudonymizer(TEST_KEY), **options)


def test_what_is_broken_in_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(BROKEN.encode())))
    assert list(load("-").unreadable["source"]) == ["stdin"]


@pytest.mark.parametrize("name", ["rendered", "rendered.YAML", "rendered.txt"])
def test_what_is_broken_in_a_file_that_was_named_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(BROKEN)
    assert list(load(tmp_path / name).unreadable["source"]) == [name]


def test_what_is_broken_beside_an_object_is_told_and_a_text_is_not(tmp_path: Path) -> None:
    (tmp_path / "rendered").write_text(BROKEN)
    (tmp_path / "README.md").write_text("# Title\n```yaml\nkind: Pod\n```\n* a: [\n")
    assert list(load(tmp_path).unreadable["source"]) == ["rendered"]


def test_documents_after_a_directive_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"%YAML 1.2\n---\n{GOOD}")
    snapshot = load(tmp_path)
    assert (len(snapshot.objects("Pod")), len(snapshot.unreadable)) == (1, 0)


@pytest.mark.parametrize(("given", "name", "basis"), [("prod", "prod", "name given"), ("", "web", "name of the input")])
def test_a_cluster_without_a_record_is_named_by_the_user_or_the_input(
    tmp_path: Path, given: str, name: str, basis: str
) -> None:
    (tmp_path / "web.yaml").write_text(GOOD)
    identity = load(tmp_path / "web.yaml", cluster_name=given).identity
    assert (identity.name, identity.basis) == (name, basis)


def test_a_document_that_unfolds_without_end_loses_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{GOOD}---\n{GOOD.replace('a}', 'b}')}spec: &x {{again: *x}}\n")
    snapshot = load(tmp_path)
    assert [pod["metadata"]["name"] for pod in snapshot.objects("Pod")] == ["a"]
    assert list(snapshot.unreadable["error"]) == ["not YAML at line 8: an alias stands in itself"]
