"""ClusterRoles that are put together from others by their labels.

Source: `pkg/controller/clusterroleaggregation` of `k8s.io/kubernetes`,
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles.

A controller writes the result into `rules`; the authorizer knows nothing of selectors. So a live cluster is judged
by the stored rules, and manifests, in which they are still empty, by `aggregated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_kit.kube.rbac.rules import RbacError, Rule, mappings
from hipaa_kit.kube.selectors import Selector, label_selector


@dataclass(frozen=True)
class ClusterRole:
    """A ClusterRole as aggregation sees it; `selectors` is None where it is not aggregated."""

    name: str
    labels: Mapping[str, str]
    rules: tuple[Rule, ...]
    selectors: tuple[Selector, ...] | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """How the stored rules of an aggregated ClusterRole differ from what its selectors gather."""

    missing: tuple[Rule, ...]
    extra: tuple[Rule, ...]


def gathered(role: ClusterRole, cluster_roles: Iterable[ClusterRole]) -> tuple[Rule, ...]:
    """Return the rules that the controller would write into an aggregated ClusterRole, in its order.

    The roles that match a selector by name, selector by selector, the role itself left out and equal rules once.
    """
    every = sorted(cluster_roles, key=lambda each: each.name)
    return tuple(
        dict.fromkeys(
            rule
            for selector in role.selectors or ()
            for each in every
            if each.name != role.name and selector.matches(each.labels)
            for rule in each.rules
        )
    )


def drift(role: ClusterRole, cluster_roles: Iterable[ClusterRole]) -> Drift | None:
    """Return how an aggregated ClusterRole differs from what it should be; None where it does not, or is not one.

    A difference that stays means that the controller does not run or is refused, or that someone else writes
    the rules. Their order gives no one anything and is not compared.
    """
    if role.selectors is None:
        return None
    wanted, stored = gathered(role, cluster_roles), role.rules
    missing = tuple(rule for rule in wanted if rule not in stored)
    extra = tuple(rule for rule in dict.fromkeys(stored) if rule not in wanted)
    return Drift(missing, extra) if missing or extra else None


def aggregated(cluster_roles: Iterable[ClusterRole]) -> dict[str, tuple[Rule, ...]]:
    """Return the rules of every ClusterRole by name, once the controller has come to rest.

    Aggregated roles may gather each other: `admin` gathers `edit`, which gathers `view`. Their stored rules count for
    nothing, since the controller replaces them; in a circle, only what comes from outside it counts.
    """
    roles = {
        role.name: role if role.selectors is None else ClusterRole(role.name, role.labels, (), role.selectors)
        for role in cluster_roles
    }
    composed = [role for role in roles.values() if role.selectors is not None]
    while True:
        # Rules are only ever added, from a finite stock, so this ends.
        update = {role.name: gathered(role, roles.values()) for role in composed}
        if all(set(roles[name].rules) == set(rules) for name, rules in update.items()):
            return {role.name: role.rules for role in roles.values()} | update
        for name, rules in update.items():
            roles[name] = ClusterRole(name, roles[name].labels, rules, roles[name].selectors)


def parse_selectors(aggregation_rule: Any, where: str = "") -> tuple[Selector, ...] | None:
    """Return the selectors of a ClusterRole's `aggregationRule`; None where it has none.

    Parameters
    ----------
    aggregation_rule
        As decoded; an empty selector matches every ClusterRole.
    where
        Object, for the error.

    Raises
    ------
    RbacError, SelectorError
        It has a shape that the API refuses.
    """
    if aggregation_rule is None:
        return None
    if not isinstance(aggregation_rule, Mapping):
        raise RbacError("aggregationRule is not a mapping", where)
    field = "clusterRoleSelectors"
    return tuple(label_selector(each, where=at) for at, each in mappings(aggregation_rule.get(field), field, where))
