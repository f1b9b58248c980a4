"""Ports: protocols and ranges of numbers, names that a pod gives to numbers, and sets of them as bits.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-range-of-ports
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

PROTOCOLS = ("TCP", "UDP", "SCTP")
"""Protocols that policies can name; ICMP and others are not governed by them."""

FIRST, LAST = 1, 65535


class PortRange(NamedTuple):
    """Ports of one protocol, both ends included."""

    protocol: str
    first: int = FIRST
    last: int = LAST

    def __str__(self) -> str:
        """Return the range in words."""
        if (self.first, self.last) == (FIRST, LAST):
            return self.protocol
        return f"{self.protocol} {self.first}" + (f"-{self.last}" if self.last != self.first else "")


class NamedPort(NamedTuple):
    """A port by the name that the destination pod gives it; protocol "" stands for any."""

    name: str
    protocol: str = "TCP"


class ContainerPort(NamedTuple):
    """A port that a container of a pod declares with a name."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True)
class Ports:
    """What a rule says of ports: ranges and names, of which one must match, and none of those in `without`."""

    ranges: tuple[PortRange, ...] = ()
    names: tuple[NamedPort, ...] = ()
    without: Ports | None = None

    @property
    def every(self) -> bool:
        """Tell whether it restricts nothing."""
        return self == EVERY_PORT

    def __str__(self) -> str:
        """Return the ports in words."""
        if self.every:
            return "every port"
        named = [f"{name.protocol} {name.name}".strip() for name in self.names]
        held = ", ".join([*map(str, self.ranges), *named]) or "no port"
        return f"{held} except {self.without}" if self.without else held

    @property
    def every_name(self) -> tuple[NamedPort, ...]:
        """Return the names it speaks of, also those that it excludes."""
        return (*self.names, *(self.without.names if self.without else ()))


EVERY_PORT = Ports(tuple(PortRange(protocol) for protocol in PROTOCOLS))


def other_ports(ranges: Iterable[PortRange], protocols: Iterable[str] = PROTOCOLS) -> tuple[PortRange, ...]:
    """Return every port of some protocols that lies in none of the ranges."""
    held = sorted(ranges)
    found = []
    for protocol in protocols:
        at = FIRST
        for each in held:
            if each.protocol != protocol:
                continue
            if each.first > at:
                found.append(PortRange(protocol, at, each.first - 1))
            at = max(at, each.last + 1)
        if at <= LAST:
            found.append(PortRange(protocol, at, LAST))
    return tuple(found)


class Atoms:
    """Every port that anything can tell apart, as one bit each.

    Parameters
    ----------
    ranges
        Every range in use; each protocol is cut at their ends.
    families
        Address families that flows are told apart by: one on a cluster with single addresses, two where
        pods have an address of each. Every family has the same bits, one above the other.
    """

    def __init__(self, ranges: Iterable[PortRange], families: int = 1) -> None:
        starts = {protocol: {FIRST} for protocol in PROTOCOLS}
        for protocol, first, last in ranges:
            starts[protocol].update((first, last + 1) if last < LAST else (first,))
        self._starts = {protocol: sorted(found) for protocol, found in starts.items()}
        self._offset, at = {}, 0
        for protocol in PROTOCOLS:
            self._offset[protocol] = at
            at += len(self._starts[protocol])
        self.size, self.families = at, families
        self.one_family = (1 << at) - 1
        self.everything = (1 << at * families) - 1

    def family(self, number: int) -> int:
        """Return the bits of one family."""
        return self.one_family << self.size * number

    def bits(self, ranges: Iterable[PortRange]) -> int:
        """Return the bits of some ranges, in every family."""
        found = 0
        for protocol, first, last in ranges:
            starts, offset = self._starts[protocol], self._offset[protocol]
            low, high = bisect_right(starts, first) - 1, bisect_right(starts, last)
            found |= ((1 << high - low) - 1) << offset + low
        return sum(found << self.size * family for family in range(self.families))

    def refined(self, coarser: Atoms, bits: int) -> int:
        """Return the bits of what bits of others stand for, which tell fewer ports apart in the same families."""
        found = 0
        for number in range(self.families):
            part = bits >> coarser.size * number & coarser.one_family
            found |= (self.bits(coarser.ranges(part)) & self.one_family) << self.size * number
        return found

    def bit(self, protocol: str, port: int) -> int:
        """Return the bits of one port, in every family."""
        return self.bits((PortRange(protocol, port, port),))

    def ranges(self, bits: int) -> Iterator[PortRange]:
        """Yield the ranges that bits of one family stand for, joined where they touch."""
        for protocol in PROTOCOLS:
            starts, offset = self._starts[protocol], self._offset[protocol]
            held = bits >> offset & (1 << len(starts)) - 1
            while held:
                low = (held & -held).bit_length() - 1
                run = held >> low
                length = (~run & run + 1).bit_length() - 1
                high = low + length
                last = starts[high] - 1 if high < len(starts) else LAST
                yield PortRange(protocol, starts[low], last)
                held &= ~(((1 << length) - 1) << low)
