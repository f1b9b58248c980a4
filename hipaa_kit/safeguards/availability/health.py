"""Health at the moment of the snapshot."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import moment, moments
from hipaa_kit.safeguards.availability.common import ephi_pods
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for


@check("HK-AVL-10")
def healthy_now(
    ephi_objects: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    conditions: pd.DataFrame,
    services: pd.DataFrame,
    service_backends: pd.DataFrame,
    endpoints: pd.DataFrame,
    *,
    as_of: str,
    oom_window_hours: int = 24,
) -> pd.DataFrame:
    """Judge ePHI workloads and the Services in front of them by their state at the moment of the snapshot.

    Parameters
    ----------
    ephi_objects, ephi_workloads, pods, containers, conditions, services, service_backends, endpoints : tables
    as_of
        Moment to judge for, RFC 3339.
    oom_window_hours
        A container that ran out of memory within so many hours counts.

    Returns
    -------
    table `judgements`, one row per ePHI workload and per ePHI Service with a selector

    Notes
    -----
    A pod of a Job stops being ready when its work is done, so that it is not asked. Where no endpoint of a Service is
    there although pods that it selects are ready, either the port that it names is none of theirs, or its endpoints are
    kept in Endpoints alone, as before EndpointSlices, which are not read: it is asked about.
    Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
    """
    inside = ephi_pods(ephi_workloads, pods)
    here = containers.merge(inside, on="pod")
    ended = moments(here["terminated_at"])
    now = moment(as_of)
    killed = here["terminated_reason"] == "OOMKilled"
    recent = killed & ((now - ended) <= pd.Timedelta(hours=oom_window_hours))
    undated = killed & (ended.isna() | pd.isna(now))
    unavailable = conditions[(conditions["type"] == "Available") & (conditions["status"] == "False")]
    name = ephi_workloads["object"]
    serving = inside[inside["live"] & ~inside["object"].str.startswith(("Job/", "CronJob/"))]
    ready = pods.set_index("object")["ready"].reindex(serving["pod"]).to_numpy()
    states = serving.assign(ready=ready).groupby("object")["ready"].agg(_said)
    best = states.map(lambda held: "ready" if True in held else "silent" if None in held else "unready")
    of_workloads = ephi_workloads.assign(
        is_service=False,
        live=name.isin(inside[inside["live"]]["object"]),
        unavailable=name.isin(unavailable["object"]),
        crashing=_named(here, here["waiting_reason"] == "CrashLoopBackOff", name),
        oom=_named(here, recent, name),
        undated=_named(here, undated & ~recent, name),
        best=texts_for(name, best),
        unlisted=False,
    )
    of_services = _fronting(ephi_objects, services, service_backends, endpoints, pods)
    columns = [
        "object",
        "is_service",
        "live",
        "desired",
        "available",
        "unavailable",
        "crashing",
        "oom",
        "undated",
        "best",
        "up",
        "unlisted",
    ]
    frames = [frame.reindex(columns=columns) for frame in (of_workloads, of_services)]
    examined = pd.concat(frames, ignore_index=True).fillna(
        {"unavailable": False, "crashing": "", "oom": "", "undated": "", "best": ""}
    )
    work = ~examined["is_service"].astype(bool)
    idle = work & ~examined["live"].astype(bool) & ~(examined["desired"] > 0) & ~examined["unavailable"].astype(bool)
    declared = ~examined["live"].astype(bool) & examined["available"].isna()
    unlisted = examined["unlisted"].astype(bool)
    return judge(
        examined,
        not_applicable(idle | (declared & ~examined["unavailable"].astype(bool)), "it does not run at this moment"),
        fails(
            work & examined["unavailable"].astype(bool), "its condition Available is False", path="$.status.conditions"
        ),
        fails(
            work & (examined["desired"] > 0) & (examined["available"] == 0),
            "none of {desired:replica} is available",
            observed="0",
            expected="{desired}",
        ),
        fails(
            work & (examined["best"] == "unready"),
            "none of its pods is ready",
            observed="0 ready pods",
            expected="at least 1",
            rests_on=["pods"],
        ),
        fails(work & (examined["crashing"] != ""), "in CrashLoopBackOff: {crashing}", observed="CrashLoopBackOff"),
        fails(
            work & (examined["oom"] != ""),
            f"ran out of memory within {oom_window_hours} hours: {{oom}}",
            observed="OOMKilled",
        ),
        not_assessed(
            work & (examined["undated"] != ""), "it is not known when {undated} ran out of memory", code="input_missing"
        ),
        not_assessed(
            work & (examined["best"] == "silent"), "its pods do not say whether they are ready", code="input_missing"
        ),
        reviews(
            ~work & (examined["up"] == 0) & unlisted,
            "does anything answer it? Pods that it selects are ready, and no EndpointSlice names an endpoint of it",
            observed="0 endpoints",
            rests_on=["endpoints"],
        ),
        fails(
            ~work & (examined["up"] == 0) & ~unlisted,
            "no ready endpoint stands behind it",
            observed="0 ready endpoints",
            expected="at least 1",
            rests_on=["endpoints", "pods"],
        ),
        passes="healthy at this moment",
    )


def _said(held: pd.Series) -> set[bool | None]:
    """Return what pods say of being ready, None for those that say nothing."""
    return {None if pd.isna(each) else bool(each) for each in held}


def _named(here: pd.DataFrame, mask: pd.Series, workloads: pd.Series) -> pd.Series:
    """Return for each workload the containers that a mask picks, in words."""
    picked = here[mask.fillna(False)]
    words = picked["pod"].str.split("/").str[-1] + "/" + picked["container"]
    return texts_for(workloads, words.groupby(picked["object"]).agg(", ".join))


def _fronting(
    ephi_objects: pd.DataFrame,
    services: pd.DataFrame,
    backends: pd.DataFrame,
    endpoints: pd.DataFrame,
    pods: pd.DataFrame,
) -> pd.DataFrame:
    """Return the ePHI Services that select pods, with the number of endpoints that take traffic.

    A Service in front of pods that are only declared does not run; one that selects no pod at all is
    meant to, and nothing answers.
    """
    chosen = services[services["selects"] & services["object"].isin(ephi_objects["object"])]["object"]
    behind = backends[backends["service"].isin(chosen)]
    running = behind[behind["pod"].isin(pods[pods["live"]]["object"])]["service"]
    takes = endpoints[endpoints["ready"].fillna(True)]
    up = chosen.map(takes.groupby("service").size()).fillna(0).astype("Int64")
    live = chosen.isin(running) | ~chosen.isin(behind["service"])
    ready = behind[behind["pod"].isin(pods[pods["live"] & pods["ready"].fillna(False)]["object"])]["service"]
    unlisted = chosen.isin(ready) & ~chosen.isin(endpoints["service"])
    return pd.DataFrame({"object": chosen, "is_service": True, "live": live, "up": up, "unlisted": unlisted})
