"""Quantities and percentages, exactly as the API server reads them.

Source: `k8s.io/apimachinery/pkg/api/resource` (Quantity) and `k8s.io/apimachinery/pkg/util/intstr`,
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from hipaa_kit.errors import InputError

_QUANTITY = re.compile(
    r"([+-]?)(\d{1,99}(?:\.\d{0,99})?|\.\d{1,99})(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d{1,3}))?", re.ASCII
)
_PERCENT = re.compile(r"(\d{1,9})%", re.ASCII)

SUFFIXES: Final = {
    **{
        suffix: Fraction(10) ** power
        for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    },
    **{f"{letter}i": Fraction(2) ** (10 * power) for power, letter in enumerate("KMGTPE", 1)},
}
MOST: Final = 2**63 - 1
"""The most that a quantity with a binary suffix can be; larger ones are capped to it."""


class QuantityError(InputError):
    """A text is not a quantity that the API would accept."""


def parse_quantity(value: Any) -> Decimal:
    """Return the exact value of a quantity.

    Parameters
    ----------
    value
        Text such as `100m`, `1.5Gi`, `2e3`; or a number, as YAML gives it.

    Raises
    ------
    QuantityError
        It is none.

    Notes
    -----
    What is finer than a nano unit is rounded up, away from zero, and binary quantities are capped at
    2^63-1, as the API does. Its parser lets pass a suffix without digits (`Ki`, as zero), which its
    documented format does not allow; here that is an error, and so is an exponent over 999.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QuantityError(f"a {type(value).__name__} is not a quantity")
    return _parsed(str(value).strip())


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise QuantityError("is not a quantity", do="write it like 500m, 2, 1.5Gi")
    sign, digits, suffix, exponent = found.groups()
    number = Fraction(digits)
    if suffix:
        number *= SUFFIXES[suffix]
    if exponent:
        number *= Fraction(10) ** int(exponent)
    if suffix and suffix.endswith("i"):
        number = min(number, Fraction(MOST))
    nano = math.ceil(number * 10**9)
    # From text, because Decimal rounds the results of its arithmetic to 28 digits.
    return Decimal(f"{sign if nano else ''}{nano}E-9")


@lru_cache(maxsize=4096)
def rounded_up(number: Decimal, places: int = 0) -> Decimal:
    """Return a quantity with so many decimal places, rounded away from zero as `Quantity.RoundUp` does."""
    scaled = Fraction(number) * 10**places
    return Decimal(f"{'-' if scaled < 0 else ''}{math.ceil(abs(scaled))}E-{places}")


def cores(value: Any) -> float | None:
    """Return a CPU quantity in cores; None where it is none."""
    try:
        return float(parse_quantity(value))
    except QuantityError:
        return None


def whole(value: Any) -> int | None:
    """Return a quantity as a whole number, rounded up; bytes for memory and storage; None where it is none.

    Source: `Quantity.Value`. A value that no 64-bit integer holds gives None.
    """
    try:
        number = int(rounded_up(parse_quantity(value)))
    except QuantityError:
        return None
    return number if abs(number) <= MOST else None


def scaled_value(value: Any, total: int, *, round_up: bool) -> int | None:
    """Return an IntOrString against a total: a number as it is, a percentage of the total.

    Parameters
    ----------
    value
        `3`, `"50%"`; a text that is a plain number is refused by the API, so it gives None.
    total
        What percentages are of.
    round_up
        Round a fraction up, else down.

    Notes
    -----
    Source: `intstr.GetScaledValueFromIntOrPercent`.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    exact = int(found[1]) * total
    return -(-exact // 100) if round_up else exact // 100
