"""Objects by name, and the top owner that a pod is judged under.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/: at most
one owner reference has `controller: true`, and it lies in the dependent's namespace or is cluster-scoped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hipaa_kit.kube.kinds import canonical_group, group_of

CONFIG_MIRROR = "kubernetes.io/config.mirror"
CONFIG_SOURCE = "kubernetes.io/config.source"


class Owner(NamedTuple):
    """An owner as a reference names it, its API group as served today."""

    group: str
    kind: str
    name: str


def object_id(kind: str, namespace: str, name: str) -> str:
    """Return `Kind/namespace/name`; the namespace of a cluster-scoped object is empty."""
    return f"{kind}/{namespace}/{name}"


def parse_object_id(object: str) -> tuple[str, str, str]:  # noqa: A002 - the kit's word for it
    """Return kind, namespace and name of `Kind/namespace/name`; a name may itself hold a slash."""
    kind, _, rest = object.partition("/")
    namespace, _, name = rest.partition("/")
    return kind, namespace, name


def controller_of(metadata: Mapping[str, Any]) -> Owner | None:
    """Return the owner that controls an object, or None where nothing does.

    Parameters
    ----------
    metadata
        `metadata` of the object, of any shape.
    """
    references = metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else []:
        if not isinstance(reference, Mapping) or reference.get("controller") is not True:
            continue
        kind, name = reference.get("kind"), reference.get("name")
        if isinstance(kind, str) and isinstance(name, str) and kind and name:
            version = reference.get("apiVersion")
            group = group_of(version) if isinstance(version, str) else ""
            return Owner(*canonical_group(group, kind), name)
    return None


def top_owner(first: Owner, controllers: Mapping[tuple[str, str], Owner | None]) -> Owner:
    """Return the last owner of a chain that starts at `first`.

    Parameters
    ----------
    first
        Controller of a pod.
    controllers
        Controller of every object of the pod's namespace that is known, by (kind, name); None for
        an object that nothing controls.

    Returns
    -------
    Owner
        The last one that is named: an owner that is not known is named by its reference, not
        dropped. A chain that runs in a circle ends where it would repeat.
    """
    seen = {(first.kind, first.name)}
    owner = first
    while (above := controllers.get((owner.kind, owner.name))) is not None:
        if (above.kind, above.name) in seen:
            return owner
        seen.add((above.kind, above.name))
        owner = above
    return owner


def is_mirror(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a pod is the mirror of one that a kubelet runs from a file or address.

    The kubelet marks it with an annotation, and names the node as the owner that controls it. Anyone who
    may create pods can write the annotation, so it counts for nothing on a pod that something else controls.

    Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror and
    https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-source
    """
    owner = controller_of(metadata)
    if owner is not None:
        return (owner.group, owner.kind) == ("", "Node")
    found = metadata.get("annotations")
    annotations = found if isinstance(found, Mapping) else {}
    return CONFIG_MIRROR in annotations or annotations.get(CONFIG_SOURCE, "api") != "api"


def static_name(name: str, node: str) -> str:
    """Return the name of a static pod without the node that its kubelet appends to it.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/: the names are suffixed with
    the node's hostname and a leading hyphen; the kubelet writes the node's name in lower case.
    """
    return name.removesuffix(f"-{node.lower()}") if node else name
