"""Namespaces as one sees them from above: how many pairs of their pods may connect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hipaa_kit.graph.blast_radius import adjacency
from hipaa_kit.graph.reachability import reachability_of
from hipaa_kit.graph.reachability.tables import BEHIND
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.traffic import NAMESPACE_FLOWS


@builds(NAMESPACE_FLOWS, reads=BEHIND)
def namespace_flows(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per pair of namespaces that have pods."""
    reach = reachability_of(snapshot)
    classes = reach.engine.classes
    if not classes.pods:
        return
    sure, possible = adjacency(reach)
    counts = np.asarray(classes.counts, dtype=np.int64)
    place = np.asarray(classes.namespace_of)
    member = np.zeros((len(classes.namespaces), classes.pods), dtype=np.int64)
    member[place, np.arange(classes.pods)] = counts
    own = np.diag(member @ np.diag(sure).astype(np.int64))
    own_possible = np.diag(member @ np.diag(possible).astype(np.int64))
    surely = member @ sure.astype(np.int64) @ member.T - own
    perhaps = member @ possible.astype(np.int64) @ member.T - own_possible - surely
    sizes = member.sum(axis=1)
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    for one, source in enumerate(classes.namespaces):
        for other, destination in enumerate(classes.namespaces):
            allowed, unknown = int(surely[one, other]), int(perhaps[one, other])
            yield {
                "source": source,
                "destination": destination,
                "verdict": "allowed" if allowed else "unknown" if unknown else "denied",
                "allowed": allowed,
                "unknown": unknown,
                "pairs": int(pairs[one, other]),
                "enforcement": reach.options_in_force.enforcement,
            }
