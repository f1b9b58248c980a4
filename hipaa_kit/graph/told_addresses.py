"""By what addresses of Services workloads are told to speak to the ports of others, and whether those ask for TLS.

An address is what a client asks for: it shows neither that it is used nor what answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import reference
from hipaa_kit.inventory.network import cluster_addresses, followed
from hipaa_kit.inventory.pods import POD_KINDS, pod_addresses, pod_views, selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import SERVICE_ADDRESSES
from hipaa_kit.kube.network.addresses import Block
from hipaa_kit.kube.service_addresses import ServiceAddress, known_address
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import TOLD_ADDRESSES


@builds(TOLD_ADDRESSES, reads=(kinds.SERVICE, *POD_KINDS), facts=[SERVICE_ADDRESSES])
def told_addresses(
    snapshot: Snapshot, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per address that containers of a workload are told, and per port of a workload that it leads to."""
    leads = _Leads(snapshot, pods, services, service_targets)
    told = {
        (view.workload, view.namespace, place, fact)
        for view in pod_views(snapshot)
        for place, fact in view.facts.get(SERVICE_ADDRESSES, {}).items()
    }
    for workload, namespace, place, fact in told:
        address = known_address(fact)
        for destination, port in leads.to(address, namespace):
            yield {
                "workload": workload,
                "place": place,
                "address": address.words,
                "tls": address.tls,
                "destination": destination,
                "port": port,
            }


class _Leads:
    """Where addresses lead: the port of a headless Service is the pod's own, as its name stands for the pods.

    An address of a node leads to all pods on its network: which of them listens on a port is not asked here.
    Source: https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """

    def __init__(
        self, snapshot: Snapshot, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame
    ) -> None:
        owner = dict(zip(pods["object"], pods["workload"], strict=True))
        self._followed = followed(services)
        self._headless = set(services.loc[services["headless"], "object"])
        self._ports: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
        self._workloads: dict[str, set[str]] = defaultdict(set)
        for row in rows_of(service_targets[service_targets["protocol"] == "TCP"]):
            workload = owner[row["pod"]]
            self._workloads[row["service"]].add(workload)
            self._ports[row["service"], int(row["port"])].add((workload, int(row["target_port"])))
        self._services: dict[Block, str] = {
            block: record.object for record in snapshot.records(kinds.SERVICE) for block in cluster_addresses(record)
        }
        self._holders: dict[Block, set[str]] = defaultdict(set)
        running = set(selectable(pods)["object"])
        for view in pod_views(snapshot):
            for block in pod_addresses(view.content) if view.object in running else ():
                self._holders[block].add(view.workload)

    def to(self, address: ServiceAddress, namespace: str) -> set[tuple[str, int]]:
        """Return the workloads and their ports that an address leads to for a pod of a namespace."""
        block = address.block
        if block is None:
            return self._behind(reference("Service", *address.service(namespace)), address.port)
        if block in self._services:
            return self._behind(self._services[block], address.port)
        return {(workload, address.port) for workload in self._holders.get(block, ())}

    def _behind(self, service: str, port: int) -> set[tuple[str, int]]:
        service = self._followed.get(service, service)
        if service in self._headless:
            return {(workload, port) for workload in self._workloads.get(service, ())}
        return self._ports.get((service, port), set())
