"""Isolation over time: how many pods policies isolate at each moment, and of which workloads that has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.sightings import complete
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import CLUSTER

Key = tuple[str, str]
"""A workload and a direction."""


UNTOLD = frozenset(("", "unknown"))
"""Standings at which nothing shows which policies there are not."""


class Standing(NamedTuple):
    """How policies stand to the pods of a workload, and the policies that select any of them."""

    word: str
    policies: frozenset[str] = frozenset()


class IsolationHistory:
    """Takes table `isolation` moment by moment, in order.

    Notes
    -----
    A workload that a moment does not show is gone where pods and their owners were seen in full, and else not known.
    """

    def __init__(self) -> None:
        self.trend: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self._last: tuple[dict[Key, Standing], Coverage] | None = None

    def take(self, moment: str, isolation: pd.DataFrame, coverage: Coverage) -> None:
        """Take one moment."""
        words = isolation.assign(standing=[_word(row) for row in rows_of(isolation)])
        now = _by_workload(words)
        whole = complete(coverage, POD_KINDS, CLUSTER)
        for direction in ("egress", "ingress"):
            count = words[words["direction"] == direction]["standing"].value_counts()
            counts = {name: int(count.get(name, 0)) for name in ("isolated", "intended", "open", "unknown")}
            self.trend.append({"moment": moment, "direction": direction, "complete": whole, **counts})
        if self._last:
            self.changes += self._between(moment, *self._last, now, coverage)
        self._last = now, coverage

    def _between(
        self, moment: str, before: Mapping[Key, Standing], then: Coverage, after: Mapping[Key, Standing], now: Coverage
    ) -> Iterator[dict[str, Any]]:
        for key in sorted({*before, *after}):
            old = before.get(key) or _missing(key, then)
            new = after.get(key) or _missing(key, now)
            told = UNTOLD.isdisjoint((old.word, new.word))
            if old.word != new.word:
                yield {
                    "moment": moment,
                    "workload": key[0],
                    "namespace": parse_object_id(key[0])[1],
                    "direction": key[1],
                    "before": old.word,
                    "after": new.word,
                    "policies_before": " ".join(sorted(old.policies - new.policies if told else ())),
                    "policies_after": " ".join(sorted(new.policies - old.policies if told else ())),
                }


def _word(row: Mapping[Any, Any]) -> str:
    """Return how one pod stands: what policies isolate counts where it is known that something enforces them."""
    if row["isolated"] is None or pd.isna(row["isolated"]):
        return "unknown"
    if not row["isolated"]:
        return "open"
    return "isolated" if row["enforcement"] == "enforced" else "intended"


def _by_workload(isolation: pd.DataFrame) -> dict[Key, Standing]:
    words: dict[Key, set[str]] = defaultdict(set)
    policies: dict[Key, set[str]] = defaultdict(set)
    for row in rows_of(isolation):
        key = row["workload"] or row["pod"], row["direction"]
        words[key].add(row["standing"])
        policies[key] |= set(row["policies"].split())
    return {key: Standing(_joined(found), frozenset(policies[key])) for key, found in words.items()}


def _joined(words: set[str]) -> str:
    """Return how the pods of a workload stand together: one that is not known leaves all of them open."""
    if len(words) == 1:
        return next(iter(words))
    return "unknown" if "unknown" in words else "part"


def _missing(key: Key, coverage: Coverage) -> Standing:
    gone = complete(coverage, POD_KINDS, parse_object_id(key[0])[1])
    return Standing("" if gone else "unknown")
