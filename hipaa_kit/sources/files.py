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
import os
import re
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Final, NamedTuple, cast

from hipaa_kit.errors import InputError
from hipaa_kit.printable import printable
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

HEADERS: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
"""Entries of a tar that say more of the next one, and are read into memory."""
LONGEST_HEADER: Final = 2**18
MOST_AGAIN: Final = 16
"""How often the bytes that an archive may give are unpacked to come back to an earlier place."""
_DIGITS: Final = re.compile(rb"\d{100}")

LINK: Final = "is a link"
DEVICE: Final = "is neither a file nor a folder"
TWICE: Final = "stands there twice: the last one counts"

DAMAGED: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What the libraries raise on an archive that is cut, damaged, locked or of a form that they do not read."""


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
            It is larger than the limit, damaged, or cannot be read.
        """
        entry = self.entries.get(path)
        if entry is None:
            return b""
        try:
            with entry.open() as file:
                raw = file.read(limit + 1)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", entry.name) from None
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
                size = _size_of_file(place)
                yield _of_file(place.name, size, partial(_open, place), str(place), limits, stack)
        except OSError as error:
            # A packed stream that is damaged raises OSError as well, without a file's name or number.
            what = f"cannot be read: {error.strerror or error}"
            raise InputError(what, str(error.filename or path)) from None


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _size_of_file(place: Path) -> int:
    about = place.stat()
    if not stat.S_ISREG(about.st_mode):
        raise InputError(DEVICE, str(place), "a pipe is read as standard input: name it -")
    return about.st_size


def _of_folder(place: Path, limits: Limits, stack: ExitStack) -> list[Tree]:
    tree, archives = Tree(str(place)), []
    paths = list(islice(_inside(place, tree), limits.entries + 1))
    if len(paths) > limits.entries:
        raise InputError(f"holds more than {limits.entries} files", str(place), "raise it with --limit entries=")
    for path in sorted(paths):
        name = printable(path.relative_to(place).as_posix())
        try:
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode):
                tree.skipped.append((name, LINK if stat.S_ISLNK(mode) else DEVICE))
                continue
            found = _of_file(name, path.stat().st_size, partial(_open, path), str(path), limits, stack)
        except (InputError, OSError) as error:
            tree.skipped.append((name, error.what if isinstance(error, InputError) else _unreadable(error)))
            continue
        archives += [each for each in found if each.prefix]
        tree.entries.update(entry for each in found if not each.prefix for entry in each.entries.items())
    return [tree, *archives]


def _inside(place: Path, tree: Tree) -> Iterator[Path]:
    """Yield everything in a folder but folders and what is hidden; a folder that cannot be opened is told."""

    def closed(error: OSError) -> None:
        tree.skipped.append((printable(str(error.filename)), _unreadable(error)))

    for parent, folders, files in os.walk(place, onerror=closed):
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in linked]
        yield from (Path(parent) / name for name in (*files, *linked) if not name.startswith("."))


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


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
        with unpacked() as file:
            head = file.read(TAR_MARK_AT + len(TAR_MARK))
    if head[TAR_MARK_AT:] == TAR_MARK:
        return [_tar(name, stack.enter_context(unpacked()), shown, limits, size if unpack is None else None)]
    if unpack is None and size > limits.entry_bytes:
        raise InputError(f"is {size} bytes large", shown, "raise it with --limit entry_bytes=")
    return [Tree(shown, entries={name: Entry(name, size, unpacked)}, named=True)]


def _unpacked(opener: Callable[[], BinaryIO], unpack: Opener, allowed: int, place: str) -> BinaryIO:
    return _guarded(lambda: unpack(opener()), allowed, place)


def _guarded(opener: Callable[[], BinaryIO], allowed: int, place: str) -> BinaryIO:
    try:
        stream = opener()
    except DAMAGED as error:
        raise _damaged(error, place) from None
    return io.BufferedReader(_Guarded(stream, allowed, place), 2**16)


class _Guarded(io.RawIOBase):
    """A stream out of an archive that refuses to give more than it may: the answer to compression bombs.

    Whatever a library raises on a damaged one is an `InputError`, so that who reads need not know of archives.
    """

    def __init__(self, stream: BinaryIO, allowed: int, place: str) -> None:
        self._stream, self._allowed, self._place, self._at = stream, allowed, place, 0
        self._again = 0

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
        wanted = offset if whence == io.SEEK_SET else self._at + offset
        self._again += self._at if wanted < self._at else 0
        if self._again > MOST_AGAIN * self._allowed:
            raise InputError("is laid out so that it must be unpacked again and again", self._place, "unpack it first")
        try:
            self._at = self._stream.seek(wanted)
        except DAMAGED as error:
            raise _damaged(error, self._place) from None
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on, up to the limit."""
        try:
            raw = self._stream.read(len(buffer))
        except DAMAGED as error:
            raise _damaged(error, self._place) from None
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


def _damaged(error: Exception, place: str) -> InputError:
    """Return the error for an archive that a library cannot read.

    Raises
    ------
    OSError
        It is the system that says so, and not the library.
    """
    if isinstance(error, OSError) and error.errno:
        raise error
    words = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(f"is a damaged archive: {words}", place)


class _Member(tarfile.TarInfo):
    """An entry of a tar whose header cannot keep the library busy for hours.

    A negative size would be read at one place forever, a long run of digits in a header is searched again from each.
    Sources: https://nvd.nist.gov/vuln/detail/CVE-2025-8194, https://nvd.nist.gov/vuln/detail/CVE-2024-6232
    """

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError("an entry has a negative size")
        return int(super()._block(count))  # type: ignore[misc]

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in HEADERS:
            if self.size > LONGEST_HEADER:
                raise tarfile.ReadError(f"a header has {self.size} bytes")
            at = archive.fileobj.tell()
            header = archive.fileobj.read(max(self.size, 0))
            archive.fileobj.seek(at)
            if _DIGITS.search(header):
                raise tarfile.ReadError("a header has a number of a hundred digits")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _tar(name: str, stream: BinaryIO, place: str, limits: Limits, size: int | None) -> Tree:
    """Return an archive's entries; `size` is that of one that is not packed."""
    tree = Tree(place, f"{name}!")
    allowed = limits.total_bytes if size is None else limits.unpacked(size)
    try:
        archive = tarfile.open(fileobj=stream, mode="r:", tarinfo=_Member)  # noqa: SIM115 - entries read from it later
        for number, member in enumerate(archive):
            path = _trusted(member.name, place)
            if number >= limits.entries:
                raise InputError(f"holds more than {limits.entries} entries", place, "raise it with --limit entries=")
            if member.isfile():
                allowed -= max(member.size, 0)
                _refuse_beyond(allowed, path, place)
                _add(tree, path, member.size, partial(_member, archive, member), limits)
            elif not member.isdir():
                tree.skipped.append((path, LINK if member.issym() or member.islnk() else "is a device"))
        stream.seek(archive.offset)
        end = stream.read(tarfile.BLOCKSIZE)
        if len(end) < tarfile.BLOCKSIZE or end.strip(b"\0"):
            tree.skipped.append(("", f"is damaged at byte {archive.offset}: what comes after it is not read"))
    except DAMAGED as error:
        raise _damaged(error, place) from None
    return tree


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    file = archive.extractfile(member)
    return file if file is not None else io.BytesIO()  # type: ignore[return-value]


def _zip(name: str, stream: BinaryIO, place: str, limits: Limits, stack: ExitStack) -> Tree:
    tree = Tree(place, f"{name}!")
    try:
        archive = stack.enter_context(zipfile.ZipFile(stream))
        allowed = limits.unpacked(stream.seek(0, io.SEEK_END))
    except DAMAGED as error:
        raise _damaged(error, place) from None
    members = archive.infolist()
    if len(members) > limits.entries:
        raise InputError(f"holds more than {limits.entries} entries", place, "raise it with --limit entries=")
    for member in sorted(members, key=lambda member: member.header_offset):
        path = _trusted(member.orig_filename, place)
        mode = member.external_attr >> 16
        # What an archive says of itself is not believed: entries may overlap, and what they say may be too little.
        allowed -= member.file_size
        _refuse_beyond(allowed, path, place)
        if member.flag_bits & 1:
            tree.skipped.append((path, "is encrypted"))
        elif stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            tree.skipped.append((path, LINK if stat.S_ISLNK(mode) else DEVICE))
        elif not member.is_dir():
            _add(tree, path, member.file_size, partial(_zipped, archive, member), limits)
    return tree


def _zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return archive.open(member)  # type: ignore[return-value]


def _refuse_beyond(left: int, path: str, place: str) -> None:
    if left < 0:
        raise InputError(
            f"unpacks to more than it may at entry {path}",
            place,
            "if you trust it, raise it with --limit ratio= or --limit total_bytes=",
        )


def _add(tree: Tree, path: str, size: int, opener: Callable[[], BinaryIO], limits: Limits) -> None:
    if size > limits.entry_bytes:
        raise InputError(
            f"holds an entry of {size} bytes",
            f"{tree.place}!{path}",
            f"the limit is {limits.entry_bytes}: raise it with --limit entry_bytes=",
        )
    if path in tree.entries:
        tree.skipped.append((path, TWICE))
    tree.entries[path] = Entry(f"{tree.prefix}{path}", size, partial(_guarded, opener, size, f"{tree.place}!{path}"))


def _trusted(name: str, place: str) -> str:
    """Return the path of an entry as it is shown; nothing is unpacked, yet whoever writes such names means harm.

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
    return printable(path.as_posix())


def _within(raw: bytes, limit: int, place: str) -> bytes:
    if len(raw) > limit:
        raise InputError(f"is larger than {limit} bytes", place, "raise it with --limit entry_bytes=")
    return raw
