"""Checks of other scanners, and the control that each stands beside: `scanners.csv`.

The mapping is apart from the catalogue's digest: it changes what is shown beside a finding, and no finding.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

from hipaa_kit.catalogue.loading import FOLDER, load_catalogue, once, rows
from hipaa_kit.catalogue.model import CatalogueError, ScannerCheck
from hipaa_kit.vocabulary import MAPPING_RELATIONS

FILE: Final = "scanners.csv"
FIELDS: Final = ("tool", "check", "control", "relation", "differs", "source")

_TRIVY: Final = re.compile(r"(?:AVD-)?([A-Z]{2,4})-?(\d{1,4})")


@functools.cache
def load_scanner_checks(folder: Path = FOLDER) -> tuple[ScannerCheck, ...]:
    """Load the mapping and validate it against the controls.

    Parameters
    ----------
    folder
        Folder of the catalogue; the kit's own by default.

    Returns
    -------
    tuple of ScannerCheck
        In the order of the file.

    Raises
    ------
    CatalogueError
        A row names a control that there is not, an id in another form than its tool's, no source, or stands
        there twice; names file, line and what to do.
    """
    controls = {control.id for control in load_catalogue(folder).controls}
    checks = []
    for line, row in enumerate(rows(folder / FILE, FIELDS), 2):
        at, check = f"{FILE}:{line} {row['tool']} {row['check']}", ScannerCheck(**row)
        if not check.tool or not check.check:
            raise CatalogueError("names no tool or no check", at, "write both as the reports do")
        if check.control not in controls:
            raise CatalogueError(f"there is no control {check.control!r}", at, "hipaa-kit checks lists them")
        if check.relation not in MAPPING_RELATIONS:
            raise CatalogueError(f"relation is {check.relation!r}", at, f"one of {', '.join(MAPPING_RELATIONS)}")
        if check.relation == "related" and not check.differs:
            raise CatalogueError("does not say what it asks otherwise", at, "write it into differs")
        if not check.source.startswith("https://"):
            raise CatalogueError("has no source", at, "name the public page that says what the check asks")
        if check.check != canonical_check(check.tool, check.check):
            raise CatalogueError("id has another form", at, f"write {canonical_check(check.tool, check.check)}")
        checks.append(check)
    once((f"{check.tool} {check.check} {check.control}" for check in checks), "mapping", FILE)
    return tuple(checks)


def canonical_check(tool: str, check: str) -> str:
    """Return the id under which a tool's check is mapped.

    Trivy has written the same check as `KSV016`, `AVD-KSV-0016` and `KSV-0016`.
    Source: https://github.com/aquasecurity/trivy-checks.
    """
    found = _TRIVY.fullmatch(check) if tool in ("trivy", "trivy-operator") else None
    return f"{found[1]}-{int(found[2]):04}" if found else check
