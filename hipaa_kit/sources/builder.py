"""Building a snapshot: every object passes here once, is redacted, placed and counted.

Nothing of an object outlives `SnapshotBuilder.add` but what redaction lets through.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, NamedTuple

from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import CUSTOM, find_custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction import redact
from hipaa_kit.sources.redaction.molded import Understood
from hipaa_kit.sources.redaction.pages import PageRedactor
from hipaa_kit.sources.snapshot import (
    Identity,
    Part,
    Record,
    Snapshot,
    canonical_json,
    joined_line,
    line_content,
    read_line,
    record_line,
)
from hipaa_kit.sources.spool import Spool
from hipaa_kit.tables.results import CONFLICTS, SET_ASIDE, UNREADABLE
from hipaa_kit.vocabulary import ABSENT, ANSWERED, CLUSTER, COVERAGE_STATUSES, NOT_ASKED, UNKNOWN

Key = tuple[str, str, str, str]

MAX_NAME = 253
"""Characters of the longest name that the API server accepts."""


class _Held(NamedTuple):
    """What is remembered of an object whose line lies in the spool, under the number `line`.

    `fallback` is the namespace that it gets where its kind turns out to live in namespaces.
    """

    version: int
    source: str
    position: str
    line: int = -1
    fallback: str = ""


@dataclass
class SnapshotBuilder:
    """Takes raw objects and answers, gives a `Snapshot`.

    Parameters
    ----------
    layout
        How the objects reached the kit, one of `snapshot.LAYOUTS`.
    pseudonymizer
        Makes the keyed pseudonyms that stand for removed values; the installation's by default.
    """

    layout: str
    pseudonymizer: Pseudonymizer = field(default_factory=Pseudonymizer.of_installation)
    identity: Identity = field(default_factory=lambda: Identity(name=""))
    collected_at: str = ""
    collected_basis: str = ""
    _spool: Spool = field(default_factory=Spool)
    _held: dict[Key, _Held] = field(default_factory=dict)
    _received: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    _conflicts: list[dict[str, str]] = field(default_factory=list)
    _unreadable: dict[tuple[str, str], str] = field(default_factory=dict)
    _set_aside: Counter[tuple[str, str]] = field(default_factory=Counter)
    _redactions: Counter[str] = field(default_factory=Counter)
    _learned: dict[tuple[str, str], Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pages = PageRedactor(self.pseudonymizer)

    def identify(self, name: str, uid: str = "", basis: str = "", version: str = "") -> None:
        """Say which cluster this is, and how that is known."""
        self.identity = Identity(name, uid, basis, version)

    def learn(self, kind: Kind) -> None:
        """Take note of a kind that is not built in: its name in the API, and whether it is namespaced."""
        self._learned.setdefault((kind.group, kind.kind), kind)

    def learned(self) -> Iterator[Kind]:
        """Yield the kinds that are not built in and that something told of."""
        yield from self._learned.values()

    def find_resource(self, group: str, resource: str) -> Kind | None:
        """Return a learned kind by its group and plural; None where nothing told of it."""
        return next((kind for kind in self._learned.values() if (kind.group, kind.resource) == (group, resource)), None)

    def kind_of(self, group: str, kind: str) -> Kind | None:
        """Return what is known of a kind: built in, learned, or read as a custom resource; None where nothing is."""
        return kinds.find(group, kind) or self._learned.get((group, kind)) or find_custom(group, kind)

    def add(
        self, obj: Mapping[str, Any], source: str, position: str = "", namespace: str = "", *, later: bool = False
    ) -> None:
        """Take one object: redact it, place it by its identity, remember where it was read.

        Parameters
        ----------
        obj
            A Kubernetes object with `apiVersion` and `kind`.
        source, position
            File or request, and the JSON pointer or line in it.
        namespace
            Namespace for an object of a namespaced kind that names none.
        later
            It is known to be a later state of the same object, as a watch tells, and replaces it.

        Notes
        -----
        The same identity twice keeps the higher resourceVersion, else the later one read; different
        content is reported in table `conflicts`. The API version is not part of the identity.
        """
        group, kind = kinds.canonical_group(kinds.group_of(str(obj["apiVersion"])), str(obj["kind"]))
        record = self._record(obj, group, kind, source, position, namespace)
        key = (group, kind, record.namespace, record.name)
        fallback = namespace if self.kind_of(group, kind) is None and not record.namespace else ""
        new = _Held(_version(record), source, position, fallback=fallback)
        self._keep(key, new, record_line(record), later=later)

    def add_page(
        self, page: bytes, source: str, first: int = 0, namespace: str = "", *, kind: tuple[str, str] = ("", "")
    ) -> Iterator[Understood | bytes]:
        """Take many objects at once, as far as they are of a kind that is read by the page.

        Parameters
        ----------
        page
            A JSON array of objects, UTF-8, without white space between its tokens.
        source, first, namespace
            As for `add`; the first object stands at position `/items/<first>`.
        kind
            `apiVersion` and `kind` of objects that do not say theirs.

        Yields
        ------
        Understood or bytes
            For each object in order: what was taken, or the JSON of one that the caller has to read and `add`.
        """
        with no_cyclic_collection():
            read = self._pages.read(page, bare=kind == ("v1", "Pod"))
        for position, each in enumerate(read, first):
            if isinstance(each, Understood):
                self._take(each, source, f"/items/{position}", namespace)
            yield each

    def _take(self, pod: Understood, source: str, position: str, namespace: str) -> None:
        """Take a pod that a page held: the same as `add` does with it."""
        key = ("", "Pod", pod.namespace or namespace, pod.name)
        new = _Held(_number(pod.version), source, position)
        self._keep(key, new, joined_line(pod.facts, pod.content, key[3], key[2], source, position))

    def _keep(self, key: Key, new: _Held, line: bytes, *, later: bool = False) -> None:
        """Remember an object, unless a newer state of it is held."""
        held = self._held.get(key)
        if held is None or not later:
            self._received[key[:3]] += 1
        if held is None or self._wins(key, held, new, line, later=later):
            version, source, position, _, fallback = new
            self._held[key] = _Held(version, source, position, self._spool.put(line), fallback)

    def apart(self) -> SnapshotBuilder:
        """Return a builder for objects that may yet be dropped, until `absorb` takes them over.

        A list that has to start again is read into one: when it is dropped, nothing of it counts, and
        what stays are bytes in the spool, which both share.
        """
        return SnapshotBuilder(self.layout, self.pseudonymizer, _spool=self._spool, _learned=self._learned)

    def absorb(self, other: SnapshotBuilder) -> None:
        """Take over what a builder made by `apart` holds, as if it had been read here."""
        for key, taken in other._held.items():
            held = self._held.get(key)
            if held is None or self._wins(key, held, taken, self._spool.get(taken.line)):
                self._held[key] = taken
        self._received.update(other._received)
        self._redactions.update(other._redactions + other._pages.counts())
        self._conflicts += other._conflicts
        for (source, position), error in other._unreadable.items():
            self.fail(source, position, error)

    def _wins(self, key: Key, held: _Held, new: _Held, line: bytes, *, later: bool = False) -> bool:
        """Tell whether an object replaces the one that is held; one with other content is a conflict."""
        same = line_content(self._spool.get(held.line)) == line_content(line)
        if later or same:
            return not same
        self._conflicts.append(_conflict(key, held, new))
        return held.version <= new.version

    def remove(self, obj: Mapping[str, Any], namespace: str = "") -> None:
        """Forget an object, as a watch tells of one that was deleted."""
        group, kind = kinds.canonical_group(kinds.group_of(str(obj["apiVersion"])), str(obj["kind"]))
        record = self._record(obj, group, kind, "", "", namespace)
        if self._held.pop((group, kind, record.namespace, record.name), None):
            self._received[group, kind, record.namespace] -= 1

    def set_aside(self, source: str, what: str, records: int = 1) -> None:
        """Count records that are no objects of a cluster (table `set_aside`)."""
        self._set_aside[source, what] += records

    def cover(self, *, group: str, kind: str, namespace: str = CLUSTER, **answer: Any) -> None:
        """Record what was asked and answered for one kind in one namespace (table `coverage`)."""
        self._rows[group, kind, namespace] = {"group": group, "kind": kind, "namespace": namespace, **answer}

    def cover_also(self, *, group: str, kind: str, namespace: str, **answer: Any) -> None:
        """Record a further input's answer: of two the better one counts, with the objects of both."""
        held = self._rows.get((group, kind, namespace))
        self.cover(group=group, kind=kind, namespace=namespace, **answer)
        if held is not None:
            row = self._rows[group, kind, namespace]
            better = min(row, held, key=lambda each: COVERAGE_STATUSES.index(each["status"]))
            self._rows[group, kind, namespace] = {**better, "count": (held["count"] or 0) + (row["count"] or 0)}

    def fail(self, source: str, position: str, error: str) -> None:
        """Record a file, or part of one, that could not be read (table `unreadable`)."""
        self._unreadable.setdefault((source, position), error)

    def received(self, group: str, kind: str) -> int:
        """Return how many objects of a kind were taken so far, every copy counted."""
        return sum(n for (g, k, _), n in self._received.items() if (g, k) == (group, kind))

    def put_aside(self) -> Iterator[tuple[str, str]]:
        """Yield (source, what it is) of everything that is no object of a cluster."""
        yield from self._set_aside

    def covers_anything(self) -> bool:
        """Tell whether anything was asked for."""
        return bool(self._rows)

    def identities(self) -> Iterator[Key]:
        """Yield (group, kind, namespace, name) of every object taken so far."""
        yield from self._held

    def build(self) -> Snapshot:
        """Return the snapshot: parts sorted, coverage complete for every kind known."""
        self._place_learned()
        by_kind: dict[tuple[str, str], list[tuple[str, str, _Held]]] = {}
        for (group, kind, namespace, name), held in self._held.items():
            by_kind.setdefault((group, kind), []).append((namespace, name, held))
        parts = {key: self._part(*key, entries) for key, entries in by_kind.items()}
        return Snapshot(
            identity=self.identity,
            layout=self.layout,
            collected_at=self.collected_at,
            collected_basis=self.collected_basis,
            parts=parts,
            coverage=Coverage.of(self._coverage_rows()),
            conflicts=CONFLICTS.frame(self._conflicts),
            unreadable=UNREADABLE.frame(
                {"source": source, "position": position, "error": error}
                for (source, position), error in self._unreadable.items()
            ),
            set_aside=SET_ASIDE.frame(
                {"source": source, "what": what, "records": records}
                for (source, what), records in self._set_aside.items()
            ),
            redactions=dict(self._redactions + self._pages.counts()),
        )

    def _part(self, group: str, kind: str, entries: list[tuple[str, str, _Held]]) -> Part:
        numbers = [held.line for _, _, held in sorted(entries, key=itemgetter(0, 1))]
        return Part.of_lines(group, kind, len(numbers), lambda: map(self._spool.get, numbers))

    def _place_learned(self) -> None:
        """Place objects whose definition was read after them, and says that they live in namespaces."""
        for key, held in [(key, held) for key, held in self._held.items() if held.fallback]:
            group, kind, _, name = key
            known = self.kind_of(group, kind)
            if known is None or not known.namespaced:
                continue
            del self._held[key]
            record = replace(read_line(self._spool.get(held.line), group, kind), namespace=held.fallback)
            self._held[group, kind, held.fallback, name] = held._replace(line=self._spool.put(record_line(record)))
            self._received[group, kind, ""] -= 1
            self._received[group, kind, held.fallback] += 1

    def _record(
        self, obj: Mapping[str, Any], group: str, kind: str, source: str, position: str, namespace: str
    ) -> Record:
        redacted = redact(dict(obj), self.pseudonymizer)
        self._redactions.update(redacted.counts)
        content = redacted.content
        metadata = content.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        known = self.kind_of(group, kind)
        placed = str(metadata.get("namespace") or "")
        if known is not None:
            placed = (placed or namespace) if known.namespaced else CLUSTER
        return Record(
            group=group,
            kind=kind,
            namespace=placed,
            name=_name(metadata, source, position),
            content=content,
            facts=redacted.facts,
            source=source,
            position=position,
            sha256=hashlib.sha256(canonical_json(content)).hexdigest(),
        )

    def _coverage_rows(self) -> Iterator[dict[str, Any]]:
        covered = {(group, kind) for group, kind, _ in self._rows}
        held: Counter[tuple[str, str]] = Counter()
        for (group, kind, _), received in self._received.items():
            held[group, kind] += received
        asked = [*self._rows.values()]
        asked += [
            {"group": group, "kind": kind, "namespace": CLUSTER, "status": UNKNOWN, "count": received}
            for (group, kind), received in held.items()
            if (group, kind) not in covered
        ]
        asked += [
            {"group": kind.group, "kind": kind.kind, "namespace": CLUSTER, "status": NOT_ASKED}
            for kind in kinds.BUILT_IN
            if (kind.group, kind.kind) not in covered and (kind.group, kind.kind) not in held
        ]
        asked += [
            {"group": kind.group, "kind": kind.kind, "namespace": CLUSTER, "status": ABSENT}
            for kind in self._undefined()
            if (kind.group, kind.kind) not in covered and (kind.group, kind.kind) not in held
        ]
        for row in asked:
            known = self.kind_of(row["group"], row["kind"])
            if known is not None:
                row.setdefault("resource", known.resource)
                row.setdefault("namespaced", known.namespaced)
            yield row

    def _undefined(self) -> Iterator[Kind]:
        """Yield the kinds of custom resources that nothing serves, where all definitions and API services were read.

        A definition is named `plural.group`, an API service `version.group`. A group that has definitions is served
        by them alone; one that has none may be served by a server of its own.
        Source: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/
        """
        said = (kinds.CUSTOM_RESOURCE_DEFINITION, kinds.API_SERVICE)
        if any(self._rows.get((*kind[:2], CLUSTER), {}).get("status") != ANSWERED for kind in said):
            return
        defined, services = ({name for *kind, _, name in self._held if (*kind,) == each[:2]} for each in said)
        groups_defined = {name.partition(".")[2] for name in defined}
        groups_served = {name.partition(".")[2] for name in services} - groups_defined
        for kind in CUSTOM:
            if f"{kind.resource}.{kind.group}" not in defined and kind.group not in groups_served:
                yield kind


def _name(metadata: Mapping[str, Any], source: str, position: str) -> str:
    """Return the object's name; one that the server is to generate is named by where it stands."""
    if name := metadata.get("name"):
        text = str(name)
        return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}@{source}{position}"
    return f"{metadata.get('generateName') or ''}@{source}{position}"


def _version(record: Record) -> int:
    metadata = record.content.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return _number(version)


def _number(version: Any) -> int:
    return int(version) if isinstance(version, str) and version.isdecimal() else -1


def _conflict(key: Key, held: _Held, other: _Held) -> dict[str, str]:
    group, kind, namespace, name = key
    first, second = (held.source, held.position), (other.source, other.position)
    kept, dropped = (first, second) if held.version > other.version else (second, first)
    return {
        "group": group,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "kept_source": kept[0],
        "kept_position": kept[1],
        "dropped_source": dropped[0],
        "dropped_position": dropped[1],
    }
