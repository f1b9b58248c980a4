"""Ways in through routes: Ingress, Gateway API and OpenShift Route, with what is known of TLS on them.

Source: https://kubernetes.io/docs/concepts/services-networking/ingress/,
https://gateway-api.sigs.k8s.io/reference/spec/,
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/networking/configuring-routes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from hipaa_kit.graph.reachability.entries import Way, addresses_level, each_address
from hipaa_kit.inventory.fields import int_or_text, items, mapping, number, reference, text, texts
from hipaa_kit.inventory.pods import pod_views
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.network.addresses import is_cidr
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet

LevelOf = Callable[[Iterable[str]], tuple[str, tuple[str, ...]]]
Found = tuple[Way, str, str]
"""A way, and the Service and port it leads to."""

CONTROLLERS = {
    "k8s.io/ingress-nginx": ("app.kubernetes.io/name", "ingress-nginx"),
    "nginx.org/ingress-controller": ("app.kubernetes.io/name", "nginx-ingress"),
    "traefik.io/ingress-controller": ("app.kubernetes.io/name", "traefik"),
    "haproxy-ingress.github.io/controller": ("app.kubernetes.io/name", "haproxy-ingress"),
    "haproxy.org/ingress-controller": ("app.kubernetes.io/name", "kubernetes-ingress"),
    "projectcontour.io/projectcontour/contour": ("app.kubernetes.io/component", "envoy"),
}
"""Label of the pods that carry the traffic, by the controller that an IngressClass names."""

OUTSIDE = ("ingress.k8s.aws/alb", "k8s.io/ingress-gce", "azure/application-gateway")
"""Controllers that program a load balancer of the cloud: nothing in the cluster carries the traffic."""

GATEWAY_NAMES = ("gateway.networking.k8s.io/gateway-name", "gateway.envoyproxy.io/owning-gateway-name")
"""Labels of the pods that carry the traffic of a Gateway."""

ROUTER = ("ingresscontroller.operator.openshift.io/deployment-ingresscontroller", "")
GATEWAY = "gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
ALLOWED_FROM = (
    "nginx.ingress.kubernetes.io/whitelist-source-range",
    "nginx.ingress.kubernetes.io/allowlist-source-range",
    "alb.ingress.kubernetes.io/inbound-cidrs",
    "haproxy.org/allow-list",
)
"""Annotations that name the addresses that may come in."""

TLS_OF_ROUTE = {"edge": "terminated", "passthrough": "passthrough", "reencrypt": "reencrypted"}


def ways(snapshot: Snapshot, tables: TableSet, level_of: LevelOf, pods: set[str]) -> Iterator[Found]:
    """Yield every way that a route opens.

    Parameters
    ----------
    snapshot, tables
        What was read of the cluster.
    level_of
        Who can come in to some pods: a route is as open as the pods that carry its traffic.
    pods
        Pods that have not ended.
    """
    controllers = _Controllers(snapshot, pods)
    yield from _ingresses(snapshot, tables, controllers, level_of)
    yield from _gateways(snapshot, controllers, level_of)
    yield from _openshift(snapshot, controllers, level_of)


class _Controllers:
    """Pods that carry the traffic of routes."""

    def __init__(self, snapshot: Snapshot, pods: set[str]) -> None:
        self._snapshot, self._pods = snapshot, pods
        self._carrying: dict[tuple[str, str], list[str]] = {}
        self._classes: dict[str, str] = {}
        self._default = ""
        for record in snapshot.records(kinds.INGRESS_CLASS):
            self._classes[record.name] = text(record.content, "spec", "controller")
            marked = text(record.content, "metadata", "annotations", "ingressclass.kubernetes.io/is-default-class")
            self._default = record.name if marked == "true" else self._default

    @cached_property
    def _labels(self) -> dict[str, dict[str, str]]:
        return {view.object: view.labels for view in pod_views(self._snapshot) if view.object in self._pods}

    def of_class(self, name: str) -> str:
        """Return the controller of an IngressClass; of the default one where none is named."""
        return self._classes.get(name or self._default, "")

    def pods(self, key: str, value: str = "") -> list[str]:
        """Return the pods that carry a label, sorted."""
        if (key, value) not in self._carrying:
            held = self._labels.items()
            found = sorted(pod for pod, labels in held if key in labels and value in ("", labels[key]))
            self._carrying[key, value] = found
        return self._carrying[key, value]


def _ingresses(snapshot: Snapshot, tables: TableSet, controllers: _Controllers, level_of: LevelOf) -> Iterator[Found]:
    records = {record.object: record for record in snapshot.records(kinds.INGRESS)}
    for row in rows_of(tables["ingress_routes"]):
        record = records[row["object"]]
        notes = mapping(record.content, "metadata", "annotations")
        controller = controllers.of_class(row["ingress_class"])
        carrying = controllers.pods(*CONTROLLERS[controller]) if controller in CONTROLLERS else []
        level, ranges = level_of(carrying)
        reason = (
            ""
            if carrying
            else f"the pods that carry the traffic of class {row['ingress_class'] or 'default'} are not known"
        )
        if controller in OUTSIDE:
            level, reason = _cloud_level(notes, controller), ""
        elif not carrying:
            level = addresses_level(each_address(record))
        if given := _allowed_from(notes):
            ranges, level = given, "restricted" if level in ("internet", "restricted") else level
        yield (
            Way(
                entry=row["object"],
                entry_type="ingress",
                entry_port=443 if row["tls"] else 80,
                level=level,
                seen_as="client" if controller in OUTSIDE else " ".join(carrying),
                ranges=ranges,
                host=row["host"],
                tls=_tls_of_ingress(notes, bool(row["tls"])),
                tls_secret=row["tls_secret"],
                reason=reason,
            ),
            row["service"],
            row["service_port"],
        )


def _cloud_level(notes: Mapping[str, Any], controller: str) -> str:
    """Return who can come in by a load balancer of the cloud: that of AWS is internal unless told otherwise."""
    if controller == "ingress.k8s.aws/alb":
        return "internet" if text(notes, "alb.ingress.kubernetes.io/scheme") == "internet-facing" else "private"
    return "internet"


def _allowed_from(notes: Mapping[str, Any]) -> tuple[str, ...]:
    found = [each.strip() for key in ALLOWED_FROM for each in text(notes, key).split(",")]
    return tuple(each for each in found if is_cidr(each) and not each.endswith("/0"))


def _tls_of_ingress(notes: Mapping[str, Any], terminated: bool) -> str:
    if text(notes, "nginx.ingress.kubernetes.io/ssl-passthrough") == "true":
        return "passthrough"
    backend = text(notes, "nginx.ingress.kubernetes.io/backend-protocol") or text(
        notes, "alb.ingress.kubernetes.io/backend-protocol"
    )
    if not terminated:
        return "none"
    return "reencrypted" if backend.upper() in ("HTTPS", "GRPCS") else "terminated"


def _records(snapshot: Snapshot, group: str, kind: str) -> Iterable[Record]:
    return snapshot.records(Kind(group, kind, "", True))


def _gateways(snapshot: Snapshot, controllers: _Controllers, level_of: LevelOf) -> Iterator[Found]:
    """Yield the ways of all routes through their gateways; addresses of a Gateway do not reach a snapshot."""
    gateways = {(record.namespace, record.name): record for record in _records(snapshot, GATEWAY, "Gateway")}
    grants = _grants(snapshot)
    for kind in ROUTES:
        for route in _records(snapshot, GATEWAY, kind):
            for parent in items(route.content, "spec", "parentRefs"):
                where = text(parent, "namespace") or route.namespace
                gateway = gateways.get((where, text(parent, "name")))
                if gateway is not None and text(parent, "kind", default="Gateway") == "Gateway":
                    for listener in items(gateway.content, "spec", "listeners"):
                        if text(parent, "sectionName") in ("", text(listener, "name")):
                            carrying = [pod for key in GATEWAY_NAMES for pod in controllers.pods(key, gateway.name)]
                            level, ranges = level_of(carrying)
                            for way, service, port in _listened(route, gateway, listener, grants):
                                known = replace(way, seen_as=" ".join(carrying), ranges=ranges)
                                yield replace(known, level=way.level or level), service, port


def _listened(
    route: Record, gateway: Record, listener: Mapping[str, Any], grants: set[tuple[str, str, str]]
) -> Iterator[Found]:
    """Yield the ways of one route through one listener, with why one of them is cut."""
    protocol = text(listener, "protocol")
    mode = text(listener, "tls", "mode", default="Terminate")
    cut = "" if taken(route, gateway) else f"{gateway.object} has not accepted the route"
    if not cut and not may_attach(route, gateway, listener):
        cut = f"listener {text(listener, 'name')} of {gateway.object} takes no routes of this namespace"
    secured = "passthrough" if mode == "Passthrough" else "terminated"
    hosts = texts(route.content, "spec", "hostnames") or [text(listener, "hostname")]
    for host in hosts:
        for backend in backends(route):
            space = text(backend, "namespace") or route.namespace
            granted = space == route.namespace or (route.kind, route.namespace, space) in grants
            missing = "" if granted else f"no ReferenceGrant in {space} lets the route refer to it"
            reason = cut or missing
            way = Way(
                entry=gateway.object,
                entry_type="gateway",
                entry_port=number(listener, "port") or 0,
                level="none" if reason else "",
                seen_as="",
                host=host,
                via=(route.object,),
                tls=secured if protocol in ("HTTPS", "TLS") else "none",
                tls_secret=" ".join(certificates_of(gateway, listener)),
                reason=reason,
            )
            yield way, object_id("Service", space, text(backend, "name")), int_or_text(backend, "port")


def certificates_of(holder: Record, listener: Mapping[str, Any]) -> list[str]:
    """Return the Secrets of the certificates of a listener; which of several is shown is for its controller to say.

    Source: https://gateway-api.sigs.k8s.io/reference/spec/#listenertlsconfig
    """
    return [
        reference("Secret", text(each, "namespace") or holder.namespace, text(each, "name"))
        for each in items(listener, "tls", "certificateRefs")
        if text(each, "kind", default="Secret") == "Secret"
    ]


def taken(route: Record, gateway: Record) -> bool:
    """Tell whether a gateway has not refused a route; one that nobody has looked at is taken for accepted."""
    for parent in items(route.content, "status", "parents"):
        reference = mapping(parent, "parentRef")
        same = (text(reference, "namespace") or route.namespace, text(reference, "name")) == (
            gateway.namespace,
            gateway.name,
        )
        said = {text(each, "type"): text(each, "status") for each in items(parent, "conditions")}
        if same and said.get("Accepted") == "False":
            return False
    return True


def may_attach(route: Record, gateway: Record, listener: Mapping[str, Any]) -> bool:
    """Tell whether a listener takes routes of a namespace; which a selector selects is left to its status."""
    source = text(listener, "allowedRoutes", "namespaces", "from", default="Same")
    return source != "Same" or route.namespace == gateway.namespace


def backends(route: Record) -> Iterator[Mapping[str, Any]]:
    """Yield the Services that a route sends requests to; one of weight 0 gets none."""
    for rule in items(route.content, "spec", "rules"):
        for backend in items(rule, "backendRefs"):
            if text(backend, "kind", default="Service") == "Service" and number(backend, "weight") != 0:
                yield backend


def _grants(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    """Return (kind, its namespace, namespace referred to) of what may refer to Services elsewhere."""
    return {
        (text(source, "kind"), text(source, "namespace"), record.namespace)
        for record in _records(snapshot, GATEWAY, "ReferenceGrant")
        if any(text(target, "kind") == "Service" for target in items(record.content, "spec", "to"))
        for source in items(record.content, "spec", "from")
    }


def _openshift(snapshot: Snapshot, controllers: _Controllers, level_of: LevelOf) -> Iterator[Found]:
    records = list(_records(snapshot, "route.openshift.io", "Route"))
    routers = controllers.pods(*ROUTER) if records else []
    level, ranges = level_of(routers)
    for record in records:
        spec = mapping(record.content, "spec")
        termination = text(spec, "tls", "termination")
        admitted = _admitted(record)
        port = int_or_text(spec, "port", "targetPort")
        for backend in (mapping(spec, "to"), *items(spec, "alternateBackends")):
            service = object_id("Service", record.namespace, text(backend, "name"))
            yield (
                Way(
                    entry=record.object,
                    entry_type="route",
                    entry_port=443 if termination else 80,
                    level=level if admitted else "none",
                    seen_as=" ".join(routers),
                    ranges=ranges,
                    host=text(spec, "host"),
                    tls=TLS_OF_ROUTE.get(termination, "none" if not termination else "unknown"),
                    reason="" if admitted else "no router has admitted the route",
                ),
                service,
                _port_of(snapshot, record.namespace, text(backend, "name"), port),
            )


def _admitted(record: Record) -> bool:
    said = [
        text(each, "status")
        for entry in items(record.content, "status", "ingress")
        for each in items(entry, "conditions")
        if text(each, "type") == "Admitted"
    ]
    return not said or "True" in said


def _port_of(snapshot: Snapshot, namespace: str, name: str, target: str) -> str:
    """Return the port of a Service by its target, as a Route names it: the first where it names none."""
    for record in snapshot.records(kinds.SERVICE):
        if (record.namespace, record.name) == (namespace, name):
            ports = items(record.content, "spec", "ports")
            for port in ports:
                known = (text(port, "name"), int_or_text(port, "targetPort"), str(number(port, "port")))
                if not target or target in known:
                    return str(number(port, "port") or "")
    return target
