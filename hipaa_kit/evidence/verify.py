"""Verifying a bundle: every file against its manifests, and the digest of what is there.

Whoever alters a file can write the manifests anew: that all of it fits together shows that nothing was damaged, and
that its digest is the one which was written down elsewhere shows that nobody altered it.

Source: https://www.rfc-editor.org/rfc/rfc8493#section-3
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.evidence.bag import MANIFEST, PAYLOAD, TAG_MANIFEST, evidence_digest
from hipaa_kit.sources.inputs.earlier import VERIFICATION

_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)", re.ASCII)
_INFO: Final = re.compile(r"([A-Za-z-]+): (.*)")


@dataclass(frozen=True)
class Verification:
    """What was found when a bundle was held against its manifests.

    Attributes
    ----------
    info
        Lines of `bag-info.txt`.
    files
        Files that the manifests name.
    problems
        What is wrong, by path: `altered`, `missing`, `added`, `link` or `unreadable`.
    found_digest
        Evidence digest of what is there.
    """

    info: dict[str, str]
    files: int
    problems: dict[str, str]
    found_digest: str

    @property
    def recorded_digest(self) -> str:
        """Evidence digest that the bundle names itself, or none."""
        return self.info.get("Hipaa-Kit-Evidence-Digest", "")

    @property
    def intact(self) -> bool:
        """Tell whether every file is as its manifests say, and the digest is that of the bundle."""
        return not self.problems and self.found_digest == self.recorded_digest

    def answer(self) -> dict[str, Any]:
        """Return what a later run reads as an input."""
        return {
            "verification": VERIFICATION,
            "bundle": self.info.get("External-Identifier", "").rpartition(" ")[2],
            "cluster": self.info.get("Hipaa-Kit-Cluster", ""),
            "intact": self.intact,
            "files": self.files,
            "recorded_digest": self.recorded_digest,
            "found_digest": self.found_digest,
            "verified_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "problems": [{"file": file, "state": state} for file, state in sorted(self.problems.items())],
        }


def verify(folder: str | Path) -> Verification:
    """Hold a bundle against its manifests.

    Parameters
    ----------
    folder
        The bundle; nothing in it is run or changed.

    Raises
    ------
    InputError
        It is no bundle, or a manifest has a line that is none or names a place outside of the bundle.
    """
    bundle = Path(folder)
    named = {**_manifest(bundle, TAG_MANIFEST), **_manifest(bundle, MANIFEST)}
    problems: dict[str, str] = {}
    found: list[str] = []
    for name, recorded in named.items():
        state, digest = _held(bundle, name, recorded)
        if state:
            problems[name] = state
        if digest and name.startswith(f"{PAYLOAD}/"):
            found.append(f"{digest}  {name}")
    for name in _others(bundle, set(named)):
        problems[name] = "added"
        if name.startswith(f"{PAYLOAD}/"):
            found.append(f"{_digest(bundle / name)}  {name}")
    found.sort(key=lambda line: line.split("  ", 1)[1])
    return Verification(_info(bundle), len(named), problems, evidence_digest(found))


def _manifest(bundle: Path, name: str) -> dict[str, str]:
    """Return digest by path, as a manifest has it."""
    path = bundle / name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("is no evidence bundle: its manifest cannot be read", str(path), "name its folder") from error
    held = {}
    for number, line in enumerate(lines, 1):
        read = _LINE.fullmatch(line)
        steps = PurePosixPath(read[2]).parts if read else ()
        if read is None or read[2].startswith("/") or ".." in steps:
            raise InputError("is no line of a manifest", f"{path}, line {number}", "take the bundle as it was written")
        held[read[2]] = read[1]
    return held


def _held(bundle: Path, name: str, recorded: str) -> tuple[str, str]:
    """Return what is wrong with a file, and its digest where it has one."""
    path = bundle / name
    if any((bundle / Path(*Path(name).parts[:depth])).is_symlink() for depth in range(1, len(Path(name).parts) + 1)):
        return "link", ""
    if not path.is_file():
        return "missing", ""
    try:
        digest = _digest(path)
    except OSError:
        return "unreadable", ""
    return ("" if digest == recorded else "altered"), digest


def _others(bundle: Path, named: set[str]) -> Iterator[str]:
    """Yield the files that no manifest names."""
    for path in sorted(bundle.rglob("*")):
        name = path.relative_to(bundle).as_posix()
        if path.is_file() and not path.is_symlink() and name not in named and name != TAG_MANIFEST:
            yield name


def _info(bundle: Path) -> dict[str, str]:
    try:
        text = (bundle / "bag-info.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {read[1]: read[2] for line in text.splitlines() if (read := _INFO.fullmatch(line))}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
