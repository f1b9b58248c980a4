"""Requests that an audit log must hold for a review, and what is blind without them: `audit_probes.csv`."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hipaa_kit.catalogue.loading import FOLDER, once, rows
from hipaa_kit.catalogue.model import CatalogueError
from hipaa_kit.kube.audit.policy import LEVELS

FILE: Final = "audit_probes.csv"
FIELDS: Final = tuple(
    "probe requester verb group resource subresource namespace name path minimum maximum standing needs blind "
    "blind_below_metadata".split()
)
REQUESTERS: Final = ("person", "service_account", "controller", "node", "anonymous")
STANDINGS: Final = ("mandatory", "recommended", "cap")
"""Below its minimum a mandatory probe is a failure, a recommended one a question; a cap only says what is too much."""


@dataclass(frozen=True)
class AuditProbe:
    """One request, the level that it must be recorded at, and the one that it must not exceed.

    `namespace` is a place of the site: `ephi`, `logging` or `backup`; or the name of a namespace, or none. `name` is
    `any` for an object whose name does not matter, `namespace` for the Namespace itself. `needs` is the
    CustomResourceDefinition without which nobody can make the request.
    """

    probe: str
    requester: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    path: str
    minimum: str
    maximum: str
    standing: str
    needs: str
    blind: str
    blind_below_metadata: str


@functools.cache
def load_audit_probes(folder: Path = FOLDER) -> tuple[AuditProbe, ...]:
    """Load the probes in their order.

    Raises
    ------
    CatalogueError
        A row cannot be right; names file, line and what to do.
    """
    found = []
    for line, row in enumerate(rows(folder / FILE, FIELDS), 2):
        at, probe = f"{FILE}:{line} {row['probe']}", AuditProbe(**row)
        if probe.requester not in REQUESTERS or probe.standing not in STANDINGS:
            raise CatalogueError("names no requester or standing", at, f"{REQUESTERS}, {STANDINGS}")
        if probe.minimum not in LEVELS or probe.maximum not in ("", *LEVELS):
            raise CatalogueError("names no level", at, f"{LEVELS}")
        if bool(probe.resource) == bool(probe.path):
            raise CatalogueError("is for a resource or for a path", at, "write one of them")
        found.append(probe)
    once((each.probe for each in found), "probe", FILE)
    return tuple(found)
