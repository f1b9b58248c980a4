"""Zstandard streams that can be read again: the library's own go forward only."""

from __future__ import annotations

import io
from typing import BinaryIO


def open_zstandard(file: BinaryIO) -> BinaryIO:
    """Return the unpacked stream of a zstd file, seekable as those of gzip and xz are."""
    return _Rewinding(file)  # type: ignore[return-value]


class _Rewinding(io.RawIOBase):
    """Unpacks again from the beginning where an earlier place is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start()

    def _start(self) -> None:
        import zstandard

        self._file.seek(0)
        self._at = 0
        self._stream = zstandard.ZstdDecompressor().stream_reader(self._file, read_across_frames=True, closefd=False)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises
        ------
        OSError
            The stream is damaged.
        """
        import zstandard

        try:
            raw: bytes = self._stream.read(size)
        except zstandard.ZstdError as error:
            raise OSError(str(error)) from None
        self._at += len(raw)
        return raw

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place counted from the beginning."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("the end of a packed stream is not known")
        if offset < self._at:
            self._start()
        while self._at < offset and self.read(min(2**16, offset - self._at)):
            pass
        return self._at

    def close(self) -> None:
        """Close the file below."""
        self._file.close()
        super().close()
