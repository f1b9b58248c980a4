"""Permissions: who can do what, by which role binding, and how they could become more.

`permissions(tables, snapshot)` makes `Permissions`, which answers; `Assessment.permissions` holds one.
"""

from hipaa_kit.graph.permissions.engine import Permissions, permissions

__all__ = ["Permissions", "permissions"]
