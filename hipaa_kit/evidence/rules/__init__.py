"""Detections as rules of other engines, so that something watches while nobody assesses."""
