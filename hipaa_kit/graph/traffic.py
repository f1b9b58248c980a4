"""Traffic of ePHI workloads: what is declared, what the policies allow, what was seen, and what it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.graph.flow_ends import named_records
from hipaa_kit.graph.reachability.edges import namespace_of
from hipaa_kit.inventory.parts import Parts
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.network.addresses import AddressSet, Block, Cell, is_cidr, parse_address, parse_cidr
from hipaa_kit.kube.network.port_sets import EVERY, PortSet, union, without, words
from hipaa_kit.kube.network.ports import PROTOCOLS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.traffic import EPHI_TRAFFIC

INTERNET = "internet"
SOMEBODY, OUTSIDE = "somebody", "outside"
"""Ends in a flow log: one of which it is not known who it was, perhaps a workload; and one outside the cluster."""
NAMESPACE = "Namespace//"

METADATA = tuple(block for text in ("169.254.169.254", "fd00:ec2::254") if (block := parse_address(text)))
"""Where instances of clouds find what they are, and often credentials.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

WORDS = {
    "backup": frozenset("backup backups velero restic kopia kasten k10 barman pgbackrest stash".split()),
    "monitoring": frozenset(
        "monitoring observability logging prometheus grafana alertmanager thanos loki tempo mimir promtail fluent "
        "fluentd fluentbit filebeat otel opentelemetry datadog newrelic exporter metrics".split()
    ),
    "administration": frozenset(
        "kube admin pgadmin argocd flux fluxcd jenkins tekton gitlab cicd operator operators rancher cattle vault "
        "certmanager cert bastion openshift olm".split()
    ),
}
"""Words in names of workloads and namespaces that say what traffic with them is for."""


class Key(NamedTuple):
    """Two ends and the protocol between them."""

    source: str
    destination: str
    protocol: str


class End(NamedTuple):
    """One end: its name, its namespace, and its addresses where it is outside the cluster."""

    name: str
    namespace: str
    cell: Cell | None = None

    @classmethod
    def of(cls, name: str, namespace: str) -> End:
        """Return the end of a flow; a cell of the outside is written `block except holes`."""
        whole, _, parts = name.partition(" except ")
        block = None if namespace else parse_cidr(whole)
        holes = tuple(hole for part in parts.split(", ") if part and (hole := parse_cidr(part)))
        return cls(name, namespace, Cell(block, holes) if block else None)

    @property
    def metadata(self) -> bool:
        """Tell whether it holds the address of the instance metadata service."""
        cell = self.cell
        return cell is not None and any(AddressSet((cell.block,), cell.holes).contains(each) for each in METADATA)


ENDS = ("source", "destination")


@builds(
    EPHI_TRAFFIC,
    optional=["flow_records"],
    narrow={"isolation": ("workload",)},
    parts=Parts(ENDS, {"ephi_flows": (ENDS,)}),
)
def ephi_traffic(
    ephi_flows: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    expected_flows: pd.DataFrame,
    workloads: pd.DataFrame,
    isolation: pd.DataFrame,
    pods: pd.DataFrame,
    service_targets: pd.DataFrame,
    flow_records: pd.DataFrame,
    flow_ends: pd.DataFrame,
    reachability_options: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per pair of ends of ePHI traffic and protocol.

    Notes
    -----
    Pods of one workload count as one party: what they say to each other needs no declaration. A declared end is a
    workload, `Namespace//name` for all workloads of a namespace, an address, a CIDR or `internet`. A connection
    was seen where a flow log has it as let through. Where the log names an end by an address alone, and whose that was
    is not known, nothing shows that a connection on which it might bear was not seen.
    """
    inside = frozenset(ephi_workloads["object"])
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    declared = Declared(expected_flows, workloads)
    flows: dict[Key, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    others: dict[Key, tuple[int, int]] = defaultdict(lambda: (0, 0))
    running = frozenset(isolation["workload"])
    namespaces = {name: namespace_of(name) for name in running}
    namespaces |= dict(zip(workloads["object"], workloads["namespace"], strict=True))
    reasons: dict[Key, dict[str, None]] = defaultdict(dict)
    for row in rows_of(ephi_flows):
        key = Key(row["source"], row["destination"], row["protocol"])
        flows[key][row["verdict"]].append((int(row["port_from"]), int(row["port_to"])))
        others[key] = int(row["source_others"]), int(row["destination_others"])
        if row["reason"]:
            reasons[key][row["reason"]] = None
    log = Log(named_records(flow_records, flow_ends, owner), inside)
    seen = log.ports
    names = name_servers(service_targets, owner)
    options = dict(zip(reachability_options["option"], reachability_options["value"], strict=True))
    for key in sorted({*flows, *declared.pairs(inside), *seen}):
        source, destination = (End.of(name, namespaces.get(name, "")) for name in (key.source, key.destination))
        ends = (source, destination)
        allowed = union(flows[key]["allowed"])
        unknown = without(union(flows[key]["unknown"]), allowed)
        told = EVERY if key.source == key.destination else declared.ports(source, destination, key.protocol)
        blocked = () if told == EVERY and (allowed or unknown) else without(without(told, allowed), unknown)
        met = union((port, port) for port in seen.get(key, ()))
        ruled = key.source != key.destination and running.issuperset((key.source, key.destination))
        yield {
            "source": key.source,
            "source_namespace": source.namespace,
            "destination": key.destination,
            "destination_namespace": destination.namespace,
            "protocol": key.protocol,
            "source_others": others[key][0],
            "destination_others": others[key][1],
            "allowed": words(allowed),
            "unknown": words(unknown),
            "declared": words(told),
            "undeclared": words(without(allowed, told)),
            "doubtful": words(without(unknown, told)),
            "blocked": words(blocked) if key.source != key.destination else "",
            "category": category(source, destination, names),
            "outside": any(end.cell for end in ends),
            "internet": any(end.cell and end.cell.public for end in ends),
            "metadata": any(end.metadata for end in ends),
            "seen": log.seen(source, destination, key.protocol),
            "unexpected": words(without(met, told)),
            "contradicted": words(without(without(met, allowed), unknown)) if ruled else "",
            "idle": any(not end.cell and end.name in namespaces and end.name not in running for end in ends),
            "reason": "; ".join(reasons[key]),
            "enforcement": options["enforcement"],
            "verdict": "allowed" if allowed else "unknown" if unknown else "denied",
            "source_ephi": key.source in inside,
            "destination_ephi": key.destination in inside,
        }


class Declared:
    """The flows that the scope declares, by what their ends are called."""

    def __init__(self, expected_flows: pd.DataFrame, workloads: pd.DataFrame) -> None:
        self._rows = rows_of(expected_flows)
        self._workloads = workloads
        self._ports: dict[Key, list[tuple[int, int]]] = defaultdict(list)
        for row in self._rows:
            span = EVERY[0] if pd.isna(row["port"]) else (int(row["port"]), int(row["port"]))
            for protocol in [row["protocol"]] if row["protocol"] else PROTOCOLS:
                self._ports[Key(row["source"], row["destination"], protocol)].append(span)

    @cached_property
    def _outside(self) -> dict[str, Block | None]:
        return {
            name: parse_cidr(name) for name in self.names if is_cidr(name) or parse_address(name) or name == INTERNET
        }

    @cached_property
    def _members(self) -> dict[str, list[str]]:
        held: dict[str, list[str]] = defaultdict(list)
        for name, namespace in self._workloads[["object", "namespace"]].itertuples(index=False):
            held[name].append(name)
            held[NAMESPACE + namespace].append(name)
        return held

    def ports(self, source: End, destination: End, protocol: str) -> PortSet:
        """Return the ports that are declared between two ends."""
        return union(
            span
            for one in self._names(source)
            for other in self._names(destination)
            for span in self._ports.get(Key(one, other, protocol), ())
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Return everything that an end of a declared flow is called."""
        return frozenset(row[end] for row in self._rows for end in ("source", "destination"))

    def around(self, end: End) -> tuple[str, ...]:
        """Return the declared names that addresses outside go by."""
        return tuple(name for name in self._names(end) if name in self.names)

    def _names(self, end: End) -> Iterator[str]:
        """Yield the declared names that an end goes by."""
        yield end.name
        if end.namespace:
            yield NAMESPACE + end.namespace
        if end.cell is not None:
            for name, block in self._outside.items():
                if name != end.name and (block.holds(end.cell.block) if block else end.cell.public):
                    yield name

    def pairs(self, inside: frozenset[str]) -> Iterator[Key]:
        """Yield the declared pairs of workloads, one of them ePHI; what lies outside has too many addresses for it."""
        for key in self._ports:
            for one in self._members.get(key.source, ()):
                for other in self._members.get(key.destination, ()):
                    if one != other and (one in inside or other in inside):
                        yield Key(one, other, key.protocol)


class Log:
    """What a flow log shows of ePHI workloads, and what it leaves open."""

    def __init__(self, records: pd.DataFrame, inside: frozenset[str]) -> None:
        self.empty = records.empty
        self.ports: dict[Key, set[int]] = defaultdict(set)
        """Ports on which connections of ePHI workloads were seen and let through."""
        self._open: set[Key] = set()
        let_through = records[(records["verdict"] == "allowed") & records["protocol"].isin(PROTOCOLS)]
        for row in rows_of(let_through):
            if row["port"] <= 0:
                continue
            key = Key(row["source"], row["destination"], row["protocol"])
            if key.source in inside or key.destination in inside:
                self.ports[key].add(int(row["port"]))
            ends = (self._end(row, "source"), self._end(row, "destination"))
            if SOMEBODY in ends or OUTSIDE in ends:
                self._open.add(Key(*ends, key.protocol))

    @staticmethod
    def _end(row: dict[Any, Any], side: str) -> str:
        standing = row[f"{side}_standing"]
        if standing in ("", "pod"):
            return str(row[side]) if row[side].count("/") >= 2 else OUTSIDE
        return OUTSIDE if standing == "outside" else SOMEBODY

    def seen(self, source: End, destination: End, protocol: str) -> str:
        """Tell whether a connection between two ends was seen: yes, no, or unknown."""
        if Key(source.name, destination.name, protocol) in self.ports:
            return "yes"
        perhaps = (
            Key(one, other, protocol) in self._open
            for one in (source.name if source.namespace else OUTSIDE, SOMEBODY)
            for other in (destination.name if destination.namespace else OUTSIDE, SOMEBODY)
        )
        return "unknown" if self.empty or any(perhaps) else "no"


def name_servers(service_targets: pd.DataFrame, owner: dict[str, str]) -> frozenset[str]:
    """Return the workloads that answer on port 53 behind a Service."""
    return frozenset(owner.get(pod, "") for pod in service_targets[service_targets["port"] == 53]["pod"])


def category(source: End, destination: End, name_servers: frozenset[str]) -> str:
    """Return what traffic between two ends is for, by where they are and what they are called.

    Parameters
    ----------
    source, destination
        The two ends.
    name_servers
        Workloads that answer on port 53 behind a Service.
    """
    if destination.name in name_servers:
        return "dns"
    if not (source.namespace and destination.namespace):
        return "external"
    said = {*categories(source), *categories(destination)}
    return next((name for name in WORDS if name in said), "clinical")


def categories(end: End) -> tuple[str, ...]:
    """Return what traffic with an end may be for, by what the end is called."""
    said = set(_words(end))
    return tuple(name for name, held in WORDS.items() if said & held)


def _words(end: End) -> list[str]:
    name = parse_object_id(end.name)[2] if end.name.count("/") >= 2 else end.name
    return f"{end.namespace}-{name}".lower().replace(".", "-").split("-")
