"""Which flows an isolated workload keeps: those that are declared, and of those that a flow log saw the expected ones.

A flow that was seen and not declared is allowed where none of its ends holds ePHI, where both do, where another port
between its ends is declared, and where it asks a name server. Any other is a question to people and no rule of a
policy: that somebody connects to ePHI is no proof that he may.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from hipaa_kit.graph.flow_ends import named_records
from hipaa_kit.graph.traffic import Declared, End, name_servers
from hipaa_kit.kube.network.addresses import Cell, parse_address
from hipaa_kit.kube.network.ports import PROTOCOLS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.safeguards.network_isolation.remedies import Rule, rule_peers
from hipaa_kit.safeguards.remedy import Cluster
from hipaa_kit.tables.declaration import rows_of

DNS: Final = 53
OUTSIDE: Final = "it leads out of the cluster, or in from outside, and nobody declared it"
UNNAMED: Final = "no rule can name its other end"
STRANGE: Final = "one end holds ePHI, and nobody declared the other"


class Seen(NamedTuple):
    """How often a flow log has a flow, and when last."""

    times: int = 0
    last: str = ""

    @property
    def words(self) -> str:
        """It in words."""
        last = f", the last {self.last}" if self.last else ""
        return f"seen {self.times} times{last}" if self.times else ""


class Kept(NamedTuple):
    """One flow of an isolated workload: allowed, or a question where `doubt` says why it is not."""

    direction: str
    other: str
    protocol: str
    port: int | None
    declared: bool
    seen: Seen
    doubt: str = ""

    @property
    def flow(self) -> str:
        """The flow in words."""
        side = "from" if self.direction == "ingress" else "to"
        port = "any port" if self.port is None else f"{self.protocol or 'TCP'} {self.port}"
        return f"{self.direction} {side} {self.other} on {port}"

    @property
    def basis(self) -> str:
        """Why it is allowed."""
        return "; ".join(filter(None, ("declared" if self.declared else "not declared", self.seen.words)))


def kept_flows(workload: str, cluster: Cluster) -> list[Kept]:
    """Return the flows of a workload that are declared or were seen, with what is to become of each."""
    return list(_declared(workload, cluster)) + list(_seen(workload, cluster))


def seen_rules(workload: str, direction: str, cluster: Cluster) -> list[Rule]:
    """Return a rule for each flow of a workload that was seen, is not declared, and is expected."""
    field = "from" if direction == "ingress" else "to"
    return [
        {field: rule_peers(each.other, cluster), "ports": [{"protocol": each.protocol, "port": each.port}]}
        for each in _seen(workload, cluster)
        if each.direction == direction and not each.doubt
    ]


def seen_from_outside(workload: str, cluster: Cluster) -> list[Kept]:
    """Return the connections from outside the cluster that a flow log saw at a workload."""
    found = []
    for (source, protocol, port), (seen, outside) in sorted(_log(cluster)["ingress"].get(workload, {}).items()):
        if outside:
            found.append(Kept("ingress", source, protocol, port, False, seen))
    return found


def _declared(workload: str, cluster: Cluster) -> Iterator[Kept]:
    mine = (workload, f"Namespace//{parse_object_id(workload)[1]}")
    for direction, near, far in (("ingress", "destination", "source"), ("egress", "source", "destination")):
        log = _log(cluster)[direction].get(workload, {})
        for row in cluster.rows("expected_flows"):
            if row[near] not in mine:
                continue
            other = str(row[far])
            port = int(row["port"]) if row["port"] is not None and row["port"] == row["port"] else None
            met = [
                seen
                for (end, protocol, number), (seen, _) in log.items()
                if other in (end, f"Namespace//{parse_object_id(end)[1]}" if end.count("/") >= 2 else end)
                and port in (None, number)
                and str(row["protocol"]) in ("", protocol)
            ]
            seen = Seen(sum(each.times for each in met), max((each.last for each in met), default=""))
            doubt = "" if rule_peers(other, cluster) else UNNAMED
            yield Kept(direction, other, str(row["protocol"]), port, True, seen, doubt)


def _seen(workload: str, cluster: Cluster) -> Iterator[Kept]:
    """Yield the flows of a workload that a flow log saw and that nobody declared."""
    for direction, flows in _log(cluster).items():
        for (other, protocol, port), (seen, outside) in sorted(flows.get(workload, {}).items()):
            source, destination = (other, workload) if direction == "ingress" else (workload, other)
            declared: Declared = cluster.once("declared flows", lambda: _scope(cluster))
            ends = _end(source), _end(destination)
            if any(low <= port <= high for low, high in declared.ports(*ends, protocol)) or other == workload:
                continue
            doubt = OUTSIDE if outside else "" if rule_peers(other, cluster) else UNNAMED
            doubt = doubt or _strange(direction, workload, other, port, ends, cluster)
            yield Kept(direction, other, protocol, port, False, seen, doubt)


def _strange(direction: str, workload: str, other: str, port: int, ends: tuple[End, End], cluster: Cluster) -> str:
    """Return why a flow between two workloads is not expected; "" where it is."""
    held = [bool(cluster.rows("ephi_workloads", object=name)) for name in (workload, other)]
    servers = cluster.once("name servers", lambda: _servers(cluster))
    if held[0] == held[1] or (direction == "egress" and port == DNS and other in servers):
        return ""
    declared: Declared = cluster.once("declared flows", lambda: _scope(cluster))
    return "" if any(declared.ports(*ends, protocol) for protocol in PROTOCOLS) else STRANGE


def _scope(cluster: Cluster) -> Declared:
    return Declared(cluster.tables["expected_flows"], cluster.tables["workloads"])


def _servers(cluster: Cluster) -> frozenset[str]:
    return name_servers(cluster.tables["service_targets"], _owners(cluster))


def _owners(cluster: Cluster) -> dict[str, str]:
    pods = cluster.tables["pods"]
    return dict(zip(pods["object"], pods["workload"], strict=True))


def _end(name: str) -> End:
    if name.count("/") >= 2:
        return End(name, parse_object_id(name)[1])
    block = parse_address(name)
    return End(name, "", Cell(block, ()) if block else None)


Flows = dict[str, dict[tuple[str, str, int], tuple[Seen, bool]]]
"""By workload and (other end, protocol, port): how often it was seen, and whether the other end is outside."""


def _log(cluster: Cluster) -> dict[str, Flows]:
    found: dict[str, Flows] = cluster.once("flows of the log", lambda: _read(cluster))
    return found


def _read(cluster: Cluster) -> dict[str, Flows]:
    records = named_records(cluster.tables["flow_records"], cluster.tables["flow_ends"], _owners(cluster))
    records = records[(records["verdict"] == "allowed") & records["protocol"].isin(PROTOCOLS) & (records["port"] > 0)]
    found: dict[str, Flows] = {"ingress": defaultdict(dict), "egress": defaultdict(dict)}
    for row in rows_of(records):
        for direction, near, far in (("ingress", "destination", "source"), ("egress", "source", "destination")):
            near_end, other = str(row[near]), str(row[far])
            if near_end.count("/") < 2:
                continue
            flows = found[direction][near_end]
            key = (other, str(row["protocol"]), int(row["port"]))
            before, _ = flows.get(key, (Seen(), False))
            seen = Seen(before.times + int(row["count"]), max(before.last, str(row["last_seen_at"])))
            flows[key] = seen, _outside(row, far)
    return found


def _outside(row: dict[str, Any], side: str) -> bool:
    return bool(row[f"{side}_standing"] == "outside") or (not row[f"{side}_standing"] and str(row[side]).count("/") < 2)
