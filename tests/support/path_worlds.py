"""Small clusters drawn at random, in which network, rights, tokens, volumes and nodes may lead to ePHI together."""

from __future__ import annotations

import random
from typing import Any

Object = dict[str, Any]
SPACES = ("east", "west")
NODES = ("n1", "n2")
APPS = ("web", "api", "db")
ACCOUNTS = ("default", "runner")
PORT = 8080
RIGHTS = (
    ("get", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "pods/exec"),
    ("get", "", "pods/exec"),
    ("create", "", "pods"),
    ("create", "", "serviceaccounts/token"),
    ("impersonate", "", "serviceaccounts"),
    ("get", "", "nodes/proxy"),
    ("create", "", "pods/portforward"),
    ("create", "apps", "deployments"),
    ("get", "", "configmaps"),
    ("delete", "", "pods"),
)
"""Rights that the rules of random roles are drawn from: those that lead on, and two that do not."""
NAMES = ("db", "web", "api", "runner", "default", "n1", "missing")


def world(seed: int) -> list[Object]:
    """Return the objects of a cluster: the same for the same seed."""
    draw = random.Random(seed)
    made: list[Object] = [_meta("v1", "Namespace", each, labels={"name": each}) for each in SPACES]
    if draw.random() < 0.5:
        made[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    made += [_node(number, each) for number, each in enumerate(NODES, start=1)]
    made += [_meta("v1", "ServiceAccount", each, place) for place in SPACES for each in ACCOUNTS]
    made += [_meta("v1", "PersistentVolumeClaim", "data", place, labels={"phi": "yes"}) for place in SPACES]
    made += [_pod(draw, place, app) for place in SPACES for app in APPS if draw.random() < 0.8]
    for number in range(draw.randint(0, 4)):
        made.append(_policy(draw, number))
    for number in range(draw.randint(0, 2)):
        made.append(_service(draw, number))
    for number in range(draw.randint(1, 5)):
        made += _granted(draw, number)
    return made


def _meta(version: str, kind: str, name: str, namespace: str = "", **more: Any) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place, **more}}


def _node(number: int, name: str) -> Object:
    return _meta("v1", "Node", name) | {
        "status": {"addresses": [{"type": "InternalIP", "address": f"10.0.0.{number}"}]}
    }


def _pod(draw: random.Random, place: str, app: str) -> Object:
    number = [*"123456"][SPACES.index(place) * 3 + APPS.index(app)]
    labels = {"app": app} | ({"phi": "yes"} if app == "db" else {})
    container: Object = {"name": "main", "image": "x", "ports": [{"containerPort": PORT}]}
    spec: Object = {"containers": [container], "serviceAccountName": draw.choice(ACCOUNTS), "volumes": []}
    if draw.random() < 0.4:
        spec["automountServiceAccountToken"] = False
    if draw.random() < 0.8:
        spec["nodeName"] = draw.choice(NODES)
    if draw.random() < 0.15:
        container["securityContext"] = {"privileged": True}
    if draw.random() < 0.3:
        name = draw.choice(("db", "web"))
        container["env"] = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": name, "key": "p"}}}]
    if draw.random() < 0.3:
        spec["volumes"].append({"name": "key", "secret": {"secretName": draw.choice(("db", "api"))}})
    if draw.random() < 0.25:
        sources = [{"secret": {"name": each}} for each in draw.sample(("db", "web", "api"), draw.randint(1, 2))]
        spec["volumes"].append({"name": "keys", "projected": {"sources": sources}})
    if app == "db" or draw.random() < 0.1:
        spec["volumes"].append({"name": "data", "persistentVolumeClaim": {"claimName": "data"}})
    status = {"phase": "Running", "podIPs": [{"ip": f"10.1.0.{number}"}], "podIP": f"10.1.0.{number}"}
    return _meta("v1", "Pod", app, place, labels=labels) | {"spec": spec, "status": status}


def _policy(draw: random.Random, number: int) -> Object:
    types = draw.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    spec: Object = {"podSelector": _labels(draw), "policyTypes": types}
    for kind, key, peers in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        if kind in types and draw.random() < 0.7:
            rule: Object = {} if draw.random() < 0.2 else {peers: [_peer(draw)]}
            if draw.random() < 0.3:
                rule["ports"] = [{"port": draw.choice((PORT, 5432))}]
            spec[key] = [rule]
    made = _meta("networking.k8s.io/v1", "NetworkPolicy", f"policy-{number}", draw.choice(SPACES))
    return made | {"spec": spec}


def _labels(draw: random.Random) -> Object:
    return {} if draw.random() < 0.4 else {"matchLabels": {"app": draw.choice(APPS)}}


def _peer(draw: random.Random) -> Object:
    peer: Object = {}
    if draw.random() < 0.5:
        peer["namespaceSelector"] = draw.choice(({}, {"matchLabels": {"name": draw.choice(SPACES)}}))
    if not peer or draw.random() < 0.5:
        peer["podSelector"] = _labels(draw)
    return peer


def _service(draw: random.Random, number: int) -> Object:
    spec = {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "selector": {"app": draw.choice(APPS)},
        "ports": [{"port": 80, "targetPort": PORT, "protocol": "TCP"}],
    }
    status = {"loadBalancer": {"ingress": [{"ip": f"203.0.113.{number + 1}"}]}}
    return _meta("v1", "Service", f"entry-{number}", draw.choice(SPACES)) | {"spec": spec, "status": status}


def _granted(draw: random.Random, number: int) -> list[Object]:
    rules = []
    for _ in range(draw.randint(1, 2)):
        verb, group, resource = draw.choice(RIGHTS)
        rule: Object = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
        if draw.random() < 0.3:
            rule["resourceNames"] = [draw.choice(NAMES)]
        rules.append(rule)
    place = draw.choice(("", "", *SPACES))
    group = "rbac.authorization.k8s.io"
    role = _meta(f"{group}/v1", "ClusterRole", f"role-{number}") | {"rules": rules}
    home = draw.choice(SPACES)
    subject = draw.choice(
        (
            {"kind": "ServiceAccount", "name": draw.choice(ACCOUNTS), "namespace": home},
            {"kind": "ServiceAccount", "name": draw.choice(ACCOUNTS), "namespace": home},
            {"kind": "User", "name": "ann"},
            {"kind": "Group", "name": f"system:serviceaccounts:{home}"},
        )
    )
    kind = "RoleBinding" if place else "ClusterRoleBinding"
    binding = _meta(f"{group}/v1", kind, f"binding-{number}", place)
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": f"role-{number}"}
    return [role, binding | {"roleRef": ref, "subjects": [subject]}]
