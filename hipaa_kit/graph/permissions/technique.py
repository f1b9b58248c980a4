"""What a way to become more is: rights that are needed together, what they reach, what may stand in the way.

`want` clauses must hold for the same object, whose name is that of the target; `also` clauses must hold for some
object. A new object is made without a name, or, where rules are for some names, under one of them by server-side apply:
see `actions.Catalogue.makes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

CERTAIN: Final = "certain"
CONDITION: Final = "needs-condition"
HEURISTIC: Final = "heuristic"
ANYWHERE: Final = "*"
"""Every namespace, whatever its name, and not the cluster itself."""


class Clause(NamedTuple):
    """Some action of several, held for objects of these names; `target` says whether its names name the target."""

    actions: tuple[str, ...]
    target: bool = True
    names: frozenset[str] | None = None


def want(*actions: str, names: frozenset[str] | None = None, target: bool = True) -> Clause:
    """Return a clause that must hold for the target."""
    return Clause(actions, target, names)


def also(*actions: str, names: frozenset[str] | None = None) -> Clause:
    """Return a clause that must hold for some object."""
    return Clause(actions, False, names)


@dataclass(frozen=True, eq=False)
class Technique:
    """One way to become more.

    Attributes
    ----------
    number, name
        As in the catalogue of escalations; 0 for what harms integrity or availability.
    target
        What it reaches: `Kind/{ns}/{name}`.
    ways
        Sets of clauses; one whole set must hold.
    cost
        1 for one request, more for more work or noise.
    only_in
        It works in this namespace alone.
    pod_security
        `open`: only where privileged pods may run; `closed`: only where they may not.
    bound
        It depends on which roles and role bindings there are: see `role_writes`.
    admission
        Other admission may refuse it.
    cluster
        It is a request on the cluster as a whole: rights in a namespace never count.
    """

    number: int
    name: str
    target: str
    ways: tuple[tuple[Clause, ...], ...]
    confidence: str = CERTAIN
    cost: int = 1
    precondition: str = ""
    only_in: str = ""
    pod_security: str = ""
    bound: bool = False
    admission: bool = False
    cluster: bool = False


def one(number: int, name: str, target: str, *clauses: Clause, **more: object) -> Technique:
    """Return a technique with one way; `more` are its other attributes."""
    return Technique(number, name, target, (clauses,), **more)  # type: ignore[arg-type]
