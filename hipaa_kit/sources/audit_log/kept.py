"""Stores of audit logs in the user's cache folder, each under a digest of what it was read from."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from hipaa_kit.sources.audit_log.ingestion import ingest_under
from hipaa_kit.sources.audit_log.store import AuditLog

FOLDER_VARIABLE: Final = "HIPAA_KIT_AUDIT_CACHE"
"""Names the folder in which stores are kept."""


def cached_log(sources: Sequence[str | Path], only: Collection[str] = ()) -> AuditLog:
    """Return the store of some logs, read now if they were not read before.

    Parameters
    ----------
    sources, only
        As `ingest` takes them.

    Raises
    ------
    InputError
        A source cannot be read, or holds no audit log.
    """
    return ingest_under(_folder(), sources, only)


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE, "")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "hipaa-kit" / "audit-logs"
