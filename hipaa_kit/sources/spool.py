"""Lines put aside while a snapshot is built: in memory while they are few, then in a file without a name.

Only what redaction let through comes here. The file vanishes with the process, also when that is killed.
"""

from __future__ import annotations

import tempfile
from typing import Final

IN_MEMORY_BYTES: Final = 64 * 2**20


class Spool:
    """Keeps lines by the place that `put` returned."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - lives with the snapshot
        self._end = 0

    def put(self, line: bytes) -> tuple[int, int]:
        """Keep a line; return where it is and its length."""
        at, self._end = self._end, self._end + len(line)
        self._file.seek(at)
        self._file.write(line)
        return at, len(line)

    def get(self, at: int, length: int) -> bytes:
        """Return a line."""
        self._file.seek(at)
        return self._file.read(length)
