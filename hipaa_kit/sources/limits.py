"""How much the kit reads before it takes an input for hostile: every limit in one place.

An archive of a kilobyte can unpack to a terabyte, and ten lines of YAML can say a thousand million
values. Each limit has a default that no honest input is known to reach, and each can be set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from hipaa_kit.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Limits of one import.

    Parameters
    ----------
    total_bytes
        Everything unpacked from one archive.
    entry_bytes
        One file, or one entry of an archive, unpacked.
    document_bytes
        One document that has to be held as a whole: a YAML document, or one object in JSON.
    ratio
        Unpacked bytes for each packed one, beyond the first 64 MiB.
    entries
        Files of one folder, or entries of one archive.
    """

    total_bytes: int = 16 * 2**30
    entry_bytes: int = 4 * 2**30
    document_bytes: int = 512 * 2**20
    ratio: int = 200
    entries: int = 1_000_000

    def unpacked(self, packed_bytes: int) -> int:
        """Return how many bytes may come out of that many packed ones."""
        return min(self.total_bytes, self.ratio * packed_bytes + 64 * 2**20)

    def with_settings(self, settings: Iterable[str]) -> Limits:
        """Return the limits with `NAME=NUMBER` settings applied.

        Raises
        ------
        InputError
            A setting names no limit, or its value is no positive whole number.
        """
        names = [field.name for field in fields(self)]
        changed = {}
        for text in settings:
            name, _, number = text.partition("=")
            if name not in names:
                raise InputError(f"there is no limit {name!r}", "--limit", f"limits are {', '.join(names)}")
            if not number.isdecimal() or not int(number):
                raise InputError(f"{text!r} is not NAME=NUMBER", "--limit", "give a whole number above 0")
            changed[name] = int(number)
        return replace(self, **changed)


DEFAULT_LIMITS = Limits()
