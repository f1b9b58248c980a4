"""From files to objects: what every reader of a layout has in common.

A reader knows where its layout keeps what, and what an absence there is worth. Everything else is done
here: opening lists, giving items the kind that only their list or their place tells, following watches,
leaving audit logs to their own reader, and remembering what tells which cluster this is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.printable import printable
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents import (
    Document,
    ListEnd,
    Logs,
    Page,
    Unreadable,
    is_object,
    json_item,
    read_pieces,
)
from hipaa_kit.sources.documents.model import step
from hipaa_kit.sources.documents.yaml_documents import opened
from hipaa_kit.sources.files import LINK, Entry, Tree
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits
from hipaa_kit.sources.recognition import AUDIT_GROUP, what_is
from hipaa_kit.vocabulary import CLUSTER, COVERAGE_STATUSES

OURS: Final = "hipaa-kit/"
"""API group of the kit's own files, which lie beside a dump and are no part of it."""

WATCHED: Final = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
MAX_NESTED: Final = 20
"""Lists in lists, and maps of objects in maps."""
LONGEST_WORDS: Final = 500
"""Characters of what is told of something that could not be read."""

_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
_API_VERSION: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,149}/)?[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
LONGEST_PLACE: Final = 253


@dataclass(frozen=True)
class Hint:
    """What the place of a file says of the objects in it, where they do not say it themselves."""

    kind: str = ""
    api_version: str = ""
    namespace: str = ""


NO_HINT: Final = Hint()


@dataclass
class ListSeen:
    """One list that was read: of which kind, how many items, and what it says of its completeness."""

    key: tuple[str, str]
    size: int
    version: str
    cut_short: bool
    source: str


@dataclass
class FileSeen:
    """What one file held."""

    objects: int = 0
    kinds: set[tuple[str, str]] = field(default_factory=set)
    lists: list[ListSeen] = field(default_factory=list)
    arrays: int = 0
    logs: bool = False
    whole: bool = True


@dataclass
class Intake:
    """Takes objects out of the files of one tree into a snapshot that is being built.

    Parameters
    ----------
    builder
        Takes the objects.
    namespace
        Namespace of objects that name none and live in one.
    limits
        What is too much.

    Notes
    -----
    Readers write what they learn of the cluster into `cluster_name`, `server_version`, `collected_at` and
    `collected_basis`, and may set `repair`, which every object passes first.
    """

    builder: SnapshotBuilder
    namespace: str = "default"
    limits: Limits = DEFAULT_LIMITS
    repair: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    cluster_name: str = ""
    server_version: str = ""
    collected_at: str = ""
    collected_basis: str = ""
    objects: int = 0
    files: int = 0
    from_a_server: bool = False
    recorded: bool = False
    streamed: bool = False
    system_uids: set[str] = field(default_factory=set)
    newest: str = ""
    broken: list[tuple[str, str, str]] = field(default_factory=list)
    _received: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: dict[tuple[str, str, str], tuple[str, str, str]] = field(default_factory=dict)

    def read(self, entry: Entry, hint: Hint = NO_HINT, *, telling: bool = True) -> FileSeen:
        """Take everything from one file.

        Parameters
        ----------
        entry
            The file.
        hint
            What its place says of the objects in it.
        telling
            What cannot be read in it is told even where no object stands beside it.

        Returns
        -------
        FileSeen
            What it held.
        """
        self.files += 1
        seen = FileSeen()
        broken: list[tuple[str, str, str]] = []
        try:
            for piece in read_pieces(entry.open, self.limits, by_page=self.repair is None):
                self._piece(piece, entry.name, hint, seen, broken)
        except (OSError, EOFError, InputError) as error:
            what = error.what if isinstance(error, InputError) else str(error)
            broken.append((entry.name, "", f"cannot be read: {what}"))
        if broken and (telling or seen.objects):
            seen.whole = False
            for row in broken:
                self.fail(*row)
        return seen

    def received(self, key: tuple[str, str], namespace: str = "") -> int:
        """Return how many objects of a kind were read, every copy counted; `""` is every namespace."""
        if namespace:
            return self._received[*key, namespace]
        return sum(size for (group, kind, _), size in self._received.items() if (group, kind) == key)

    def cover(self, key: tuple[str, str], namespace: str, status: str, source: str, error: str = "") -> None:
        """Say what an absence of a kind is worth in one namespace, or with `""` in all others.

        Of two statements about one tree the better one counts: a whole list beside single objects is whole.
        """
        held = self._rows.get((*key, namespace))
        if held is None or COVERAGE_STATUSES.index(status) <= COVERAGE_STATUSES.index(held[0]):
            self._rows[*key, namespace] = (status, source, error)

    def covered(self, key: tuple[str, str], namespace: str = "") -> str:
        """Return the status that was said of a kind in one namespace, `""` where none was."""
        return self._rows.get((*key, namespace), ("", "", ""))[0]

    def namespaces_covered(self, key: tuple[str, str]) -> set[str]:
        """Return the namespaces of which something was said for a kind."""
        return {namespace for group, kind, namespace in self._rows if (group, kind) == key} - {CLUSTER}

    def settle(self) -> None:
        """Hand over what was said, each object counted in one row."""
        for (group, kind, namespace), (status, source, error) in self._rows.items():
            count = self.received((group, kind), namespace)
            if not namespace:
                count -= sum(self.received((group, kind), each) for each in self.namespaces_covered((group, kind)))
            self.builder.cover_also(
                group=group,
                kind=kind,
                namespace=namespace,
                status=status,
                count=count,
                source=source,
                started_at=self.collected_at,
                error=error,
            )

    def kinds(self) -> set[tuple[str, str]]:
        """Return (API group, kind) of all objects read."""
        return {(group, kind) for group, kind, _ in self._received}

    def skip(self, tree: Tree, name: str, what: str) -> None:
        """Record what was not opened: a link is told, anything else may hold objects that are missing now."""
        if what == LINK:
            self.builder.set_aside(f"{tree.prefix}{name}", "link, not followed")
        else:
            self.fail(f"{tree.prefix}{name}", "", what)

    def fail(self, source: str, position: str, error: str) -> None:
        """Record what could not be read, in one line."""
        source, position = printable(source), printable(position)
        error = printable(" ".join(error.split()))[:LONGEST_WORDS]
        self.broken.append((source, position, error))
        self.builder.fail(source, position, error)

    def _piece(self, piece: Any, name: str, hint: Hint, seen: FileSeen, broken: list[tuple[str, str, str]]) -> None:
        if isinstance(piece, Unreadable):
            broken.append((name, piece.position, piece.error))
        elif isinstance(piece, ListEnd):
            self._list(piece, name, hint, seen)
        elif isinstance(piece, Logs):
            seen.logs = True
        elif isinstance(piece, Page):
            self._page(piece, name, hint, seen, broken)
        else:
            source = f"{name}#{piece.origin}" if piece.origin else name
            self._document(piece, source, hint, seen, broken, 0)

    def _page(self, page: Page, name: str, hint: Hint, seen: FileSeen, broken: list[tuple[str, str, str]]) -> None:
        """Take the items of a page, one by one those that are not read by the page."""
        listed = _named({}, page.head, hint)
        kind = (str(listed.get("apiVersion", "")), str(listed.get("kind", "")))
        taken = self.builder.add_page(page.text, name, page.first, hint.namespace or self.namespace, kind=kind)
        for number, each in enumerate(taken, page.first):
            if isinstance(each, bytes):
                for piece in json_item(each, f"/items/{number}", page.head, self.limits):
                    self._piece(piece, name, hint, seen, broken)
            else:
                self._account(("", "Pod"), each.namespace or hint.namespace or self.namespace, each.uid, each.created)
                seen.kinds.add(("", "Pod"))
                seen.objects += 1

    def _list(self, end: ListEnd, name: str, hint: Hint, seen: FileSeen) -> None:
        """Take note of a list: an array that stands alone says nothing of itself."""
        if not end.head:
            seen.arrays += 1
            return
        version, kind = end.head.get("apiVersion"), end.head.get("kind")
        kind = kind.removesuffix("List") if isinstance(kind, str) else ""
        if not kind and hint.kind:
            kind, version = hint.kind, hint.api_version
        if not kind or not isinstance(version, str):
            return
        metadata = end.head.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        key = kinds.canonical_group(kinds.group_of(version), kind)
        revision = str(metadata.get("resourceVersion") or "")
        self.from_a_server |= bool(revision)
        seen.lists.append(ListSeen(key, end.size, revision, bool(metadata.get("continue")), name))

    def _document(
        self, document: Document, source: str, hint: Hint, seen: FileSeen, broken: list[Any], depth: int
    ) -> None:
        """Take one document: an object, a list or map of objects, or nothing that belongs to a cluster."""
        content, position, _, head = document
        if not isinstance(content, dict):
            if isinstance(content, list) and not head:
                self._within(document, source, hint, seen, broken, depth)
            elif head and content is not None:
                broken.append((source, position, "is no object: apiVersion and kind are missing"))
            return
        if (event := content.get("type")) in WATCHED and isinstance(content.get("object"), dict):
            self._watched(event, document, source, hint, seen, broken)
            return
        content = _named(content, head, hint)
        if self.repair is not None:
            content = self.repair(content)
        if not is_object(content):
            self._other(document._replace(content=content), source, hint, seen, broken, depth)
        elif content["apiVersion"].startswith(OURS):
            return
        elif kinds.group_of(content["apiVersion"]) == AUDIT_GROUP:
            self.builder.set_aside(source, what_is(content) or "audit log")
        elif content["kind"].endswith("List") and isinstance(content.get("items", ()), list | None):
            self._within(document._replace(content=content), source, hint, seen, broken, depth)
        elif content["kind"].endswith("List") and "items" not in content and _is_nameless(content):
            broken.append((source, position, "is a list without items"))
        elif content["kind"] == "Config" and (what := what_is(content)):
            self.builder.set_aside(source, what)
        elif why := _why_none(content):
            broken.append((source, position, f"is no object: {why}"))
        else:
            seen.kinds.add(self.take(content, source, position, hint.namespace))
            seen.objects += 1

    def _within(
        self, document: Document, source: str, hint: Hint, seen: FileSeen, broken: list[Any], depth: int
    ) -> None:
        """Take the items of a list that stands in another one."""
        if depth > MAX_NESTED:
            broken.append((source, document.position, "lists are nested too deeply"))
            return
        for piece in opened(document):
            if isinstance(piece, ListEnd):
                self._list(piece, source, NO_HINT, seen)
            elif piece is not document:
                self._document(piece, source, hint, seen, broken, depth + 1)

    def _other(
        self, document: Document, source: str, hint: Hint, seen: FileSeen, broken: list[Any], depth: int
    ) -> None:
        """Take what is no object: objects by name, a record of another kind, or nothing at all."""
        content, position, _, head = document
        if "api_version" in content:
            error = "was written by to_dict() of the Python client, which renames fields: write it with kubectl -o json"
            broken.append((source, position, error))
        elif what := what_is(content):
            self.builder.set_aside(source, what)
        elif depth <= MAX_NESTED and any(is_object(value) for value in content.values()):
            for number, (name, value) in enumerate(content.items()):
                if is_object(value):
                    at = f"{position}/{step(name, number)}"
                    self._document(Document(value, at), source, hint, seen, broken, depth + 1)
        elif head:
            broken.append((source, position, "is no object: apiVersion and kind are missing"))

    def _watched(
        self, event: str, document: Document, source: str, hint: Hint, seen: FileSeen, broken: list[Any]
    ) -> None:
        """Follow one event of a watch.

        Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
        """
        obj = _named(document.content["object"], None, hint)
        why = _why_none(obj) if is_object(obj) else "apiVersion and kind are missing"
        if event == "ERROR":
            broken.append((source, document.position, "the watch ended with an error: later changes are missing"))
        elif event == "BOOKMARK":
            return
        elif why:
            broken.append((source, document.position, f"is no object: {why}"))
        elif event == "DELETED":
            self.builder.remove(obj, hint.namespace or self.namespace)
        else:
            seen.kinds.add(self.take(obj, source, document.position, hint.namespace, later=event == "MODIFIED"))
            seen.objects += 1

    def take(
        self, obj: Mapping[str, Any], source: str, position: str, namespace: str = "", *, later: bool = False
    ) -> tuple[str, str]:
        """Take one object and what it tells of the cluster; return its (API group, kind)."""
        placed = namespace or self.namespace
        metadata = obj.get("metadata")
        about = metadata if isinstance(metadata, Mapping) else {}
        if obj["kind"] == "Namespace" and about.get("name") == "kube-system" and about.get("uid"):
            self.system_uids.add(str(about["uid"]))
        key = kinds.canonical_group(kinds.group_of(str(obj["apiVersion"])), str(obj["kind"]))
        self._account(key, str(about.get("namespace") or placed), about.get("uid"), about.get("creationTimestamp"))
        if obj["kind"] == "CustomResourceDefinition" and (defined := custom_kind(obj)):
            self.builder.learn(defined)
        self.builder.add(obj, source, position, placed, later=later)
        return key

    def _account(self, key: tuple[str, str], namespace: str, uid: Any, created: Any) -> None:
        """Count an object that is taken; one with a uid comes from a server, and tells how old the dump may be."""
        self.objects += 1
        self._received[*key, namespace] += 1
        if uid:
            self.from_a_server = True
            if isinstance(created, str) and created > self.newest and moment(created):
                self.newest = created


def _named(content: dict[str, Any], head: Mapping[str, Any] | None, hint: Hint) -> dict[str, Any]:
    """Return an item with the kind and version that its list, or else its place, tells of it."""
    if content.get("kind") and content.get("apiVersion"):
        return content
    kind, version = hint.kind, hint.api_version
    if head and isinstance(head.get("kind"), str) and head["kind"] not in ("List", ""):
        kind, version = head["kind"].removesuffix("List"), str(head.get("apiVersion") or "")
    if not kind or not version:
        return content
    named = {name: content[name] for name in ("apiVersion", "kind") if content.get(name)}
    return {**content, "apiVersion": version, "kind": kind, **named}


def _why_none(content: Mapping[str, Any]) -> str:
    """Return why something with apiVersion and kind is no object that a cluster can hold, `""` where it may be one.

    What these three name becomes part of names of objects and of files.
    """
    if not _KIND.fullmatch(content["kind"]):
        return "its kind is no name"
    if not _API_VERSION.fullmatch(content["apiVersion"]):
        return "its apiVersion is no name"
    metadata = content.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    if namespace is None or namespace == "":
        return ""
    if not isinstance(namespace, str) or "/" in namespace:
        return "its namespace is no name"
    return "" if namespace.isprintable() and len(namespace) <= LONGEST_PLACE else "its namespace is no name"


def _is_nameless(content: Mapping[str, Any]) -> bool:
    metadata = content.get("metadata")
    return not isinstance(metadata, Mapping) or not (metadata.get("name") or metadata.get("generateName"))


def moment(told: str) -> str:
    """Return a moment that an input tells, RFC 3339 in UTC, or `""` where it tells none."""
    if not _MOMENT.fullmatch(told):
        return ""
    try:
        parsed = datetime.fromisoformat(told).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return told if told.endswith("Z") else parsed.strftime("%Y-%m-%dT%H:%M:%SZ")


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
    if not _KIND.fullmatch(kind) or not _API_VERSION.fullmatch(f"{group}/v1"):
        return None
    return Kind(group, kind, plural, spec.get("scope") == "Namespaced")
