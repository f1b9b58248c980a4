"""The audit log as tables."""
