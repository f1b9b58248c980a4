"""Whether pods find room on nodes by what they ask for.

The scheduler looks at requests, one pod after the other, by priority. Finding the best way to pack is hard in general:
here a way that was found proves that there is one, and a sum that is too large proves that there is none.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/#kube-scheduler-implementation
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
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


class Spread(NamedTuple):
    """One rule by which a pod must be spread: what it counts by domain, and how uneven that may get.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """

    counted: str
    most: int
    least_domains: int = 1


class Domains(NamedTuple):
    """What a rule counts: the domain of each node, -1 where it is in none, and how much is in each domain."""

    of: tuple[int, ...]
    held: tuple[int, ...]


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
    spread
        Rules by which it must be spread.
    counted
        Names of the rules, its own and those of others, that count it.
    """

    name: str
    asks: Amount
    nodes: frozenset[int] | None = None
    apart: str = ""
    spread: tuple[Spread, ...] = ()
    counted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Room:
    """What nodes have left, a row each; by node the names of `apart` that are on it; by rule what it counts."""

    left: Matrix
    taken: Sequence[frozenset[str]]
    domains: Mapping[str, Domains] = field(default_factory=dict)

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
    counts = {name: list(domains.held) for name, domains in room.domains.items()}
    found: dict[str, int | None] = {}

    def size(demand: Demand) -> tuple[float, str]:
        return -max(demand.asks.cpu / whole[0], demand.asks.memory / whole[1]), demand.name

    for each in sorted(demands, key=size):
        fits = (np.array(each.asks) <= left + NEARLY).all(axis=1) & _allowed(each, len(left))
        if each.apart:
            fits &= np.array([each.apart not in names for names in held], dtype=bool)
        fits &= _even(each, room.domains, counts, len(left))
        at = np.flatnonzero(fits)
        if not len(at):
            found[each.name] = None
            continue
        chosen = int(at[np.argmax((left[at, :2] / whole).max(axis=1))])
        found[each.name] = chosen
        left[chosen] -= np.array(each.asks)
        if each.apart:
            held[chosen].add(each.apart)
        for name in each.counted:
            domain = room.domains[name].of[chosen]
            if domain >= 0:
                counts[name][domain] += 1
    return found


def evenly(demand: Demand, room: Room) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the nodes to which a pod may go by the rules that spread it, as things are."""
    counts = {name: list(domains.held) for name, domains in room.domains.items()}
    return _even(demand, room.domains, counts, len(room.left))


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


def _even(
    demand: Demand, domains: Mapping[str, Domains], counts: Mapping[str, list[int]], nodes: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    allowed = np.full(nodes, True)
    for rule in demand.spread:
        held = counts[rule.counted]
        least = min(held, default=0) if len(held) >= rule.least_domains else 0
        own = rule.counted in demand.counted
        fair = [domain >= 0 and held[domain] + own - least <= rule.most for domain in domains[rule.counted].of]
        allowed &= np.array(fair, dtype=bool)
    return allowed
