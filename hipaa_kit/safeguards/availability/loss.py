"""What a lost node or zone would take with it: volumes that stand in one place, and room for what must move."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.inventory.cluster import taking_pods
from hipaa_kit.safeguards.availability.common import NOT_REPLICATED, ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_by, rows_of


@check("HK-AVL-12")
def volumes_spread(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    volume_reach: pd.DataFrame,
    class_zones: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every ePHI workload with several replicas by the zones in which its volumes can be mounted.

    Parameters
    ----------
    ephi_workloads, pods, nodes, volumes, claims, volume_reach, class_zones : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload whose pods mount claims

    Notes
    -----
    A volume is mounted where its required node affinity lets it: pods that the scheduler would spread must follow it.
    A pod can run where all its volumes can be mounted, whatever one of them would allow.
    Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity
    """
    labels = set(taking_pods(nodes)["zone"])
    all_zones = sorted(labels - {""})
    examined = _mounting(ephi_workloads, pods, volumes, claims, volume_reach)
    narrow = class_zones.groupby("storage_class")["zone"].agg(lambda zones: " ".join(sorted(set(zones))))
    one = {name: zones for name, zones in narrow.items() if " " not in zones}
    examined = examined.assign(
        all_zones=len(all_zones),
        class_zone=examined["class"].map(one).fillna("").astype("str") if one else "",
    )
    several = examined["all_zones"] > 1
    single = several & (examined["zones"] == 1) & ~examined["anywhere"] & ~examined["unzoned"]
    return judge(
        examined,
        not_applicable(examined["kind"].isin(NOT_REPLICATED), "a {kind} keeps no replicas"),
        not_applicable(examined["replicas"] < 2, "replicas: {replicas}, nothing to spread"),
        not_applicable(
            (examined["all_zones"] == 1) & (examined["stuck"] == "") & ("" not in labels), "the cluster has one zone"
        ),
        fails(
            examined["stuck"] != "",
            "no node that takes pods can mount the volume of {stuck}",
            observed="no node",
            expected="a node that its node affinity selects",
            rests_on=["volume_reach"],
        ),
        fails(
            single & (examined["unbound"] == ""),
            "all its volumes can be mounted in zone {zone} alone, of {all_zones:zone}",
            observed="{zone}",
            expected="volumes in at least 2 zones",
            rests_on=["volumes", "claims", "volume_reach"],
        ),
        not_assessed(examined["unbound"] != "", "no volume that was read is bound to {unbound}", code="input_missing"),
        not_assessed(
            ~several | (examined["unzoned"] & ~examined["anywhere"] & (examined["zones"] < 2)),
            "the zones of nodes are not known",
            code="input_missing",
        ),
        reviews(
            several & (examined["class_zone"] != ""),
            "is it meant that class {class} makes further volumes in zone {class_zone} alone?",
            observed="{class_zone}",
        ),
        evidence="claims",
        passes="{words}",
    )


def _mounting(
    workloads: pd.DataFrame, pods: pd.DataFrame, volumes: pd.DataFrame, claims: pd.DataFrame, reach: pd.DataFrame
) -> pd.DataFrame:
    """Return the workloads whose pods mount claims, with what is known of the volumes behind these."""
    inside = ephi_pods(workloads, pods)
    inside = inside[inside["live"]]
    mounted = volumes[volumes["type"] == "persistentVolumeClaim"].merge(inside, on="pod")
    named = claims[["object", "persistent_volume", "storage_class"]].rename(columns={"object": "reference"})
    mounted = mounted.merge(named, on="reference", how="left").fillna({"persistent_volume": "", "storage_class": ""})
    of_volume = rows_by(reach, "persistent_volume")
    about = {row["object"]: row for row in rows_of(workloads)}
    counts = inside.groupby("object").size()
    rows = []
    for workload, held in mounted.groupby("object", sort=True):
        desired = about[workload]["desired"]
        known = held[held["persistent_volume"].isin(of_volume)]
        stuck = [each for each, volume in _pairs(known) if not any(row["nodes"] for row in of_volume[volume])]
        spots = {pod: _spots(mine, of_volume) for pod, mine in known.groupby("pod")}
        if not stuck:
            apart = [known[known["pod"] == pod]["reference"] for pod, where in spots.items() if where == set()]
            stuck = sorted({" with that of ".join(sorted(set(each))) for each in apart})
        anywhere = None in spots.values()
        common: set[str] = set().union(*(where for where in spots.values() if where is not None))
        zones = sorted(common - {""})
        where = "in any zone" if anywhere else f"in zones: {', '.join(zones)}"
        rows.append(
            {
                "object": workload,
                "kind": about[workload]["kind"],
                "replicas": max(int(counts[workload]), 0 if pd.isna(desired) else int(desired)),
                "claims": " ".join(sorted(set(held["reference"]))),
                "unbound": ", ".join(sorted(set(held["reference"]) - set(known["reference"]))),
                "stuck": ", ".join(stuck),
                "zones": len(zones),
                "zone": zones[0] if zones else "",
                "unzoned": "" in common,
                "anywhere": anywhere,
                "class": min(set(held["storage_class"]) - {""}, default=""),
                "words": f"its volumes can be mounted {where}",
            }
        )
    columns = {
        "object": "str",
        "kind": "str",
        "replicas": "int64",
        "claims": "str",
        "unbound": "str",
        "stuck": "str",
        "zones": "int64",
        "zone": "str",
        "unzoned": "bool",
        "anywhere": "bool",
        "class": "str",
        "words": "str",
    }
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _spots(known: pd.DataFrame, of_volume: dict[str, list[dict[str, Any]]]) -> set[str] | None:
    """Return the zones in which all the volumes of one pod can be mounted, None where any will do."""
    every = [of_volume[volume] for volume in sorted(set(known["persistent_volume"]))]
    bound = [{row["zone"] for row in rows if row["nodes"]} for rows in every if not any(r["anywhere"] for r in rows)]
    return set.intersection(*bound) if bound else None


def _pairs(known: pd.DataFrame) -> list[tuple[str, str]]:
    """Return each claim once, with its volume."""
    pairs = known[["reference", "persistent_volume"]].drop_duplicates()
    return sorted(pairs.itertuples(index=False, name=None))


@check("HK-AVL-13")
def room_without_a_node(node_losses: pd.DataFrame, nodes: pd.DataFrame, ephi_workloads: pd.DataFrame) -> pd.DataFrame:
    """Judge every node that runs ePHI pods by whether the others have room for them when it is lost.

    Parameters
    ----------
    node_losses, nodes, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    What pods ask for is weighed, as the scheduler does, not what they use. It passes where a way was found to place
    every displaced pod without moving another; it fails where no way can be. Between the two lies what only priority
    decides. Pods that their own volumes or rules hold on the node need another replica, ready elsewhere, instead.
    What stops with the only node of a cluster stops whatever else was not seen, where the workload itself was.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
    """
    fits, alone = node_losses["all_fit"], node_losses["ephi_fit"]
    examined = node_losses.assign(
        cores=node_losses["cpu_displaced"].map("{:.1f}".format),
        cores_free=node_losses["cpu_free"].map("{:.1f}".format),
        gibibytes=(node_losses["memory_displaced"] / 2**30).map("{:.1f}".format),
        gibibytes_free=(node_losses["memory_free"] / 2**30).map("{:.1f}".format),
        keeps=node_losses["held"].map(lambda held: f"; held on it by their volumes or rules: {held}" if held else ""),
        away=node_losses["unplaced"].str.split().map(len),
    )
    seen = set(ephi_workloads[ephi_workloads["known"]]["object"])
    stops = "with it stops {stopped}: its pods can run on no other node, and no replica is ready elsewhere"
    return judge(
        examined,
        fails(
            (examined["stopped"] != "") & examined["stopped"].str.split().map(seen.issuperset) & (len(nodes) == 1),
            stops,
            observed="no other replica",
            expected="a ready replica on another node",
            rests_on=["nodes"],
        ),
        fails(
            examined["stopped"] != "",
            stops,
            observed="no other replica",
            expected="a ready replica on another node",
            rests_on=["pods", "volumes", "claims", "volume_reach"],
        ),
        fails(
            node_losses["impossible"],
            "without it its ePHI pods find no room: displaced pods ask for {cores:core} and "
            "{gibibytes} GiB, the other nodes have {cores_free:core} and {gibibytes_free} GiB left",
            observed="{cores_free:core}, {gibibytes_free} GiB",
            expected="room for what must move",
            rests_on=["nodes"],
        ),
        not_assessed(fits.isna(), "some node does not say how much it has", code="input_missing"),
        reviews(
            ~fits & alone,
            "do the ePHI pods on it come first when it is lost? They find room; displaced pods that do not: {away}",
            observed="{away}",
        ),
        reviews(
            ~fits & ~alone,
            "do other pods give way to the ePHI pods on it when it is lost? Displaced pods that find no room without "
            "that: {away}",
            observed="{away}",
        ),
        reviews(
            examined["choosy"] > 0,
            "do the rules by which ePHI pods on it choose their nodes leave them another one? Such pods: {choosy}",
        ),
        object="node",
        passes="without it all displaced pods find room: {cores:core} and {gibibytes} GiB, of {cores_free:core} and "
        "{gibibytes_free} GiB left{keeps}",
    )
