"""Objects by name, and the top owner that a pod is judged under.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/: at most
one owner reference has `controller: true`, and it lies in the dependent's namespace or is cluster-scoped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Owner(NamedTuple):
    """An owner as a reference names it."""

    group: str
    kind: str
    name: str


def object_id(kind: str, namespace: str, name: str) -> str:
    """Return `Kind/namespace/name`; the namespace of a cluster-scoped object is empty."""
    return f"{kind}/{namespace}/{name}"


def parse_object_id(object: str) -> tuple[str, str, str]:  # noqa: A002 - the kit's word for it
    """Return kind, namespace and name of `Kind/namespace/name`."""
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
            group = version.rpartition("/")[0] if isinstance(version, str) else ""
            return Owner(group, kind, name)
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
    """Tell whether a pod is the mirror of one that a kubelet runs from a file.

    Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
    """
    annotations = metadata.get("annotations")
    marked = isinstance(annotations, Mapping) and "kubernetes.io/config.mirror" in annotations
    owner = controller_of(metadata)
    return marked or (owner is not None and owner.kind == "Node")


def static_name(name: str, node: str) -> str:
    """Return the name of a static pod without the node that its kubelet appends to it."""
    return name.removesuffix(f"-{node}") if node else name
