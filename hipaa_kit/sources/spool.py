"""Lines put aside while a snapshot is built: in memory while they are few, then in a file without a name.

Only what redaction let through comes here. The file vanishes with the process, also when that is killed.
"""

from __future__ import annotations

import tempfile
from array import array
from typing import IO, Final

IN_MEMORY_BYTES: Final = 64 * 2**20


class Spool:
    """Keeps lines by the number that `put` returned."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._starts = array("Q", [0])
        self._file: IO[bytes] | None = None

    def put(self, line: bytes) -> int:
        """Keep a line; return its number."""
        if self._held_bytes > IN_MEMORY_BYTES:
            self._write()
        self._held.append(line)
        self._held_bytes += len(line)
        return len(self._starts) + len(self._held) - 2

    def get(self, number: int) -> bytes:
        """Return a line."""
        written = len(self._starts) - 1
        if number >= written or self._file is None:
            return self._held[number - written]
        start = self._starts[number]
        self._file.seek(start)
        return self._file.read(self._starts[number + 1] - start)

    def _write(self) -> None:
        """Write what is held in memory to the file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives with the snapshot
        self._file.seek(self._starts[-1])
        self._file.writelines(self._held)
        for line in self._held:
            self._starts.append(self._starts[-1] + len(line))
        self._held.clear()
        self._held_bytes = 0
