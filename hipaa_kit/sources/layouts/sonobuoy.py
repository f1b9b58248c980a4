"""Sonobuoy results: bare arrays per kind and namespace, and a record of every query.

The record is what makes an absence worth something: a query that is listed without an error, and left no
file, was answered with nothing. Old releases name no kind at all; the file's name does.
Source: https://sonobuoy.io/docs/main/snapshot/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Tree
from hipaa_kit.sources.intake import Intake
from hipaa_kit.sources.layouts.common import (
    below,
    cover,
    cover_nowhere_else,
    hint_of,
    join,
    json_of,
    kind_of,
    only_kind,
    refused_or_failed,
    shallowest,
    stem,
)
from hipaa_kit.vocabulary import ABSENT, ANSWERED, PARTIAL, UNKNOWN

_FILE: Final = re.compile(r"(?P<group>[a-z0-9.-]+)_(?P<version>v\d\w*)_(?P<resource>[a-z0-9-]+)")


class Sonobuoy:
    """Reads `resources/`; logs and the results of plug-ins stay closed."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder that holds `resources/` and `meta/`."""
        for mark in ("resources/cluster/", "resources/ns/"):
            root = shallowest(tree, mark)
            beside = ("meta/config.json", "meta/query-time.json", "serverversion.json")
            if root is not None and any(join(root, path) in tree.entries for path in beside):
                return root
        return None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every array, then judge each by the record of queries."""
        version = json_of(tree, join(root, "serverversion.json"))
        intake.server_version = str(version.get("gitVersion") or "") if isinstance(version, dict) else ""
        files: dict[tuple[Kind, str], bool] = {}
        for parts, entry in below(tree, join(root, "resources")):
            namespace = parts[1] if parts[0] == "ns" and len(parts) == 3 else ""
            if not (namespace or (parts[0] == "cluster" and len(parts) == 2)):
                continue
            kind = _kind(stem(parts[-1]), intake)
            seen = intake.read(entry, hint_of(kind, namespace))
            if kind is not None:
                files[kind, namespace] = seen.whole
        asked = {(kind, namespace): words for kind, namespace, words in _queries(tree, root, intake)}
        labels = _selector(json_of(tree, join(root, "meta/config.json")))
        for kind, namespace in sorted({*files, *asked}):
            words = asked.get((kind, namespace))
            status, error = _judge(words, files.get((kind, namespace)), labels)
            cover(intake, kind, namespace, status, tree.place, error)
        _nowhere_else(intake, {kind for kind, _ in asked if kind.namespaced}, tree)


def _kind(name: str, intake: Intake) -> Kind | None:
    """Return the kind that a file is named by: `apps_v1_deployments`, or in old archives `Deployments`."""
    if found := _FILE.fullmatch(name):
        return kind_of(intake, "" if found["group"] == "core" else found["group"], found["resource"])
    return only_kind(name.lower()) or kind_of(intake, "", name.lower())


def _queries(tree: Tree, root: str, intake: Intake) -> Iterator[tuple[Kind, str, str]]:
    """Yield (kind, namespace, error) of every query that was made."""
    content = json_of(tree, join(root, "meta/query-time.json"))
    for query in content if isinstance(content, list) else ():
        if not isinstance(query, dict) or not isinstance(query.get("queryobj"), str):
            continue
        kind = only_kind(query["queryobj"].lower()) or kind_of(intake, "", query["queryobj"].lower())
        if kind is not None:
            namespace = query.get("namespace")
            yield kind, namespace if isinstance(namespace, str) else "", _words(query.get("error"))


def _words(error: Any) -> str:
    if not error:
        return ""
    status = error.get("ErrStatus") if isinstance(error, dict) else None
    message = status.get("message") if isinstance(status, dict) else None
    return str(message or error)[:500]


def _selector(config: Any) -> bool:
    """Tell whether objects were chosen by label."""
    filters = config.get("Filters") if isinstance(config, dict) else None
    return bool(isinstance(filters, dict) and filters.get("LabelSelector"))


def _judge(words: str | None, whole: bool | None, labels: bool) -> tuple[str, str]:
    if words is None:
        return UNKNOWN, "no record says that the query was answered"
    if words:
        absent = "could not find the requested resource" in words
        return ABSENT if absent and whole is None else refused_or_failed(words), words
    if whole is False:
        return PARTIAL, "parts of the file could not be read"
    if labels:
        return PARTIAL, "only objects with certain labels were asked for"
    return ANSWERED, ""


def _nowhere_else(intake: Intake, asked: set[Kind], tree: Tree) -> None:
    """Say that there are no further namespaces, where each that the cluster has was asked."""
    named = {name for _, kind, _, name in intake.builder.identities() if kind == "Namespace"}
    for kind in sorted(asked):
        rows = intake.namespaces_covered((kind.group, kind.kind))
        if named and named <= rows and intake.covered(("", "Namespace")) == ANSWERED:
            cover_nowhere_else(intake, kind, len(named), tree.place)
