"""Clocks of nodes against that of the API server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import items, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import FIELD_MANAGERS
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.log_collection import NODE_CLOCKS

LEASES: Final = "kube-node-lease"
KUBELET: Final = "kubelet"


@builds(NODE_CLOCKS, reads=[kinds.LEASE], facts=[FIELD_MANAGERS])
def node_clocks(snapshot: Snapshot, nodes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per node.

    A kubelet writes the moment by its own clock into `spec.renewTime` of its Lease every ten seconds; the API server
    notes by its clock when it took that, as the time of the kubelet's entry in `metadata.managedFields`, to the second.
    Source: https://kubernetes.io/docs/concepts/architecture/leases/,
    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#System
    """
    held = {record.name: record for record in snapshot.records(kinds.LEASE) if record.namespace == LEASES}
    for row in rows_of(nodes):
        record = held.get(row["name"])
        renewed, written = _moments(record) if record else ("", "")
        skew = None
        if (at := _read(renewed)) and (taken := _read(written)):
            # The server's moment is cut to the second: what lies within it is no skew.
            ahead = (at - taken).total_seconds()
            skew = ahead if ahead < 0 else max(0.0, ahead - 1)
        yield {
            "node": row["object"],
            "lease": record.object if record else "",
            "renewed_at": renewed,
            "written_at": written,
            "skew_seconds": skew,
        }


def _moments(record: Record) -> tuple[str, str]:
    """Return when a Lease was renewed by its holder's clock, and when the API server took that by its own."""
    entries = [each for each in items(record.facts, FIELD_MANAGERS) if not text(each, "subresource")]
    times = [text(each, "time") for each in entries]
    # Where somebody else wrote last, the kubelet's entry may be older than what it renewed.
    mine = [text(each, "time") for each in entries if text(each, "manager") == KUBELET]
    return text(record.content, "spec", "renewTime"), max(mine, default="") if len(times) == len(mine) else ""


def _read(moment: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return found if found.tzinfo else None
