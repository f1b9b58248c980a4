"""What the simulator says of an audit policy, held against the audit log that a real API server writes by it."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import Any

import pytest

from hipaa_kit.kube.audit.amendment import as_yaml
from hipaa_kit.kube.audit.policy import Policy, Request
from tests.support.audit_policies import random_policy
from tests.support.live.api import Api
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane

REQUESTS = 400
METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH"}
METHODS |= {"delete": "DELETE", "deletecollection": "DELETE"}
PATHS = ("/api", "/apis/apps", "/healthz/ping", "/version", "/metrics")
SEEDS = (5, 29)


def random_question(rng: random.Random) -> tuple[str, str, Request]:
    """Return method, path and request as rules see it, without who asks."""
    if rng.random() < 0.2:
        path = rng.choice(PATHS)
        return "GET", path, Request("", (), "get", path=path)
    verb = rng.choice(tuple(METHODS))
    group, root, resource = rng.choice(
        (("", "/api/v1", "pods"), ("", "/api/v1", "secrets"), ("apps", "/apis/apps/v1", "deployments"),
         ("", "/api/v1", "namespaces"))
    )  # fmt: skip
    named = verb in ("get", "update", "patch", "delete")
    name = rng.choice(("one", "two", "ehr")) if named else ""
    below = rng.choice(("", "", "status")) if named and verb != "delete" and resource != "secrets" else ""
    place = "" if resource == "namespaces" else rng.choice(("ehr", "lab"))
    if verb == "deletecollection" and resource == "namespaces":
        verb = "list"
    path = f"{root}/namespaces/{place}/{resource}" if place else f"{root}/{resource}"
    path += f"/{name}" if name else ""
    path += f"/{below}" if below else ""
    seen = Request("", (), verb, group, resource, below, name if resource == "namespaces" else place, name)
    return METHODS[verb], path, seen


@pytest.mark.parametrize("seed", SEEDS)
def test_a_real_log_holds_what_the_simulator_says(live_assets: Assets, seed: int) -> None:
    rng = random.Random(seed)
    policy = random_policy(rng)
    written = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": as_yaml(policy.rules)}
    written["omitStages"] = sorted(policy.omit_stages)
    with ControlPlane(live_assets, audit_policy=written) as plane:
        who = {("ann", ("people",)), ("ann", ()), ("system:node:n1", ("system:nodes",)), ("bob", ("system:masters",))}
        clients: list[tuple[Api, str, tuple[str, ...]]] = [
            (plane.api(user, groups), user, (*groups, "system:authenticated")) for user, groups in sorted(who)
        ]
        asked = {number: _ask(rng, number, clients) for number in range(REQUESTS)}
        found = _settled(plane, policy, asked)
    wrong = {
        number: (request, expected(policy, request), found[number])
        for number, request in asked.items()
        if expected(policy, request) != found[number]
    }
    assert not wrong, f"seed {seed}: {list(wrong.items())[:5]} under {policy}"
    assert len({level for levels in found.values() for level in levels}) > 1


def _ask(rng: random.Random, number: int, clients: list[tuple[Api, str, tuple[str, ...]]]) -> Request:
    api, user, groups = rng.choice(clients)
    method, path, request = random_question(rng)
    query = "&watch=true&timeoutSeconds=1" if request.verb == "watch" else ""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body: Any = {"metadata": {"name": request.name or "one"}} if method in ("POST", "PUT", "PATCH") else None
    # Everything is asked with dry run, so that all requests find the same cluster.
    api.request(method, f"{path}?number={number}&dryRun=All{query}", body, kind=kind)
    return request._replace(user=user, groups=groups)


def expected(policy: Policy, request: Request) -> set[str]:
    """Return the levels of the events that a request leaves: none, or the one of its rule."""
    recorded = policy.record(request)
    stages = {"RequestReceived", "ResponseComplete"} | ({"ResponseStarted"} if request.verb == "watch" else set())
    return {recorded.level} if recorded.level != "None" and stages - recorded.omitted else set()


def _settled(plane: ControlPlane, policy: Policy, asked: dict[int, Request]) -> dict[int, set[str]]:
    """Return the levels of each request's events, once all that must come have come."""
    end = time.monotonic() + 120
    while True:
        found: dict[int, set[str]] = defaultdict(set)
        for stage in ("RequestReceived", "ResponseStarted", "ResponseComplete"):
            for event in plane.audit_events(stage=stage):
                if "number=" in event["requestURI"]:
                    found[int(event["requestURI"].split("number=")[1].split("&")[0])].add(event["level"])
        waiting = [number for number, request in asked.items() if expected(policy, request) - found[number]]
        if not waiting or time.monotonic() > end:
            return found
        time.sleep(0.2)
