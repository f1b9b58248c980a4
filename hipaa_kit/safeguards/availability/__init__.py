"""Availability: patient data stays within reach when something is lost."""
