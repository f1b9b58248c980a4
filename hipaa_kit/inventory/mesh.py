"""Service meshes: which pods are in one, and what their proxies take in.

A pod is in a mesh when the proxy is really in it, or when the node's proxy has taken it over; labels that ask for it
show neither. Source: https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/,
https://istio.io/latest/docs/ambient/usage/add-workloads/, https://linkerd.io/2/features/automatic-mtls/,
https://linkerd.io/2/features/server-policy/, https://linkerd.io/2/reference/proxy-configuration/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import items, mapping, number, string_map, text, truth
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.mesh import ROOT, UNSET, PeerAuthentication, ProxyChange, Taken, changed_by, taken_in
from hipaa_kit.kube.network.ports import FIRST, LAST
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.transit import MESH_EXCEPTIONS, MESH_PODS, MESHES_PRESENT, OWN_TLS, PATCHED

PEER_AUTHENTICATION = custom("security.istio.io", "PeerAuthentication")
SERVER = custom("policy.linkerd.io", "Server")
ENVOY_FILTER = custom("networking.istio.io", "EnvoyFilter")
SIDECAR = custom("networking.istio.io", "Sidecar")

READS = (*POD_KINDS, kinds.NAMESPACE, PEER_AUTHENTICATION, SERVER)

PROXIES = {
    "istio-proxy": "istio",
    "linkerd-proxy": "linkerd",
    "consul-dataplane": "consul",
    "envoy-sidecar": "consul",
}
"""Containers that stand before a pod for a mesh."""

CONTROL_PLANES = {
    "istiod": "istio",
    "ztunnel": "istio-ambient",
    "linkerd-destination": "linkerd",
    "consul-connect-injector": "consul",
}
"""Beginnings of names of workloads that a mesh cannot do without."""

REDIRECTED = "ambient.istio.io/redirection"
BYPASSED = "ambient.istio.io/bypass-inbound-capture"
"""By it nothing that comes to a pod of an ambient mesh is caught, whatever policies say of it.

Source: https://istio.io/latest/docs/reference/config/annotations/#AmbientBypassInboundCapture
"""
BYPASS = f"annotation {BYPASSED}"
"""The source of an exception that this annotation makes."""
INTERCEPTION = "sidecar.istio.io/interceptionMode"
TEMPLATES = "inject.istio.io/templates"
"""Templates that a proxy was made from: with others than `sidecar` it is a gateway, or an agent that catches nothing.

Source: https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#custom-templates-experimental,
https://istio.io/latest/docs/setup/additional-setup/gateway/, https://istio.io/latest/blog/2021/proxyless-grpc/
"""
INBOUND_POLICY = "config.linkerd.io/default-inbound-policy"
LINKERD_MODES = {
    "all-unauthenticated": "permissive",
    "cluster-unauthenticated": "permissive",
    "all-authenticated": "strict",
    "cluster-authenticated": "strict",
}
"""What a pod takes in where no Server selects a port of it; `deny` lets in what policies name, with TLS or without."""

EXCLUDED = {
    ("istio", "in"): "traffic.sidecar.istio.io/excludeInboundPorts",
    ("istio", "out"): "traffic.sidecar.istio.io/excludeOutboundPorts",
    ("linkerd", "in"): "config.linkerd.io/skip-inbound-ports",
    ("linkerd", "out"): "config.linkerd.io/skip-outbound-ports",
}
"""Annotations that lead ports past the proxy."""

LINKERD_SUBNETS = "config.linkerd.io/skip-subnets"
LINKERD_SKIPS = (4567, 4568)
"""Ports of Galera, which Linkerd's charts lead past its proxies unless they are told otherwise (`proxyInit`)."""

ISTIO_INCLUDED = {
    "in": "traffic.sidecar.istio.io/includeInboundPorts",
    "out": "traffic.sidecar.istio.io/includeOutboundIPRanges",
}
ISTIO_INTERFACES = "traffic.sidecar.istio.io/excludeInterfaces"
ISTIO_RANGES_OUT = "traffic.sidecar.istio.io/excludeOutboundIPRanges"


@builds(MESHES_PRESENT, reads=READS)
def meshes_present(mesh_pods: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield a row per mesh that a control plane or a proxy shows."""
    found: dict[str, str] = {}
    for workload in sorted(set(mesh_pods["workload"])):
        name = workload.rpartition("/")[2]
        for start, mesh in CONTROL_PLANES.items():
            if name == start or name.startswith(f"{start}-"):
                found.setdefault(mesh, workload)
    for pod, mesh in mesh_pods[["pod", "mesh"]].itertuples(index=False):
        if mesh:
            found.setdefault(mesh, pod)
    yield from ({"mesh": mesh, "basis": basis} for mesh, basis in found.items())


@builds(MESH_PODS, reads=READS)
def mesh_pods(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per pod that has not ended, also for those in no mesh."""
    held = _Mesh(snapshot)
    for view in held.pods():
        mesh, inside = held.membership(view)
        mode, source = held.mode(view, mesh)
        yield {
            "pod": view.object,
            "namespace": view.namespace,
            "workload": view.workload,
            "mesh": mesh,
            "inside": inside,
            "mode": mode,
            "source": source,
        }


@builds(MESH_EXCEPTIONS, reads=(*READS, ENVOY_FILTER, SIDECAR))
def mesh_exceptions(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per range of ports that a policy or an annotation treats apart; the later source wins."""
    held = _Mesh(snapshot)
    changes = [*envoy_filters(snapshot), *map(_sidecar, snapshot.records(SIDECAR))]
    for view in held.pods():
        mesh, _ = held.membership(view)
        rows: dict[tuple[str, int, int], dict[str, Any]] = {}
        for direction, first, last, mode, source in _exceptions(view, mesh, held, changes):
            rows[direction, first, last] = {
                "pod": view.object,
                "direction": direction,
                "port_from": first,
                "port_to": last,
                "mode": mode,
                "source": source,
            }
        yield from rows.values()


def root_namespace(snapshot: Snapshot) -> str:
    """Return the namespace of istiod, which is the root of Istio's mesh unless its configuration names another."""
    homes = {view.namespace for view in pod_views(snapshot) if view.labels.get("app") == "istiod"}
    return ROOT if ROOT in homes or len(homes) != 1 else homes.pop()


def envoy_filters(snapshot: Snapshot) -> list[ProxyChange]:
    """Return what EnvoyFilters rewrite, and of which proxies."""
    return [_envoy_filter(record) for record in snapshot.records(ENVOY_FILTER)]


class _Mesh:
    """What the whole cluster says of its meshes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._policies = [_policy(record) for record in snapshot.records(PEER_AUTHENTICATION)]
        self._servers = {record.namespace for record in snapshot.records(SERVER)}
        self._notes = {
            record.name: string_map(record.content, "metadata", "annotations")
            for record in snapshot.records(kinds.NAMESPACE)
        }
        self._labels = {
            record.name: string_map(record.content, "metadata", "labels")
            for record in snapshot.records(kinds.NAMESPACE)
        }
        self._root = root_namespace(snapshot)

    def pods(self) -> Iterator[PodView]:
        """Yield the pods that have not ended."""
        for view in pod_views(self._snapshot):
            if text(view.content, "status", "phase") not in ENDED:
                yield view

    def membership(self, view: PodView) -> tuple[str, bool | None]:
        """Return the mesh of a pod, and whether its proxy is there; of a pod made from a template it cannot be seen."""
        if truth(view.spec, "hostNetwork"):
            return "", False
        notes = string_map(view.content, "metadata", "annotations")
        for _, container in each_container(view):
            if mesh := PROXIES.get(text(container, "name")):
                aside = mesh == "istio" and notes.get(INTERCEPTION) == "NONE"
                return mesh, None if aside or not view.live else True
        if notes.get(REDIRECTED) == "enabled":
            return "istio-ambient", True if view.live else None
        return "", None if not view.live and self._asked(view, notes) else False

    def _asked(self, view: PodView, notes: Mapping[str, str]) -> bool:
        """Tell whether labels ask for a mesh in pods to come."""
        labels = self._labels.get(view.namespace, {})
        around = {**self._notes.get(view.namespace, {}), **notes}
        return (
            labels.get("istio-injection") == "enabled"
            or "istio.io/rev" in labels
            or "ambient" in (labels.get("istio.io/dataplane-mode"), view.labels.get("istio.io/dataplane-mode"))
            or view.labels.get("sidecar.istio.io/inject") == "true"
            or around.get("linkerd.io/inject") in ("enabled", "ingress")
            or around.get("consul.hashicorp.com/connect-inject") == "true"
        )

    def istio(self, view: PodView) -> Taken:
        """Return what Istio's policies make of a pod."""
        return taken_in(self._policies, view.namespace, view.labels, self._root)

    def changing(self, view: PodView, mesh: str, changes: Iterable[ProxyChange]) -> list[ProxyChange]:
        """Return what rewrites the proxies that a pod's connections pass."""
        ambient = mesh == "istio-ambient"
        return [each for each in changes if each.reaches(view.namespace, view.labels, self._root, ambient=ambient)]

    def mode(self, view: PodView, mesh: str) -> tuple[str, str]:
        """Return what the proxy takes in, and what says so."""
        if mesh == "istio-ambient":
            taken = self.istio(view)
            # The node's proxy knows no DISABLE: between pods of the mesh it always speaks mutual TLS.
            return ("permissive" if taken.mode == "disabled" else taken.mode), taken.source
        if mesh == "istio":
            taken = self.istio(view)
            return ("unknown", why) if (why := _no_sidecar(view)) else (taken.mode, taken.source)
        if mesh == "linkerd":
            return self._linkerd(view)
        return ("unknown", f"mesh {mesh} is not understood") if mesh else ("", "")

    def _linkerd(self, view: PodView) -> tuple[str, str]:
        if view.namespace in self._servers:
            return "unknown", f"Servers in namespace {view.namespace} decide by port"
        notes = string_map(view.content, "metadata", "annotations")
        own, wide = notes.get(INBOUND_POLICY), self._notes.get(view.namespace, {}).get(INBOUND_POLICY)
        if own is None and wide is not None and view.live:
            # The injector copies it when it makes a pod, and the pod's own is what counts.
            return "unknown", f"annotation {INBOUND_POLICY} of the namespace is younger than the pod, which has none"
        given = own or wide
        if given is None:
            return "unknown", "the default policy stands in the configuration of Linkerd, which is not read"
        return LINKERD_MODES.get(given, "unknown"), f"annotation {INBOUND_POLICY}: {given}"


def _no_sidecar(view: PodView) -> str:
    """Return why what takes in connections is no sidecar, for which PeerAuthentications are; "" where it is one."""
    templates = string_map(view.content, "metadata", "annotations").get(TEMPLATES, "sidecar")
    if templates != "sidecar":
        return f"its proxy is made by templates {templates}, which need not be one that catches what comes in"
    others = [role for role, each in each_container(view) if role == "main" and text(each, "name") not in PROXIES]
    return "" if others else "its proxy stands alone, as a gateway: what that takes in is not said by policies"


def _policy(record: Record) -> PeerAuthentication:
    spec = mapping(record.content, "spec")
    return PeerAuthentication(
        record.object,
        record.namespace,
        string_map(spec, "selector", "matchLabels"),
        text(spec, "mtls", "mode") or UNSET,
        {
            int(port): text(each, "mode") or UNSET
            for port, each in mapping(spec, "portLevelMtls").items()
            if str(port).isdecimal() and isinstance(each, Mapping)
        },
        text(record.content, "metadata", "creationTimestamp"),
    )


def _envoy_filter(record: Record) -> ProxyChange:
    """Read an EnvoyFilter.

    Source: https://istio.io/latest/docs/reference/config/networking/envoy-filter/
    """
    spec = mapping(record.content, "spec")
    patches = [(text(each, "applyTo"), text(each, "match", "context")) for each in items(spec, "configPatches")]
    parts = ", ".join(sorted({part for part, _ in patches if part}))
    return ProxyChange(
        record.object,
        record.namespace,
        _selector(spec),
        frozenset(text(each, "kind") for each in items(spec, "targetRefs")),
        changed_by(patches),
        what=f"patches {parts or 'what is not said'} of its proxy",
    )


def _sidecar(record: Record) -> ProxyChange:
    """Read a Sidecar, as far as a listener of it ends TLS of its own in the place of the mesh's.

    Source: https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioIngressListener
    """
    spec = mapping(record.content, "spec")
    ports = {number(each, "port", "number") for each in items(spec, "ingress") if each.get("tls")}
    opened = tuple(sorted(port for port in ports if port is not None))
    ways = frozenset(["in"] if opened else [])
    what = "ends TLS of its own there"
    return ProxyChange(record.object, record.namespace, _selector(spec), ways=ways, ports=opened, what=what)


def _selector(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that select workloads, without those whose values redaction took: they may be any."""
    labels = string_map(spec, "workloadSelector", "labels")
    return {key: value for key, value in labels.items() if not is_pseudonym(value)}


def _exceptions(
    view: PodView, mesh: str, held: _Mesh, changes: Iterable[ProxyChange]
) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield (direction, first port, last port, mode, source) of what differs from the pod's own mode."""
    notes = string_map(view.content, "metadata", "annotations")
    if mesh in ("istio", "istio-ambient"):
        mine = held.changing(view, mesh, changes)
        taken = held.istio(view)
        own = dict(_own_tls(mine, taken))
        yield from _changed(change for change in mine if not change.ports)
        yield from (("in", port, port, OWN_TLS, source) for port, source in own.items())
        for port, (mode, source) in taken.ports.items():
            if port not in own:
                off = mode == "disabled"
                yield "in", port, port, "permissive" if off and mesh == "istio-ambient" else mode, source
    if mesh == "istio-ambient" and notes.get(BYPASSED) == "true":
        yield "in", FIRST, LAST, "permissive", BYPASS
    for direction in ("in", "out"):
        if key := EXCLUDED.get((mesh, direction)):
            for first, last in _ranges(notes.get(key, "")):
                yield direction, first, last, "disabled", f"annotation {key}"
        if mesh == "istio" and notes.get(ISTIO_INCLUDED[direction], "*") != "*":
            yield direction, FIRST, LAST, "unknown", f"annotation {ISTIO_INCLUDED[direction]}"
        if mesh == "istio" and ISTIO_INTERFACES in notes:
            yield direction, FIRST, LAST, "unknown", f"annotation {ISTIO_INTERFACES}"
    if mesh == "linkerd":
        yield from _past_linkerd(view, notes)
    if mesh == "istio" and notes.get(ISTIO_RANGES_OUT):
        yield "out", FIRST, LAST, "unknown", f"annotation {ISTIO_RANGES_OUT}"


def _changed(changes: Iterable[ProxyChange]) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield what objects that rewrite a pod's proxy leave open, all that say so of one direction as one."""
    told: dict[str, list[str]] = {}
    for change in changes:
        for way in sorted(change.ways):
            told.setdefault(way, []).append(f"{change.object} {change.what}")
    for way, words in told.items():
        yield way, FIRST, LAST, PATCHED, "; ".join(words)


def _own_tls(changes: Iterable[ProxyChange], taken: Taken) -> Iterator[tuple[int, str]]:
    """Yield the ports on which a Sidecar ends TLS of its own, and what says so.

    Only where mutual TLS is off does Istio heed it.
    Source: buildInboundListeners in pilot/pkg/networking/core/listener_inbound.go of istio/istio,
    https://istio.io/latest/docs/tasks/traffic-management/ingress/ingress-sidecar-tls-termination/
    """
    for change in changes:
        for port in change.ports:
            mode, _ = taken.ports.get(port, (taken.mode, taken.source))
            if mode == "disabled":
                yield port, f"{change.object} {change.what}"


def _past_linkerd(view: PodView, notes: Mapping[str, str]) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield what goes past Linkerd's proxy, or may, beside the ports that annotations name.

    Source: https://linkerd.io/2/reference/proxy-configuration/, charts/linkerd-control-plane/values.yaml of
    linkerd/linkerd2 (`proxyInit.ignoreInboundPorts`, `ignoreOutboundPorts`).
    """
    opened = {number(port, "containerPort") for _, each in each_container(view) for port in items(each, "ports")}
    for direction in ("in", "out"):
        if LINKERD_SUBNETS in notes:
            yield direction, FIRST, LAST, "unknown", f"annotation {LINKERD_SUBNETS}"
        if EXCLUDED["linkerd", direction] not in notes:
            for port in LINKERD_SKIPS:
                if direction == "out" or port in opened:
                    yield (
                        direction,
                        port,
                        port,
                        "unknown",
                        "Linkerd passes this port by unless its charts say otherwise",
                    )


def _ranges(written: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a list like `25,8000-8100`; what is no number may be any port."""
    for part in filter(None, (each.strip() for each in written.split(","))):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            yield int(first), int(last or first)
        else:
            yield FIRST, LAST
