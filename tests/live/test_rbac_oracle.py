"""The kit's answers about permissions and escalation are those of a real API server, question by question."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hipaa_kit.kube.rbac import Policy, Request, Requester, RoleRef, may_bind, may_write_role, parse_policy, parse_rules
from tests.support.live import objects
from tests.support.live.api import THREADS, Answer, Api, until
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane
from tests.support.live.rbac import RBAC, Question, ask, grant
from tests.support.rbac_worlds import GROUP, GROUPS, NAMES, NAMESPACES, ROLE_NAMES, Asked, World, world

WORLDS = 500
REQUESTS = 44
WRITES = 10
WRITERS = "oracle-writers"
KINDS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
PRIVATE = {*NAMESPACES, *NAMES, *ROLE_NAMES, *GROUPS, "alice", "bob", *(f"b{number}" for number in range(9))} - {"*"}
"""Words of a world that become its own, so that many worlds stand side by side in one cluster."""


def own(value: Any, number: int) -> Any:
    """Return a part of a world with its own users, groups, namespaces and names."""
    if isinstance(value, dict):
        return {key: own(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [own(each, number) for each in value]
    if isinstance(value, str) and value.startswith("system:serviceaccount:"):
        *_, namespace, name = value.split(":")
        return f"system:serviceaccount:{namespace}-{number}:{name}"
    return f"{value}-{number}" if value in PRIVATE else value


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    made = [world(seed, requests=REQUESTS, writes=WRITES, valid=True) for seed in range(WORLDS)]
    return [
        World(own(each.objects, number), own(each.requests, number), own(each.writes, number))
        for number, each in enumerate(made)
    ]


@pytest.fixture(scope="module")
def crowded(live_assets: Assets) -> Iterator[ControlPlane]:
    """A server of their own, which other tests need not read."""
    with ControlPlane(live_assets) as running:
        yield running


@pytest.fixture(scope="module")
def policy(crowded: ControlPlane, worlds: list[World]) -> Policy:
    """All worlds in the server, and what the kit reads back, with the server's own roles."""
    api = crowded.admin
    wanted = [obj for each in worlds for obj in each.objects]
    places = sorted({own(place, number) for place in NAMESPACES for number in range(WORLDS)})
    created = api.many(("POST", "/api/v1/namespaces", objects.namespace(place)) for place in places)
    created += api.many(("POST", objects.list_path(obj), obj) for obj in wanted)
    for answer in created:
        answer.expect(201)
    every = ["create", "update", "patch"]
    writer = {"verbs": every, "apiGroups": [GROUP], "resources": list(KINDS)}
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": WRITERS},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": WRITERS},
        "subjects": [{"kind": "Group", "name": WRITERS, "apiGroup": GROUP}],
    }
    metadata = {"name": WRITERS}
    api.create(
        f"{RBAC}/clusterroles",
        {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": [writer]},
    )
    api.create(f"{RBAC}/clusterrolebindings", binding)
    # The authorizer reads each kind in the order of its changes: it knows all once it knows the last of each.
    last = [{"verbs": ["get"], "apiGroups": ["last"], "resources": ["last"]}]
    grant(api, "last-in-cluster", last)
    grant(api, "last-in-namespace", last, places[0])
    questions = [
        Question("last-in-cluster", "get", "last", "last"),
        Question("last-in-namespace", "get", "last", "last", places[0]),
    ]
    until(lambda: all(ask(api, questions)), "the authorizer knows every role binding")
    return parse_policy({**obj, "kind": kind} for path, kind in _lists() for obj in api.get(path)["items"])


def _lists() -> list[tuple[str, str]]:
    names = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    return [(f"{RBAC}/{name.lower()}s", name) for name in names]


def test_subject_access_reviews_are_answered_alike(crowded: ControlPlane, worlds: list[World], policy: Policy) -> None:
    asked = [each for made in worlds for each in made.requests]
    questions = [Question(**{**each, "groups": tuple(each["groups"])}) for each in asked]
    answers = ask(crowded.admin, questions)
    assert len(answers) >= 20_000
    assert sum(answers) > 1_000
    differ = [(each, answer) for each, answer in zip(asked, answers, strict=True) if _can(policy, each) is not answer]
    assert differ == []


def _can(policy: Policy, asked: Asked) -> bool:
    words = {word: value for word, value in asked.items() if word not in ("user", "groups")}
    return policy.can(Requester(asked["user"], frozenset(asked["groups"])), Request(**words))


def test_writes_of_roles_and_role_bindings_are_let_through_alike(
    crowded: ControlPlane, worlds: list[World], policy: Policy
) -> None:
    asked = [each for made in worlds for each in made.writes]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda each: _try(crowded.admin, each), asked))
    refused = [_refused(answer.status, answer.content) for answer in answers]
    assert 500 < sum(refused) < len(refused) - 500
    differ = [
        (each, answer.content)
        for each, answer, no in zip(asked, answers, refused, strict=True)
        if _may_write(policy, each) is no
    ]
    assert differ == []


def _try(admin: Api, asked: Asked) -> Answer:
    """Try a write in the asker's name: a POST under a new name, or a PUT to the name, be there something or not."""
    namespace = asked["namespace"]
    obj: dict[str, Any] = {"apiVersion": f"{GROUP}/v1", "kind": asked["kind"], "metadata": {"name": asked["name"]}}
    if namespace:
        obj["metadata"]["namespace"] = namespace
    if "roleRef" in asked:
        obj["metadata"]["name"] = f"new-{asked['name']}"
        obj |= {"roleRef": asked["roleRef"], "subjects": [{"kind": "User", "name": "anyone", "apiGroup": GROUP}]}
    else:
        obj["rules"] = asked["rules"]
        if asked["aggregates"]:
            obj["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"gather": "this"}}]}
    update = asked.get("verb") == "update"
    if not update and "rules" in asked:
        obj["metadata"]["name"] = f"new-{asked['name']}"
    path = objects.path(obj) if update else objects.list_path(obj)
    asker = admin.impersonating(asked["user"], [*asked["groups"], WRITERS])
    return asker.request("PUT" if update else "POST", f"{path}?dryRun=All", obj)


def _refused(status: int, content: Any) -> bool:
    """Tell whether the escalation test refused a write: by what is not held, or for want of the role."""
    if status in (200, 201):
        return False
    message = content["message"]
    assert status == 404 or "not currently held" in message or "must have cluster-admin" in message, content
    return True


def _may_write(policy: Policy, asked: Asked) -> bool:
    who = Requester(asked["user"], frozenset({*asked["groups"], WRITERS, "system:authenticated"}))
    if "roleRef" in asked:
        ref = RoleRef(asked["roleRef"]["kind"], asked["roleRef"]["name"])
        return may_bind(policy, who, ref, asked["namespace"]).allowed
    role, rules = RoleRef(asked["kind"], asked["name"]), parse_rules(asked["rules"])
    return may_write_role(
        policy, who, role, asked["namespace"], rules, verb=asked["verb"], aggregates=asked["aggregates"]
    ).allowed
