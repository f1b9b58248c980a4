"""A real API server lets roles and role bindings be written in the orders that escalation paths rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hipaa_kit.kube.rbac import Policy, Request, Requester, RoleRef, may_write_role, parse_policy
from hipaa_kit.kube.rbac.rules import GROUP
from tests.support.live import objects
from tests.support.live.api import Api, until
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane
from tests.support.live.rbac import RBAC, Question, ask, grant, wait_until
from tests.support.permissions import role, rule
from tests.support.role_writes_by_hand import ALL, NAMES, PLACES, writers

APPLY = "application/apply-patch+yaml"
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
SEEDS = 40
NUMBERED = {*PLACES, "ann", "bob", "someone"}


@pytest.fixture(scope="module")
def plane(live_assets: Assets) -> Iterator[ControlPlane]:
    """A server of their own."""
    with ControlPlane(live_assets) as running:
        yield running


def new_role(name: str, place: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return role(name, *rules, namespace=place)


def new_binding(name: str, place: str, role_name: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": place},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": role_name},
        "subjects": [{"kind": "User", "name": user, "apiGroup": GROUP}],
    }


def somebody(plane: ControlPlane, place: str, *rules: dict[str, Any]) -> Api:
    """Return a new namespace's new user, who may do what some rules say there."""
    user = f"user-{place}"
    plane.admin.create("/api/v1/namespaces", objects.namespace(place))
    last = {"verbs": ["get"], "apiGroups": ["last"], "resources": ["last"]}
    grant(plane.admin, user, [*rules, last], place)
    wait_until(plane.admin, {Question(user, "get", "last", "last", place): True})
    return plane.admin.impersonating(user, [])


def post(api: Api, obj: dict[str, Any]) -> int:
    return api.request("POST", objects.list_path(obj), obj).status


def put(api: Api, obj: dict[str, Any]) -> int:
    return api.request("PUT", objects.path(obj), obj).status


def apply(api: Api, obj: dict[str, Any], more: str = "") -> int:
    return api.request("PATCH", f"{objects.path(obj)}?fieldManager=test&force=true{more}", obj, kind=APPLY).status


def test_a_role_is_emptied_bound_and_filled_without_a_right_to_bind(plane: ControlPlane) -> None:
    write = rule("update escalate", f"roles.{GROUP}", "strong")
    user = somebody(plane, "emptied", write, rule("create", f"rolebindings.{GROUP}"))
    strong = rule("get", "secrets")
    assert post(plane.admin, new_role("strong", "emptied", strong)) == 201
    mine = new_binding("mine", "emptied", "strong", "user-emptied")
    assert post(user, mine) == 403
    assert put(user, new_role("strong", "emptied")) == 200
    until(lambda: post(user, mine) in (201, 409), "the server knows that the role is empty")
    assert put(user, new_role("strong", "emptied", EVERYTHING)) == 200
    wait_until(plane.admin, {Question("user-emptied", "delete", "pods", namespace="emptied"): True})


def test_a_role_is_filled_only_by_who_may_escalate_it(plane: ControlPlane) -> None:
    user = somebody(plane, "plain", rule("create update patch bind", f"roles.{GROUP} rolebindings.{GROUP}"))
    assert post(user, new_role("weak", "plain")) == 201
    assert put(user, new_role("weak", "plain", EVERYTHING)) == 403
    assert apply(user, new_role("weak", "plain", EVERYTHING)) == 403


def test_a_role_binding_waits_for_the_role_that_is_made_later(plane: ControlPlane) -> None:
    rights = rule("create escalate", f"roles.{GROUP}"), rule("create", f"rolebindings.{GROUP}")
    user = somebody(plane, "waits", *rights, rule("bind", f"roles.{GROUP}", "later"))
    assert post(user, new_binding("other", "waits", "never", "user-waits")) == 404
    assert post(user, new_binding("mine", "waits", "later", "user-waits")) == 201
    assert post(user, new_role("later", "waits", EVERYTHING)) == 201
    wait_until(plane.admin, {Question("user-waits", "delete", "pods", namespace="waits"): True})


def test_a_right_to_escalate_by_name_helps_an_apply_and_no_post(plane: ControlPlane) -> None:
    named = rule("escalate", f"roles.{GROUP}", "one two")
    user = somebody(plane, "named", named, rule("create patch", f"roles.{GROUP}"))
    assert post(user, new_role("one", "named", EVERYTHING)) == 403
    assert apply(user, new_role("one", "named", EVERYTHING)) == 201
    assert apply(user, new_role("three", "named", EVERYTHING)) == 403


@pytest.mark.parametrize(
    ("verbs", "answers"),
    [
        ("patch", {"apply": 403}),
        ("create patch", {"apply": 201, "post": 403}),
        ("update", {"put": 403}),
        ("create update", {"put": 201, "post": 403}),
        ("create", {"apply": 403, "put": 403, "post": 403}),
    ],
)
def test_an_object_is_made_under_a_known_name(plane: ControlPlane, verbs: str, answers: dict[str, int]) -> None:
    place = f"applied-{verbs.replace(' ', '-')}"
    user = somebody(plane, place, rule(verbs, f"roles.{GROUP}", "one"), rule(verbs, "configmaps", "one"))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": place}}
    for way, status in answers.items():
        assert {"apply": apply, "put": put, "post": post}[way](user, new_role("one", place)) == status
        # A PUT of a kind that is not made by it finds nothing.
        wanted = 404 if way == "put" and "update" in verbs else status
        assert {"apply": apply, "put": put, "post": post}[way](user, config) == wanted


def own(value: Any, number: int) -> Any:
    """Return a part of a random cluster with its own users and namespaces, and names of its own for the cluster."""
    if isinstance(value, dict):
        return {key: own(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [own(each, number) for each in value]
    return f"{value}-{number}" if value in NUMBERED else value


def expected(policy: Policy, user: str, obj: dict[str, Any]) -> bool:
    """Tell whether a subject may apply a role, be it there or not."""
    who, place, name = Requester(user, frozenset({"system:authenticated"})), *objects_of(obj)
    resource = f"{obj['kind'].lower()}s"
    there = any(each == (place, name) for each in policy.roles)
    asked = [Request(verb, GROUP, resource, "", place, name) for verb in (["patch"] if there else ["patch", "create"])]
    passes = may_write_role(policy, who, RoleRef(obj["kind"], name), place, ALL).allowed
    return passes and all(policy.can(who, each) for each in asked)


def objects_of(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def test_applied_roles_are_let_through_alike(plane: ControlPlane) -> None:
    """Random clusters stand one after another: their ClusterRoles have the same names."""
    answers, differ = [], []
    for number in range(SEEDS):
        made = own(writers(number), number)
        api = plane.admin
        for place in PLACES:
            api.create("/api/v1/namespaces", objects.namespace(f"{place}-{number}"))
        for obj in made:
            assert apply(api, obj) in (200, 201)
        for place in ("", f"east-{number}"):
            grant(api, f"last-{number}", [{"verbs": ["get"], "apiGroups": ["last"], "resources": ["last"]}], place)
        until(
            lambda: all(
                ask(api, [Question(f"last-{number}", "get", "last", "last", place) for place in (f"east-{number}", "")])  # noqa: B023
            ),
            "the authorizer knows every role binding",
        )
        policy = parse_policy(made)
        tried = [
            (f"{user}-{number}", new_role(name, place, {**EVERYTHING}))
            for user in ("ann", "bob")
            for place in ("", *(f"{each}-{number}" for each in PLACES))
            for name in (*NAMES, "b0", "b1", "p0")
        ]
        for user, obj in tried:
            answer = apply(api.impersonating(user, ["system:authenticated"]), obj, "&dryRun=All") in (200, 201)
            answers.append(answer)
            if answer != expected(policy, user, obj):
                differ.append((number, user, obj))
        for obj in made:
            if obj["kind"].startswith("Cluster"):
                api.delete(objects.path(obj))
        api.delete(f"{RBAC}/clusterrolebindings/granted-last-{number}")
        gone = [Question(f"last-{number}", "get", "last", "last")]
        until(lambda: not any(ask(api, gone)), "the authorizer knows that they are gone")  # noqa: B023
    assert len(answers) >= 1_000
    assert 50 < sum(answers) < len(answers) - 50
    assert differ == []
