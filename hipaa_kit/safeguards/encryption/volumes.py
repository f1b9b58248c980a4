"""Volumes with ePHI: encrypted as they were made, on the way to them, and on the disks of nodes."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.encryption.ceph import is_rook
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, to_give

SYSTEM_PATHS = (
    "/dev",
    "/etc/localtime",
    "/etc/ssl",
    "/etc/pki",
    "/lib/modules",
    "/proc",
    "/sys",
    "/usr/share/zoneinfo",
)
"""Paths of a node that hold its own system, and no data of workloads; only where they are mounted read-only."""


def _named(volumes: pd.DataFrame) -> pd.DataFrame:
    """Return volumes with words for what is judged, and where its key lives."""
    made = volumes["made_by"].map({"to_be_made": "it is not made yet: "}).fillna("")
    what = ("volume " + volumes["volume"]).where(volumes["volume"] != "", "it")
    driver = volumes["driver"].where(volumes["driver"] != "", volumes["type"])
    return volumes.assign(what=what, words=made + volumes["basis"], kind=driver.where(driver != "", "no driver"))


@check("HK-ENC-04", optional=["stored_resources"])
def volumes_encrypted(
    ephi_volumes: pd.DataFrame, api_data_sources: pd.DataFrame, stored_resources: pd.DataFrame
) -> pd.DataFrame:
    """Judge every volume with ePHI by whether it was made encrypted, and by where its key lives.

    Parameters
    ----------
    ephi_volumes, api_data_sources, stored_resources : tables of those names

    Returns
    -------
    table `judgements`, one row per claim and per volume without one

    Notes
    -----
    A key in a Secret of the same cluster is apart from the data only where a key service outside encrypts etcd.
    Where the driver of Ceph leaves a volume plain, what its CephCluster asks of the devices below decides between a
    failure and a question. One of Rook that was not found may be there where not all were read; no pass rests on them.
    Folders and disks of nodes are judged by HK-ENC-05 and HK-ENC-07 where a pod names them itself.
    """
    examined = _named(ephi_volumes[(ephi_volumes["volume"] == "") | (ephi_volumes["type"] != "hostPath")])
    shown = (examined["persistent_volume"] + " " + examined["ceph_clusters"]).str.strip()
    examined = examined.assign(shown=shown)
    state, place = examined["state"], examined["place"]
    lost = examined["driver"].map(is_rook).astype(bool) & (examined["ceph_clusters"] == "")
    outside = _key_service_outside(api_data_sources, stored_resources)
    encrypted = state == "encrypted"
    plain, expected = "{what} ({kind}) is not encrypted: {words}", "a volume that its driver encrypts"
    return judge(
        examined,
        fails(
            (state == "plain") & lost,
            plain,
            observed="{parameter}={value}",
            expected=expected,
            rests_on=["ceph_clusters"],
        ),
        fails(state == "plain", plain, observed="{parameter}={value}", expected=expected),
        not_assessed(
            (state == "unknown") & (examined["source"] != ""),
            f"whether {{what}} ({{kind}}) is encrypted is not known: {{words}}; {to_give('cloud_volumes')}",
            code="input_missing",
        ),
        not_applicable(examined["made_by"] == "no_class", "{basis}"),
        not_assessed(
            (state == "unknown") & (examined["source"] == ""),
            "whether {what} ({kind}) is encrypted is not known: {words}",
            code="unsupported_dialect",
        ),
        reviews(state == "unseen", "is {what} ({kind}) encrypted? Nothing in the cluster shows it: {words}"),
        reviews(
            encrypted & (place == "cluster") & (not outside),
            "is the key far enough? {what} ({kind}) is encrypted, with a key in the same cluster: {key}",
        ),
        reviews(
            encrypted & ~place.isin(["external", "cluster"]),
            "where is its key? {what} ({kind}) is encrypted, and where {key} lives is not known",
        ),
        member="volume",
        evidence="shown",
        observed="{parameter}={value}",
        passes="{what} ({kind}) is encrypted: {words}",
    )


def _key_service_outside(sources: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Tell whether every Secret is written to etcd with a key that a service outside of the cluster keeps.

    Notes
    -----
    Each API server writes by its own file: that of one says nothing of another.
    """
    secrets = stored[stored["resource"] == "secrets"]
    given = set(secrets["node"])
    files = bool((secrets["place"].eq("external") & secrets["refused"].eq("")).all())
    by_file = sources["provider"].eq("") & (sources["node"].isin(given) | ("" in given)) & files
    outside = sources["state"].eq("encrypted") & (sources["place"].eq("external") | by_file)
    return len(sources) > 0 and bool(outside.all())


@check("HK-ENC-05")
def ways_to_storage_encrypted(ephi_volumes: pd.DataFrame, ephi_workloads: pd.DataFrame) -> pd.DataFrame:
    """Judge every volume that is no attached disk by the way to it, and every folder of a node by itself.

    Parameters
    ----------
    ephi_volumes, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per network file system, folder or disk of a node, or volume of an old plugin, and one
    per workload that names none itself

    Notes
    -----
    Source: nfs(5) for `xprtsec`, mount.cifs(8) for `seal`, the documentation of the driver for EFS.
    """
    found = _named(ephi_volumes[ephi_volumes["network"]])
    without = ephi_workloads[~ephi_workloads["object"].isin(found["object"])]
    nothing = dict.fromkeys(found.columns, "") | {"network": False, "read_only": False, "way": "attached"}
    named = "it names no folder or disk of a node, and nothing that comes over the network"
    rest = pd.DataFrame([nothing | {"object": name, "said": named} for name in without["object"]])
    told = found["what"] + " (" + found["kind"] + "): " + found["way_basis"]
    examined = pd.concat([found.assign(said=told), rest], ignore_index=True)
    kind, way = examined["type"], examined["way"]
    system = examined["read_only"] & examined["host_path"].map(_is_system).astype(bool)
    folder = kind.isin(["hostPath", "local"])
    return judge(
        examined,
        fails(
            way == "plain",
            "data go to {what} ({kind}) in the clear: {way_basis}",
            observed="{way_basis}",
            expected="TLS",
        ),
        fails(
            folder & ~examined["read_only"],
            "{what} is {type} on a node: what is written there is as safe as the node's disk",
            observed="{type} {host_path}",
            expected="a volume of an encrypted class",
        ),
        reviews(
            folder & examined["read_only"] & ~system, "does {host_path} hold ePHI? {what} reads it from the node's disk"
        ),
        reviews(
            ~folder
            & examined["network"].astype(bool)
            & way.isin(["unseen", "attached"])
            & (examined["state"] != "encrypted"),
            "is the way to {what} ({kind}) encrypted, and is it at rest? {way_basis}; {basis}",
        ),
        reviews(
            ~folder & (way == "unseen") & (examined["state"] == "encrypted"),
            "is the way to {what} ({kind}) encrypted? {way_basis}",
        ),
        member="volume",
        evidence="persistent_volume",
        passes="{said}",
    )


def _is_system(path: str) -> bool:
    return any(f"{path}/".startswith(f"{each}/") for each in SYSTEM_PATHS) if path else False


@check("HK-ENC-07")
def node_disks_encrypted(node_disks: pd.DataFrame) -> pd.DataFrame:
    """Judge every node that runs pods with ePHI by whether its disks are encrypted.

    Parameters
    ----------
    node_disks : table of that name

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    What a pod writes outside of its volumes, in an emptyDir and to its log, lies on the node's disk.
    Source: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/
    """
    state = node_disks["state"]
    command = to_give("node_filesystems", "cloud_volumes")
    return judge(
        node_disks,
        fails(
            state == "plain",
            "{basis}; {pods:pod} with ePHI {pods:runs|run} on it",
            observed="{basis}",
            expected="encrypted disks",
        ),
        reviews(state == "unseen", "is the disk below encrypted? {basis}; {pods:pod} with ePHI {pods:runs|run} on it"),
        not_assessed(state == "unknown", f"{{basis}}; {command}", code="input_missing"),
        passes="{basis}",
        observed="{mechanism}",
    )
