"""Namespaces as one sees them from above: how many pairs of their pods may connect."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.graph.blast_radius import Flags, adjacency
from hipaa_kit.graph.reachability import reachability_of
from hipaa_kit.graph.reachability.reading import READS_BESIDE
from hipaa_kit.graph.reachability.tables import BEHIND
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.traffic import NAMESPACE_FLOWS

Counts: TypeAlias = npt.NDArray[np.int64]


@builds(NAMESPACE_FLOWS, reads=BEHIND, also=READS_BESIDE)
def namespace_flows(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per pair of namespaces that have pods."""
    reach = reachability_of(snapshot)
    classes = reach.engine.classes
    if not classes.pods:
        return NAMESPACE_FLOWS.frame()
    sure, possible = adjacency(reach)
    counts, place = np.asarray(classes.counts, dtype=np.int64), np.asarray(classes.namespace_of)
    names = np.array(classes.namespaces, dtype=object)
    sizes = np.zeros(len(names), dtype=np.int64)
    np.add.at(sizes, place, counts)
    surely = _pairs(sure, counts, place, len(names)).ravel()
    perhaps = _pairs(possible, counts, place, len(names)).ravel() - surely
    return NAMESPACE_FLOWS.conform(
        pd.DataFrame(
            {
                "source": np.repeat(names, len(names)),
                "destination": np.tile(names, len(names)),
                "verdict": _words(np.where(surely > 0, 0, np.where(perhaps > 0, 1, 2)), "allowed", "unknown", "denied"),
                "allowed": surely,
                "unknown": perhaps,
                "pairs": (np.outer(sizes, sizes) - np.diag(sizes)).ravel(),
                "enforcement": _words(np.zeros(len(surely), dtype=np.int64), reach.options_in_force.enforcement),
            }
        )
    )


def _pairs(adjacent: Flags, counts: Counts, place: npt.NDArray[Any], spaces: int) -> Counts:
    """Return for every two namespaces how many pairs of their pods are adjacent, each pod with itself left out.

    Notes
    -----
    A namespace at a time: a product of whole matrices of integers takes the cube of a cluster's size, this the square.
    """
    found = np.zeros((spaces, spaces), dtype=np.int64)
    for space in range(spaces):
        own = np.flatnonzero(place == space)
        np.add.at(found[space], place, counts[own] @ adjacent[own] * counts)
        found[space, space] -= counts[own] @ adjacent[own, own]
    return found


def _words(numbers: npt.NDArray[np.int64], *words: str) -> npt.NDArray[Any]:
    return np.array(words, dtype=object)[numbers]
