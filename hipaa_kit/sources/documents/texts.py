"""Bytes as text: by the byte order mark, UTF-8 without one; what is not text is replaced and told."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO, Final, TextIO, cast

from hipaa_kit.errors import InputError

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
REPLACED: Final = "holds bytes that are not text; they were replaced"

_ESCAPED: Final = re.compile("[\udc80-\udcff]")


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text by how it begins. PowerShell writes UTF-16, editors a mark before UTF-8."""
    return next((name for mark, name in MARKS if head.startswith(mark)), "utf-8")


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
        errors = "surrogateescape" if encoding_of(head) != "utf-16" else "replace"
        self._stream: TextIO = io.TextIOWrapper(buffered, encoding_of(head), errors=errors, newline="")
        self.replaced = False

    @classmethod
    def of_utf8(cls, file: BinaryIO) -> Text:
        """Return UTF-8 without a mark, from where a file stands, which need not be able to go back."""
        text = cls.__new__(cls)
        text._stream = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
        text.replaced = False
        return text

    def read(self, size: int = -1) -> str:
        """Return the next characters, `""` at the end."""
        chunk = self._stream.read(size)
        if not chunk.isascii() and _ESCAPED.search(chunk):
            self.replaced = True
            chunk = _ESCAPED.sub("\ufffd", chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
