"""Importing: whatever somebody wrote of a cluster becomes a snapshot.

Objects are recognised by what they are, not by the names of files. Which layout it is decides what
an absence is worth: a kubectl dump that kept a record of every list proves absences, one without
does not, and manifests never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents import Document, decode, is_object, read_documents
from hipaa_kit.sources.files import SourceFile, read_files
from hipaa_kit.sources.kubectl import Collection, read_collection
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.vocabulary import ABSENT, PARTIAL, UNKNOWN

OURS = "hipaa-kit/"
"""API group of the kit's own files, which lie beside a dump and are no part of it."""

TELLING_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl")


@dataclass
class _Found:
    """Everything read from an input, before it is known what it is."""

    objects: list[tuple[Mapping[str, Any], str, str]] = field(default_factory=list)
    lists: dict[tuple[str, str], str] = field(default_factory=dict)
    cut_short: set[tuple[str, str]] = field(default_factory=set)
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)
    side_files: dict[str, str] = field(default_factory=dict)
    files: int = 0


def import_dump(
    paths: str | Path | Sequence[str | Path],
    *,
    namespace: str = "default",
    cluster_name: str = "",
    pseudonymizer: Pseudonymizer | None = None,
) -> Snapshot:
    """Make a snapshot of a kubectl dump or of manifests.

    Parameters
    ----------
    paths
        A file, a folder, a tar archive, `-` for standard input; or several of these.
    namespace
        Namespace of objects that name none and live in one, as `helm --namespace` would give.
    cluster_name
        Name of the cluster, where the input does not tell.
    pseudonymizer
        Makes the pseudonyms of removed values; the installation's by default.

    Returns
    -------
    Snapshot
        Redacted; its coverage says which absences are proved.

    Raises
    ------
    InputError
        Nothing in the input is a Kubernetes object.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found = _Found()
    for path in given:
        for file in read_files(path):
            _read(file, found)
    collection = read_collection(found.side_files, found.lists)
    if not found.objects and not found.lists and not collection.lists:
        raise _nothing(given, found)
    builder = SnapshotBuilder(_layout(found, collection), pseudonymizer or Pseudonymizer.of_installation())
    _learn(builder, found, collection)
    for obj, source, position in found.objects:
        builder.add(obj, source, position, namespace)
    for source, position, error in found.unreadable:
        builder.fail(source, position, error)
    _cover(builder, found, collection)
    _identify(builder, found, collection, cluster_name or _base_name(given[0]))
    return builder.build()


def _read(file: SourceFile, found: _Found) -> None:
    """Take the documents of one file."""
    found.files += 1
    telling = file.name.endswith(TELLING_SUFFIXES)
    try:
        text = decode(file.raw, file.name)
    except InputError as error:
        if telling:
            found.unreadable.append((file.name, "", error.what))
        return
    if Collection.is_side_file(file.name):
        found.side_files[file.name] = text
        return
    for document in read_documents(text):
        if isinstance(document, Document):
            source = f"{file.name}#{document.origin}" if document.origin else file.name
            _take(document.content, source, document.position, found)
        elif telling:
            found.unreadable.append((file.name, document.position, document.error))


def _take(content: Any, source: str, position: str, found: _Found) -> None:
    """Take one document: an object, a list of objects, or nothing that belongs to a cluster."""
    if isinstance(content, list):
        for number, item in enumerate(content):
            _take(item, source, f"{position}/{number}", found)
        return
    if not is_object(content) or content["apiVersion"].startswith(OURS):
        return
    items = content.get("items")
    if content["kind"].endswith("List") and "items" in content and (items is None or isinstance(items, list)):
        _take_list(content, items or [], source, position, found)
    else:
        found.objects.append((content, source, position))


def _take_list(content: Mapping[str, Any], items: list[Any], source: str, position: str, found: _Found) -> None:
    kind, version = content["kind"].removesuffix("List"), content["apiVersion"]
    if kind:
        key = kinds.canonical_group(kinds.group_of(version), kind)
        found.lists[key] = source
        metadata = content.get("metadata")
        if isinstance(metadata, Mapping) and metadata.get("continue"):
            found.cut_short.add(key)
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            continue
        whole = item if is_object(item) or not kind else {"apiVersion": version, "kind": kind, **item}
        _take(whole, source, f"{position}/items/{number}", found)


def _layout(found: _Found, collection: Collection) -> str:
    """Return `kubectl` for objects that a server has answered, `manifests` for those somebody wrote."""
    if collection.lists:
        return "kubectl"
    for obj, _, _ in found.objects:
        metadata = obj.get("metadata")
        if isinstance(metadata, Mapping) and metadata.get("uid"):
            return "kubectl"
    return "manifests"


def _learn(builder: SnapshotBuilder, found: _Found, collection: Collection) -> None:
    """Take note of custom kinds that the input itself defines or that its record names."""
    for kind in collection.kinds:
        builder.learn(kind)
    for obj, _, _ in found.objects:
        if obj["kind"] == "CustomResourceDefinition" and (defined := custom_kind(obj)):
            builder.learn(defined)


def custom_kind(definition: Mapping[str, Any]) -> Kind | None:
    """Return the kind that a CustomResourceDefinition defines; None where it is malformed."""
    spec = definition.get("spec")
    names = spec.get("names") if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(names, Mapping):
        return None
    texts = (spec.get("group"), names.get("kind"), names.get("plural"))
    if not all(isinstance(text, str) and text for text in texts):
        return None
    group, kind, plural = (str(text) for text in texts)
    return Kind(group, kind, plural, spec.get("scope") == "Namespaced")


def _cover(builder: SnapshotBuilder, found: _Found, collection: Collection) -> None:
    """Say of every kind what its absence is worth."""
    whole_input = not found.unreadable
    for answer in collection.lists:
        key = kinds.canonical_group(answer.group, answer.kind)
        received = builder.received(*key)
        status, error = answer.judge(received, listed=key in found.lists, cut_short=key in found.cut_short)
        if status == "answered" and not whole_input:
            status, error = PARTIAL, "parts of the input could not be read"
        builder.cover(
            group=key[0],
            kind=key[1],
            namespace=answer.namespace,
            status=status,
            count=received,
            source=found.lists.get(key, answer.source),
            started_at=collection.collected_at,
            error=error,
        )
    recorded = {kinds.canonical_group(answer.group, answer.kind) for answer in collection.lists}
    if collection.complete:
        _not_served(builder, recorded | set(found.lists))
    for key in sorted(found.cut_short - recorded):
        builder.cover(
            group=key[0],
            kind=key[1],
            status=PARTIAL,
            count=builder.received(*key),
            source=found.lists[key],
            error="the list says that it goes on",
        )
    for key in sorted(set(found.lists) - recorded - found.cut_short):
        builder.cover(
            group=key[0],
            kind=key[1],
            status=UNKNOWN,
            count=builder.received(*key),
            source=found.lists[key],
            error="no record says that the list was answered in full",
        )


def _not_served(builder: SnapshotBuilder, known: set[tuple[str, str]]) -> None:
    """Say of built-in kinds that a complete record does not name that they are not served.

    Kinds that hold values and messages are served everywhere and left out on purpose.
    """
    for kind in kinds.BUILT_IN:
        if (kind.group, kind.kind) not in known and kind not in (kinds.SECRET, kinds.CONFIG_MAP, kinds.EVENT):
            builder.cover(group=kind.group, kind=kind.kind, status=ABSENT, count=0, source="record of the dump")


def _identify(builder: SnapshotBuilder, found: _Found, collection: Collection, name: str) -> None:
    uid = next((str(meta["uid"]) for kind, meta in _identities(found) if kind == "Namespace" and _is_system(meta)), "")
    known = collection.cluster_name or name
    basis = "uid of namespace kube-system" if uid else "record of the dump" if collection.cluster_name else "name given"
    builder.identify(known, uid, basis, collection.server_version)
    builder.collected_at, builder.collected_basis = collection.collected_at, "recorded"
    if not collection.collected_at:
        newest = max((str(meta["creationTimestamp"]) for _, meta in _identities(found) if _created(meta)), default="")
        builder.collected_at, builder.collected_basis = newest, "not before the newest object" if newest else ""


def _identities(found: _Found) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for obj, _, _ in found.objects:
        metadata = obj.get("metadata")
        if isinstance(metadata, Mapping):
            yield obj["kind"], metadata


def _is_system(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("name") == "kube-system" and isinstance(metadata.get("uid"), str)


def _created(metadata: Mapping[str, Any]) -> bool:
    return isinstance(metadata.get("creationTimestamp"), str) and isinstance(metadata.get("uid"), str)


def _base_name(path: str | Path) -> str:
    name = Path(path).resolve().name if str(path) != "-" else "stdin"
    return name.partition(".")[0] or "cluster"


def _nothing(paths: Sequence[str | Path], found: _Found) -> InputError:
    where = ", ".join(str(path) for path in paths)
    if found.unreadable:
        source, position, error = found.unreadable[0]
        return InputError(f"nothing in it could be read; first: {error}", f"{where}: {source}{position}")
    return InputError(
        f"holds no Kubernetes object ({found.files} files looked at)",
        where,
        "give a snapshot, a kubectl dump (-o json or -o yaml) or manifests",
    )
