"""What follows from rights to write roles and role bindings is what request after request would bring about."""

from __future__ import annotations

import pytest

from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.graph.permissions.edge import Edge
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import Principal, Requester, built_in_groups
from tests.support.permissions import quick_permissions
from tests.support.role_writes_by_hand import KINDS, PLACES, bindable, takes_all, writers

SUBJECTS = ("ann", "bob", "system:serviceaccount:east:runner")
BINDS = ("BIND_CLUSTER", "BIND_NS_CLUSTERROLE", "BIND_NS_ROLE", "JOIN_BINDING")


def of_subject(held: Permissions, user: str) -> list[Edge]:
    """Return the ways that are open to a user, by itself or by one of its groups."""
    groups = {Principal("Group", group) for group in built_in_groups(user)}
    return [edge for edge in held.edges if edge.who in groups or edge.who == Principal("User", user)]


def reaches_all(edges: list[Edge], kind: str, place: str) -> bool:
    """Tell whether rewriting a role of a kind leads to everything in a place."""
    wanted = {f"Namespace/{place}/*", "Namespace/*/*", "Cluster//*"} if place else {"Cluster//*"}
    name = f"ESCALATE_{kind.upper()}"
    return any(edge.technique.name == name and edge.target in wanted for edge in edges)


def reaches_role(edges: list[Edge], kind: str, place: str, name: str) -> bool:
    """Tell whether binding leads to a role in a place, or to every role there."""
    for edge in edges:
        found, namespace, role = parse_object_id(edge.target)
        here = edge.held_in in (place, "*" if place else "")
        if edge.technique.name in BINDS and found == kind and here and role in (name, "*"):
            return kind == "ClusterRole" or namespace in (place, "*")
    return False


SEEDS = [range(first, first + 100) for first in range(0, 500, 100)]


def everything(edges: list[Edge]) -> bool:
    """Tell whether the whole cluster is reached: narrower ways are not told then."""
    return any(edge.target == "Cluster//*" for edge in edges)


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_everything_is_reached_where_the_requests_lead_to_it(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        held = quick_permissions(writers(seed))
        for user in SUBJECTS:
            who, edges = Requester(user, built_in_groups(user)), of_subject(held, user)
            for place in ("", *PLACES):
                for kind in KINDS if place else ("ClusterRole",):
                    if not (place and everything(edges)):
                        answer = takes_all(held.policy, who, kind, place)
                        assert answer == reaches_all(edges, kind, place), (seed, user, kind, place)
                        answers.add((kind, bool(place), answer))
    assert len(answers) == 6


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_a_role_is_reached_where_it_could_be_bound(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        held = quick_permissions(writers(seed))
        for user in SUBJECTS:
            who, edges = Requester(user, built_in_groups(user)), of_subject(held, user)
            if everything(edges):
                continue
            for role in held.policy.roles:
                kind = "Role" if role.namespace else "ClusterRole"
                for place in (role.namespace,) if role.namespace else ("", *PLACES):
                    answer = bindable(held.policy, who, kind, place, role.name)
                    assert answer == reaches_role(edges, kind, place, role.name), (seed, user, role, place)
                    answers.add((kind, answer))
    assert len(answers) == 4
