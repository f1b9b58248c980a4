"""What else is recorded: connections between pods, and Events of the cluster."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.monitoring.common import (
    NOT_READY,
    NOT_RUNNING,
    READY,
    is_fresh,
    missing,
    other_engines,
    surest,
    watching,
)


@check("HK-MON-05", without_scope=True, everywhere=True, optional=["flow_records"])
def flows_recorded(
    watchers: pd.DataFrame,
    other_monitoring: pd.DataFrame,
    flow_records: pd.DataFrame,
    *,
    as_of: str,
    flow_records_required: bool = False,
    flow_record_hours: int = 24,
) -> pd.DataFrame:
    """Judge what records connections by whether it runs, and the cluster by whether anything does.

    Parameters
    ----------
    watchers, other_monitoring, flow_records : tables of those names

    Returns
    -------
    table `judgements`, one row per program that records connections, or one for the cluster

    Notes
    -----
    No rule asks for a record of connections by name: without one it is a question, unless the site says that it
    requires one. Records that were given count where the last is not older than `flow_record_hours`.
    Source: https://docs.cilium.io/en/stable/observability/hubble/
    """
    found = surest(watching(watchers, "flows"))
    sure = found[found["by_itself"]]
    if sure.empty:
        fresh = flow_records[is_fresh(as_of, flow_records["last_seen_at"], 60 * flow_record_hours)]
        observers = ", ".join(sorted(set(fresh["observer"])))
        doubtful = ", ".join(sorted(other_engines(other_monitoring, "flows").union(found["program"])))
        how = "recorded" if observers else "perhaps" if doubtful else "none"
        found = missing("Cluster//connections").assign(state=how, program=observers or doubtful)
    else:
        found = sure.reset_index(drop=True)
    state = found["state"]
    bare = state == "none"
    return judge(
        found,
        fails(
            bare & flow_records_required,
            "nothing that the kit knows records connections, which the site requires",
            observed="none",
            expected="Hubble, Goldmane, NetObserv or another record",
            rests_on=["watchers", "other_monitoring"],
        ),
        fails(state == NOT_READY, "no pod of {program} is ready", observed="not ready", expected="a ready pod"),
        reviews(
            bare & (not flow_records_required),
            "nothing that the kit knows records connections: does the provider, or does the site do without?",
            rests_on=["watchers", "other_monitoring"],
        ),
        reviews(state == "perhaps", "does {program} record connections? Its configuration was not read"),
        not_assessed(state == NOT_RUNNING, "nothing says whether {program} runs", code="input_missing"),
        evidence="pods",
        passes="{program} records connections",
    )


@check("HK-MON-06", without_scope=True, everywhere=True)
def events_exported(watchers: pd.DataFrame) -> pd.DataFrame:
    """Judge what exports Events by whether it runs, and the cluster by whether anything does.

    Parameters
    ----------
    watchers : table of that name

    Returns
    -------
    table `judgements`, one row per program that exports Events, or one for the cluster

    Notes
    -----
    The API server forgets an Event after an hour unless it is told otherwise.
    Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ (`--event-ttl`)
    """
    found = surest(watching(watchers, "events"))
    found = found if len(found) else missing("Cluster//events")
    state = found["state"]
    perhaps = (state == READY) & ~found["by_itself"].astype(bool)
    return judge(
        found,
        fails(
            state == "none",
            "nothing that the kit knows exports Events, which the API server forgets after an hour",
            observed="none",
            expected="an event exporter",
            rests_on=["watchers"],
        ),
        fails(state == NOT_READY, "no pod of {program} is ready", observed="not ready", expected="a ready pod"),
        reviews(perhaps, "does {program} export Events? Its configuration was not read"),
        not_assessed(state == NOT_RUNNING, "nothing says whether {program} runs", code="input_missing"),
        evidence="pods",
        passes="{program} exports Events",
    )
