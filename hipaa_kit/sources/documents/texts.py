"""Bytes as text: by the byte order mark, or by where its zeros are; what is not text is replaced and told."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO, Final, TextIO, cast

from hipaa_kit.errors import InputError

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
REPLACED: Final = "holds bytes that are not text; they were replaced"

_MARKED: Final = "\udcff"
"""Stands for bytes that are not text until they are replaced: no decoder gives it for bytes that are."""


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    return _MARKED, cast(UnicodeDecodeError, error).end


codecs.register_error("hipaa-kit-mark", _mark)


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by how it begins.

    PowerShell writes UTF-16, editors a mark before UTF-8. UTF-16 without a mark shows by its zeros: JSON and
    YAML begin with two ASCII characters.
    """
    marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
    if marked or len(head) < 4:
        return marked or "utf-8"
    zeros = [byte == 0 for byte in head[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else "utf-8"


def decode(raw: bytes, where: str) -> str:
    """Return the text of a file that must be text altogether.

    Raises
    ------
    InputError
        It is not text in the encoding that it begins with.
    """
    encoding = encoding_of(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"is not {encoding} text at byte {error.start}", where) from None


class _Rejoined(io.RawIOBase):
    """Bytes that were taken from a file, and then the file: an archive is not unpacked again to go back."""

    def __init__(self, held: bytes, file: BinaryIO) -> None:
        self._held, self._file = memoryview(held), file

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        chunk = self._held[: len(buffer)] or self._file.read(len(buffer))
        self._held = self._held[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def rejoined(held: bytes, file: BinaryIO) -> BinaryIO:
    """Return a file that begins with bytes that were read from it."""
    return io.BufferedReader(_Rejoined(held, file), 2**17)


class Text:
    """A file as text, read in chunks. `replaced` tells whether bytes that are not text stood in it so far.

    Parameters
    ----------
    file
        Bytes, read from where they stand.
    encoding
        Where it is known; by how the text begins otherwise.
    """

    def __init__(self, file: BinaryIO, encoding: str = "") -> None:
        head = b"" if encoding else file.read(4)
        whole = rejoined(head, file)
        self._stream: TextIO = io.TextIOWrapper(
            whole, encoding or encoding_of(head), errors="hipaa-kit-mark", newline=""
        )
        self.replaced = False
        self._ahead = ""

    def peek(self, size: int) -> str:
        """Return the next characters without consuming them; only once, and before anything is read."""
        self._ahead = self._read(size)
        return self._ahead

    def read(self, size: int) -> str:
        """Return the next characters, some or all of those asked for, `""` at the end."""
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        return ahead or self._read(size)

    def _read(self, size: int) -> str:
        chunk = self._stream.read(size)
        if not chunk.isascii() and _MARKED in chunk:
            self.replaced = True
            chunk = chunk.replace(_MARKED, "\ufffd")
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
