"""Writing events as columns: batches of lines become parts, in one pass of the engine and without a table between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from hipaa_kit.kube.audit.policy import LEVELS, STAGES
from hipaa_kit.sources.audit_log.columns import IDENTITY, selection
from hipaa_kit.sources.audit_log.facts import line_facts
from hipaa_kit.sources.audit_log.lines import Batch
from hipaa_kit.sources.audit_log.store import connect, quoted
from hipaa_kit.sources.leaks import find_leaks

if TYPE_CHECKING:
    import duckdb

PART_BYTES: Final = 64 * 2**20
"""Bytes of text that go into one part."""

_FORM: Final = "FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false"
"""What filters save to a question is little: nearly all of them go through every part."""

LEAST: Final = 24
"""Letters of the shortest run of base64 that `sources.leaks` reads."""

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

_BASE64: Final = "[A-Za-z0-9+/_-]"
_STEP: Final = 4
_RUN: Final = "|".join(
    f"{_BASE64}{{{before}}}[A-Z]{_BASE64}{{{LEAST - _STEP - before}}}" for before in range(0, LEAST, _STEP)
)
"""Holds of every run of that length with a capital in it, and of some that are up to three letters shorter.

To name every place of the capital takes an automaton that leaves the processor's cache.
"""
SUSPECT: Final = (
    r"eyJ|PRIVATE KEY|AGE-SECRET|A[KS]IA[A-Z0-9]{16}|(?i:bearer)|(?i:mrn)|-\p{Nd}{2}-\p{Nd}{4}|://[^\s]*@"
    rf"|auth[\\&\"]|{_RUN}"
)
"""Whatever `sources.leaks` finds holds this: what stands in its patterns, or a run of base64 with a capital in it.

Base64 that says anything of what is searched for has capitals. One pattern goes through a text once.
"""

WORDS: Final = {
    "stage": STAGES,
    "level": LEVELS,
    "decision": ("allow", "forbid"),
}
"""Words of the API server itself: they are not searched."""

_SAID: Final = {
    **{name: f'"{name}"' for name in TEXTS},
    **{name: f"array_to_string({name}, ' ')" for name in LISTS},
}


def _searched() -> str:
    """Return what is searched, in the engine's language: `source_ip` is the last of `source_ips`."""
    only = {name: f"""CASE WHEN "{name}" NOT IN {words} THEN "{name}" END""" for name, words in WORDS.items()}
    return ", ".join(text for name, text in {**_SAID, **only}.items() if name != "source_ip")


_EVENTS: Final = "(audit_id <> '' AND (verb <> '' OR stage <> '')) OR (verb <> '' AND path <> '')"
_KEY: Final = f"hash({', '.join(IDENTITY)}) AS key"


class Held(NamedTuple):
    """A batch that waits to be written, and what the manifest says of its source."""

    batch: Batch
    about: dict[str, Any]


def frame_of(held: Sequence[Held], first: int) -> pd.DataFrame:
    """Return the lines of some batches as the frame that the engine reads.

    Parameters
    ----------
    held
        The batches.
    first
        Number (`event`) of the first line.
    """
    sizes = [len(batch.texts) for batch, _ in held]
    data: dict[str, Any] = {
        "line": _texts(batch.texts for batch, _ in held),
        "event": range(first, first + sum(sizes)),
        "server": _texts(
            [server or about["server"] for server in batch.servers] or [about["server"]] * len(batch.texts)
            for batch, about in held
        ),
        **{name: _texts([about[name]] * len(batch.texts) for batch, about in held) for name in ("log", "source")},
        "number": np.fromiter(chain.from_iterable(batch.numbers for batch, _ in held), "int64", sum(sizes)),
    }
    return pd.DataFrame(data)


def _texts(lists: Iterable[list[str]]) -> pd.Series[Any]:
    """Return all texts as the engine takes them: pandas would go through each before."""
    return pd.Series(list(chain.from_iterable(lists)), dtype="object")


def _rows() -> str:
    """Return the statement that makes rows of those lines that are events, without what looks like a secret."""
    events = f"SELECT * FROM ({selection()}) WHERE {_EVENTS}"
    searched = (
        f"SELECT *, CASE WHEN regexp_matches(concat_ws(' ', {_searched()}), {quoted(SUSPECT)})"
        f" THEN leaks_in([{', '.join(_SAID.values())}]) END AS found FROM ({events})"
    )
    cleared = ", ".join(
        f"""CASE WHEN list_contains(found.columns, '{name}') THEN {instead} ELSE "{name}" END AS "{name}\""""
        for names, instead in ((TEXTS, f"'{REMOVED}'"), (LISTS, f"['{REMOVED}']"))
        for name in names
    )
    kept = f"SELECT * EXCLUDE (found) REPLACE ({cleared}, coalesce(found.patterns, []) AS leaks) FROM ({searched})"
    # The key is made of what is left: one of what was removed would let anybody try out what that was.
    return f"SELECT *, {_KEY} FROM ({kept})"


def _leaks_in(texts: list[str | None]) -> dict[str, list[str]]:
    """Return the columns in which something looks like a secret, and by which patterns."""
    found = {name: find_leaks(text or "") for name, text in zip((*TEXTS, *LISTS), texts, strict=True)}
    patterns = {leak.pattern for each in found.values() for leak in each}
    return {"columns": [name for name, each in found.items() if each], "patterns": sorted(patterns)}


class Writer:
    """Makes parts of lines: nothing of a line that is no column leaves the engine."""

    def __init__(self) -> None:
        from duckdb.func import FunctionNullHandling

        self._connection: duckdb.DuckDBPyConnection = connect(spill=False)
        functions: tuple[tuple[str, Callable[[Any], Any], str, str], ...] = (
            ("facts_of", line_facts, "VARCHAR", "VARCHAR"),
            ("leaks_in", _leaks_in, "VARCHAR[]", 'STRUCT("columns" VARCHAR[], patterns VARCHAR[])'),
        )
        for name, function, given, made in functions:
            self._connection.create_function(name, function, [given], made, null_handling=FunctionNullHandling.SPECIAL)

    def write(self, lines: pd.DataFrame, path: Path) -> list[int]:
        """Write a part, and return the places in the frame of the lines that are no events."""
        self._connection.register("lines", lines)
        copied = f"COPY ({_rows()}) TO {quoted(str(path))} ({_FORM})"
        (taken,) = self._connection.execute(copied).fetchone() or (0,)
        strange = [] if taken == len(lines) else self._left_out(path)
        self._connection.unregister("lines")
        return strange

    def _left_out(self, path: Path) -> list[int]:
        statement = (
            f"SELECT event - min(event) OVER () AS place FROM lines QUALIFY"
            f" event NOT IN (SELECT event FROM read_parquet({quoted(str(path))})) ORDER BY place"
        )
        return [int(place) for (place,) in self._connection.execute(statement).fetchall()]

    def close(self) -> None:
        """Let go of the engine."""
        self._connection.close()
