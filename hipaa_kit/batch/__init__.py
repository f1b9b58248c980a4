"""Notebooks in batch: which there are, and executing them with papermill."""
