"""The metrics stack itself: it is there, it answers, and it outlives the loss of a pod."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.monitoring.common import NOT_READY, NOT_RUNNING, READY, missing, other_engines, watching
from hipaa_kit.tables.declaration import rows_of

SCRAPING = ("Prometheus", "PrometheusAgent")
FORWARDING = ("vmagent",)
"""Programs that keep no samples themselves."""


@check("HK-MON-01", without_scope=True, everywhere=True)
def metrics_stack_healthy(
    metric_servers: pd.DataFrame, watchers: pd.DataFrame, other_monitoring: pd.DataFrame
) -> pd.DataFrame:
    """Judge everything that keeps metrics by whether it answers, and the cluster by whether anything does.

    Parameters
    ----------
    metric_servers, watchers, other_monitoring : tables of those names

    Returns
    -------
    table `judgements`, one row per server of metrics, or one for the cluster where none is known

    Notes
    -----
    What an agent sends outside of the cluster, and whether it arrives there, is for a person to say.
    """
    known = metric_servers[metric_servers["kind"].isin(SCRAPING)]
    running = watching(watchers, "metrics")
    states = dict(zip(running["object"], running["state"], strict=True))
    rows = [
        {**row, "program": row["kind"], "state": _state(row, states.get(row["object"], ""))} for row in rows_of(known)
    ]
    rows += [
        {**row, "state": _seen(row), "replicas": None, "available_replicas": None}
        for row in rows_of(running[~running["object"].isin(known["object"])])
    ]
    engines = sorted(other_engines(other_monitoring, "targets"))
    if not rows:
        [row] = rows_of(missing("Cluster//metrics"))
        rows = [{**row, "state": "elsewhere" if engines else "none", "program": ", ".join(engines)}]
    examined = pd.DataFrame(rows, columns=["object", "program", "state", "replicas", "available_replicas"])
    state = examined["state"]
    return judge(
        examined,
        fails(
            state == "none",
            "no server of metrics that the kit knows runs in the cluster",
            observed="none",
            expected="Prometheus, VictoriaMetrics or an agent",
            rests_on=["metric_servers", "watchers", "other_monitoring"],
        ),
        fails(
            state == "unavailable",
            "{program} says of itself that it is not available",
            path="$.status.conditions[?(@.type=='Available')].status",
            observed="False",
            expected="True",
        ),
        fails(
            state == "switched off",
            "{program} is asked to run no replica",
            path="$.spec.replicas",
            observed="0",
            expected="1 or more",
        ),
        fails(state == NOT_READY, "no pod of {program} is ready", observed="not ready", expected="a ready pod"),
        reviews(
            state == "degraded",
            "{available_replicas} of {replicas} replicas of {program} answer: what is wrong with the others?",
        ),
        reviews(state == "outside", "does what {program} sends outside of the cluster arrive, and does anyone look?"),
        reviews(state == "open", "does {program} keep or send metrics? Its configuration was not read"),
        reviews(
            state == "elsewhere",
            "{program} says what is measured, and no server of it is visible: where is one?",
        ),
        not_assessed(state == "unsaid", "nothing says whether {program} runs", code="input_missing"),
        passes="{program} answers",
    )


def _state(server: dict[str, object], pods: str) -> str:
    """Return the state of a server of the operator: by its own status, or else by its pods."""
    available, replicas = server["available_replicas"], server["replicas"]
    if replicas == 0:
        return "switched off"
    if server["available"] is False:
        return "unavailable"
    if isinstance(available, int) and isinstance(replicas, int) and available < replicas:
        return "degraded"
    if pods == NOT_READY:
        return NOT_READY
    if server["available"] is True:
        return READY
    return READY if pods == READY else "unsaid"


def _seen(row: dict[str, object]) -> str:
    if row["state"] == NOT_RUNNING:
        return "unsaid"
    if row["state"] == READY and not row["by_itself"]:
        return "open"
    return "outside" if row["state"] == READY and row["outside"] else str(row["state"])


@check("HK-MON-08", without_scope=True)
def monitoring_durable(
    metric_servers: pd.DataFrame, watchers: pd.DataFrame, workloads: pd.DataFrame, volumes: pd.DataFrame
) -> pd.DataFrame:
    """Judge what keeps metrics, alerts and logs by its replicas and by what it keeps them on.

    Parameters
    ----------
    metric_servers, watchers, workloads, volumes : tables of those names

    Returns
    -------
    table `judgements`, one row per component

    Notes
    -----
    A server that sends its samples on keeps them elsewhere, and an agent keeps none at all: whether what receives them
    is durable is for a person to say.
    """
    rows = [
        {**row, "component": row["kind"], "forwards": row["forwards"] or row["kind"] == "PrometheusAgent"}
        for row in rows_of(metric_servers)
    ]
    desired = dict(zip(workloads["object"], workloads["desired"], strict=True))
    on_claims = set(volumes[volumes["type"] == "persistentVolumeClaim"]["pod"])
    for duty in ("metrics", "alerting", "log store"):
        kept = watching(watchers[watchers["by_itself"] & ~watchers["outside"]], duty)
        for row in rows_of(kept[~kept["object"].isin(metric_servers["object"])]):
            pods = row["pods"].split()
            storage = "claim" if all(pod in on_claims for pod in pods) else "none"
            rows.append(
                {
                    "object": row["object"],
                    "component": row["program"],
                    "replicas": desired.get(row["object"]),
                    "storage": storage,
                    "forwards": row["program"] in FORWARDING,
                }
            )
    examined = pd.DataFrame(rows, columns=["object", "component", "replicas", "storage", "forwards"])
    replicas = examined["replicas"].astype("Int64")
    forwards = examined["forwards"].astype(bool)
    single, bare = (replicas < 2).fillna(False).astype(bool), examined["storage"] == "none"
    return judge(
        examined.assign(replicas=replicas),
        fails(
            ~forwards & single & bare,
            "{component} has {replicas} replica and no claim: what it keeps is gone with its pod",
            observed="{replicas}",
            expected="2 replicas, each with a claim",
        ),
        fails(
            ~forwards & single & ~bare,
            "{component} has {replicas} replica: nothing watches while it is away",
            observed="{replicas}",
            expected="2 or more",
        ),
        fails(
            ~forwards & ~single & bare,
            "{component} keeps its data on no claim: they are gone with its pods",
            observed="no claim",
            expected="a claim",
        ),
        reviews(forwards, "{component} sends its samples on: does what receives them outlive the loss of a pod?"),
        reviews(~forwards & replicas.isna(), "how many replicas does {component} have? Its owner does not say"),
        passes="{component} has {replicas} replicas, each with a claim",
    )
