"""The history: one cluster over several moments, and since when everything in it has been there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import hipaa_kit.graph
import hipaa_kit.inventory
from hipaa_kit.assess.isolation_history import IsolationHistory
from hipaa_kit.assess.opening import open_any
from hipaa_kit.inventory.lives import Life, Sightings
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.inventory.replacements import Replacements
from hipaa_kit.inventory.sightings import QUESTIONS, Question, complete, question_of
from hipaa_kit.sources.scope import Scope, load_scope
from hipaa_kit.sources.series import Moment, Series, shared_uid
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.history import (
    HISTORY_GAPS,
    HISTORY_MOMENTS,
    ISOLATION_CHANGES,
    ISOLATION_TREND,
    REPLACEMENTS,
)
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.vocabulary import COMPLETE

HISTORY_NAMES = {
    "bindings": "binding_lives",
    "gaps": "history_gaps",
    "images": "image_lives",
    "isolation": "isolation_changes",
    "isolation-trend": "isolation_trend",
    "moments": "history_moments",
    "objects": "object_lives",
    "replacements": "replacements",
}
"""The tables that every history has, by the word for each on the command line."""


def open_history(
    paths: Snapshot | str | Path | Iterable[Snapshot | str | Path],
    *,
    at: Mapping[str, str] | None = None,
    scope: Scope | str | Path | None = None,
) -> History:
    """Open snapshots of one cluster at several moments as one history.

    Parameters
    ----------
    paths
        Snapshots, dumps, archives, evidence bundles or Velero backups, each of its own moment; or a folder that
        holds several snapshots, bundles or backups.
    at
        Moment by path, RFC 3339, for what does not record when it was read.
    scope
        The declared ePHI scope, or its file, for `History.lives` of tables that rest on one.

    Returns
    -------
    History
        Ordered by moment.

    Raises
    ------
    InputError
        The snapshots are of several clusters, the moment of one is not recorded, or two are of one moment.
    """
    given = [paths] if isinstance(paths, Snapshot | str | Path) else list(paths)
    declared = scope if isinstance(scope, Scope) or scope is None else load_scope(scope)
    return History(Series(given, open_any, at), declared)


class History(TableSet):
    """One cluster over several moments, as tables; each is made when it is first asked for.

    Parameters
    ----------
    series
        The snapshots.
    scope
        The declared ePHI scope; None where there is none.

    Notes
    -----
    Snapshots are opened one after the other, once per table, and never kept.
    """

    def __init__(self, series: Series, scope: Scope | None = None) -> None:
        for package in (hipaa_kit.inventory, hipaa_kit.graph):
            discover(package)
        self.series = series
        self._scope = scope
        self._moments = [each.at for each in series.moments]
        self._coverage = [each.coverage for each in series.moments]
        self._made: dict[str, pd.DataFrame] = {}

    def names(self) -> list[str]:
        """Return the names of the tables that every history has."""
        return sorted(HISTORY_NAMES.values())

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, made now if it was not asked for before."""
        if name not in self._made:
            question = QUESTIONS.get(name)
            self._made[name] = self._lives(question) if question else getattr(self, f"_{name}")()
        return self._made[name]

    def lives(self, table: str, keys: Sequence[str] = ()) -> pd.DataFrame:
        """Return since when each value of some columns of a table has been there.

        Parameters
        ----------
        table
            Name of a table of the inventory or the graph, such as `network_policies` or `service_ports`.
        keys
            Columns of it that make one fact; its key by default.

        Returns
        -------
        pandas.DataFrame
            One row per fact and life: the key columns, and those of `tables.history.LIFE`.

        Raises
        ------
        InputError
            There is no such table or column, or the table is not made from objects alone.
        """
        return self._lives(question_of(table, [keys] if isinstance(keys, str) else keys, self._scope))

    def _lives(self, question: Question) -> pd.DataFrame:
        seen = Sightings(question.decisive)
        for number, snapshot in self.series.walk():
            for sighting in question.sightings(snapshot):
                seen.see(number, *sighting)
        known: dict[tuple[Any, ...], bool] = {}

        def absent(number: int, fact: tuple[Any, ...]) -> bool:
            behind, namespace = question.kinds(fact), question.namespace(fact)
            key = (number, behind, namespace)
            if key not in known:
                known[key] = complete(self._coverage[number], behind, namespace)
            return known[key]

        return question.table.frame(
            self._row(question, fact, number, life)
            for fact, lives in seen.lives(len(self._moments), absent)
            for number, life in enumerate(lives, 1)
        )

    def _row(self, question: Question, fact: tuple[Any, ...], number: int, life: Life) -> dict[str, Any]:
        row = {
            "namespace": question.namespace(fact),
            "created_at": life.about,
            "life": number,
            "not_before": self._at(life.not_before),
            "seen_first": self._at(life.seen_first),
            "unbroken_since": self._at(life.unbroken_since),
            "seen_last": self._at(life.seen_last),
            "gone_by": self._at(life.gone_by),
            "unknown_at": " ".join(self._moments[each] for each in life.unknown),
            "uid": life.identity,
            "recreated": life.recreated,
            **dict(zip(question.keys, fact, strict=True)),
        }
        return {name: row[name] for name in question.table.names}

    def _at(self, number: int | None) -> str:
        return "" if number is None else self._moments[number]

    def _history_moments(self) -> pd.DataFrame:
        return HISTORY_MOMENTS.frame(
            {
                "moment": each.at,
                "basis": each.basis,
                "ended_at": each.ended_at,
                "place": each.place,
                "layout": each.layout,
                "cluster": each.identity.name,
                "cluster_uid": each.identity.uid,
                "same_cluster": self._kinship(each),
                "version": each.identity.version,
                "objects": each.objects,
                "digest": each.digest,
            }
            for each in self.series.moments
        )

    def _kinship(self, each: Moment) -> str:
        """Return what shows that a snapshot is of the cluster of another one."""
        shared = (shared_uid(each, other) for other in self.series.moments if other is not each)
        return next(filter(None, shared), "")

    def _history_gaps(self) -> pd.DataFrame:
        columns = ["group", "kind", "namespace", "status", "error"]
        return HISTORY_GAPS.frame(
            {"moment": each.at, **row}
            for each in self.series.moments
            for row in rows_of(each.coverage.frame.loc[~each.coverage.frame["status"].isin(COMPLETE), columns])
        )

    def _replacements(self) -> pd.DataFrame:
        uids = {each.identity.uid for each in self.series.moments}
        found = Replacements(self._moments, self._coverage, uids.pop() if len(uids) == 1 else "")
        for number, snapshot in self.series.walk():
            found.take(number, snapshot)
        return REPLACEMENTS.frame(found.rows())

    def _isolation_changes(self) -> pd.DataFrame:
        return ISOLATION_CHANGES.frame(self._isolation.changes)

    def _isolation_trend(self) -> pd.DataFrame:
        return ISOLATION_TREND.frame(self._isolation.trend)

    @cached_property
    def _isolation(self) -> IsolationHistory:
        found = IsolationHistory()
        for number, snapshot in self.series.walk():
            found.take(self._moments[number], Inventory(snapshot)["isolation"], self._coverage[number])
        return found

    def __len__(self) -> int:
        """Return how many moments there are."""
        return len(self._moments)
