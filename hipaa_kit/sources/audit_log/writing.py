"""Writing events as columns: batches of lines become rows, rows become parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.sources.audit_log.columns import IDENTITY, selection
from hipaa_kit.sources.audit_log.facts import line_facts
from hipaa_kit.sources.audit_log.store import connect, quoted
from hipaa_kit.sources.leaks import find_leaks

if TYPE_CHECKING:
    import duckdb

PART_BYTES: Final = 64 * 2**20
"""Bytes of text that go into one part."""

REMOVED: Final = "<removed>"
"""Stands for a text in which something looked like a secret."""

TEXTS: Final = (
    *(
        "path",
        "name",
        "namespace",
        "user_agent",
        "user",
        "impersonated_user",
        "user_pod",
        "decision",
        "decision_reason",
    ),
    *("api_group", "resource", "subresource", "audit_id", "verb", "stage", "level", "source_ip"),
)
LISTS: Final = ("user_groups", "impersonated_groups", "source_ips")
"""Columns whose texts clients, or their names, may have put secrets into."""

SUSPECT: Final = (
    r"eyJ|PRIVATE KEY|AGE-SECRET|A[KS]IA[A-Z0-9]{16}|(?i:bearer)|(?i:mrn)|-\d\d-\d{4}|://[^\s]*@|auth\W{1,3}:"
)
ENCODED: Final = "[A-Za-z0-9+/_-]{24,}"
"""Whatever `sources.leaks` finds holds the one by its pattern, or inside base64 the other with a capital in it."""

_EVENTS: Final = "(audit_id <> '' AND (verb <> '' OR stage <> '')) OR (verb <> '' AND path <> '')"
_KEY: Final = f"hash({', '.join(IDENTITY)}) AS key"


def frame_of(
    texts: list[str], numbers: list[int], first: int, *, server: str | list[str], log: str | list[str], source: str
) -> pd.DataFrame:
    """Return lines as the frame that the engine reads."""
    data: dict[str, Any] = {
        "line": texts,
        "facts": pd.Series([line_facts(text) for text in texts], dtype="object"),
        "event": range(first, first + len(texts)),
        "server": server,
        "log": log,
        "source": source,
        "number": numbers,
    }
    return pd.DataFrame(data)


def empty() -> str:
    """Return a statement that gives all columns and no row."""
    return (
        selection().replace(
            "FROM lines",
            "FROM (SELECT NULL::VARCHAR AS line, NULL::VARCHAR AS facts, 0::BIGINT AS event, '' AS server, '' AS log,"
            " '' AS source, 0::BIGINT AS number)",
        )
        + " WHERE false"
    )


class Writer:
    """Holds rows until there are enough for a part."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection = connect(spill=False)
        self._connection.execute(f"CREATE TABLE held AS SELECT *, {_KEY} FROM ({empty()})")
        self.held = 0

    def add(self, lines: pd.DataFrame) -> list[int]:
        """Take events, and return the numbers (`event`) of those that are none.

        Raises
        ------
        duckdb.Error
            A line is no JSON; none of them was taken.
        """
        first = int(lines["event"].iloc[0])
        self._connection.register("lines", lines)
        statement = f"INSERT INTO held SELECT *, {_KEY} FROM ({selection()}) WHERE {_EVENTS}"
        (taken,) = self._connection.execute(statement).fetchone() or (0,)
        self.held += taken
        strange = [] if taken == len(lines) else self._left_out(first)
        self._connection.unregister("lines")
        if taken:
            self._clean(first)
        return strange

    def _left_out(self, first: int) -> list[int]:
        statement = (
            f"SELECT event FROM lines WHERE event NOT IN (SELECT event FROM held WHERE event >= {first}) ORDER BY 1"
        )
        return [int(event) for (event,) in self._connection.execute(statement).fetchall()]

    def _clean(self, first: int) -> None:
        """Take what looks like a secret out of the texts of what was added, and remember which pattern found it."""
        said = [f'"{name}"' for name in TEXTS] + [f"array_to_string({name}, ' ')" for name in LISTS]
        found = self._connection.execute(
            f"SELECT event, {', '.join(said)} FROM held,"
            f" LATERAL (SELECT concat_ws(' ', {', '.join(said)}) AS everything)"
            f" WHERE event >= {first} AND (regexp_matches(everything, $1) OR"
            " len(list_filter(regexp_extract_all(everything, $2), lambda word: word <> lower(word))) > 0)",
            [SUSPECT, ENCODED],
        ).fetchall()
        for event, *texts in found:
            leaks = {name: find_leaks(text or "") for name, text in zip((*TEXTS, *LISTS), texts, strict=True)}
            hit = {name: each for name, each in leaks.items() if each}
            if hit:
                patterns = sorted({leak.pattern for each in hit.values() for leak in each})
                cleared = ", ".join(
                    f'"{name}" = ' + (f"['{REMOVED}']" if name in LISTS else f"'{REMOVED}'") for name in hit
                )
                self._connection.execute(f"UPDATE held SET {cleared}, leaks = $1 WHERE event = $2", [patterns, event])

    def valid(self, texts: list[str]) -> list[bool]:
        """Tell of each text whether it is JSON."""
        self._connection.register("texts", pd.DataFrame({"line": texts, "place": range(len(texts))}))
        found = self._connection.execute("SELECT json_valid(line) FROM texts ORDER BY place").fetchall()
        self._connection.unregister("texts")
        return [bool(valid) for (valid,) in found]

    def write(self, path: Path) -> None:
        """Write what is held as a part."""
        self._connection.execute(f"COPY held TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")
        self._connection.execute("DELETE FROM held")
        self.held = 0

    def close(self) -> None:
        """Let go of the engine."""
        self._connection.close()
