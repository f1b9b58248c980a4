"""Sets of ports as bits."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.network.ports import EVERY_PORT, PROTOCOLS, Atoms, PortRange, other_ports

spans = st.builds(
    lambda protocol, one, other: PortRange(protocol, min(one, other), max(one, other)),
    st.sampled_from(PROTOCOLS),
    st.integers(1, 65535),
    st.integers(1, 65535),
)


def members(ranges: list[PortRange]) -> set[tuple[str, int]]:
    edges = {(r.protocol, port) for r in ranges for port in (r.first, r.last, r.first - 1, r.last + 1)}
    return {(p, n) for p, n in edges if any(r.protocol == p and r.first <= n <= r.last for r in ranges)}


@given(st.lists(spans, max_size=8))
def test_bits_give_back_the_ports_they_were_made_of_joined(ranges: list[PortRange]) -> None:
    atoms = Atoms(ranges)
    back = list(atoms.ranges(atoms.bits(ranges)))
    assert members(ranges) <= members([*ranges, *back])
    assert atoms.bits(back) == atoms.bits(ranges)
    for one, two in pairwise(back):
        assert one.protocol != two.protocol or one.last + 1 < two.first


@given(st.lists(spans, max_size=6), st.sampled_from(PROTOCOLS), st.integers(1, 65535))
def test_a_port_is_in_a_set_or_in_its_complement(ranges: list[PortRange], protocol: str, port: int) -> None:
    rest = other_ports(ranges)
    inside = any(r.protocol == protocol and r.first <= port <= r.last for r in ranges)
    outside = any(r.protocol == protocol and r.first <= port <= r.last for r in rest)
    assert inside != outside


def test_families_stand_one_above_the_other() -> None:
    atoms = Atoms([PortRange("TCP", 80, 80)], families=2)
    bits = atoms.bit("TCP", 80)
    assert bits.bit_count() == 2
    assert bits & atoms.family(0)
    assert bits & atoms.family(1)
    assert list(atoms.ranges(bits & atoms.one_family)) == [PortRange("TCP", 80, 80)]


def test_words() -> None:
    assert str(EVERY_PORT) == "every port"
    assert str(PortRange("TCP", 80, 81)) == "TCP 80-81"
