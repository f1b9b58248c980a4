"""Permissions: who can do what, by which role binding, and how they could become more.

`permissions(tables, snapshot)` makes `Permissions`, which answers; `Assessment.permissions` holds one.
"""

from hipaa_kit.graph.permissions.engine import (
    RBAC_BESIDE,
    RBAC_INPUTS,
    RBAC_TABLES,
    TABLES_OF_HARM,
    Permissions,
    permissions,
)

__all__ = ["RBAC_BESIDE", "RBAC_INPUTS", "RBAC_TABLES", "TABLES_OF_HARM", "Permissions", "permissions"]
