"""Detections on the API server's audit log: hits, and what of it they can see."""
