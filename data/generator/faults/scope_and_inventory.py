"""Faults of the scope: what holds ePHI is declared wrongly or not at all."""

from __future__ import annotations

from faults.patches import Fault, drop, select

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
)
