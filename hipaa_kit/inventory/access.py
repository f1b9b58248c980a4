"""Service accounts, roles and the bindings that grant them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_kit.inventory.fields import items, mapping, reference, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.access import BINDING_SUBJECTS, ROLE_BINDINGS, ROLE_RULES, ROLES, SERVICE_ACCOUNTS

RULE_FIELDS = {
    "verbs": "verb",
    "apiGroups": "api_group",
    "resources": "resource",
    "resourceNames": "resource_name",
    "nonResourceURLs": "non_resource_url",
}


@builds(SERVICE_ACCOUNTS, reads=[kinds.SERVICE_ACCOUNT])
def service_accounts(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per ServiceAccount."""
    for record in snapshot.records(kinds.SERVICE_ACCOUNT):
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "automount_token": truth(record.content, "automountServiceAccountToken"),
        }


def _roles(snapshot: Snapshot) -> Iterator[Record]:
    yield from snapshot.records(kinds.ROLE)
    yield from snapshot.records(kinds.CLUSTER_ROLE)


def _bindings(snapshot: Snapshot) -> Iterator[Record]:
    yield from snapshot.records(kinds.ROLE_BINDING)
    yield from snapshot.records(kinds.CLUSTER_ROLE_BINDING)


@builds(ROLES, reads=[kinds.ROLE, kinds.CLUSTER_ROLE])
def roles(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Role and ClusterRole."""
    for record in _roles(snapshot):
        yield {
            "object": record.object,
            "kind": record.kind,
            "namespace": record.namespace,
            "name": record.name,
            "rules": len(items(record.content, "rules")),
            "aggregated": bool(mapping(record.content, "aggregationRule")),
        }


@builds(ROLE_RULES, reads=[kinds.ROLE, kinds.CLUSTER_ROLE])
def role_rules(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per value of each field of each rule."""
    for record in _roles(snapshot):
        for number, rule in enumerate(items(record.content, "rules")):
            for field, name in RULE_FIELDS.items():
                for value in dict.fromkeys(_words(rule, field)):
                    yield {"role": record.object, "rule": number, "field": name, "value": value}


def _words(rule: Any, field: str) -> list[str]:
    """Return a list of a rule; nothing in it is an empty text, as the API decodes it: the core group, say."""
    found = rule.get(field)
    held = found if isinstance(found, list) else []
    return [word or "" for word in held if word is None or isinstance(word, str)]


@builds(ROLE_BINDINGS, reads=[kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING])
def role_bindings(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per RoleBinding and ClusterRoleBinding."""
    for record in _bindings(snapshot):
        role = mapping(record.content, "roleRef")
        kind = text(role, "kind")
        yield {
            "object": record.object,
            "kind": record.kind,
            "namespace": record.namespace,
            "name": record.name,
            "role": reference(kind, record.namespace if kind == "Role" else "", text(role, "name")),
            "created_at": text(record.content, "metadata", "creationTimestamp"),
        }


@builds(BINDING_SUBJECTS, reads=[kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING])
def binding_subjects(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per subject of each binding; only ServiceAccounts have a namespace."""
    for record in _bindings(snapshot):
        rows = set()
        for subject in items(record.content, "subjects"):
            kind = text(subject, "kind")
            namespace = text(subject, "namespace") if kind == "ServiceAccount" else ""
            rows.add((kind, namespace, text(subject, "name")))
        for kind, namespace, name in rows:
            yield {
                "binding": record.object,
                "subject_kind": kind,
                "subject_namespace": namespace,
                "subject": name,
            }
