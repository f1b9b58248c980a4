"""Integrity: what runs is what was meant to run, and data are found out to be altered."""
