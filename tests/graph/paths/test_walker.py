"""The engine against a walker that looks at one object after another: nothing is missed, and every hop holds.

`HIPAA_KIT_PATH_CLUSTERS` says how many random clusters (5,000 before a release), `HIPAA_KIT_PATH_SEED` where to begin.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from hipaa_kit.graph.paths import Paths
from hipaa_kit.graph.paths.search import Tree
from tests.support.path_walker import Walker
from tests.support.path_worlds import world
from tests.support.paths import paths_in

CLUSTERS = int(os.environ.get("HIPAA_KIT_PATH_CLUSTERS", "24"))
FIRST = int(os.environ.get("HIPAA_KIT_PATH_SEED", "1"))
SHARES = 8
KINDS = frozenset({"Pod", "PodNetwork", "ServiceAccount", "Secret", "PersistentVolumeClaim", "Node"})
"""Kinds of what the walker knows of; what else the engine tells is tested case by case."""


def reached(paths: Paths, start: str) -> dict[str, list]:
    """Return the cheapest path to all that the engine says is reached from one thing."""
    graph = paths.graph
    tree = Tree(graph.known, np.array([graph.number[start]]))
    names = [(node, graph.names[node]) for node in np.flatnonzero(tree.by >= 0).tolist()]
    return {
        name: paths.teller.hops(tree.path(node))
        for node, name in names
        if name.partition("/")[0] in KINDS and "*" not in name
    }


@pytest.mark.parametrize("share", range(SHARES))
def test_no_path_is_missed_and_every_hop_holds_by_the_raw_objects(share: int) -> None:
    told = 0
    for seed in range(FIRST + share, FIRST + CLUSTERS, SHARES):
        objects = world(seed)
        paths, walker = paths_in(objects), Walker(objects)
        for start in ["Internet", "User//ann", *sorted(walker.known)]:
            own = {start, start.replace("Pod/", "PodNetwork/", 1)}
            walked = news(walker.from_(start) - own)
            if start not in paths.graph.number:
                assert not walked, (seed, start, walked)
                continue
            engine = reached(paths, start)
            found = news((engine.keys() & walker.known) - own)
            assert found == walked, (seed, start, found ^ walked)
            for name, hops in engine.items():
                assert hops[0].source == start
                for hop in hops:
                    assert holds(walker, hop.source, hop.target), (seed, name, hop)
                told += len(hops)
    assert told > 0


def news(reached: set[str]) -> set[str]:
    """Return what is reached without the ports of pods that are held themselves: a pod always reaches itself."""
    return {
        each
        for each in reached
        if each.replace("PodNetwork/", "Pod/", 1) == each or each.replace("PodNetwork/", "Pod/", 1) not in reached
    }


def holds(walker: Walker, source: str, target: str) -> bool:
    """Tell whether one thing gives another at once; what stands for many, whether one of the many does."""
    if "*" in source or target.partition("/")[0] not in KINDS or target not in walker.known:
        return True
    itself = target == source.replace("Pod/", "PodNetwork/", 1)
    return itself or target in walker.gives(source)
