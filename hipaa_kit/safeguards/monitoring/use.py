"""What ePHI workloads use, against what they may: memory of containers, and the space of their volumes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.kube.owners import object_id
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed
from hipaa_kit.safeguards.monitoring.common import is_fresh
from hipaa_kit.tables.declaration import rows_of

MEMORY = "container_memory_working_set_bytes"
USED, CAPACITY = "kubelet_volume_stats_used_bytes", "kubelet_volume_stats_capacity_bytes"
COLUMNS = ["object", "member", "what", "percent", "most", "limited", "fresh"]


@check("HK-MON-09")
def use_below_limits(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    volumes: pd.DataFrame,
    metric_samples: pd.DataFrame,
    *,
    as_of: str,
    fresh_minutes: int = 15,
    memory_percent: int = 90,
    volume_percent: int = 85,
) -> pd.DataFrame:
    """Judge every ePHI workload by how much its containers and volumes use of what they may.

    Parameters
    ----------
    ephi_workloads, pods, containers, volumes, metric_samples : tables of those names

    Returns
    -------
    table `judgements`, one row per container and per claim of each pod that runs

    Notes
    -----
    A container is killed when its working set reaches its limit; a volume that is full takes no more data. Use of the
    processor is a rate, which single samples do not give.
    Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/,
    https://kubernetes.io/docs/reference/instrumentation/metrics/
    """
    mine = ephi_pods(ephi_workloads, pods)
    mine = mine[mine["live"]]
    fresh = metric_samples[is_fresh(as_of, metric_samples["last_at"], fresh_minutes)]
    rows = [*_memory(mine, containers, fresh, memory_percent), *_space(mine, volumes, fresh, volume_percent)]
    examined = pd.DataFrame(rows, columns=COLUMNS)
    examined = examined.assign(percent=examined["percent"].astype("Float64"))
    limited, known = examined["limited"].astype(bool), examined["fresh"].astype(bool)
    return judge(
        examined,
        not_applicable(~limited, "{what} has no limit that use could be held against"),
        fails(
            limited & known & (examined["percent"] >= examined["most"]),
            "{what} uses {percent} % of what it may",
            observed="{percent} %",
            expected="less than {most} %",
        ),
        not_assessed(limited & ~known, "no fresh series says what {what} uses", code="stale"),
        member="member",
        passes="{what} uses {percent} % of what it may",
    )


def _memory(mine: pd.DataFrame, containers: pd.DataFrame, fresh: pd.DataFrame, most: int) -> list[dict[str, Any]]:
    used = {
        (object_id("Pod", row["namespace"], row["pod"]), row["container"]): row["last"]
        for row in rows_of(fresh[(fresh["metric"] == MEMORY) & (fresh["container"] != "")])
    }
    held = containers[~containers["role"].isin(["init", "ephemeral"])].merge(mine[["pod", "object"]], on="pod")
    return [
        _row(
            row["object"],
            f"{row['pod']}/{row['container']}",
            f"memory of container {row['container']}",
            used.get((row["pod"], row["container"])),
            row["limit_memory_bytes"],
            most,
        )
        for row in rows_of(held)
    ]


def _space(mine: pd.DataFrame, volumes: pd.DataFrame, fresh: pd.DataFrame, most: int) -> list[dict[str, Any]]:
    used, size = (
        {
            object_id("PersistentVolumeClaim", row["namespace"], row["persistentvolumeclaim"]): row["last"]
            for row in rows_of(fresh[fresh["metric"] == metric])
        }
        for metric in (USED, CAPACITY)
    )
    claims = volumes[volumes["reference"].str.startswith("PersistentVolumeClaim/")].merge(
        mine[["pod", "object"]], on="pod"
    )
    return [
        {
            **_row(
                row["object"],
                f"{row['pod']}/{row['volume']}",
                row["reference"],
                used.get(row["reference"]) if row["reference"] in size else None,
                size.get(row["reference"]),
                most,
            ),
            "limited": True,  # every volume has a size, whether a series tells it or not
        }
        for row in rows_of(claims)
    ]


def _row(workload: str, member: str, what: str, used: Any, limit: Any, most: int) -> dict[str, Any]:
    limited = limit is not None and not pd.isna(limit) and limit > 0
    known = used is not None and not pd.isna(used)
    percent = round(100 * float(used) / float(limit), 1) if limited and known else None
    return {
        "object": workload,
        "member": member,
        "what": what,
        "percent": percent,
        "most": most,
        "limited": limited,
        "fresh": percent is not None,
    }
