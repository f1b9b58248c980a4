"""Granted, used, and touched ePHI: the audit log joined with permissions, ePHI objects and what people keep."""
