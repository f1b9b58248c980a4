"""One way to become more that is open to one subject."""

from __future__ import annotations

from typing import NamedTuple

from hipaa_kit.graph.permissions.book import Holding
from hipaa_kit.graph.permissions.loading import role_id
from hipaa_kit.graph.permissions.technique import ANYWHERE, Technique
from hipaa_kit.kube.rbac import Principal


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
    """

    who: Principal
    technique: Technique
    scope: str
    target: str
    proof: tuple[Holding, ...]
    note: str = ""
    place: str | None = None

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
    def needs(self) -> str:
        """What must hold besides the rights, in words."""
        return "; ".join(filter(None, (self.technique.precondition, self.note)))
