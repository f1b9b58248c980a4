"""Sets of ports of one protocol as sorted ranges that neither meet nor touch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from hipaa_kit.kube.network.ports import FIRST, LAST

PortSet: TypeAlias = tuple[tuple[int, int], ...]
EVERY: PortSet = ((FIRST, LAST),)


def union(ranges: Iterable[tuple[int, int]]) -> PortSet:
    """Return the ports that any of some ranges holds."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def without(ports: PortSet, others: PortSet) -> PortSet:
    """Return the ports of one set that are not in another."""
    found = list(ports)
    for first, last in others:
        rest = []
        for low, high in found:
            if low < first:
                rest.append((low, min(high, first - 1)))
            if high > last:
                rest.append((max(low, last + 1), high))
        found = rest
    return tuple(found)


def words(ports: PortSet) -> str:
    """Return the ports as `5432 8000-8080`; "every" where it is all of them."""
    if ports == EVERY:
        return "every"
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ports)


def holds(said: str, port: int) -> bool:
    """Tell whether ports as `words` says them hold one."""
    ranges = (each.partition("-") for each in said.split())
    return said == "every" or any(int(first) <= port <= int(last or first) for first, _, last in ranges)
