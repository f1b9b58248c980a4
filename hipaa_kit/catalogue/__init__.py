"""Law and controls as data, and the only place for them.

`citations.csv` holds the 70 citations of the Security Rule that the kit speaks of, `controls/` one
file of controls per topic, `topics.csv` the topics, `scanners.csv` the checks of other scanners that stand
beside a control, `lifecycles.csv` until when software gets fixes. All are validated as they are loaded: a
wrong entry is an error that names it, never a finding that cites the wrong law.
"""

from hipaa_kit.catalogue.loading import load_catalogue
from hipaa_kit.catalogue.model import (
    Catalogue,
    CatalogueError,
    Citation,
    CitationMapping,
    Control,
    Lifecycle,
    ScannerCheck,
    Topic,
)
from hipaa_kit.catalogue.scanners import canonical_check, load_scanner_checks

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Citation",
    "CitationMapping",
    "Control",
    "Lifecycle",
    "ScannerCheck",
    "Topic",
    "canonical_check",
    "load_catalogue",
    "load_scanner_checks",
]
