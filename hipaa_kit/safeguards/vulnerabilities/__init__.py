"""Vulnerabilities: what is known of the software under ePHI, how fresh that is, and how soon it is mended."""
