"""By what addresses of Services clients are told to speak to the ports of workloads, and whether those ask for TLS."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pandas as pd

from hipaa_kit.inventory.fields import reference
from hipaa_kit.inventory.network import followed
from hipaa_kit.inventory.pods import pod_views
from hipaa_kit.kube.facts import SERVICE_ADDRESSES
from hipaa_kit.kube.service_addresses import known_address
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of


class Told(NamedTuple):
    """Whether a client is told to ask for TLS, and by which of its words."""

    tls: bool
    words: str


class ToldAddresses:
    """Answers by what address of a Service a workload is told to speak to one port of another.

    An address is what a client asks for: it shows neither that it is used nor what answers.
    """

    def __init__(
        self, snapshot: Snapshot, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame
    ) -> None:
        self._told: dict[tuple[str, str, int], set[Told]] = defaultdict(set)
        leads = _Leads(pods, services, service_targets)
        told = {
            (view.workload, view.namespace, place, fact)
            for view in pod_views(snapshot)
            for place, fact in view.facts.get(SERVICE_ADDRESSES, {}).items()
        }
        for workload, namespace, place, fact in told:
            address = known_address(fact)
            service = reference("Service", *address.service(namespace))
            for destination, port in leads.to(service, address.port):
                words = f"{place} asks {'for' if address.tls else 'without'} TLS at {address.words}"
                self._told[workload, destination, port].add(Told(address.tls, words))

    def of(self, source: str, destination: str, port: int) -> Told | None:
        """Return what a workload is told of a port of another; plain text counts before TLS, None is nothing."""
        return min(self._told.get((source, destination, port), ()), default=None)


class _Leads:
    """Where Services lead: the port of a headless one is the pod's own, as its name stands for the pods themselves.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """

    def __init__(self, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame) -> None:
        owner = dict(zip(pods["object"], pods["workload"], strict=True))
        self._followed = followed(services)
        self._headless = set(services.loc[services["headless"], "object"])
        self._ports: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
        self._workloads: dict[str, set[str]] = defaultdict(set)
        for row in rows_of(service_targets[service_targets["protocol"] == "TCP"]):
            workload = owner[row["pod"]]
            self._workloads[row["service"]].add(workload)
            self._ports[row["service"], int(row["port"])].add((workload, int(row["target_port"])))

    def to(self, service: str, port: int) -> set[tuple[str, int]]:
        """Return the workloads and their ports that a port of a Service leads to."""
        service = self._followed.get(service, service)
        if service in self._headless:
            return {(workload, port) for workload in self._workloads.get(service, ())}
        return self._ports.get((service, port), set())
