"""Typed facts: what checks may know of values that are removed at the door.

Each is defined here once, extracted by redaction before the value goes, and named by the checks that
read it. A fact never lets the value be guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LENGTH_CLASSES = ((0, "empty"), (8, "short"), (32, "medium"))


def length_class(value: str) -> str:
    """Return how long a literal is, in four classes: empty, short (to 8), medium (to 32), long."""
    return next((name for limit, name in LENGTH_CLASSES if len(value) <= limit), "long")


def field_managers(managed: Any) -> list[dict[str, str]]:
    """Return who has written which object when, from `metadata.managedFields`, without the fields.

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    found = []
    for entry in managed if isinstance(managed, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("manager"), str):
            names = ("manager", "operation", "subresource", "time")
            found.append({name: entry[name] for name in names if isinstance(entry.get(name), str)})
    return found


def program(command: Iterable[Any]) -> str:
    """Return the name of the program that a command runs, without its path; "" where there is none."""
    first = next(iter(command), "")
    return first.rpartition("/")[2] if isinstance(first, str) else ""
