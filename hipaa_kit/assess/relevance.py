"""How near an object is to ePHI, and what the system preset leaves out of what is shown (result model, section 4).

An object is called far from ePHI only where that is proved: its namespace holds none and nothing that looks like it,
no pod of it may connect to a pod that does, no service account of it gets at ePHI or could come to it, none of its pods
could take a node that runs such pods, and everything that says so was read in full. Everything else outside of the
scope is adjacent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

import pandas as pd

from hipaa_kit.assess.runner import Verdict
from hipaa_kit.inventory.registry import Inventory, kinds_behind
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.tables.signed import RECORD_KINDS
from hipaa_kit.vocabulary import SEVERITIES

BEHIND: Final = (
    "ephi_objects",
    "ephi_candidates",
    "namespace_flows",
    "isolation",
    "ephi_access",
    "ephi_ways",
    "workloads",
)
"""Tables that together prove that a namespace is far from ePHI."""

ABOUT_THE_WHOLE: Final = frozenset(
    {"*", "Cluster", "ScopeEntry", "Scope", "Citation", "Control", "Register", "Archive", "Cloud", *RECORD_KINDS}
)
"""Kinds of what is judged and speaks of the organisation, or of all of the cluster."""

KEPT_INSIDE: Final = frozenset(
    "ConfigMap CronJob DaemonSet Deployment HorizontalPodAutoscaler Ingress Job LimitRange Namespace NetworkPolicy"
    " PersistentVolumeClaim Pod PodDisruptionBudget ReplicaSet ReplicationController ResourceQuota Service"
    " StatefulSet".split()
)
"""Kinds whose objects act in their namespace alone: a grant, or what a controller acts on, may reach beyond it."""

SYSTEM: Final = ("kube-*", "*-system")
PRESET: Final = "system"


@dataclass(frozen=True)
class Nearness:
    """What is known of how near objects are to ePHI.

    Parameters
    ----------
    ephi
        Objects in the declared scope.
    scoped
        A scope is declared; without one nothing is known to be far from ePHI.
    find_far
        Finds the namespaces that are proved to be far from it, when one first asks: the proof takes many tables.
    system
        Patterns of namespaces that the preset leaves out.
    """

    ephi: frozenset[str]
    scoped: bool
    find_far: Callable[[], frozenset[str]] = field(default=frozenset, compare=False)
    system: tuple[str, ...] = ()

    @cached_property
    def far(self) -> frozenset[str]:
        """Namespaces that are proved to be far from ePHI."""
        return self.find_far()

    def is_that_of(self, other: Nearness) -> bool:
        """Tell whether both know the same."""
        return self == other and self.far == other.far


def far_namespaces(tables: Inventory, coverage: Coverage) -> frozenset[str]:
    """Return the namespaces of which it is proved that nothing in them comes near ePHI.

    Parameters
    ----------
    tables
        Tables of the inventory and the graph.
    coverage
        What was read: where a kind behind these tables is incomplete, no namespace is far.
    """
    kinds = {kind for table in BEHIND for kind in kinds_behind(table)}
    if any(coverage.gaps(kind) for kind in kinds) or tables.facts_lacking(BEHIND):
        return frozenset()
    flows, declared = tables["namespace_flows"], set(tables["ephi_objects"]["namespace"])
    if declared >= {*flows["source"], *tables["namespaces"]["name"]}:
        return frozenset()  # all hold ePHI, and what else would be asked takes long to make
    # What only looks like ePHI is answered by nobody yet: it is no reason to look away.
    holding = {*declared, *tables["ephi_candidates"]["namespace"]} - {""}
    into = flows[flows["destination"].isin(holding)]
    silent = set(flows["source"]) - set(into.loc[into["allowed"].fillna(1) + into["unknown"].fillna(1) > 0, "source"])
    if (tables["isolation"]["enforcement"] != "enforced").any() or (flows["enforcement"] != "enforced").any():
        silent = set()  # policies that nothing is known to enforce prove nothing
    empty = set(tables["namespaces"]["name"]) - set(flows["source"]) - set(tables["workloads"]["namespace"])
    quiet = (silent | empty) - holding
    if not quiet:
        return frozenset()
    ways = tables["ephi_ways"]
    reaching = pd.concat([ways.loc[ways["namespace"] != "", "object"], tables["ephi_access"]["object"]])
    return frozenset(quiet - {parse_object_id(name)[1] for name in reaching})


def relevance_of(verdict: Verdict, near: Nearness) -> str:
    """Return how near the object of a verdict is to ePHI."""
    kind, namespace, name = parse_object_id(verdict.object)
    if not near.scoped or kind in ABOUT_THE_WHOLE or verdict.object in near.ephi:
        return "in_scope"
    place = name if kind == "Namespace" else namespace
    return "none" if kind in KEPT_INSIDE and place in near.far else "adjacent"


def severity_after(base: str, relevance: str) -> str:
    """Return a severity weighed by how near its object is to ePHI."""
    if relevance == "in_scope":
        return base
    if relevance == "none":
        return "info"
    return SEVERITIES[min(SEVERITIES.index(base) + 1, len(SEVERITIES) - 1)]


def hidden_by(relevance: str, namespace: str, system: tuple[str, ...]) -> str:
    """Return the preset that leaves a finding out of what is shown; none where it comes near ePHI.

    Parameters
    ----------
    relevance, namespace
        Of the object.
    system
        Patterns of system namespaces; none where the preset is off.
    """
    hidden = relevance == "none" and any(fnmatchcase(namespace, pattern) for pattern in system)
    return PRESET if hidden else ""
