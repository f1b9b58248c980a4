"""Whether pods find room on nodes by what they ask for.

The scheduler looks at requests, one pod after the other, by priority. Finding the best way to pack is hard in general:
here a way that was found proves that there is one, and a sum that is too large proves that there is none.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/#kube-scheduler-implementation
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]

NEARLY: Final = 1e-6
"""Sums of cores are compared to a millionth of a core."""


class Amount(NamedTuple):
    """What a pod asks for, or a node has: CPU in cores, memory in bytes, and places for pods."""

    cpu: float = 0.0
    memory: float = 0.0
    pods: float = 1.0


class Demand(NamedTuple):
    """One pod that needs a node.

    Attributes
    ----------
    name
        Its name.
    asks
        What it asks for.
    nodes
        Numbers of the nodes that it may go to; None where it may go to any.
    apart
        A name that no two pods on one node may share, "" where it does not mind.
    """

    name: str
    asks: Amount
    nodes: frozenset[int] | None = None
    apart: str = ""


@dataclass(frozen=True)
class Room:
    """What nodes have left, a row each, and by node the names of `apart` that are on it already."""

    left: Matrix
    taken: Sequence[frozenset[str]]

    @property
    def total(self) -> Amount:
        """What all of them have left together."""
        return Amount(*self.left.sum(axis=0).tolist()) if len(self.left) else Amount(0.0, 0.0, 0.0)


def placed(demands: Collection[Demand], room: Room) -> dict[str, int | None]:
    """Return on which node each pod was put, the largest first where most is left; None where no room was found.

    Parameters
    ----------
    demands
        The pods.
    room
        What the nodes have left.

    Returns
    -------
    dict
        Number of a node by name of the pod. Where none is None, all fit at once by what they ask for.
    """
    left = room.left.copy()
    whole = np.where(room.left.sum(axis=0)[:2] > 0, room.left.sum(axis=0)[:2], np.inf) if len(left) else np.ones(2)
    held = [set(names) for names in room.taken]
    found: dict[str, int | None] = {}

    def size(demand: Demand) -> tuple[float, str]:
        return -max(demand.asks.cpu / whole[0], demand.asks.memory / whole[1]), demand.name

    for each in sorted(demands, key=size):
        fits = (np.array(each.asks) <= left + NEARLY).all(axis=1) & _allowed(each, len(left))
        if each.apart:
            fits &= np.array([each.apart not in names for names in held], dtype=bool)
        at = np.flatnonzero(fits)
        if not len(at):
            found[each.name] = None
            continue
        chosen = int(at[np.argmax((left[at, :2] / whole).max(axis=1))])
        found[each.name] = chosen
        left[chosen] -= np.array(each.asks)
        if each.apart:
            held[chosen].add(each.apart)
    return found


def too_much(demands: Collection[Demand], room: Room) -> bool:
    """Tell whether pods cannot all find room, in whatever way they are placed."""
    if not demands:
        return False
    if not len(room.left):
        return True
    if (np.array([each.asks for each in demands]).sum(axis=0) > np.array(room.total) + NEARLY).any():
        return True
    return any(
        not ((np.array(each.asks) <= room.left + NEARLY).all(axis=1) & _allowed(each, len(room.left))).any()
        for each in demands
    )


def _allowed(demand: Demand, nodes: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    allowed = np.full(nodes, demand.nodes is None)
    if demand.nodes:
        allowed[sorted(demand.nodes)] = True
    return allowed
