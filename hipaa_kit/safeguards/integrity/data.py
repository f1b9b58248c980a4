"""Data of ePHI: volumes and databases that find out when what they hold was altered."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.datastores import data_paths
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews


@check("HK-INT-05")
def volumes_checked(ephi_objects: pd.DataFrame, claims: pd.DataFrame, volume_integrity: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI claim by what is known to check the data of its volume.

    Parameters
    ----------
    ephi_objects, claims, volume_integrity : tables of those names

    Returns
    -------
    table `judgements`, one row per claim

    Notes
    -----
    Only what is written down counts: the integrity mode of a volume of Ceph, the hashing of snapshots of a Longhorn
    volume. Most storage checks its blocks by itself, which nothing in the cluster shows; a person attests it.
    """
    held = claims[claims["object"].isin(ephi_objects["object"])]
    known = volume_integrity.rename(columns={"object": "persistent_volume"})
    examined = held[["object", "persistent_volume"]].merge(known, on="persistent_volume", how="left")
    examined = examined.fillna({"driver": "", "state": "", "field": "", "value": ""})
    bound = examined["persistent_volume"] != ""
    return judge(
        examined,
        not_assessed(~bound, "the claim is bound to no volume", code="input_missing"),
        not_assessed(
            bound & (examined["state"] == ""), "{persistent_volume} is not in the snapshot", code="input_missing"
        ),
        reviews(
            bound & (examined["state"] == "off"),
            "what finds out that data of {persistent_volume} were altered? {field} is {value}",
            observed="{value}",
        ),
        reviews(
            bound & (examined["state"] == "unknown"),
            "what finds out that data of {persistent_volume} were altered? Nothing that {driver} writes down shows it",
            observed="{value}",
        ),
        evidence="persistent_volume",
        path="$.{field}",
        observed="{value}",
        passes="{persistent_volume} is checked: {field} is {value}",
    )


@check("HK-INT-06")
def databases_checksummed(
    ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame, database_checksums: pd.DataFrame
) -> pd.DataFrame:
    """Judge every ePHI database by whether it keeps checksums of what it stores.

    Parameters
    ----------
    ephi_workloads, pods, containers, database_checksums : tables of those names

    Returns
    -------
    table `judgements`, one row per database of an operator, and one per other workload with an image that keeps data

    Notes
    -----
    A database that was restored or copied has checksums where its origin had them.
    """
    inside = set(ephi_workloads["object"])
    run = database_checksums["workloads"].map(lambda names: bool(inside & set(names.split()))).astype(bool)
    kept = database_checksums[run]
    known = {name for names in kept["workloads"] for name in names.split()}
    of_operators = kept[["object", "operator", "state", "field", "value"]].assign(image="")
    running = pods[pods["workload"].isin(inside - known)][["object", "workload"]]
    stores = containers[containers["role"] != "init"].merge(running.rename(columns={"object": "pod"}), on="pod")
    stores = stores[stores["repository"].map(lambda name: bool(data_paths(name))).astype(bool)]
    images = stores.groupby("workload")["repository"].agg(lambda names: ", ".join(sorted(set(names))))
    others = pd.DataFrame({"object": images.index, "image": images.values, "state": "other"})
    examined = pd.concat([of_operators, others], ignore_index=True).fillna("")
    return judge(
        examined,
        fails(
            examined["state"] == "off",
            "{operator} made it without checksums of its pages",
            path="$.{field}",
            observed="{value}",
            expected="true",
        ),
        reviews(
            examined["state"] == "unknown",
            "was it made with checksums of its pages? {field} is not written; it was restored, or left to the default",
        ),
        reviews(
            examined["state"] == "other", "does {image} keep checksums of its data? Nothing in the cluster shows it"
        ),
        passes="{operator} made it with checksums of its pages",
    )
