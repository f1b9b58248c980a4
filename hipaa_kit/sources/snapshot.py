"""The snapshot: what was read of a cluster at one moment, redacted, with its coverage.

A snapshot holds two products of equal rank: the objects, and for every kind what was asked and
what was answered. Nothing above this floor ever talks to a cluster.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

import msgspec
import pandas as pd

from hipaa_kit.kube.facts import FACTS
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.sharing import SharedJson
from hipaa_kit.tables.results import CONFLICTS, PROVENANCE, SET_ASIDE, UNREADABLE

if TYPE_CHECKING:
    from hipaa_kit.sources.audit_log import AuditLog

LAYOUTS = (
    "live",
    "kubectl",
    "cluster-info",
    "must-gather",
    "insights",
    "troubleshoot",
    "rancher",
    "velero",
    "kubehound",
    "icekube",
    "sonobuoy",
    "manifests",
)
"""How objects reach the kit; several inputs of different layouts are joined by `+`."""


@dataclass(frozen=True)
class Record:
    """One object of the cluster as the snapshot keeps it.

    `namespace` and `name` are the object's identity; they can differ from what stands in
    `content` where a manifest leaves its namespace to whoever applies it.
    """

    group: str
    kind: str
    namespace: str
    name: str
    content: Mapping[str, Any]
    facts: Mapping[str, Any]
    source: str
    position: str
    sha256: str

    @property
    def object(self) -> str:
        """The object as it is named everywhere: `Kind/namespace/name`."""
        return object_id(self.kind, self.namespace, self.name)


class Origin(NamedTuple):
    """Where an object was read: its digest as kept, the file or request, and the position in it."""

    sha256: str
    source: str
    position: str


@dataclass(frozen=True)
class Identity:
    """Which cluster this is, and how that is known."""

    name: str
    uid: str = ""
    basis: str = ""
    version: str = ""

    @property
    def id(self) -> str:
        """The most reliable identifier there is."""
        return self.uid or self.name


class Records(Sequence[Record]):
    """The objects of one kind, in order.

    They are held in memory once they were read, their equal parts once; very many are read again each time
    somebody walks through them, so that no cluster has to fit into memory as objects.
    """

    HELD: Final = 200_000

    def __init__(self, size: int = 0, walk: Callable[[], Iterable[Record]] = tuple) -> None:
        self._size, self._walk = size, walk
        self._held: tuple[Record, ...] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def __iter__(self) -> Iterator[Record]:
        """Walk through them."""
        if self._held is None and self._size <= self.HELD:
            self._held = tuple(self._walk())
        return iter(self._walk() if self._held is None else self._held)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...

    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        """Return one of them, or some."""
        if isinstance(index, slice) or index < 0:
            return tuple(self)[index]
        for record in islice(self, index, None):
            return record
        raise IndexError(index)


@dataclass(frozen=True)
class Part:
    """All objects of one kind, sorted by namespace and name, as the lines that stand for them.

    `lines` gives the canonical lines, over which the digest is taken, from wherever they lie.
    """

    group: str
    kind: str
    size: int
    sha256: str
    lines: Callable[[], Iterable[bytes]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, group: str, kind: str, records: Iterable[Record]) -> Part:
        """Make a part from records."""
        held = [record_line(record) for record in sorted(records, key=lambda each: (each.namespace, each.name))]
        return cls.of_lines(group, kind, len(held), lambda: held)

    @classmethod
    def of_lines(cls, group: str, kind: str, size: int, lines: Callable[[], Iterable[bytes]]) -> Part:
        """Make a part from lines that are sorted and canonical."""
        digest = hashlib.sha256()
        for line in lines():
            digest.update(line)
        return cls(group, kind, size, digest.hexdigest(), lines)

    @functools.cached_property
    def _records(self) -> Records:
        self.lines()  # a part on disk is checked now, and not half-way through a run
        return Records(self.size, self._read)

    def _read(self) -> Iterator[Record]:
        shared = SharedJson()
        with no_cyclic_collection():
            for line in self.lines():
                yield read_line(line, self.group, self.kind, shared)

    def load(self) -> Records:
        """Return the objects."""
        return self._records

    @functools.cached_property
    def origins(self) -> dict[str, Origin]:
        """Where each object was read, by `Kind/namespace/name`."""
        return {record.object: Origin(record.sha256, record.source, record.position) for record in self.load()}


@dataclass(frozen=True)
class Snapshot:
    """Objects of one cluster at one moment, redacted, with what was asked and answered.

    Parameters
    ----------
    identity
        Which cluster.
    layout
        How the objects reached the kit: one of `LAYOUTS`.
    collected_at
        When, UTC RFC 3339; "" where nothing tells.
    collected_basis
        How that is known: by record, or as the newest time seen in the objects (not before that).
    parts
        Objects by (API group, kind).
    coverage
        What was asked and what came back.
    conflicts
        Table `conflicts`: objects that were read twice with different content.
    unreadable
        Table `unreadable`: files that could not be read.
    set_aside
        Table `set_aside`: what the input holds besides objects of a cluster, left for its own reader.
    redactions
        How many values were removed, by rule.
    facts
        Which typed facts were taken of values that were removed, each with the number of its rule (`kube.facts.FACTS`).
    audit_log
        The API server's audit log, where one was given. It is no part of the snapshot's digest: it has its own.
    """

    identity: Identity
    layout: str
    collected_at: str
    collected_basis: str
    parts: Mapping[tuple[str, str], Part]
    coverage: Coverage
    conflicts: pd.DataFrame
    unreadable: pd.DataFrame
    set_aside: pd.DataFrame
    redactions: Mapping[str, int]
    facts: Mapping[str, int] = field(default_factory=lambda: FACTS)
    audit_log: AuditLog | None = field(default=None, repr=False, compare=False)

    def records(self, kind: Kind) -> Records:
        """Return the objects of a kind with their identity and provenance, sorted."""
        part = self.parts.get((kind.group, kind.kind))
        return part.load() if part else Records()

    def objects(self, kind: str, group: str = "") -> tuple[Mapping[str, Any], ...]:
        """Return the redacted objects of any kind, by its name and API group, sorted.

        Parameters
        ----------
        kind, group
            As in `apiVersion` and `kind`; the core group is `""`.

        Returns
        -------
        tuple of mappings
            None at all does not mean that the cluster has none: see `coverage`.
        """
        part = self.parts.get((group, kind))
        return tuple(record.content for record in part.load()) if part else ()

    def kinds(self) -> list[tuple[str, str]]:
        """Return (API group, kind) of all objects held, sorted."""
        return sorted(key for key, part in self.parts.items() if part.size)

    def changed(self, other: Snapshot) -> list[tuple[str, str]]:
        """Return (API group, kind) of all objects that two snapshots do not share, sorted.

        One that was made of another by changes of objects shares with it whatever it did not touch.
        """
        keys = self.parts.keys() | other.parts.keys()
        return sorted(key for key in keys if self.parts.get(key) is not other.parts.get(key))

    def lacks(self, facts: Iterable[str]) -> list[str]:
        """Return which of these facts nobody took when this snapshot was made, or took by an older rule."""
        return [name for name in facts if self.facts.get(name, 0) < FACTS[name]]

    def find(self, object: str) -> Origin | None:  # noqa: A002 - `object` is the kit's word for it
        """Return where `Kind/namespace/name` was read, or None where the snapshot has none."""
        found = (part.origins.get(object) for part in self._of_kind.get(object.partition("/")[0], ()))
        return next(filter(None, found), None)

    @functools.cached_property
    def _of_kind(self) -> dict[str, list[Part]]:
        """Parts by kind alone, of two groups that have it the last first."""
        found: dict[str, list[Part]] = {}
        for group, kind in reversed(self.kinds()):
            found.setdefault(kind, []).append(self.parts[group, kind])
        return found

    @functools.cached_property
    def derived(self) -> dict[str, Any]:
        """What floors above found out about all of it, by the module that did, and keep as long as it lives."""
        return {}

    @functools.cached_property
    def digest(self) -> str:
        """Digest over everything that the snapshot says."""
        return hashlib.sha256(canonical_json(self.manifest())).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """Return what the snapshot is made of: the digest is taken over this."""
        return {
            "format": "hipaa-kit/snapshot/v1",
            "cluster": {
                "name": self.identity.name,
                "uid": self.identity.uid,
                "basis": self.identity.basis,
                "version": self.identity.version,
            },
            "layout": self.layout,
            "collected_at": self.collected_at,
            "collected_basis": self.collected_basis,
            "parts": [
                {"group": group, "kind": kind, "objects": part.size, "sha256": part.sha256}
                for (group, kind), part in sorted(self.parts.items())
                if part.size
            ],
            "tables": {name: hashlib.sha256(csv.encode()).hexdigest() for name, csv in self.side_tables().items()},
            "redactions": dict(sorted(self.redactions.items())),
            "facts": dict(sorted(self.facts.items())),
        }

    def side_tables(self) -> dict[str, str]:
        """Return the tables that stand beside the objects, as canonical CSV by name."""
        return {
            "conflicts": CONFLICTS.to_csv(self.conflicts),
            "coverage": self.coverage.to_csv(),
            "set_aside": SET_ASIDE.to_csv(self.set_aside),
            "unreadable": UNREADABLE.to_csv(self.unreadable),
        }

    def provenance(self) -> pd.DataFrame:
        """Return table `provenance`: one row per object, with where it was read and its digest."""
        return PROVENANCE.frame(
            {
                "group": record.group,
                "kind": record.kind,
                "namespace": record.namespace,
                "name": record.name,
                "source": record.source,
                "position": record.position,
                "sha256": record.sha256,
            }
            for key in self.kinds()
            for record in self.parts[key].load()
        )

    def without(self, kind: Kind, namespace: str = "", *, status: str, error: str) -> Snapshot:
        """Return the snapshot that would have resulted had the server answered otherwise.

        Parameters
        ----------
        kind
            Kind whose objects are taken out.
        namespace
            Only those of this namespace; "" for all.
        status, error
            What coverage says instead.
        """
        part = self.parts.get((kind.group, kind.kind))
        kept = [r for r in part.load() if namespace and r.namespace != namespace] if part else []
        parts = {**self.parts, (kind.group, kind.kind): Part.of(kind.group, kind.kind, kept)}
        coverage = self.coverage.with_answer(kind, namespace, status=status, error=error)
        return replace(self, parts=parts, coverage=coverage)


def canonical_json(value: Any) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no spaces, UTF-8."""
    return _CANONICAL(value).encode("utf-8", "surrogatepass")


def record_line(record: Record) -> bytes:
    """Return the line that stands for a record in a part on disk."""
    facts, content = canonical_json(record.facts), canonical_json(record.content)
    return joined_line(facts, content, record.name, record.namespace, record.source, record.position)


def joined_line(facts: bytes, content: bytes, name: str, namespace: str, source: str, position: str) -> bytes:
    """Return the line that stands for a record, of facts and content that are canonical JSON."""
    parts = (facts, _quoted(name), _quoted(namespace), content, _quoted(position), _quoted(source))
    return b'{"facts":%b,"name":%b,"namespace":%b,"object":%b,"position":%b,"source":%b}\n' % parts


def _quoted(text: str) -> bytes:
    """Return the canonical JSON of a text; nearly all stand in it as they are."""
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text
    return b'"%b"' % text.encode() if plain else canonical_json(text)


def line_content(line: bytes) -> bytes:
    """Return the object of a line in canonical JSON."""
    try:
        return bytes(_READ_LINE(line).object)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return canonical_json(json.loads(line)["object"])


class _Line(msgspec.Struct):
    facts: msgspec.Raw
    name: str
    namespace: str
    object: msgspec.Raw
    position: str
    source: str


def read_line(line: bytes, group: str, kind: str, shared: SharedJson | None = None) -> Record:
    """Return the record that a line of a part stands for; its content may share parts with those read before."""
    loads = shared.loads if shared else json.loads
    try:
        read = _READ_LINE(line)
        facts, content = loads(bytes(read.facts)), bytes(read.object)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_plainly(line, group, kind)
    digest = hashlib.sha256(content).hexdigest()
    return Record(group, kind, read.namespace, read.name, loads(content), facts, read.source, read.position, digest)


def _read_plainly(line: bytes, group: str, kind: str) -> Record:
    """Return the record of a line that holds Infinity or halves of surrogate pairs, which are no JSON."""
    read = json.loads(line)
    content = read["object"]
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    place = (read["namespace"], read["name"])
    return Record(group, kind, *place, content, read["facts"], read["source"], read["position"], digest)


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_READ_LINE: Final = msgspec.json.Decoder(_Line).decode
