"""What a Velero backup takes with it: objects by their filters, and the data of a claim by how its volume is read.

Sources: https://velero.io/docs/main/resource-filtering/, https://velero.io/docs/main/file-system-backup/,
https://velero.io/docs/main/csi/, https://velero.io/docs/main/csi-snapshot-data-movement/ and
https://velero.io/docs/main/api-types/backup/. What a resource policy or a filter file says stands in a ConfigMap,
whose content the kit does not read: with one, what is taken is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from hipaa_kit.kube.selectors import Selector, SelectorError, label_selector

Answer = Literal["yes", "no", "unknown"]

EXCLUDE_LABEL: Final = "velero.io/exclude-from-backup"
OPT_IN: Final = "backup.velero.io/backup-volumes"
OPT_OUT: Final = "backup.velero.io/backup-volumes-excludes"

FILE_SYSTEM: Final = "file_system"
SNAPSHOT: Final = "snapshot"
SNAPSHOT_MOVED: Final = "snapshot_moved"
UNKNOWN_METHOD: Final = "unknown"
NO_METHOD: Final = "none"
METHODS: Final = (FILE_SYSTEM, SNAPSHOT, SNAPSHOT_MOVED, "database", UNKNOWN_METHOD, NO_METHOD)
"""How the data of a volume are read; a snapshot that is not moved stays where the volume is."""

_NAMES: Final = {
    "pvc": "persistentvolumeclaims",
    "persistentvolumeclaim": "persistentvolumeclaims",
    "pv": "persistentvolumes",
    "persistentvolume": "persistentvolumes",
    "pod": "pods",
    "po": "pods",
    "secret": "secrets",
    "crd": "customresourcedefinitions",
    "crds": "customresourcedefinitions",
    "customresourcedefinition": "customresourcedefinitions",
}
_GLOB: Final = frozenset("*?[")


class Mount(NamedTuple):
    """A pod that mounts a claim, and the name of the volume in it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    volume: str
    runs: bool = True


class Reach(NamedTuple):
    """Whether a backup takes the data of a claim, how, and what is in the way."""

    taken: Answer
    method: str
    gap: str = ""


@dataclass(frozen=True)
class Claimed:
    """What Velero looks at when it comes to a claim: the claim, its pods, and whether its volume can be snapshotted."""

    namespace: str
    labels: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()
    snapshots: Answer = "unknown"
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    node_path: bool = False


@dataclass(frozen=True)
class Selection:
    """The filters of a Backup, or of the template of a Schedule.

    `selectors` are alternatives; none at all lets everything through. `invalid` says that one of them could not be
    read. `policy` says that a ConfigMap decides, too. `file_system` is None where the server's flag decides.
    """

    included_namespaces: frozenset[str] = frozenset()
    excluded_namespaces: frozenset[str] = frozenset()
    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    cluster_excluded: frozenset[str] = frozenset()
    cluster_included: frozenset[str] = frozenset()
    selectors: tuple[Selector, ...] = ()
    invalid: bool = False
    policy: bool = False
    cluster: bool | None = None
    snapshot_volumes: bool | None = None
    file_system: bool | None = None
    moves: bool = False

    def takes_namespace(self, namespace: str) -> Answer:
        """Tell whether the objects of a namespace are looked at; a pattern of names is not resolved."""
        if _holds(self.excluded_namespaces, namespace):
            return "no"
        if not self.included_namespaces or _holds(self.included_namespaces, namespace):
            return "unknown" if _patterns(self.excluded_namespaces) else "yes"
        return "unknown" if _patterns(self.included_namespaces) else "no"

    def takes_kind(self, resource: str, group: str = "") -> bool:
        """Tell whether a kind that lives in namespaces is taken, by its plural and group."""
        names = {resource, f"{resource}.{group}"} if group else {resource}
        return not names & self.excluded and _open(self.included, names)

    def takes_cluster_kind(self, resource: str, group: str = "") -> Answer:
        """Tell whether all objects of a kind without namespace are taken; `unknown` for those that others bring."""
        names = {resource, f"{resource}.{group}"} if group else {resource}
        if self.cluster is False or names & (self.excluded | self.cluster_excluded):
            return "no"
        if names & self.cluster_included or "*" in self.cluster_included:
            return "yes"
        if not _open(self.included, names):
            return "no"
        every = self.every_namespace and not self.selectors
        return "yes" if self.cluster or every else "unknown"

    @property
    def every_namespace(self) -> bool:
        """Tell whether no namespace is left out."""
        included = self.included_namespaces
        return (not included or "*" in included) and not self.excluded_namespaces

    @property
    def left_out(self) -> list[str]:
        """Return what a restore would miss in words: Secrets, and custom resources with their definitions."""
        found = [] if self.takes_kind("secrets") else ["Secrets"]
        if self.included and "*" not in self.included:
            found.append("kinds that includedResources does not name, custom resources among them")
        if "customresourcedefinitions" in _bare(self.excluded | self.cluster_excluded):
            found.append("CustomResourceDefinitions")
        return found

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an object's labels let it through."""
        if labels.get(EXCLUDE_LABEL) == "true":
            return False
        return not self.selectors or any(selector.matches(labels) for selector in self.selectors)

    def reaches(self, claim: Claimed) -> Reach:
        """Tell whether the data of a claim are taken, and how.

        Notes
        -----
        A volume is read from its file system where a pod that runs is taken as well and says so (or does not say
        no, where that is the default); what is not read so is snapshotted, where that is possible and not ruled
        out, and then moved to the store or not. A path of the node is never read so, also behind a claim.
        Sources: https://velero.io/docs/main/file-system-backup/#limitations, pkg/podvolume/backupper.go of
        vmware-tanzu/velero.
        """
        here = self.takes_namespace(claim.namespace)
        if here == "no":
            return Reach("no", NO_METHOD, f"namespace {claim.namespace} is left out")
        if not self.takes_kind("persistentvolumeclaims"):
            return Reach("no", NO_METHOD, "claims are left out")
        if self.invalid:
            return Reach("unknown", UNKNOWN_METHOD, "its label selector cannot be read")
        if not self.matches(claim.labels):
            return Reach("no", NO_METHOD, "the labels of the claim leave it out")
        if claim.namespace_labels.get(EXCLUDE_LABEL) == "true":
            return Reach("unknown", UNKNOWN_METHOD, "its namespace is labelled as left out, which versions read apart")
        by_files, by_default = self._read_from_files(claim)
        if self.policy:
            return Reach("unknown", UNKNOWN_METHOD, "a resource policy decides, and stands in a ConfigMap")
        if by_files:
            return Reach(here, FILE_SYSTEM, _pattern(here))
        snapshot = self._snapshotted(claim)
        if snapshot.taken != "no":
            return snapshot._replace(taken="unknown" if "unknown" in (here, snapshot.taken) else "yes")
        if by_default:
            return Reach("unknown", UNKNOWN_METHOD, f"a flag of the server decides on its file system; {snapshot.gap}")
        return snapshot

    def _read_from_files(self, claim: Claimed) -> tuple[bool, bool]:
        """Tell whether a pod lets the volume be read, and whether one would if that were the server's default."""
        if claim.node_path or not self.takes_kind("pods"):
            return False, False
        taken = [mount for mount in claim.mounts if mount.runs and self.matches(mount.labels)]
        opted = any(mount.volume in _listed(mount.annotations, OPT_IN) for mount in taken)
        open_ = any(mount.volume not in _listed(mount.annotations, OPT_OUT) for mount in taken)
        if self.file_system:
            return open_, False
        return opted, open_ and self.file_system is None

    def _snapshotted(self, claim: Claimed) -> Reach:
        if self.snapshot_volumes is False:
            return Reach("no", NO_METHOD, "snapshots of volumes are switched off, and no pod opens its file system")
        if self.takes_cluster_kind("persistentvolumes") == "no":
            return Reach("unknown", UNKNOWN_METHOD, "PersistentVolumes are left out, which some snapshots need")
        if claim.snapshots == "no":
            if claim.node_path:
                return Reach("no", NO_METHOD, "its volume is a path of the node, which Velero skips")
            return Reach("no", NO_METHOD, "nothing can take a snapshot of its driver, and no pod opens its file system")
        method = SNAPSHOT_MOVED if self.moves else SNAPSHOT
        if claim.snapshots == "unknown":
            return Reach("unknown", method, "that anything can take a snapshot of its volume is not known")
        return Reach("yes", method)


def parse_selection(spec: Mapping[str, Any]) -> Selection:
    """Return the filters that the spec of a Backup (or a Schedule's template) holds; a wrong type counts as absent."""
    selectors, invalid = _selectors(spec)
    return Selection(
        included_namespaces=_texts(spec, "includedNamespaces"),
        excluded_namespaces=_texts(spec, "excludedNamespaces"),
        included=_kinds(spec, "includedResources") | _kinds(spec, "includedNamespaceScopedResources"),
        excluded=_kinds(spec, "excludedResources") | _kinds(spec, "excludedNamespaceScopedResources"),
        cluster_included=_kinds(spec, "includedClusterScopedResources"),
        cluster_excluded=_kinds(spec, "excludedClusterScopedResources"),
        selectors=selectors,
        invalid=invalid,
        policy=isinstance(spec.get("resourcePolicy"), Mapping)
        or isinstance(spec.get("namespacedFilterPolicies"), list),
        cluster=_truth(spec, "includeClusterResources"),
        snapshot_volumes=_truth(spec, "snapshotVolumes"),
        file_system=_first(_truth(spec, "defaultVolumesToFsBackup"), _truth(spec, "defaultVolumesToRestic")),
        moves=_truth(spec, "snapshotMoveData") or False,
    )


def _selectors(spec: Mapping[str, Any]) -> tuple[tuple[Selector, ...], bool]:
    one, many = spec.get("labelSelector"), spec.get("orLabelSelectors")
    given = many if isinstance(many, list) and many else [one] if isinstance(one, Mapping) else []
    found = []
    for each in given:
        try:
            found.append(label_selector(each))
        except SelectorError:
            return (), True
    return tuple(found), False


def _texts(spec: Mapping[str, Any], name: str) -> frozenset[str]:
    value = spec.get(name)
    return frozenset(each for each in value if isinstance(each, str)) if isinstance(value, list) else frozenset()


def _kinds(spec: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return kinds by their plural, as Velero resolves singular and short names; a group stays."""
    found = set()
    for each in _texts(spec, name):
        plural, dot, group = each.lower().partition(".")
        found.add(_NAMES.get(plural, plural) + dot + group)
    return frozenset(found)


def _truth(spec: Mapping[str, Any], name: str) -> bool | None:
    value = spec.get(name)
    return value if isinstance(value, bool) else None


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)


def _listed(annotations: Mapping[str, str], name: str) -> set[str]:
    return {each.strip() for each in annotations.get(name, "").split(",") if each.strip()}


def _holds(names: frozenset[str], name: str) -> bool:
    return "*" in names or name in names


def _patterns(names: Iterable[str]) -> bool:
    return any(name != "*" and _GLOB & set(name) for name in names)


def _pattern(here: Answer) -> str:
    return "a pattern of namespaces is not resolved" if here == "unknown" else ""


def _open(included: frozenset[str], names: set[str]) -> bool:
    return not included or "*" in included or bool(names & included)


def _bare(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}
