"""A real API server for tests: binaries, certificates, the running control plane, and what to ask of it."""
