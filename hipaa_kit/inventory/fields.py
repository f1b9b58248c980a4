"""Reading fields of objects of any shape: a wrong type counts as absent and never raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_kit.kube.owners import object_id

NOTHING: Mapping[str, Any] = {}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path, None where nothing does; nearly all maps are plain, and quickly known for maps."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) or isinstance(value, Mapping) else None  # noqa: SIM101
    return value


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the map at a path, or an empty one."""
    found = _at(value, path)
    return found if isinstance(found, dict) or isinstance(found, Mapping) else NOTHING  # noqa: SIM101


def items(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """Return the maps in the list at a path; what is no map in it is left out."""
    found = _at(value, path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def texts(value: Any, *path: str) -> list[str]:
    """Return the texts in the list at a path."""
    found = _at(value, path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def text(value: Any, *path: str, default: str = "") -> str:
    """Return the text at a path, or the default."""
    found = _at(value, path)
    return found if isinstance(found, str) else default


def number(value: Any, *path: str) -> int | None:
    """Return the whole number at a path, or None."""
    found = _at(value, path)
    fits = isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**63
    return found if fits else None


def truth(value: Any, *path: str) -> bool | None:
    """Return the truth value at a path, or None."""
    found = _at(value, path)
    return found if isinstance(found, bool) else None


def int_or_text(value: Any, *path: str) -> str:
    """Return an IntOrString at a path as text, or ""."""
    found = number(value, *path)
    return str(found) if found is not None else text(value, *path)


def string_map(value: Any, *path: str) -> dict[str, str]:
    """Return the entries of a map whose keys and values are texts."""
    return {k: v for k, v in mapping(value, *path).items() if isinstance(k, str) and isinstance(v, str)}


def conditions(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the conditions in an object's status, the last of each type."""
    found = {text(each, "type"): each for each in items(content, "status", "conditions")}
    yield from (each for name, each in found.items() if name)


def condition(content: Mapping[str, Any], kind: str) -> bool | None:
    """Return a condition as a truth value; None where it is not there or Unknown."""
    status = next((text(each, "status") for each in conditions(content) if text(each, "type") == kind), "")
    return {"True": True, "False": False}.get(status)


def reference(kind: str, namespace: str, name: str) -> str:
    """Return `Kind/namespace/name`, or "" where no name is given."""
    return object_id(kind, namespace, name) if name else ""
