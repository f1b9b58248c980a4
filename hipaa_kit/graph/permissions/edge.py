"""One way to become more that is open to one subject."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hipaa_kit.graph.permissions.book import Holding
from hipaa_kit.graph.permissions.loading import role_id
from hipaa_kit.graph.permissions.technique import ANYWHERE, Technique
from hipaa_kit.kube.rbac import Principal


class Right(NamedTuple):
    """What a role gives of a way: some action of several, on objects of one name, or of any where there is none.

    `actions` are as in `Clause`; none stand for everything.
    """

    role: str
    actions: tuple[str, ...] = ()
    name: str = ""


class Need(NamedTuple):
    """A rule that gives some action of a clause, for the sake of objects of one name, or of any."""

    held: Holding
    actions: tuple[str, ...] = ()
    name: str = ""


class Edge(NamedTuple):
    """One way that is open to one subject.

    Attributes
    ----------
    scope
        Where the rights are held; `""` for the cluster.
    note
        What only this subject's way needs or uses, in words.
    place
        Namespace of the role binding that is joined, where one is.
    needed
        What each rule of the proof is needed for.
    """

    who: Principal
    technique: Technique
    scope: str
    target: str
    proof: tuple[Holding, ...]
    note: str = ""
    place: str | None = None
    needed: tuple[Need, ...] = ()

    @property
    def held_in(self) -> str:
        """Where a role is held that is reached: a namespace, `*` for any, `""` for the cluster."""
        if self.place is not None:
            return self.place
        return "" if self.technique.cluster else self.scope or ANYWHERE

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that give the rights, as `role#position`."""
        return tuple(f"{role_id(held.role)}#{held.position}" for held in self.proof)

    @property
    def rights(self) -> tuple[Right, ...]:
        """What the roles give of it: each is needed."""
        return tuple(dict.fromkeys(Right(role_id(each.held.role), each.actions, each.name) for each in self.needed))

    @property
    def needs(self) -> str:
        """What must hold besides the rights, in words."""
        return "; ".join(filter(None, (self.technique.precondition, self.note)))


def holdings(needed: Iterable[Need]) -> tuple[Holding, ...]:
    """Return the rules of a proof, each once."""
    return tuple(dict.fromkeys(each.held for each in needed))
