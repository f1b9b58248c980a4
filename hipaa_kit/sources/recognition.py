"""What a document is that is no object of a cluster: told by its shape, never by the name of its file.

What is recognised is counted in table `set_aside` and left to its own reader: an audit log is no
cluster, and another scanner's report is no evidence that an object exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

AUDIT_GROUP: Final = "audit.k8s.io"

_SHAPES: Final[dict[str, tuple[frozenset[str], ...]]] = {
    "audit log": (
        frozenset(["auditID", "stage", "verb"]),
        frozenset(["messageType", "logGroup", "logEvents"]),
        frozenset(["events", "searchedLogStreams"]),
        frozenset(["insertId", "protoPayload"]),
        frozenset(["category", "properties", "time"]),
        frozenset(["AuditId", "RequestUri", "Verb"]),
    ),
    "Kubescape report": (frozenset(["summaryDetails", "results"]),),
    "Trivy report": (frozenset(["ClusterName", "Resources"]), frozenset(["ClusterName", "Findings"])),
    "kube-bench report": (frozenset(["Controls", "Totals"]),),
    "Prowler report": (frozenset(["metadata", "unmapped", "status_code"]),),
    "Falco alert": (frozenset(["rule", "priority", "output_fields"]),),
    "Prometheus answer": (frozenset(["status", "data"]),),
    "flow log": (frozenset(["flow", "node_name"]), frozenset(["source_namespace", "dest_namespace", "action"])),
    "cloud facts": (frozenset(["cluster"]), frozenset(["DBInstances"])),
}
"""Keys that a document of each kind has, by each form that it comes in."""


def what_is(content: Mapping[str, Any]) -> str:
    """Return what a document is that is no object of a cluster, or `""` where nothing is known of it.

    Parameters
    ----------
    content
        A map as it was read.
    """
    kind, version = content.get("kind"), content.get("apiVersion")
    if isinstance(version, str) and version.startswith(f"{AUDIT_GROUP}/"):
        return "audit policy" if kind == "Policy" else "audit log"
    if kind == "Config" and version == "v1" and "clusters" in content and "users" in content:
        return "kubeconfig"
    keys = content.keys()
    for what, shapes in _SHAPES.items():
        if any(shape <= keys for shape in shapes):
            return what
    return ""
