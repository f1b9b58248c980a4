"""troubleshoot.sh support bundles: typed lists per kind and namespace, with the errors beside them.

A namespace may be left out without a word, as one that the collector may not read: where `namespaces.json` names one
and a kind has no file for it, nothing says what came back.
Source: https://troubleshoot.sh/docs/collect/cluster-resources/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import Intake
from hipaa_kit.sources.layouts.common import (
    below,
    cover,
    cover_list,
    cover_nowhere_else,
    hint_of,
    join,
    json_of,
    refused_or_failed,
    shallowest,
    stem,
)
from hipaa_kit.vocabulary import ABSENT, ANSWERED, PARTIAL, UNKNOWN


def _kinds(names: str) -> dict[str, Kind]:
    found = {}
    for pair in names.split():
        folder, _, resource = pair.partition(":")
        found[folder] = next(kind for kind in kinds.BUILT_IN if kind.resource == (resource or folder))
    return found


NAMESPACED: Final = _kinds(
    "pods pod-disruption-budgets:poddisruptionbudgets services deployments statefulsets daemonsets replicasets jobs "
    "cronjobs ingress:ingresses network-policy:networkpolicies resource-quota:resourcequotas "
    "resource-quotas:resourcequotas limitranges events pvcs:persistentvolumeclaims roles rolebindings endpoints "
    "endpointslices serviceaccounts leases configmaps"
)
"""Folders of `cluster-resources/` with a file per namespace."""

CLUSTER: Final = _kinds(
    "namespaces nodes pvs:persistentvolumes storage-classes:storageclasses ingress-classes:ingressclasses "
    "priorityclasses clusterroles clusterrolebindings clusterRoleBindings:clusterrolebindings volumeattachments "
    "certificatesigningrequests validating-webhook-configurations:validatingwebhookconfigurations "
    "mutating-webhook-configurations:mutatingwebhookconfigurations "
    "custom-resource-definitions:customresourcedefinitions"
)
"""Files of `cluster-resources/` that hold one list."""

NO_FILE: Final = "namespaces.json names the namespace and the bundle has no list for it; it does not say why"
_MOMENT: Final = re.compile(r"support-bundle-(\d{4}-\d\d-\d\d)T(\d\d)_(\d\d)_(\d\d)")


class Troubleshoot:
    """Reads `cluster-resources/`; logs, secrets and what other collectors ran stay closed."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder that holds `cluster-resources/`."""
        marks = ("namespaces.json", "nodes.json", "pods/", "resources.json", "custom-resource-definitions.json")
        return shallowest(tree, *(f"cluster-resources/{mark}" for mark in marks))

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every list, then say what is missing and why."""
        base = join(root, "cluster-resources")
        version = json_of(tree, join(root, "cluster-info/cluster_version.json"))
        if isinstance(version, dict):
            info = version.get("info")
            given = info.get("gitVersion") if isinstance(info, dict) else version.get("string")
            intake.server_version = str(given or "")
        if found := _MOMENT.search(f"{tree.place}/{root}"):
            intake.collected_at = f"{found[1]}T{found[2]}:{found[3]}:{found[4]}Z"
            intake.collected_basis = "name of the bundle"
        errors = {path.removesuffix("-errors.json"): words for path, words in _errors(tree, base)}
        for name, kind in CLUSTER.items():
            entry = tree.entries.get(join(base, f"{name}.json"))
            if entry is not None:
                cover_list(intake, kind, "", entry, intake.read(entry, hint_of(kind)))
            elif words := " ".join(errors.get(name, {}).values()):
                cover(intake, kind, "", refused_or_failed(words), tree.place, words)
        namespaces = _named(intake)
        for folder, kind in NAMESPACED.items():
            _folder(tree, join(base, folder), kind, namespaces, errors.get(folder, {}), intake)
        _custom(tree, join(base, "custom-resources"), intake)
        _not_served(tree, base, errors, intake)


def _errors(tree: Tree, base: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what was written where a list failed: by namespace, `""` for all."""
    for path in tree.entries:
        if path.startswith(f"{base}/") and path.endswith("-errors.json"):
            content = json_of(tree, path)
            name = path.removeprefix(f"{base}/")
            if isinstance(content, dict):
                yield name, {str(namespace): str(words) for namespace, words in content.items()}
            elif isinstance(content, list) and content:
                yield name, {"": "; ".join(str(words) for words in content)}


def _named(intake: Intake) -> list[str]:
    return sorted(name for _, kind, _, name in intake.builder.identities() if kind == "Namespace")


def _folder(tree: Tree, folder: str, kind: Kind, namespaces: list[str], errors: dict[str, str], intake: Intake) -> None:
    """Read one kind in every namespace."""
    files = {
        stem(PurePosixPath(path).name): entry
        for path, entry in tree.entries.items()
        if path.startswith(f"{folder}/") and path.endswith(".json") and path.count("/") == folder.count("/") + 1
    }
    for namespace, entry in files.items():
        cover_list(intake, kind, namespace, entry, intake.read(entry, hint_of(kind, namespace)))
    if not files and not errors:
        return
    for namespace, words in errors.items():
        if namespace not in files:
            cover(intake, kind, namespace, refused_or_failed(words), tree.place, words)
    for namespace in namespaces:
        if namespace not in files and namespace not in errors:
            cover(intake, kind, namespace, UNKNOWN, tree.place, NO_FILE)
    if set(namespaces) >= set(files) and "" not in errors and intake.covered(("", "Namespace")) == ANSWERED:
        cover_nowhere_else(intake, kind, len(namespaces), tree.place)


def _custom(tree: Tree, folder: str, intake: Intake) -> None:
    """Read custom resources: arrays without a list around them; a namespace with none leaves no file."""
    seen: dict[str, list[Entry]] = {}
    for parts, entry in below(tree, folder):
        if parts[-1].endswith(".json") or _beside(tree, folder, parts):
            seen.setdefault(stem(parts[0]), []).append(entry)
    for name, entries in sorted(seen.items()):
        resource, _, group = name.partition(".")
        kind = intake.builder.find_resource(group, resource)
        read = [intake.read(entry, hint_of(kind)) for entry in entries]
        whole = all(seen.whole for seen in read)
        if kind is not None:
            cover(intake, kind, "", UNKNOWN if whole else PARTIAL, entries[0].name)


def _beside(tree: Tree, folder: str, parts: tuple[str, ...]) -> bool:
    """Tell whether a YAML file is the only form of what it holds: newer bundles have JSON beside it."""
    path = join(folder, "/".join(parts))
    return path.endswith(".yaml") and f"{path.removesuffix('.yaml')}.json" not in tree.entries


def _not_served(tree: Tree, base: str, errors: dict[str, Any], intake: Intake) -> None:
    """Say of built-in kinds that discovery does not name that they are not served."""
    lists = json_of(tree, join(base, "resources.json"))
    if not isinstance(lists, list) or not lists or "groups-resources" in errors:
        return
    served = set()
    for each in lists:
        version, resources = (
            (each.get("groupVersion"), each.get("resources")) if isinstance(each, dict) else (None, None)
        )
        if isinstance(version, str) and isinstance(resources, list):
            served |= {
                kinds.canonical_group(kinds.group_of(version), str(one.get("kind")))
                for one in resources
                if isinstance(one, dict)
            }
    if ("", "Pod") not in served:
        return
    for kind in kinds.BUILT_IN:
        if (kind.group, kind.kind) not in served and not intake.received((kind.group, kind.kind)):
            cover(intake, kind, "", ABSENT, join(base, "resources.json"))
