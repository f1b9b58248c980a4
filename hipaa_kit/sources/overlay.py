"""The snapshot that would be: objects added, changed or taken out, without touching a cluster.

What controllers would then do, such as renewing pods, is for `inventory.rollout`; nothing here but what was asked for
changes. Coverage stays as it was: what was not seen is not seen the better for a change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import facts, kinds
from hipaa_kit.kube.apply import applied
from hipaa_kit.kube.custom_kinds import find_custom
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.patches import json_merge, strategic_merge
from hipaa_kit.kube.reading import as_map, as_maps, as_text
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.redaction import redact
from hipaa_kit.sources.snapshot import Part, Record, Snapshot, canonical_json
from hipaa_kit.vocabulary import CLUSTER

SOURCE: Final = "overlay"
"""Stands as the source of what a change brought."""

_OF_CONTAINERS: Final = frozenset({facts.EXEC_PROGRAM, facts.CREDENTIALS, facts.SERVICE_ADDRESSES})
"""Facts that name the container, and the place in it, that they are about."""

Place = tuple[str, str, str, str]
"""An object's identity: API group, kind, namespace, name."""


@dataclass(frozen=True)
class Put:
    """An object that is to be there as written, whatever was there before."""

    content: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Which object it is."""
        return place_of(self.content)


@dataclass(frozen=True)
class Patch:
    """A change of an object: a strategic merge patch of a built-in kind, a JSON merge patch of any other.

    The body names its object by `apiVersion`, `kind`, and `metadata`, as `kubectl patch` and Kustomize take it.
    """

    content: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Which object it changes."""
        return place_of(self.content)


@dataclass(frozen=True)
class Delete:
    """An object that is to be gone, by its `apiVersion`, `kind`, and `metadata`."""

    content: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Which object it is."""
        return place_of(self.content)


@dataclass(frozen=True)
class Apply:
    """A manifest that is applied, as it was read and redacted at the door."""

    record: Record

    @property
    def content(self) -> Mapping[str, Any]:
        """The manifest."""
        return self.record.content

    @property
    def place(self) -> Place:
        """Which object it makes or changes."""
        return self.record.group, self.record.kind, self.record.namespace, self.record.name


Change = Put | Patch | Delete | Apply


def place_of(content: Mapping[str, Any]) -> Place:
    """Return the identity that an object states.

    Raises
    ------
    InputError
        It states none.
    """
    version, kind = as_text(content.get("apiVersion")), as_text(content.get("kind"))
    metadata = as_map(content, "metadata")
    name = as_text(metadata.get("name"))
    if not (version and kind and name):
        raise InputError("an object without apiVersion, kind or metadata.name cannot be changed")
    group, kind = kinds.canonical_group(kinds.group_of(version), kind)
    known = kinds.find(group, kind) or find_custom(group, kind)
    namespace = as_text(metadata.get("namespace"))
    return group, kind, CLUSTER if known is not None and not known.namespaced else namespace, name


def overlay(
    snapshot: Snapshot, changes: Iterable[Change], *, pseudonym: Callable[[str], str] | None = None
) -> Snapshot:
    """Return the snapshot with objects added, changed or taken out.

    Parameters
    ----------
    snapshot
        What was read; it stays as it is.
    changes
        What is to be different, in order.
    pseudonym
        Gives texts that redaction takes out of new objects their pseudonym; the installation's by default.

    Returns
    -------
    Snapshot
        New objects are redacted as at the door. Typed facts of a changed object stay where the value that they were
        taken of was not changed.

    Raises
    ------
    InputError
        A patch or deletion names an object that is not there, or a change names none.
    """
    hide = pseudonym or Pseudonymizer.of_installation()
    by_kind: dict[tuple[str, str], dict[tuple[str, str], Record]] = {}
    for change in changes:
        group, kind, namespace, name = change.place
        if (group, kind) not in by_kind:
            part = snapshot.parts.get((group, kind))
            by_kind[group, kind] = {(each.namespace, each.name): each for each in part.load()} if part else {}
        held = by_kind[group, kind]
        was = held.get((namespace, name))
        if was is None and not isinstance(change, Put | Apply):
            raise InputError(f"{object_id(kind, namespace, name)} is not in the snapshot and cannot be changed")
        if isinstance(change, Delete):
            del held[namespace, name]
        elif isinstance(change, Apply):
            held[namespace, name] = _applied(change.record, was)
        else:
            held[namespace, name] = _record(change, was, hide)
    return with_parts(snapshot, {key: list(held.values()) for key, held in by_kind.items()})


def with_parts(snapshot: Snapshot, records: Mapping[tuple[str, str], Iterable[Record]]) -> Snapshot:
    """Return the snapshot with all objects of some kinds replaced, by (API group, kind)."""
    parts = {key: Part.of(*key, held) for key, held in records.items()}
    return replace(snapshot, parts={**snapshot.parts, **parts})


def changed_record(was: Record, content: Mapping[str, Any], pseudonym: Callable[[str], str]) -> Record:
    """Return a record with other content, and with the facts that still hold of it."""
    redacted = redact(content, pseudonym)
    # Who wrote an object leaves no trace in what is kept of it.
    others = was.facts.keys() - _OF_CONTAINERS - {facts.FIELD_MANAGERS}
    again = redact(was.content, pseudonym).facts if others else {}
    kept = _facts_after(was, redacted.content, again, redacted.facts)
    digest = hashlib.sha256(canonical_json(redacted.content)).hexdigest()
    return replace(was, content=redacted.content, facts=kept, sha256=digest)


def _applied(manifest: Record, was: Record | None) -> Record:
    """Return the record of an object after a manifest was applied; the same one where that changes nothing."""
    if was is None:
        return manifest
    content = applied(was.group, was.kind, was.content, manifest.content)
    if content == was.content:
        return was
    kept = {name: was.facts[name] for name in (facts.FIELD_MANAGERS,) if name in was.facts}
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    return replace(manifest, content=content, facts={**kept, **manifest.facts}, sha256=digest)


def _record(change: Put | Patch, was: Record | None, pseudonym: Callable[[str], str]) -> Record:
    group, kind, namespace, name = change.place
    if isinstance(change, Patch) and was is not None:
        merge = strategic_merge if kinds.find(group, kind) else json_merge
        named = {**change.content, "apiVersion": was.content.get("apiVersion")}
        return changed_record(was, merge(was.content, named), pseudonym)
    redacted = redact(change.content, pseudonym)
    digest = hashlib.sha256(canonical_json(redacted.content)).hexdigest()
    return Record(group, kind, namespace, name, redacted.content, redacted.facts, SOURCE, "", digest)


def _facts_after(
    was: Record, content: Mapping[str, Any], again: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the facts of a changed object: those taken at the door where their value is as it was, else new ones.

    `again` and `now` are what redaction says of the old and the new content: it cannot see what it took out before.
    """
    found: dict[str, Any] = {}
    before, after = _containers(was.content), _containers(content)
    for name in {**was.facts, **now}:
        old, new = was.facts.get(name), now.get(name)
        if name in _OF_CONTAINERS and (before or after):
            held, fresh = as_map(old), as_map(new)
            same = {key: value for key, value in held.items() if _value(before, key) == _value(after, key)}
            changed = {key: value for key, value in fresh.items() if _value(before, key) != _value(after, key)}
            found[name] = {**same, **changed}
        else:
            found[name] = old if again.get(name) == new and old is not None else new
    return {name: value for name, value in found.items() if value not in (None, {})}


def _containers(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the containers of a pod, or of the template in an object that makes pods, by name."""
    spec = as_map(content, "spec")
    for path in (("jobTemplate", "spec", "template", "spec"), ("template", "spec"), ()):
        pod = as_map(spec, *path)
        if pod.get("containers"):
            lists = (pod.get(field) for field in ("initContainers", "containers", "ephemeralContainers"))
            return {as_text(each.get("name")): each for entries in lists for each in as_maps(entries)}
    return {}


def _value(containers: Mapping[str, Mapping[str, Any]], key: str) -> Any:
    """Return the value of which a fact `container/[place/]NAME` speaks."""
    container, _, rest = key.partition("/")
    place, _, name = rest.partition("/")
    held = containers.get(container, {})
    if place in ("args", "command"):
        return held.get(place)
    if place in ("postStart", "preStop"):
        return as_map(held, "lifecycle").get(place)
    if place.endswith("Probe"):
        return held.get(place)
    variable = name or place
    return next((each for each in as_maps(held.get("env")) if each.get("name") == variable), None)
