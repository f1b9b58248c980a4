"""Permissions of small clusters for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import hipaa_kit.graph
import hipaa_kit.inventory
from hipaa_kit.graph.permissions import Permissions, permissions
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.sources.inputs import Inputs
from tests.support.snapshots import snapshot_of

GROUP = "rbac.authorization.k8s.io"

discover(hipaa_kit.inventory)


def permissions_of(
    objects: str | Iterable[Mapping[str, Any]] = (),
    overrides: Mapping[Any, str] | None = None,
    *,
    layout: str = "live",
    inputs: Inputs | None = None,
    version: str = "v1.34.2",
) -> Permissions:
    """Return the permissions of a snapshot of objects, through the real builder and tables."""
    snapshot = snapshot_of(objects, overrides=overrides, layout=layout, version=version)
    return permissions(Inventory(snapshot, None, inputs), snapshot)


def rule(verbs: str, resources: str, names: str = "") -> dict[str, Any]:
    """Return a rule from `verb verb`, `resource.group resource.group` and `name name`; all resources in one group."""
    words = [each.partition(".") for each in resources.split()]
    made: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": list(dict.fromkeys(group for _, _, group in words)),
        "resources": [resource for resource, _, _ in words],
    }
    return made | ({"resourceNames": names.split()} if names else {})


def role(name: str, *rules: Mapping[str, Any], namespace: str = "") -> dict[str, Any]:
    """Return a ClusterRole, or a Role where a namespace is given."""
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": _metadata(name, namespace), "rules": list(rules)}


def binding(name: str, role_ref: str, *subjects: str, namespace: str = "") -> dict[str, Any]:
    """Return a role binding; a role is `ClusterRole/name` or `Role/name`, a subject `Kind/name` or with namespace."""
    kind, _, role_name = role_ref.partition("/")
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role_name},
        "subjects": [_subject(each) for each in subjects],
    }


def account(namespace: str, name: str) -> dict[str, Any]:
    """Return a ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(name, namespace)}


def _metadata(name: str, namespace: str) -> dict[str, str]:
    return {"name": name} | ({"namespace": namespace} if namespace else {})


def _subject(text: str) -> dict[str, str]:
    kind, *place, name = text.split("/")
    return {"kind": kind, "name": name} | ({"namespace": place[0]} if place else {})
