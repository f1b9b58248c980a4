"""Clusters of any size, the same every time: pods as an API server lists them, and the clinic's own pods.

A pod is about 9 kB, of which managed fields are two fifths. Those of one workload share what their template
says; names, uids, addresses, moments, nodes, container ids and the name of the token's volume are their own.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import yaml

from hipaa_kit.resources import shipped
from hipaa_kit.sources.documents.yaml_documents import LenientLoader

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
OWN = ("NAME", "UID", "VERSION", "MADE", "BOUND", "READY", "NODE", "HOST", "ADDRESS", "TOKEN", "ORDINAL")
"""What a pod does not share with the others of its workload; stands in the text of the workload as `@NAME@`."""


def clinic_pods(count: int) -> list[dict[str, Any]]:
    """Return so many pods of the clinic in namespaces of a hundred each."""
    path = shipped("data") / "clinic" / "objects" / "pods.yaml"
    models = yaml.load(path.read_text(encoding="utf-8"), Loader=LenientLoader)["items"]
    made = []
    for number in range(count):
        pod = copy.deepcopy(models[number % len(models)])
        pod["metadata"].update(name=f"pod-{number}", namespace=f"ns-{number // 100}", uid=f"uid-{number}")
        made.append({"apiVersion": "v1", "kind": "Pod", **pod})
    return made


def pages(count: int, page: int = 500, seed: int = 1) -> Iterator[bytes]:
    """Yield so many pods as an API server answers a list: compact, in pages, items without their kind."""
    texts = pod_texts(count, seed)
    for start in range(0, count, page):
        items = ",".join(next(texts) for _ in range(min(page, count - start)))
        more = "" if start + page >= count else f'"continue":"page-{start + page}",'
        head = f'{{"kind":"PodList","apiVersion":"v1","metadata":{{{more}"resourceVersion":"90000000"}},'
        yield f'{head}"items":[{items}]}}\n'.encode()


def pod_texts(count: int, seed: int = 1) -> Iterator[str]:
    """Yield so many pods as compact JSON; one in twenty of the workloads is new for every fifty pods."""
    chance = random.Random(seed)
    models = [_Workload(number, chance) for number in range(max(count // 40, 4))]
    weights = [1 / (1 + number / 8) for number in range(len(models))]
    for number, model in enumerate(chance.choices(models, weights, k=count)):
        yield model.pod(number, chance)


class _Workload:
    """A workload and the text of its pods."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.kind = chance.choices(["ReplicaSet", "DaemonSet", "StatefulSet", "Job"], [75, 8, 12, 5])[0]
        self.name = f"{chance.choice(['api', 'web', 'worker', 'db', 'cache', 'agent'])}-{number}"
        self.namespace = f"team-{number % 60}"
        self.hash = _letters(chance, 10)
        self.ids = 0
        self.made = 0
        self.text = json.dumps(self._pod(chance), separators=(",", ":"))

    def pod(self, number: int, chance: random.Random) -> str:
        """Return the next pod."""
        at = f"2026-11-{1 + number % 24:02}T{number % 23:02}:{number % 60:02}"
        node = number % 1500
        own = {
            "NAME": f"{self.name}-{self.made}" if self.kind == "StatefulSet" else self._prefix() + _letters(chance, 5),
            "UID": _uid(chance),
            "VERSION": str(80_000_000 + number),
            "MADE": f"{at}:01Z",
            "BOUND": f"{at}:02Z",
            "READY": f"{at}:{10 + number % 50}Z",
            "NODE": f"ip-10-40-{node // 250}-{node % 250}.eu-central-1.compute.internal",
            "HOST": f"10.40.{node // 250}.{node % 250}",
            "ADDRESS": f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250}",
            "TOKEN": _letters(chance, 5),
            "ORDINAL": str(self.made),
        }
        self.made += 1
        text = self.text
        for name in OWN:
            text = text.replace(f"@{name}@", own[name])
        for position in range(self.ids):
            text = text.replace(f"@ID{position}@", f"{chance.getrandbits(256):064x}")
        return text

    def _prefix(self) -> str:
        return f"{self.name}-{self.hash}-" if self.kind == "ReplicaSet" else f"{self.name}-"

    def _pod(self, chance: random.Random) -> dict[str, Any]:
        names = [self.name, "istio-proxy", "metrics"][: chance.choices([1, 2, 3], [85, 13, 2])[0]]
        containers = [self._container(name, chance) for name in names]
        init = [self._container("migrate", chance)] if chance.random() < 0.15 else []
        labels = {"app.kubernetes.io/name": self.name, "app.kubernetes.io/part-of": self.namespace, "tier": "backend"}
        extra = {
            "ReplicaSet": {"pod-template-hash": self.hash},
            "StatefulSet": {"apps.kubernetes.io/pod-index": "@ORDINAL@"},
        }
        owner = self.name if self.kind != "ReplicaSet" else f"{self.name}-{self.hash}"
        metadata: dict[str, Any] = {"name": "@NAME@"}
        if self.kind != "StatefulSet":
            metadata["generateName"] = self._prefix()
        metadata |= {
            "namespace": self.namespace,
            "uid": "@UID@",
            "resourceVersion": "@VERSION@",
            "creationTimestamp": "@MADE@",
            "labels": labels | extra.get(self.kind, {}),
            "annotations": {"prometheus.io/scrape": "true", "checksum/config": f"{chance.getrandbits(256):064x}"},
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1" if self.kind == "Job" else "apps/v1",
                    "kind": self.kind,
                    "name": owner,
                    "uid": _uid(chance),
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        }
        spec = self._spec(init, containers, chance)
        status = self._status(init, containers)
        declared = {key: value for key, value in spec.items() if key not in ("volumes", "affinity", "initContainers")}
        metadata["managedFields"] = [
            _managed("kube-controller-manager", "@MADE@", {"metadata": metadata, "spec": declared}),
            _managed("kubelet", "@READY@", {"status": status}, subresource="status"),
        ]
        return {"metadata": metadata, "spec": spec, "status": status}

    def _spec(self, init: list[Any], containers: list[Any], chance: random.Random) -> dict[str, Any]:
        volumes: list[dict[str, Any]] = [
            {"name": "config", "configMap": {"name": f"{self.name}-config", "defaultMode": 420}},
            {"name": "tls", "secret": {"secretName": f"{self.name}-tls", "defaultMode": 420}},
            {"name": "tmp", "emptyDir": {}},
        ]
        if self.kind == "StatefulSet":
            volumes.insert(0, {"name": "data", "persistentVolumeClaim": {"claimName": "data-@NAME@"}})
        volumes.append({"name": "kube-api-access-@TOKEN@", "projected": _TOKEN_VOLUME})
        spec: dict[str, Any] = {
            "volumes": volumes,
            **({"initContainers": init} if init else {}),
            "containers": containers,
            "restartPolicy": "Never" if self.kind == "Job" else "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": self.name,
            "serviceAccount": self.name,
            "nodeName": "@NODE@",
            "securityContext": {"runAsNonRoot": True, "fsGroup": 2000, "seccompProfile": {"type": "RuntimeDefault"}},
            "imagePullSecrets": [{"name": "registry"}],
        }
        if self.kind == "StatefulSet":
            spec |= {"hostname": "@NAME@", "subdomain": self.name}
        if self.kind == "DaemonSet":
            spec["affinity"] = _pinned("@NODE@")
        elif chance.random() < 0.5:
            spec["affinity"] = _apart(self.name)
        spec |= {"schedulerName": "default-scheduler", "tolerations": _TOLERATIONS, "priority": 0}
        spec |= {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}
        if self.kind == "ReplicaSet" and chance.random() < 0.4:
            spec["topologySpreadConstraints"] = [_spread(self.name)]
        return spec

    def _container(self, name: str, chance: random.Random) -> dict[str, Any]:
        port = 8000 + len(name)
        probe = {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "timeoutSeconds": 1}
        probe |= {"periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
        env: list[dict[str, Any]] = [
            {"name": f"{self.name}_{name}_SETTING_{n}".upper().replace("-", "_"), "value": f"value {n} of {self.name}"}
            for n in range(chance.randint(0, 3))
        ]
        env.append({"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}})
        secret = {"name": f"{self.name}-db", "key": "password"}
        env.append({"name": "DATABASE_PASSWORD", "valueFrom": {"secretKeyRef": secret}})
        mounts = [
            {"name": "config", "readOnly": True, "mountPath": "/etc/app"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "kube-api-access-@TOKEN@", "readOnly": True, "mountPath": _TOKEN_PATH},
        ]
        return {
            "name": name,
            "image": f"registry.example/{self.namespace}/{name}:1.{chance.randint(0, 40)}.{chance.randint(0, 9)}",
            "args": [f"--listen=:{port}", "--log-format=json", f"--cluster={self.namespace}"],
            "ports": [
                {"name": "http", "containerPort": port, "protocol": "TCP"},
                {"name": "metrics", "containerPort": port + 1, "protocol": "TCP"},
            ],
            "env": env,
            "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "volumeMounts": mounts,
            "livenessProbe": {**probe, "initialDelaySeconds": 15},
            "readinessProbe": probe,
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
        }

    def _status(self, init: list[Any], containers: list[Any]) -> dict[str, Any]:
        moments = {"PodReadyToStartContainers": "READY", "Initialized": "BOUND", "Ready": "READY"}
        moments |= {"ContainersReady": "READY", "PodScheduled": "MADE"}
        conditions = [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": f"@{moment}@"}
            for kind, moment in moments.items()
        ]
        status: dict[str, Any] = {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "@HOST@",
            "hostIPs": [{"ip": "@HOST@"}],
            "podIP": "@ADDRESS@",
            "podIPs": [{"ip": "@ADDRESS@"}],
            "startTime": "@MADE@",
        }
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": "@BOUND@", "finishedAt": "@READY@"}
        if init:
            status["initContainerStatuses"] = [self._ran(each, ended) for each in init]
        status["containerStatuses"] = [self._ran(each, None) for each in containers]
        status["qosClass"] = "Burstable"
        return status

    def _ran(self, container: dict[str, Any], ended: dict[str, Any] | None) -> dict[str, Any]:
        made = f"containerd://@ID{self.ids}@"
        self.ids += 1
        image = container["image"]
        digest = f"{random.Random(image).getrandbits(256):064x}"
        return {
            "name": container["name"],
            "state": {"terminated": {**ended, "containerID": made}} if ended else {"running": {"startedAt": "@READY@"}},
            "lastState": {},
            "ready": True,
            "restartCount": 0,
            "image": image,
            "imageID": f"{image.rpartition(':')[0]}@sha256:{digest}",
            "containerID": made,
            "started": ended is None,
            "volumeMounts": [
                {"name": each["name"], "mountPath": each["mountPath"]}
                | ({"readOnly": True, "recursiveReadOnly": "Disabled"} if each.get("readOnly") else {})
                for each in container["volumeMounts"]
            ],
        }


_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_VOLUME = {
    "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
            }
        },
    ],
    "defaultMode": 420,
}
_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for what in ("not-ready", "unreachable")
]


def _apart(name: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}}, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _pinned(node: str) -> dict[str, Any]:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _spread(name: str) -> dict[str, Any]:
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    zone = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    return {**zone, "labelSelector": selector}


def _managed(manager: str, time: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1"}
    return {**entry, "fieldsV1": _owned(fields), **more}


def _owned(value: Any) -> dict[str, Any]:
    """Return the fields of a value as a server writes who owns them."""
    owned: dict[str, Any] = {}
    if isinstance(value, dict):
        owned = {f"f:{key}": _owned(inner) for key, inner in value.items()}
    elif isinstance(value, list):
        for item in value:
            name = item.get("name") or item.get("type") or item.get("ip") if isinstance(item, dict) else None
            if name:
                owned[f"k:{json.dumps({'name': name}, separators=(',', ':'))}"] = {".": {}, **_owned(item)}
    return owned


def _letters(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(LETTERS, k=count))


def _uid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
