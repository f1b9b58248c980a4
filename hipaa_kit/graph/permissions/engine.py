"""All questions to one cluster's RBAC in one place."""

from __future__ import annotations

from hipaa_kit.graph.permissions.escalations import Escalations
from hipaa_kit.graph.permissions.loading import known
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet


class Permissions(Escalations):
    """Who can do what, by which role binding; every answer is a declared table (docs/tables.md)."""


def permissions(tables: TableSet, snapshot: Snapshot) -> Permissions:
    """Return what RBAC says in a snapshot.

    Parameters
    ----------
    tables
        Those of the inventory: roles, role_rules, role_bindings, binding_subjects, service_accounts, and
        workforce_groups.
    snapshot
        Where they come from: what was read, and what was refused.
    """
    return Permissions(known(tables, snapshot), tables)
