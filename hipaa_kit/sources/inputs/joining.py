"""Rows of several files under one key: filled up, added up, or found to contradict each other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Row
from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.tables.declaration import Table

MAX_ROWS: Final = 1_000_000
"""Rows of one table."""
REMOVED: Final = "<removed>"
UNIONS: Final = frozenset({("cloud_clusters", "control_plane_logs")})
"""Columns in which several answers each give a part: an AKS cluster may have several diagnostic settings."""

Values = dict[str, Any]


class Joined:
    """Rows by table and key, and what contradicted them."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[Any, ...], tuple[Values, str]]] = {}
        self._units: dict[tuple[str, ...], tuple[list[Row], str]] = {}
        self.conflicts: dict[tuple[str, str, str, str], str] = {}

    def rows(self, table: Table) -> list[Values]:
        """Return the rows of a table."""
        return [values for values, _ in self._rows.get(table.name, {}).values()]

    def add(self, row: Row, source: str) -> bool:
        """Add one row; False where the table is full."""
        table = row.table
        values = {name: _scrubbed(value) if isinstance(value, str) else value for name, value in row.values.items()}
        held = self._rows.setdefault(table.name, {})
        key = tuple(values.get(name, "") for name in table.key)
        if key not in held:
            if len(held) >= MAX_ROWS:
                return False
            held[key] = (values, source)
            return True
        kept, kept_source = held[key]
        if table.name in ADDED:
            ADDED[table.name](kept, values)
            return True
        for name, value in values.items():
            if _known(value) and _known(kept.get(name)) and kept[name] != value:
                if (table.name, name) in UNIONS:
                    kept[name] = " ".join(sorted({*kept[name].split(), *value.split()}))
                    continue
                self.contradict(table, key, name, kept_source, source)
            elif _known(value):
                kept[name] = value
        return True

    def is_new(self, unit: tuple[str, ...], rows: list[Row], source: str) -> bool:
        """Tell whether rows that speak of something as a whole may be added.

        The first file about it counts; a later one is a repetition, or a contradiction, which is kept as such.
        """
        if unit not in self._units:
            self._units[unit] = (rows, source)
            return True
        kept, kept_source = self._units[unit]
        if kept != rows and rows:
            table = rows[0].table
            self.contradict(table, (unit[1],), "*", kept_source, source)
        return False

    def contradict(self, table: Table, key: tuple[Any, ...], column: str, kept: str, dropped: str) -> None:
        """Keep that two sources give one value differently."""
        named = " | ".join(str(part) for part in key)
        self.conflicts.setdefault((table.name, named, column, dropped), kept)


@functools.lru_cache(maxsize=200_000)
def _scrubbed(value: str) -> str:
    """Return a text, or a mark where it looks like a secret: what is not in a table cannot leave it."""
    return REMOVED if looks_secret(value) else value


def _known(value: Any) -> bool:
    return value is not None and value != ""


def _add_flow(kept: Values, more: Mapping[str, Any]) -> None:
    kept["count"] += more["count"]
    kept["untimed"] += more["untimed"]
    kept["first_seen_at"] = min(filter(None, (kept["first_seen_at"], more["first_seen_at"])), default="")
    kept["last_seen_at"] = max(kept["last_seen_at"], more["last_seen_at"])


def _add_metric(kept: Values, more: Mapping[str, Any]) -> None:
    kept["samples"] += more["samples"]
    kept["first_at"] = min(kept["first_at"], more["first_at"])
    if more["last_at"] > kept["last_at"]:
        kept["last_at"], kept["last"] = more["last_at"], more["last"]
    kept["least"] = min(kept["least"], more["least"])
    kept["most"] = max(kept["most"], more["most"])


def _add_replacement(kept: Values, more: Mapping[str, Any]) -> None:
    """Take back what is known of a replacement that two series tell differently: the order of files decides nothing."""
    if any(kept.get(name) != more.get(name) for name in TOLD):
        kept.update(seconds_to_ready=None, unready_at="", reason="two series tell it differently")
    if kept.get("cluster_uid") != more.get("cluster_uid"):
        kept["cluster_uid"] = ""


TOLD: Final = (
    "how",
    "workload",
    "failed_at",
    "replacement_uid",
    "created_at",
    "ready_at",
    "seconds_to_ready",
    "unready_at",
)
"""Columns of `replacements` that two series must tell alike."""

ADDED: Final[dict[str, Callable[[Values, Mapping[str, Any]], None]]] = {
    "flow_records": _add_flow,
    "metric_samples": _add_metric,
    "replacements": _add_replacement,
}
"""Tables whose rows are added up."""
