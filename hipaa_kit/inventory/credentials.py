"""Credentials in the open, and Secrets that pods take: told by typed facts and by names, never by a value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.inventory.fields import condition, items, mapping, reference, text
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import CREDENTIALS
from hipaa_kit.kube.secret_stores import BEHIND, behind
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.encryption import CONFIG_MAP_USES, CREDENTIAL_LITERALS, SECRET_USES


@builds(CREDENTIAL_LITERALS, reads=POD_KINDS, also=[kinds.CONFIG_MAP], facts=[CREDENTIALS])
def credential_literals(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per credential that stands in a pod's own text, and in a ConfigMap that was read.

    ConfigMaps are asked for by opt-in: which of them were not read stands in `config_map_uses`.
    """
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for pod in pod_views(snapshot):
        for where, told in pod.facts.get(CREDENTIALS, {}).items():
            container, place, name = where.split("/", 2)
            detector, _, length = told.partition(" ")
            row = {"object": pod.workload, "holder": container, "place": place, "name": name}
            rows[tuple(row.values())] = {**row, "detector": detector, "length": length}
    for record in snapshot.records(kinds.CONFIG_MAP):
        for where, told in record.facts.get(CREDENTIALS, {}).items():
            place, _, name = where.partition("/")
            detector, _, length = told.partition(" ")
            row = {"object": record.object, "holder": "", "place": place, "name": name}
            rows[tuple(row.values())] = {**row, "detector": detector, "length": length}
    yield from rows.values()


@builds(CONFIG_MAP_USES, reads=POD_KINDS, also=[kinds.CONFIG_MAP])
def config_map_uses(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    volumes: pd.DataFrame,
    environment: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
) -> Iterator[dict[str, str]]:
    """Yield a row per ConfigMap that a pod of the ePHI scope mounts or takes as environment."""
    there = {record.object for record in snapshot.records(kinds.CONFIG_MAP)}
    for name, users in _used("ConfigMap", pods, volumes, environment, ephi_workloads).items():
        seen = snapshot.coverage.answer(kinds.CONFIG_MAP, name.split("/")[1]).complete
        status = "read" if name in there else "missing" if seen else "unseen"
        yield {"object": name, "used_by": " ".join(sorted(users)), "status": status}


def _used(
    kind: str, pods: pd.DataFrame, volumes: pd.DataFrame, environment: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> dict[str, set[str]]:
    """Return the workloads of the scope that take each object of a kind."""
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    inside = set(ephi_workloads["object"])
    pairs = pd.concat([volumes[["pod", "reference"]], environment[["pod", "reference"]]])
    found: dict[str, set[str]] = defaultdict(set)
    for pod, name in pairs.drop_duplicates().itertuples(index=False):
        if name.startswith(f"{kind}/") and owner.get(pod) in inside:
            found[name].add(owner[pod])
    return found


class _Manager(NamedTuple):
    """What makes a Secret: the object, its kind, and how far it is in step."""

    object: str
    store: str
    ready: bool | None
    refreshed_at: str = ""
    interval: str = ""
    behind: str = ""
    taken_from: str = ""


EXTERNAL: Final = custom("external-secrets.io", "ExternalSecret")
STORES: Final = {kind: custom("external-secrets.io", kind) for kind in ("SecretStore", "ClusterSecretStore")}
PUSH: Final = custom("external-secrets.io", "PushSecret")
SEALED: Final = custom("bitnami.com", "SealedSecret")
CLASS: Final = custom("secrets-store.csi.x-k8s.io", "SecretProviderClass")
CERTIFICATE: Final = custom("cert-manager.io", "Certificate")
VAULT: Final = tuple(
    custom("secrets.hashicorp.com", kind) for kind in ("VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret")
)
"""Kinds that make Secrets. They are read where they are there: a Secret without one has none that was found."""


@builds(
    SECRET_USES,
    reads=[*POD_KINDS, PUSH],
    also=[EXTERNAL, *STORES.values(), SEALED, CLASS, CERTIFICATE, *VAULT],
)
def secret_uses(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    volumes: pd.DataFrame,
    environment: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per Secret that a pod of the ePHI scope takes, in its environment, a volume, or to pull images."""
    managers = dict(_managers(snapshot))
    pushes = list(_pushes(snapshot))
    used = _used("Secret", pods, volumes, environment, ephi_workloads)
    inside = set(ephi_workloads["object"])
    for pod in pod_views(snapshot):
        if pod.workload in inside:
            for name in _more_secrets(pod):
                used[name].add(pod.workload)
    for name, users in used.items():
        manager = managers.get(name)
        row: dict[str, Any] = {"object": name, "used_by": " ".join(sorted(users))}
        if manager is not None:
            row |= {"manager": manager.object, "store": manager.store, "ready": manager.ready}
            row |= {"refreshed_at": manager.refreshed_at, "interval": manager.interval}
            row |= {"behind": manager.behind, "taken_from": manager.taken_from}
        mine = [(by, stores) for by, taken, stores in pushes if taken in (name, _any_of(name))]
        row["pushed_by"] = " ".join(sorted({by for by, _ in mine}))
        row["pushed_to"] = " ".join(sorted({store for _, stores in mine for store in stores}))
        yield row


def _more_secrets(pod: PodView) -> Iterator[str]:
    """Yield the Secrets of a pod that no column of its tables names: to pull images, and projected into volumes."""
    for each in items(pod.spec, "imagePullSecrets"):
        if name := text(each, "name"):
            yield reference("Secret", pod.namespace, name)
    yield from projected_secrets(pod)


def projected_secrets(pod: PodView) -> Iterator[str]:
    """Yield the Secrets of a pod that are parts of projected volumes.

    Source: https://kubernetes.io/docs/concepts/storage/projected-volumes/
    """
    for volume in items(pod.spec, "volumes"):
        for source in items(volume, "projected", "sources"):
            if name := text(source, "secret", "name"):
                yield reference("Secret", pod.namespace, name)


def _pushes(snapshot: Snapshot) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (PushSecret, the Secret that it copies, stores); one that selects by labels may copy any of its namespace.

    One that copies what a generator makes copies no Secret. Labels of Secrets, and of stores, are not read.
    Source: https://external-secrets.io/latest/api/pushsecret/
    """
    for record in snapshot.records(PUSH):
        spec = mapping(record.content, "spec")
        chosen = mapping(spec, "selector", "secret")
        if chosen:
            name = reference("Secret", record.namespace, text(chosen, "name"))
            yield record.object, name or f"Secret/{record.namespace}/*", list(_stores(spec, record.namespace))


def _stores(spec: Mapping[str, Any], namespace: str) -> Iterator[str]:
    for each in items(spec, "secretStoreRefs"):
        yield _store({**each, "name": text(each, "name") or "*"}, namespace)


def _store(named: Mapping[str, Any], namespace: str) -> str:
    """Return the store that a reference names, or none."""
    kind = text(named, "kind", default="SecretStore")
    return reference(kind, "" if kind.startswith("Cluster") else namespace, text(named, "name"))


def _any_of(name: str) -> str:
    """Return what stands for all objects of the namespace of one."""
    return f"{name.rpartition('/')[0]}/*"


def _managers(snapshot: Snapshot) -> Iterator[tuple[str, _Manager]]:
    """Yield (Secret, what makes it). A later kind of the list wins over an earlier one."""
    for record in snapshot.records(CERTIFICATE):
        yield from _made(record, ("spec", "secretName"), "cert_manager", "Ready")
    for kind in VAULT:
        for record in snapshot.records(kind):
            yield from _made(record, ("spec", "destination", "name"), "vault_operator", "SecretSynced")
    for record in snapshot.records(SEALED):
        yield from _made(record, ("spec", "template", "metadata", "name"), "sealed_secrets", "Synced")
    for record in snapshot.records(CLASS):
        for each in items(record.content, "spec", "secretObjects"):
            if name := text(each, "secretName"):
                # It is made when a pod mounts the class; that it is in step shows nowhere.
                yield reference("Secret", record.namespace, name), _Manager(record.object, "secrets_store", None)
    known = {
        record.object: behind(mapping(record.content, "spec", "provider"))
        for kind in STORES.values()
        for record in snapshot.records(kind)
    }
    for record in snapshot.records(EXTERNAL):
        found = {name: known.get(name) or _not_read(name, snapshot) for name in _sources(record)}
        worst = min(found.values(), key=BEHIND.index, default="unknown")
        taken_from = " ".join(sorted(name for name, lies in found.items() if lies == worst))
        for name, manager in _made(record, ("spec", "target", "name"), "external_secrets", "Ready"):
            yield name, manager._replace(behind=worst, taken_from=taken_from)


def _sources(record: Record) -> Iterator[str]:
    """Yield the stores and generators from which an ExternalSecret takes values.

    Source: https://external-secrets.io/latest/api/externalsecret/
    """
    spec = mapping(record.content, "spec")
    named = [mapping(spec, "secretStoreRef")]
    for each in (*items(spec, "data"), *items(spec, "dataFrom")):
        named += [mapping(each, "sourceRef", "storeRef"), mapping(each, "sourceRef", "generatorRef")]
    for each in named:
        if name := _store(each, record.namespace):
            yield name


def _not_read(name: str, snapshot: Snapshot) -> str:
    """Return what is known of a source that is not among the stores: whether it would be. Generators are not read."""
    kind, namespace, _ = name.split("/", 2)
    if kind not in STORES:
        return "unknown"
    return "missing" if snapshot.coverage.answer(STORES[kind], namespace).complete else "unseen"


def _made(record: Record, path: tuple[str, ...], store: str, ready: str) -> Iterator[tuple[str, _Manager]]:
    """Yield the Secret that an object makes: the one that it names, else the one of its own name.

    Sources: https://external-secrets.io/latest/api/spec/, https://github.com/bitnami-labs/sealed-secrets,
    https://developer.hashicorp.com/vault/docs/deploy/kubernetes/vso/api-reference,
    https://cert-manager.io/docs/reference/api-docs/.
    """
    content: Mapping[str, Any] = record.content
    status = mapping(content, "status")
    manager = _Manager(
        record.object,
        store,
        condition(content, ready),
        text(status, "refreshTime"),
        text(content, "spec", "refreshInterval"),
    )
    yield reference("Secret", record.namespace, text(content, *path) or record.name), manager
