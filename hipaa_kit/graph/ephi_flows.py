"""Flows to and from ePHI workloads; where there are too many to look at, ends that are alike stand together."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from hipaa_kit.graph.flow_ends import SIDES, named_records
from hipaa_kit.graph.reachability import reachability_of
from hipaa_kit.graph.reachability.alike import Alike, Apart
from hipaa_kit.graph.reachability.edges import namespace_of
from hipaa_kit.graph.reachability.reading import READS_BESIDE
from hipaa_kit.graph.reachability.tables import BEHIND
from hipaa_kit.graph.traffic import NAMESPACE, Declared, End, categories, name_servers
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.reachability import EPHI_FLOWS


@builds(EPHI_FLOWS, reads=BEHIND, also=READS_BESIDE, optional=["flow_records"])
def ephi_flows(
    snapshot: Snapshot,
    ephi_workloads: pd.DataFrame,
    expected_flows: pd.DataFrame,
    workloads: pd.DataFrame,
    pods: pd.DataFrame,
    service_targets: pd.DataFrame,
    namespace_environments: pd.DataFrame,
    flow_records: pd.DataFrame,
    flow_ends: pd.DataFrame,
) -> pd.DataFrame:
    """Return every flow to or from an ePHI workload, workload by workload.

    Notes
    -----
    In a large open cluster ends stand together that have the same flows with every ePHI workload, and differ in
    nothing that a check looks at: what is declared or was seen, the environment, what the traffic is for. Every pair
    of workloads is in exactly one row.
    """
    reach = reachability_of(snapshot)
    inside = frozenset(ephi_workloads["object"])
    known = sorted(inside & {pod.workload for pod in reach.facts.pods})
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    log = named_records(flow_records, flow_ends, owner)
    seen = frozenset(end for side in SIDES for end in log[side])
    environments = dict(zip(namespace_environments["namespace"], namespace_environments["environment"], strict=True))
    servers = name_servers(service_targets, owner)
    # Who may ask a name server is looked at workload by workload, also where the server itself holds ePHI.
    alone = seen | servers | (inside if servers & inside else frozenset())
    apart = _apart(Declared(expected_flows, workloads), alone, environments)
    found = Alike(reach, known, apart, shared_nodes=False).frame()
    return found.assign(**{f"{end}_ephi": found[end].isin(inside) for end in ("source", "destination")})


def _apart(declared: Declared, alone: frozenset[str], environments: dict[str, str]) -> Apart:
    """Return what tells ends apart for the checks, by name."""

    def apart(name: str) -> Hashable:
        end = End.of(name, namespace_of(name))
        named = not declared.names.isdisjoint((name, NAMESPACE + end.namespace))
        if name in alone or (end.namespace and named):
            return name
        outside = end.cell and (end.cell.public, end.metadata, declared.around(end))
        return outside, environments.get(end.namespace), categories(end)

    return apart
