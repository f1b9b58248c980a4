"""What the readers of archives share: paths below a root, kinds by their names in the API, coverage of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Protocol

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.documents import decode
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import FileSeen, Hint, Intake
from hipaa_kit.vocabulary import ANSWERED, FAILED, PARTIAL, REFUSED, UNKNOWN

REFUSAL: Final = re.compile(r"forbidden|unauthorized|cannot (?:list|get)", re.IGNORECASE)
"""How an API server says that something is not allowed, whoever asks."""


class Reader(Protocol):
    """Reads one layout."""

    def find(self, tree: Tree) -> str | None:
        """Return the path at which the layout starts in a tree, `""` for its top; None where it is another."""

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:
        """Take the objects of a tree, and say what every absence in it is worth.

        Parameters
        ----------
        tree, root
            Where to read; as `find` returned it.
        intake
            Takes objects and coverage.
        others
            All trees of the same input: archives that lie in the same folder.
        """


@dataclass(frozen=True)
class Layout:
    """One way in which clusters are written down."""

    name: str
    what: str
    marker: str
    reader: Reader


def below(tree: Tree, root: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Yield the files under a root, each with the parts of its path from there."""
    start = PurePosixPath(root).parts if root else ()
    for path, entry in tree.entries.items():
        parts = PurePosixPath(path).parts
        if parts[: len(start)] == start:
            yield parts[len(start) :], entry


def shallowest(tree: Tree, *marks: str) -> str | None:
    """Return the shortest path under which one of some relative paths or folders (with `/` at the end) lies."""
    found = []
    for path in tree.entries:
        for mark in marks:
            if path.startswith(mark) or path == mark:
                return ""
            at = path.find(f"/{mark}")
            if at > 0 and (mark.endswith("/") or path.endswith(f"/{mark}")):
                found.append(path[:at])
    return min(found, key=lambda root: (root.count("/"), root), default=None)


def join(root: str, path: str) -> str:
    """Return a path below a root."""
    return f"{root}/{path}" if root else path


def stem(name: str) -> str:
    """Return the name of a file without `.json`, `.yaml` or `.yml`."""
    for suffix in (".json", ".yaml", ".yml"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def json_of(tree: Tree, path: str) -> Any:
    """Return a small JSON file of a tree; None where there is none, or it cannot be read."""
    try:
        return json.loads(decode(tree.read(path), path) or "null")
    except (ValueError, RecursionError, InputError):
        return None


def text_of(tree: Tree, path: str) -> str:
    """Return a small text of a tree, `""` where there is none, or it cannot be read."""
    try:
        return tree.read(path).decode("utf-8", "replace").strip()
    except InputError:
        return ""


def kind_of(intake: Intake, group: str, resource: str) -> Kind | None:
    """Return a kind by its group and plural, built in or learned from its definition."""
    moved = {"extensions": ("apps", "networking.k8s.io", "policy"), "events.k8s.io": ("",)}
    for each in (group, *moved.get(group, ())):
        if found := kinds.find_resource(each, resource) or intake.builder.find_resource(each, resource):
            return found
    return None


def only_kind(resource: str) -> Kind | None:
    """Return the built-in kind with that plural, where one group alone has it."""
    found = [kind for kind in kinds.BUILT_IN if kind.resource == resource]
    return found[0] if len(found) == 1 else None


def hint_of(kind: Kind | None, namespace: str = "") -> Hint:
    """Return what a place says of objects that do not say their kind."""
    if kind is None:
        return Hint(namespace=namespace)
    return Hint(kind.kind, f"{kind.group}/v1" if kind.group else "v1", namespace)


def cover_list(
    intake: Intake,
    kind: Kind,
    namespace: str,
    entry: Entry,
    seen: FileSeen,
    complete: str = ANSWERED,
    words: str = "",
) -> None:
    """Say what the list in one file is worth.

    Parameters
    ----------
    complete, words
        Status of a list that was read to its end and does not say that it goes on, and what to add.
    """
    key = (kind.group, kind.kind)
    of_kind = [each for each in seen.lists if each.key == key]
    status, error = complete, words
    if not seen.whole:
        status, error = PARTIAL, "parts of the file could not be read"
    elif any(each.cut_short for each in of_kind):
        status, error = PARTIAL, "the list says that it goes on"
    elif not seen.lists and not seen.arrays:
        status, error = UNKNOWN, "the file is no list"
    cover(intake, kind, namespace, status, entry.name, error)


def cover(intake: Intake, kind: Kind, namespace: str, status: str, source: str, error: str = "") -> None:
    """Say what an absence of a kind is worth in one namespace, or with `""` everywhere else."""
    intake.cover((kind.group, kind.kind), namespace, status, source, error)


def cover_nowhere_else(intake: Intake, kind: Kind, namespaces: int, source: str) -> None:
    """Say that a kind has no objects outside the namespaces that have rows of their own.

    Only where the list of namespaces itself was answered, and each was asked.
    """
    cover(intake, kind, "", ANSWERED, source, f"one list for each of {namespaces} namespaces")


def refused_or_failed(words: str) -> str:
    """Return the status that the words of an error stand for."""
    return REFUSED if REFUSAL.search(words) else FAILED
