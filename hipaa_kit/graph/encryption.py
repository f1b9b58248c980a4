"""What encrypts every flow of ePHI: a mesh, the network between nodes, TLS of the application, or nothing that is seen.

Taken are the flows that policies allow or leave open and those that the scope declares, each on the ports that the
destination is known to answer on: those that its containers declare, that Services lead to, or that a flow names. What
listens on a port that nothing names is not seen. The strongest thing that is sure counts; what may be is `unknown`,
never encryption.
Source: https://istio.io/latest/docs/concepts/security/#mutual-tls-authentication, `kube.destination_rules`,
https://linkerd.io/2/features/automatic-mtls/, and those of `inventory.node_encryption` and `inventory.port_tls`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.graph.client_tls import DESTINATION_RULE, ClientTls
from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import items, text
from hipaa_kit.inventory.mesh import BYPASS
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.destination_rules import BY_ITSELF, UNSURE, Spoken
from hipaa_kit.kube.images import parse_image
from hipaa_kit.kube.tls import TLS_PORTS
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import FLOW_ENCRYPTION, OWN_TLS, PATCHED


class Setting(NamedTuple):
    """A variable by which a client refuses to speak without TLS: the values that do, and the ports they are for.

    `image` and `since` name the program that is known to obey it; of any other it is only claimed.
    """

    values: frozenset[str]
    ports: tuple[int, ...]
    image: str = ""
    since: tuple[int, int] = (0, 0)


CLIENT_SETTINGS = {
    "PGSSLMODE": Setting(frozenset(["require", "verify-ca", "verify-full"]), (5432, 6432)),
    "KC_DB_TLS_MODE": Setting(frozenset(["verify-server"]), (1433, 1521, 3306, 5432, 6432), "keycloak", (26, 6)),
}
"""Settings of clients. Every program that is made with libpq obeys the first, and others need not.

Source: https://www.postgresql.org/docs/current/libpq-envars.html, https://www.keycloak.org/server/db,
https://github.com/keycloak/keycloak/issues/46603
"""


NOBODY = ""
"""Stands for a source of which nothing is known."""


class By(NamedTuple):
    """What encrypts a flow, and why."""

    encrypted_by: str
    basis: str


class Pod(NamedTuple):
    """One pod as far as encryption of its connections goes."""

    name: str
    node: str
    host_network: bool
    mesh: str
    inside: bool | None
    mode: str
    source: str


@builds(FLOW_ENCRYPTION, reads=(*POD_KINDS, DESTINATION_RULE))
def flow_encryption(
    snapshot: Snapshot,
    ephi_traffic: pd.DataFrame,
    pods: pd.DataFrame,
    mesh_pods: pd.DataFrame,
    mesh_exceptions: pd.DataFrame,
    node_encryption: pd.DataFrame,
    port_tls: pd.DataFrame,
    service_targets: pd.DataFrame,
    told_addresses: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per port of each flow of ePHI that may be, or is declared."""
    client_tls = ClientTls(snapshot, pods, service_targets)
    told = _told(told_addresses)
    decide = _Decide(snapshot, pods, mesh_pods, mesh_exceptions, node_encryption, port_tls, client_tls, told)
    for row in rows_of(ephi_traffic):
        spans = _spans(row["allowed"]) + _spans(row["unknown"])
        declared = _spans(row["declared"])
        open_ = spans or (declared if row["seen"] == "yes" or row["idle"] is True else [])
        if not open_:
            continue
        known = decide.ports(row["destination"], row["protocol"])
        named = {first for first, last in declared if first == last and _within(first, open_)}
        outside = row["destination_namespace"] == ""
        ports = sorted({port for port in known if _within(port, open_)} | named) or ([0] if outside else [])
        for port in ports:
            said = decide.flow(row["source"], row["destination"], row["protocol"], port)
            if others := row["source_others"] + row["destination_others"]:
                said = decide.for_others(said, row, port, others)
            pairs, same = decide.pairs(row["source"], row["destination"])
            yield {
                "source": row["source"],
                "destination": row["destination"],
                "protocol": row["protocol"],
                "port": port,
                "category": row["category"],
                "declared": _within(port, declared),
                "verdict": row["verdict"],
                "destination_ephi": row["destination_ephi"],
                "encrypted_by": said.encrypted_by,
                "basis": said.basis,
                "pod_pairs": pairs,
                "same_node_pairs": same,
            }


def _spans(words: str) -> list[tuple[int, int]]:
    """Return the ranges of ports in words, as table `ephi_traffic` has them."""
    found = []
    for word in words.split():
        first, _, last = word.partition("-")
        found.append((1, 65535) if word == "every" else (int(first), int(last or first)))
    return found


def _within(port: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(first <= port <= last for first, last in spans)


class _Decide:
    """Finds what encrypts one flow; each question is answered once for a pair of ends."""

    def __init__(
        self,
        snapshot: Snapshot,
        pods: pd.DataFrame,
        mesh_pods: pd.DataFrame,
        mesh_exceptions: pd.DataFrame,
        node_encryption: pd.DataFrame,
        port_tls: pd.DataFrame,
        client_tls: ClientTls,
        told: Mapping[tuple[str, str, int], By],
    ) -> None:
        self._client_tls, self._told = client_tls, told
        self._ends = _ends(pods, mesh_pods)
        self._exceptions: dict[tuple[str, str], list[tuple[int, int, str, str]]] = defaultdict(list)
        self._patches: dict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
        for row in rows_of(mesh_exceptions):
            key, first, last = (row["pod"], row["direction"]), int(row["port_from"]), int(row["port_to"])
            if row["mode"] == PATCHED:
                self._patches[key].append((first, last, row["source"]))
            else:
                self._exceptions[key].append((first, last, row["mode"], row["source"]))
        self._nodes = {
            row["node"].removeprefix("Node//"): (row["mechanism"], bool(row["host"]), row["basis"])
            for row in rows_of(node_encryption)
        }
        self._tls: dict[tuple[str, str], dict[int, By]] = defaultdict(dict)
        for row in rows_of(port_tls):
            self._tls[row["workload"], row["protocol"]][int(row["port"])] = By(row["spoken"], row["basis"])
        self._clients = _client_settings(snapshot)
        self._between: dict[tuple[str, str], By] = {}
        self._pairs: dict[tuple[str, str], tuple[int | None, int | None]] = {}

    def ports(self, destination: str, protocol: str) -> Iterable[int]:
        """Return the ports that a workload is known to answer on."""
        return self._tls[destination, protocol]

    def flow(self, source: str, destination: str, protocol: str, port: int) -> By:
        """Return what encrypts one flow: what is sure before what may be, and that before nothing."""
        found = [
            *([self._mesh(source, destination, port)] if protocol == "TCP" else []),
            self._network(source, destination),
            self._application(source, destination, protocol, port),
        ]
        sure = next((by for by in found if by.encrypted_by not in ("none", "unknown")), None)
        maybe = next((by for by in found if by.encrypted_by == "unknown"), None)
        return sure or maybe or By("none", "; ".join(dict.fromkeys(by.basis for by in found if by.basis)))

    def for_others(self, said: By, row: Mapping[str, Any], port: int, others: int) -> By:
        """Return what is sure of a row that stands for several ends: only what the one that answers sees to alone.

        Ends that stand together are alike in who may connect, and need not be in what encrypts.
        """
        if said.encrypted_by in ("none", "unknown"):
            return said
        if row["destination_others"] == 0:
            mesh = self._mesh(NOBODY, row["destination"], port) if row["protocol"] == "TCP" else By("none", "")
            alone = (mesh, self._application(NOBODY, row["destination"], row["protocol"], port))
            if sure := next((by for by in alone if by.encrypted_by not in ("none", "unknown")), None):
                return sure
        return By("unknown", f"{said.basis}; the row stands for {others} more ends, which may differ in that")

    def pairs(self, source: str, destination: str) -> tuple[int | None, int | None]:
        """Return how many pairs of pods two workloads have, and how many of them share a node."""
        key = (source, destination)
        if key not in self._pairs:
            ones, others = self._ends.get(source), self._ends.get(destination)
            self._pairs[key] = (None, None) if not ones or not others else _counted(ones, others, source == destination)
        return self._pairs[key]

    def _mesh(self, source: str, destination: str, port: int) -> By:
        answering, asking = self._ends.get(destination, []), self._ends.get(source, [])
        if not any(pod.mesh or pod.inside is None for pod in answering):
            return self._begun(source, destination, port, asking)
        modes = [self._mode(pod, "in", port) for pod in answering]
        said = self._spoken(source, destination, port, asking)
        strict = all(mode == "strict" for mode, _ in modes)
        patched = self._patched(source, asking, answering, port)
        if patched and (strict or self._encrypts_by_itself(asking, answering, port)):
            return By("unknown", f"whether mutual TLS stays is not known: {patched}")
        if strict:
            if said.by in ("plain", UNSURE):
                word = "turns" if said.by == "plain" else "may turn"
                return By("unknown", f"{said.source} {word} TLS off towards it, though it takes in mutual TLS alone")
            return By("mesh", f"takes in mutual TLS alone: {modes[0][1]}")
        if any(mode == "disabled" for mode, _ in modes):
            return By("none", next(f"past the mesh: {why}" for mode, why in modes if mode == "disabled"))
        if own := next((why for mode, why in modes if mode == OWN_TLS), ""):
            return By("unknown", f"whether its clients begin that TLS is not known: {own}")
        if said.by == "plain":
            return By("none", f"{said.source} turns TLS off towards it")
        if self._encrypts_by_itself(asking, answering, port):
            return By("mesh", f"both ends are in the mesh {asking[0].mesh}, which always encrypts between them")
        if any(pod.inside is None or pod.mode == "unknown" for pod in answering) or _whole(asking, answering):
            return By("unknown", next((why for mode, why in modes if mode != "strict"), "the mesh is not understood"))
        return By("none", next(f"plain text is let in: {why}" for mode, why in modes if mode != "strict"))

    def _encrypts_by_itself(self, asking: list[Pod], answering: list[Pod], port: int) -> bool:
        """Tell whether both ends are in one mesh that encrypts between its pods whatever they take in."""
        around = any(self._mode(pod, "out", port)[0] in ("disabled", "unknown") for pod in asking if pod.mesh)
        around = around or any(self._mode(pod, "in", port)[1] == BYPASS for pod in answering)
        return _whole(asking, answering) and not around and asking[0].mesh in ("linkerd", "istio-ambient")

    def _patched(self, source: str, asking: list[Pod], answering: list[Pod], port: int) -> str:
        """Return what rewrites a proxy that a flow passes, of any client where it is not known, or ""."""
        pods = [(pod.name, "in") for pod in answering]
        pods += [key for key in self._patches if key[1] == "out"] if source == NOBODY else []
        pods += [(pod.name, "out") for pod in asking]
        held = (each for key in pods for each in self._patches.get(key, ()))
        return next((why for first, last, why in held if first <= port <= last or port == 0), "")

    def _spoken(self, source: str, destination: str, port: int, asking: list[Pod]) -> Spoken:
        """Return what sidecars of Istio before a client speak; the node's proxy of an ambient mesh heeds no rule."""
        if source != NOBODY and not any(pod.mesh == "istio" or pod.inside is None for pod in asking):
            return Spoken(BY_ITSELF)
        found = self._client_tls.inside(source, destination, port)
        every = all(pod.mesh == "istio" and pod.inside for pod in asking)
        return found if every or found.by == BY_ITSELF else Spoken(UNSURE, found.source)

    def _begun(self, source: str, destination: str, port: int, asking: list[Pod]) -> By:
        """Return what encrypts a flow out of the mesh: a client's proxy may begin TLS of its own."""
        if asking and all(pod.mesh == "istio" and pod.inside for pod in asking):
            outside = destination not in self._ends
            said = self._client_tls.inside(source, destination, port)
            rule = self._client_tls.outside(source) if outside else said.source if said.by == "begun" else ""
            if rule:
                return By("unknown", f"the client's proxy may begin TLS there: {rule}")
        return By("none", "the destination is in no mesh")

    def _mode(self, pod: Pod, direction: str, port: int) -> tuple[str, str]:
        """Return what a pod's proxy does with one port in one direction, and why."""
        if pod.inside is None:
            return "unknown", f"whether the proxy is in {pod.name} cannot be seen"
        if not pod.inside:
            return "disabled", f"{pod.name} is in no mesh"
        spans = self._exceptions[pod.name, direction]
        held = [(mode, why) for first, last, mode, why in spans if first <= port <= last or port == 0]
        worst = sorted(held, key=lambda each: ("disabled", OWN_TLS, "unknown", "permissive", "strict").index(each[0]))
        own = (pod.mode, pod.source) if direction == "in" else ("strict", "")
        if worst and worst[0][0] == "unknown" and own[0] == "strict":
            return "unknown", worst[0][1]
        return worst[0] if worst else own

    def _network(self, source: str, destination: str) -> By:
        key = (source, destination)
        if key not in self._between:
            self._between[key] = self._between_nodes(self._ends.get(source), self._ends.get(destination))
        return self._between[key]

    def _between_nodes(self, ones: list[Pod] | None, others: list[Pod] | None) -> By:
        if not ones or not others:
            return By("none", "encryption between nodes does not reach outside the cluster")
        every = (*ones, *others)
        nodes = {pod.node for pod in every if pod.node}
        if any(not pod.node for pod in every):
            nodes |= set(self._nodes)
        said = [self._nodes.get(node, ("unknown", False, "nothing is known of a node")) for node in sorted(nodes)]
        if not said:
            return By("unknown", "on which nodes the pods run is not known")
        mechanisms = {mechanism for mechanism, _, _ in said}
        if "none" in mechanisms:
            return By("none", next(basis for mechanism, _, basis in said if mechanism == "none"))
        if "unknown" in mechanisms or len(mechanisms) > 1:
            return By("unknown", next((basis for mechanism, _, basis in said if mechanism == "unknown"), "mixed"))
        if any(pod.host_network for pod in every) and not all(host for _, host, _ in said):
            return By("none", f"a pod is on the network of its node, which {said[0][0]} does not cover here")
        return By(said[0][0], said[0][2])

    def _application(self, source: str, destination: str, protocol: str, port: int) -> By:
        for setting, said in self._clients.get(source, {}).items():
            if protocol == "TCP" and port in CLIENT_SETTINGS[setting].ports:
                return said
        found = self._tls.get((destination, protocol), {}).get(port, By("unknown", "nothing speaks of TLS"))
        if found.encrypted_by == "no":
            return By("none", found.basis)
        if found.encrypted_by != "unknown":
            return By("app-tls" if found.encrypted_by == "yes" else "unknown", found.basis)
        if protocol == "TCP" and port in TLS_PORTS:
            return By("unknown", f"port {port} is one of protocols inside TLS")
        told = self._told.get((source, destination, port)) if protocol == "TCP" else None
        return told or By("none", found.basis)


def _told(addresses: pd.DataFrame) -> dict[tuple[str, str, int], By]:
    """Return what clients are told of the ports of workloads; plain text counts before TLS."""
    found = {}
    for row in rows_of(addresses.sort_values("tls", ascending=False, kind="stable")):
        place, address = row["place"], row["address"]
        asks = f"{place} asks for TLS at {address}: that shows neither what answers nor that its certificate is checked"
        by = By("unknown", asks) if row["tls"] else By("none", f"{place} asks without TLS at {address}")
        found[row["workload"], row["destination"], int(row["port"])] = by
    return found


def _ends(pods: pd.DataFrame, mesh_pods: pd.DataFrame) -> Mapping[str, list[Pod]]:
    """Return the pods of every workload that have not ended; those of a CronJob that has run stand for its next."""
    meshed = {row["pod"]: row for row in rows_of(mesh_pods)}
    found: dict[str, list[Pod]] = defaultdict(list)
    over: dict[str, list[Pod]] = defaultdict(list)
    for row in rows_of(pods):
        mesh = meshed.get(row["object"], {"mesh": "", "inside": False, "mode": "", "source": ""})
        inside = None if pd.isna(mesh["inside"]) else bool(mesh["inside"])
        pod = Pod(row["object"], row["node"], row["host_network"], mesh["mesh"], inside, mesh["mode"], mesh["source"])
        if row["object"] in meshed:
            found[row["workload"]].append(pod)
        elif row["workload"].startswith("CronJob/"):
            over[row["workload"]].append(pod._replace(node=""))
    return {**over, **found}


def _whole(asking: list[Pod], answering: list[Pod]) -> bool:
    """Tell whether every pod of both ends is in one and the same mesh."""
    meshes = {pod.mesh for pod in (*answering, *asking)}
    return bool(asking) and all(pod.inside for pod in (*answering, *asking)) and len(meshes) == 1


def _counted(ones: list[Pod], others: list[Pod], same: bool) -> tuple[int, int]:
    on, by = Counter(pod.node for pod in ones if pod.node), Counter(pod.node for pod in others if pod.node)
    shared = sum(count * by[node] for node, count in on.items())
    own = len(ones) if same else 0
    return len(ones) * len(others) - own, max(shared - own, 0)


def _client_settings(snapshot: Snapshot) -> dict[str, dict[str, By]]:
    """Return by workload the settings by which every container of every pod refuses to do without TLS."""
    given: dict[str, dict[str, list[tuple[str, bool]]]] = defaultdict(lambda: defaultdict(list))
    for view in pod_views(snapshot):
        for role, container in each_container(view):
            if role == "main":
                held = {text(each, "name"): text(each, "value") for each in items(container, "env")}
                for name, setting in CLIENT_SETTINGS.items():
                    given[view.workload][name].append((held.get(name, ""), _obeys(container, setting)))
    found: dict[str, dict[str, By]] = defaultdict(dict)
    for workload, settings in given.items():
        for name, each in settings.items():
            if all(value in CLIENT_SETTINGS[name].values for value, _ in each):
                words = f"{name} is {min(value for value, _ in each)}"
                known = all(obeys for _, obeys in each)
                found[workload][name] = (
                    By("app-tls", f"its client refuses to do without TLS: {words}")
                    if known
                    else By("unknown", f"{words}, which not every client obeys")
                )
    return found


def _obeys(container: Mapping[str, Any], setting: Setting) -> bool:
    """Tell whether a container's program is known to obey a setting, by the name and tag of its image."""
    image = parse_image(text(container, "image"))
    version = re.match(r"v?(\d{1,4})\.(\d{1,4})", image.tag)
    same = bool(setting.image) and image.repository.rpartition("/")[2] == setting.image
    return same and version is not None and (int(version[1]), int(version[2])) >= setting.since
