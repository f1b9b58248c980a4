"""The files of an input: a file, a folder, an archive or standard input, read and never unpacked.

What a file is, its first bytes say and not its name. An input is one or more trees: a folder is one, and
every archive, given or lying in the folder, is one of its own, because it was written by somebody else
at another moment. Archives within archives are listed and stay closed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Final, NamedTuple, cast

from hipaa_kit.errors import InputError
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits
from hipaa_kit.sources.zstandard import open_zstandard

Opener = Callable[[BinaryIO], BinaryIO]

PACKED: Final[dict[bytes, Opener]] = {
    b"\x1f\x8b": cast(Opener, gzip.open),
    b"BZh": cast(Opener, bz2.open),
    b"\xfd7zXZ\x00": cast(Opener, lzma.open),
    b"\x28\xb5\x2f\xfd": open_zstandard,
}
"""How gzip, bzip2, xz and zstd begin, and what unpacks them."""

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
TAR_MARK: Final = b"ustar"
TAR_MARK_AT: Final = 257

LINK: Final = "is a link"

DAMAGED: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
)
"""What the libraries raise on an archive that is cut, damaged or of a form that they do not read."""


class Entry(NamedTuple):
    """One file: its name, its bytes unpacked, and how to open it. Each opening starts at its beginning."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass
class Tree:
    """Files that were written together: a folder, one archive, or a single file.

    Parameters
    ----------
    place
        What the user calls it.
    prefix
        What stands before a path in the names of its entries: `""`, or `archive!`.
    entries
        Its files by their path in it, in the order in which they are cheapest to read.
    skipped
        Links, devices and closed archives in it, with what they are.
    named
        The user named this very file.
    """

    place: str
    prefix: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    named: bool = False

    def find(self, base: str) -> list[str]:
        """Return the paths of the files with that name, the shallowest first."""
        found = [path for path in self.entries if PurePosixPath(path).name == base]
        return sorted(found, key=lambda path: (path.count("/"), path))

    def read(self, path: str, limit: int = 64 * 2**20) -> bytes:
        """Return the bytes of a small file, `b""` where there is none.

        Raises
        ------
        InputError
            It is larger than the limit.
        """
        entry = self.entries.get(path)
        if entry is None:
            return b""
        with entry.open() as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise InputError(f"is larger than {limit} bytes", entry.name, "such a file is small where it is genuine")
        return raw


@contextmanager
def open_trees(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[list[Tree]]:
    """Open an input and give the trees in it.

    Parameters
    ----------
    path
        A file (also gz, bz2, xz, zst), a folder, an archive (tar, also packed, or zip), or `-` for
        standard input. Archives that lie in a folder are read too, as streams. Hidden files are left out.
    limits
        What is too much.

    Raises
    ------
    InputError
        It does not exist, cannot be read, or is an archive that cannot be trusted.
    """
    with ExitStack() as stack:
        try:
            if str(path) == "-":
                held = io.BytesIO(_within(sys.stdin.buffer.read(limits.entry_bytes + 1), limits.entry_bytes, "stdin"))
                yield _of_file("stdin", len(held.getvalue()), lambda: io.BytesIO(held.getvalue()), "", limits, stack)
            elif Path(path).is_dir():
                yield _of_folder(Path(path), limits, stack)
            else:
                place = Path(path)
                size = place.stat().st_size
                yield _of_file(place.name, size, partial(_open, place), str(place), limits, stack)
        except OSError as error:
            # A packed stream that is damaged raises OSError as well, without a file's name or number.
            what = f"cannot be read: {error.strerror or error}"
            raise InputError(what, str(error.filename or path)) from None


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _of_folder(place: Path, limits: Limits, stack: ExitStack) -> list[Tree]:
    tree, archives = Tree(str(place)), []
    for number, path in enumerate(sorted(place.rglob("*"))):
        if number >= limits.entries:
            raise InputError(f"holds more than {limits.entries} files", str(place), "raise it with --limit entries=")
        relative = path.relative_to(place)
        name = relative.as_posix()
        if any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_symlink():
            tree.skipped.append((name, LINK))
        elif path.is_file():
            try:
                found = _of_file(name, path.stat().st_size, partial(_open, path), str(path), limits, stack)
            except InputError as error:
                tree.skipped.append((name, error.what))
                continue
            archives += [each for each in found if each.prefix]
            tree.entries.update(entry for each in found if not each.prefix for entry in each.entries.items())
        elif not path.is_dir():
            tree.skipped.append((name, "is neither a file nor a folder"))
    return [tree, *archives]


def _of_file(
    name: str, size: int, opener: Callable[[], BinaryIO], place: str, limits: Limits, stack: ExitStack
) -> list[Tree]:
    """Return the trees of one file: itself, unpacked where it is packed, or the archive that it is."""
    shown = place or name
    with opener() as file:
        head = file.read(TAR_MARK_AT + len(TAR_MARK))
    if head.startswith(ZIP):
        return [_zip(name, stack.enter_context(opener()), shown, limits, stack)]
    unpack = next((unpack for mark, unpack in PACKED.items() if head.startswith(mark)), None)
    unpacked = opener
    if unpack is not None:
        allowed = limits.unpacked(size)
        unpacked = partial(_unpacked, opener, unpack, allowed, shown)
        try:
            with unpacked() as file:
                head = file.read(TAR_MARK_AT + len(TAR_MARK))
        except (*DAMAGED, InputError) as error:
            raise InputError(f"is a damaged archive: {error or type(error).__name__}", shown) from None
    if head[TAR_MARK_AT:] == TAR_MARK:
        return [_tar(name, stack.enter_context(unpacked()), shown, limits)]
    if unpack is None and size > limits.entry_bytes:
        raise InputError(f"is {size} bytes large", shown, "raise it with --limit entry_bytes=")
    return [Tree(shown, entries={name: Entry(name, size, unpacked)}, named=True)]


def _unpacked(opener: Callable[[], BinaryIO], unpack: Opener, allowed: int, place: str) -> BinaryIO:
    return io.BufferedReader(_Guarded(unpack(opener()), allowed, place), 2**16)


class _Guarded(io.RawIOBase):
    """A packed stream that refuses to give more than it may: the answer to compression bombs."""

    def __init__(self, stream: BinaryIO, allowed: int, place: str) -> None:
        self._stream, self._allowed, self._place, self._at = stream, allowed, place, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read again from an earlier place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, at the price of unpacking up to it."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of a packed stream is not known")
        self._at = self._stream.seek(offset if whence == io.SEEK_SET else self._at + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on, up to the limit."""
        raw = self._stream.read(len(buffer))
        self._at += len(raw)
        if self._at > self._allowed:
            raise InputError(
                f"unpacks to more than {self._allowed} bytes",
                self._place,
                "if you trust it, raise it with --limit ratio= or --limit total_bytes=",
            )
        buffer[: len(raw)] = raw
        return len(raw)

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
        super().close()


def _tar(name: str, stream: BinaryIO, place: str, limits: Limits) -> Tree:
    tree = Tree(place, f"{name}!")
    try:
        archive = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115 - entries read from it later
        for number, member in enumerate(archive):
            path = _trusted(member.name, place)
            if number >= limits.entries:
                raise InputError(f"holds more than {limits.entries} entries", place, "raise it with --limit entries=")
            if member.isdir():
                continue
            if not member.isfile():
                tree.skipped.append((path, LINK if member.issym() or member.islnk() else "is a device"))
                continue
            _add(tree, path, member.size, partial(_member, archive, member), limits)
    except DAMAGED as error:
        raise InputError(f"is a damaged archive: {error or type(error).__name__}", place) from None
    return tree


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    file = archive.extractfile(member)
    return file if file is not None else io.BytesIO()  # type: ignore[return-value]


def _zip(name: str, stream: BinaryIO, place: str, limits: Limits, stack: ExitStack) -> Tree:
    tree = Tree(place, f"{name}!")
    try:
        archive = stack.enter_context(zipfile.ZipFile(stream))
        members = archive.infolist()
    except (*DAMAGED, ValueError) as error:
        raise InputError(f"is a damaged archive: {error or type(error).__name__}", place) from None
    if len(members) > limits.entries:
        raise InputError(f"holds more than {limits.entries} entries", place, "raise it with --limit entries=")
    total = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        path = _trusted(member.filename, place)
        total += member.file_size
        if member.file_size > limits.unpacked(member.compress_size) or total > limits.total_bytes:
            raise InputError(f"unpacks to more than it may at entry {path}", place, "raise it with --limit ratio=")
        if member.flag_bits & 1:
            tree.skipped.append((path, "is encrypted"))
        elif not member.is_dir():
            _add(tree, path, member.file_size, partial(_zipped, archive, member), limits)
    return tree


def _zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return archive.open(member)  # type: ignore[return-value]


def _add(tree: Tree, path: str, size: int, opener: Callable[[], BinaryIO], limits: Limits) -> None:
    if size > limits.entry_bytes:
        raise InputError(
            f"holds an entry of {size} bytes",
            f"{tree.place}!{path}",
            f"the limit is {limits.entry_bytes}: raise it with --limit entry_bytes=",
        )
    tree.entries[path] = Entry(f"{tree.prefix}{path}", size, opener)


def _trusted(name: str, place: str) -> str:
    """Return the path of an entry; nothing is unpacked, yet whoever writes such names means harm.

    Raises
    ------
    InputError
        It is absolute, leads out of the archive or holds a NUL.
    """
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if (
        path.is_absolute()
        or windows.drive
        or windows.is_absolute()
        or "\0" in name
        or ".." in (*path.parts, *windows.parts)
    ):
        raise InputError("holds an entry that points outside of it", f"{place}!{name!r}", "do not trust this archive")
    return path.as_posix()


def _within(raw: bytes, limit: int, place: str) -> bytes:
    if len(raw) > limit:
        raise InputError(f"is larger than {limit} bytes", place, "raise it with --limit entry_bytes=")
    return raw
