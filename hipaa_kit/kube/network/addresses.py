"""IP addresses, CIDR blocks, and the address space of both families cut into disjoint cells.

Two CIDR blocks are disjoint or one lies in the other, so that the blocks that policies name form a tree. A
cell is one block without the blocks that lie in it: cells are disjoint, cover everything, and no policy can
tell two addresses of one cell apart.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, overload

BITS = {4: 32, 6: 128}
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")


class Block(NamedTuple):
    """A CIDR block: family 4 or 6, first and last address as numbers."""

    family: int
    first: int
    last: int

    def holds(self, other: Block) -> bool:
        """Tell whether a block lies in this one, or is it."""
        return other.family == self.family and self.first <= other.first and other.last <= self.last

    def __str__(self) -> str:
        """Return the block as it is written."""
        length = BITS[self.family] - (self.last - self.first).bit_length()
        return f"{_address(self.family, self.first)}/{length}"


EVERYWHERE = (Block(4, 0, 2**32 - 1), Block(6, 0, 2**128 - 1))
"""All addresses of each family."""


def _address(family: int, number: int) -> str:
    return str(ipaddress.IPv4Address(number) if family == 4 else ipaddress.IPv6Address(number))


@lru_cache(maxsize=65536)
def parse_cidr(text: str) -> Block | None:
    """Return the block that a CIDR or a single address names, host bits masked; None where it is neither.

    Leading zeros of an IPv4 number are read as decimal, as the API server does.
    Source: `k8s.io/utils/net.ParseCIDRSloppy`
    """
    try:
        network = ipaddress.ip_network(_LEADING_ZEROS.sub("", text) if ":" not in text else text, strict=False)
    except ValueError:
        return None
    return Block(network.version, int(network.network_address), int(network.broadcast_address))


def is_cidr(text: str) -> bool:
    """Tell whether a text is a block with its length, as `ipBlock` wants it."""
    return "/" in text and text.rpartition("/")[2].isdecimal() and parse_cidr(text) is not None


def parse_address(text: str) -> Block | None:
    """Return the block of a single address, or None where the text is no address."""
    return None if "/" in text else parse_cidr(text)


def is_address(text: str) -> bool:
    """Tell whether a text is an address to every reader: of `010.0.0.1` some take the first number for octal."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def parse_addresses(texts: Iterable[str]) -> tuple[Block, ...]:
    """Return the single addresses among texts, each once."""
    return tuple(dict.fromkeys(block for each in texts if (block := parse_address(each))))


class AddressSet(NamedTuple):
    """Blocks, without the blocks in `without`: what one `ipBlock` or list of networks names."""

    blocks: tuple[Block, ...]
    without: tuple[Block, ...] = ()

    def contains(self, block: Block) -> bool:
        """Tell whether all of a block, which no named block divides, belongs to the set."""
        return any(each.holds(block) for each in self.blocks) and not any(each.holds(block) for each in self.without)

    def __str__(self) -> str:
        """Return the set in words."""
        named = ", ".join(map(str, self.blocks))
        return f"{named} except {', '.join(map(str, self.without))}" if self.without else named


PRIVATE = AddressSet(
    tuple(
        block
        for text in (
            "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 "
            "198.18.0.0/15 224.0.0.0/3 ::/127 64:ff9b:1::/48 fc00::/7 fe80::/10 ff00::/8"
        ).split()
        if (block := parse_cidr(text))
    )
)
"""Addresses that no host of the internet has.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry/,
https://www.iana.org/assignments/iana-ipv6-special-registry/
"""


@dataclass(frozen=True)
class Cell:
    """One block without the blocks that lie in it."""

    block: Block
    holes: tuple[Block, ...]

    @cached_property
    def public(self) -> bool:
        """Tell whether an address of the internet lies in it."""
        return not _covered(self.block, [*PRIVATE.blocks, *self.holes])

    @property
    def empty(self) -> bool:
        """Tell whether the holes leave nothing of it."""
        return _covered(self.block, self.holes)

    def __str__(self) -> str:
        """Return the cell in words."""
        return str(AddressSet((self.block,), self.holes))


def _covered(block: Block, parts: Iterable[Block]) -> bool:
    """Tell whether parts, each in the block or around it or apart, leave nothing of it."""
    at = block.first
    for part in sorted(part for part in parts if part.family == block.family):
        if part.last < at or part.first > block.last:
            continue
        if part.first > at:
            return False
        at = part.last + 1
    return at > block.last


class Cells(Sequence[Cell]):
    """The address space of both families, cut at the borders of given blocks.

    Parameters
    ----------
    blocks
        Every block that anything names; repeats do no harm.
    """

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        tree = sorted({*EVERYWHERE, *blocks}, key=lambda each: (each.family, each.first, -each.last))
        holes: dict[Block, list[Block]] = {block: [] for block in tree}
        path: list[Block] = []
        for block in tree:
            while path and not path[-1].holds(block):
                path.pop()
            if path:
                holes[path[-1]].append(block)
            path.append(block)
        cells = [Cell(block, tuple(holes[block])) for block in tree]
        self._cells = tuple(cell for cell in cells if not cell.empty)
        self._bounds = self._cut()

    def _cut(self) -> tuple[list[tuple[int, int]], list[int]]:
        """Return the first address of every piece, and the cell it belongs to."""
        pieces: dict[tuple[int, int], int] = {}
        for at, cell in enumerate(self._cells):
            pieces[cell.block.family, cell.block.first] = at
        for at, cell in enumerate(self._cells):
            for hole in cell.holes:
                if hole.last < cell.block.last:
                    pieces.setdefault((cell.block.family, hole.last + 1), at)
        order = sorted(pieces)
        return order, [pieces[key] for key in order]

    def __len__(self) -> int:
        """Return how many cells there are."""
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> Cell: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Cell, ...]: ...

    def __getitem__(self, index: int | slice) -> Cell | tuple[Cell, ...]:
        """Return a cell, or some."""
        return self._cells[index]

    def of(self, block: Block) -> list[int]:
        """Return the positions of the cells that a block meets."""
        firsts, owners = self._bounds
        start = bisect_right(firsts, (block.family, block.first)) - 1
        end = bisect_right(firsts, (block.family, block.last))
        return sorted(set(owners[max(start, 0) : end]))
