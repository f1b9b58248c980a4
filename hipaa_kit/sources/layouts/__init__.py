"""Every way in which clusters are written down, in the order in which they are looked for."""

from __future__ import annotations

from typing import Final

from hipaa_kit.sources.files import Tree
from hipaa_kit.sources.layouts.cluster_info import ClusterInfo
from hipaa_kit.sources.layouts.common import Layout
from hipaa_kit.sources.layouts.graph_tools import IceKube, KubeHound
from hipaa_kit.sources.layouts.must_gather import Insights, MustGather
from hipaa_kit.sources.layouts.objects import Objects
from hipaa_kit.sources.layouts.rancher import Rancher
from hipaa_kit.sources.layouts.sonobuoy import Sonobuoy
from hipaa_kit.sources.layouts.troubleshoot import Troubleshoot
from hipaa_kit.sources.layouts.velero import Velero

LAYOUTS: Final = (
    Layout("troubleshoot", "a troubleshoot.sh support bundle", "cluster-resources/namespaces.json", Troubleshoot()),
    Layout("insights", "an Insights archive", "config/infrastructure.json", Insights()),
    Layout("must-gather", "a must-gather or an inspection by oc", "cluster-scoped-resources/", MustGather()),
    Layout("rancher", "a Rancher support bundle", "yamls/cluster/", Rancher()),
    Layout("velero", "a Velero backup", "metadata/version and resources/", Velero()),
    Layout("icekube", "a download of IceKube", "_metadata.json", IceKube()),
    Layout("kubehound", "a dump of KubeHound", "metadata.json with run_id", KubeHound()),
    Layout("sonobuoy", "Sonobuoy results", "resources/ns/ and meta/", Sonobuoy()),
    Layout("cluster-info", "a kubectl cluster-info dump", "nodes.json and replication-controllers.json", ClusterInfo()),
    Layout("kubectl", "output of kubectl, or manifests", "apiVersion and kind", Objects()),
)
"""The first one whose marker lies in a tree reads it; the last one reads anything that holds an object."""


def recognise(tree: Tree) -> tuple[Layout, str]:
    """Return the layout of a tree, and where in it that begins."""
    for layout in LAYOUTS:
        root = layout.reader.find(tree)
        if root is not None:
            return layout, root
    raise AssertionError("the last layout takes any tree")


def layout_named(name: str) -> Layout | None:
    """Return the layout of that name."""
    return next((layout for layout in LAYOUTS if layout.name == name), None)


__all__ = ["LAYOUTS", "Layout", "layout_named", "recognise"]
