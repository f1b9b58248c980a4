"""Entries: whether what comes in from outside to ePHI comes in by TLS."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from hipaa_kit.inventory.pods import undeclared_on_nodes
from hipaa_kit.kube.tls import PLAIN_PORTS
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import OWN_TLS, PATCHED

OWN = ("load_balancer", "node_port", "external_ip", "host_port")
"""Entries by which a port of a pod stands in the open by itself."""


NO_WAY = dict.fromkeys(("pod", "entry", "by", "plain", "level", "enforcement"), "") | {
    "member": "no way",
    "sign": "yes",
    "port": 0,
}
"""What is said of a workload that nothing opens to outside."""


@check("HK-ENC-08")
def ingresses_end_tls(
    entry_listeners: pd.DataFrame, service_backends: pd.DataFrame, pods: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> pd.DataFrame:
    """Judge every Ingress that leads to ePHI by whether each of its hosts ends TLS and turns plain requests away.

    Parameters
    ----------
    entry_listeners, service_backends, pods, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per host and Service of an Ingress

    Notes
    -----
    What each controller does with its annotations stands in `graph.ingress_tls`. A redirect that only the default
    of a controller gives is a question: its ConfigMap may turn it off and is not read.
    """
    examined = _leading(entry_listeners, service_backends, pods, ephi_workloads)
    return _ended(examined[examined["family"] == "ingress"], "tls for {host_words}, and a redirect")


@check("HK-ENC-09", everywhere=True)
def gateways_end_tls(
    entry_listeners: pd.DataFrame, service_backends: pd.DataFrame, pods: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> pd.DataFrame:
    """Judge every Gateway, ListenerSet and Route that leads to ePHI by whether it takes plain requests to it.

    Parameters
    ----------
    entry_listeners, service_backends, pods, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row per listener, route, host and Service

    Notes
    -----
    A route that names no listener is attached to all of its Gateway, to that for plain HTTP as well. What follows
    behind the end of TLS is judged by HK-ENC-12.
    Source: https://gateway-api.sigs.k8s.io/reference/spec/#parentreference
    """
    examined = _leading(entry_listeners, service_backends, pods, ephi_workloads)
    return _ended(examined[examined["family"] != "ingress"], "an HTTPS listener, and a redirect from the plain one")


def _leading(
    listeners: pd.DataFrame, service_backends: pd.DataFrame, pods: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> pd.DataFrame:
    """Return the listeners that lead to a Service of ePHI pods, ready or not, named for a sentence."""
    inside = pods[pods["workload"].isin(ephi_workloads["object"])]["object"]
    services = service_backends[service_backends["pod"].isin(inside)]["service"]
    found = listeners[listeners["service"].isin(services)]
    words = found["host"].map(lambda host: f"host {host}" if host else "every host")
    where = found["listener"].map(lambda name: f"listener {name} for " if name else "")
    return found.assign(host_words=words, member=where + words + " to " + found["service"])


def _ended(examined: pd.DataFrame, expected: str) -> pd.DataFrame:
    return judge(
        examined,
        fails(
            (examined["tls"] == "none") & (examined["plain"] == "served"),
            "{host_words} leads to {service} without TLS: {basis}",
            observed="no TLS",
            expected=expected,
        ),
        fails(
            (examined["tls"] != "none") & (examined["plain"] == "served"),
            "plain requests to {host_words} are served by {service} beside those by TLS: {basis}",
            observed="no redirect",
            expected=expected,
        ),
        reviews(
            (examined["tls"] == "unknown") | (examined["plain"] == "unknown"),
            "are plain requests to {host_words} turned away? {basis}",
            observed="{basis}",
        ),
        member="member",
        evidence="service",
        passes="{host_words}: TLS is {tls}, plain requests are {plain}: {basis}",
    )


@check("HK-ENC-10", everywhere=True)
def open_ports_speak_tls(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    container_ports: pd.DataFrame,
    exposures: pd.DataFrame,
    port_tls: pd.DataFrame,
    mesh_pods: pd.DataFrame,
    mesh_exceptions: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every port of an ePHI workload that a Service or a node opens to outside by what speaks of TLS on it.

    Parameters
    ----------
    ephi_workloads, pods, container_ports, exposures, port_tls, mesh_pods, mesh_exceptions : tables of those names

    Returns
    -------
    table `judgements`, one row per way into a port of a pod; one for a workload without any, and for each pod on the
    network of its node that declares no port

    Notes
    -----
    A port of a protocol that is plain by itself fails where nothing speaks of TLS, any other port is a question. A
    name claims TLS and shows none. What a load balancer passes on after it has ended TLS is judged by HK-ENC-12.
    Plain text that a probe shows may be spoken behind the proxy of a mesh, whose policies then decide.
    """
    ways = exposures[exposures["workload"].isin(ephi_workloads["object"]) & exposures["entry_type"].isin(OWN)]
    known = {(row["workload"], row["protocol"], int(row["port"])): row for row in rows_of(port_tls)}
    meshed = _Meshed(mesh_pods, mesh_exceptions)
    found = [_signed(row, known, meshed) for row in rows_of(ways)]
    hidden = undeclared_on_nodes(pods, container_ports)
    hidden = hidden[hidden["workload"].isin(ephi_workloads["object"])]
    found += [
        {**NO_WAY, "object": name, "member": pod, "sign": "hidden", "words": "no port is declared"}
        for name, pod in hidden[["workload", "object"]].itertuples(index=False)
    ]
    shut = ephi_workloads[~ephi_workloads["object"].isin([*ways["workload"], *hidden["workload"]])]
    found += [
        {**NO_WAY, "object": name, "words": "no port of it is open to outside by itself"} for name in shut["object"]
    ]
    examined = pd.DataFrame(found, columns=["object", "words", *NO_WAY])
    closed = (examined["level"] == "none") & (examined["enforcement"] == "enforced")
    bare = ~closed & (examined["sign"] == "unknown")
    shown = ~closed & (examined["sign"] == "no")
    apart = examined["pod"].isin(_outside_of_meshes(pods, mesh_pods))
    said = "{entry} opens port {port} of it, on which plain text is spoken: {words}"
    expected = "TLS, or no way in from outside"
    return judge(
        examined,
        fails(shown & apart, said, observed="{words}", expected=expected),
        fails(shown & ~apart, said, observed="{words}", expected=expected, rests_on=["mesh_pods"]),
        fails(
            bare & (examined["plain"] != ""),
            "{entry} opens port {port} of it{by}, that of {plain}, and nothing speaks of TLS",
            observed="port {port}",
            expected=expected,
            rests_on=["port_tls", "mesh_pods"],
        ),
        reviews(
            bare | (~closed & (examined["sign"] == "claimed")),
            "is it TLS that port {port} of it speaks, which {entry} opens? {words}",
            observed="{words}",
        ),
        reviews(
            examined["sign"] == "hidden",
            "what does {member} open on the network of its node, and is it TLS? It declares no port",
            path="$.spec.hostNetwork",
            observed="{words}",
        ),
        not_assessed(
            (examined["level"] == "none") & (examined["enforcement"] == "unknown"),
            "policies shut {entry}, but that anything enforces them is not known",
            code="input_missing",
        ),
        member="member",
        passes="{words}",
    )


def _outside_of_meshes(pods: pd.DataFrame, mesh_pods: pd.DataFrame) -> pd.Series:
    """Return the pods before which no proxy stands, whatever was not read: those that run without one, or on a node."""
    without = mesh_pods.loc[mesh_pods["inside"].eq(False), "pod"]
    seen = pods["live"].eq(True) | pods["host_network"].eq(True)
    return pods.loc[seen & pods["object"].isin(without), "object"]


class _Meshed:
    """Which ports of which pods take in mutual TLS of a mesh alone."""

    def __init__(self, mesh_pods: pd.DataFrame, mesh_exceptions: pd.DataFrame) -> None:
        self._inside = set(mesh_pods.loc[mesh_pods["inside"].eq(True), "pod"])
        self._strict = set(mesh_pods.loc[mesh_pods["mode"] == "strict", "pod"])
        self._apart: dict[object, list[tuple[int, int, str, str]]] = defaultdict(list)
        for row in rows_of(mesh_exceptions[mesh_exceptions["direction"] == "in"]):
            span = (int(row["port_from"]), int(row["port_to"]), row["mode"], row["source"])
            self._apart[row["pod"]].append(span)

    def strict(self, pod: object, port: int) -> bool:
        """Tell whether nothing but mutual TLS is taken in; a port that is treated apart goes by that alone."""
        apart = [mode for mode, _ in self._here(pod, port) if mode != PATCHED]
        return pod in self._inside and (all(mode == "strict" for mode in apart) if apart else pod in self._strict)

    def patched(self, pod: object, port: int) -> str:
        """Return what rewrites the proxy before a port, and may undo that, or ""."""
        return self._said(pod, port, PATCHED)

    def own_tls(self, pod: object, port: int) -> str:
        """Return what makes the proxy end TLS of its own on a port, or ""."""
        return self._said(pod, port, OWN_TLS)

    def _said(self, pod: object, port: int, asked: str) -> str:
        return next((source for mode, source in self._here(pod, port) if mode == asked), "")

    def _here(self, pod: object, port: int) -> list[tuple[str, str]]:
        return [(mode, source) for first, last, mode, source in self._apart.get(pod, ()) if first <= port <= last]


def _signed(
    row: dict[str, object], known: dict[tuple[object, object, int], dict[str, object]], meshed: _Meshed
) -> dict[str, object]:
    """Return a way with what speaks of TLS on it."""
    port = int(str(row["port"]))
    tls = known.get((row["workload"], row["protocol"], port))
    sign, words = (str(tls["spoken"]), str(tls["basis"])) if tls else ("unknown", "nothing speaks of TLS")
    if row["tls"] == "terminated":
        sign, words = "yes", f"{row['entry']} ends TLS at its load balancer"
    elif row["protocol"] == "TCP" and meshed.strict(row["pod"], port):
        patched = meshed.patched(row["pod"], port)
        sign, words = (
            ("claimed", f"in the mesh, {patched}") if patched else ("yes", "the mesh takes in mutual TLS alone")
        )
    elif row["protocol"] == "TCP" and sign == "unknown" and (own := meshed.own_tls(row["pod"], port)):
        sign, words = "claimed", own
    elif row["entry_type"] == "load_balancer" and row["tls"] == "unknown" and sign == "unknown":
        sign, words = "claimed", f"{row['entry']} asks AWS to end TLS, and that the cluster is there is not seen"
    if row["level"] == "none" and row["enforcement"] == "enforced":
        words = f"policies let nothing in by {row['entry']}"
    plain, by = PLAIN_PORTS.get(port, ""), ""
    if not plain and (plain := PLAIN_PORTS.get(int(str(row["entry_port"])), "")):
        by = f" by port {row['entry_port']}"
    return {
        "object": row["workload"],
        "member": f"{row['entry']} port {row['entry_port']} to {row['pod']} {row['protocol']} {port}",
        "sign": sign,
        "words": words,
        "pod": row["pod"],
        "entry": row["entry"],
        "port": port,
        "by": by,
        "plain": plain if row["protocol"] == "TCP" else "",
        "level": row["level"],
        "enforcement": row["enforcement"],
    }
