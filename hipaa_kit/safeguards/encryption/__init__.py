"""Encryption: at rest and in transit, and the keys and credentials that open what is encrypted."""
