"""RBAC as the kit evaluates it is RBAC as a real API server does: random clusters, requests and writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hipaa_kit.kube.rbac import (
    Policy,
    Request,
    Requester,
    RoleRef,
    built_in_groups,
    may_bind,
    may_write_role,
    parse_policy,
    parse_rules,
)
from tests.support.live import objects
from tests.support.live.api import Api
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane
from tests.support.live.oracles import would_create, would_replace
from tests.support.live.rbac import RBAC, Question, wait_until
from tests.support.rbac_worlds import GROUP, NAMESPACES, Asked, world

WRITERS = "writers"
"""A group that may write roles and role bindings, so that only the escalation test is left to refuse."""

LISTS = ("clusterroles", "roles", "clusterrolebindings", "rolebindings")
KINDS = ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")


@pytest.fixture(scope="module")
def plane(live_assets: Assets) -> Iterator[ControlPlane]:
    """A server whose roles come and go; those that would be aggregated are not there."""
    with ControlPlane(live_assets) as running:
        for name in NAMESPACES:
            running.admin.create("/api/v1/namespaces", objects.namespace(name))
        for name in ("view", "edit", "admin"):
            running.admin.delete(f"{RBAC}/clusterroles/{name}")
        for obj in _writers():
            running.admin.create(objects.list_path(obj), obj)
        yield running


def _writers() -> Iterator[dict[str, Any]]:
    head = {"apiVersion": f"{GROUP}/v1", "metadata": {"name": WRITERS}}
    yield {
        **head,
        "kind": "ClusterRole",
        "rules": [{"apiGroups": [GROUP], "resources": list(LISTS), "verbs": ["create", "update"]}],
    }
    yield {
        **head,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": WRITERS},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": WRITERS}],
    }


@pytest.fixture
def stored(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Policy]:
    """The roles and role bindings that the server holds beside those of a random cluster."""
    made = world(request.param, valid=True).objects
    for obj in made:
        plane.admin.create(objects.list_path(obj), obj)
    held = [
        {**item, "kind": kind} for kind, name in zip(KINDS, LISTS, strict=True) for item in _items(plane.admin, name)
    ]
    yield parse_policy(held)
    for obj in made:
        plane.admin.delete(objects.path(obj))


def _items(api: Api, resource: str) -> list[dict[str, Any]]:
    return list(api.get(f"{RBAC}/{resource}")["items"])


def seeds(*numbers: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("seed", "stored"), [(n, n) for n in numbers], indirect=["stored"], ids=str)


def question(asked: Asked) -> Question:
    return Question(**{**asked, "groups": tuple(asked["groups"])})


def kits_answer(policy: Policy, asked: Asked) -> bool:
    request = {word: value for word, value in asked.items() if word not in ("user", "groups")}
    return policy.can(Requester(asked["user"], frozenset(asked["groups"])), Request(**request))


@seeds(*range(30))
def test_requests_are_answered_as_the_server_does(plane: ControlPlane, stored: Policy, seed: int) -> None:
    requests = world(seed, requests=100, valid=True).requests
    answers = {question(asked): kits_answer(stored, asked) for asked in requests}
    wait_until(plane.admin, answers)
    assert len(answers) > 50


@seeds(*range(100, 115))
def test_writes_pass_the_escalation_test_as_on_the_server(plane: ControlPlane, stored: Policy, seed: int) -> None:
    made = world(seed, requests=100, writes=20, valid=True)
    wait_until(plane.admin, {question(asked): kits_answer(stored, asked) for asked in made.requests})
    for asked in made.writes:
        groups = {*asked["groups"], WRITERS, *built_in_groups(asked["user"])}
        who = Requester(asked["user"], frozenset(groups))
        api = plane.admin.impersonating(asked["user"], sorted(groups))
        if "roleRef" in asked:
            ref = RoleRef(asked["roleRef"]["kind"], asked["roleRef"]["name"])
            expected = may_bind(stored, who, ref, asked["namespace"]).allowed
            said = would_create(api, _written(asked, roleRef=asked["roleRef"], subjects=[]))
        else:
            role, rules = RoleRef(asked["kind"], asked["name"]), parse_rules(asked["rules"])
            options = {"verb": asked["verb"], "aggregates": asked["aggregates"]}
            expected = may_write_role(stored, who, role, asked["namespace"], rules, **options).allowed
            aggregation = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
            obj = _written(asked, rules=asked["rules"], **(aggregation if asked["aggregates"] else {}))
            said = would_create(api, obj) if asked["verb"] == "create" else would_replace(api, obj)
        assert said.allowed == expected, (asked, said.words)


def _written(asked: Asked, **content: Any) -> dict[str, Any]:
    place = {"namespace": asked["namespace"]} if asked["namespace"] else {}
    name = "new" if "roleRef" in content else asked["name"]
    return {"apiVersion": f"{GROUP}/v1", "kind": asked["kind"], "metadata": {"name": name, **place}, **content}


def test_the_worlds_ask_for_both_answers() -> None:
    made = [world(seed, requests=100, valid=True) for seed in range(30)]
    answers = [kits_answer(parse_policy(each.objects), asked) for each in made for asked in each.requests]
    assert 0.1 < sum(answers) / len(answers) < 0.9
