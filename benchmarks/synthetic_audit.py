"""Audit logs of any size: distinct files in which ever more users, objects and namespaces appear."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 11, 1, tzinfo=UTC)
FILE_BYTES = 100_000_000
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = (
    ("", "pods"),
    ("", "secrets"),
    ("", "configmaps"),
    ("apps", "deployments"),
    ("coordination.k8s.io", "leases"),
    ("rbac.authorization.k8s.io", "rolebindings"),
)


def write_logs(folder: Path, total_bytes: int) -> int:
    """Write logs of three API servers, one event in ten with a body, and return how many events they hold."""
    chance, number, written = random.Random(9), 0, 0
    folder.mkdir(parents=True, exist_ok=True)
    while written < total_bytes:
        server = folder / f"cp-{number % 3}"
        server.mkdir(exist_ok=True)
        path = server / f"audit-{number:012d}.log"
        with path.open("w", encoding="utf-8", buffering=2**20) as file:
            size = 0
            while size < min(FILE_BYTES, total_bytes - written):
                size += file.write(line(number, chance))
                number += 1
        written += size
    return number


def line(number: int, chance: random.Random) -> str:
    """Return one event as a line of about a kilobyte."""
    group, resource = RESOURCES[number % len(RESOURCES)]
    names = 1_000 + number // 20
    namespace, name = f"ns-{number % 97}", f"{resource}-{int(chance.random() * names)}"
    user = f"system:serviceaccount:{namespace}:app-{int(chance.random() * (50 + number // 5_000))}"
    verb = VERBS[int(chance.random() * len(VERBS))]
    api = f"apis/{group}" if group else "api"
    at = (START + timedelta(seconds=number * 0.08)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = f',"requestObject":{BODY}' if number % 10 == 3 else ""
    return (
        '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"%s","auditID":"%08x-0000-4000-8000-%012x",'
        '"stage":"ResponseComplete","requestURI":"/%s/v1/namespaces/%s/%s/%s?timeout=10s","verb":"%s",'
        '"user":{"username":"%s","uid":"%08x","groups":["system:serviceaccounts","system:serviceaccounts:%s",'
        '"system:authenticated"],"extra":{"authentication.kubernetes.io/pod-name":["app-%d"]}},'
        '"sourceIPs":["10.%d.%d.%d"],"userAgent":"kube-controller/v1.34.1 (linux/amd64) kubernetes/abc",'
        '"objectRef":{"resource":"%s","namespace":"%s","name":"%s","apiGroup":"%s","apiVersion":"v1"},'
        '"responseStatus":{"metadata":{},"code":200}%s,"requestReceivedTimestamp":"%s","stageTimestamp":"%s",'
        '"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":'
        '"RBAC: allowed by RoleBinding \\"app/%s\\" of Role \\"app\\" to ServiceAccount \\"app/%s\\""}}\n'
    ) % (
        "Request" if body else "Metadata",
        *(number * 2654435761 % 2**32, number, api, namespace, resource, name, verb, user, number % 2**32, namespace),
        *(number % 500, number % 256, number // 256 % 256, number // 65536 % 256, resource, namespace, name, group),
        *(body, at, at, namespace, namespace),
    )


BODY = json.dumps(
    {
        "kind": "Deployment",
        "metadata": {"name": "app", "labels": {f"label-{n}": "x" * 20 for n in range(5)}},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "A", "value": "y" * 200}]}]}}},
    },
    separators=(",", ":"),
)
