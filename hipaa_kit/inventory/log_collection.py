"""Log agents: what their configuration reads and sends, and what of their nodes they can see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import LOG_PIPELINE
from hipaa_kit.kube.log_pipelines import LOCAL
from hipaa_kit.kube.monitoring.programs import LOGS
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.log_collection import LOG_MOUNTS, LOG_PIPELINES


@builds(LOG_MOUNTS)
def log_mounts(watchers: pd.DataFrame, volumes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per pod of a log agent and folder of its node that it has."""
    agents = watchers[watchers["duty"] == LOGS]
    held = volumes[volumes["host_path"] != ""][["pod", "host_path"]].drop_duplicates()
    for row in rows_of(agents.merge(held, on="pod")):
        yield {
            "pod": row["pod"],
            "workload": row["workload"],
            "node": row["node"],
            "host_path": row["host_path"].rstrip("/") or "/",
        }


@builds(LOG_PIPELINES, also=[kinds.CONFIG_MAP], facts=[LOG_PIPELINE])
def log_pipelines(
    snapshot: Snapshot, watchers: pd.DataFrame, volumes: pd.DataFrame, volume_mounts: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per log agent, ConfigMap that it mounts, and pattern of files read by what stands there.

    Where pods of an agent mount folders of their nodes elsewhere than others of it, the first one counts.
    """
    known = {
        record.object: record.facts[LOG_PIPELINE]
        for record in snapshot.records(kinds.CONFIG_MAP)
        if LOG_PIPELINE in record.facts
    }
    agents = watchers[watchers["duty"] == LOGS]
    for workload, held in agents.groupby("workload", sort=True):
        pod = min(held["pod"])
        mine = volumes[volumes["pod"] == pod]
        folders = _folders(mine, volume_mounts[volume_mounts["pod"] == pod])
        for configuration in sorted(set(mine["reference"]) & known.keys()):
            yield from _rows(str(workload), configuration, known[configuration], folders)


def _folders(volumes: pd.DataFrame, mounts: pd.DataFrame) -> dict[str, str]:
    """Return folders of the node by the path at which a pod has them."""
    host = dict(zip(volumes["volume"], volumes["host_path"], strict=True))
    found = {
        row["mount_path"].rstrip("/"): host[row["volume"]].rstrip("/")
        for row in rows_of(mounts)
        if host.get(row["volume"]) and not row["sub_path"]
    }
    # The longest path first: what is mounted within another counts.
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _rows(
    workload: str, configuration: str, fact: Mapping[str, Any], folders: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    excludes = " ".join(filter(None, (on_node(path, folders) for path in fact["excludes"])))
    places: dict[str, set[str]] = defaultdict(set)
    for path, sinks in fact["reads"]:
        places[path].update(sinks.split())
    for path, sinks in places.items() or [("", set())]:
        yield {
            "workload": workload,
            "configuration": configuration,
            "path": path,
            "host_path": on_node(path, folders),
            "sinks": " ".join(sorted(sinks)),
            "leaves": bool(sinks - LOCAL - {"other"}),
            "excludes": excludes,
            "filtered": fact["filtered"] or "other" in sinks,
        }


def on_node(path: str, folders: Mapping[str, str]) -> str:
    """Return a path of a container as its node has it, "" where no folder of the node stands there."""
    for mount, host in folders.items():
        if path == mount or path.startswith(f"{mount}/"):
            return host + path.removeprefix(mount)
    return ""
