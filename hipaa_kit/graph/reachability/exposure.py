"""How the outside gets in: from every entry over services and routes down to the ports of pods.

An entry is one that a Service, Ingress, Gateway, Route or host port opens. At its end the pod's own ingress policy
is asked about what the pod sees: the client's address, a node's, or the pods of a controller.

Source: https://kubernetes.io/docs/concepts/services-networking/service/,
https://kubernetes.io/docs/tutorials/services/source-ip/, https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from hipaa_kit.graph.reachability.entries import LEVELS, Way, level_of_address
from hipaa_kit.graph.reachability.places import INTERNET, Place
from hipaa_kit.graph.reachability.routes import ways
from hipaa_kit.inventory.fields import items, mapping, number, text, texts
from hipaa_kit.inventory.latest import Latest
from hipaa_kit.inventory.network import SERVICE_NAME
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.addresses import EVERYWHERE, parse_cidr
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.reachability import EXPOSURES

if TYPE_CHECKING:
    from hipaa_kit.graph.reachability.answers import Reachability

INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "service.beta.kubernetes.io/openstack-internal-load-balancer": "true",
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
}
"""Annotations that ask a cloud for a load balancer without an address of the internet."""

BALANCER_CERTIFICATE = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
BALANCER_TLS_PORTS = "service.beta.kubernetes.io/aws-load-balancer-ssl-ports"
"""Annotations by which a load balancer of AWS ends TLS: its certificate, and the ports, by number or name, or all.

Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/
"""

BALANCER_NAMES = (".amazonaws.com", ".amazonaws.com.cn")
"""How the names end that AWS gives to load balancers."""

NODES_PUBLIC = "open on every node: from the internet if the nodes' addresses can be reached from there"


@dataclass
class Backends:
    """Which ports of which pods stand behind each port of each Service."""

    TABLES: ClassVar = ("endpoints", "pods", "service_ports", "service_targets", "services")

    targets: dict[tuple[str, int], list[tuple[str, int, str]]] = field(default_factory=lambda: defaultdict(list))
    ports: dict[tuple[str, str], int] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, tables: TableSet) -> Backends:
        """Collect them: by EndpointSlices where these were seen, else by selectors."""
        found = cls()
        ready = {(row["service"], row["target"]) for row in rows_of(tables["endpoints"]) if row["ready"] is not False}
        for row in rows_of(tables["service_ports"]):
            found.ports[row["service"], str(row["port"])] = int(row["port"])
            if row["name"]:
                found.ports[row["service"], row["name"]] = int(row["port"])
            for name in filter(None, (str(row["port"]), row["name"])):
                found.names[row["service"], name] = row["target_port"]
        services = tables["services"][tables["services"]["type"] == "ExternalName"]
        found.aliases = dict(zip(services["object"], services["stands_for"], strict=True))
        live = {row["object"] for row in rows_of(tables["pods"]) if row["live"]}
        for row in rows_of(tables["service_targets"]):
            namespace = row["service"].split("/")[1]
            seen = snapshot.coverage.answer(kinds.ENDPOINT_SLICE, namespace).complete and row["pod"] in live
            if not seen or (row["service"], row["pod"]) in ready:
                target = (row["pod"], int(row["target_port"]), row["protocol"])
                found.targets[row["service"], int(row["port"])].append(target)
        found._by_hand(snapshot, tables)
        return found

    def behind(self, service: str, port: str) -> tuple[list[str], int | None]:
        """Return the Services that a request for a Service and port comes by, and the port of the last of them.

        A controller sends what is for an ExternalName Service to the target port, at the name that it stands for.
        Source: https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/endpointslices.go
        """
        passed = [service]
        while self.aliases.get(passed[-1]) and self.aliases[passed[-1]] not in passed:
            port = self.names.get((passed[-1], port), port)
            passed.append(self.aliases[passed[-1]])
        return passed, self.ports.get((passed[-1], port))

    def _by_hand(self, snapshot: Snapshot, tables: TableSet) -> None:
        """Follow EndpointSlices of Services that select nothing: they may lead to pods of any namespace."""
        chosen = {row["object"] for row in rows_of(tables["services"]) if not row["selects"]}
        for record in snapshot.records(kinds.ENDPOINT_SLICE):
            service = object_id("Service", record.namespace, text(record.content, "metadata", "labels", SERVICE_NAME))
            if service not in chosen:
                continue
            for port in items(record.content, "ports"):
                opened = number(port, "port")
                entry = self.ports.get((service, text(port, "name") or str(opened)))
                for endpoint in items(record.content, "endpoints"):
                    target = mapping(endpoint, "targetRef")
                    if entry is not None and opened is not None and text(target, "kind") == "Pod":
                        pod = object_id("Pod", text(target, "namespace") or record.namespace, text(target, "name"))
                        self.targets[service, entry].append((pod, opened, text(port, "protocol", default="TCP")))


_BACKENDS: Final[Latest[Backends]] = Latest()


def exposures(reach: Reachability, snapshot: Snapshot, tables: TableSet) -> pd.DataFrame:
    """Return table `exposures`: one row per way into one port of one pod."""
    return _Exposures(reach, snapshot, tables).frame()


class _Exposures:
    def __init__(self, reach: Reachability, snapshot: Snapshot, tables: TableSet) -> None:
        self.reach, self.snapshot, self.tables = reach, snapshot, tables
        slices = snapshot.parts.get((kinds.ENDPOINT_SLICE.group, kinds.ENDPOINT_SLICE.kind))
        behind = (slices, snapshot.coverage, *(tables[name] for name in Backends.TABLES))
        self.backends = _BACKENDS.of(behind, lambda: Backends.of(snapshot, tables))
        self.workload = {pod.object: pod.workload for pod in reach.facts.pods}
        machines = (text(record.content, "spec", "providerID") for record in snapshot.records(kinds.NODE))
        self.clouds = frozenset(each.partition(":")[0] for each in machines)
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._order: dict[tuple[Any, ...], int] = {}
        self._into: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
        self._seen: dict[tuple[Any, ...], tuple[str, str]] = {}
        self._values: dict[int, list[int]] = {}

    def frame(self) -> pd.DataFrame:
        for record in self.snapshot.records(kinds.SERVICE):
            self._service(record)
        self._host_ports()
        for way, service, port in ways(self.snapshot, self.tables, self._level_of, set(self.workload)):
            passed, opened = self.backends.behind(service, port)
            if passed[-1] in self.backends.aliases or (len(passed) > 1 and opened is None):
                lost = f"what stands behind {' '.join(passed)}, by its external name, is not known"
                unseen = replace(way, via=(*way.via, *passed), level="unknown", reason=lost)
                self._put(unseen, "", 0, "TCP", "unknown")
            else:
                self._add(replace(way, via=(*way.via, *passed[:-1])), passed[-1], opened)
        return EXPOSURES.frame(self.rows.values())

    def _service(self, record: Record) -> None:
        spec = mapping(record.content, "spec")
        local = text(spec, "externalTrafficPolicy") == "Local"
        base = Way(record.object, "load_balancer", 0, "unknown", "client" if local else "node")
        for port in items(spec, "ports"):
            opened, on_node = number(port, "port"), number(port, "nodePort")
            if opened is None:
                continue
            way = replace(base, entry_port=opened)
            if text(spec, "type") == "LoadBalancer":
                tls = _ended_by_balancer(record, opened, text(port, "name"), self.clouds)
                self._add(replace(_load_balancer(way, record), tls=tls), record.object, opened)
            if text(spec, "type") == "NodePort" or (text(spec, "type") == "LoadBalancer" and on_node):
                node = replace(way, entry_type="node_port", entry_port=on_node or 0, reason=NODES_PUBLIC)
                self._add(node, record.object, opened)
            for address in texts(spec, "externalIPs"):
                reason = f"whoever may write Services can claim the address {address}"
                given = replace(
                    way, entry_type="external_ip", level=level_of_address(address), host=address, reason=reason
                )
                self._add(given, record.object, opened)

    def _host_ports(self) -> None:
        on_host = {pod.object for pod in self.reach.facts.pods if pod.host_network}
        held = self.tables["container_ports"]
        for row in rows_of(held[held["host_port"].fillna(0).gt(0) | held["pod"].isin(on_host)]):
            opened = row["port"] if row["pod"] in on_host else row["host_port"]
            if not pd.isna(opened) and int(opened) > 0 and row["pod"] in self.workload:
                reason = f"{NODES_PUBLIC}; plugins differ in whether policy sees a host port"
                way = Way(row["pod"], "host_port", int(opened), "unknown", "node", reason=reason)
                self._row(way, row["pod"], int(row["port"]), row["protocol"])

    def _add(self, way: Way, service: str, port: int | None) -> None:
        """Put the rows of a way down to the pods of a Service's port; one that leads nowhere has a row too."""
        found = self.backends.targets.get((service, port), []) if port is not None else []
        via = way.via if service == way.entry else (*way.via, service)
        for pod, target, protocol in found:
            if pod in self.workload:
                self._row(replace(way, via=via), pod, target, protocol)
        if not any(pod in self.workload for pod, _, _ in found):
            reason = f"{service or 'it'} leads to no pod that may receive traffic"
            self._put(replace(way, via=via, level="none", reason=reason), "", 0, "TCP", "denied")

    def _row(self, way: Way, pod: str, port: int, protocol: str) -> None:
        verdict, why = self._verdict(way, pod, protocol, port)
        level = {"denied": "none", "unknown": "unknown"}.get(verdict, way.level)
        if verdict == "allowed" and level == "internet" and way.seen_as == "client" and not way.ranges:
            way = self._narrowed(way, pod, protocol, port)
            level = way.level
        reason = "; ".join(filter(None, (way.reason, why)))
        self._put(
            replace(way, level=way.level if way.level == "none" else level, reason=reason), pod, port, protocol, verdict
        )

    def _put(self, way: Way, pod: str, port: int, protocol: str, verdict: str) -> None:
        key = (pod, protocol, port, way.entry, way.entry_port, way.host, " ".join(way.via))
        row = {
            "pod": pod,
            "workload": self.workload.get(pod, ""),
            "protocol": protocol,
            "port": port,
            "entry": way.entry,
            "entry_type": way.entry_type,
            "entry_port": way.entry_port,
            "host": way.host,
            "via": " ".join(way.via),
            "level": way.level,
            "source_ranges": " ".join(way.ranges),
            "tls": way.tls,
            "tls_secret": way.tls_secret,
            "verdict": verdict,
            "seen_as": way.seen_as,
            "reason": way.reason,
            "enforcement": self.reach.options_in_force.enforcement,
        }
        known = self.rows.get(key)
        if known is None or LEVELS.index(way.level) < LEVELS.index(known["level"]):
            self.rows[key] = row
            self._order.setdefault(key, len(self._order))
            for name in (pod, self.workload.get(pod, "")):
                self._into[name].add(key)

    def _verdict(self, way: Way, pod: str, protocol: str, port: int) -> tuple[str, str]:
        place = self.reach.places.find(pod)[0]
        key = (way.seen_as, way.ranges, place.number, protocol, port)
        if key not in self._seen:
            self._seen[key] = self._decided(way, place, protocol, port)
        return self._seen[key]

    def _narrowed(self, way: Way, pod: str, protocol: str, port: int) -> Way:
        """Return a way from the internet with the addresses that the pod's policies let in, where these are not all.

        All of one family are all: few pods have an address of the other one.
        """
        place = self.reach.places.find(pod)[0]
        bit = self.reach.engine.atoms.bit(protocol, port)
        let_in: dict[str, bool] = {}
        for peer in self.reach.places.find(INTERNET):
            let_in[self.reach.places.block(peer)] = self._one(peer, place, bit) == "allowed"
        families = [[let for block, let in let_in.items() if (":" in block) is sixth] for sixth in (False, True)]
        ranges = tuple(block for block, let in let_in.items() if let)
        if any(family and all(family) for family in families) or any(is_wide(each) for each in ranges):
            return way
        return replace(way, level="restricted", ranges=ranges)

    def _decided(self, way: Way, place: Place, protocol: str, port: int) -> tuple[str, str]:
        """Return what the pod's own policies decide of what it sees, and why where that is not allowed."""
        bit = self.reach.engine.atoms.bit(protocol, port)
        every = self._of_everybody(place, bit)
        if every != "unknown":
            return every, "" if every == "allowed" else "no peer may open a connection to this port"
        clients = [found for name in (way.ranges or (INTERNET,)) for found in self.reach.places.find(name)]
        if way.seen_as == "client":
            return self._joined([self._one(peer, place, bit) for peer in clients])
        if way.seen_as == "node":
            nodes = [self.reach.places.node(name) for name in self.reach.engine.classes.of_node]
            both = {self._one(peer, place, bit) for peer in (*clients, *nodes)}
            if nodes and len(both) == 1:
                return self._joined(list(both))
            return "unknown", "the pod may see a node's address in place of the client's"
        peers = [found for name in way.seen_as.split() for found in self.reach.places.find(name)]
        if peers:
            return self._joined([self._one(peer, place, bit) for peer in peers])
        return "unknown", "what the pod sees as the source is not known"

    def _of_everybody(self, place: Place, bit: int) -> str:
        """Return the verdict where it is the same for every peer, and `unknown` where it is not."""
        signature = self.reach.engine.signature("ingress", place.number)
        if signature is None:
            return "allowed"
        side = self.reach.engine.side("ingress")
        if signature not in self._values:
            self._values[signature] = np.flatnonzero(np.bincount(side.rows([signature])[signature])).tolist()
        planes = [self.reach.engine.palette.planes[value] for value in self._values[signature]]
        if all(each.sure & bit for each in planes):
            return "allowed"
        return "unknown" if any(each.possible & bit for each in planes) else "denied"

    def _one(self, peer: Place, place: Place, bit: int) -> str:
        planes = self.reach.planes(peer, place)
        return "allowed" if planes.sure & bit else "unknown" if planes.possible & bit else "denied"

    def _joined(self, found: list[str]) -> tuple[str, str]:
        if "allowed" in found:
            return "allowed", ""
        if "unknown" in found:
            return "unknown", "whether the pod's policies let it in is not known"
        return "denied", "the pod's policies do not let it in"

    def _level_of(self, workloads: Iterable[str]) -> tuple[str, tuple[str, ...]]:
        """Return who can come in to some pods by the ways found so far, and their source ranges."""
        found = {key for name in workloads for key in self._into.get(name, ())}
        if not found:
            return "unknown", ()
        first = self.rows[min(found, key=lambda key: (LEVELS.index(self.rows[key]["level"]), self._order[key]))]
        return first["level"], tuple(first["source_ranges"].split())


def is_wide(cidr: str) -> bool:
    """Tell whether a block holds a /8 or more of IPv4, a /16 or more of IPv6: that restricts nobody."""
    block = parse_cidr(cidr)
    return block is not None and block.last - block.first + 1 >= {4: 2**24, 6: 2**112}[block.family]


def _ended_by_balancer(record: Record, port: int, name: str, clouds: frozenset[str]) -> str:
    """Return what a load balancer makes of TLS on one port, as far as annotations tell.

    Only those of AWS heed these: the cloud of the nodes tells whose it is, or the name that it was given.
    """
    notes = mapping(record.content, "metadata", "annotations")
    if not text(notes, BALANCER_CERTIFICATE):
        return "none"
    ports = {each.strip() for each in (text(notes, BALANCER_TLS_PORTS) or "*").split(",")}
    if not ports & {"*", str(port), name}:
        return "none"
    given = [text(each, "hostname") for each in items(record.content, "status", "loadBalancer", "ingress")]
    if "aws" in clouds or any(each.endswith(BALANCER_NAMES) for each in given):
        return "terminated"
    return "none" if clouds - {""} else "unknown"


def _load_balancer(way: Way, record: Record) -> Way:
    """Return who can come in by a load balancer: by its source ranges, and whether the cloud keeps it private."""
    spec = mapping(record.content, "spec")
    notes = mapping(record.content, "metadata", "annotations")
    ranges = tuple(each.strip() for each in texts(spec, "loadBalancerSourceRanges") if parse_cidr(each.strip()))
    whole = not ranges or any(parse_cidr(each) in EVERYWHERE for each in ranges)
    private = any(text(notes, key).lower() == value for key, value in INTERNAL.items())
    waiting = not items(record.content, "status", "loadBalancer", "ingress")
    return replace(
        way,
        level="private" if private else "internet" if whole else "restricted",
        ranges=() if whole else ranges,
        reason="no address was assigned so far" if waiting else "",
    )
