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

EXPORT = "an export of Hubble's"
AGENTS = "the log of Cilium's agents"


@check("HK-MON-05", without_scope=True, everywhere=True, optional=["flow_records"])
def flows_recorded(
    watchers: pd.DataFrame,
    other_monitoring: pd.DataFrame,
    flow_exports: pd.DataFrame,
    flow_records: pd.DataFrame,
    *,
    as_of: str,
    flow_records_required: bool = False,
    flow_record_hours: int = 24,
) -> pd.DataFrame:
    """Judge what records connections by whether it runs, and the cluster by whether anything does.

    Parameters
    ----------
    watchers, other_monitoring, flow_exports, flow_records : tables of those names

    Returns
    -------
    table `judgements`, one row per program that records connections, or one for the cluster

    Notes
    -----
    No rule asks for a record of connections by name: without one it is a question, unless the site says that it
    requires one. Records that were given count where the last is not older than `flow_record_hours`. A program that
    shows connections does not record them: Hubble holds the latest few thousand of each node, Goldmane those of an
    hour, others pass them on to where a configuration says. What is exported to the log of each agent is a record; a
    file of the node is one for whoever takes it from there before it is rotated, and filters make a part of it.
    Source: https://docs.cilium.io/en/stable/observability/hubble/configuration/export/,
    https://docs.cilium.io/en/stable/internals/hubble/, `goldmane/DESIGN.md` of projectcalico/calico,
    https://netobserv.io/, https://retina.sh/
    """
    fresh = flow_records[is_fresh(as_of, flow_records["last_seen_at"], 60 * flow_record_hours)]
    whole = flow_exports["running"] & (flow_exports["to"] == "log") & ~flow_exports["filtered"]
    doubtful = {EXPORT} if (~whole & ((flow_exports["to"] != "") | flow_exports["dynamic"])).any() else set()
    how = ", ".join([*sorted(set(fresh["observer"])), *([AGENTS] if whole.any() else [])])
    found = surest(watching(watchers, "flows"))
    sure = found[found["by_itself"]]
    if sure.empty:
        perhaps = ", ".join(sorted(other_engines(other_monitoring, "flows").union(found["program"], doubtful)))
        found = missing("Cluster//connections").assign(state="perhaps" if perhaps else "none", program=perhaps)
    else:
        found = sure.reset_index(drop=True)
    recorded = found["state"].isin(["none", "perhaps", READY]) & (how != "")
    state = found["state"].mask(recorded, "recorded")
    found = found.assign(how=how, perhaps=", ".join(["a record that somebody takes from it", *sorted(doubtful)]))
    bare = state == "none"
    return judge(
        found,
        fails(
            bare & flow_records_required,
            "nothing that the kit knows records connections, which the site requires",
            observed="none",
            expected="an export of Hubble's, NetObserv or another record",
            rests_on=["watchers", "other_monitoring"],
        ),
        fails(state == NOT_READY, "no pod of {program} is ready", observed="not ready", expected="a ready pod"),
        reviews(
            bare & (not flow_records_required),
            "nothing that the kit knows records connections: does the provider, or does the site do without?",
            rests_on=["watchers", "other_monitoring"],
        ),
        reviews(
            state == "perhaps",
            "does {program} record connections, and all of them? Its configuration was not read, or does not say",
        ),
        reviews(
            state == READY,
            "{program} itself keeps no lasting record of the connections that it shows: is there another, such as "
            "{perhaps}?",
        ),
        not_assessed(state == NOT_RUNNING, "nothing says whether {program} runs", code="input_missing"),
        evidence="pods",
        passes="{how} records connections",
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
