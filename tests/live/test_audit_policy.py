"""What the simulator says of an audit policy, held against the audit log that a real API server writes by it."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import Any

import pytest
import urllib3
import yaml

from hipaa_kit.catalogue.probes import load_audit_probes
from hipaa_kit.inventory.audit import wanted_of
from hipaa_kit.kube.audit.amendment import amendment, as_yaml
from hipaa_kit.kube.audit.policy import Policy, Request, Rule
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
    assert len({level for events in found.values() for _, level in events}) > 1
    for number, request in asked.items():
        told = {level for stage, level in found[number] if stage != "RequestReceived"}
        assert (told or {"None"}) == {policy.record(request).told}, request


@pytest.mark.parametrize("omitted", [(), ("ResponseStarted",), ("ResponseComplete",)])
def test_a_real_log_tells_of_requests_by_the_stages_that_the_simulator_says(
    live_assets: Assets, omitted: tuple[str, ...]
) -> None:
    policy = Policy((Rule("Metadata"),), frozenset(omitted))
    written = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
    pod = Request("ann", ("people", "system:authenticated"), "get", "", "pods", "", "ehr", "one")
    place = "/api/v1/namespaces/ehr/pods/one"
    asked = {0: pod, 1: pod._replace(subresource="log"), 2: pod._replace(user="", groups=())}
    with ControlPlane(live_assets, audit_policy={**written, "omitStages": list(omitted)}) as plane:
        ann = plane.api("ann", ("people",))
        assert ann.request("GET", f"{place}?number=0").status == 403
        assert ann.request("GET", f"{place}/log?number=1").status == 403
        reply = urllib3.PoolManager(ca_certs=str(plane.authority.certificate)).request(
            "GET", f"{plane.url}{place}?number=2", headers={"Authorization": "Bearer none-that-is-known"}
        )
        assert reply.status == 401
        found = _settled(plane, policy, asked)
        started = plane.audit_events(stage="ResponseStarted")
    assert {number: found[number] for number in asked} == {
        number: expected(policy, request) for number, request in asked.items()
    }
    for number, request in asked.items():
        assert any(stage != "RequestReceived" for stage, _ in found[number]) == (policy.record(request).told != "None")
    assert all(each["user"] == {} for each in started if "number=2" in each["requestURI"])


def _ask(rng: random.Random, number: int, clients: list[tuple[Api, str, tuple[str, ...]]]) -> Request:
    api, user, groups = rng.choice(clients)
    method, path, request = random_question(rng)
    query = "&watch=true&timeoutSeconds=1" if request.verb == "watch" else ""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body: Any = {"metadata": {"name": request.name or "one"}} if method in ("POST", "PUT", "PATCH") else None
    # Everything is asked with dry run, so that all requests find the same cluster.
    api.request(method, f"{path}?number={number}&dryRun=All{query}", body, kind=kind)
    return request._replace(user=user, groups=groups)


def expected(policy: Policy, request: Request) -> set[tuple[str, str]]:
    """Return stage and level of the events that a request leaves: none, or those of its rule."""
    recorded = policy.record(request)
    # Who could not be authenticated is told of once, when the answer begins.
    received = {"RequestReceived"} if request.user else set()
    stages = received | request.telling if recorded.level != "None" else set()
    return {(stage, recorded.level) for stage in stages - recorded.omitted}


def _settled(plane: ControlPlane, policy: Policy, asked: dict[int, Request]) -> dict[int, set[tuple[str, str]]]:
    """Return stage and level of each request's events, once all that must come have come."""
    end = time.monotonic() + 120
    while True:
        found: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for stage in ("RequestReceived", "ResponseStarted", "ResponseComplete"):
            for event in plane.audit_events(stage=stage):
                if "number=" in event["requestURI"]:
                    found[int(event["requestURI"].split("number=")[1].split("&")[0])].add((stage, event["level"]))
        waiting = [number for number, request in asked.items() if expected(policy, request) - found[number]]
        if not waiting or time.monotonic() > end:
            return found
        time.sleep(0.2)


@pytest.mark.parametrize("rule", [Rule("None"), Rule("RequestResponse")])
def test_a_real_server_takes_the_rules_that_a_policy_lacks_and_records_by_them(live_assets: Assets, rule: Rule) -> None:
    """As they are shown: put before the policy's own, in a file that it reads without a word of refusal."""
    wanted = [wanted_of(probe, probe.namespace or "ehr") for probe in load_audit_probes()]
    rules = [*amendment(Policy((rule,)), wanted), rule]
    written = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": as_yaml(rules)}
    who = ("ann", ("people", "system:authenticated"))
    asked = {
        0: Request(*who, "get", "", "secrets", "", "default", "x"),
        1: Request(*who, "create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    }
    with ControlPlane(live_assets, audit_policy=yaml.safe_load(yaml.safe_dump(written))) as plane:
        ann = plane.api("ann", ("people",))
        ann.request("GET", "/api/v1/namespaces/default/secrets/x?number=0")
        ann.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?number=1", {"metadata": {}})
        found = _settled(plane, Policy(tuple(rules)), asked)
    assert {number: found[number] for number in asked} == {
        number: expected(Policy(tuple(rules)), request) for number, request in asked.items()
    }
    assert all(found.values())
