"""CIDR blocks, and the address space cut into cells."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.network.addresses import AddressSet, Block, Cells, is_cidr, parse_address, parse_cidr


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("010.001.0.0/16", "10.1.0.0/16"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_block_is_read_with_its_host_bits_masked(text: str, written: str) -> None:
    assert str(parse_cidr(text)) == written


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "300.0.0.0/8", "x", "10.0.0/8", "::/129", "10.0.0.0/-1"])
def test_what_is_no_block_is_none(text: str) -> None:
    assert parse_cidr(text) is None
    assert not is_cidr(text)


def test_an_address_is_no_cidr_and_a_cidr_no_address() -> None:
    assert not is_cidr("10.0.0.1")
    assert parse_address("10.0.0.0/8") is None


def test_families_never_meet() -> None:
    four, six = parse_cidr("0.0.0.0/0"), parse_cidr("::/0")
    assert four is not None
    assert six is not None
    assert not four.holds(six)
    assert not six.holds(four)


blocks = st.builds(
    lambda base, length: parse_cidr(f"{ipaddress.IPv4Address(base)}/{length}"),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(blocks, max_size=8), st.integers(0, 2**32 - 1))
def test_every_address_lies_in_one_cell_that_no_block_divides(cut: list[Block], number: int) -> None:
    cells = Cells(cut)
    address = Block(4, number, number)
    held = cells.of(address)
    assert len(held) == 1
    cell = cells[held[0]]
    assert cell.block.holds(address)
    assert not any(hole.holds(address) for hole in cell.holes)
    assert all(block.holds(address) == block.holds(cell.block) for block in cut)


@given(st.lists(blocks, max_size=6), blocks)
def test_the_cells_of_a_block_are_those_that_it_meets(cut: list[Block], block: Block) -> None:
    cells = Cells(cut)
    assert set(cells.of(block)) >= {
        cells.of(Block(4, block.first, block.first))[0],
        cells.of(Block(4, block.last, block.last))[0],
    }


@pytest.mark.parametrize(
    ("holes", "public"),
    [([], True), (["0.0.0.0/1", "128.0.0.0/1"], False), (["10.0.0.0/8"], True)],
)
def test_the_internet_is_what_private_blocks_leave(holes: list[str], public: bool) -> None:
    cells = Cells([block for text in holes if (block := parse_cidr(text))])
    whole = [cell for cell in cells if str(cell.block) == "0.0.0.0/0"]
    assert [cell.public for cell in whole] == ([True] if public else [])
    assert not any(cell.public for cell in cells if str(cell.block) == "10.0.0.0/8")


def test_a_set_holds_its_blocks_without_its_exceptions() -> None:
    held = AddressSet((Block(4, 0, 99),), (Block(4, 10, 19),))
    assert held.contains(Block(4, 5, 5))
    assert not held.contains(Block(4, 15, 15))
    assert not held.contains(Block(4, 200, 200))
