"""A bundle is a bag: BagIt 1.0 (RFC 8493), so that coreutils alone can check it.

`manifest-sha256.txt` names every file under `data/`. What differs between two runs over the same
inputs stands under `data/run/` alone; the evidence digest leaves that folder out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hipaa_kit.printable import printable

PAYLOAD = "data"
VOLATILE = "data/run/"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"


def seal(folder: Path, info: Mapping[str, str]) -> str:
    """Write the tag files of a bag around its payload and return the evidence digest.

    Parameters
    ----------
    folder
        Folder with the payload in `data/`.
    info
        Further lines of `bag-info.txt`.
    """
    lines = manifest_lines(folder)
    digest = evidence_digest(lines)
    files = [path for path in sorted((folder / PAYLOAD).rglob("*")) if path.is_file()]
    oxum = f"{sum(path.stat().st_size for path in files)}.{len(files)}"
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": _lines({**info, "Payload-Oxum": oxum, "Hipaa-Kit-Evidence-Digest": digest}),
        MANIFEST: "".join(f"{line}\n" for line in lines),
    }
    for name, text in tags.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    sealed = "".join(f"{_sha256(folder / name)}  {name}\n" for name in sorted(tags))
    (folder / TAG_MANIFEST).write_text(sealed, encoding="utf-8", newline="")
    return digest


def manifest_lines(folder: Path) -> list[str]:
    """Return `<sha256>  <path>` for every file of the payload, sorted by path."""
    files = (path for path in (folder / PAYLOAD).rglob("*") if path.is_file())
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return [f"{_sha256(folder / name)}  {name}" for name in names]


def evidence_digest(lines: list[str]) -> str:
    """Return the digest of a manifest without the run's own facts: equal for equal evidence."""
    kept = [line for line in lines if not line.split("  ", 1)[1].startswith(VOLATILE)]
    return hashlib.sha256("".join(f"{line}\n" for line in kept).encode()).hexdigest()


def _lines(info: Mapping[str, str]) -> str:
    return "".join(f"{name}: {printable(' '.join(value.split()))}\n" for name, value in info.items() if value)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
