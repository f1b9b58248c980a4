"""Building a snapshot: every object passes here once, is redacted, placed and counted.

Nothing of an object outlives `SnapshotBuilder.add` but what redaction lets through.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction import redact
from hipaa_kit.sources.snapshot import Identity, Part, Record, Snapshot, canonical_json
from hipaa_kit.tables.results import CONFLICTS, UNREADABLE
from hipaa_kit.vocabulary import CLUSTER, NOT_ASKED, UNKNOWN

Key = tuple[str, str, str, str]


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
    _records: dict[Key, Record] = field(default_factory=dict)
    _received: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    _conflicts: list[dict[str, str]] = field(default_factory=list)
    _unreadable: dict[tuple[str, str], str] = field(default_factory=dict)
    _redactions: Counter[str] = field(default_factory=Counter)
    _learned: dict[tuple[str, str], Kind] = field(default_factory=dict)

    def identify(self, name: str, uid: str = "", basis: str = "", version: str = "") -> None:
        """Say which cluster this is, and how that is known."""
        self.identity = Identity(name, uid, basis, version)

    def learn(self, kind: Kind) -> None:
        """Take note of a kind that is not built in: its name in the API, and whether it is namespaced."""
        self._learned.setdefault((kind.group, kind.kind), kind)

    def kind_of(self, group: str, kind: str) -> Kind | None:
        """Return what is known of a kind: built in, or learned; None where nothing is."""
        return kinds.find(group, kind) or self._learned.get((group, kind))

    def add(self, obj: Mapping[str, Any], source: str, position: str = "", namespace: str = "") -> None:
        """Take one object: redact it, place it by its identity, remember where it was read.

        Parameters
        ----------
        obj
            A Kubernetes object with `apiVersion` and `kind`.
        source, position
            File or request, and the JSON pointer or line in it.
        namespace
            Namespace for an object of a namespaced kind that names none.

        Notes
        -----
        The same identity twice keeps the higher resourceVersion, else the later one read; different
        content is reported in table `conflicts`. The API version is not part of the identity.
        """
        group, kind = kinds.canonical_group(kinds.group_of(str(obj["apiVersion"])), str(obj["kind"]))
        record = self._record(obj, group, kind, source, position, namespace)
        self._received[group, kind, record.namespace] += 1
        key = (group, kind, record.namespace, record.name)
        held = self._records.get(key)
        if held is None:
            self._records[key] = record
        elif held.sha256 != record.sha256:
            kept, dropped = (held, record) if _version(held) > _version(record) else (record, held)
            self._records[key] = kept
            self._conflicts.append(_conflict(kept, dropped))

    def cover(self, *, group: str, kind: str, namespace: str = CLUSTER, **answer: Any) -> None:
        """Record what was asked and answered for one kind in one namespace (table `coverage`)."""
        self._rows[group, kind, namespace] = {"group": group, "kind": kind, "namespace": namespace, **answer}

    def fail(self, source: str, position: str, error: str) -> None:
        """Record a file, or part of one, that could not be read (table `unreadable`)."""
        self._unreadable.setdefault((source, position), error)

    def received(self, group: str, kind: str) -> int:
        """Return how many objects of a kind were taken so far, every copy counted."""
        return sum(n for (g, k, _), n in self._received.items() if (g, k) == (group, kind))

    def identities(self) -> Iterator[Key]:
        """Yield (group, kind, namespace, name) of every object taken so far."""
        yield from self._records

    def build(self) -> Snapshot:
        """Return the snapshot: parts sorted, coverage complete for every kind known."""
        by_kind: dict[tuple[str, str], list[Record]] = {}
        for (group, kind, _, _), record in self._records.items():
            by_kind.setdefault((group, kind), []).append(record)
        parts = {key: Part.of(*key, records) for key, records in by_kind.items()}
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
            redactions=dict(self._redactions),
        )

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
        for row in asked:
            known = self.kind_of(row["group"], row["kind"])
            if known is not None:
                row.setdefault("resource", known.resource)
                row.setdefault("namespaced", known.namespaced)
            yield row


def _name(metadata: Mapping[str, Any], source: str, position: str) -> str:
    """Return the object's name; one that the server is to generate is named by where it stands."""
    if name := metadata.get("name"):
        return str(name)
    return f"{metadata.get('generateName') or ''}@{source}{position}"


def _version(record: Record) -> int:
    metadata = record.content.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return int(version) if isinstance(version, str) and version.isdecimal() else -1


def _conflict(kept: Record, dropped: Record) -> dict[str, str]:
    return {
        "group": kept.group,
        "kind": kept.kind,
        "namespace": kept.namespace,
        "name": kept.name,
        "kept_source": kept.source,
        "kept_position": kept.position,
        "dropped_source": dropped.source,
        "dropped_position": dropped.position,
    }
