"""Rancher's support-bundle-kit (Rancher, Harvester, Longhorn): lists of YAML, with damaged texts.

Before it writes, the collector turns every empty text into the word `null`. Read literally, a rule for the
core group (`apiGroups: [""]`) would allow nothing: a false pass. What a schema says must be a text is
repaired; where nothing tells, the word is taken for an unknown value and dropped.
Source: https://github.com/rancher/support-bundle-kit (pkg/manager/client)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import Intake
from hipaa_kit.sources.layouts.common import (
    below,
    cover,
    cover_list,
    hint_of,
    join,
    kind_of,
    only_kind,
    refused_or_failed,
    shallowest,
    stem,
    text_of,
)

NULL: Final = "null"
TEXTS: Final = frozenset(["apiGroup", "storageClassName", "namespace", "value", "group", "ingressClassName"])
"""Fields of which the API accepts an empty text."""
LISTS: Final = frozenset(["apiGroups", "apiVersions", "values"])
"""Lists of such texts."""
MAPS: Final = frozenset(["labels", "annotations", "matchLabels", "selector", "nodeSelector"])
"""Maps of names to such texts."""
ALTERED: Final = "the collector wrote empty texts as null: they were repaired where their schema tells"

LONGEST_LINE: Final = 4096

_FAILED: Final = re.compile(
    r"Failed to get (?P<url>\S+?)(?:/apis/(?P<group>[^/]+)|/api)/[^/\s]+"
    r"(?:/namespaces/(?P<namespace>[^/\s]+))?/(?P<resource>[a-z0-9.-]+)[^\s:]*:\s*(?P<words>[^\n]+)"
)


class Rancher:
    """Reads `yamls/`; logs and the archives of nodes stay closed."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder that holds `yamls/`."""
        return shallowest(tree, "yamls/cluster/", "yamls/namespaced/")

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every list, then what the collector could not get."""
        intake.repair = repaired
        for parts, entry in below(tree, join(root, "yamls")):
            if not parts[-1].endswith((".yaml", ".yml", ".json")) or len(parts) < 3:
                continue
            if parts[0] == "cluster":
                _list(parts[1:], "", entry, intake)
            elif parts[0] == "namespaced" and len(parts) > 3:
                _list(parts[2:], parts[1], entry, intake)
        for failure in _failures(text_of(tree, join(root, "bundleGenerationError.log"))):
            kind = kind_of(intake, failure["group"] or "", failure["resource"])
            if kind is not None:
                words = failure["words"].strip()
                cover(intake, kind, failure["namespace"] or "", refused_or_failed(words), tree.place, words)


def _failures(log: str) -> Iterator[re.Match[str]]:
    """Yield what the collector could not get, a line each; no address is as long as what is passed over."""
    for line in log.splitlines():
        if len(line) <= LONGEST_LINE and (found := _FAILED.search(line)):
            yield found


def _list(parts: tuple[str, ...], namespace: str, entry: Entry, intake: Intake) -> None:
    """Read `<group>/<version>/<plural>.yaml`, or in older bundles `<category>/<plural>.yaml`."""
    resource = stem(parts[-1])
    group = parts[0] if len(parts) == 3 else ""
    kind = kind_of(intake, group, resource) or (only_kind(resource) if len(parts) == 2 else None)
    seen = intake.read(entry, hint_of(kind, namespace))
    if len(seen.kinds) == 1:
        # File names have lied: `pods.yaml` has held measurements of pods.
        key = next(iter(seen.kinds))
        kind = intake.builder.kind_of(*key) or Kind(*key, resource, bool(namespace))
    if kind is not None:
        cover_list(intake, kind, namespace, entry, seen, words=ALTERED)


def repaired(value: Any, field: str = "") -> Any:
    """Return an object with the word `null` turned back into what it stood for.

    Parameters
    ----------
    value
        An object, or part of one.
    field
        Name of the field that holds it.
    """
    if isinstance(value, dict):
        return {
            name: "" if item == NULL and (name in TEXTS or field in MAPS) else repaired(item, name)
            for name, item in value.items()
            if item != NULL or name in TEXTS or field in MAPS
        }
    if isinstance(value, list):
        if field in LISTS:
            return ["" if item == NULL else repaired(item, field) for item in value]
        return [repaired(item, field) for item in value if item != NULL]
    return value
