"""How much the kit reads before it takes an input for hostile: every limit in one place.

An archive of a kilobyte can unpack to a terabyte, and ten lines of YAML can say a thousand million
values. Each limit has a default that no honest input is known to reach, and each can be set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Final

from hipaa_kit.errors import InputError

DEEPEST: Final = 400
"""Levels that every part of the kit can follow: some of them recurse."""


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
        One YAML document as text; lists in it are read item by item.
    object_bytes
        One object, or one item of a list, as text. etcd takes 1.5 MiB.
    string_bytes
        One text in an object.
    ratio
        Unpacked bytes for each packed one, beyond the first 64 MiB.
    entries
        Files of one folder, or entries of one archive.
    depth
        Levels of one document.
    aliases
        Aliases of one YAML document.
    values
        Values of one YAML document, those that aliases repeat counted each time.
    """

    total_bytes: int = 16 * 2**30
    entry_bytes: int = 4 * 2**30
    document_bytes: int = 512 * 2**20
    object_bytes: int = 64 * 2**20
    string_bytes: int = 8 * 2**20
    ratio: int = 200
    entries: int = 1_000_000
    depth: int = 200
    aliases: int = 1_000
    values: int = 2_000_000

    def unpacked(self, packed_bytes: int) -> int:
        """Return how many bytes may come out of that many packed ones."""
        return min(self.total_bytes, self.ratio * packed_bytes + 64 * 2**20)

    def with_settings(self, settings: Iterable[str]) -> Limits:
        """Return the limits with `NAME=NUMBER` settings applied.

        Raises
        ------
        InputError
            A setting names no limit, its value is no positive whole number, or a depth that would end the process.
        """
        names = [field.name for field in fields(self)]
        changed = {}
        for text in settings:
            name, _, number = text.partition("=")
            if name not in names:
                raise InputError(f"there is no limit {name!r}", "--limit", f"limits are {', '.join(names)}")
            if not (number.isascii() and number.isdecimal() and len(number) < 19) or not int(number):
                raise InputError(f"{text!r} is not NAME=NUMBER", "--limit", "give a whole number above 0")
            changed[name] = int(number)
        if changed.get("depth", 0) > DEEPEST:
            raise InputError(f"depth is above {DEEPEST}", "--limit", "deeper documents cannot be read safely")
        return replace(self, **changed)


DEFAULT_LIMITS = Limits()
