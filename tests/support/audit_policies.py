"""Random audit policies and requests, and an evaluator of their own that shares nothing with the kit's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hipaa_kit.kube.audit.policy import LEVELS, STAGES, Policy, Request, Resources, Rule

USERS = ("ann", "system:node:n1")
GROUPS = ("people", "system:nodes")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*")
GROUPS_OF_API = ("", "apps", "*", "rbac.authorization.k8s.io")
RESOURCES = ("pods", "pods/log", "pods/*", "*", "*/status", "secrets", "deployments", "namespaces", "roles")
NAMESPACES = ("", "ehr", "lab")
NAMES = ("one", "two", "ehr")
PATHS = ("/api", "/healthz*", "*", "/metrics", "/version", "/apis/*")


def random_rule(rng: random.Random) -> Rule:
    """Return a rule that an API server would take."""
    about = rng.choice(("anything", "resources", "paths"))
    named = tuple(_resources(rng) for _ in range(rng.randint(0, 2))) if about == "resources" else ()
    return Rule(
        level=rng.choice(LEVELS),
        users=_some(rng, USERS, 0.25),
        user_groups=_some(rng, GROUPS, 0.2),
        verbs=_some(rng, VERBS, 0.4),
        namespaces=_some(rng, NAMESPACES, 0.4) if about == "resources" else (),
        resources=named,
        paths=_some(rng, PATHS, 1.0) if about == "paths" else (),
        omit_stages=frozenset(_some(rng, STAGES, 0.25)),
    )


def _resources(rng: random.Random) -> Resources:
    names = _some(rng, RESOURCES, 0.8)
    return Resources(rng.choice(GROUPS_OF_API), names, _some(rng, NAMES, 0.3) if names else ())


def _some(rng: random.Random, values: Sequence[str], share: float) -> tuple[str, ...]:
    return tuple(rng.sample(values, rng.randint(1, 3 if len(values) > 2 else 1))) if rng.random() < share else ()


def random_policy(rng: random.Random) -> Policy:
    """Return a policy of one to six rules."""
    return Policy(tuple(random_rule(rng) for _ in range(rng.randint(1, 6))), frozenset(_some(rng, STAGES, 0.2)))


def random_request(rng: random.Random) -> Request:
    """Return a request for an object, a list or a path."""
    who = (rng.choice(USERS), (*_some(rng, GROUPS, 0.6), "system:authenticated"))
    if rng.random() < 0.2:
        return Request(*who, "get", path=rng.choice(("/api", "/apis/apps", "/healthz/ping", "/version", "/metrics")))
    group, resource = rng.choice((("", "pods"), ("", "secrets"), ("apps", "deployments"), ("", "namespaces")))
    verb = rng.choice(VERBS[:-1])
    named = verb in ("get", "update", "patch", "delete")
    place = rng.choice(NAMESPACES)
    name = (place or "ehr") if resource == "namespaces" else rng.choice(NAMES)
    if resource == "namespaces":
        place = name if named else ""
    below = rng.choice(("", "", "status")) if named else ""
    return Request(*who, verb, group, resource, below, place, name if named else "")


def level_by_hand(policy: Policy, request: Request) -> str:
    """Return the level of a request, decided by walking through the rules as the documentation tells it."""
    for rule in policy.rules:
        wanted: list[tuple[Sequence[str], Sequence[str]]] = [
            (rule.users, [request.user]),
            (rule.user_groups, request.groups),
            (rule.verbs, [request.verb]),
        ]
        if any(asked and not any(each in asked for each in given) for asked, given in wanted):
            continue
        if rule.namespaces or rule.resources:
            inside = not rule.namespaces or request.namespace in rule.namespaces
            if not request.resource or not inside or not _any_resource(rule, request):
                continue
        elif rule.paths:
            stems = [path[: len(path.rstrip("*"))] if path.endswith("*") else None for path in rule.paths]
            exact = request.path in rule.paths
            if request.resource or not (exact or any(s is not None and request.path.startswith(s) for s in stems)):
                continue
        return rule.level
    return "None"


def _any_resource(rule: Rule, request: Request) -> bool:
    if not rule.resources:
        return True
    below = request.subresource
    forms: set[Any] = {"*", f"{request.resource}/*", f"{request.resource}/{below}" if below else request.resource}
    if below:
        forms.add(f"*/{below}")
    return any(
        entry.group in (request.group, "*")
        and (
            not entry.resources
            or (forms.intersection(entry.resources) and (not entry.names or request.name in entry.names))
        )
        for entry in rule.resources
    )
