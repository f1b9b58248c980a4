"""Services, what stands behind them, the routes in front of them, and the policies around pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import int_or_text, items, mapping, number, reference, text, texts, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.selection import pod_index
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.addresses import Block, parse_addresses
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.selectors import NOTHING, Selector, SelectorError, label_selector, map_selector
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.network import (
    ENDPOINTS,
    INGRESS_ROUTES,
    NETWORK_POLICIES,
    POLICY_PODS,
    SERVICE_BACKENDS,
    SERVICE_PORTS,
    SERVICE_TARGETS,
    SERVICES,
)

SERVICE_NAME = "kubernetes.io/service-name"
_IN_CLUSTER = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(?:\.[a-z0-9.-]*)?", re.ASCII)
"""Name of a Service as the cluster's DNS has it; its domain is a setting of the nodes, mostly `cluster.local`.

Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""


@builds(SERVICES, reads=[kinds.SERVICE])
def services(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Service.

    One of type ExternalName is a CNAME: what stands behind the name is asked in its place, by whoever sends to it.
    Source: https://kubernetes.io/docs/concepts/services-networking/service/#externalname
    """
    there = {record.object for record in snapshot.records(kinds.SERVICE)}
    for record in snapshot.records(kinds.SERVICE):
        spec = mapping(record.content, "spec")
        named = _IN_CLUSTER.fullmatch(text(spec, "externalName").lower())
        target = reference("Service", named["namespace"], named["name"]) if named else ""
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "type": text(spec, "type", default="ClusterIP"),
            "headless": text(spec, "clusterIP") == "None",
            "selects": bool(mapping(spec, "selector")) and text(spec, "type") != "ExternalName",
            "external_name": text(spec, "externalName"),
            "stands_for": target if target in there and text(spec, "type") == "ExternalName" else "",
            "publish_not_ready": truth(spec, "publishNotReadyAddresses") or False,
        }


def cluster_addresses(service: Record) -> tuple[Block, ...]:
    """Return the addresses that a Service has within the cluster."""
    given = (*texts(service.content, "spec", "clusterIPs"), text(service.content, "spec", "clusterIP"))
    return parse_addresses(given)


def followed(services: pd.DataFrame) -> dict[str, str]:
    """Return for each Service that stands for another one the Service at the end; a circle leads nowhere."""
    after = {name: target for name, target in zip(services["object"], services["stands_for"], strict=True) if target}
    found = {}
    for name in after:
        seen, here = {name}, after[name]
        while here in after and here not in seen:
            seen.add(here)
            here = after[here]
        if here not in after:
            found[name] = here
    return found


def _ports(record: Record) -> dict[tuple[int, str], Mapping[str, Any]]:
    """Return the ports of a Service by number and protocol; the API refuses repeats."""
    found: dict[tuple[int, str], Mapping[str, Any]] = {}
    for port in items(record.content, "spec", "ports"):
        if (opened := number(port, "port")) is not None:
            found.setdefault((opened, text(port, "protocol", default="TCP")), port)
    return found


@builds(SERVICE_PORTS, reads=[kinds.SERVICE])
def service_ports(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per port of each Service; a target that is not written is the port itself."""
    for record in snapshot.records(kinds.SERVICE):
        for (opened, protocol), port in _ports(record).items():
            yield {
                "service": record.object,
                "port": opened,
                "protocol": protocol,
                "name": text(port, "name"),
                "app_protocol": text(port, "appProtocol"),
                "target_port": int_or_text(port, "targetPort") or str(opened),
                "node_port": number(port, "nodePort"),
            }


@builds(SERVICE_BACKENDS, reads=[kinds.SERVICE, *POD_KINDS])
def service_backends(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per pod that a Service's selector selects, ready or not."""
    for record, pods in _selected(snapshot):
        for pod in pods:
            yield {"service": record.object, "pod": pod.object}


def _selected(snapshot: Snapshot) -> Iterator[tuple[Record, list[PodView]]]:
    index = pod_index(snapshot)
    for record in snapshot.records(kinds.SERVICE):
        if text(record.content, "spec", "type") != "ExternalName":
            yield record, index.selected(record.namespace, _service_selector(record))


def _service_selector(record: Record) -> Selector:
    try:
        return map_selector(mapping(record.content, "spec").get("selector"))
    except SelectorError:
        return NOTHING


@builds(SERVICE_TARGETS, reads=[kinds.SERVICE, *POD_KINDS])
def service_targets(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per container port that a Service's port leads to.

    A named target is looked up in each pod on its own: replicas may give one name to several numbers.
    Source: https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """
    for record, pods in _selected(snapshot):
        for (opened, protocol), port in _ports(record).items():
            target = int_or_text(port, "targetPort") or str(opened)
            for pod in pods:
                found = _resolved(pod, target, protocol)
                if found is not None:
                    container, resolved = found
                    yield {
                        "service": record.object,
                        "port": opened,
                        "protocol": protocol,
                        "pod": pod.object,
                        "target_port": resolved,
                        "container": container,
                    }


def _resolved(pod: PodView, target: str, protocol: str) -> tuple[str, int] | None:
    """Return container and number of a target port; no container where none declares the number."""
    for role, container in each_container(pod):
        if role in ("init", "ephemeral"):
            continue
        for port in items(container, "ports"):
            opened = number(port, "containerPort")
            same = target in (text(port, "name"), str(opened))
            if opened is not None and same and text(port, "protocol", default="TCP") == protocol:
                return text(container, "name"), opened
    return ("", int(target)) if target.isdecimal() else None


@builds(ENDPOINTS, reads=[kinds.ENDPOINT_SLICE])
def endpoints(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per address that an EndpointSlice holds for a Service.

    Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/: a condition that is
    not there counts as ready.
    """
    for record in snapshot.records(kinds.ENDPOINT_SLICE):
        service = text(record.content, "metadata", "labels", SERVICE_NAME)
        if not service:
            continue
        rows = {}
        for endpoint in items(record.content, "endpoints"):
            target = mapping(endpoint, "targetRef")
            for address in texts(endpoint, "addresses"):
                rows[address] = {
                    "service": object_id("Service", record.namespace, service),
                    "slice": record.object,
                    "address": address,
                    "target": reference(text(target, "kind"), text(target, "namespace"), text(target, "name")),
                    "ready": truth(endpoint, "conditions", "ready"),
                    "serving": truth(endpoint, "conditions", "serving"),
                    "terminating": truth(endpoint, "conditions", "terminating"),
                    "node": text(endpoint, "nodeName"),
                    "zone": text(endpoint, "zone"),
                }
        yield from rows.values()


@builds(INGRESS_ROUTES, reads=[kinds.INGRESS])
def ingress_routes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per path that an Ingress sends to a backend, and one for its default backend."""
    for record in snapshot.records(kinds.INGRESS):
        spec = mapping(record.content, "spec")
        annotated = text(record.content, "metadata", "annotations", "kubernetes.io/ingress.class")
        about = {
            "object": record.object,
            "namespace": record.namespace,
            "ingress_class": text(spec, "ingressClassName") or annotated,
        }
        rows = {}
        default = mapping(spec, "defaultBackend") or mapping(spec, "backend")
        routes = [("", "", "", default)] if default else []
        routes += [
            (text(rule, "host"), text(path, "path") or "/", text(path, "pathType"), mapping(path, "backend"))
            for rule in items(spec, "rules")
            for path in items(rule, "http", "paths")
        ]
        for host, path, path_type, backend in routes:
            service, port = _backend(backend)
            row = {
                **about,
                "host": host,
                "path": path,
                "path_type": path_type,
                "service": reference("Service", record.namespace, service),
                "service_port": port,
                **_tls(spec, record.namespace, host),
            }
            rows[host, path, service] = row
        yield from rows.values()


def _backend(backend: Mapping[str, Any]) -> tuple[str, str]:
    """Return service and port of a backend, in today's form or that before networking.k8s.io/v1."""
    service = mapping(backend, "service")
    if service:
        return text(service, "name"), int_or_text(service, "port", "number") or text(service, "port", "name")
    return text(backend, "serviceName"), int_or_text(backend, "servicePort")


def _tls(spec: Mapping[str, Any], namespace: str, host: str) -> dict[str, Any]:
    """Return whether a TLS entry covers a host, and its Secret.

    An entry without hosts stands for every host; `*.example` covers one label.
    Source: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
    """
    for entry in items(spec, "tls"):
        hosts = texts(entry, "hosts")
        wildcard = f"*.{host.partition('.')[2]}" if "." in host else host
        if not hosts or (host and (host in hosts or wildcard in hosts)):
            return {"tls": True, "tls_secret": reference("Secret", namespace, text(entry, "secretName"))}
    return {"tls": False, "tls_secret": ""}


@builds(NETWORK_POLICIES, reads=[kinds.NETWORK_POLICY])
def network_policies(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per NetworkPolicy.

    Without `policyTypes` a policy isolates for ingress always, for egress where it has egress rules.
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource
    """
    for record in snapshot.records(kinds.NETWORK_POLICY):
        spec = mapping(record.content, "spec")
        ingress, egress = items(spec, "ingress"), items(spec, "egress")
        types = texts(spec, "policyTypes") or ["Ingress", *(["Egress"] if egress else [])]
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "name": record.name,
            "isolates_ingress": "Ingress" in types,
            "isolates_egress": "Egress" in types,
            "ingress_rules": len(ingress),
            "egress_rules": len(egress),
        }


@builds(POLICY_PODS, reads=[kinds.NETWORK_POLICY, *POD_KINDS])
def policy_pods(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per pod that a NetworkPolicy selects; an empty selector selects its whole namespace."""
    index = pod_index(snapshot)
    for record in snapshot.records(kinds.NETWORK_POLICY):
        try:
            selector = label_selector(mapping(record.content, "spec").get("podSelector") or {})
        except SelectorError:
            continue
        for pod in index.selected(record.namespace, selector):
            yield {"policy": record.object, "pod": pod.object}
