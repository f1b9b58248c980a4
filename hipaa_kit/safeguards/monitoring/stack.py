"""The metrics stack itself: it is there, it answers, and it outlives the loss of a pod."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.monitoring.programs import STORES
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.monitoring.common import NOT_READY, NOT_RUNNING, READY, missing, other_engines, watching
from hipaa_kit.tables.declaration import rows_of

SCRAPING = ("Prometheus", "PrometheusAgent")
OBJECT_STORES = tuple(name for name, store in STORES.items() if store.objects)
"""Programs that may keep all of their data in an object store."""
STORAGE = ("none", "elsewhere", "claim")
"""On what a component keeps its data, the worst first."""
KEPT = ["pod", "program", "container", "folder"]
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
            "{available_replicas} of {replicas:replica} of {program} {available_replicas:answers|answer}: what is "
            "wrong with the others?",
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
    metric_servers: pd.DataFrame,
    watchers: pd.DataFrame,
    workloads: pd.DataFrame,
    store_folders: pd.DataFrame,
    volumes: pd.DataFrame,
    volume_mounts: pd.DataFrame,
) -> pd.DataFrame:
    """Judge what keeps metrics, alerts and logs by its replicas and by what it keeps them on.

    Parameters
    ----------
    metric_servers, watchers, workloads, store_folders, volumes, volume_mounts : tables of those names

    Returns
    -------
    table `judgements`, one row per component

    Notes
    -----
    A claim counts where the component itself can write to it, in the folder where it keeps what it is told: not one of
    a container beside it, nor one with rules or plugins.
    What may keep its data in an object store needs no claim for them, and parts of it that keep nothing need no second
    replica either.
    A server that sends its samples on keeps them elsewhere, and an agent keeps none at all: whether what receives them
    is durable is for a person to say.
    """
    rows = [
        {**row, "component": row["kind"], "forwards": row["forwards"] or row["kind"] == "PrometheusAgent"}
        for row in rows_of(metric_servers)
    ]
    desired = dict(zip(workloads["object"], workloads["desired"], strict=True))
    kept_on = _storage(store_folders, volumes, volume_mounts)
    for duty in ("metrics", "alerting", "log store"):
        kept = watching(watchers[watchers["by_itself"] & ~watchers["outside"]], duty)
        for row in rows_of(kept[~kept["object"].isin(metric_servers["object"])]):
            held = {kept_on.get((pod, row["program"]), "none") for pod in row["pods"].split()}
            storage = next(each for each in STORAGE if each in held)
            if storage == "none" and row["program"] in OBJECT_STORES:
                storage = "objects"
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
    forwards, objects = examined["forwards"].astype(bool), examined["storage"] == "objects"
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
            ~forwards & single & ~bare & ~objects,
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
        reviews(
            objects,
            "does {component} keep its data in an object store? It has no claim, and what configures it is not read",
            observed="no claim",
        ),
        reviews(
            ~forwards & (examined["storage"] == "elsewhere"),
            "does {component} keep its data on the claim that it mounts? It is not where its image has them",
            path="$.spec.containers[*].volumeMounts",
        ),
        reviews(forwards, "{component} sends its samples on: does what receives them outlive the loss of a pod?"),
        reviews(~forwards & replicas.isna(), "how many replicas does {component} have? Its owner does not say"),
        passes="{component} has {replicas:replica}, each with a claim",
    )


def _storage(folders: pd.DataFrame, volumes: pd.DataFrame, mounts: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return by pod and program whether a folder of its data is on a claim, or a claim is elsewhere in its containers.

    Of what is mounted within another the inner one holds the folder.
    """
    types = volumes[["pod", "volume", "type"]]
    found: dict[tuple[str, str], str] = {}
    for key, mounted in folders.merge(mounts, on=["pod", "container"]).merge(types, on=["pod", "volume"]).groupby(KEPT):
        claims = (mounted["type"] == "persistentVolumeClaim") & ~mounted["read_only"]
        places = mounted["mount_path"].str.rstrip("/")
        around = [
            bool(place and folder) and f"{folder}/".startswith(f"{place}/")
            for place, folder in zip(places, mounted["folder"], strict=True)
        ]
        inner = places[around].str.len().sort_values(kind="stable").index
        held = len(inner) > 0 and bool(claims[inner[-1]])
        pod, program = map(str, key[:2])
        known = found.get((pod, program), "none")
        found[pod, program] = "claim" if held or known == "claim" else "elsewhere" if claims.any() else known
    return found
