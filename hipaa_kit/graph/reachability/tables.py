"""Reachability as tables that checks can name: what matters of it for ePHI, and what is small enough to keep."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.reachability.answers import reachability_of
from hipaa_kit.graph.reachability.reading import READS, READS_BESIDE
from hipaa_kit.graph.reachability.routes import GATEWAY, ROUTES
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.workloads import CONTROLLERS
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.reachability import (
    EXPOSURES,
    ISOLATION,
    NAMESPACE_ISOLATION,
    NETWORK_LINT,
    REACHABILITY_OPTIONS,
)

BEHIND = tuple(dict.fromkeys((*READS, *CONTROLLERS)))

ENTRIES = (
    kinds.SERVICE,
    kinds.ENDPOINT_SLICE,
    kinds.INGRESS,
    kinds.INGRESS_CLASS,
    *(custom(GATEWAY, kind) for kind in ("Gateway", "ReferenceGrant", *ROUTES)),
    custom("route.openshift.io", "Route"),
)
"""Kinds by which the outside gets in; none of them seen in part shows that nothing does."""

TABLES_OF_ENTRIES = (
    *("container_ports", "endpoints", "ingress_routes", "pods"),
    *("service_ports", "service_targets", "services"),
)
"""Tables from which the ways in are made."""


@builds(ISOLATION, reads=BEHIND, also=READS_BESIDE)
def isolation(snapshot: Snapshot) -> pd.DataFrame:
    """Return which policies select every pod, and whether they isolate it."""
    return reachability_of(snapshot).coverage()


@builds(NAMESPACE_ISOLATION, reads=BEHIND, also=READS_BESIDE)
def namespace_isolation(snapshot: Snapshot) -> pd.DataFrame:
    """Return what stands in every namespace."""
    return reachability_of(snapshot).namespaces()


@builds(REACHABILITY_OPTIONS, reads=BEHIND, also=READS_BESIDE)
def reachability_options(snapshot: Snapshot) -> pd.DataFrame:
    """Return what was decided where the rules leave something open."""
    return reachability_of(snapshot).options()


@builds(EXPOSURES, reads=(*BEHIND, *ENTRIES), also=READS_BESIDE, uses=TABLES_OF_ENTRIES)
def exposures(snapshot: Snapshot, tables: TableSet) -> pd.DataFrame:
    """Return every way from outside into a port of a pod."""
    return reachability_of(snapshot).exposure(tables)


@builds(NETWORK_LINT, reads=BEHIND, also=READS_BESIDE)
def network_lint(snapshot: Snapshot) -> pd.DataFrame:
    """Return what is wrong with policies."""
    return reachability_of(snapshot).lint()
