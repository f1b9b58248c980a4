"""What is fuzzed: each target takes any bytes, and may answer with a `KitError` or nothing at all.

The same functions are called by the coverage-guided fuzzer (`fuzz.py`, `make fuzz`), by hypothesis, and with every
file of the corpus (`test_targets.py`).
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.errors import KitError
from hipaa_kit.evidence.exports import findings_json, table_csv
from hipaa_kit.sources.documents import Document, read_pieces
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.inputs import read_inputs
from hipaa_kit.sources.limits import Limits
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction import redact
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import canonical_json
from hipaa_kit.sources.store import open_snapshot, save_snapshot
from hipaa_kit.tables import TABLES
from hipaa_kit.views.inspection import inspection_text
from hipaa_kit.views.show import table_html
from tests.support import tiny_cluster
from tests.support.hostile import CLINIC, hostile_cluster, mutated
from tests.support.snapshots import TEST_KEY

PSEUDONYMS = Pseudonymizer(TEST_KEY)
NARROW = Limits(
    total_bytes=2**22,
    entry_bytes=2**20,
    document_bytes=2**18,
    object_bytes=2**16,
    string_bytes=2**12,
    ratio=50,
    entries=200,
    depth=40,
    aliases=20,
    values=5_000,
)
"""Limits that a fuzzer reaches."""


class Chooser:
    """Makes choices out of bytes, one after another; the first one again and again when they are used up."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw or b"\0", 0

    def __call__(self, below: int) -> int:
        """Return a number under another one."""
        size = 1 if below <= 256 else 2
        taken = self.raw[self.at : self.at + size] or self.raw[:size]
        self.at += size
        return int.from_bytes(taken, "big") % below


def documents(raw: bytes) -> None:
    """Files as documents, and what redaction makes of each."""
    for piece in read_pieces(lambda: io.BytesIO(raw), NARROW):
        if isinstance(piece, Document) and isinstance(piece.content, dict):
            redacted = redact(piece.content, PSEUDONYMS)
            canonical_json(redacted.content).decode("utf-8")
            again = redact(redacted.content, PSEUDONYMS)
            assert again.content == redacted.content


def archives(raw: bytes) -> None:
    """A file that may be an archive, imported and kept as a snapshot."""
    _imported(raw)


def layouts(raw: bytes) -> None:
    """The tiny cluster in one of the layouts, with some of its files changed."""
    choose = Chooser(raw)
    names = sorted(_layouts())
    files = dict(_layouts()[names[choose(len(names))]])
    paths = sorted(files)
    for _ in range(1 + choose(3)):
        path = paths[choose(len(paths))]
        files[path] = mutated(files[path], choose)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    _imported(held.getvalue())


def objects(raw: bytes) -> None:
    """Objects with wrong types anywhere: the tables and findings of one topic, and their exports."""
    choose = Chooser(raw)
    listed = {"apiVersion": "v1", "kind": "List", "items": hostile_cluster(choose, 8)}
    with _file(json.dumps(listed).encode()) as path, contextlib.suppress(KitError):
        snapshot = import_dump(path, pseudonymizer=PSEUDONYMS)
        topics = list(load_catalogue().topics())
        run = Assessment(snapshot, load_scope(CLINIC.parent / "scope.yaml"), topics=[topics[choose(len(topics))]])
        for name in sorted({"pods", "workloads", *(name for check in run.checks for name in check.tables)}):
            table = run.tables[name]
            if table.empty:
                continue
            assert TABLES[name].read_csv(TABLES[name].to_csv(table)).equals(table)
            table_csv(name, table)
            table_html(table, name)
        assert not (run.findings()["verdict"] == "error").any()
        findings_json(run)
        inspection_text(snapshot)


def scope(raw: bytes) -> None:
    """The scope file."""
    with _file(raw) as path, contextlib.suppress(KitError):
        load_scope(path)


def inputs(raw: bytes) -> None:
    """A file beside the cluster: node files, provider facts, records, reports."""
    with _file(raw) as path, contextlib.suppress(KitError):
        read_inputs(path.parent, pseudonymizer=PSEUDONYMS)


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (documents, archives, layouts, objects, scope, inputs)
}


@contextlib.contextmanager
def _file(raw: bytes) -> Iterator[Path]:
    """Write a file into a folder of its own; nothing else may lie there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given"
        path.write_bytes(raw)
        yield path
        assert [each.name for each in path.parent.iterdir()] == ["given"]


def _imported(raw: bytes) -> None:
    with _file(raw) as path, tempfile.TemporaryDirectory() as kept, contextlib.suppress(KitError):
        snapshot = import_dump(path, pseudonymizer=PSEUDONYMS, limits=NARROW)
        opened = open_snapshot(save_snapshot(snapshot, Path(kept) / "snap"))
        assert opened.digest == snapshot.digest
        assert [each.name for each in Path(kept).iterdir()] == ["snap"]
        for key in opened.kinds():
            list(opened.parts[key].load())
        inspection_text(opened)


@cache
def _layouts() -> dict[str, dict[str, bytes]]:
    """Return the files of the tiny cluster by layout and path."""
    tiny = tiny_cluster
    writers = (tiny.kubectl, tiny.cluster_info, tiny.must_gather, tiny.troubleshoot, tiny.rancher, tiny.velero)
    writers += (tiny.kubehound, tiny.icekube, tiny.sonobuoy)
    found = {"stream": {"dump.txt": tiny.cluster_info_stream().encode()}}
    for writer in writers:
        with tempfile.TemporaryDirectory() as folder:
            writer(tiny.Writer(Path(folder)))
            paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and not path.is_symlink()]
            found[writer.__name__] = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return found
