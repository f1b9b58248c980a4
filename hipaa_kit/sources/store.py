"""The snapshot on disk: one compressed part per kind, canonical, named by its content.

```
clinic.snap/
  snapshot.json                        what the snapshot is made of, and its digest
  coverage.csv conflicts.csv …         readable with any tool
  parts/Pod.core.1f0c….jsonl.gz        one line per object, named by the digest of the lines
```

gzip, because every auditor's machine opens it. Digests are taken over the lines, not over the
compressed bytes, which differ between builds of zlib.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hipaa_kit.errors import OutputError, SnapshotError
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.leaks import find_leaks, refuse_leaks
from hipaa_kit.sources.snapshot import Identity, Part, Snapshot, read_line
from hipaa_kit.tables.results import CONFLICTS, COVERAGE, SET_ASIDE, UNREADABLE

MANIFEST = "snapshot.json"
AGAIN = "collect or import it again"
FORMAT = "hipaa-kit/snapshot/v1"
MANIFEST_FIELDS = frozenset("cluster layout collected_at collected_basis parts tables redactions facts digest".split())


def save_snapshot(snapshot: Snapshot, path: str | Path) -> Path:
    """Write a snapshot to a folder that does not exist yet, all of it or nothing.

    Parameters
    ----------
    snapshot
        What to write.
    path
        Folder to make.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder exists, or cannot be written.
    LeakError
        Something in it looks like a secret; nothing was written.
    """
    target = Path(path)
    if target.exists():
        raise OutputError("exists already", str(target), "name another place or remove it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workdir = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error
    try:
        _write(snapshot, workdir)
        workdir.chmod(0o755)
        workdir.rename(target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error
    finally:
        shutil.rmtree(workdir, ignore_errors=True)
    return target


def open_snapshot(path: str | Path) -> Snapshot:
    """Open a snapshot folder that the kit wrote.

    Parts are read when they are first asked for and checked against their digest then.

    Raises
    ------
    SnapshotError
        The folder is no snapshot, or a part of it is missing or altered; names the part.
    """
    folder = Path(path)
    manifest = _manifest(folder)
    tables = {name: _checked(folder, f"{name}.csv", sha256) for name, sha256 in manifest["tables"].items()}
    snapshot = Snapshot(
        identity=Identity(**manifest["cluster"]),
        layout=manifest["layout"],
        collected_at=manifest["collected_at"],
        collected_basis=manifest["collected_basis"],
        parts={(entry["group"], entry["kind"]): _part(folder, entry) for entry in manifest["parts"]},
        coverage=Coverage(COVERAGE.read_csv(tables["coverage"])),
        conflicts=CONFLICTS.read_csv(tables["conflicts"]),
        unreadable=UNREADABLE.read_csv(tables["unreadable"]),
        set_aside=SET_ASIDE.read_csv(tables["set_aside"]),
        redactions=manifest["redactions"],
        facts=manifest["facts"],
    )
    if snapshot.digest != manifest["digest"]:
        raise SnapshotError("does not match its digest", str(folder / MANIFEST), AGAIN)
    return snapshot


def is_snapshot(path: str | Path) -> bool:
    """Tell whether a path is a folder that holds a snapshot."""
    return (Path(path) / MANIFEST).is_file()


def verify_snapshot(snapshot: Snapshot) -> None:
    """Load every part, so that a damaged one is found now and not half-way through a run."""
    for part in snapshot.parts.values():
        part.lines()


def _write(snapshot: Snapshot, workdir: Path) -> None:
    (workdir / "parts").mkdir()
    for part in snapshot.parts.values():
        if part.size:
            _write_part(part, workdir / "parts")
    manifest = {**snapshot.manifest(), "digest": snapshot.digest}
    texts = {f"{name}.csv": csv for name, csv in snapshot.side_tables().items()}
    texts[MANIFEST] = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    for name, text in texts.items():
        refuse_leaks(text, f"snapshot {name}")
        (workdir / name).write_text(text, encoding="utf-8", newline="")


def _write_part(part: Part, folder: Path) -> None:
    with (
        (folder / _file_name(part.group, part.kind, part.sha256)).open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
    ):
        for line in part.lines():
            text = line.decode("utf-8", "replace")
            if find_leaks(text):
                refuse_leaks(text, f"snapshot {read_line(line, part.group, part.kind).object}")
            packed.write(line)


def _file_name(group: str, kind: str, sha256: str) -> str:
    return f"{kind}.{group or 'core'}.{sha256[:16]}.jsonl.gz"


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SnapshotError("is no snapshot", str(folder), f"a snapshot is a folder with {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"cannot be read: {error}", str(path), AGAIN) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise SnapshotError("has a format that this version does not read", str(path), f"expected {FORMAT}")
    missing = MANIFEST_FIELDS - manifest.keys()
    if missing:
        raise SnapshotError(f"lacks {sorted(missing)}", str(path), AGAIN)
    facts = manifest["facts"]
    if not isinstance(facts, dict) or not all(type(number) is int for number in facts.values()):
        raise SnapshotError("facts are no numbers by name", str(path), AGAIN)
    return manifest


def _checked(folder: Path, name: str, sha256: str) -> str:
    try:
        raw = (folder / name).read_bytes()
    except OSError as error:
        raise SnapshotError(f"{name} cannot be read: {error.strerror}", str(folder)) from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise SnapshotError(f"{name} was altered or damaged", str(folder), AGAIN)
    return raw.decode("utf-8")


def _part(folder: Path, entry: dict[str, Any]) -> Part:
    group, kind, sha256 = entry["group"], entry["kind"], entry["sha256"]
    path = folder / "parts" / _file_name(group, kind, sha256)
    return Part(group, kind, entry["objects"], sha256, _Lines(path, kind, sha256))


class _Lines:
    """The lines of a part on disk. The first who asks for them has the whole part checked."""

    def __init__(self, path: Path, kind: str, sha256: str) -> None:
        self.path, self.kind, self.sha256 = path, kind, sha256
        self.checked = False

    def __call__(self) -> Iterator[bytes]:
        """Yield the lines.

        Raises
        ------
        SnapshotError
            The part is missing, damaged or altered; before the first line is given.
        """
        if not self.checked:
            digest = hashlib.sha256()
            for line in self._read():
                digest.update(line)
            if digest.hexdigest() != self.sha256:
                raise SnapshotError(f"part {self.kind} was altered or damaged", str(self.path), AGAIN)
            self.checked = True
        return self._read()

    def _read(self) -> Iterator[bytes]:
        try:
            with gzip.open(self.path, "rb") as file:
                yield from file
        except (OSError, EOFError, zlib.error) as error:
            what = f"part {self.kind} is missing or damaged: {error}"
            raise SnapshotError(what, str(self.path), AGAIN) from None
