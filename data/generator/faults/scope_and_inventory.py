"""Faults of the scope: what holds ePHI is declared wrongly or not at all."""

from __future__ import annotations

from faults.network_isolation import EXPORT_ON_NODE
from faults.patches import Fault, change, drop, select

ARCHIVE_ON_SCANNERS = change("StatefulSet/imaging/orthanc", networks="imaging/scanners")

FAULTS = (
    Fault(
        "ScopeEntry//3",
        "HK-PHI-01",
        "the selector still names a label value that nobody uses any more and matches no pod",
        select("ScopeEntry//3", "app.kubernetes.io/component=db"),
    ),
    Fault(
        "ScopeEntry//5",
        "HK-PHI-01",
        "the image pattern is misspelt and matches no container",
        select("ScopeEntry//5", "*/hapi-fihr*"),
    ),
    Fault(
        "StatefulSet/research/orthanc",
        "HK-PHI-02",
        "an image server of the researchers takes DICOM but nobody declared it",
        drop("ScopeEntry//11"),
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-PHI-04",
        "a second interface leads to the network of the scanners, which no policy rules and no map shows",
        ARCHIVE_ON_SCANNERS,
    ),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-PHI-04",
        "on the network of its node its connections are the node's, and not on the map",
        EXPORT_ON_NODE,
    ),
)
