"""Tables of cases: cluster, question, answer, and where the answer is written.

Each YAML document of a table is one cluster::

    title: what it shows
    source: where that is written
    options: fields of `Options` that differ from the default
    namespaces: {name: {labels}}
    nodes: {name: {labels, address}}
    pods: {namespace/name: {labels, ip, ports, host, node, phase, account, mesh}}
    policies: [raw objects]
    asks: [[source, destination, port, protocol, answer]]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.support.network_oracle.model import Object, Options

FOLDER = Path(__file__).parent
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Case:
    """One question to one cluster."""

    id: str
    source: str
    cluster: Object
    options: Options
    question: tuple[str, str, int, str]
    answer: str


@cache
def cases() -> tuple[Case, ...]:
    """Return every case of every table."""
    return tuple(_read())


def _read() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.load_all(path.read_text(), Loader=LOADER):
            cluster, options = _cluster(document), Options(**(document.get("options") or {}))
            for number, (*question, answer) in enumerate(document["asks"], start=1):
                title = f"{path.stem}: {document['title']} {number}"
                yield Case(title, document["source"], cluster, options, tuple(question), answer)


def _cluster(document: Object) -> Object:
    pods = [_pod(key, number, each or {}) for number, (key, each) in enumerate((document.get("pods") or {}).items(), 1)]
    labelled = dict(document.get("namespaces") or {})
    for pod in pods:
        labelled.setdefault(pod["metadata"]["namespace"], {})
    return {
        "namespaces": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key, "labels": labels or {}}}
            for key, labels in labelled.items()
            if labels != "unseen"
        ],
        "nodes": [_node(key, each) for key, each in (document.get("nodes") or {}).items()],
        "serviceaccounts": [_account(key, each) for key, each in (document.get("accounts") or {}).items()],
        "pods": pods,
        "policies": document.get("policies") or [],
    }


def _pod(key: str, number: int, each: Object) -> Object:
    namespace, _, name = key.partition("/")
    containers: list[Object] = [{"name": "c", "image": "i", "ports": each.get("ports") or []}]
    if each.get("mesh"):
        containers.append({"name": "istio-proxy", "image": "proxy"})
    spec: Object = {"containers": containers, "initContainers": each.get("init") or []}
    spec |= {"nodeName": each["node"]} if "node" in each else {}
    spec |= {"hostNetwork": True} if each.get("host") else {}
    spec |= {"serviceAccountName": each["account"]} if "account" in each else {}
    ips = each.get("ip", f"10.0.0.{number}")
    ips = ips if isinstance(ips, list) else [ips]
    status = {"phase": each.get("phase", "Running")}
    status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]} if ips[0] else {}
    metadata = {"name": name, "namespace": namespace, "labels": each.get("labels") or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _node(key: str, each: Object) -> Object:
    metadata = {"name": key, "labels": each.get("labels") or {}}
    addresses = [{"type": "InternalIP", "address": each["address"]}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"addresses": addresses}}


def _account(key: str, labels: Object | None) -> Object:
    namespace, _, name = key.partition("/")
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
