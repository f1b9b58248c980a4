"""ePHI workloads: each is measured, by a fresh series where results were given, else by configuration."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube.owners import object_id
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews
from hipaa_kit.safeguards.monitoring.common import is_fresh, other_engines, without_operator
from hipaa_kit.tables.declaration import rows_of

STATES = ("target", "uncertain", "no_port", "not_taken", "none")


@check("HK-MON-02", everywhere=True, optional=["metric_samples"])
def ephi_workloads_scraped(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    scrape_targets: pd.DataFrame,
    scrape_marks: pd.DataFrame,
    metric_servers: pd.DataFrame,
    monitors: pd.DataFrame,
    watchers: pd.DataFrame,
    other_monitoring: pd.DataFrame,
    metric_samples: pd.DataFrame,
    *,
    as_of: str,
    fresh_minutes: int = 15,
) -> pd.DataFrame:
    """Judge every ePHI workload by whether its own metrics are collected.

    Parameters
    ----------
    ephi_workloads, pods, scrape_targets, scrape_marks, metric_servers, monitors, watchers, other_monitoring,
    metric_samples : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload

    Notes
    -----
    A server records of each target that it asks whether it answered, as series `up`: 1 or 0. Where such results were
    given and are fresh they decide; an older series, or none, leaves it to configuration, and the reason says so.
    Results that hold no series of a namespace at all say nothing of it: they may have been asked for others alone.
    Source: https://prometheus.io/docs/concepts/jobs_instances/
    """
    mine = ephi_pods(ephi_workloads, pods)
    best = _best(scrape_targets)
    by_workload: dict[str, list[str]] = {}
    for pod, name in zip(mine["pod"], mine["object"], strict=True):
        by_workload.setdefault(name, []).append(pod)
    told = _told(metric_samples, as_of, fresh_minutes)
    covered = {pod.split("/")[1] for pod in told}
    others = _others(metric_servers, monitors, watchers, other_monitoring)
    follows = _followers(metric_servers, watchers)
    marks = set(scrape_marks["pod"])
    ended = set(pods[pods["phase"].isin(ENDED)]["workload"])
    rows = []
    for workload in rows_of(ephi_workloads):
        held = by_workload.get(workload["object"], [])
        rows.append(
            {
                "object": workload["object"],
                "ends": workload["kind"] in ("Job", "CronJob") or (not held and workload["object"] in ended),
                "others": others,
                **_of_pods(held, best, told if workload["namespace"] in covered else {}, marks if follows else set()),
            }
        )
    columns = ["object", "ends", "others", "how", "pods", "some", "monitor", "server", "evidence"]
    return _judged(pd.DataFrame(rows, columns=columns))


def _judged(examined: pd.DataFrame) -> pd.DataFrame:
    how, others = examined["how"], examined["others"] != ""
    by_name = examined["monitor"] + " names it and " + examined["server"] + " takes that: by configuration alone"
    return judge(
        examined.assign(words=by_name.where(how != "answers", "every pod answers: fresh series of up say so")),
        not_applicable(examined["ends"].astype(bool), "its pods run to their end: what is watched is how they end"),
        fails(
            how == "down",
            "{some} of {pods:pod} {some:does|do} not answer when asked for metrics: {some:its|their} series up is 0",
            observed="0",
            expected="1",
        ),
        fails(
            how == "stopped",
            "the series up of {some} of {pods:pod} ended while those of others go on",
            observed="an old series",
            expected="a fresh one",
        ),
        reviews(
            how == "unseen",
            "the results given hold no series of {some} of its {pods:pod}: {some:is it|are these} measured?",
        ),
        fails(
            how == "no_port",
            "{monitor} selects it, and names a port that its pods do not have",
            path="$.spec.endpoints[*].port",
            observed="no such port",
            expected="a port of the Service or pod",
            rests_on=["scrape_targets"],
        ),
        fails(
            (how == "not_taken") & ~others,
            "{monitor} selects it, and no server takes this monitor",
            observed="no server",
            expected="a server whose selectors take it",
            rests_on=["monitors", "watchers", "other_monitoring"],
        ),
        fails(
            (how == "part") & ~others,
            "no monitor names {some} of its {pods:pod}",
            observed="{some:pod}",
            expected="every pod",
            rests_on=["scrape_targets", "watchers", "other_monitoring"],
        ),
        fails(
            (how == "none") & ~others,
            "nothing collects its metrics: no monitor names it, and no annotation asks for it",
            observed="none",
            expected="a ServiceMonitor or PodMonitor",
            rests_on=["scrape_targets", "scrape_marks", "watchers", "other_monitoring"],
        ),
        reviews(
            how.isin(["not_taken", "part", "none"]) & others,
            "are its metrics collected by {others}? No monitor that a server takes names all of it",
        ),
        reviews(how == "uncertain", "{monitor} names it, and has rules by which it may be dropped: is it measured?"),
        reviews(
            how == "marked",
            "an annotation asks for it to be scraped, by convention only: does the server follow it?",
        ),
        reviews(how == "gone", "it has no pod and no template: what is measured of it?"),
        evidence="evidence",
        passes="{words}",
    )


def _best(scrape_targets: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Return for each pod its best state, with the monitor and the server."""
    found: dict[str, tuple[str, str, str]] = {}
    for row in rows_of(scrape_targets):
        new = (row["state"], row["monitor"], row["server"])
        found[row["pod"]] = min(found.get(row["pod"], new), new, key=lambda each: (STATES.index(each[0]), each[1:]))
    return found


def _told(metric_samples: pd.DataFrame, as_of: str, fresh_minutes: int) -> dict[str, str]:
    """Return for each pod what its series `up` says: answers, down, or stopped; nothing where all results are old."""
    up = metric_samples[(metric_samples["metric"] == "up") & (metric_samples["pod"] != "")]
    fresh = is_fresh(as_of, up["last_at"], fresh_minutes)
    if not fresh.any():
        return {}
    found: dict[str, str] = {}
    order = ("answers", "down", "stopped")
    for row, recent in zip(rows_of(up), fresh, strict=True):
        said = "stopped" if not recent else "answers" if row["last"] == 1 else "down"
        pod = object_id("Pod", row["namespace"], row["pod"])
        # A pod may be asked at several ports: what answers at one of them is measured.
        found[pod] = min(found.get(pod, said), said, key=order.index)
    return found


def _of_pods(
    pods: list[str], best: dict[str, tuple[str, str, str]], told: dict[str, str], marks: set[str]
) -> dict[str, Any]:
    """Return how the pods of one workload are measured, and of how many that is so."""
    said = [told.get(pod, "") for pod in pods]
    state = [best.get(pod, ("none", "", ""))[0] for pod in pods]
    monitors = [best[pod][1] for pod in pods if pod in best]
    servers = sorted({best[pod][2] for pod in pods if pod in best} - {""})
    row = {
        "pods": len(pods),
        "some": 0,
        "monitor": next(iter(sorted(set(monitors))), ""),
        "server": next(iter(servers), ""),
        "evidence": " ".join(sorted({*monitors, *servers})),
    }
    for word in ("down", "stopped"):
        if word in said:
            return {**row, "how": word, "some": said.count(word)}
    if pods and all(each == "answers" for each in said):
        return {**row, "how": "answers"}
    how = _by_configuration(pods, state, marks)
    if "answers" in said or (how == "target" and told):
        return {**row, "how": "unseen", "some": said.count("")}
    return {**row, "how": how, "some": sum(each not in ("target", "uncertain") for each in state)}


def _by_configuration(pods: list[str], state: list[str], marks: set[str]) -> str:
    if not pods:
        return "gone"
    if all(each == "target" for each in state):
        return "target"
    if all(each in ("target", "uncertain") for each in state):
        return "uncertain"
    if all(pod in marks or each in ("target", "uncertain") for pod, each in zip(pods, state, strict=True)):
        return "marked"
    if any(each in ("target", "uncertain") for each in state):
        return "part"
    return min(state, key=STATES.index)


def _others(
    metric_servers: pd.DataFrame, monitors: pd.DataFrame, watchers: pd.DataFrame, other_monitoring: pd.DataFrame
) -> str:
    """Name what may collect metrics in a way that is not visible; "" where there is no such thing."""
    found = other_engines(other_monitoring, "targets")
    opaque = metric_servers[metric_servers["extra_targets"] | metric_servers["unmanaged"]]
    taken = monitors[(monitors["kind"] == "ScrapeConfig") & (monitors["server"] != "")]
    free = without_operator(watchers, metric_servers)
    return ", ".join(sorted(found.union(opaque["object"], taken["object"], free["program"])))


def _followers(metric_servers: pd.DataFrame, watchers: pd.DataFrame) -> bool:
    """Tell whether a server runs that may follow the annotation: one whose targets no operator chooses."""
    opaque = metric_servers["extra_targets"] | metric_servers["unmanaged"]
    return bool(opaque.any()) or not without_operator(watchers, metric_servers).empty
