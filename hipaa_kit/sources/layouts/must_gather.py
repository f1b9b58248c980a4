"""`oc adm must-gather` and `oc adm inspect`, and the Insights archive of the same platform.

Only what the operators of the platform relate to is gathered: namespaces of applications are not, and of
RBAC there is about a dozen. Every pod lies there twice. What the tool hides of Secrets is not to be relied on.
Source: https://github.com/openshift/must-gather, https://github.com/openshift/oc (pkg/cli/admin/inspect)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import Hint, Intake
from hipaa_kit.sources.layouts.common import (
    below,
    cover,
    cover_list,
    hint_of,
    join,
    kind_of,
    only_kind,
    shallowest,
    stem,
    text_of,
)
from hipaa_kit.vocabulary import ANSWERED, NOT_ASKED, PARTIAL, UNKNOWN

RELATED: Final = "only objects that operators of the platform relate to are gathered"
_AMOUNT: Final = re.compile(r"network ?policies amount:\s*(\d+)", re.IGNORECASE)
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d{4})")
DEFINITIONS: Final = "apiextensions.k8s.io"

CLUSTER_FOLDERS: Final = {
    "config/crd": kinds.CUSTOM_RESOURCE_DEFINITION,
    "config/mutatingwebhookconfigurations": only_kind("mutatingwebhookconfigurations"),
    "config/node": kinds.NODE,
    "config/persistentvolumes": kinds.PERSISTENT_VOLUME,
    "config/storage/storageclasses": kinds.STORAGE_CLASS,
    "config/validatingwebhookconfigurations": only_kind("validatingwebhookconfigurations"),
}
"""Folders of an Insights archive with one object of the cluster in each file."""


class MustGather:
    """Reads every image's folder in an archive."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder that holds the images' folders, or the tree of one inspection."""
        root = shallowest(tree, "cluster-scoped-resources/")
        if root is not None:
            return root
        for path in tree.entries:
            parts = PurePosixPath(path).parts
            if "namespaces" in parts[:-3] and parts[parts.index("namespaces") + 2] == "core":
                return "/".join(parts[: parts.index("namespaces")])
        return None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read definitions first, then everything else; of a pod that lies there twice, the list."""
        for image in _images(tree, root):
            intake.collected_at, intake.collected_basis = _moment(tree, image)
            files = [(parts, entry) for parts, entry in below(tree, image) if parts[-1].endswith((".yaml", ".json"))]
            files.sort(key=lambda each: DEFINITIONS not in each[0])
            listed = {parts[1] for parts, _ in files if parts[0] == "namespaces" and parts[2:] == ("core", "pods.yaml")}
            singles: set[tuple[Kind, str]] = set()
            for parts, entry in files:
                _file(parts, entry, intake, listed, singles)
            for kind, namespace in sorted(singles):
                cover(intake, kind, namespace, PARTIAL, tree.place, RELATED)
            _counted(tree, image, intake)
            audit = [parts for parts, _ in below(tree, image) if parts[0] == "audit_logs" and len(parts) > 2]
            if audit:
                intake.builder.set_aside(f"{tree.prefix}{join(image, 'audit_logs')}", "audit log", len(audit))
        cover(intake, kinds.NAMESPACE, "", PARTIAL, tree.place, RELATED)


def _images(tree: Tree, root: str) -> list[str]:
    """Return the folders of the images: they lie side by side."""
    marks = ("cluster-scoped-resources", "namespaces")
    parent = str(PurePosixPath(root).parent) if root else ""
    parent = "" if parent == "." else parent
    found = {root}
    for parts, _ in below(tree, parent):
        if len(parts) > 2 and parts[1] in marks:
            found.add(join(parent, parts[0]))
    return sorted(found)


def _file(
    parts: tuple[str, ...], entry: Entry, intake: Intake, listed: set[str], singles: set[tuple[Kind, str]]
) -> None:
    """Read one file by where it lies."""
    if parts[0] == "cluster-scoped-resources" and len(parts) in (3, 4):
        _resource(parts[1:], "", entry, intake, singles)
    elif parts[0] == "namespaces" and len(parts) == 3 and stem(parts[2]) == parts[1]:
        intake.read(entry, hint_of(kinds.NAMESPACE))
    elif parts[0] == "namespaces" and len(parts) == 5 and parts[2] == "pods":
        if parts[1] not in listed and stem(parts[4]) == parts[3]:
            intake.read(entry, hint_of(kinds.POD, parts[1]))
            singles.add((kinds.POD, parts[1]))
    elif parts[0] == "namespaces" and len(parts) in (4, 5):
        _resource(parts[2:], parts[1], entry, intake, singles)


def _resource(
    parts: tuple[str, ...], namespace: str, entry: Entry, intake: Intake, singles: set[tuple[Kind, str]]
) -> None:
    """Read `<group>/<plural>.yaml`, a list, or `<group>/<plural>/<name>.yaml`, one object.

    The list of a namespace is what the server answered; of the whole cluster it may be a choice.
    """
    group = "" if parts[0] == "core" else parts[0]
    kind = kind_of(intake, group, stem(parts[1]))
    seen = intake.read(entry, hint_of(kind, namespace) if kind else Hint(namespace=namespace))
    if kind is None and seen.lists:
        kind = Kind(*seen.lists[0].key, stem(parts[1]), bool(namespace))
    if kind is None:
        return
    if len(parts) == 3 or not seen.lists:
        singles.add((kind, namespace))
    else:
        cover_list(intake, kind, namespace, entry, seen, ANSWERED if namespace else UNKNOWN)


def _counted(tree: Tree, image: str, intake: Intake) -> None:
    """Use the number of network policies that is written down although they are not gathered."""
    found = _AMOUNT.search(text_of(tree, join(image, "network_logs/cluster_scale")))
    key = (kinds.NETWORK_POLICY.group, kinds.NETWORK_POLICY.kind)
    if found:
        received = intake.received(key)
        words = f"the cluster has {found[1]}, of which {received} were gathered"
        cover(intake, kinds.NETWORK_POLICY, "", PARTIAL if received else NOT_ASKED, tree.place, words)


def _moment(tree: Tree, image: str) -> tuple[str, str]:
    """Return when gathering began, in UTC."""
    from datetime import UTC, datetime

    found = _MOMENT.search(text_of(tree, join(image, "timestamp")))
    if not found:
        return "", ""
    try:
        moment = datetime.strptime(" ".join(found.groups()), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return "", ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "recorded"


class Insights:
    """Reads the archive that the Insights operator uploads: one JSON file per object or digest.

    Nothing in it is a whole list, so that presence is all it proves. Most objects do not say their kind: their folder
    does, where it holds nothing else.
    Source: https://github.com/openshift/insights-operator/blob/master/docs/gathered-data.md
    """

    def find(self, tree: Tree) -> str | None:
        """Return the folder in which `config/` says version and infrastructure."""
        return shallowest(tree, "insights-operator/gathers.json", "config/infrastructure.json")

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every JSON file; most of them are digests and no objects."""
        for parts, entry in below(tree, root):
            if not parts[-1].endswith(".json"):
                continue
            intake.read(entry, _told_by_place(parts, intake))
        for group, kind_name in sorted(intake.kinds()):
            known = intake.builder.kind_of(group, kind_name) or Kind(group, kind_name, kind_name.lower(), False)
            cover(intake, known, "", PARTIAL, tree.place, "the archive holds a choice of objects")


def _told_by_place(parts: tuple[str, ...], intake: Intake) -> Hint:
    """Return what the place of a file in an Insights archive says of the object in it."""
    if parts[0] == "cluster-scoped-resources" and len(parts) == 4:
        return hint_of(kind_of(intake, "" if parts[1] == "core" else parts[1], parts[2]))
    if (parts[:2] == ("config", "pod") and len(parts) == 4) or (
        parts[:2] == ("conditional", "namespaces") and parts[3:-2] == ("pods",) and stem(parts[-1]) == parts[-2]
    ):
        return hint_of(kinds.POD, parts[2])
    if parts == ("config", "apiserver.json"):
        return hint_of(custom("config.openshift.io", "APIServer"))
    return hint_of(CLUSTER_FOLDERS.get("/".join(parts[:-1])))
