"""From how much of the cluster an ePHI workload can be reached, connection by connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from hipaa_kit.graph.reachability import Reachability, reachability_of
from hipaa_kit.graph.reachability.reading import READS_BESIDE
from hipaa_kit.graph.reachability.tables import BEHIND
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.traffic import BLAST_RADIUS

Flags: TypeAlias = npt.NDArray[np.bool_]

HOPS = 3
TILE = 256


@builds(BLAST_RADIUS, reads=BEHIND, also=READS_BESIDE)
def blast_radius(snapshot: Snapshot, ephi_workloads: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per ePHI workload that runs and number of connections, from the workload backwards.

    Each connection is one that policies let its source open; that somebody who holds a pod can go on from it
    is taken for granted. Ways over nodes and over what lies outside the cluster are not followed.
    """
    reach = reachability_of(snapshot)
    wanted = sorted(set(ephi_workloads["object"]) & {pod.workload for pod in reach.facts.pods})
    if not wanted:
        return
    # By destination: whoever leads into some classes is looked up over and over.
    sure, possible = (np.ascontiguousarray(each.T) for each in adjacency(reach))
    of_pod = np.asarray(reach.engine.classes.of_pod)
    owner = np.array([pod.workload for pod in reach.facts.pods], dtype=object)
    accounts, _ = pd.factorize(np.array([f"{pod.namespace}/{pod.account}" for pod in reach.facts.pods], dtype=object))
    for workload in wanted:
        own = owner == workload
        surely, perhaps = _start(len(sure), of_pod[own]), _start(len(sure), of_pod[own])
        for hops in range(1, HOPS + 1):
            surely, perhaps = _back(sure, surely), _back(possible, perhaps)
            near, about = surely[of_pod] & ~own, perhaps[of_pod] & ~own
            yield {
                "workload": workload,
                "hops": hops,
                "pods": int(near.sum()),
                "workloads": len(set(owner[near])),
                "perhaps": int((about & ~near).sum()),
                "of": int((~own).sum()),
                "accounts": int(np.count_nonzero(np.bincount(accounts[near | about]))),
                "enforcement": reach.options_in_force.enforcement,
            }


def adjacency(reach: Reachability) -> tuple[Flags, Flags]:
    """Return for every two classes of pods whether one surely, and whether it perhaps, may connect to the other."""
    engine = reach.engine
    every = np.arange(engine.classes.pods)
    sure = np.zeros((len(every), len(every)), dtype=bool)
    possible = np.zeros_like(sure)
    for start in range(0, len(every), TILE):
        sources = every[start : start + TILE]
        numbers = engine.tile(sources, every)
        planes = engine.flows.planes
        sure[sources] = np.array([each.sure != 0 for each in planes])[numbers]
        possible[sources] = np.array([each.possible != 0 for each in planes])[numbers]
    return sure, possible


def _start(size: int, classes: npt.NDArray[Any]) -> Flags:
    found = np.zeros(size, dtype=bool)
    found[classes] = True
    return found


def _back(into: Flags, reached: Flags) -> Flags:
    """Return the classes from which one connection leads into those reached, and these themselves."""
    found: Flags = reached | into[reached].any(axis=0)
    return found
