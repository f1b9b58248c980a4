"""What keeps the cluster as it is declared elsewhere, and who wrote to it beside that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.inventory.fields import condition, items, mapping, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import FIELD_MANAGERS
from hipaa_kit.kube.manual_edits import by_hand
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.integrity import DECLARED_SOURCES, FIELD_WRITERS, MANAGED_OBJECTS

APPLICATION: Final = custom("argoproj.io", "Application")
KUSTOMIZATION: Final = custom("kustomize.toolkit.fluxcd.io", "Kustomization")
HELM_RELEASE: Final = custom("helm.toolkit.fluxcd.io", "HelmRelease")
SOURCES: Final = (APPLICATION, KUSTOMIZATION, HELM_RELEASE)

WRITTEN: Final = (
    kinds.CRON_JOB,
    kinds.DAEMON_SET,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.SERVICE,
    kinds.SERVICE_ACCOUNT,
    kinds.INGRESS,
    kinds.NETWORK_POLICY,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.CLUSTER_ROLE,
    kinds.CLUSTER_ROLE_BINDING,
)
"""Kinds that people declare; what controllers make of them is not asked about."""

ARGO_STATES: Final = {"Synced": "synced", "OutOfSync": "drifted"}


class _Managed(NamedTuple):
    """One object that a source says it manages."""

    object: str
    namespace: str
    state: str


@builds(DECLARED_SOURCES, reads=SOURCES)
def declared_sources(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per source.

    Source: https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/,
    https://fluxcd.io/flux/components/kustomize/kustomizations/, https://fluxcd.io/flux/components/helm/helmreleases/
    """
    for kind in SOURCES:
        for record in snapshot.records(kind):
            row = _application(record) if kind == APPLICATION else _flux(record, kind == HELM_RELEASE)
            managed = {each.namespace for each in _managed(record) if each.namespace}
            yield {"object": record.object, "namespaces": " ".join(sorted(managed or _meant(record))), **row}


@builds(MANAGED_OBJECTS, reads=SOURCES)
def managed_objects(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per object that a source says it manages.

    A HelmRelease lists none. Source of the ids of a Kustomization, `namespace_name_group_kind`:
    https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory
    """
    for kind in SOURCES:
        for record in snapshot.records(kind):
            rows = {each.object: each.state for each in _managed(record)}
            for name, state in rows.items():
                yield {"source": record.object, "object": name, "state": state}


def _managed(record: Record) -> Iterator[_Managed]:
    status = mapping(record.content, "status")
    for each in items(status, "resources"):
        namespace, state = text(each, "namespace"), ARGO_STATES.get(text(each, "status"), "unknown")
        yield _Managed(object_id(text(each, "kind"), namespace, text(each, "name")), namespace, state)
    for each in items(status, "inventory", "entries"):
        parts = text(each, "id").split("_")
        if len(parts) == 4:
            namespace, name, _, kind = parts
            # A colon stands in as two underscores: names of roles have them.
            yield _Managed(object_id(kind, namespace, name.replace("__", ":")), namespace, "unknown")


def _meant(record: Record) -> set[str]:
    """Return the namespace that a source is meant for, where it lists no objects."""
    spec = mapping(record.content, "spec")
    named = text(spec, "destination", "namespace") or text(spec, "targetNamespace")
    return {named or record.namespace} if record.kind == HELM_RELEASE.kind else {named} - {""}


def _application(record: Record) -> dict[str, Any]:
    spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
    sync, health = text(status, "sync", "status"), text(status, "health", "status")
    automated = mapping(spec, "syncPolicy", "automated")
    return {
        "engine": "Argo CD",
        "state": ARGO_STATES.get(sync, "unknown"),
        "words": ", ".join(word for word in (sync, health) if word),
        "suspended": False,
        "corrects": truth(automated, "enabled") is not False and truth(automated, "selfHeal") is True,
        "synced_at": text(status, "operationState", "finishedAt"),
    }


def _flux(record: Record, helm: bool) -> dict[str, Any]:
    """Return the row of a Kustomization, which corrects what it applies, or of a HelmRelease, which may be told to."""
    spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
    ready = condition(record.content, "Ready")
    said = next((each for each in items(status, "conditions") if text(each, "type") == "Ready"), {})
    words = [word for word in (text(said, "type"), text(said, "status"), text(said, "reason")) if word]
    mode = text(spec, "driftDetection", "mode")
    return {
        "engine": "Flux",
        "state": {True: "synced", False: "drifted"}.get(ready, "unknown") if ready is not None else "unknown",
        "words": " ".join(words),
        "suspended": truth(spec, "suspend") is True,
        "corrects": mode == "enabled" if helm else True,
        "synced_at": text(said, "lastTransitionTime"),
    }


@builds(FIELD_WRITERS, reads=WRITTEN, facts=[FIELD_MANAGERS])
def field_writers(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per manager that holds fields of an object; the latest where one stands twice."""
    for kind in WRITTEN:
        for record in snapshot.records(kind):
            latest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
            for each in sorted(items(record.facts, FIELD_MANAGERS), key=lambda each: text(each, "time")):
                key = (text(each, "manager"), text(each, "operation"), text(each, "subresource"))
                if key[2] != "status":
                    latest[key] = each
            for (manager, operation, subresource), each in latest.items():
                yield {
                    "object": record.object,
                    "kind": record.kind,
                    "namespace": record.namespace,
                    "manager": manager,
                    "operation": operation,
                    "subresource": subresource,
                    "written_at": text(each, "time"),
                    "by_hand": by_hand(manager),
                }
