"""Where objects live in the API: paths of objects and lists, and what a server serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_kit.kube import kinds
from tests.support.live.api import Api


def list_path(obj: Mapping[str, Any]) -> str:
    """Return the path that an object is created at."""
    group, _, version = obj["apiVersion"].rpartition("/")
    known = kinds.find(group, obj["kind"])
    plural = known.resource if known else plural_of(obj["kind"].lower())
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    namespace = obj["metadata"].get("namespace")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def plural_of(name: str) -> str:
    """Return the plural that definitions of custom resources usually give to a kind."""
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"


def path(obj: Mapping[str, Any]) -> str:
    """Return the path of an object."""
    return f"{list_path(obj)}/{obj['metadata']['name']}"


def served(api: Api) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the server serves, subresources too: its description by (group, resource)."""
    versions = [("", "/api/v1")]
    for group in api.get("/apis")["groups"]:
        versions += [(group["name"], f"/apis/{each['groupVersion']}") for each in group["versions"]]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group, root in versions:
        for resource in api.get(root)["resources"]:
            found.setdefault((group, resource["name"]), resource)
    return found


def namespace(name: str, **labels: str) -> dict[str, Any]:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    """Return the smallest pod that is accepted."""
    containers = [{"name": "main", "image": "registry.example/app:1"}]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}


def pod_template(namespace: str, name: str) -> dict[str, Any]:
    """Return a pod template: the kind whose lists expire (see the flags of the control plane)."""
    spec = pod(namespace, name)["spec"]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": {"spec": spec}}


def definition(group: str, kind: str, *versions: str, namespaced: bool = True) -> dict[str, Any]:
    """Return a CustomResourceDefinition; the first version is the one that is stored."""
    plural = kind.lower() + "s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = [{"name": v, "served": True, "storage": v == versions[0], "schema": schema} for v in versions]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": served,
        },
    }
