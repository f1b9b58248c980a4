"""What runs in pods: containers, their ports, environment and probes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import int_or_text, items, mapping, number, reference, text, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube.facts import EXEC_PROGRAM
from hipaa_kit.kube.images import parse_image
from hipaa_kit.kube.quantities import cores, whole
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.workloads import CONTAINER_PORTS, CONTAINERS, ENVIRONMENT, PROBES

HANDLERS = {"exec": "exec", "httpGet": "http", "tcpSocket": "tcp", "grpc": "grpc"}


def each_container(pod: PodView) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (role, container) of a pod; a name that repeats is left out, as the API refuses it.

    An init container that restarts always is a sidecar.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    seen = set()
    for key, role in (("containers", "main"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")):
        for container in items(pod.spec, key):
            name = text(container, "name")
            if name in seen:
                continue
            seen.add(name)
            sidecar = key == "initContainers" and text(container, "restartPolicy") == "Always"
            yield ("sidecar" if sidecar else role), container


@builds(CONTAINERS, reads=POD_KINDS)
def containers(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per container of each pod, with its resources and what its status says."""
    return pod_rows(CONTAINERS, snapshot, _rows_of_containers)


def _rows_of_containers(pod: PodView) -> Iterator[dict[str, Any]]:
    statuses = _statuses(pod)
    for role, container in each_container(pod):
        status = statuses.get(text(container, "name"), {})
        image = parse_image(text(container, "image"))
        requests, limits = mapping(container, "resources", "requests"), mapping(container, "resources", "limits")
        ended = mapping(status, "state", "terminated") or mapping(status, "lastState", "terminated")
        yield {
            "pod": pod.object,
            "container": text(container, "name"),
            "role": role,
            "image": text(container, "image"),
            "repository": image.repository,
            "tag": image.tag,
            "digest": image.digest or _running_digest(status),
            "request_cpu_cores": _first(cores, requests.get("cpu"), limits.get("cpu")),
            "request_memory_bytes": _first(whole, requests.get("memory"), limits.get("memory")),
            "limit_cpu_cores": cores(limits.get("cpu")),
            "limit_memory_bytes": whole(limits.get("memory")),
            "read_only_root": truth(container, "securityContext", "readOnlyRootFilesystem") is True,
            "ready": truth(status, "ready"),
            "restarts": number(status, "restartCount"),
            "waiting_reason": text(status, "state", "waiting", "reason"),
            "terminated_reason": text(ended, "reason"),
            "terminated_at": text(ended, "finishedAt"),
        }


def _first(read: Any, request: Any, limit: Any) -> Any:
    """Return the request; the API server sets it to the limit where only that is given."""
    asked = read(request)
    return asked if asked is not None else read(limit)


def _statuses(pod: PodView) -> dict[str, Mapping[str, Any]]:
    status = mapping(pod.content, "status")
    keys = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    return {text(each, "name"): each for key in keys for each in items(status, key)}


def _running_digest(status: Mapping[str, Any]) -> str:
    """Return the digest that the node reports for the image it runs."""
    found = re.search(r"sha256:[0-9a-f]{64}", text(status, "imageID"))
    return found[0] if found else ""


@builds(CONTAINER_PORTS, reads=POD_KINDS)
def container_ports(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per port that a container declares."""
    return pod_rows(CONTAINER_PORTS, snapshot, _rows_of_container_ports)


def _rows_of_container_ports(pod: PodView) -> Iterator[dict[str, Any]]:
    for _, container in each_container(pod):
        seen = set()
        for port in items(container, "ports"):
            key = (number(port, "containerPort"), text(port, "protocol", default="TCP"))
            if key[0] is not None and key not in seen:
                seen.add(key)
                yield {
                    "pod": pod.object,
                    "container": text(container, "name"),
                    "port": key[0],
                    "protocol": key[1],
                    "name": text(port, "name"),
                    "host_port": number(port, "hostPort"),
                }


@builds(ENVIRONMENT, reads=POD_KINDS)
def environment(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per environment variable; literals are not among the columns."""
    return pod_rows(ENVIRONMENT, snapshot, _rows_of_environment)


def _rows_of_environment(pod: PodView) -> Iterator[dict[str, Any]]:
    for _, container in each_container(pod):
        rows = {}
        for row in (*_variables(pod, container), *_sources(pod, container)):
            rows[row["name"], row["origin"], row.get("reference", "")] = row
        yield from rows.values()


def _variables(pod: PodView, container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for each in items(container, "env"):
        row = {"pod": pod.object, "container": text(container, "name"), "name": text(each, "name")}
        source = mapping(each, "valueFrom")
        secret, config = mapping(source, "secretKeyRef"), mapping(source, "configMapKeyRef")
        if secret or config:
            kind, found = ("Secret", secret) if secret else ("ConfigMap", config)
            named = reference(kind, pod.namespace, text(found, "name"))
            yield {**row, "origin": kind, "reference": named, "key": text(found, "key")}
        elif "resourceFieldRef" in source:
            yield {**row, "origin": "resource"}
        else:
            yield {**row, "origin": "field" if source else "literal"}


def _sources(pod: PodView, container: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row per whole Secret or ConfigMap that is taken as environment."""
    for each in items(container, "envFrom"):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if name := text(each, field, "name"):
                yield {
                    "pod": pod.object,
                    "container": text(container, "name"),
                    "name": text(each, "prefix"),
                    "origin": kind,
                    "reference": reference(kind, pod.namespace, name),
                }


@builds(PROBES, reads=POD_KINDS, facts=[EXEC_PROGRAM])
def probes(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per probe, with the defaults that the API server would set.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
    """
    return pod_rows(PROBES, snapshot, _rows_of_probes)


def _rows_of_probes(pod: PodView) -> Iterator[dict[str, Any]]:
    for _, container in each_container(pod):
        for kind in ("readiness", "liveness", "startup"):
            probe = mapping(container, f"{kind}Probe")
            if not probe:
                continue
            field = next((name for name in HANDLERS if mapping(probe, name)), "")
            yield {
                "pod": pod.object,
                "container": text(container, "name"),
                "probe": kind,
                "handler": HANDLERS.get(field, "none"),
                "port": int_or_text(probe, field, "port") if field else "",
                "scheme": _scheme(probe) if field == "httpGet" else "",
                "host": text(probe, "httpGet", "host"),
                "program": text(pod.facts, EXEC_PROGRAM, f"{text(container, 'name')}/{kind}Probe"),
                "initial_delay_seconds": number(probe, "initialDelaySeconds") or 0,
                "period_seconds": number(probe, "periodSeconds") or 10,
                "timeout_seconds": number(probe, "timeoutSeconds") or 1,
                "failure_threshold": number(probe, "failureThreshold") or 3,
            }


def _scheme(probe: Mapping[str, Any]) -> str:
    """Return how an HTTP probe asks; the API knows HTTP, the default, and HTTPS alone."""
    return "HTTPS" if text(probe, "httpGet", "scheme").upper() == "HTTPS" else "HTTP"
