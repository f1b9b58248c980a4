"""What several checks of monitoring share: ages, workloads that watch, and their state."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.tables.declaration import rows_of

READY, NOT_READY, NOT_RUNNING = "ready", "not ready", "not running"
COLUMNS = ("object", "program", "state", "by_itself", "outside", "pods")


def minutes_before(as_of: str, texts: pd.Series) -> pd.Series:
    """Return how many minutes before a moment others are; null for what is no moment."""
    return 60 * hours_since(texts, as_of)


def is_fresh(as_of: str, texts: pd.Series, minutes: float) -> pd.Series:
    """Tell of which series the last value is at most so many minutes older than a moment, and no day younger.

    What is dated long after the moment judged for says nothing of it: a clock is wrong, or the results are of another
    time than the snapshot.
    """
    return minutes_before(as_of, texts).between(-24 * 60, minutes).fillna(False).astype(bool)


def watching(watchers: pd.DataFrame, duty: str) -> pd.DataFrame:
    """Return the workloads that do one thing: object, program, state, by_itself, outside, pods.

    A workload is ready where one of its pods is, and not running where all of them were made from its template.
    """
    rows = []
    for (workload, program), held in watchers[watchers["duty"] == duty].groupby(["workload", "program"], sort=True):
        live = held[held["live"]]
        ready = live["ready"].fillna(False).astype(bool)
        rows.append(
            {
                "object": workload,
                "program": program,
                "state": NOT_RUNNING if live.empty else READY if ready.any() else NOT_READY,
                "by_itself": bool(held["by_itself"].all()),
                "outside": bool(held["outside"].all()),
                "pods": " ".join(sorted(held["pod"])),
            }
        )
    types = {name: "bool" if name in ("by_itself", "outside") else "str" for name in COLUMNS}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def surest(found: pd.DataFrame) -> pd.DataFrame:
    """Return what surely does its duty and is ready, where there is such, and else everything."""
    sure = found[found["by_itself"] & (found["state"] == READY)]
    broken = found[found["by_itself"] & (found["state"] != READY)]
    return pd.concat([sure, broken], ignore_index=True) if len(sure) else found.reset_index(drop=True)


def missing(object: str) -> pd.DataFrame:  # noqa: A002 - the kit's word for it
    """Return the one row that stands for what is not there at all."""
    said = {"object": object, "state": "none", "by_itself": False, "outside": False}
    return pd.DataFrame([dict.fromkeys(COLUMNS, "") | said])


def without_operator(watchers: pd.DataFrame, metric_servers: pd.DataFrame) -> pd.DataFrame:
    """Return the workloads that keep metrics and that no object of the Prometheus operator stands for."""
    running = watching(watchers, "metrics")
    return running[~running["object"].isin(metric_servers["object"])]


def other_engines(other_monitoring: pd.DataFrame, about: str) -> set[str]:
    """Return the other operators whose objects speak of one thing."""
    return set(other_monitoring[other_monitoring["about"] == about]["engine"])


def by_node(watchers: pd.DataFrame, duty: str) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Return for each node the programs that do a duty there: surely and ready, perhaps, and not ready."""
    found: dict[str, tuple[list[str], list[str], list[str]]] = {}
    mine = watchers[(watchers["duty"] == duty) & watchers["live"] & (watchers["node"] != "")]
    for row in rows_of(mine):
        place = 2 if row["ready"] is not True else 0 if row["by_itself"] else 1
        found.setdefault(row["node"], ([], [], []))[place].append(row["program"])
    return found


def sensors_by_node(ephi_workloads: pd.DataFrame, pods: pd.DataFrame, runtime_sensors: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes that run ePHI pods, with the sensors there.

    Returns
    -------
    pandas.DataFrame
        `object` is the node; `ephi` counts its ePHI pods, `namespaces` are theirs; `here` and `ready` are the sensors
        there and those of them that are ready, `pods` and `ready_pods` their pods.
    """
    inside = ephi_pods(ephi_workloads, pods)
    inside = inside[inside["live"] & (inside["node"] != "")]
    rows = []
    for node, held in inside.groupby("node", sort=True):
        here = runtime_sensors[runtime_sensors["node"] == node]
        ready = here[here["ready"]]
        rows.append(
            {
                "object": f"Node//{node}",
                "ephi": len(held),
                "namespaces": frozenset(held["namespace"]),
                "here": ", ".join(sorted(set(here["sensor"]))),
                "ready": ", ".join(sorted(set(ready["sensor"]))),
                "pods": " ".join(sorted(here["pod"])),
                "ready_pods": " ".join(sorted(ready["pod"])),
            }
        )
    return pd.DataFrame(rows, columns=["object", "ephi", "namespaces", "here", "ready", "pods", "ready_pods"])
