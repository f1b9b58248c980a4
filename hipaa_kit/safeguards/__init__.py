"""Checks, one module per topic."""
