"""Lines of a log, by the batch: every line is in one of them, or counted as one that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from hipaa_kit.errors import InputError

BLOCK: Final = 2**20
"""Bytes that are read at a time; a batch ends at a line's end. Larger ones leave the processor's cache: with
32 MiB reading takes more than twice as long."""

SIP: Final = 2**16
"""Bytes that are lost at most where a packed file breaks off."""

LONGEST_LINE: Final = 32 * 2**20
"""Bytes of one line. etcd takes objects of 1.5 MiB, of which an event may hold two; a webhook's batch holds many."""

PER_BATCH: Final = 4_000
"""Values of a document, or rows of a table, in a batch."""

BLANK: Final = " \t\r\n\0\ufeff"
"""What may stand around an event: a log that was cut while it was written to has NUL bytes in its place."""


@dataclass
class Batch:
    """Some lines in order, with their numbers and servers where they name any; and how many were left out, and why."""

    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    lines: int = 0
    unread: int = 0
    skipped: int = 0
    salvaged: int = 0
    repaired: int = 0
    cut: bool = False
    truncated: bool = False
    bytes: int = 0
    form: str = ""
    delivery: str = "file"

    @property
    def last(self) -> int:
        """Number of the last line that holds anything."""
        return self.numbers[-1] if self.numbers else 0


def blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file in blocks of that size; of a packed file that is damaged what comes before.

    Raises
    ------
    InputError
        It is damaged; once what was read of it has been given.
    """
    held, length = [], 0
    try:
        while raw := file.read(min(SIP, size)):
            held.append(raw)
            length += len(raw)
            if length >= size:
                yield b"".join(held)
                held, length = [], 0
    except InputError:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


def batches(file: BinaryIO, block: int = BLOCK) -> Iterator[Batch]:
    """Yield all lines of a file; blank ones are counted and left out.

    Parameters
    ----------
    file
        At its beginning.
    block
        Bytes that are read at a time.

    Notes
    -----
    A line that is not UTF-8 is kept with a replacement character where it breaks, and counted as `repaired`. `cut` says
    that the last line has no end.
    """
    number, rest, dropping = 0, b"", False
    for raw in blocks(file, block):
        size = len(raw)
        head, newline, tail = raw.rpartition(b"\n")
        batch = Batch(bytes=size)
        if dropping and newline:
            head = head.partition(b"\n")[2] if b"\n" in head else b""
            dropping, rest = False, b""
            if not head and raw.count(b"\n") == 1:
                newline = b""
        if dropping:
            yield batch
            continue
        if newline:
            number = _fill(batch, rest + head, number)
            rest = tail
        else:
            rest += tail
        if len(rest) > LONGEST_LINE:
            number += 1
            batch.lines += 1
            batch.unread += 1
            rest, dropping = b"", True
        yield batch
    if rest:
        batch = Batch(cut=True)
        _fill(batch, rest, number)
        yield batch


def _fill(batch: Batch, raw: bytes, number: int) -> int:
    """Put the lines of some bytes into a batch, and return the number of the last."""
    try:
        texts = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        texts = []
        for line in raw.split(b"\n"):
            text = line.decode("utf-8", "replace")
            batch.repaired += text.encode("utf-8") != line
            texts.append(text)
    batch.lines += len(texts)
    if all(text[:1] == "{" and text[-1:] == "}" for text in texts):
        batch.texts, batch.numbers = texts, list(range(number + 1, number + 1 + len(texts)))
        return number + len(texts)
    for at, text in enumerate(texts, number + 1):
        if text[:1] != "{" or text[-1:] != "}":
            text = text.strip(BLANK)
        if text:
            batch.texts.append(text)
            batch.numbers.append(at)
    return number + len(texts)
