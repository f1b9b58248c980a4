"""Random small clusters of roles and role bindings, with questions, rich in what matchers get wrong.

Everything is plain objects as the API holds them, so that the kit, the evaluator by hand and a real API
server can be asked the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

GROUP = "rbac.authorization.k8s.io"
NAMESPACES = ("east", "west")
USERS = (
    "alice",
    "bob",
    "*",
    "system:serviceaccount:east:runner",
    "system:serviceaccount:west:runner",
    "system:serviceaccount:east:default",
)
GROUPS = ("nurses", "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:east", "*")
VERBS = ("get", "list", "watch", "create", "update", "deletecollection", "bind", "escalate")
API_GROUPS = ("", "apps", GROUP)
RESOURCES = ("pods", "secrets", "roles", "clusterroles", "deployments")
SUBRESOURCES = ("log", "scale", "*")
RULE_RESOURCES = (*RESOURCES, "pods/log", "deployments/scale", "*/log", "*/scale", "pods/*", "*/*", "*", "po*")
NAMES = ("one", "two", "*", "view")
PATHS = ("/healthz", "/healthz/etcd", "/api", "/api/v1", "/apix", "/metrics", "/*/x", "/")
RULE_PATHS = (*PATHS, "*", "/*", "/api*", "/api/*", "/healthz*", "/api**", "/healthz/*")
ROLE_NAMES = ("view", "edit", "admin", "one")

Objects = list[dict[str, Any]]
Rules = list[dict[str, Any]]
Asked = dict[str, Any]


@dataclass
class World:
    """One cluster and what is asked of it."""

    objects: Objects = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    writes: list[Asked] = field(default_factory=list)


def world(seed: int, *, requests: int = 40, writes: int = 12, valid: bool = False) -> World:
    """Return the cluster of a seed; `valid` leaves out what the API would refuse to store."""
    draw = random.Random(seed)
    made = World()
    for name in ROLE_NAMES[: draw.randint(1, 4)]:
        made.objects.append(_role(draw, "ClusterRole", "", name, valid))
    for namespace in NAMESPACES:
        for name in draw.sample(ROLE_NAMES, draw.randint(0, 3)):
            made.objects.append(_role(draw, "Role", namespace, name, valid))
    for number in range(draw.randint(2, 9)):
        namespace = draw.choice(("", *NAMESPACES))
        made.objects.append(_binding(draw, namespace, f"b{number}", valid))
    for _ in range(requests):
        made.requests.append(_near(draw, made.objects) if draw.random() < 0.7 else _request(draw))
    for _ in range(writes):
        who, _ = _holder(draw, made.objects)
        made.writes.append(_write(draw, valid) | {"user": who["user"], "groups": who["groups"]})
    return made


def _holder(draw: random.Random, objects: Objects) -> tuple[Asked, Rules]:
    """Return who is meant by some subject of a role binding, where, and the rules of its role."""
    bindings = [each for each in objects if each.get("subjects")]
    if not bindings:
        return _who(draw), []
    binding = draw.choice(bindings)
    place, ref = binding["metadata"].get("namespace", ""), binding["roleRef"]
    found = [
        each["rules"]
        for each in objects
        if (each["kind"], each["metadata"]["name"]) == (ref["kind"], ref["name"])
        and each["metadata"].get("namespace", "") in ("", place)
    ]
    who = _meant(draw, draw.choice(binding["subjects"]), place) | ({"namespace": place} if place else {})
    return who, found[0] if found else []


def _meant(draw: random.Random, subject: dict[str, Any], place: str) -> dict[str, Any]:
    name = subject["name"]
    if subject["kind"] == "Group":
        return {"user": draw.choice(USERS), "groups": [name]}
    if subject["kind"] == "ServiceAccount":
        name = f"system:serviceaccount:{subject.get('namespace') or place}:{name}"
    return {"user": name, "groups": _some(draw, GROUPS, 0, 2)}


def _near(draw: random.Random, objects: Objects) -> dict[str, Any]:
    """Return a request that some role binding allows, or one that differs from it in a word."""
    who, every = _holder(draw, objects)
    rule = draw.choice(every or [{"verbs": []}])
    if rule.get("nonResourceURLs"):
        path = draw.choice(rule["nonResourceURLs"]).rstrip("*") + draw.choice(("", "", "x", "/x")) or "/"
        verb = draw.choice(rule["verbs"] or VERBS)
        who.pop("namespace", None)
        return who | {"verb": draw.choice(VERBS) if verb == "*" else verb, "path": path}
    resource, _, subresource = draw.choice(rule.get("resources") or ["pods"]).partition("/")
    near = {
        "verb": draw.choice(rule["verbs"] or VERBS),
        "group": draw.choice(rule.get("apiGroups") or API_GROUPS),
        "resource": resource,
        "subresource": subresource,
        "name": draw.choice(rule.get("resourceNames") or ("", *NAMES)),
    }
    kept = {word: value for word, value in near.items() if value != "*" and draw.random() < 0.95}
    other = _request(draw)
    while "path" in other:
        other = _request(draw)
    return other | who | kept


def rules(draw: random.Random, kind: str, valid: bool = False, most: int = 3) -> Rules:
    """Return random rules for a kind of role."""
    return [_rule(draw, kind, valid) for _ in range(draw.randint(0, most))]


def _some(draw: random.Random, words: tuple[str, ...], least: int, most: int = 3) -> list[str]:
    return draw.sample(words, draw.randint(least, min(most, len(words))))


def _rule(draw: random.Random, kind: str, valid: bool) -> dict[str, Any]:
    least = 1 if valid or draw.random() < 0.95 else 0
    verbs = ["*"] if draw.random() < 0.15 else _some(draw, VERBS, least)
    if draw.random() < 0.2 and not (valid and kind == "Role"):
        return {"verbs": verbs, "nonResourceURLs": _some(draw, RULE_PATHS, 1)}
    if draw.random() < 0.2:
        special = {"verbs": _some(draw, ("bind", "escalate"), 1), "apiGroups": [GROUP]}
        named = {"resourceNames": _some(draw, ROLE_NAMES, 1)} if draw.random() < 0.6 else {}
        return special | {"resources": _some(draw, ("roles", "clusterroles"), 1)} | named
    rule = {
        "verbs": verbs,
        "apiGroups": ["*"] if draw.random() < 0.2 else _some(draw, API_GROUPS, least, 2),
        "resources": _some(draw, RULE_RESOURCES, least),
    }
    if draw.random() < 0.3:
        rule["resourceNames"] = _some(draw, NAMES if valid else (*NAMES, ""), 0 if not valid else 1, 2)
    return rule


def _role(draw: random.Random, kind: str, namespace: str, name: str, valid: bool) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
        "rules": rules(draw, kind, valid),
    }


def _subject(draw: random.Random, namespace: str, valid: bool) -> dict[str, Any]:
    kind = draw.choice(("User", "Group", "ServiceAccount", *(() if valid else ("Node",))))
    if kind == "ServiceAccount":
        subject = {"kind": kind, "name": draw.choice(("runner", "default"))}
        where = draw.choice((*NAMESPACES, *((None,) if namespace or not valid else ())))
        return subject | ({"namespace": where} if where else {})
    return {"kind": kind, "name": draw.choice(USERS if kind == "User" else GROUPS), "apiGroup": GROUP}


def _ref(draw: random.Random, namespace: str, valid: bool) -> dict[str, Any]:
    kinds = ("Role", "ClusterRole") if namespace else ("ClusterRole",)
    kind = draw.choice(kinds if valid or draw.random() < 0.9 else ("Role", "ClusterRole", "Group"))
    return {"apiGroup": GROUP, "kind": kind, "name": draw.choice((*ROLE_NAMES, *ROLE_NAMES, "missing"))}


def _binding(draw: random.Random, namespace: str, name: str, valid: bool) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
        "roleRef": _ref(draw, namespace, valid),
        "subjects": [_subject(draw, namespace, valid) for _ in range(draw.randint(0, 3))],
    }


def _who(draw: random.Random) -> dict[str, Any]:
    return {"user": draw.choice(USERS), "groups": _some(draw, GROUPS, 0, 2)}


def _request(draw: random.Random) -> dict[str, Any]:
    if draw.random() < 0.2:
        return _who(draw) | {"verb": draw.choice(VERBS[:4]), "path": draw.choice(PATHS)}
    return _who(draw) | {
        "verb": draw.choice(VERBS),
        "group": draw.choice(API_GROUPS),
        "resource": draw.choice(RESOURCES),
        "subresource": draw.choice(("", "", *SUBRESOURCES)),
        "namespace": draw.choice(("", *NAMESPACES)),
        "name": draw.choice(("", *NAMES)),
    }


def _write(draw: random.Random, valid: bool) -> dict[str, Any]:
    kind = draw.choice(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))
    namespace = "" if kind.startswith("Cluster") else draw.choice(NAMESPACES)
    asked = _who(draw) | {"kind": kind, "namespace": namespace, "name": draw.choice(ROLE_NAMES)}
    if kind.endswith("Binding"):
        return asked | {"roleRef": _ref(draw, namespace, True)}
    return asked | {
        "rules": rules(draw, kind, valid, most=2),
        "verb": draw.choice(("create", "update")),
        "aggregates": kind == "ClusterRole" and draw.random() < 0.2,
    }
