"""Every table that passes between rooms, declared once, a module per family.

A declaration builds, checks, documents and reads back its frames; `docs/tables.md` is made from
them. A new table is one declaration in the module of its family; a new family is one module: the
registry below finds both.
"""

from __future__ import annotations

import importlib
import pkgutil

from hipaa_kit.tables.declaration import Column, Table


def _declared() -> dict[str, Table]:
    found: dict[str, Table] = {}
    for module in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, Table) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"two tables are called {value.name!r}")
    return found


TABLES = _declared()
"""All declared tables by name."""

__all__ = ["TABLES", "Column", "Table"]
