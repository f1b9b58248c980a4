"""Velero backups: one object per file in a tarball, and beside it what was meant to be in it.

Every object lies there twice, and Secrets lie there in clear: the archive is read as a stream, one version
of each object, and values are dropped before anything else sees them.
Source: https://velero.io/docs/main/output-file-format/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import Intake
from hipaa_kit.sources.layouts.common import below, cover, hint_of, json_of, kind_of
from hipaa_kit.vocabulary import ANSWERED, NOT_ASKED, PARTIAL, UNKNOWN

PREFERRED: Final = "-preferredversion"
BACKUP: Final = "velero-backup.json"
LABELLED: Final = "objects labelled velero.io/exclude-from-backup are left out"


class Velero:
    """Reads the tarball of a backup, with the files beside it where they are given."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder of `metadata/version` in a tarball; of `velero-backup.json` in a bucket's folder."""
        for path in tree.find("version"):
            root = path.removesuffix("metadata/version").rstrip("/")
            if path.endswith("metadata/version") and any(parts[0] == "resources" for parts, _ in below(tree, root)):
                return root
        found = tree.find(BACKUP)
        return found[0].removesuffix(BACKUP).rstrip("/") if found else None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:
        """Read the objects of a tarball; what lies beside it is read together with it."""
        tarball = any(path.endswith("metadata/version") for path in tree.entries)
        records = [(each, path) for each in others for path in each.find(BACKUP)]
        if len(records) > 1:
            raise InputError(
                f"holds {len(records)} backups, each of its own moment",
                tree.place,
                "import one of them, or open all with hipaa_kit.open_history",
            )
        if not tarball:
            if not any(_is_tarball(each) for each in others):
                intake.fail(tree.place, "", "holds the record of a backup without its tarball")
            return
        for group, resource, entry in _objects(tree, root):
            intake.read(entry, hint_of(kind_of(intake, group, resource)))
        spec: Mapping[str, Any] = {}
        status: Mapping[str, Any] = {}
        listed = None
        if records:
            backup = json_of(*records[0])
            spec, status = _map(backup, "spec"), _map(backup, "status")
            listed = _listed(*records[0])
            intake.cluster_name = intake.cluster_name or str(_map(backup, "metadata", "labels").get("cluster") or "")
        intake.collected_at = str(status.get("startTimestamp") or "")
        intake.collected_basis = "recorded" if intake.collected_at else ""
        _cover(tree, intake, _Plan(spec, status, listed))


def _is_tarball(tree: Tree) -> bool:
    return any(path.endswith("metadata/version") for path in tree.entries)


def _objects(tree: Tree, root: str) -> list[tuple[str, str, Entry]]:
    """Return (group, plural, file) of every object, once each: in the version that the server prefers."""
    plain, preferred = [], []
    for parts, entry in below(tree, root):
        if parts[0] != "resources" or not parts[-1].endswith(".json") or len(parts) < 4:
            continue
        resource, _, group = parts[1].partition(".")
        if parts[2] in ("cluster", "namespaces"):
            plain.append((group, resource, entry))
        elif parts[2].endswith(PREFERRED):
            preferred.append((group, resource, entry))
    return preferred or plain


def _listed(tree: Tree, path: str) -> dict[tuple[str, str], int] | None:
    """Return how many objects of each kind the record of the backup names; None where it is not there."""
    folder = path[: -len(BACKUP)]
    names = [name for name in tree.entries if name.startswith(folder) and "resource-list.json" in name]
    content = json_of(tree, names[0]) if names else None
    if not isinstance(content, dict):
        return None
    counts: dict[tuple[str, str], int] = {}
    for name, items in content.items():
        version, _, kind = name.rpartition("/")
        key = kinds.canonical_group(kinds.group_of(version), kind)
        counts[key] = counts.get(key, 0) + (len(items) if isinstance(items, list) else 0)
    return counts


class _Plan:
    """What a backup was to hold, and whether it does."""

    def __init__(
        self, spec: Mapping[str, Any], status: Mapping[str, Any], listed: dict[tuple[str, str], int] | None
    ) -> None:
        self.spec, self.listed = spec, listed
        self.phase = str(status.get("phase") or "")
        self.filtered = bool(spec.get("labelSelector") or spec.get("orLabelSelectors"))
        self.namespaces = _names(spec, "includedNamespaces")
        self.left_out = _names(spec, "excludedNamespaces") - {"*"}

    @property
    def everywhere(self) -> bool:
        """Tell whether all namespaces were to be in it."""
        return not self.namespaces or "*" in self.namespaces

    def asked(self, kind: Kind) -> bool:
        """Tell whether a kind was to be in it."""
        scoped = "NamespaceScoped" if kind.namespaced else "ClusterScoped"
        wanted = _names(self.spec, "includedResources") | _names(self.spec, f"included{scoped}Resources")
        unwanted = _names(self.spec, "excludedResources") | _names(self.spec, f"excluded{scoped}Resources")
        called = {kind.resource, f"{kind.resource}.{kind.group}" if kind.group else kind.resource, "*"}
        if unwanted & called or (wanted and not wanted & called):
            return False
        return kind.namespaced or self.spec.get("includeClusterResources") is not False

    def status(self, kind: Kind, received: int) -> tuple[str, str]:
        """Return what the objects of a kind are worth."""
        if not self.phase:
            return UNKNOWN, "the record of the backup, velero-backup.json, is not there"
        if self.phase != "Completed":
            return PARTIAL, f"the backup ended as {self.phase}"
        if self.filtered:
            return PARTIAL, "the backup takes objects by label"
        if not kind.namespaced and not self.everywhere and self.spec.get("includeClusterResources") is not True:
            return PARTIAL, "with a choice of namespaces only objects related to them are taken"
        if self.listed is None:
            return UNKNOWN, "the list of what was taken, resource-list.json.gz, is not there"
        listed = self.listed.get((kind.group, kind.kind), 0)
        if listed != received:
            return PARTIAL, f"its record lists {listed} objects, read were {received}"
        return ANSWERED, LABELLED


def _cover(tree: Tree, intake: Intake, plan: _Plan) -> None:
    for kind in dict.fromkeys([*kinds.BUILT_IN, *intake.builder.learned()]):
        received = intake.received((kind.group, kind.kind))
        if not plan.asked(kind) and not received and plan.phase:
            cover(intake, kind, "", NOT_ASKED, tree.place, "the backup leaves this kind out")
            continue
        if not plan.phase and not received:
            continue
        status, words = plan.status(kind, received)
        if not kind.namespaced or plan.everywhere:
            cover(intake, kind, "", status, tree.place, words)
        else:
            for namespace in sorted(plan.namespaces):
                cover(intake, kind, namespace, status, tree.place, words)
        for namespace in sorted(plan.left_out if kind.namespaced else ()):
            cover(intake, kind, namespace, NOT_ASKED, tree.place, "the backup leaves this namespace out")


def _names(spec: Mapping[str, Any], field: str) -> set[str]:
    value = spec.get(field)
    return {str(each) for each in value} if isinstance(value, list) else set()


def _map(content: Any, *path: str) -> Mapping[str, Any]:
    for step in path:
        content = content.get(step) if isinstance(content, Mapping) else None
    return content if isinstance(content, Mapping) else {}
