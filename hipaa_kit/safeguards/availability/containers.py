"""Containers: probes, resources, and where data stores keep their data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.pods import selectable
from hipaa_kit.kube.datastores import covers, data_paths
from hipaa_kit.kube.encryption.drivers import NODE_KEYS, on_one_node
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, reviews
from hipaa_kit.tables.declaration import rows_by

CLAIM = "persistentVolumeClaim"
PERSISTENT = (CLAIM, "nfs", "cephfs", "rbd", "iscsi", "fc")
"""Volumes that outlive pod and node."""

HOMES = ("local", "unsettled", "shared")
"""Where data on a claim lies, what counts first before the rest: on one node, nothing says where, beside the nodes."""

INLINE = "csi"
"""Volume that a pod itself asks a driver for: most go with the pod, some lead to a share that stays.

Source: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#csi-ephemeral-volumes
"""


@check("HK-AVL-04")
def serving_containers_probed(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    probes: pd.DataFrame,
    service_targets: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every container of an ePHI workload that a Service leads to by its readiness probe.

    Parameters
    ----------
    ephi_workloads, pods, containers, probes, service_targets : tables of those names

    Returns
    -------
    table `judgements`, one row per serving container

    Notes
    -----
    A target port that no container declares is served by the only main container, where there is only
    one; among several a person has to say which. A missing liveness probe is no failure.
    """
    running = containers[containers["role"].isin(["main", "sidecar"])]
    mains = running[running["role"] == "main"].groupby("pod")["container"].agg(list)
    served = service_targets.merge(ephi_pods(ephi_workloads, pods), on="pod")
    only = served["pod"].map(mains).map(lambda names: names[0] if isinstance(names, list) and len(names) == 1 else "")
    served = served.assign(container=served["container"].where(served["container"] != "", only))
    readiness = probes[probes["probe"] == "readiness"]
    ready = set(zip(readiness["pod"], readiness["container"], strict=True))
    examined = served.drop_duplicates(["pod", "container"]).reset_index(drop=True)
    pairs = list(zip(examined["pod"], examined["container"], strict=True))
    examined = examined.assign(
        member=[f"{pod}/{container}" if container else pod for pod, container in pairs],
        probed=pd.Series([pair in ready for pair in pairs], index=examined.index, dtype=bool),
        port=examined["target_port"],
    )
    return judge(
        examined,
        reviews(examined["container"] == "", "which container of {pod} serves port {port}? None declares it"),
        fails(
            ~examined["probed"] & (examined["container"] != ""),
            "{service} sends traffic to container {container}, which has no readiness probe",
            path="$.spec.template.spec.containers[?(@.name=='{container}')].readinessProbe",
            observed="none",
            expected="a readiness probe",
        ),
        member="member",
        evidence="service",
        passes="container {container} has a readiness probe",
    )


@check("HK-AVL-05")
def resources_requested(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, limit_ranges: pd.DataFrame
) -> pd.DataFrame:
    """Judge every container of an ePHI workload by the memory it asks for.

    Parameters
    ----------
    ephi_workloads, pods, containers, limit_ranges : tables of those names

    Returns
    -------
    table `judgements`, one row per container

    Notes
    -----
    A LimitRange gives its default to containers that ask for nothing when their pod is admitted: a
    live pod shows it, a template does not yet. A request of nothing is none. What a pod asks for as a whole, its
    containers share.
    Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification
    """
    defaults = limit_ranges[(limit_ranges["default_request"] > 0).fillna(False)]
    defaults = defaults[(defaults["type"] == "Container") & (defaults["resource"] == "memory")]
    given = defaults["namespace"]
    examined = containers[containers["role"].isin(["main", "sidecar"])].merge(ephi_pods(ephi_workloads, pods), on="pod")
    examined = examined.assign(member=examined["pod"] + "/" + examined["container"])
    supplied = ~examined["live"] & examined["namespace"].isin(given)
    whole = pods[(pods["request_memory_bytes"] > 0).fillna(False)]["object"]
    asks = (examined["request_memory_bytes"] > 0).fillna(False) | examined["pod"].isin(whole)
    bare = ~asks & ~supplied
    return judge(
        examined,
        fails(
            bare & (examined["qos_class"] == "BestEffort"),
            "container {container} asks for nothing: its pod is BestEffort and is evicted first",
            observed="BestEffort",
            expected="Burstable or Guaranteed",
            rests_on=["limit_ranges"],
        ),
        fails(
            bare,
            "container {container} asks for no memory",
            path="$.spec.template.spec.containers[?(@.name=='{container}')].resources.requests.memory",
            observed="none",
            expected="a request",
            rests_on=["limit_ranges"],
        ),
        member="member",
        passes="container {container} asks for memory, by itself, by its pod or by a LimitRange",
    )


@check("HK-AVL-06")
def data_on_persistent_storage(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    volumes: pd.DataFrame,
    volume_mounts: pd.DataFrame,
    claims: pd.DataFrame,
    claim_templates: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
    volume_topology: pd.DataFrame,
    storage_classes: pd.DataFrame,
) -> pd.DataFrame:
    """Judge ePHI data stores by what their data folder is mounted from, and bare ePHI pods.

    Parameters
    ----------
    ephi_workloads, pods, containers, volumes, volume_mounts, claims, claim_templates, persistent_volumes, \
    volume_topology, storage_classes : tables of those names

    Returns
    -------
    table `judgements`, one row per container with an image that keeps data, and one per bare pod

    Notes
    -----
    The folder is where the image keeps its data unless it is told otherwise. Where nothing is mounted
    there but a claim is mounted elsewhere, a person has to say which one holds the data. What is mounted deepest holds
    a folder; where an image has several, and one of them is on what goes with the pod, a person has to say which one
    it uses. A claim without a volume is judged by the class that will make one, and so is the claim that a template of
    a StatefulSet without pods will make; where no class is there, or the claim is not, nothing says where the data will
    lie. A pod that has ended is not to come back, and is no bare one. A program that has no time to end writes nothing
    more before it is killed.
    Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
    """
    stores = containers[containers["role"] != "init"].merge(ephi_pods(ephi_workloads, pods), on="pod")
    stores = stores[stores["repository"].map(lambda name: bool(data_paths(name))).astype(bool)]
    named = "claim template " + claim_templates["volume"] + " of " + claim_templates["workload"]
    templates = claim_templates.assign(template=named.astype("str"))
    mounts = _mounted(volume_mounts, volumes, pods, templates)
    homes = _homes(claims, templates, persistent_volumes, volume_topology, storage_classes)
    by_container = rows_by(mounts, "pod", "container")
    found = [
        _where(data_paths(repository), by_container.get((pod, container), []), homes)
        for pod, container, repository in stores[["pod", "container", "repository"]].itertuples(index=False)
    ]
    of_stores = stores[["object", "pod", "container"]].assign(
        member=stores["pod"] + "/" + stores["container"],
        standing=[standing for standing, _ in found],
        place=[place for _, place in found],
    )
    alone = (pods["workload"] == pods["object"]) & ~pods["static"]
    bare = selectable(pods[alone & pods["workload"].isin(ephi_workloads["object"])])
    of_pods = pd.DataFrame(
        {"object": bare["workload"], "pod": bare["object"], "member": bare["object"], "standing": "bare", "place": ""}
    )
    examined = pd.concat([of_stores, of_pods], ignore_index=True).fillna({"container": ""})
    standing = examined["standing"]
    return judge(
        examined,
        fails(standing == "bare", "a bare pod: no controller makes it again when its node is lost"),
        fails(
            standing == "passing",
            "container {container} keeps its data on {place}, which goes with the pod or node",
            observed="{place}",
            expected="a PersistentVolumeClaim",
        ),
        fails(
            standing == "unmounted",
            "container {container} keeps its data in its own file system, at {place}",
            observed="no mount",
            expected="a PersistentVolumeClaim",
        ),
        reviews(
            standing == "elsewhere",
            "does {place} hold the data of container {container}? Nothing is mounted at its usual place",
        ),
        reviews(
            standing == "inline",
            "does the data of container {container} outlive its pod? At {place} is a volume that the pod asks a driver "
            "for",
        ),
        reviews(
            standing == "either",
            "which folder does container {container} keep its data in? One is on {place}, another goes with the pod",
        ),
        reviews(
            examined["pod"].isin(pods[pods["grace_seconds"] == 0]["object"]),
            "can container {container} lose what it has not written? Its pod has no time to end before it is killed",
            path="$.spec.template.spec.terminationGracePeriodSeconds",
            observed="0 seconds",
        ),
        reviews(
            standing == "unsettled",
            "what will hold the data of container {container}? Nothing that was read says what is behind {place}",
            rests_on=["claims", "persistent_volumes", "storage_classes"],
        ),
        reviews(standing == "local", "is it meant that {place} binds the data of container {container} to one node?"),
        member="member",
        passes="container {container} keeps its data on {place}",
    )


def _mounted(
    volume_mounts: pd.DataFrame, volumes: pd.DataFrame, pods: pd.DataFrame, templates: pd.DataFrame
) -> pd.DataFrame:
    """Return what is mounted where; a claim that is still to be made goes by the name of its template."""
    workloads = pods[["object", "workload"]].rename(columns={"object": "pod"})
    mounts = volume_mounts.merge(volumes, on=["pod", "volume"], how="left").merge(workloads, on="pod", how="left")
    mounts = mounts.merge(templates, on=["workload", "volume"], how="left")
    mounts = mounts.fillna({"type": "", "reference": "", "template": ""})
    made_later = mounts["type"].eq(CLAIM) & mounts["reference"].eq("")
    return mounts.assign(reference=mounts["reference"].mask(made_later, mounts["template"]))


def _homes(
    claims: pd.DataFrame,
    templates: pd.DataFrame,
    volumes: pd.DataFrame,
    topology: pd.DataFrame,
    classes: pd.DataFrame,
) -> dict[str, str]:
    """Return where claims have their data: `local` to one node, or `shared`; without those of which nothing says so.

    What counts is the source or driver of the volume, and the nodes that it is bound to. A claim without a volume, or
    one that a template will make, is judged by the class that will make the volume.
    """
    kept = {
        name: "local" if on_one_node(kind, driver) else "shared"
        for name, kind, driver in volumes[["object", "type", "driver"]].itertuples(index=False)
    }
    kept |= dict.fromkeys(_bound_to_one(topology), "local")
    making = {
        name: "local" if on_one_node("", provisioner) else "shared"
        for name, provisioner in classes[["name", "provisioner"]].itertuples(index=False)
    }
    # There are several where nothing says which is the newest: the more careful is taken.
    default = min((making[name] for name in classes.loc[classes["default"], "name"]), default=None)
    waiting = ["storage_class", "takes_default"]
    homes = {
        claim: kept.get(volume) if volume else default if given else making.get(named)
        for claim, volume, named, given in claims[["object", "persistent_volume", *waiting]].itertuples(index=False)
    }
    homes |= {
        name: default if given else making.get(named)
        for name, named, given in templates[["template", *waiting]].itertuples(index=False)
    }
    return {claim: home for claim, home in homes.items() if home}


def _bound_to_one(topology: pd.DataFrame) -> set[str]:
    """Return the volumes each of whose terms names the same one node."""
    by_node = topology[topology["key"].str.endswith(NODE_KEYS) & topology["operator"].eq("In")]
    one = by_node.groupby("persistent_volume")["value"].nunique().eq(1)
    named = by_node.groupby("persistent_volume")["term"].nunique()
    terms = topology.groupby("persistent_volume")["term"].nunique()
    return {name for name in one[one].index if named[name] == terms[name]}


def _where(paths: tuple[str, ...], mounts: list[dict[str, Any]], homes: Mapping[str, str]) -> tuple[str, str]:
    """Return how a container's data folder stands, and what it is on."""
    deepest = [row for path in paths if (row := _deepest(mounts, path))]
    kept = [row for row in deepest if row["type"] in PERSISTENT]
    inline = [row for row in deepest if row["type"] == INLINE]
    if kept:
        places = [(_called(row), _home(row, homes)) for row in kept]
        if len(kept) < len(deepest):
            return "either", places[0][0]
        place, home = min(places, key=lambda each: HOMES.index(each[1]))
        return home, place
    if inline:
        return "inline", inline[0]["mount_path"]
    if deepest:
        return "passing", f"{deepest[0]['type']} at {deepest[0]['mount_path']}"
    elsewhere = [row for row in mounts if row["type"] in PERSISTENT and not row["read_only"]]
    if elsewhere:
        first = min(elsewhere, key=lambda row: row["mount_path"])
        return "elsewhere", str(first["reference"] or first["mount_path"])
    return "unmounted", paths[0]


def _called(row: Mapping[str, Any]) -> str:
    """Return what a volume that outlives its pod is called."""
    return row["reference"] or f"a volume of type {row['type']}"


def _home(row: Mapping[str, Any], homes: Mapping[str, str]) -> str:
    """Return where the data of a volume that outlives its pod lies."""
    return homes.get(row["reference"], "unsettled") if row["type"] == CLAIM else "shared"


def _deepest(mounts: list[dict[str, Any]], path: str) -> dict[str, Any] | None:
    """Return the mount that holds a folder: of those at it or above it the deepest."""
    covering = [row for row in mounts if covers(row["mount_path"], path)]
    return max(covering, key=lambda row: (len(row["mount_path"].rstrip("/")), row["mount_path"]), default=None)
