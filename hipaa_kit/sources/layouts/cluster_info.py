"""`kubectl cluster-info dump`: a folder of typed lists per namespace, or everything in one stream.

Seven kinds and the nodes, and nothing else. It stops at the first list that fails, so that a namespace
without the last list was cut off.
Source: https://github.com/kubernetes/kubectl/blob/master/pkg/cmd/clusterinfo/clusterinfo_dump.go
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from hipaa_kit.kube import kinds
from hipaa_kit.sources.files import Tree
from hipaa_kit.sources.intake import Intake
from hipaa_kit.sources.layouts.common import below, cover, cover_list, hint_of, join, stem
from hipaa_kit.vocabulary import NOT_ASKED

LISTS: Final = {
    "events": kinds.EVENT,
    "replication-controllers": kinds.REPLICATION_CONTROLLER,
    "services": kinds.SERVICE,
    "daemonsets": kinds.DAEMON_SET,
    "deployments": kinds.DEPLOYMENT,
    "replicasets": kinds.REPLICA_SET,
    "pods": kinds.POD,
}
"""The lists of a namespace, in the order in which they are written."""


class ClusterInfo:
    """Reads the folder that `--output-directory` names."""

    def find(self, tree: Tree) -> str | None:
        """Return where `nodes` lies beside folders of namespaces."""
        for path in [*tree.find("replication-controllers.json"), *tree.find("replication-controllers.yaml")]:
            root = str(PurePosixPath(path).parent.parent)
            root = "" if root == "." else root
            if any(join(root, f"nodes.{suffix}") in tree.entries for suffix in ("json", "yaml")):
                return root
        return None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read the nodes, and every list of every namespace."""
        namespaces: set[str] = set()
        for parts, entry in below(tree, root):
            name = stem(parts[-1])
            if len(parts) == 1 and name == "nodes":
                seen = intake.read(entry, hint_of(kinds.NODE))
                cover_list(intake, kinds.NODE, "", entry, seen)
            elif len(parts) == 2 and name in LISTS:
                namespaces.add(parts[0])
                kind = LISTS[name]
                seen = intake.read(entry, hint_of(kind, parts[0]))
                cover_list(intake, kind, parts[0], entry, seen)
        held = {(parts[0], stem(parts[1])) for parts, _ in below(tree, root) if len(parts) == 2}
        for namespace in sorted(namespaces):
            for name, kind in LISTS.items():
                if (namespace, name) not in held:
                    cover(intake, kind, namespace, NOT_ASKED, tree.place, "the dump ended before this list")
