"""Encryption: of data at rest and their keys, and of data in transit."""
