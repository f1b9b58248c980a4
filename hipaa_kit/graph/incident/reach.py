"""What those in question could reach: by what they hold, by rights, by becoming more, by connections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.incident.identities import Suspect
from hipaa_kit.graph.permissions.engine import Permissions
from hipaa_kit.graph.permissions.technique import CERTAIN
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.incident import INCIDENT_REACH
from hipaa_kit.tables.lookup import TableSet

MOUNTED: Final = ("PersistentVolumeClaim", "Secret", "ConfigMap")
FAR: Final = frozenset({"Cluster", "Node", "ServiceAccount", "Group", "User"})
"""Kinds that are told of even where they hold no ePHI: who becomes them may go on from there."""

TOKEN: Final = "kube-api-access-"
Row = dict[str, Any]


class Reach:
    """Everything that an identity could reach in one snapshot.

    Parameters
    ----------
    tables
        Tables of the snapshot.
    permissions, reachability
        What RBAC, and what the network, says of it.
    """

    def __init__(self, tables: TableSet, permissions: Permissions, reachability: Reachability) -> None:
        self.tables, self.permissions, self.reachability = tables, permissions, reachability
        ephi = tables["ephi_objects"]
        self.ephi = frozenset(ephi["object"])
        self.places = ephi_namespaces(ephi)
        pods = tables["pods"]
        self.pods: Mapping[str, str] = dict(zip(pods["object"], pods["service_account"], strict=True))
        self.nodes: Mapping[str, str] = dict(zip(pods["object"], pods["node"], strict=True))

    def of(self, suspects: Iterable[Suspect]) -> pd.DataFrame:
        """Return table `incident_reach` of those that were surely in hand."""
        names = sorted({each.identity for each in suspects if each.sure})
        return INCIDENT_REACH.frame(row for name in names for row in self._of(name))

    def _of(self, identity: str) -> Iterator[Row]:
        kind, _, _ = parse_object_id(identity)
        if kind == "Pod" and identity in self.pods:
            yield from self._held(identity)
            yield from self._connections(identity)
        elif kind != "Pod":
            yield from self._rights(identity)
        if kind != "Pod" or identity in self.pods:
            yield from self._further(identity)

    def _held(self, pod: str) -> Iterator[Row]:
        """Yield what is in the hands of whoever is in a pod."""
        volumes = self.tables["volumes"]
        mine = volumes[volumes["pod"] == pod]
        if mine["volume"].str.startswith(TOKEN).any() and self.pods[pod]:
            yield self._row(pod, "token", self.pods[pod], "its token is mounted", proof=pod)
        for volume, reference, path in zip(mine["volume"], mine["reference"], mine["host_path"], strict=True):
            if reference and parse_object_id(reference)[0] in MOUNTED:
                yield self._row(pod, "volume", reference, f"mounted as volume {volume}", proof=pod)
            elif path:
                node = f"Node//{self.nodes[pod] or '*'}"
                yield self._row(pod, "volume", node, f"its directory {path} is mounted", proof=pod)
        environment = self.tables["environment"]
        named = environment[(environment["pod"] == pod) & environment["origin"].isin(["Secret", "ConfigMap"])]
        for reference, names in named.groupby("reference")["name"]:
            how = f"in variables {', '.join(sorted(set(names)))}"
            yield self._row(pod, "environment", str(reference), how, proof=pod)

    def _rights(self, identity: str) -> Iterator[Row]:
        """Yield by which rights an identity, or a group it is in, reads or enters what is near ePHI."""
        access = self.tables["ephi_access"]
        groups = [f"Group//{each.name}" for each in self.permissions.requester(identity)[1:]]
        held: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for row in rows_of(access[access["object"].isin([identity, *groups])]):
            only = f" named {row['resource_names']}" if row["resource_names"] else ""
            for place in [row["scope"]] if row["scope"] else sorted(self.places):
                held[place, row["binding"], row["object"]].append(f"{row['verbs']} on {row['resource']}{only}")
        for (place, binding, holder), rights in held.items():
            through = "" if holder == identity else f", as a member of {holder}"
            how = f"{'; '.join(sorted(rights))}{through}"
            yield self._row(identity, "permission", f"Namespace//{place}", how, proof=binding)

    def _further(self, identity: str) -> Iterator[Row]:
        """Yield what an identity could become, and what it could reach as that."""
        found = self.permissions.closure(identity)
        for target, steps, confidence in found[["target", "steps", "confidence"]].itertuples(index=False):
            if not self._near(target) and parse_object_id(target)[0] not in FAR:
                continue
            how = "by the cheapest way that rights and pods open" if steps > 1 else "by one step that a right opens"
            sure = confidence == CERTAIN
            yield self._row(identity, "escalation", target, how, sure=sure, steps=int(steps))

    def _connections(self, pod: str) -> Iterator[Row]:
        """Yield to whom a pod may open a connection, with the ports."""
        if not self.reachability.places.known(pod):
            return
        flows = self.reachability.edges("workload", source=pod)
        ports: dict[tuple[str, bool], set[str]] = defaultdict(set)
        columns = ["destination", "protocol", "port_from", "port_to", "verdict"]
        for destination, protocol, first, last, verdict in flows[columns].itertuples(index=False):
            span = f"{first}" if first == last else f"{first}-{last}"
            ports[destination, verdict == "allowed"].add(f"{protocol} {span}")
        for (destination, sure), held in ports.items():
            how = f"a connection on {', '.join(sorted(held))}"
            yield self._row(pod, "network", destination, how, sure=sure)

    def _near(self, target: str) -> bool:
        kind, namespace, name = parse_object_id(target)
        if target in self.ephi or (kind == "Cluster" and name == "*"):
            return bool(self.places)
        return (namespace in self.places and name == "*") or (kind == "Namespace" and name in self.places)

    def _row(
        self, identity: str, way: str, target: str, how: str, *, sure: bool = True, steps: int = 1, proof: str = ""
    ) -> Row:
        ephi = self._near(target)
        named = {"identity": identity, "way": way, "target": target, "how": how, "ephi": ephi}
        return {**named, "sure": sure, "steps": steps, "proof": proof}
