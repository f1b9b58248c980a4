"""Small clusters for questions about the network: pods, namespaces and policies in a few words."""

from __future__ import annotations

from typing import Any

import hipaa_kit.inventory.pod_tables  # noqa: F401 - registers the table that ways from outside read
from hipaa_kit.graph.reachability import Reachability
from tests.support.snapshots import objects_of, snapshot_of


def namespace(name: str, **labels: str) -> dict[str, Any]:
    """Return a Namespace; underscores in label keys stand for dashes."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _keys(labels)}}


def _keys(labels: dict[str, str]) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in labels.items()}


def pod(
    object: str,  # noqa: A002
    *,
    ip: str = "",
    ports: str = "",
    host: bool = False,
    node: str = "",
    phase: str = "Running",
    account: str = "default",
    sidecar: str = "",
    init: str = "",
    **labels: str,
) -> dict[str, Any]:
    """Return a Pod `namespace/name`; ports are `name:number/protocol` joined by spaces, addresses by commas."""
    space, _, name = object.partition("/")
    spec: dict[str, Any] = {
        "serviceAccountName": account,
        "containers": [{"name": "main", "image": "x", "ports": _ports(ports)}],
        "initContainers": [],
    }
    if sidecar:
        spec["initContainers"].append({"name": "sidecar", "restartPolicy": "Always", "ports": _ports(sidecar)})
    if init:
        spec["initContainers"].append({"name": "init", "ports": _ports(init)})
    if host:
        spec["hostNetwork"] = True
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space, "labels": _keys(labels)},
        "spec": spec,
        "status": {"phase": phase, "podIPs": [{"ip": each} for each in ip.split(",") if each]},
    }


def _ports(text: str) -> list[dict[str, Any]]:
    found = []
    for each in text.split():
        name, _, rest = each.partition(":")
        number, _, protocol = rest.partition("/")
        found.append({"name": name, "containerPort": int(number), **({"protocol": protocol} if protocol else {})})
    return found


def node(name: str, ip: str = "", **labels: str) -> dict[str, Any]:
    """Return a Node."""
    addresses = [{"type": "InternalIP", "address": each} for each in ip.split(",") if each]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": _keys(labels)},
        "status": {"addresses": addresses},
    }


def reach(*objects: Any, overrides: Any = None, layout: str = "live", **options: str) -> Reachability:
    """Return the reachability of objects, or of YAML with them."""
    held: list[Any] = []
    for each in objects:
        held += objects_of(each) if isinstance(each, str) else each if isinstance(each, list) else [each]
    return Reachability.of(snapshot_of(held, overrides=overrides, layout=layout), **options)


def short(name: str) -> str:
    """Return the full name of an end: `a/web` is a pod."""
    plain = name == "internet" or name.count("/") != 1 or name[0].isdigit() or ":" in name
    return name if plain else f"Pod/{name}"


def verdicts(found: Reachability, lines: str) -> dict[str, str]:
    """Return the verdict of each question: one a line, `source destination protocol port`."""
    told = {}
    for line in lines.strip().splitlines():
        source, destination, protocol, port = line.split()[:4]
        told[" ".join(line.split()[:4])] = found.allowed(short(source), short(destination), protocol, int(port))
    return told


def expected(lines: str) -> dict[str, str]:
    """Return the verdict that stands behind each question."""
    return {" ".join(line.split()[:4]): line.split()[4] for line in lines.strip().splitlines()}
