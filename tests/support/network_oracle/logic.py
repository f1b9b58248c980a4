"""Three-valued logic: `True`, `False`, and `None` for what the objects do not say."""

from __future__ import annotations

from collections.abc import Iterable

Tri = bool | None


def all3(values: Iterable[Tri]) -> Tri:
    """Return whether all hold: one `False` settles it."""
    held = list(values)
    if any(value is False for value in held):
        return False
    return None if any(value is None for value in held) else True


def any3(values: Iterable[Tri]) -> Tri:
    """Return whether one holds: one `True` settles it."""
    held = list(values)
    if any(value is True for value in held):
        return True
    return None if any(value is None for value in held) else False


def not3(value: Tri) -> Tri:
    """Return the opposite of what is known."""
    return None if value is None else not value


def join(first: Tri, second: Tri) -> Tri:
    """Return what two readings agree on."""
    return first if first is second else None
