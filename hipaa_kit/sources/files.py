"""The files of an input: a file, a folder, a tar archive or standard input, read and never unpacked."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hipaa_kit.errors import InputError

MAX_FILE_BYTES = 4 * 2**30
MAX_ENTRIES = 1_000_000

COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
TAR_MARK = b"ustar"
TAR_MARK_END = 262
"""How gzip, bzip2 and xz begin, and where an archive that is not compressed says what it is."""


class SourceFile(NamedTuple):
    """One file: its name below the input, and its bytes."""

    name: str
    raw: bytes


def read_files(path: str | Path) -> Iterator[SourceFile]:
    """Yield every file of an input, sorted by name where it is a folder.

    Parameters
    ----------
    path
        A file, a folder, a tar archive (also gz, bz2 or xz), or `-` for standard input. Archives that
        lie in a folder are read too, as streams. Hidden files and links are left out.

    Raises
    ------
    InputError
        It does not exist, cannot be read, or is an archive that cannot be trusted.
    """
    if str(path) == "-":
        yield SourceFile("stdin", sys.stdin.buffer.read())
        return
    place = Path(path)
    try:
        if place.is_dir():
            yield from _folder(place)
        else:
            yield from _file(place, place.name)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(error.filename or place)) from None


def _folder(place: Path) -> Iterator[SourceFile]:
    for path in sorted(place.rglob("*")):
        relative = path.relative_to(place)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and path.is_file() and not path.is_symlink():
            yield from _file(path, relative.as_posix())


def _file(place: Path, name: str) -> Iterator[SourceFile]:
    """Yield a file, or what is in it where it is an archive; archives in archives stay closed."""
    if _is_tar(place):
        yield from _archive(place, name)
    else:
        yield SourceFile(name, place.read_bytes())


def _is_tar(place: Path) -> bool:
    """Tell by its first bytes whether a file may be an archive, and then whether it is one."""
    with place.open("rb") as file:
        head = file.read(TAR_MARK_END)
    if not head.startswith(COMPRESSED) and not head.endswith(TAR_MARK):
        return False
    try:
        return tarfile.is_tarfile(place)
    except EOFError:
        return False


def _archive(place: Path, name: str) -> Iterator[SourceFile]:
    try:
        with tarfile.open(place, "r|*") as archive:
            for number, entry in enumerate(archive):
                if number >= MAX_ENTRIES:
                    raise InputError(f"holds more than {MAX_ENTRIES} entries", str(place))
                if entry.isfile():
                    yield _entry(archive, entry, name)
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"is a damaged archive: {error}", str(place)) from None


def _entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, place: str) -> SourceFile:
    name = PurePosixPath(entry.name)
    if name.is_absolute() or ".." in name.parts or "\0" in entry.name:
        raise InputError(
            "holds an entry that points outside of it", f"{place}!{entry.name!r}", "do not trust this archive"
        )
    if entry.size > MAX_FILE_BYTES:
        raise InputError(f"holds an entry of {entry.size} bytes", f"{place}!{name}", f"the limit is {MAX_FILE_BYTES}")
    file = archive.extractfile(entry)
    return SourceFile(f"{place}!{name}", file.read() if file else b"")
