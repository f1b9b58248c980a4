"""Backup and recovery: whether ePHI can be brought back, from where, how fast, and whether that was ever done."""
