"""Quantities and percentages are read as the API server reads them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.quantities import (
    MOST,
    SUFFIXES,
    QuantityError,
    cores,
    parse_quantity,
    rounded_up,
    scaled_value,
    whole,
)

# The cases of k8s.io/apimachinery/pkg/api/resource/quantity_test.go, by value.
CASES = {
    "0": "0",
    "0n": "0",
    "0Ki": "0",
    "1": "1",
    "+1": "1",
    "-0": "0",
    "1Ki": "1024",
    "8Ki": "8192",
    "7Mi": "7340032",
    "6Gi": "6442450944",
    "5Ti": "5497558138880",
    "4Pi": "4503599627370496",
    "3Ei": "3458764513820540928",
    "5n": "0.000000005",
    "4u": "0.000004",
    "3m": "0.003",
    "8k": "8000",
    "50k": "50000",
    "7M": "7000000",
    "6G": "6000000000",
    "5T": "5000000000000",
    "2P": "2000000000000000",
    "1E": "1000000000000000000",
    "1E-3": "0.001",
    "1e3": "1000",
    "1E6": "1000000",
    "1.3E+6": "1300000",
    "100.035k": "100035",
    "0.0005k": "0.5",
    "0.5e-2": "0.005",
    "6.987654321G": "6987654321",
    "100.035Ki": "102435.84",
    "0.05Gi": "53687091.2",
    "0.025Ti": "27487790694.4",
    # rounded up to a nano unit
    "3.001n": "0.000000004",
    "1.1E-9": "0.000000002",
    "0.0000000001": "0.000000001",
    "0.00000012345": "0.000000124",
    "0.000000000001Ki": "0.000000002",
    "-3.001n": "-0.000000004",
    # binary quantities are capped, decimal ones are not
    "9Ei": "9223372036854775807",
    "9223372036854775807Ki": "9223372036854775807",
    "-9Ei": "-9223372036854775807",
    "12E": "12000000000000000000",
    # without digits on one side
    ".001": "0.001",
    ".0001k": "0.1",
    "1.": "1",
    "1.G": "1000000000",
    # as the JSON decoder hands it over
    " 1Gi ": "1073741824",
}
INVALID = [
    *(
        "",
        " ",
        ".",
        "+",
        "-",
        "Ki",
        "1.1.M",
        "1+1.0M",
        "0.1mi",
        "0.1am",
        "aoeu",
        ".5i",
        "1i",
        "-3.01i",
        "-3.01e-",
        "1e",
    ),
    *("1K", "1 Gi", "1_000", "0x1", "1e1000", "٣", "1" * 100, "nan", "inf"),
]


@pytest.mark.parametrize(("text", "value"), CASES.items())
def test_quantity_has_the_value_of_the_api(text: str, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("value", [*INVALID, None, True, [], {}, b"1", float("nan"), float("inf")])
def test_what_is_no_quantity_is_an_error(value: Any) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(value)
    assert cores(value) is None
    assert whole(value) is None


@pytest.mark.parametrize(("value", "number"), [(2, "2"), (0.5, "0.5"), (1e22, "1e22"), (1e-7, "1e-7"), (-3, "-3")])
def test_numbers_of_yaml_are_quantities(value: float, number: str) -> None:
    assert parse_quantity(value) == Decimal(number)


def test_cpu_is_read_in_cores_and_memory_in_whole_bytes() -> None:
    assert cores("250m") == 0.25
    assert whole("0.1Ki") == 103
    assert whole("-1.5") == -2
    assert whole("1.5Gi") == 1610612736
    assert whole("10E") is None


@pytest.mark.parametrize(
    ("number", "places", "rounded"), [("0.0001", 3, "0.001"), ("-0.0001", 3, "-0.001"), ("1.5", 0, "2"), ("2", 3, "2")]
)
def test_rounding_up_goes_away_from_zero(number: str, places: int, rounded: str) -> None:
    assert rounded_up(Decimal(number), places) == Decimal(rounded)


INTEGERS = st.integers(-(10**30), 10**30)
WRITTEN = st.builds(
    lambda sign, whole, fraction, suffix: f"{sign}{whole}{fraction}{suffix}",
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 10**20),
    st.sampled_from(["", ".", ".5", ".25", ".000000001"]),
    st.sampled_from(["", *SUFFIXES, "e3", "E-3"]),
)


@given(WRITTEN)
def test_a_quantity_written_out_reads_back(text: str) -> None:
    number = parse_quantity(text)
    assert parse_quantity(str(number)) == number


@given(WRITTEN)
def test_the_sign_only_changes_the_sign(text: str) -> None:
    bare = text.lstrip("+-")
    assert parse_quantity(f"-{bare}") == parse_quantity(bare).copy_negate()


@given(st.integers(0, 10**40), st.integers(0, 9))
def test_what_a_nano_unit_can_say_is_exact(digits: int, places: int) -> None:
    assert parse_quantity(f"{digits}e-{places}") == Decimal(f"{digits}E-{places}")


@given(INTEGERS, st.sampled_from([suffix for suffix in SUFFIXES if suffix.endswith("i")]))
def test_binary_quantities_never_pass_the_cap(number: int, suffix: str) -> None:
    assert abs(parse_quantity(f"{number}{suffix}")) <= MOST


@given(WRITTEN, st.integers(0, 9))
def test_rounding_up_is_never_less_and_less_than_one_step_more(text: str, places: int) -> None:
    number = parse_quantity(text.lstrip("+-"))
    assert 0 <= Fraction(rounded_up(number, places)) - Fraction(number) < Fraction(1, 10**places)


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [
        (3, 10, 3, 3),
        (0, 10, 0, 0),
        ("50%", 7, 4, 3),
        ("30%", 10, 3, 3),
        ("1%", 3, 1, 0),
        ("0%", 3, 0, 0),
        ("100%", 3, 3, 3),
        ("29%", 100, 29, 29),
        ("50%", 0, 0, 0),
    ],
)
def test_percentages_round_as_they_are_told(value: Any, total: int, up: int, down: int) -> None:
    assert scaled_value(value, total, round_up=True) == up
    assert scaled_value(value, total, round_up=False) == down


@pytest.mark.parametrize("value", ["3", "", "%", "-5%", "5.5%", " 5%", "٣%", None, True, 1.5, [], "9" * 10 + "%"])
def test_what_is_neither_number_nor_percentage_has_no_value(value: Any) -> None:
    assert scaled_value(value, 10, round_up=True) is None


@given(st.integers(0, 100), st.integers(0, 100_000))
def test_a_percentage_and_its_rest_make_the_whole(percent: int, total: int) -> None:
    up = scaled_value(f"{percent}%", total, round_up=True)
    rest = scaled_value(f"{100 - percent}%", total, round_up=False)
    assert up is not None
    assert rest is not None
    assert up + rest == total
    assert 0 <= up <= total
