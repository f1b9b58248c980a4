"""Audit trails: what was done to ePHI is recorded, in full, and kept where nobody alters it."""
