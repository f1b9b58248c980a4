"""What a way in from outside is, and who can come in by an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hipaa_kit.inventory.fields import items, text
from hipaa_kit.kube.network.addresses import PRIVATE, parse_cidr
from hipaa_kit.sources.snapshot import Record

LEVELS = ("internet", "restricted", "private", "unknown", "none")
"""Who can come in, most first."""


@dataclass(frozen=True)
class Way:
    """A way in, before the pod's own policy is asked.

    `seen_as` is `client`, `node`, or the pods that stand between, by name; "" where these are not known.
    """

    entry: str
    entry_type: str
    entry_port: int
    level: str
    seen_as: str
    ranges: tuple[str, ...] = ()
    host: str = ""
    via: tuple[str, ...] = ()
    tls: str = "none"
    tls_secret: str = ""
    reason: str = ""


def level_of_address(address: str) -> str:
    """Return who can come in by one address."""
    block = parse_cidr(address)
    if block is None:
        return "unknown"
    return "private" if PRIVATE.contains(block) else "internet"


def addresses_level(addresses: Iterable[str]) -> str:
    """Return who can come in by some addresses; names of hosts say nothing."""
    found = {level_of_address(address) for address in addresses}
    return next((level for level in LEVELS if level in found), "unknown")


def each_address(record: Record) -> Iterator[str]:
    """Yield the addresses in the status of an Ingress."""
    for each in items(record.content, "status", "loadBalancer", "ingress"):
        yield text(each, "ip") or text(each, "hostname")
