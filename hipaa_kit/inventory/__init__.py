"""Objects as tables: one module per family, found by the registry."""
