"""What keeps the hospital as it was meant to be: declared configuration, signed images, a sensor on every worker."""

from __future__ import annotations

from typing import Any

from infrastructure import daemon_set, host
from model import Container, Custom, Declaration, Namespace
from shapes import MIRROR

SYNCED_AT = "2026-11-19T18:04:11Z"
MANAGED = {"ehr": ("ehr", "ehr-app"), "portal": ("portal", "portal-web")}
"""Applications of Argo CD: the namespace each brings to what is declared, and the workload in it, with its Service."""


def assurance() -> list[Declaration]:
    """Declare the sensor and its policy, and the applications by which the record and the portal are declared."""
    sensor = Container(
        "tetragon",
        "quay.io/cilium/tetragon:v1.5.0",
        memory=256,
        mounts={"/var/run/cilium": "run", "/sys/fs/bpf": "bpf"},
        liveness="exec tetra status",
        readiness="exec tetra status",
        privileged=True,
        confined=False,
    )
    volumes = {"run": host("/var/run/cilium"), "bpf": host("/sys/fs/bpf")}
    watched = {
        "spec": {
            "kprobes": [
                {
                    "call": "security_file_permission",
                    "syscall": False,
                    "return": True,
                    "args": [{"index": 0, "type": "file"}, {"index": 1, "type": "int"}],
                    "selectors": [
                        {
                            "matchActions": [{"action": "Sigkill"}],
                            "matchArgs": [
                                {"index": 0, "operator": "Prefix", "values": ["/etc", "/usr/bin", "/usr/sbin"]}
                            ],
                        }
                    ],
                }
            ]
        }
    }
    return [
        Namespace("argocd", pod_security="restricted"),
        *(application(name, *what) for name, what in MANAGED.items()),
        daemon_set("kube-system", "tetragon", sensor, volumes=volumes),
        Custom("TracingPolicy", "", "writes-to-system-files", watched, "2026-05-12T08:30:00Z"),
        Custom("ValidatingWebhookConfiguration", "", "ingress-nginx-admission", routes_asked_about()),
        Custom("ValidatingWebhookConfiguration", "", "policy.sigstore.dev", pods_asked_about("/validations")),
        Custom("MutatingWebhookConfiguration", "", "policy.sigstore.dev", mutates(pods_asked_about("/mutations"))),
        Custom("ClusterImagePolicy", "", "clinic-registry", SIGNED, "2026-06-08T07:45:00Z"),
    ]


def application(name: str, namespace: str, managed: str) -> Custom:
    """Declare an application and what it says of the cluster."""
    common = {"name": managed, "namespace": namespace, "status": "Synced", "version": "v1"}
    return Custom(
        "Application",
        "argocd",
        name,
        {
            "spec": {
                "destination": {"namespace": namespace, "server": "https://kubernetes.default.svc"},
                "project": "default",
                "source": {"path": name, "repoURL": "https://git.clinic.example/platform", "targetRevision": "main"},
                "syncPolicy": {"automated": {"prune": True, "selfHeal": False}},
            },
            "status": {
                "health": {"status": "Healthy"},
                "operationState": {"finishedAt": SYNCED_AT, "phase": "Succeeded"},
                "resources": [{"kind": "Service", **common}, {"group": "apps", "kind": "Deployment", **common}],
                "sync": {"revision": "4f2c9d71be0a5c3382f1d06e9ab7c5f013d8e24b", "status": "Synced"},
            },
        },
        "2026-03-04T10:15:00Z",
    )


def routes_asked_about() -> dict[str, Any]:
    """Return the webhook by which the ingress controller judges routes before they are made."""
    rule = {
        "apiGroups": ["networking.k8s.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["ingresses"],
        "scope": "*",
    }
    service = {"name": "ingress-nginx", "namespace": "ingress-nginx", "path": "/networking/v1/ingresses", "port": 443}
    hook = {
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": service},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "name": "validate.nginx.ingress.kubernetes.io",
        "namespaceSelector": {},
        "objectSelector": {},
        "rules": [rule],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }
    return {"webhooks": [hook]}


SIGNED: dict[str, Any] = {
    "spec": {
        "authorities": [{"key": {"hashAlgorithm": "sha256", "kms": "hashivault://release"}, "name": "release"}],
        "images": [{"glob": f"{MIRROR}/**"}],
        "mode": "enforce",
    },
    "status": {"conditions": [{"lastTransitionTime": "2026-06-08T07:45:03Z", "status": "True", "type": "Ready"}]},
}
"""The policy that asks every image of the clinic's own registry for the signature of its release key."""


def mutates(content: dict[str, Any]) -> dict[str, Any]:
    """Return webhooks as the API server keeps those that may change what they are asked about."""
    return {"webhooks": [{**hook, "reinvocationPolicy": "Never"} for hook in content["webhooks"]]}


def pods_asked_about(path: str) -> dict[str, Any]:
    """Return a webhook of policy-controller: one verifies images before their pods are made, one writes digests."""
    rules = [
        {
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
            "scope": "*",
        }
        for group, resources in (
            ("", ["pods", "pods/ephemeralcontainers"]),
            ("apps", ["deployments", "statefulsets", "daemonsets", "replicasets"]),
            ("batch", ["jobs", "cronjobs"]),
        )
    ]
    included = {"key": "policy.sigstore.dev/include", "operator": "In", "values": ["true"]}
    hook = {
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": "webhook", "namespace": "cosign-system", "path": path, "port": 443}},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "name": "policy.sigstore.dev",
        "namespaceSelector": {"matchExpressions": [included]},
        "objectSelector": {},
        "rules": rules,
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }
    return {"webhooks": [hook]}
