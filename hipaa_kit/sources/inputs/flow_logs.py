"""Flow logs: connections that were seen, with the verdict they met, added up per pair, port and verdict.

Sources: https://docs.cilium.io/en/stable/_api/v1/flow/README/ (Hubble's `Flow`; `hubble observe -o jsonpb` writes
one per line), https://docs.tigera.io/calico-enterprise/latest/observability/elastic/flow/datatypes (Calico),
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (VPC, version 2).

Notes
-----
The public address of a person's device is an identifier (45 CFR 164.514(b)(2)(i)(O)), so public addresses become
keyed pseudonyms. The one exception is the far end of a connection that started at a private address: that is a
server, and only its address tells which one.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.network.addresses import is_address
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row
from hipaa_kit.sources.inputs.parsing import Sheet
from hipaa_kit.sources.inputs.values import get, moment, text, texts, truth, whole
from hipaa_kit.tables.observed import FLOW_RECORDS

PROTOCOLS: Final = {
    "tcp": "TCP",
    "6": "TCP",
    "udp": "UDP",
    "17": "UDP",
    "sctp": "SCTP",
    "132": "SCTP",
    "icmp": "ICMP",
    "1": "ICMP",
    "icmp6": "ICMP",
    "58": "ICMP",
}
HUBBLE: Final = {
    "FORWARDED": "allowed",
    "REDIRECTED": "allowed",
    "TRANSLATED": "allowed",
    "TRACED": "allowed",
    "AUDIT": "allowed",
    "DROPPED": "denied",
    "ERROR": "unknown",
}
NO_FLOW: Final = ("node_status", "lost_events")
"""What Hubble writes between flows."""
EPHEMERAL: Final = 32_768
"""First port that Linux takes for its own end: https://docs.kernel.org/networking/ip-sysctl.html."""
PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16"
    " fc00::/7 fe80::/10 ::1/128".split()
)
"""Addresses that no device on the internet has: RFC 1918, RFC 6598 (pods of some providers), RFC 3927, RFC 4193."""
VPC_COLUMNS: Final = frozenset("srcaddr dstaddr srcport dstport protocol action".split())


def is_hubble(document: Any) -> bool:
    """Tell whether a document is a line of `hubble observe -o jsonpb`, or the flow alone (`-o json`)."""
    flow = _hubble_flow(document)
    return (bool(text(flow, "verdict")) and "l4" in flow) or any(isinstance(get(document, k), Mapping) for k in NO_FLOW)


def _hubble_flow(document: Any) -> Mapping[str, Any]:
    flow = get(document, "flow")
    flow = flow if isinstance(flow, Mapping) else document
    return flow if isinstance(flow, Mapping) else {}


def read_hubble(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield one flow unless it is an answer."""
    flow = _hubble_flow(document)
    if truth(flow, "is_reply") or not text(flow, "verdict"):
        return
    protocol, port = _layer4(get(flow, "l4"))
    addresses = text(flow, "IP", "source"), text(flow, "IP", "destination")
    source, destination = _outside(*addresses, port, reading)
    names = texts(flow, "destination_names")
    values = {
        "observer": "hubble",
        "source": _pod(get(flow, "source")) or source,
        "source_namespace": text(flow, "source", "namespace"),
        "destination": _pod(get(flow, "destination")) or (names[0] if names else destination),
        "destination_namespace": text(flow, "destination", "namespace"),
        "port": port,
        "protocol": protocol,
        "verdict": HUBBLE.get(text(flow, "verdict"), "unknown"),
        "count": 1,
    }
    yield _seen(values, text(flow, "time"), text(flow, "time"))


def _layer4(layer: Any) -> tuple[str, int]:
    for name, protocol in (("TCP", "TCP"), ("UDP", "UDP"), ("SCTP", "SCTP"), ("ICMPv4", "ICMP"), ("ICMPv6", "ICMP")):
        if isinstance(get(layer, name), Mapping):
            return protocol, whole(layer, name, "destination_port") or 0
    return "other", 0


def _pod(end: Any) -> str:
    """Return the end of a flow as an object; identities outside the cluster have no pod."""
    namespace, pod = text(end, "namespace"), text(end, "pod_name")
    return f"Pod/{namespace}/{pod}" if namespace and pod else ""


def is_calico(document: Any) -> bool:
    """Tell whether a document is a flow log of Calico, or a hit of a search in its store."""
    flow = _calico_flow(document)
    return {"source_type", "dest_type", "action", "proto"} <= set(flow)


def _calico_flow(document: Any) -> Mapping[str, Any]:
    hit = get(document, "_source")
    flow = hit if isinstance(hit, Mapping) else document
    return flow if isinstance(flow, Mapping) else {}


def read_calico(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield one aggregated flow; both ends may report it, so that only what the source reports is counted.

    Notes
    -----
    A flow that the destination denies is reported as allowed by the source, so denials count from either end.
    """
    flow = _calico_flow(document)
    action = text(flow, "action")
    if text(flow, "reporter") == "dst" and action == "allow" and text(flow, "source_type") in ("wep", "hep"):
        return
    port = whole(flow, "dest_port") or 0
    outside = _outside(text(flow, "source_ip"), text(flow, "dest_ip"), port, reading)
    ends = [_calico_end(flow, side, address) for side, address in zip(("source", "dest"), outside, strict=True)]
    values = {
        "observer": "calico",
        "source": ends[0][0],
        "source_namespace": ends[0][1],
        "destination": ends[1][0],
        "destination_namespace": ends[1][1],
        "port": port,
        "protocol": PROTOCOLS.get(text(flow, "proto").lower(), "other"),
        "verdict": {"allow": "allowed", "deny": "denied"}.get(action, "unknown"),
        "count": whole(flow, "num_flows") or 1,
    }
    yield _seen(values, get(flow, "start_time"), get(flow, "end_time"))


def _calico_end(flow: Mapping[str, Any], side: str, address: str) -> tuple[str, str]:
    names = [text(flow, f"{side}_name"), text(flow, f"{side}_name_aggr"), address]
    named = next((name for name in names[:2] if name not in ("", "-")), "")
    namespace = text(flow, f"{side}_namespace").strip("-")
    if text(flow, f"{side}_type") == "wep":
        return f"Pod/{namespace}/{named}", namespace
    if text(flow, f"{side}_type") == "net":
        return address or named or "unknown", ""
    return named or address or "unknown", namespace


def is_vpc(document: Any) -> bool:
    """Tell whether a document is a VPC flow log with its header line."""
    return isinstance(document, Sheet) and set(document.columns) >= VPC_COLUMNS


def read_vpc(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the records of a VPC flow log.

    Notes
    -----
    A record has no direction. One that goes from a low port to one of the ephemeral range is taken for an answer.
    """
    for _, record in document.rows:
        source_port, port = whole(record, "srcport") or 0, whole(record, "dstport") or 0
        if record.get("log-status", "OK") != "OK" or (port >= EPHEMERAL > source_port > 0):
            continue
        source, destination = _outside(record["srcaddr"], record["dstaddr"], port, reading)
        values = {
            "observer": "vpc",
            "source": source or "unknown",
            "destination": destination or "unknown",
            "port": port,
            "protocol": PROTOCOLS.get(record["protocol"], "other"),
            "verdict": {"ACCEPT": "allowed", "REJECT": "denied"}.get(record["action"], "unknown"),
            "count": 1,
        }
        yield _seen(values, record.get("start", ""), record.get("end", ""))


def _seen(values: dict[str, Any], first: Any, last: Any) -> Row:
    times = {"first_seen_at": moment(first), "last_seen_at": moment(last)}
    return Row(FLOW_RECORDS, {**values, **times, "untimed": 0 if all(times.values()) else values["count"]})


def _outside(source: str, destination: str, port: int, reading: Reading) -> tuple[str, str]:
    """Return two addresses as they may be kept."""
    towards_server = _is_private(source) and port < EPHEMERAL
    kept = destination if towards_server and is_address(destination) else _kept(destination, reading)
    return _kept(source, reading), kept


def _kept(address: str, reading: Reading) -> str:
    if not address or address == "-":
        return ""
    return address if _is_private(address) else f"outside/{reading.pseudonym(address)}"


@functools.lru_cache(maxsize=100_000)
def _is_private(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in PRIVATE if network.version == found.version)


INPUTS: Final = (
    Input(
        "flow_logs",
        "connections that were seen on the network, from Cilium's Hubble, Calico or a VPC",
        (
            Form("hubble observe -o jsonpb", is_hubble, read_hubble),
            Form("flow logs of Calico, JSON", is_calico, read_calico),
            Form("VPC flow logs, version 2, with a header line", is_vpc, read_vpc),
        ),
        (FLOW_RECORDS,),
        "hubble observe --since 24h -o jsonpb > inputs/flows.jsonl",
    ),
)
