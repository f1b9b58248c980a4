"""Every volume that holds ePHI: how it was made, whether it is encrypted, and how data reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import items, mapping, reference, string_map, text, texts, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.storage import CLAIM, class_of, default_classes, same_disk
from hipaa_kit.inventory.workloads import gather
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.encryption.ceph import CephCluster, below, ceph_cluster
from hipaa_kit.kube.encryption.drivers import BELOW, OTHER_SOURCES, driver_of_source
from hipaa_kit.kube.encryption.volumes import AtRest, Facts, Volume, at_rest, on_the_way, over_network
from hipaa_kit.kube.facts import KMS_KINDS
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.encryption import CEPH_CLUSTERS, EPHI_VOLUMES

CEPH_CLUSTER: Final = custom("ceph.rook.io", "CephCluster")

MADE_BY: Final = "pv.kubernetes.io/provisioned-by"
"""Annotation of a volume that was made for a claim; one that a person declared has none."""

DRIVER_ANNOTATIONS: Final[tuple[str, ...]] = ("px/secure", "px/secret-name")

NO_DATA: Final = frozenset({"secrets-store.csi.k8s.io", "csi.cert-manager.io", "csi.spiffe.io"})
"""Drivers whose volumes in a pod hold certificates and Secrets, made for that pod."""

SHARED: Final = "ReadWriteMany"
PLAIN_SOURCES: Final = frozenset({"nodeAffinity", "claimRef", "capacity", "accessModes", "mountOptions"})


@builds(CEPH_CLUSTERS, reads=[CEPH_CLUSTER])
def ceph_clusters(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per CephCluster."""
    for each in _ceph_clusters(snapshot):
        yield each._asdict()


def _ceph_clusters(snapshot: Snapshot) -> Iterator[CephCluster]:
    for record in snapshot.records(CEPH_CLUSTER):
        yield ceph_cluster(record.object, record.namespace, record.content)


@dataclass(frozen=True)
class _Known:
    """Objects that volumes are joined with."""

    volumes: Mapping[str, Record]
    classes: Mapping[str, Record]
    default: str | None
    facts: Mapping[str, Facts]
    kms: Mapping[str, str]
    ceph: tuple[CephCluster, ...]
    kept_in: Mapping[str, str]

    def class_for(self, asked: str | None) -> str | None:
        """Return the class of a claim: the one that it asks for, else the default; None where that is not known."""
        return self.default if asked is None else asked


@dataclass(frozen=True)
class _Found:
    """A volume that is judged: what is known of it, and what the row says beside."""

    volume: Volume
    made_by: str
    more: dict[str, Any] = field(default_factory=dict)


@builds(
    EPHI_VOLUMES,
    reads=[*POD_KINDS, kinds.PERSISTENT_VOLUME, kinds.PERSISTENT_VOLUME_CLAIM, kinds.STORAGE_CLASS],
    also=[kinds.CONFIG_MAP, CEPH_CLUSTER],
    optional=["cloud_volumes", "key_register"],
    facts=[KMS_KINDS],
)
def ephi_volumes(
    snapshot: Snapshot,
    ephi_objects: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    claims: pd.DataFrame,
    claim_templates: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
    cloud_volumes: pd.DataFrame,
    key_register: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per claim in the ePHI scope, and per volume without a claim that a pod of the scope mounts.

    A volume is judged as it was made: by its own attributes, by the class that made it, or by what its provider
    says. A class that is younger than the volume did not make it; a volume that a person declared was made by none.
    A claim anywhere that is bound to the disk of a claim in the scope holds the same ePHI.
    """
    known = _known(snapshot, cloud_volumes, key_register)
    found_claims = {record.object: record for record in snapshot.records(kinds.PERSISTENT_VOLUME_CLAIM)}
    inside = set(ephi_workloads["object"])
    wanted = {name for name in ephi_objects["object"] if name.startswith("PersistentVolumeClaim/")}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for pod in pod_views(snapshot):
        if pod.workload in inside:
            wanted |= _claims_of(pod)
            for name, found in _without_claim(pod, known):
                row = _row(pod.workload, name, found, known)
                rows[pod.workload, name] = _together(rows.get((pod.workload, name)), row)
    with_pods = {workload.object for workload in gather(snapshot).values() if workload.pods}
    for row in rows_of(claim_templates[claim_templates["workload"].isin(inside - with_pods)]):
        asked = known.default if row["takes_default"] else row["storage_class"]
        rows[row["workload"], row["volume"]] = _row(row["workload"], row["volume"], _to_be_made(asked, known), known)
    shared = same_disk(claims, persistent_volumes)
    wanted |= set(shared[shared["other"].isin(wanted)]["claim"])
    for name in sorted(wanted):
        rows[name, ""] = _row(name, "", _claimed(found_claims.get(name), known), known)
    yield from rows.values()


def _known(snapshot: Snapshot, cloud_volumes: pd.DataFrame, key_register: pd.DataFrame) -> _Known:
    classes = {record.name: record for record in snapshot.records(kinds.STORAGE_CLASS)}
    defaults = default_classes(snapshot)
    kms: dict[str, str] = {}
    for record in snapshot.records(kinds.CONFIG_MAP):
        kms.update(record.facts.get(KMS_KINDS, {}))
    columns = ["name", "encrypted", "key"]
    return _Known(
        volumes={record.name: record for record in snapshot.records(kinds.PERSISTENT_VOLUME)},
        classes=classes,
        default=next(iter(defaults), "") if len(defaults) < 2 else None,
        facts={
            name: Facts(None if pd.isna(encrypted) else bool(encrypted), key)
            for name, encrypted, key in cloud_volumes[columns].itertuples(index=False)
        },
        kms=kms,
        ceph=tuple(_ceph_clusters(snapshot)),
        kept_in=dict(zip(key_register["key"], key_register["kept_in"], strict=True)),
    )


def _row(name: str, volume: str, found: _Found, known: _Known) -> dict[str, Any]:
    rest, ceph = below(found.volume, at_rest(found.volume, known.kms), known.ceph)
    way, way_basis = on_the_way(found.volume, rest)
    return {
        "object": name,
        "volume": volume,
        "type": found.volume.source,
        "driver": found.volume.driver,
        "made_by": found.made_by,
        "state": rest.state,
        "parameter": rest.parameter,
        "value": rest.value,
        "key": rest.key,
        "key_kind": rest.key_kind,
        "place": _place(rest, known),
        "way": way,
        "way_basis": way_basis,
        "network": over_network(found.volume),
        "basis": _basis(found, rest),
        "source": rest.source,
        "ceph_clusters": " ".join(each.object for each in ceph),
        **found.more,
    }


def _basis(found: _Found, rest: AtRest) -> str:
    if found.made_by == "nothing":
        return "the claim, or the volume that it is bound to, is not in the snapshot"
    if found.made_by == "no_class":
        return "nothing is stored: it is not made, and the class that would make it is not there"
    if found.made_by == "class_unknown":
        return "nothing is stored: it is not made, and which of several default classes would make it is not known"
    if found.made_by == "class_replaced" and rest.state == "unknown":
        return f"{rest.basis}: the one of that name is younger"
    if found.made_by == "declared" and rest.state == "unknown":
        return f"{rest.basis}: a person declared the volume"
    return rest.basis


def _place(rest: AtRest, known: _Known) -> str:
    """Return where the key lives; the register answers where nothing else does, and never makes it farther."""
    kept = known.kept_in.get(rest.key, "")
    if rest.place == "unknown" and kept:
        return kept
    return "cluster" if kept == "cluster" and rest.place == "external" else rest.place


def _together(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Return one row for the same volume of several pods of a workload: read-only where it is in all of them."""
    return second if first is None else {**second, "read_only": first["read_only"] and second["read_only"]}


def _claims_of(pod: PodView) -> set[str]:
    found = set()
    for each in items(pod.spec, "volumes"):
        name = text(each, CLAIM, "claimName")
        if mapping(each, "ephemeral"):
            name = f"{pod.name}-{text(each, 'name')}" if pod.live else ""
        if name:
            found.add(reference("PersistentVolumeClaim", pod.namespace, name))
    return found


def _without_claim(pod: PodView, known: _Known) -> Iterator[tuple[str, _Found]]:
    """Yield the volumes of a pod that name their storage themselves; a socket stores nothing."""
    for each in items(pod.spec, "volumes"):
        source = next((str(key) for key in sorted(each) if isinstance(each[key], Mapping)), "")
        held = mapping(each, source)
        name = text(each, "name")
        more: dict[str, Any] = {"read_only": _read_only(pod, name, held)}
        if source == "ephemeral" and not pod.live:
            asked = class_of(mapping(held, "volumeClaimTemplate"))
            yield name, _to_be_made(known.class_for(asked), known, **more)
        elif source == "csi" and text(held, "driver") not in NO_DATA:
            volume = Volume(text(held, "driver"), "csi", string_map(held, "volumeAttributes"), parameters={})
            yield name, _Found(volume, "volume", more)
        elif source == "hostPath" and (text(held, "type") == "Socket" or text(held, "path").endswith(".sock")):
            continue
        elif source in BELOW or source in OTHER_SOURCES or driver_of_source(source) is not None:
            more["host_path"] = text(held, "path") if source == "hostPath" else ""
            facts = known.facts.get(_handle(source, held))
            yield name, _Found(Volume("", source, options=_options(held), facts=facts), "declared", more)


def _read_only(pod: PodView, volume: str, source: Mapping[str, Any]) -> bool:
    """Tell whether every container that mounts a volume does so read-only."""
    containers = [each for key in ("containers", "initContainers") for each in items(pod.spec, key)]
    mounts = [each for container in containers for each in items(container, "volumeMounts")]
    own = [truth(each, "readOnly") or False for each in mounts if text(each, "name") == volume]
    return bool(truth(source, "readOnly")) or (bool(own) and all(own))


def _claimed(claim: Record | None, known: _Known) -> _Found:
    """Return the volume behind a claim."""
    if claim is None:
        return _Found(Volume("", ""), "nothing")
    annotations = string_map(claim.content, "metadata", "annotations")
    spec = mapping(claim.content, "spec")
    asked = class_of(claim.content)
    kept = {name: annotations[name] for name in DRIVER_ANNOTATIONS if name in annotations}
    volume = known.volumes.get(text(spec, "volumeName"))
    if volume is not None:
        # A claim that is bound is given no default: its volume names the class that made it.
        made_of = text(volume.content, "spec", "storageClassName") if asked is None else asked
        found = _made(volume, made_of, kept, known)
    elif text(spec, "volumeName"):
        # It is made, but was not read: what its class is today proves nothing.
        return _Found(Volume("", ""), "nothing", {"storage_class": asked or ""})
    else:
        found = _to_be_made(known.class_for(asked), known, annotations=kept)
    copied = bool(mapping(spec, "dataSource") or mapping(spec, "dataSourceRef"))
    made = mapping(volume.content, "spec") if volume is not None else {}
    shared = SHARED in (*texts(spec, "accessModes"), *texts(made, "accessModes"))
    return replace(found, volume=found.volume._replace(copied=copied, shared=shared))


def _to_be_made(
    storage_class: str | None, known: _Known, annotations: Mapping[str, str] | None = None, **more: Any
) -> _Found:
    """Return what a class would make."""
    if storage_class is None:
        return _Found(Volume("", ""), "class_unknown", more)
    record = known.classes.get(storage_class)
    about = {"storage_class": storage_class, **more}
    if record is None:
        return _Found(Volume("", ""), "no_class", about)
    volume = Volume(
        text(record.content, "provisioner"),
        "",
        parameters=string_map(record.content, "parameters"),
        annotations=annotations or {},
        options=tuple(texts(record.content, "mountOptions")),
    )
    return _Found(volume, "to_be_made", about)


def _made(record: Record, storage_class: str, annotations: Mapping[str, str], known: _Known) -> _Found:
    """Return a volume that is there, with the parameters of its class where that made it."""
    spec = mapping(record.content, "spec")
    sources = sorted(str(key) for key in spec if key not in PLAIN_SOURCES and isinstance(spec[key], Mapping))
    source = sources[0] if sources else ""
    held = mapping(spec, source)
    parameters, made_by = _parameters(record, storage_class, known)
    secrets = [mapping(held, name) for name in ("nodeStageSecretRef", "nodePublishSecretRef")]
    secret = next((each for each in secrets if text(each, "name")), {})
    volume = Volume(
        text(held, "driver") if source == "csi" else "",
        source,
        string_map(held, "volumeAttributes"),
        parameters,
        annotations,
        reference("Secret", text(secret, "namespace"), text(secret, "name")),
        tuple(texts(spec, "mountOptions")),
        known.facts.get(_handle(source, held)),
    )
    about = {"storage_class": storage_class, "persistent_volume": object_id("PersistentVolume", "", record.name)}
    return _Found(volume, made_by, {**about, "host_path": text(held, "path") if source in BELOW else ""})


def _parameters(record: Record, storage_class: str, known: _Known) -> tuple[Mapping[str, str] | None, str]:
    """Return the parameters that made a volume, None where they are not known, and what says so."""
    if MADE_BY not in string_map(record.content, "metadata", "annotations"):
        return None, "declared"
    made = known.classes.get(storage_class)
    if made is None:
        return None, "volume"
    then, now = (text(each.content, "metadata", "creationTimestamp") for each in (record, made))
    if not then or not now or now > then:
        return None, "class_replaced"
    return string_map(made.content, "parameters"), "class"


def _options(held: Mapping[str, Any]) -> tuple[str, ...]:
    option = text(held, "mountOptions")
    return (option,) if option else ()


def _handle(source: str, held: Mapping[str, Any]) -> str:
    """Return the name by which the provider knows a volume."""
    handle = text(held, "volumeHandle") or text(held, "volumeID") or text(held, "diskURI")
    if source == "awsElasticBlockStore":
        return handle.rpartition("/")[2]
    if "/microsoft.compute/disks/" in handle.lower():
        return handle.lower()
    # An access point of EFS is written behind its file system: fs-1::fsap-2, fs-1:/path.
    return handle.partition(":")[0] if handle.startswith("fs-") else handle
