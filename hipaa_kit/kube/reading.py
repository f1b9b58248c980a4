"""Values of objects as they were written: whatever has another type than it should counts as not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

GO_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
GO_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
"""What programs in Go read as true: https://pkg.go.dev/strconv#ParseBool."""


def as_map(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the map at a path, or an empty one."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def as_maps(value: Any) -> list[Mapping[str, Any]]:
    """Return the maps of a list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def as_texts(value: Any) -> list[str]:
    """Return the texts of a list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def as_text(value: Any, default: str = "") -> str:
    """Return a text, or the default."""
    return value if isinstance(value, str) else default
