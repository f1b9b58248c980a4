"""Quantities and percentages, exactly as the API server reads them.

Source: `k8s.io/apimachinery/pkg/api/resource` (Quantity) and `k8s.io/apimachinery/pkg/util/intstr`,
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from hipaa_kit.errors import InputError

_QUANTITY = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d{1,3}))?")
_PERCENT = re.compile(r"(\d{1,9})%")

SUFFIXES = {
    "n": Decimal(10) ** -9,
    "u": Decimal(10) ** -6,
    "m": Decimal(10) ** -3,
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    **{f"{unit}i": Decimal(2) ** (10 * power) for power, unit in enumerate("KMGTPE", 1)},
}


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
    Values finer than a nano unit are rounded up (away from zero), as the API does.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QuantityError(f"a {type(value).__name__} is not a quantity")
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        raise QuantityError("is not a quantity", do="write it like 500m, 2, 1.5Gi")
    sign, digits, suffix, exponent = found.groups()
    number = Decimal(digits)
    if suffix:
        number *= SUFFIXES[suffix]
    if exponent:
        number *= Decimal(10) ** int(exponent)
    nano = number.scaleb(9)
    if nano != nano.to_integral_value():
        number = Decimal(math.ceil(nano)).scaleb(-9)
    return -number if sign == "-" else number


def cores(value: Any) -> float | None:
    """Return a CPU quantity in cores; None where it is none."""
    try:
        return float(parse_quantity(value))
    except QuantityError:
        return None


def whole(value: Any) -> int | None:
    """Return a quantity as a whole number, rounded up; bytes for memory and storage; None where it is none."""
    try:
        number = math.ceil(parse_quantity(value))
    except QuantityError:
        return None
    return number if abs(number) < 2**63 else None


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
