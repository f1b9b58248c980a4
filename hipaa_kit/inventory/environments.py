"""Which environment a namespace belongs to, by its labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_kit.inventory.fields import string_map
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.traffic import NAMESPACE_ENVIRONMENTS

LABELS = ("environment", "env", "environment-name", "stage")
"""Names of labels, without their prefix, that say which environment something belongs to; the first counts."""

PRODUCTION = frozenset(["production", "prod", "prd", "live"])


@builds(NAMESPACE_ENVIRONMENTS, reads=[kinds.NAMESPACE])
def namespace_environments(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per namespace; also those whose labels say nothing."""
    for record in snapshot.records(kinds.NAMESPACE):
        labels = string_map(record.content, "metadata", "labels")
        named = {key.rpartition("/")[2].lower(): key for key in sorted(labels)}
        label = next((named[name] for name in LABELS if name in named), "")
        value = labels.get(label, "")
        yield {
            "namespace": record.name,
            "label": label,
            "environment": value,
            "production": value.lower() in PRODUCTION if value else None,
        }
