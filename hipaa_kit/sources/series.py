"""A series: snapshots of one cluster at several moments, in order, opened one at a time.

What is no snapshot yet is imported once into a folder that goes with the series, so that never more than
one of them has its objects in memory.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.files import open_trees
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.sources.layouts import recognise
from hipaa_kit.sources.layouts.velero import BACKUP
from hipaa_kit.sources.snapshot import Identity, Snapshot
from hipaa_kit.sources.store import MANIFEST, is_snapshot, open_snapshot, save_snapshot

WITNESSES: Final[tuple[tuple[Kind, str, str], ...]] = (
    (kinds.NAMESPACE, "", "kube-system"),
    (kinds.NAMESPACE, "", "default"),
    (kinds.SERVICE, "default", "kubernetes"),
    (kinds.SERVICE_ACCOUNT, "kube-system", "default"),
    (kinds.CLUSTER_ROLE, "", "cluster-admin"),
)
"""Objects that every cluster makes for itself when it is set up: two clusters share none of their uids."""

HELD: Final = (f"*/{MANIFEST}", f"data/snapshot/{MANIFEST}", f"*/data/snapshot/{MANIFEST}", f"**/{BACKUP}")
"""Where a folder holds snapshots, its own or those of bundles, and backups."""

RECORDED: Final = "recorded"
GIVEN: Final = "given"


@dataclass(frozen=True)
class Moment:
    """One snapshot of a series, without its objects.

    `witnesses` holds the uids of those of `WITNESSES` that it has, by object.
    """

    at: str
    basis: str
    ended_at: str
    place: str
    layout: str
    identity: Identity
    witnesses: Mapping[str, str]
    coverage: Coverage
    objects: int
    digest: str
    open: Callable[[], Snapshot]


class Series:
    """Snapshots of one cluster, the earliest first.

    Parameters
    ----------
    given
        Snapshots, or paths: a snapshot, a dump, an archive, or a folder that holds several snapshots or
        Velero backups.
    opener
        Opens what a path names.
    at
        Moments by path, for what does not record its own, RFC 3339.

    Attributes
    ----------
    moments
        What is known of each without opening it.

    Raises
    ------
    InputError
        They are of several clusters, the moment of one is not recorded, or two of them overlap.
    """

    def __init__(
        self,
        given: Iterable[Snapshot | str | Path],
        opener: Callable[[Path], Snapshot],
        at: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hipaa-kit-history-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        told = {_key(path): said for path, said in (at or {}).items()}
        found: list[Moment] = []
        for each in given:
            if isinstance(each, Snapshot):
                found.append(_moment(each, each.identity.name, partial(_itself, each), ""))
            else:
                found += [self._read(path, opener, told.pop(_key(path), "")) for path in find_series(each)]
        if told:
            raise InputError("a moment is given for it, yet it is not part of the history", next(iter(told)))
        if not found:
            raise InputError("nothing to open", "history", "give snapshots, dumps or Velero backups")
        _refuse_other_clusters(found)
        self.moments = tuple(sorted(found, key=lambda each: each.at))
        _refuse_unordered(self.moments)

    def walk(self) -> Iterator[tuple[int, Snapshot]]:
        """Open one snapshot after the other."""
        for number, each in enumerate(self.moments):
            yield number, each.open()

    def _read(self, path: Path, opener: Callable[[Path], Snapshot], told: str) -> Moment:
        snapshot, kept = opener(path), path
        if not is_snapshot(path):
            kept = save_snapshot(snapshot, self._folder / str(len(list(self._folder.iterdir()))))
        return _moment(snapshot, str(path), partial(open_snapshot, kept), told)


def find_series(given: str | Path) -> list[Path]:
    """Return the inputs that a path holds: snapshots, bundles and Velero backups in it, else the path itself.

    Velero keeps each backup in a folder of its own, with `velero-backup.json`. Tarballs that lie side by
    side without that are told by their content.
    """
    place = Path(given)
    if not place.is_dir() or is_snapshot(place):
        return [place]
    files = [file for pattern in HELD for file in place.glob(pattern)]
    visible = [file for file in files if not any(part.startswith(".") for part in file.relative_to(place).parts)]
    return sorted({file.parent for file in visible}) or _tarballs(place) or [place]


def _tarballs(place: Path) -> list[Path]:
    """Return the Velero tarballs in a folder where there are several."""
    files = [path for path in sorted(place.iterdir()) if path.is_file() and not path.name.startswith(".")]
    if len(files) < 2:
        return []
    found = [path for path in files if _is_backup(path)]
    return found if len(found) > 1 else []


def _is_backup(path: Path) -> bool:
    try:
        with open_trees(path) as trees:
            return any(tree.prefix and recognise(tree)[0].name == "velero" for tree in trees)
    except InputError:  # the folder is then read as one dump, which names what is damaged in it
        return False


def _moment(snapshot: Snapshot, place: str, opened: Callable[[], Snapshot], told: str) -> Moment:
    if told and not moment(told):
        raise InputError(f"{told!r} is no moment", place, "write it as 2026-11-20T02:00:00Z")
    if told:
        at, basis = moment(told), GIVEN
    else:
        at, basis = moment(snapshot.collected_at), snapshot.collected_basis
    ended = [moment(value) for value in snapshot.coverage.frame["ended_at"]]
    return Moment(
        at=at,
        basis=basis,
        ended_at=max(ended, default=""),
        place=place,
        layout=snapshot.layout,
        identity=snapshot.identity,
        witnesses=dict(_witnesses(snapshot)),
        coverage=snapshot.coverage,
        objects=sum(part.size for part in snapshot.parts.values()),
        digest=snapshot.digest,
        open=opened,
    )


def _witnesses(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for kind, namespace, name in WITNESSES:
        for record in snapshot.records(kind):
            metadata = record.content.get("metadata")
            uid = metadata.get("uid") if isinstance(metadata, Mapping) else None
            if (record.namespace, record.name) == (namespace, name) and isinstance(uid, str) and uid:
                yield record.object, uid


def _uids(each: Moment) -> dict[str, str]:
    """Return what is known of a cluster's uids, its own first."""
    return {**({"": each.identity.uid} if each.identity.uid else {}), **each.witnesses}


def shared_uid(one: Moment, other: Moment) -> str | None:
    """Return what shows that two snapshots are of one cluster; "" where nothing does.

    Returns
    -------
    str or None
        An object that has one uid in both; None where all that both have differ, so that they are of two
        clusters.
    """
    first, second = _uids(one), _uids(other)
    shared = [name for name in first if name in second]
    same = [name for name in shared if first[name] == second[name]]
    if shared and (not same or ("" in shared and "" not in same)):
        return None
    return (same[0] or "uid of the cluster") if same else ""


def _refuse_other_clusters(moments: Sequence[Moment]) -> None:
    for one, other in combinations(moments, 2):
        if shared_uid(one, other) is None:
            first, second = _uids(one), _uids(other)
            name = next(name for name in first if name in second)
            what = f"{name or 'the cluster'} has uid {first[name]} here and {second[name]} in {other.place}"
            raise InputError(f"is of another cluster: {what}", one.place, "open one cluster at a time")


def _refuse_unordered(moments: Sequence[Moment]) -> None:
    for each in moments:
        if each.basis not in (RECORDED, GIVEN):
            told = f"known is {each.at}, {each.basis}" if each.at else "nothing in it tells"
            raise InputError(
                f"does not record when it was read: {told}",
                each.place,
                f"say it with --at {each.place}=2026-11-20T02:00:00Z",
            )
    for one, other in pairwise(moments):
        if one.at == other.at:
            raise InputError(f"is of the same moment as {other.place}: {one.at}", one.place, "give one of them")
        if one.ended_at > other.at:
            what = f"was still being read at {one.ended_at}, after {other.place} was begun at {other.at}"
            raise InputError(what, one.place, "give one of them")


def _itself(snapshot: Snapshot) -> Snapshot:
    return snapshot


def _key(path: str | Path) -> str:
    return str(Path(path).resolve())
