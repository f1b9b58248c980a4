"""All objects of a cluster of any size, for questions that need every table: pods, owners, policies, role bindings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from synthetic_network import network_policies, pods

from hipaa_kit.kube.owners import parse_object_id

Object = dict[str, Any]
NODES = 200
RBAC = "rbac.authorization.k8s.io"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = ("pods", "secrets", "configmaps", "services", "pods/log", "pods/exec", "events")
SCOPE = """apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: large, owner: privacy@clinic.example, reviewed_on: 2026-11-01}
entries:
- {object: Deployment/ns-1/*, owner: dba@clinic.example, data_class: ephi, criticality: critical}
- {object: Deployment/ns-2/*, owner: dba@clinic.example, data_class: ephi, criticality: critical}
"""


def objects(count: int, shape: tuple[int, int], policies: int, bindings: int) -> Iterator[Object]:
    """Yield the objects of a cluster with so many pods, policies and role bindings.

    Parameters
    ----------
    shape
        Namespaces, and applications in each.
    """
    spaces, apps = shape
    for number in range(NODES):
        address = {"type": "InternalIP", "address": f"172.16.{number // 250}.{number % 250 + 1}"}
        yield _object("v1", "Node", f"node-{number}") | {"status": {"addresses": [address]}}
    for space in range(spaces):
        labels = {"kubernetes.io/metadata.name": f"ns-{space}", "team": f"team-{space % 12}"}
        yield _object("v1", "Namespace", f"ns-{space}", labels=labels)
        for app in range(apps):
            yield from _application(f"ns-{space}", app, count // spaces // apps)
    for fact in pods(count, shape):
        yield _pod(fact)
    for policy in network_policies(policies, shape):
        yield {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **policy}
    yield from _rights(bindings, spaces, apps)


def _object(version: str, kind: str, name: str, namespace: str = "", **metadata: Any) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place, **metadata}}


def _spec(app: int) -> Object:
    ports = [{"name": "http", "containerPort": 8080 + app % 4}]
    login = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"app-{app}", "key": "password"}}}
    container = {"name": "main", "image": f"registry.example/app-{app}:1", "ports": ports, "env": [login]}
    return {"serviceAccountName": f"app-{app}", "containers": [container]}


def _application(space: str, app: int, replicas: int) -> Iterator[Object]:
    name = f"app-{app}"
    labels = {"app": name, "tier": f"tier-{app % 3}"}
    template = {"metadata": {"labels": labels}, "spec": _spec(app)}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    yield _object("v1", "ServiceAccount", name, space)
    yield _object("v1", "Secret", name, space) | {"type": "Opaque"}
    yield _object("apps/v1", "Deployment", name, space) | {"spec": body}
    yield _object("apps/v1", "ReplicaSet", f"{name}-x", space, ownerReferences=[_owner("Deployment", name)]) | {
        "spec": body
    }
    spec: Object = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]}
    service = _object("v1", "Service", name, space) | {"spec": spec}
    if app == 0 and space.endswith("0"):
        spec["type"] = "LoadBalancer"
        number = int(space.rpartition("-")[2])
        service["status"] = {"loadBalancer": {"ingress": [{"ip": f"203.0.{number // 250}.{number % 250 + 1}"}]}}
    yield service


def _owner(kind: str, name: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "uid": name}


def _pod(fact: Any) -> Object:
    _, space, name = parse_object_id(fact.object)
    app = fact.labels["app"]
    labels = {"app": app, "tier": fact.labels["tier"]}
    made = _object("v1", "Pod", name, space, labels=labels, ownerReferences=[_owner("ReplicaSet", f"{app}-x")])
    number = fact.addresses[0].first
    address = ".".join(str(number >> bits & 255) for bits in (24, 16, 8, 0))
    node = f"node-{int(name.rpartition('-')[2]) % NODES}"
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    return made | {"spec": {**_spec(int(app.rpartition("-")[2])), "nodeName": node}, "status": status}


def _rights(bindings: int, spaces: int, apps: int) -> Iterator[Object]:
    """Yield half as many roles as role bindings; four of five bindings stay in the namespace of their account."""
    draw = random.Random(7)
    roles = max(bindings // 2, spaces)
    for number in range(roles):
        rule: Object = {
            "apiGroups": [""],
            "resources": draw.sample(RESOURCES, draw.randint(1, 3)),
            "verbs": draw.sample(VERBS, draw.randint(1, 4)),
        }
        if draw.random() < 0.1:
            rule["resourceNames"] = [f"app-{draw.randrange(apps)}"]
        yield _object(f"{RBAC}/v1", "Role", f"role-{number}", f"ns-{number % spaces}") | {"rules": [rule]}
    for number in range(bindings):
        home = draw.randrange(spaces)
        place = home if draw.random() < 0.8 else draw.randrange(spaces)
        account = {"kind": "ServiceAccount", "name": f"app-{draw.randrange(apps)}", "namespace": f"ns-{home}"}
        role = place + spaces * draw.randrange(roles // spaces)
        yield _object(f"{RBAC}/v1", "RoleBinding", f"binding-{number}", f"ns-{place}") | {
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": f"role-{role}"},
            "subjects": [account],
        }
