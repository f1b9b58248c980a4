"""Bytes as text: by the byte order mark, or by where its zeros are; what is not text is replaced and told."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO, Final, TextIO, cast

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


class Text:
    """A file as text, read in chunks. `replaced` tells whether bytes that are not text stood in it so far."""

    def __init__(self, file: BinaryIO) -> None:
        buffered = file if isinstance(file, io.BufferedIOBase) else io.BufferedReader(cast(io.RawIOBase, file))
        head = buffered.read(4)
        buffered.seek(0)
        self._stream: TextIO = io.TextIOWrapper(buffered, encoding_of(head), errors="hipaa-kit-mark", newline="")
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
