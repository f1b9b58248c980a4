"""Redaction at the door: the first net, by allow-list. The second net is `sources/leaks.py`."""

from hipaa_kit.sources.redaction.objects import REMOVED, Redacted, redact

__all__ = ["REMOVED", "Redacted", "redact"]
