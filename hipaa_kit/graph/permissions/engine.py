"""All questions to one cluster's RBAC in one place."""

from __future__ import annotations

from typing import Final

from hipaa_kit.graph.permissions.cis import Benchmark
from hipaa_kit.graph.permissions.loading import ADMISSION, known
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet

RBAC_TABLES: Final = (
    "binding_subjects",
    "cloud_clusters",
    "control_plane_flags",
    "control_plane_members",
    "labels",
    "namespaces",
    "role_bindings",
    "role_rules",
    "roles",
    "service_accounts",
    "workforce_groups",
)
"""Tables that every answer rests on: what a builder that asks for permissions names in `uses`."""

TABLES_OF_HARM: Final = ("account_secrets", "claims", "containers", "ephi_objects", "pods", "volumes")
"""Tables on which those answers rest besides that speak of pods, Secrets or ePHI."""

RBAC_BESIDE: Final = (kinds.CONFIG_MAP, *ADMISSION)
"""Kinds beside RBAC of which they take what is there: whom components trust, and what else may refuse a request."""

RBAC_INPUTS: Final = ("cloud_clusters", "workforce_groups")
"""Those of them that an input fills, and without which answers are given too."""


class Permissions(Benchmark):
    """Who can do what, by which role binding, and how they could become more.

    Every answer is a declared table (docs/tables.md). The questions stand in `answers` (can, who can, what can, why),
    `reviews` (loose ends, sign-off sheet, changes), `escalations`, `closure` (paths), `harm` and `cis`.
    """


def permissions(tables: TableSet, snapshot: Snapshot) -> Permissions:
    """Return what RBAC says in a snapshot.

    Parameters
    ----------
    tables
        `RBAC_TABLES`; also pods and account_secrets where ways are asked for, and pods, containers, volumes, claims
        and ephi_objects for harm to ePHI.
    snapshot
        Where they come from: what was read, and what was refused.
    """
    return Permissions(known(tables, snapshot), tables)
