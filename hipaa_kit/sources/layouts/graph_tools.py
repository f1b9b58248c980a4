"""What tools that draw attack graphs dump: KubeHound and IceKube. Neither can prove that something is absent.

KubeHound keeps running pods and slices with ports; IceKube logs a refusal and goes on, and one half-way
through the namespaces of a kind loses the rest of that kind without a word. Empty lists leave no file.
Source: https://kubehound.io/reference/hardening/, https://github.com/WithSecureLabs/IceKube
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.files import Tree
from hipaa_kit.sources.intake import Hint, Intake
from hipaa_kit.sources.layouts.common import below, cover, hint_of, join, json_of, kind_of, stem
from hipaa_kit.vocabulary import PARTIAL, UNKNOWN

LOOKED_AT: Final = 20
"""Files of that name that are opened before the tree is taken for another layout, the shallowest first."""
CHOSEN: Final = {
    kinds.POD: "only running pods are in such a dump",
    kinds.ENDPOINT_SLICE: "only slices with ports are in such a dump",
}


class KubeHound:
    """Reads a dump of KubeHound; its files name their kind, their objects do not."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder of the run."""
        for path in tree.find("metadata.json")[:LOOKED_AT]:
            root = path.removesuffix("metadata.json").rstrip("/")
            content = json_of(tree, path)
            if isinstance(content, dict) and {"run_id", "runID"} & content.keys() and "cluster" in content:
                return root
        return None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every list by the name of its file."""
        run = json_of(tree, join(root, "metadata.json"))
        cluster = _part(run, "cluster")
        intake.cluster_name = str(cluster.get("name") or "")
        major, minor = (str(cluster.get(name) or "") for name in ("version_major", "version_minor"))
        intake.server_version = f"v{major}.{minor}" if major and minor else ""
        intake.collected_at = str(_part(run, "metrics").get("dump_time") or "")
        intake.collected_basis = "recorded" if intake.collected_at else ""
        _lists(tree, root, intake, depth=2)


class IceKube:
    """Reads a download of IceKube."""

    def find(self, tree: Tree) -> str | None:
        """Return the folder of `_metadata.json`."""
        for path in tree.find("_metadata.json")[:LOOKED_AT]:
            content = json_of(tree, path)
            if isinstance(content, dict) and {"kube_version", "api_resources"} <= content.keys():
                return path.removesuffix("_metadata.json").rstrip("/")
        return None

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read every list by the name of its file."""
        run = json_of(tree, join(root, "_metadata.json"))
        intake.cluster_name = str(run.get("context_name") or "")
        intake.server_version = str(run.get("kube_version") or "")
        _lists(tree, root, intake, depth=1)


def _lists(tree: Tree, root: str, intake: Intake, depth: int) -> None:
    """Read `<plural>[.<group>].json`, at the top or in a folder per namespace."""
    found: dict[Kind, str] = {}
    files = [(parts, entry) for parts, entry in below(tree, root) if len(parts) <= depth]
    files.sort(key=lambda each: not each[0][-1].startswith("customresourcedefinitions"))
    for parts, entry in files:
        name = stem(parts[-1])
        if name in ("metadata", "_metadata") or PurePosixPath(parts[-1]).suffix != ".json":
            continue
        resource, _, group = name.partition(".")
        kind = kind_of(intake, group, resource)
        namespace = parts[0] if len(parts) == 2 else ""
        intake.read(entry, hint_of(kind, namespace) if kind else Hint(namespace=namespace))
        if kind is not None:
            found[kind] = entry.name
    for kind, source in sorted(found.items()):
        words = CHOSEN.get(kind, "") if depth == 2 else "a namespace that was refused leaves no trace"
        known_gap = (kind in CHOSEN) if depth == 2 else kind.namespaced
        cover(intake, kind, "", PARTIAL if known_gap else UNKNOWN, source, words if known_gap else "")


def _part(content: Any, name: str) -> Mapping[str, Any]:
    part = content.get(name) if isinstance(content, Mapping) else None
    return part if isinstance(part, Mapping) else {}
