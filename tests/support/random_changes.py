"""Random small clusters with workloads, policies and role bindings, and random changes of them."""

from __future__ import annotations

import copy
import random
from typing import Any

SPACES = ("ehr", "lab", "web")
APPS = ("api", "db", "ui")
SCOPE = """apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: random, owner: privacy@clinic.example, reviewed_on: 2026-11-01}
entries:
- {object: "*/ehr/db", owner: dba@clinic.example, data_class: ephi, criticality: critical}
- {namespaceSelector: "phi=true", owner: lab@clinic.example, data_class: ephi, criticality: high}
"""


def _object(kind: str, name: str, namespace: str = "", version: str = "v1", **rest: Any) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    labels = {"labels": rest.pop("labels")} if "labels" in rest else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place, **labels}, **rest}


def namespace(rng: random.Random, name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": name, **({"phi": "true"} if rng.random() < 0.3 else {})}
    return _object("Namespace", name, labels=labels)


def workload(rng: random.Random, space: str, app: str) -> list[dict[str, Any]]:
    """Return a workload with its pods, or without any."""
    kind = "StatefulSet" if app == "db" else "Deployment"
    container: dict[str, Any] = {
        "name": app,
        "image": f"registry.example/{app}:{rng.randint(1, 3)}",
        "ports": [{"containerPort": rng.choice((8080, 5432)), "name": "main"}],
    }
    if rng.random() < 0.3:
        container["securityContext"] = {"privileged": True}
    if rng.random() < 0.4:
        container["env"] = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "p"}}}]
    spec: dict[str, Any] = {"serviceAccountName": rng.choice(APPS), "containers": [container]}
    if rng.random() < 0.2:
        spec["hostNetwork"] = True
    labels = {"app": app, "tier": rng.choice(("front", "back"))}
    replicas = rng.randint(0, 2)
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template}
    found = [_object(kind, app, space, "apps/v1", spec=body)]
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": app, "controller": True, "uid": f"{space}-{app}"}
    for number in range(replicas):
        pod = _object(
            "Pod", f"{app}-{number}", space, labels=dict(labels), spec={**copy.deepcopy(spec), "nodeName": "n1"}
        )
        pod["metadata"]["ownerReferences"] = [owner]
        address = f"10.0.{SPACES.index(space) if space in SPACES else 9}.{10 * APPS.index(app) + number + 1}"
        pod["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        found.append(pod)
    return found


def service(rng: random.Random, space: str, app: str) -> dict[str, Any]:
    kind = rng.choice(("ClusterIP", "LoadBalancer", "NodePort"))
    ports = [{"port": 80, "targetPort": "main", **({"nodePort": 30080} if kind == "NodePort" else {})}]
    return _object("Service", app, space, spec={"type": kind, "selector": {"app": app}, "ports": ports})


def policy(rng: random.Random, space: str, name: str) -> dict[str, Any]:
    peers = [
        {"podSelector": {"matchLabels": {"app": rng.choice(APPS)}}},
        {"namespaceSelector": {"matchLabels": {"phi": "true"}}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": rng.choice(SPACES)}}},
        {"ipBlock": {"cidr": f"192.168.{rng.randint(0, 3)}.0/24"}},
    ]
    spec: dict[str, Any] = {"podSelector": rng.choice(({}, {"matchLabels": {"app": rng.choice(APPS)}}))}
    if rng.random() < 0.7:
        spec["policyTypes"] = rng.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    if rng.random() < 0.7:
        spec["ingress"] = [
            {"from": rng.sample(peers, rng.randint(1, 2)), "ports": [{"port": rng.choice((8080, "main"))}]}
        ]
    if rng.random() < 0.5:
        spec["egress"] = [{"to": rng.sample(peers, rng.randint(1, 2))}]
    return _object("NetworkPolicy", name, space, "networking.k8s.io/v1", spec=spec)


def role(rng: random.Random, name: str, space: str = "") -> dict[str, Any]:
    group = "rbac.authorization.k8s.io/v1"
    resources = rng.sample(("pods", "secrets", "pods/exec", "deployments", "rolebindings", "nodes", "*"), 2)
    verbs = rng.sample(("get", "list", "create", "patch", "bind", "delete", "*"), 2)
    rules = [{"apiGroups": ["", "apps", "rbac.authorization.k8s.io"], "resources": resources, "verbs": verbs}]
    return _object("Role" if space else "ClusterRole", name, space, group, rules=rules)


def binding(rng: random.Random, name: str, space: str = "") -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": rng.choice(APPS), "namespace": rng.choice(SPACES)}
    subject = rng.choice(
        (
            account,
            {"apiGroup": group, "kind": "User", "name": "ann"},
            {"apiGroup": group, "kind": "Group", "name": "nurses"},
        )
    )
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": rng.choice(("c0", "c1"))}
    return _object(
        "RoleBinding" if space else "ClusterRoleBinding", name, space, f"{group}/v1", subjects=[subject], roleRef=ref
    )


def random_cluster(rng: random.Random) -> list[dict[str, Any]]:
    """Return the objects of a cluster."""
    found = [_object("Node", "n1", labels={}, status={"addresses": [{"type": "InternalIP", "address": "172.16.0.1"}]})]
    for space in SPACES:
        found.append(namespace(rng, space))
        found += [_object("ServiceAccount", name, space) for name in ("default", *APPS)]
        found.append(_object("Secret", "login", space, type="Opaque", data={"p": "cA=="}))
        for app in rng.sample(APPS, rng.randint(1, 3)):
            found += workload(rng, space, app)
            if rng.random() < 0.6:
                found.append(service(rng, space, app))
        found += [policy(rng, space, f"p{number}") for number in range(rng.randint(0, 2))]
        if rng.random() < 0.6:
            found.append(binding(rng, "b", space))
    found += [role(rng, name) for name in ("c0", "c1")]
    found += [binding(rng, f"cb{number}") for number in range(rng.randint(0, 2))]
    return found


def name_of(each: dict[str, Any]) -> str:
    """Return `Kind/namespace/name`."""
    return f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}"


def random_change(rng: random.Random, cluster: list[dict[str, Any]]) -> dict[str, Any]:
    """Return arguments of `Assessment.what_if`: one to three changes."""
    apply: list[dict[str, Any]] = []
    delete: list[str] = []
    label: dict[str, dict[str, str | None]] = {}
    for _ in range(rng.randint(1, 3)):
        space, app = rng.choice((*SPACES, "new")), rng.choice(APPS)
        kind = rng.choice(("policy", "workload", "service", "binding", "role", "namespace", "delete", "label"))
        if kind == "policy":
            apply.append(policy(rng, space, f"p{rng.randint(0, 2)}"))
        elif kind == "workload":
            apply.append(workload(rng, space, app)[0])
        elif kind == "service":
            apply.append(service(rng, space, app))
        elif kind == "binding":
            apply.append(binding(rng, *rng.choice((("cb0", ""), ("b", space)))))
        elif kind == "role":
            apply.append(role(rng, rng.choice(("c0", "c1"))))
        elif kind == "namespace":
            apply.append(namespace(rng, space))
        elif kind == "delete":
            delete = [name_of(rng.choice(cluster))]
        else:
            chosen = rng.choice([each for each in cluster if each["kind"] in ("Namespace", "Pod", "Deployment")])
            label[name_of(chosen)] = rng.choice(({"phi": "true"}, {"phi": None}, {"app": "db"}, {"tier": "back"}))
    return {"apply": apply, "delete": delete, "label": label}
