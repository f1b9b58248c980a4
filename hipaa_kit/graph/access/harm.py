"""Table `harm`: who may destroy or alter ePHI, or blind the watch over it."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES, permissions
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import GivenTables
from hipaa_kit.tables.permissions import HARM


@builds(
    HARM,
    also=RBAC_BESIDE,
    optional=RBAC_INPUTS,
    uses=(*RBAC_TABLES, "claims", "containers", "ephi_objects", "pods", "volumes"),
)
def harm(snapshot: Snapshot, tables: GivenTables) -> pd.DataFrame:
    """Return what `Permissions.harm` says, from tables at hand."""
    return permissions(tables, snapshot).harm()
