"""Permissions of small clusters for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import hipaa_kit.inventory
from hipaa_kit.graph.permissions import Permissions, permissions
from hipaa_kit.graph.permissions.loading import Known, Surroundings
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.kube.pod_security import namespace_policy
from hipaa_kit.kube.rbac import parse_policy
from hipaa_kit.sources.coverage import Coverage
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


@cache
def _nothing() -> Inventory:
    return Inventory(snapshot_of())


def quick_permissions(objects: Iterable[Mapping[str, Any]], version: str = "v1.34.2") -> Permissions:
    """Return the permissions of objects without the way through snapshot and tables: for many small clusters."""
    held = list(objects)
    accounts = [each["metadata"] for each in held if each["kind"] == "ServiceAccount"]
    namespaces = [each["metadata"] for each in held if each["kind"] == "Namespace"]
    levels = {each["name"]: namespace_policy(each.get("labels") or {}).enforce.level for each in namespaces}
    known = Known(
        parse_policy(held),
        Coverage.of([]),
        frozenset((each["namespace"], each["name"]) for each in accounts),
        minor=int(version.split(".")[1]) if version else None,
        around=Surroundings(levels, all_namespaces=True),
    )
    return Permissions(known, _nothing())


def rule(verbs: str, resources: str, names: str = "") -> dict[str, Any]:
    """Return a rule from `verb verb`, `resource.group resource.group` and `name name`; all resources in one group."""
    words = [each.partition("/") for each in resources.split()]
    heads = [(head.partition("."), slash + subresource) for head, slash, subresource in words]
    made: dict[str, Any] = {
        "verbs": verbs.split(),
        "apiGroups": list(dict.fromkeys(group for (_, _, group), _ in heads)),
        "resources": [resource + subresource for (resource, _, _), subresource in heads],
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
