"""Paths of small clusters for tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.paths import Paths
from hipaa_kit.sources.scope import load_scope
from tests.support.snapshots import snapshot_of

SCOPE = """apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: test, owner: privacy@clinic.example, reviewed_on: 2026-11-01}
entries:
- {podSelector: "phi=yes", owner: a@clinic.example, data_class: ephi, criticality: critical}
- {claimSelector: "phi=yes", owner: a@clinic.example, data_class: ephi, criticality: critical}
"""
BY_SELECTOR = {("discovery.k8s.io", "EndpointSlice", ""): "not_asked"}
"""Services lead to the pods that they select: a small cluster has no EndpointSlices."""


def paths_in(
    objects: str | Iterable[Mapping[str, Any]], scope: str = SCOPE, overrides: Mapping[Any, str] | None = None
) -> Paths:
    """Return the paths of a snapshot of objects, through the real builder and tables."""
    with assessed(objects, scope, overrides) as run:
        return run.paths


@contextmanager
def assessed(
    objects: str | Iterable[Mapping[str, Any]], scope: str = SCOPE, overrides: Mapping[Any, str] | None = None
) -> Iterator[Assessment]:
    """Give the assessment of a snapshot of objects, through the real builder and tables."""
    snapshot = snapshot_of(objects, overrides={**BY_SELECTOR, **(overrides or {})})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scope.yaml"
        file.write_text(scope, encoding="utf-8")
        yield Assessment(snapshot, load_scope(file))


def lines(hops: pd.DataFrame) -> list[str]:
    """Return every path in one line, the first first."""
    found = []
    for _, path in hops.groupby("rank"):
        found.append(
            " ".join([path["source"].iloc[0], *(f"{e} {t}" for e, t in zip(path["edge"], path["target"], strict=True))])
        )
    return found
