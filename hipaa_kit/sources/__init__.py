"""Reading clusters, dumps and manifests into a redacted snapshot; the files people write beside it."""
