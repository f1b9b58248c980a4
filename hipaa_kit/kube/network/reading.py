"""Reading policy objects strictly: what the API would refuse is an error here, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube.selectors import Selector, label_selector

NONE: Mapping[str, Any] = {}


class PolicyError(InputError):
    """A policy object is not one that its API would accept."""


class NotModelledError(PolicyError):
    """A policy object uses a field whose meaning the kit does not model."""


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return a map; one that is not there, or null, is empty."""
    if value is None:
        return NONE
    if not isinstance(value, Mapping):
        raise PolicyError("is not a map", where)
    return value


def listing(value: Any, where: str) -> list[Any]:
    """Return a list; one that is not there, or null, is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise PolicyError("is not a list", where)
    return value


def maps(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Return a list of maps; a null item is an empty map, as the API server reads it."""
    return [mapping(item, f"{where}[{at}]") for at, item in enumerate(listing(value, where))]


def words(value: Any, where: str) -> list[str]:
    """Return a list of texts."""
    found = listing(value, where)
    if not all(isinstance(item, str) for item in found):
        raise PolicyError("is not a list of texts", where)
    return found


def word(value: Any, where: str, default: str = "") -> str:
    """Return a text; one that is not there is the default."""
    if value is None:
        return default
    if not isinstance(value, str):
        raise PolicyError("is not a text", where)
    return value


def whole(value: Any, where: str, least: int, most: int) -> int:
    """Return a whole number between two bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise PolicyError(f"is not a whole number from {least} to {most}", where)
    return value


def selector(value: Any, where: str) -> Selector:
    """Return a label selector; null matches everything here, as an empty one does."""
    return label_selector(mapping(value, where), where=where)
