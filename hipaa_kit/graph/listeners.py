"""Entries for requests: what ends TLS on each of their listeners, and what becomes of requests without it.

Source: https://gateway-api.sigs.k8s.io/reference/spec/, https://istio.io/latest/docs/reference/config/networking/gateway/,
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/ingress_and_load_balancing/routes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.graph.ingress_tls import (
    ALB,
    ALB_CONTROLLER,
    CONTROLLER_OF_CLASS,
    FRONTEND,
    GCE_CONTROLLER,
    GCE_MARK,
    GROUP_NAME,
    Group,
    ended,
)
from hipaa_kit.graph.reachability.routes import GATEWAY, backends, certificates_of, may_attach, taken
from hipaa_kit.inventory.fields import items, mapping, number, reference, string_map, text, texts, truth
from hipaa_kit.inventory.network import followed
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.selection import pod_index
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.selectors import map_selector
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import ENTRY_LISTENERS

FRONTEND_CONFIG = custom("networking.gke.io", "FrontendConfig")
GATEWAY_KIND = custom("gateway.networking.k8s.io", "Gateway")
BACKEND_TLS_POLICY = custom("gateway.networking.k8s.io", "BackendTLSPolicy")
ROUTE = custom("route.openshift.io", "Route")
VIRTUAL_SERVICE = custom("networking.istio.io", "VirtualService")

Row = dict[str, Any]

ROUTES = tuple(custom(GATEWAY, kind) for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"))
LISTENER_SETS = (custom(GATEWAY, "ListenerSet"), custom("gateway.networking.x-k8s.io", "XListenerSet"))
ISTIO_GATEWAY = custom("networking.istio.io", "Gateway")

READS = (
    kinds.INGRESS,
    kinds.INGRESS_CLASS,
    FRONTEND_CONFIG,
    GATEWAY_KIND,
    BACKEND_TLS_POLICY,
    *ROUTES,
    *LISTENER_SETS,
    ROUTE,
    ISTIO_GATEWAY,
    VIRTUAL_SERVICE,
)

USE_ANNOTATION = "use-annotation"
"""Port of a backend that stands for an action in the annotations of an Ingress of AWS.

Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#actions
"""
HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
ROUTE_TLS = {"edge": "terminated", "passthrough": "passthrough", "reencrypt": "reencrypted"}
ANYWHERE = "*"
"""Stands for a namespace that is not known."""

INSECURE = {"Redirect": "redirected", "Allow": "served", "None": "closed", "": "closed"}


@builds(ENTRY_LISTENERS, reads=READS, also=POD_KINDS)
def entry_listeners(snapshot: Snapshot, ingress_routes: pd.DataFrame, services: pd.DataFrame) -> Iterator[Row]:
    """Yield a row per host, listener and Service of every entry; of equal ones, the first.

    A Service that stands for another one by its external name is followed to that.
    """
    ends = followed(services)
    rows: dict[tuple[Any, ...], Row] = {}
    for row in (
        *_ingresses(snapshot, ingress_routes),
        *_gateways(snapshot),
        *_istio(snapshot),
        *_routes(snapshot),
    ):
        led = {**row, "service": ends.get(row["service"], row["service"])}
        rows.setdefault(tuple(led.get(name, "") for name in ENTRY_LISTENERS.key), led)
    yield from rows.values()


def _ingresses(snapshot: Snapshot, ingress_routes: pd.DataFrame) -> Iterator[Row]:
    records = {record.object: record for record in snapshot.records(kinds.INGRESS)}
    frontends = {
        (record.namespace, record.name): truth(record.content, "spec", "redirectToHttps", "enabled") or False
        for record in snapshot.records(FRONTEND_CONFIG)
    }
    served = _controllers(snapshot, ingress_routes)
    groups = _load_balancers(snapshot, ingress_routes, served)
    for row in rows_of(ingress_routes):
        notes = mapping(records[row["object"]].content, "metadata", "annotations")
        controller, parameters = served[row["object"]]
        found = ended(
            controller,
            notes,
            named=bool(row["tls"]),
            redirects=frontends.get((row["namespace"], text(notes, FRONTEND))),
            parameters=parameters,
            group=groups[text(notes, GROUP_NAME) or row["object"]],
        )
        yield {
            "object": row["object"],
            "family": "ingress",
            "namespace": row["namespace"],
            "host": row["host"],
            "service": row["service"],
            "controller": controller,
            "certificates": row["tls_secret"],
            **found._asdict(),
        }


def _controllers(snapshot: Snapshot, ingress_routes: pd.DataFrame) -> dict[str, tuple[str, bool]]:
    """Return the controller of each Ingress that leads anywhere, and whether its class has parameters."""
    classes = {record.name: record for record in snapshot.records(kinds.INGRESS_CLASS)}
    marked = "ingressclass.kubernetes.io/is-default-class"
    default = next((n for n, r in classes.items() if text(r.content, "metadata", "annotations", marked) == "true"), "")
    notes = {
        record.object: mapping(record.content, "metadata", "annotations") for record in snapshot.records(kinds.INGRESS)
    }
    found = {}
    for ingress, given in ingress_routes[["object", "ingress_class"]].itertuples(index=False):
        name = given or default
        held = classes.get(name)
        controller = text(held.content, "spec", "controller") if held else CONTROLLER_OF_CLASS.get(name, "")
        if not name and text(notes[ingress], GCE_MARK):
            controller = GCE_CONTROLLER
        found[ingress] = controller, held is not None and bool(mapping(held.content, "spec", "parameters"))
    return found


def _load_balancers(
    snapshot: Snapshot, ingress_routes: pd.DataFrame, served: Mapping[str, tuple[str, bool]]
) -> dict[str, Group]:
    """Return what the Ingresses of each group of AWS say together, and what each says that names no group.

    Parameters of a class may name a group for all of its Ingresses, and are not read.
    """
    seen = all(snapshot.coverage.answer(kind).complete for kind in (kinds.INGRESS, kinds.INGRESS_CLASS))
    seen = seen and (ALB_CONTROLLER, True) not in served.values()
    acting = set(ingress_routes.loc[ingress_routes["service_port"] == USE_ANNOTATION, "object"])
    found: dict[str, Group] = {}
    for record in snapshot.records(kinds.INGRESS):
        notes = mapping(record.content, "metadata", "annotations")
        name = text(notes, GROUP_NAME) or record.object
        before = found.get(name, Group(whole=seen))
        mine = served.get(record.object, ("", False))[0] == ALB_CONTROLLER
        found[name] = Group(
            before.whole and mine,
            before.redirects or (mine and bool(text(notes, f"{ALB}ssl-redirect"))),
            before.acts or record.object in acting,
        )
    return found


def _gateways(snapshot: Snapshot) -> Iterator[Row]:
    """Yield a row per listener, route and Service behind it; a route that only redirects leads to no Service."""
    holders = [(record, record) for record in snapshot.records(GATEWAY_KIND)]
    gateways = {(record.namespace, record.name): record for record, _ in holders}
    for kind in LISTENER_SETS:
        for record in snapshot.records(kind):
            parent = mapping(record.content, "spec", "parentRef")
            gateway = gateways.get((text(parent, "namespace") or record.namespace, text(parent, "name")))
            if gateway is not None:
                holders.append((record, gateway))
    policies = _backend_policies(snapshot)
    routes = [record for kind in ROUTES for record in snapshot.records(kind)]
    for holder, gateway in holders:
        for route in routes:
            for listener in _attached(route, holder):
                yield from _listened(holder, gateway, listener, route, policies)


def _attached(route: Record, holder: Record) -> Iterator[Mapping[str, Any]]:
    """Yield the listeners of a Gateway or ListenerSet that a route is attached to."""
    for parent in items(route.content, "spec", "parentRefs"):
        kind, place = text(parent, "kind", default="Gateway"), text(parent, "namespace") or route.namespace
        if (kind, place, text(parent, "name")) != (holder.kind, holder.namespace, holder.name):
            continue
        for listener in items(holder.content, "spec", "listeners"):
            named = text(parent, "sectionName") in ("", text(listener, "name"))
            port = number(parent, "port") in (None, number(listener, "port"))
            if named and port and taken(route, holder) and may_attach(route, holder, listener):
                yield listener


def _listened(
    holder: Record, gateway: Record, listener: Mapping[str, Any], route: Record, policies: set[tuple[str, str]]
) -> Iterator[Row]:
    protocol = text(listener, "protocol")
    passes = text(listener, "tls", "mode", default="Terminate") == "Passthrough"
    asked = texts(route.content, "spec", "hostnames") or [""]
    hosts = [host for each in asked if (host := _common(text(listener, "hostname"), each)) is not None]
    for host in hosts:
        for backend in backends(route):
            space = text(backend, "namespace") or route.namespace
            tls = {"HTTPS": "terminated", "TLS": "passthrough" if passes else "terminated", "HTTP": "none"}.get(
                protocol, "unknown"
            )
            if tls == "terminated" and (space, text(backend, "name")) in policies:
                tls = "reencrypted"
            plain = {"none": "served", "unknown": "unknown"}.get(tls, "closed")
            yield {
                "object": holder.object,
                "family": "gateway",
                "namespace": holder.namespace,
                "listener": text(listener, "name"),
                "route": route.object,
                "host": host,
                "service": object_id("Service", space, text(backend, "name")),
                "controller": text(gateway.content, "spec", "gatewayClassName"),
                "protocol": protocol,
                "tls": tls,
                "certificates": " ".join(certificates_of(holder, listener)),
                "plain": plain,
                "basis": f"listener {text(listener, 'name')} speaks {protocol}{' and passes TLS on' if passes else ''}",
            }


def _common(listener: str, asked: str) -> str | None:
    """Return the host that a listener and a route have in common; None where they have none.

    `*.` stands for one or more labels before the rest.
    """
    if not listener or not asked or listener == asked:
        return asked or listener
    for wide, narrow in ((listener, asked), (asked, listener)):
        if wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]):
            return narrow
    return None


def _backend_policies(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return (namespace, name) of the Services to which gateways speak TLS."""
    return {
        (record.namespace, text(target, "name"))
        for record in snapshot.records(BACKEND_TLS_POLICY)
        for target in items(record.content, "spec", "targetRefs")
        if text(target, "kind") == "Service"
    }


def _istio(snapshot: Snapshot) -> Iterator[Row]:
    """Yield a row per server of an Istio Gateway and Service of a VirtualService that is bound to it."""
    gateways = {f"{record.namespace}/{record.name}": record for record in snapshot.records(ISTIO_GATEWAY)}
    homes = {gateway.object: _homes(gateway, snapshot) for gateway in gateways.values()}
    held = {(record.namespace, record.name): record for record in snapshot.records(VIRTUAL_SERVICE)}
    for route in held.values():
        leading = [route, *_delegates(route, held)]
        services = sorted({_service_of(host, each.namespace) for each in leading for host in _destinations(each)})
        for name in texts(route.content, "spec", "gateways"):
            gateway = gateways.get(name if "/" in name else f"{route.namespace}/{name}")
            if gateway is None:
                continue
            for server in items(gateway.content, "spec", "servers"):
                certificates = " ".join(_credentials(server, homes[gateway.object]))
                opened = {each.rpartition("/")[2] for each in texts(server, "hosts")}
                for asked in texts(route.content, "spec", "hosts"):
                    hosts = {_common("" if each == "*" else each, "" if asked == "*" else asked) for each in opened}
                    for host in sorted(each for each in hosts if each is not None):
                        for service in services:
                            yield {**_served(gateway, server, route, host, service), "certificates": certificates}


def _homes(gateway: Record, snapshot: Snapshot) -> list[str]:
    """Return the namespaces of the pods that serve a Gateway, and `*` where there may be more.

    Its labels select pods of any namespace, and these take certificates from Secrets of their own.
    Source: https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway,
    https://istio.io/latest/docs/ops/integrations/certmanager/#istio-gateway
    """
    pods, selector = pod_index(snapshot), map_selector(string_map(gateway.content, "spec", "selector"))
    found = [namespace for namespace in pods.namespaces() if pods.selected(namespace, selector)]
    return found if found and snapshot.coverage.answer(kinds.POD).complete else [*found, ANYWHERE]


def _credentials(server: Mapping[str, Any], namespaces: Iterable[str]) -> list[str]:
    """Return the Secrets that a server may take its certificates from."""
    names = [text(server, "tls", "credentialName"), *texts(mapping(server, "tls"), "credentialNames")]
    return [reference("Secret", namespace, name) for namespace in namespaces for name in names if name]


def _served(gateway: Record, server: Mapping[str, Any], route: Record, host: str, service: str) -> Row:
    protocol = text(server, "port", "protocol").upper()
    mode = text(server, "tls", "mode", default="PASSTHROUGH" if protocol == "TLS" else "SIMPLE")
    secured = "passthrough" if mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH") else "terminated"
    if protocol in ("HTTPS", "TLS"):
        tls, plain = secured, "closed"
    elif protocol in HTTP:
        tls, plain = "none", "redirected" if truth(server, "tls", "httpsRedirect") else "served"
    else:
        tls, plain = "unknown", "unknown"
    return {
        "object": gateway.object,
        "family": "istio-gateway",
        "namespace": gateway.namespace,
        "listener": text(server, "port", "name") or str(number(server, "port", "number") or ""),
        "route": route.object,
        "host": host,
        "service": service,
        "protocol": protocol,
        "tls": tls,
        "plain": plain,
        "basis": f"server {text(server, 'port', 'name')} speaks {protocol}"
        + (" and redirects" if plain == "redirected" else ""),
    }


def _delegates(route: Record, held: Mapping[tuple[str, str], Record]) -> Iterator[Record]:
    """Yield the VirtualServices to which one leaves some of its requests; these leave them to no other.

    Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
    """
    for rule in items(route.content, "spec", "http"):
        if name := text(rule, "delegate", "name"):
            found = held.get((text(rule, "delegate", "namespace") or route.namespace, name))
            if found is not None:
                yield found


def _destinations(route: Record) -> Iterator[str]:
    for kind in ("http", "tls", "tcp"):
        for rule in items(route.content, "spec", kind):
            yield from (text(each, "destination", "host") for each in items(rule, "route"))


def _service_of(host: str, namespace: str) -> str:
    """Return the Service that a host names: alone, with its namespace, or in full."""
    name, _, rest = host.partition(".")
    return reference("Service", rest.partition(".")[0] or namespace, name)


def _routes(snapshot: Snapshot) -> Iterator[Row]:
    """Yield a row per Service behind each Route of OpenShift."""
    for record in snapshot.records(ROUTE):
        spec = mapping(record.content, "spec")
        termination = text(spec, "tls", "termination")
        insecure = text(spec, "tls", "insecureEdgeTerminationPolicy")
        plain = INSECURE.get(insecure, "unknown") if termination else "served"
        for backend in (mapping(spec, "to"), *items(spec, "alternateBackends")):
            yield {
                "object": record.object,
                "family": "route",
                "namespace": record.namespace,
                "host": text(spec, "host"),
                "service": reference("Service", record.namespace, text(backend, "name")),
                "controller": "openshift",
                "tls": ROUTE_TLS.get(termination, "unknown" if termination else "none"),
                "plain": plain,
                "basis": f"termination {termination}, without TLS: {insecure or 'None'}" if termination else "no tls",
            }
