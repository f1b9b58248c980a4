"""Encryption at rest: what the API server writes to etcd, and how each storage driver makes a volume."""
