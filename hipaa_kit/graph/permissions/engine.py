"""All questions to one cluster's RBAC in one place."""

from __future__ import annotations

from hipaa_kit.graph.permissions.cis import Benchmark
from hipaa_kit.graph.permissions.loading import known
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet


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
        Those of the inventory: roles, role_rules, role_bindings, binding_subjects, service_accounts, pods, containers,
        volumes, claims, namespaces, labels, ephi_objects, workforce_groups and cloud_clusters.
    snapshot
        Where they come from: what was read, and what was refused.
    """
    return Permissions(known(tables, snapshot), tables)
