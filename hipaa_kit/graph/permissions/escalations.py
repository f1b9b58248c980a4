"""How subjects could become more than their role bindings say, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pandas as pd

from hipaa_kit.graph.permissions.book import shown
from hipaa_kit.graph.permissions.edge import Edge
from hipaa_kit.graph.permissions.effective import Effective
from hipaa_kit.graph.permissions.escape import ESCAPE
from hipaa_kit.graph.permissions.finder import Finder
from hipaa_kit.graph.permissions.loading import binding_id
from hipaa_kit.graph.permissions.reviews import Reviews
from hipaa_kit.graph.permissions.stock import EVERY_CLUSTER, is_stock, stock_rules
from hipaa_kit.graph.permissions.technique import CERTAIN, CONDITION, Technique
from hipaa_kit.graph.permissions.techniques import JOIN, MAKE_ROLE, techniques
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import Request, allows
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.tables.permissions import ESCALATIONS

BOOTSTRAPPERS = "system:bootstrappers"


class Escalations(Reviews):
    """How subjects could become more than their role bindings say."""

    @cached_property
    def effective(self) -> Effective:
        """Rights of every subject over the actions of the catalogue."""
        ways = techniques(self.known.minor, bootstrap=self._bootstrap(), trusted=self.known.trusted)
        return Effective(self.book, ways, [JOIN, MAKE_ROLE])

    def _bootstrap(self) -> bool:
        """Tell whether bootstrap tokens may ask for a node's certificate and have it approved."""
        groups = [who for who in self.book.principals if who.kind == USER_GROUP and _bootstraps(who.name)]
        rules = [held.rule for held in self.book.holdings(groups, {""})]
        csr = ("create", "certificates.k8s.io", "certificatesigningrequests")
        return allows(rules, Request(*csr)) and allows(rules, Request(*csr, "nodeclient"))

    @cached_property
    def finder(self) -> Finder:
        """What finds the ways."""
        return Finder(self, self.effective, self.known.around)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every way that is open to a subject, with its proof."""
        return tuple(self.finder.edges())

    def escalations(self, *, stock: bool = False) -> pd.DataFrame:
        """Return table `escalations`: every way to become more that is open to a subject, with its proof.

        Parameters
        ----------
        stock
            Also what every cluster is born with: the control plane's own rights.

        Notes
        -----
        The conditions are evaluated on everything a subject holds together, itself and by its groups. Where not
        all of RBAC was read there may be more: see `gaps()`. Pods whose settings let them take their node are
        subjects of kind Pod. `expected_because` says of what a cluster is born with why it is there; nothing else
        has it, whatever its namespace.
        """
        rows = [self._row(edge) for edge in self.edges if stock or not self.expected_because(edge)]
        return ESCALATIONS.frame([*rows, *self._escapes(stock=stock)])

    def expected_because(self, edge: Edge) -> str:
        """Return why every cluster has an edge; `""` where somebody decided it."""
        proof = edge.proof
        if not proof or not all(is_stock(held.binding, held.principal) for held in proof):
            return ""
        # What was added to a stock role is no longer stock.
        added = any(self.effective.beyond(edge.technique, held.rule, stock_rules(held.role.name)) for held in proof)
        return "" if added else EVERY_CLUSTER

    def _escapes(self, *, stock: bool) -> Iterator[dict[str, Any]]:
        for pod, (node, ways) in self.known.escapes.items():
            _, namespace, name = parse_object_id(pod)
            expected = self.known.expected_escapes.get(pod, "")
            if stock or not expected:
                yield {
                    "subject_kind": "Pod",
                    "subject": f"{namespace}/{name}",
                    "number": ESCAPE.number,
                    "technique": ESCAPE.name,
                    "scope": namespace,
                    "target": ESCAPE.target.format(name=node or "*"),
                    "preconditions": "; ".join(way.words for way in ways),
                    "confidence": ways[0].confidence,
                    "cost": ESCAPE.cost,
                    "expected_because": expected,
                }

    def _row(self, edge: Edge) -> dict[str, Any]:
        kind, name = shown(edge.who)
        technique = edge.technique
        return {
            "subject_kind": kind,
            "subject": name,
            "number": technique.number,
            "technique": technique.name,
            "scope": edge.scope,
            "target": edge.target,
            "bindings": " ".join(dict.fromkeys(binding_id(held.binding) for held in edge.proof)),
            "rules": " ".join(edge.rules),
            "preconditions": edge.needs,
            "mitigations": "; ".join(self._mitigations(edge)),
            "confidence": self._confidence(technique),
            "cost": technique.cost,
            "expected_because": self.expected_because(edge),
        }

    def _confidence(self, technique: Technique) -> str:
        refusable = technique.admission and self.known.around.admission
        return CONDITION if technique.confidence == CERTAIN and refusable else technique.confidence

    def _mitigations(self, edge: Edge) -> Iterator[str]:
        around = self.known.around
        if edge.technique.admission:
            if level := around.levels.get(edge.scope):
                yield f"Pod Security enforces {level} in {edge.scope}"
            if around.admission:
                yield around.admission
        if edge.target.startswith("Node/"):
            yield "NodeRestriction, where on, narrows what a node's identity may change"


def _bootstraps(group: str) -> bool:
    return group == BOOTSTRAPPERS or group.startswith(f"{BOOTSTRAPPERS}:")
