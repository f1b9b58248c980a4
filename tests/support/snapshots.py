"""Small snapshots for tests: real objects through the real builder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents.yaml_documents import LenientLoader
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot

TEST_KEY = b"a key for tests, not a secret of anyone"
COLLECTED_AT = "2026-11-20T02:00:00Z"


def objects_of(text: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML text."""
    return [document for document in yaml.load_all(text, Loader=LenientLoader) if document]


def snapshot_of(
    objects: str | Iterable[Mapping[str, Any]] = (),
    coverage: str = "answered",
    overrides: Mapping[tuple[str, str] | tuple[str, str, str], str] | None = None,
    *,
    layout: str = "live",
    collected_at: str = COLLECTED_AT,
    version: str = "v1.34.2",
) -> Snapshot:
    """Return a snapshot of objects in which every kind that the kit knows has the same coverage.

    Parameters
    ----------
    objects
        Objects, or YAML that holds them.
    coverage
        Status of every kind that the kit knows.
    overrides
        Other statuses by (kind, namespace) or (group, kind, namespace); namespace "" is the cluster.
    """
    held = objects_of(objects) if isinstance(objects, str) else list(objects)
    builder = SnapshotBuilder(layout, Pseudonymizer(TEST_KEY))
    builder.identify("test", uid="11111111-2222-3333-4444-555555555555", basis="test", version=version)
    builder.collected_at, builder.collected_basis = collected_at, "recorded"
    for number, obj in enumerate(held):
        builder.add(obj, "objects.yaml", f":{number}")
    for kind in (*kinds.BUILT_IN, *CUSTOM):
        count = builder.received(kind.group, kind.kind)
        builder.cover(group=kind.group, kind=kind.kind, resource=kind.resource, status=coverage, count=count)
    for key, status in (overrides or {}).items():
        group, kind, namespace = key if len(key) == 3 else ("", *key)
        builder.cover(group=group, kind=kind, namespace=namespace, status=status, error="refused for the test")
    return builder.build()
