"""Rules of backup tools, without I/O: when a schedule runs, and what a Velero backup takes with it."""
