"""Rows of pods: made once for all pods that are alike, and repeated with the words of each.

Pods of a workload differ in words that rows pass on as they are (`workloads.OWN_OF_POD`). So a builder says which rows
one pod has; it is asked for a pod with marks in the place of its words, and the marks in its rows are replaced. The
same builder is asked for pods that are like no other, and there is no second way to make a row. That a builder passes
words on is its own promise: marks refuse to be read (`passed_on`), and what they give is held against the pod in which
they were put. Where either fails, the table is made pod by pod.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd

from hipaa_kit.inventory.passed_on import ReadError, Word, with_words
from hipaa_kit.inventory.pods import PodView, pod_views, stand_ins
from hipaa_kit.inventory.workloads import gather, pods_alike
from hipaa_kit.sources.alike import MARK
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables import Table

Row = Mapping[str, Any]
Texts = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True)
class _Kin:
    """A pod that stands for some, and for one of them what it is and what it says where marks stand."""

    pod: PodView
    origin: PodView | None
    words: Mapping[str, str]


@dataclass(frozen=True)
class _Herd:
    """All pods, sorted by name of the object: which kin each is of, and its words by mark."""

    mark: re.Pattern[str]
    kin: list[_Kin]
    of: np.ndarray[Any, np.dtype[np.intp]]
    objects: Texts
    words: Mapping[str, Texts]


def pod_rows(table: Table, snapshot: Snapshot, rows: Callable[[PodView], Iterable[Row]]) -> pd.DataFrame:
    """Return a table of pods.

    Parameters
    ----------
    table
        Its declaration; the key begins with the pod.
    snapshot
        Where the pods are.
    rows
        Gives the rows of one pod, of whatever shape.

    Returns
    -------
    DataFrame
        The rows of every pod, and of one from its template for each workload that has none, sorted by key.
    """
    herd = _herd(snapshot)
    if not herd.words:  # no two are alike
        kin_of = (herd.kin[number] for number in herd.of.tolist())
        return table.typed(row for kin in kin_of for row in _sorted(table, rows(kin.pod)))
    used = set(herd.of.tolist())
    made: list[list[Row]] = []
    for number, kin in enumerate(herd.kin):
        found = _rows_of_kin(table, kin, rows, herd.mark) if number in used else []
        if found is None:  # a row depends on a word that it should pass on: each pod is asked for its own
            return table.frame(row for pod in pod_views(snapshot) for row in rows(pod))
        made.append(found)
    frame = table.typed(chain.from_iterable(made))
    counts = np.array([len(each) for each in made], dtype=np.intp)
    first = np.cumsum(counts) - counts
    repeated = counts[herd.of]
    ends = np.cumsum(repeated)
    pods = np.repeat(np.arange(len(herd.of)), repeated)
    places = np.arange(len(pods)) - np.repeat(ends - repeated - first[herd.of], repeated)
    marked = {kin.pod.object for kin in herd.kin if kin.origin is not None}
    data = {
        name: _column(series, places, pods, herd, marked) if series.dtype == "str" else series.take(places)
        for name, series in frame.items()
    }
    return pd.DataFrame({name: series.reset_index(drop=True) for name, series in data.items()}, copy=False)


def joined_rows(of_pods: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return rows of pods and of other objects together, each sorted by object, as they are."""
    before = others["object"] < "Pod/"
    return pd.concat([others[before], of_pods, others[~before]], ignore_index=True)


def _rows_of_kin(
    table: Table, kin: _Kin, rows: Callable[[PodView], Iterable[Row]], mark: re.Pattern[str]
) -> list[Row] | None:
    """Return the rows of a pod, sorted; None where those of a marked one are not what its origin has with marks."""
    if kin.origin is None:
        return _sorted(table, rows(kin.pod))
    try:
        found = _sorted(table, rows(kin.pod))
    except ReadError:
        return None
    said = [{name: _said(value, kin.words, mark) for name, value in row.items()} for row in found]
    return found if said == _sorted(table, rows(kin.origin)) else None


def _said(value: Any, words: Mapping[str, str], mark: re.Pattern[str]) -> Any:
    marked = isinstance(value, str) and MARK in value
    return mark.sub(lambda found: words.get(found[0], found[0]), value) if marked else value


def _sorted(table: Table, rows: Iterable[Row]) -> list[Row]:
    held: list[Row] = [{name: str(each) if type(each) is Word else each for name, each in row.items()} for row in rows]
    return sorted(held, key=lambda row: [row.get(name, "") for name in table.key]) if len(held) > 1 else held


def _column(series: pd.Series, places: Any, pods: Any, herd: _Herd, marked: set[str]) -> pd.Series:
    """Return a column of texts, for each row that of its place, with the words of its pod."""
    codes, texts = pd.factorize(series.to_numpy(dtype=object))
    held = np.array([*texts, ""], dtype=object)[codes[places]]
    own = {code: text for code, text in enumerate(texts) if herd.mark.search(text)}
    if own:
        _fill(held, codes[places], pods, own, herd, marked)
    return pd.Series(held, dtype="str", copy=False)


def _fill(held: Texts, codes: Any, pods: Any, own: Mapping[int, str], herd: _Herd, marked: set[str]) -> None:
    """Put the words of pods in the place of marks; texts that are a mark alone, or the pod itself, all at once."""
    ways: dict[str, list[int]] = {}
    for code, text in own.items():
        ways.setdefault(_OBJECT if text in marked else text, []).append(code)
    way_of = np.full(max(own) + 2, -1)
    for number, codes_of_way in enumerate(ways.values()):
        way_of[codes_of_way] = number
    way = way_of[np.minimum(codes, max(own) + 1)]
    order = np.argsort(way, kind="stable")
    bounds = np.searchsorted(way[order], np.arange(len(ways) + 1))
    for text, start, end in zip(ways, bounds[:-1], bounds[1:], strict=True):
        rows = order[start:end]
        held[rows] = herd.objects[pods[rows]] if text == _OBJECT else _spoken(text, pods[rows], herd)


def _spoken(text: str, pods: Any, herd: _Herd) -> Any:
    """Return a text with marks as each of some pods says it."""
    marks, parts = herd.mark.findall(text), herd.mark.split(text)
    if parts == ["", ""]:
        return herd.words[marks[0]][pods]
    words = [herd.words[mark][pods] for mark in marks]
    return ["".join(chain(*zip(parts, said, strict=False), parts[-1:])) for said in zip(*words, strict=True)]


def _herd(snapshot: Snapshot) -> _Herd:
    """Return the pods of a snapshot; it is found out once."""
    found: _Herd | None = snapshot.derived.get(__name__)
    if found is None:
        found = snapshot.derived[__name__] = _gathered(snapshot)
    return found


def _gathered(snapshot: Snapshot) -> _Herd:
    alike = pods_alike(snapshot)
    workload_of = {alike.of[place]: each for each in gather(snapshot).values() for place in each.places}
    kin = []
    for number, (record, origin, words) in enumerate(alike.entries):
        workload = workload_of[number].object if number in workload_of else ""
        pod = PodView.of(record, workload)
        if origin is None:
            kin.append(_Kin(pod, None, words))
            continue
        name, content, facts = (with_words(each, alike.mark) for each in (pod.name, pod.content, pod.facts))
        kin.append(_Kin(replace(pod, name=name, content=content, facts=facts), PodView.of(origin, workload), words))
    more = [_Kin(view, None, {}) for view in stand_ins(snapshot)]
    objects = [f"Pod/{namespace}/{name}" for namespace, name in zip(alike.namespaces, alike.names, strict=True)]
    objects += [each.pod.object for each in more]
    order = np.array(sorted(range(len(objects)), key=objects.__getitem__), dtype=np.intp)
    of = np.array([*alike.of, *range(len(kin), len(kin) + len(more))], dtype=np.intp)
    none = np.full(len(more), "", dtype=object)
    of_marks = {mark: np.concatenate([held, none])[order] for mark, held in alike.words.items()}
    return _Herd(alike.mark, kin + more, of[order], np.array(objects, dtype=object)[order], of_marks)


_OBJECT: Final = "\0"
"""Stands for texts that name the pod itself."""
