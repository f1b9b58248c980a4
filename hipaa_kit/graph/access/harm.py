"""Table `harm`: who may destroy or alter ePHI, or blind the watch over it."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.permissions import permissions
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import GivenTables
from hipaa_kit.tables.permissions import HARM


@builds(HARM, optional=["workforce_groups", "cloud_clusters"])
def harm(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
    service_accounts: pd.DataFrame,
    namespaces: pd.DataFrame,
    labels: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    cloud_clusters: pd.DataFrame,
) -> pd.DataFrame:
    """Return what `Permissions.harm` says, from tables at hand."""
    given = {
        "roles": roles,
        "role_rules": role_rules,
        "role_bindings": role_bindings,
        "binding_subjects": binding_subjects,
        "service_accounts": service_accounts,
        "namespaces": namespaces,
        "labels": labels,
        "pods": pods,
        "containers": containers,
        "volumes": volumes,
        "claims": claims,
        "control_plane_members": control_plane_members,
        "control_plane_flags": control_plane_flags,
        "ephi_objects": ephi_objects,
        "workforce_groups": workforce_groups,
        "cloud_clusters": cloud_clusters,
    }
    return permissions(GivenTables(given), snapshot).harm()
