"""Importing: whatever somebody wrote of a cluster becomes a snapshot.

Objects are recognised by what they are, not by the names of files. Which layout it is decides what
an absence is worth: a kubectl dump that kept a record of every list proves absences, one without
does not, and manifests never do.
"""

from __future__ import annotations

from collections import Counter
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
    lists_read: Counter[tuple[str, str]] = field(default_factory=Counter)
    of_a_server: bool = False
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
        named = str(path) == "-" or Path(path).is_file()
        for file in read_files(path):
            _read(file, found, named=named and "!" not in file.name)
    collection = read_collection(found.side_files, found.lists)
    if not found.objects and not found.lists and not collection.lists:
        raise _nothing(given, found)
    builder = SnapshotBuilder(_layout(found, collection), pseudonymizer or Pseudonymizer.of_installation())
    _learn(builder, found, collection)
    for obj, source, position in found.objects:
        builder.add(obj, source, position, namespace)
    for source, position, error in found.unreadable:
        builder.fail(source, position, error)
    _cover(builder, found, collection, namespace)
    _identify(builder, found, collection, cluster_name, _base_name(given[0]))
    return builder.build()


def _read(file: SourceFile, found: _Found, *, named: bool) -> None:
    """Take the documents of one file.

    What cannot be read is told of where it should have been read: in a file that the user named, that
    is called YAML or JSON, or that holds an object besides.
    """
    found.files += 1
    telling = named or file.name.lower().endswith(TELLING_SUFFIXES)
    held = len(found.objects)
    try:
        text = decode(file.raw, file.name)
    except InputError as error:
        if telling:
            found.unreadable.append((file.name, "", error.what))
        return
    if Collection.is_side_file(file.name):
        found.side_files[file.name] = text
        return
    broken = []
    for document in read_documents(text):
        if isinstance(document, Document):
            source = f"{file.name}#{document.origin}" if document.origin else file.name
            _take(document.content, source, document.position, found)
        else:
            broken.append((file.name, document.position, document.error))
    if telling or len(found.objects) > held:
        found.unreadable += broken


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
        found.lists_read[key] += 1
        metadata = content.get("metadata")
        if isinstance(metadata, Mapping):
            found.of_a_server |= bool(metadata.get("resourceVersion"))
            if metadata.get("continue"):
                found.cut_short.add(key)
    for number, item in enumerate(items):
        if item is None:
            continue
        at = f"{position}/items/{number}"
        if isinstance(item, Mapping) and kind:
            named = {name: item[name] for name in ("apiVersion", "kind") if item.get(name)}
            item = {**item, "apiVersion": version, "kind": kind, **named}
        if is_object(item):
            _take(item, source, at, found)
        else:
            found.unreadable.append((source, at, "is no object: apiVersion and kind are missing"))


def _layout(found: _Found, collection: Collection) -> str:
    """Return `kubectl` for objects that a server has answered, `manifests` for those somebody wrote."""
    if collection.lists or found.of_a_server:
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


def _cover(builder: SnapshotBuilder, found: _Found, collection: Collection, namespace: str) -> None:
    """Say of every kind what its absence is worth."""
    whole_input = not found.unreadable
    in_namespace = _by_namespace(found, namespace)
    answered = Counter(kinds.canonical_group(one.group, one.kind) for one in collection.lists if not one.exit_code)
    for answer in collection.lists:
        key = kinds.canonical_group(answer.group, answer.kind)
        received = in_namespace[*key, answer.namespace] if answer.namespace else builder.received(*key)
        # An empty list does not say which namespace it is of: only as many as were answered account for all.
        listed = found.lists_read[key] >= answered[key] if answer.namespace else key in found.lists
        status, error = answer.judge(received, listed=listed, cut_short=key in found.cut_short)
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
    if collection.complete and whole_input:
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

    Kinds that hold values and messages are served everywhere and left out on purpose. An object that
    is there after all shows that its kind is served.
    """
    for kind in kinds.BUILT_IN:
        key = (kind.group, kind.kind)
        left_out = kind in (kinds.SECRET, kinds.CONFIG_MAP, kinds.EVENT)
        if key not in known and not left_out and not builder.received(*key):
            builder.cover(group=kind.group, kind=kind.kind, status=ABSENT, count=0, source="record of the dump")


def _by_namespace(found: _Found, namespace: str) -> Counter[tuple[str, str, str]]:
    """Return how many objects were read by (API group, kind, namespace), every copy counted."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for obj, _, _ in found.objects:
        metadata = obj.get("metadata")
        own = metadata.get("namespace") if isinstance(metadata, Mapping) else ""
        key = kinds.canonical_group(kinds.group_of(obj["apiVersion"]), obj["kind"])
        counts[*key, str(own or namespace)] += 1
    return counts


def _identify(builder: SnapshotBuilder, found: _Found, collection: Collection, name: str, fallback: str) -> None:
    uids = sorted({str(meta["uid"]) for kind, meta in _identities(found) if kind == "Namespace" and _is_system(meta)})
    if len(uids) > 1:
        what = f"holds objects of {len(uids)} clusters: namespace kube-system has the uids {', '.join(uids)}"
        raise InputError(what, fallback, "import one cluster at a time")
    uid = next(iter(uids), "")
    names = {"record of the dump": collection.cluster_name, "name given": name, "name of the input": fallback}
    basis, known = next((basis, known) for basis, known in names.items() if known)
    builder.identify(known, uid, "uid of namespace kube-system" if uid else basis, collection.server_version)
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
